/* SPDX-License-Identifier: MIT */
#include "kernels/disentune.h"

#include <criterion/criterion.h>

Test(problem, canonical_text_is_a_fixed_point)
{
    const char *text = "b1 h12 q512 k512 d64 log:256:512 c2p+p2c f32 hf mask:none";
    struct dt_problem problem;
    char printed[DT_PROBLEM_TEXT_MAX];
    cr_assert_eq(dt_problem_parse(text, &problem, NULL), DT_OK);
    cr_assert_str_eq(dt_problem_print(&problem, printed), text);
}
