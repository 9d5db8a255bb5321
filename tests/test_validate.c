/* SPDX-License-Identifier: MIT */
#include "tests/mutants.h"
#include "tuner/abi.h"
#include "tuner/guard.h"
#include "tuner/validate.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct dt_validate_options full = {.seed = 1, .level = DT_VALIDATE_FULL};

/* Over the edge problems and tiles up to the first failure. False with a reason on an error. */
static bool over_edges(const struct dt_variant *variant, struct dt_verdict *sum)
{
    const struct dt_problem *problems;
    const size_t count = dt_validate_edge_problems(variant->op, &problems);
    struct dt_tile tiles[DT_VALIDATE_TILES];
    const size_t tile_count = dt_validate_tiles(variant, tiles);
    *sum = (struct dt_verdict){.passed = true};
    for (size_t p = 0; p < count && sum->passed; p++)
        for (size_t t = 0; t < tile_count && sum->passed; t++) {
            struct dt_verdict verdict;
            struct dt_error error;
            enum dt_status status =
                dt_validate_variant(variant, &problems[p], &tiles[t], &full, &verdict, &error);
            if (status == DT_UNSUPPORTED)
                continue;
            if (status) {
                snprintf(sum->reason, sizeof sum->reason, "error: %s", error.text);
                return false;
            }
            dt_verdict_add(sum, &verdict);
        }
    return true;
}

Test(validate, mutants_are_caught_and_their_frames_pass)
{
    const struct mutant *mutant;
    char wrong[8192] = "";
    for (size_t n = 0; (mutant = mutant_at(n)); n++) {
        struct dt_verdict verdict;
        const bool whole = over_edges(&mutant->variant, &verdict);
        const bool as_expected =
            whole && (mutant->symptom ? !verdict.passed && strstr(verdict.reason, mutant->symptom)
                                      : verdict.passed);
        if (!as_expected)
            snprintf(wrong + strlen(wrong), sizeof wrong - strlen(wrong), "\n%s: %s",
                     mutant->variant.name, verdict.passed ? "passed" : verdict.reason);
    }
    cr_assert_str_empty(wrong, "not judged as they should be:%s", wrong);
}

Test(validate, a_reason_names_all_that_is_needed_to_repeat_it)
{
    struct dt_verdict verdict;
    const struct mutant *mutant;
    size_t n = 0;
    while ((mutant = mutant_at(n)) && !strstr(mutant->variant.name, "paper_sign"))
        n++;
    cr_assert(over_edges(&mutant->variant, &verdict) && !verdict.passed);
    const char *parts[] = {"bias.mutant.paper_sign",
                           "\"b1 h1 q",
                           "tile 0x0",
                           "seed 1",
                           "scores[",
                           "expected",
                           "within",
                           NULL};
    const char *missing = NULL;
    for (size_t p = 0; parts[p]; p++)
        if (!strstr(verdict.reason, parts[p]))
            missing = parts[p];
    cr_assert_null(missing, "\"%s\" lacks \"%s\"", verdict.reason, missing);
}

Test(validate, variants_of_this_cpu_pass)
{
    const struct dt_variant *variant;
    char wrong[4096] = "";
    size_t judged = 0;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++) {
        struct dt_verdict verdict;
        if (!over_edges(variant, &verdict) || !verdict.passed)
            snprintf(wrong + strlen(wrong), sizeof wrong - strlen(wrong), "\n%s", verdict.reason);
        judged += verdict.compared > 0;
    }
    cr_assert_str_empty(wrong, "%s", wrong);
    cr_assert_geq(judged, 3, "only %zu variants were compared", judged);
}

