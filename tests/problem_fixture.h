/* SPDX-License-Identifier: MIT */
#ifndef DISENTUNE_PROBLEM_FIXTURE_H
#define DISENTUNE_PROBLEM_FIXTURE_H

#include "kernels/disentune.h"

#include <criterion/criterion.h>

static inline struct dt_problem problem_of(const char *text)
{
    struct dt_problem problem;
    struct dt_error error;
    cr_assert_eq(dt_problem_parse(text, &problem, &error), DT_OK, "%s", error.text);
    return problem;
}

#endif
