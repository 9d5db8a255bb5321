/* SPDX-License-Identifier: MIT */
/* Problem text: what was read is in range, and its canonical text reads as the same problem. */
#include "tests/fuzz/fuzz.h"

static bool same(const struct dt_problem *a, const struct dt_problem *b)
{
    return a->batch == b->batch && a->heads == b->heads && a->nq == b->nq && a->nk == b->nk &&
           a->dim == b->dim && a->bucket == b->bucket && a->span == b->span &&
           a->max_position == b->max_position && a->terms == b->terms && a->dtype == b->dtype &&
           a->dialect == b->dialect && a->mask == b->mask && a->layout == b->layout;
}

static void check_round_trip(const struct dt_problem *problem)
{
    char text[DT_PROBLEM_TEXT_MAX], again[DT_PROBLEM_TEXT_MAX];
    struct dt_problem read;
    fuzz_require(!dt_problem_check(problem, NULL));
    dt_problem_print(problem, text);
    fuzz_require(!dt_problem_parse(text, &read, NULL));
    fuzz_require(same(problem, &read));
    fuzz_require(strcmp(dt_problem_print(&read, again), text) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct dt_problem untouched = {.batch = -1};
    struct dt_problem problem = untouched;
    struct dt_error error = {0};
    char *text = strndup((const char *)data, size);
    if (!text)
        return 0;
    enum dt_status status = dt_problem_parse(text, &problem, &error);
    if (status) {
        fuzz_require(status == DT_INVALID && same(&problem, &untouched));
        fuzz_require_error(status, &error);
    } else {
        check_round_trip(&problem);
    }
    free(text);
    return 0;
}
