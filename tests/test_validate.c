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

/* All choices on one problem up to the first failure. */
static enum dt_status over_choices(const struct dt_variant *variant,
                                   const struct dt_problem *problem, struct dt_verdict *sum,
                                   struct dt_error *error)
{
    struct dt_validator *validator;
    enum dt_status status = dt_validate_open(variant->op, problem, &full, &validator, error);
    if (status)
        return status;
    const struct dt_delta *delta = dt_validate_delta(validator);
    struct dt_choice choices[DT_VALIDATE_CHOICES];
    const size_t count = dt_variant_applies(variant, variant->op, problem, delta)
                             ? dt_validate_choices(variant, problem, delta, choices)
                             : 0;
    for (size_t n = 0; n < count && !status && sum->passed; n++) {
        struct dt_verdict verdict;
        status = dt_validate_run(validator, &choices[n], &verdict, error);
        if (!status)
            dt_verdict_add(sum, &verdict);
    }
    dt_validate_close(validator);
    return status;
}

/* Over the edge problems and choices up to the first failure. False with a reason on an error. */
static bool over_edges(const struct dt_variant *variant, struct dt_verdict *sum)
{
    const struct dt_problem *problems;
    const size_t count = dt_validate_edge_problems(variant->op, &problems);
    *sum = (struct dt_verdict){.passed = true};
    for (size_t p = 0; p < count && sum->passed; p++) {
        struct dt_error error;
        enum dt_status status = over_choices(variant, &problems[p], sum, &error);
        if (status && status != DT_UNSUPPORTED) {
            snprintf(sum->reason, sizeof sum->reason, "error: %s", error.text);
            return false;
        }
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

Test(validate, worst_error_is_reported_in_units_of_the_bound)
{
    struct dt_problem problem;
    struct dt_verdict verdict;
    const struct dt_variant *scalar = dt_variant_find("bias.scalar.plain");
    struct dt_variant strict = *scalar;
    strict.error_eps = scalar->error_eps / 4;
    dt_problem_parse("n33 log:16:64", &problem, NULL);
    struct dt_choice choice = {.variant = scalar};
    cr_assert_eq(dt_validate_choice(&choice, &problem, &full, &verdict, NULL), DT_OK);
    cr_assert(verdict.passed && verdict.worst > 0.1 && verdict.worst <= 1);
    choice.variant = &strict;
    cr_assert_eq(dt_validate_choice(&choice, &problem, &full, &verdict, NULL), DT_OK);
    cr_assert(!verdict.passed && verdict.worst > 1);
}

Test(validate, refuses_what_it_cannot_judge)
{
    struct dt_problem problem;
    struct dt_verdict verdict = {0};
    struct dt_error error = {0};
    struct dt_variant variant = *dt_variant_find("bias.scalar.plain");
    struct dt_choice choice = {.variant = &variant};
    dt_problem_parse("n8 linear:4 none", &problem, NULL);
    cr_assert_eq(dt_validate_choice(&choice, &problem, &full, &verdict, &error), DT_UNSUPPORTED);
    problem.terms = DT_C2P;
    variant.rows_multiple = 4;
    choice.tile.rows = 3;
    cr_assert_eq(dt_validate_choice(&choice, &problem, &full, &verdict, &error), DT_INVALID);
    problem.nk = 0;
    cr_assert_eq(dt_validate_choice(&choice, &problem, &full, &verdict, &error), DT_INVALID);
}

static bool sides_fit(const struct dt_variant *v, const struct dt_choice *c)
{
    return (v->rows_multiple ? c->tile.rows % v->rows_multiple == 0 : c->tile.rows == 0) &&
           (v->cols_multiple ? c->tile.cols % v->cols_multiple == 0 : c->tile.cols == 0);
}

static bool differ(const struct dt_choice *choices, size_t count)
{
    for (size_t n = 0; n < count; n++)
        for (size_t other = 0; other < n; other++)
            if (memcmp(&choices[n], &choices[other], sizeof *choices) == 0)
                return false;
    return true;
}

Test(validate, choices_are_multiples_without_repetition)
{
    struct dt_variant variant = *dt_variant_find("bias.scalar.plain");
    struct dt_choice choices[DT_VALIDATE_CHOICES];
    struct dt_problem problem;
    struct dt_delta delta;
    dt_problem_parse("n33 log:16:64", &problem, NULL);
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    bool right = true;
    for (int32_t rows = 0; rows <= 16; rows++)
        for (int32_t cols = 0; cols <= 16; cols++) {
            variant.rows_multiple = rows;
            variant.cols_multiple = cols;
            const size_t count = dt_validate_choices(&variant, &problem, &delta, choices);
            right &= count >= 1 && differ(choices, count);
            for (size_t t = 0; t < count; t++)
                right &= sides_fit(&variant, &choices[t]);
        }
    dt_delta_clear(&delta);
    cr_assert(right);
}

static bool occurs(const struct dt_choice *choices, size_t count, const struct dt_variant *part)
{
    for (size_t n = 0; n < count; n++)
        if (choices[n].gemm == part || choices[n].softmax == part || choices[n].bias == part)
            return true;
    return false;
}

static bool is_part(const struct dt_variant *variant, const struct dt_problem *problem,
                    const struct dt_delta *delta)
{
    return (variant->op == DT_OP_GEMM || variant->op == DT_OP_SOFTMAX ||
            variant->op == DT_OP_BIAS) &&
           dt_variant_applies(variant, variant->op, problem, delta);
}

Test(validate, every_part_occurs_with_every_attention)
{
    const struct dt_problem *problems;
    const size_t count = dt_validate_edge_problems(DT_OP_ATTENTION, &problems);
    const struct dt_variant *variant, *part;
    char missing[512] = "";
    enum { PARTS = 512 };
    for (size_t v = 0; (variant = dt_variant_at(v)); v++) {
        bool applied[PARTS] = {false}, seen[PARTS] = {false};
        for (size_t p = 0; variant->strategy != DT_DIRECT && p < count; p++) {
            struct dt_choice choices[DT_VALIDATE_CHOICES];
            struct dt_delta delta;
            cr_assert_eq(dt_delta_init(&delta, &problems[p], NULL), DT_OK);
            const size_t chosen = dt_variant_applies(variant, variant->op, &problems[p], &delta)
                                      ? dt_validate_choices(variant, &problems[p], &delta, choices)
                                      : 0;
            for (size_t n = 0; chosen && (part = dt_variant_at(n)) && n < PARTS; n++) {
                applied[n] |= dt_part_fits(variant, part) && is_part(part, &problems[p], &delta);
                seen[n] |= occurs(choices, chosen, part);
            }
            dt_delta_clear(&delta);
        }
        for (size_t n = 0; (part = dt_variant_at(n)) && n < PARTS; n++)
            if (applied[n] && !seen[n])
                snprintf(missing, sizeof missing, "%s with %s", part->name, variant->name);
    }
    cr_assert_str_empty(missing, "never verified: %s", missing);
}

/* Places 7 rows, fills them and changes every byte of the room, one at a time. */
static bool sees_padding(struct dt_guard *guard, size_t row, size_t stride, size_t gap,
                         enum dt_guard_side side)
{
    const size_t extent = 6 * stride + row;
    unsigned char *data = dt_guard_place(guard, 7, row, stride, gap, side);
    unsigned char *const end = guard->room + guard->room_bytes;
    ptrdiff_t offset = 0;
    bool right = side == DT_GUARD_BEFORE ? data == guard->room + gap : data + extent + gap == end;
    for (size_t r = 0; r < 7; r++)
        memset(data + r * stride, 0xee, row);
    right &= dt_guard_intact(guard, &offset);
    for (unsigned char *at = guard->room; at < end; at++) {
        const ptrdiff_t where = at - data;
        const bool element =
            where >= 0 && where < (ptrdiff_t)extent && (size_t)where % stride < row;
        const unsigned char was = *at;
        *at ^= 1;
        right &= dt_guard_intact(guard, &offset) == element;
        right &= element || offset == where;
        *at = was;
    }
    return right;
}

Test(guard, places_at_pages_and_sees_every_byte_of_padding)
{
    static const size_t shapes[][2] = {{60, 100}, {59, 59}, {3, 5}, {1, 1}, {50, 51}};
    struct dt_guard guard;
    bool right = true;
    cr_assert_eq(dt_guard_init(&guard, 7 * 100, NULL), DT_OK);
    for (int side = DT_GUARD_AFTER; side <= DT_GUARD_BEFORE; side++)
        for (size_t n = 0; n < sizeof shapes / sizeof *shapes; n++)
            for (size_t gap = 0; gap <= 64; gap += n ? 7 : 4)
                right &=
                    sees_padding(&guard, shapes[n][0], shapes[n][1], gap, (enum dt_guard_side)side);
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