Test(validate, worst_error_is_reported_in_units_of_the_bound)
{
    struct dt_problem problem;
    struct dt_verdict verdict;
    const struct dt_variant *scalar = dt_variant_find("bias.scalar.plain");
    struct dt_variant strict = *scalar;
    strict.error_eps = scalar->error_eps / 4;
    dt_problem_parse("n33 log:16:64", &problem, NULL);
    cr_assert_eq(dt_validate_variant(scalar, &problem, &(struct dt_tile){0}, &full, &verdict, NULL),
                 DT_OK);
    cr_assert(verdict.passed && verdict.worst > 0.1 && verdict.worst <= 1);
    cr_assert_eq(
        dt_validate_variant(&strict, &problem, &(struct dt_tile){0}, &full, &verdict, NULL), DT_OK);
    cr_assert(!verdict.passed && verdict.worst > 1);
}

Test(validate, refuses_what_it_cannot_judge)
{
    struct dt_problem problem;
    struct dt_verdict verdict = {0};
    struct dt_error error = {0};
    struct dt_variant variant = *dt_variant_find("bias.scalar.plain");
    dt_problem_parse("n8 linear:4 none", &problem, NULL);
    cr_assert_eq(
        dt_validate_variant(&variant, &problem, &(struct dt_tile){0}, &full, &verdict, &error),
        DT_UNSUPPORTED);
    problem.terms = DT_C2P;
    variant.rows_multiple = 4;
    cr_assert_eq(
        dt_validate_variant(&variant, &problem, &(struct dt_tile){3, 0}, &full, &verdict, &error),
        DT_INVALID);
    problem.nk = 0;
    cr_assert_eq(
        dt_validate_variant(&variant, &problem, &(struct dt_tile){0}, &full, &verdict, &error),
        DT_INVALID);
}

Test(validate, tiles_are_multiples_without_repetition)
{
    struct dt_variant variant = *dt_variant_find("bias.scalar.plain");
    struct dt_tile tiles[DT_VALIDATE_TILES];
    bool right = true;
    for (int32_t rows = 0; rows <= 16; rows++)
        for (int32_t cols = 0; cols <= 16; cols++) {
            variant.rows_multiple = rows;
            variant.cols_multiple = cols;
            const size_t count = dt_validate_tiles(&variant, tiles);
            right &= count >= 1;
            for (size_t t = 0; t < count; t++) {
                right &= rows ? tiles[t].rows % rows == 0 : tiles[t].rows == 0;
                right &= cols ? tiles[t].cols % cols == 0 : tiles[t].cols == 0;
                for (size_t u = 0; u < t; u++)
                    right &= tiles[t].rows != tiles[u].rows || tiles[t].cols != tiles[u].cols;
            }
        }
    cr_assert(right);
}

Test(guard, places_at_pages_and_sees_every_byte_of_padding)
{
    struct dt_guard guard;
    bool right = true;
    cr_assert_eq(dt_guard_init(&guard, 7 * 100, NULL), DT_OK);
    for (int side = DT_GUARD_AFTER; side <= DT_GUARD_BEFORE; side++)
        for (size_t gap = 0; gap <= 64; gap += 4) {
            unsigned char *data = dt_guard_place(&guard, 7, 60, 100, gap, (enum dt_guard_side)side);
            const size_t extent = 6 * 100 + 60;
            ptrdiff_t offset = 0;
            right &= side == DT_GUARD_BEFORE ? data == guard.room + gap
                                             : data + extent + gap == guard.room + guard.room_bytes;
            right &= dt_guard_intact(&guard, &offset);
            for (unsigned char *at = guard.room; at < guard.room + guard.room_bytes; at++) {
                const ptrdiff_t where = at - data;
                const bool element = where >= 0 && where < (ptrdiff_t)extent && where % 100 < 60;
                const unsigned char was = *at;
                *at ^= 1;
                right &= dt_guard_intact(&guard, &offset) == element;
                right &= element || offset == where;
                *at = was;
            }
        }
    dt_guard_clear(&guard);
    cr_assert(right);
}

Test(guard, refuses_what_does_not_fit)
{
    struct dt_guard guard;
    struct dt_error error = {0};
    cr_assert_eq(dt_guard_init(&guard, SIZE_MAX - 100, &error), DT_NO_MEMORY);
    cr_assert_eq(dt_guard_init(&guard, (size_t)1 << 60, &error), DT_NO_MEMORY);
    cr_assert(strlen(error.text) > 0);
}
