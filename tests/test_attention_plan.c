/* SPDX-License-Identifier: MIT */
/* dt_attention() as a program calls it. */
#include "kernels/error.h"
#include "kernels/plan.h"
#include "reports/stats.h"
#include "tests/problem_fixture.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS = 3, DIM = 24, SPAN = 16, SLOTS = 2 * SPAN, LONGEST = 130, BATCH = 2 };
enum { TOKENS = BATCH * HEADS * LONGEST * DIM, POSITIONS = HEADS * SLOTS * DIM };

static float q[TOKENS], k[TOKENS], v[TOKENS], kr[POSITIONS], qr[POSITIONS];
static float out[TOKENS], other[TOKENS];

static void fill(float *x, size_t count, uint64_t seed)
{
    for (size_t n = 0; n < count; n++)
        x[n] = (float)(int32_t)(dt_random(&seed) >> 32) * 0x1p-31f;
}

static struct dt_problem open_problem(const char *text)
{
    fill(q, TOKENS, 1);
    fill(k, TOKENS, 2);
    fill(v, TOKENS, 3);
    fill(kr, POSITIONS, 4);
    fill(qr, POSITIONS, 5);
    return problem_of(text);
}

static struct dt_positions *pack(const struct dt_problem *problem)
{
    struct dt_positions *positions = NULL;
    cr_assert_eq(
        dt_positions_pack(problem, kr, SLOTS * DIM, DIM, qr, SLOTS * DIM, DIM, &positions, NULL),
        DT_OK);
    return positions;
}

static struct dt_plan *plan_for(const struct dt_problem *problem, int threads)
{
    struct dt_plan *plan = NULL;
    struct dt_error error;
    cr_assert_eq(dt_attention_plan(problem, NULL, threads, &plan, &error), DT_OK, "%s", error.text);
    cr_assert_eq(dt_plan_reserve(plan, 1, &error), DT_OK, "%s", error.text);
    return plan;
}

/* [batch][heads][n][dim] or, interleaved, [batch][n][heads][dim]. */
static struct dt_attention operands(const struct dt_problem *p,
                                    const struct dt_positions *positions, bool interleaved,
                                    float *to)
{
    const ptrdiff_t batch = (ptrdiff_t)p->heads * p->nq * DIM;
    const ptrdiff_t head = interleaved ? DIM : (ptrdiff_t)p->nq * DIM;
    const ptrdiff_t row = interleaved ? p->heads * DIM : DIM;
    return (struct dt_attention){
        .q = q,
        .q_batch = batch,
        .q_head = head,
        .q_row = row,
        .k = k,
        .k_batch = batch,
        .k_head = head,
        .k_row = row,
        .v = v,
        .v_batch = batch,
        .v_head = head,
        .v_row = row,
        .out = to,
        .out_batch = batch,
        .out_head = head,
        .out_row = row,
        .positions = positions,
    };
}

Test(attention_plan, bits_do_not_depend_on_threads)
{
    const struct dt_problem p = open_problem("b2 h3 n130 d24 log:16:40");
    struct dt_positions *positions = pack(&p);
    const int counts[] = {1, 2, 3, 7};
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++) {
        struct dt_plan *plan = plan_for(&p, counts[n]);
        const struct dt_attention o = operands(&p, positions, false, n ? other : out);
        cr_assert_eq(dt_attention(plan, &o), DT_OK);
        cr_expect(n == 0 || memcmp(out, other, sizeof out) == 0, "%d threads", counts[n]);
        dt_plan_free(plan);
    }
    cr_expect(isfinite(out[0]) && out[0] != 0 && out[TOKENS - 1] != 0);
    dt_positions_free(positions);
}

Test(attention_plan, strides_take_both_orders_of_heads_and_tokens)
{
    const struct dt_problem p = open_problem("b2 h3 n130 d24 log:16:40");
    struct dt_positions *positions = pack(&p);
    struct dt_plan *plan = plan_for(&p, 1);
    static float dense[3][TOKENS];
    struct dt_attention o = operands(&p, positions, true, other);
    cr_assert_eq(dt_attention(plan, &o), DT_OK);
    float *const from[] = {q, k, v};
    size_t differ = 0, at = 0;
    for (int x = 0; x < 3; x++)
        for (int b = 0; b < BATCH; b++)
            for (int h = 0; h < HEADS; h++)
                for (int i = 0; i < LONGEST; i++)
                    memcpy(&dense[x][((b * HEADS + h) * LONGEST + i) * DIM],
                           &from[x][((b * LONGEST + i) * HEADS + h) * DIM], DIM * sizeof(float));
    o = operands(&p, positions, false, out);
    o.q = dense[0];
    o.k = dense[1];
    o.v = dense[2];
    cr_assert_eq(dt_attention(plan, &o), DT_OK);
    for (int b = 0; b < BATCH; b++)
        for (int h = 0; h < HEADS; h++)
            for (int i = 0; i < LONGEST; i++, at += DIM)
                differ += memcmp(&out[at], &other[((b * LONGEST + i) * HEADS + h) * DIM],
                                 DIM * sizeof(float)) != 0;
    cr_expect_eq(differ, 0, "%zu rows differ", differ);
    dt_plan_free(plan);
    dt_positions_free(positions);
}

Test(attention_plan, positions_serve_every_length_and_batch)
{
    const struct dt_problem one = open_problem("h3 n1 d24 log:16:40");
    const struct dt_problem p = problem_of("b2 h3 n130 d24 log:16:40");
    struct dt_positions *small = pack(&one), *large = pack(&p);
    struct dt_plan *plan = plan_for(&p, 1);
    const struct dt_attention a = operands(&p, small, false, out);
    const struct dt_attention b = operands(&p, large, false, other);
    cr_expect_eq(dt_attention(plan, &a), DT_OK);
    cr_expect_eq(dt_attention(plan, &b), DT_OK);
    cr_expect_eq(memcmp(out, other, sizeof out), 0);
    dt_plan_free(plan);
    dt_positions_free(small);
    dt_positions_free(large);
}

Test(attention_plan, what_does_not_fit_is_refused_before_anything_is_written)
{
    static const char *const strangers[] = {"h2 n130 d24 log:16:40", "h3 n130 d16 log:16:40",
                                            "h3 n130 d24 log:8:40", "h3 n130 d24 log:16:40 c2p"};
    const struct dt_problem p = open_problem("b1 h3 n130 d24 log:16:40");
    struct dt_positions *positions = pack(&p);
    struct dt_plan *plan = plan_for(&p, 1);
    void *workspace = malloc(dt_plan_workspace(plan));
    for (size_t n = 0; n < sizeof strangers / sizeof *strangers; n++) {
        const struct dt_problem stranger = problem_of(strangers[n]);
        struct dt_positions *wrong = pack(&stranger);
        struct dt_attention o = operands(&p, wrong, false, out);
        cr_expect_eq(dt_attention(plan, &o), DT_INVALID, "%s", strangers[n]);
        o.workspace = workspace;
        cr_expect_eq(dt_attention(plan, &o), DT_INVALID, "%s, plain", strangers[n]);
        dt_positions_free(wrong);
    }
    struct dt_attention o = operands(&p, NULL, false, out);
    cr_expect_eq(dt_attention(plan, &o), DT_INVALID, "positions are missing");
    o.workspace = workspace;
    cr_expect_eq(dt_attention(plan, &o), DT_INVALID, "positions are missing in a plain call");
    o.workspace = NULL;
    o.positions = positions;
    o.segment_count = 2;
    o.segments = (const int32_t[]){0, 40, 129};
    cr_expect_eq(dt_attention(plan, &o), DT_INVALID, "a token is left over");
    o.segments = (const int32_t[]){0, 140, 130};
    cr_expect_eq(dt_attention(plan, &o), DT_INVALID, "a segment ends before it begins");
    o.segments = (const int32_t[]){5, 40, 130};
    cr_expect_eq(dt_attention(plan, &o), DT_INVALID, "the first tokens belong to none");
    cr_expect_eq(out[0], 0, "something was written");
    o.segments = (const int32_t[]){0, 40, 130};
    cr_expect_eq(dt_attention(plan, &o), DT_OK);
    cr_expect_neq(out[0], 0);
    free(workspace);
    dt_plan_free(plan);
    dt_positions_free(positions);
}

Test(attention_plan, workspaces_are_the_callers_or_reserved)
{
    const struct dt_problem p = open_problem("b2 h3 n130 d24 log:16:40");
    struct dt_positions *positions = pack(&p);
    struct dt_plan *plan = NULL;
    struct dt_error error;
    cr_assert_eq(dt_attention_plan(&p, NULL, 1, &plan, &error), DT_OK);
    struct dt_attention o = operands(&p, positions, false, out);
    cr_expect_eq(dt_attention(plan, &o), DT_NO_MEMORY);
    const size_t bytes = dt_plan_workspace(plan);
    unsigned char *own = malloc(bytes + 8);
    memset(own, 0xa5, bytes + 8);
    o.workspace = own + 3;
    cr_expect_eq(dt_attention(plan, &o), DT_OK);
    cr_expect(own[2] == 0xa5 && own[bytes + 3] == 0xa5, "wrote beside the workspace");
    cr_expect_eq(dt_plan_reserve(plan, -1, &error), DT_INVALID);
    cr_expect_eq(dt_plan_reserve(plan, 1, &error), DT_OK);
    o.workspace = NULL;
    o.out = other;
    cr_expect_eq(dt_attention(plan, &o), DT_OK);
    cr_expect_eq(memcmp(out, other, sizeof out), 0);
    cr_expect_eq(dt_attention(plan, &o), DT_OK, "the reserved workspace is not given back");
    free(own);
    dt_plan_free(plan);
    dt_positions_free(positions);
}

Test(attention_plan, segments_are_told_apart_in_either_workspace)
{
    enum { END = HEADS * LONGEST * DIM };
    const struct dt_problem p = open_problem("h3 n130 d24 log:16:40");
    struct dt_positions *positions = pack(&p);
    struct dt_plan *plan = plan_for(&p, 1);
    struct dt_attention o = operands(&p, positions, false, out);
    void *own = malloc(dt_plan_workspace(plan));
    o.segment_count = 2;
    o.segments = (const int32_t[]){0, 40, 130};
    cr_assert_eq(dt_attention(plan, &o), DT_OK);
    o.workspace = own;
    o.out = other;
    cr_assert_eq(dt_attention(plan, &o), DT_OK);
    cr_expect_eq(memcmp(out, other, END * sizeof *out), 0);
    o.segments = (const int32_t[]){0, 40, 129};
    cr_expect_eq(dt_attention(plan, &o), DT_INVALID);
    o.segments = NULL;
    cr_assert_eq(dt_attention(plan, &o), DT_OK);
    cr_expect_neq(memcmp(out, other, END * sizeof *out), 0, "segments change nothing");
    free(own);
    dt_plan_free(plan);
    dt_positions_free(positions);
}

Test(attention_plan, threads_are_in_range)
{
    const struct dt_problem p = open_problem("h3 n8 d24 log:16:40");
    struct dt_plan *plan = NULL;
    struct dt_error error;
    cr_expect_eq(dt_attention_plan(&p, NULL, -1, &plan, &error), DT_INVALID);
    cr_expect_eq(dt_attention_plan(&p, NULL, 1 << 20, &plan, &error), DT_INVALID);
    cr_expect_null(plan);
    cr_assert_eq(dt_attention_plan(&p, NULL, 0, &plan, &error), DT_OK, "%s", error.text);
    dt_plan_free(plan);
}

Test(attention_plan, forced_by_the_environment)
{
    static const struct {
        const char *force, *part;
    } cases[] = {
        {"attention:attention.scalar.plain", "attention.scalar.plain tile 0x0, forced"},
        {"bias:bias.scalar.plain", "built-in heuristic"},
        {"attention:bias.scalar.plain", "no such variant of attention"},
        {"attention:", "no such variant of attention"},
    };
    const struct dt_problem problem = problem_of("h3 n20 d24 log:16:32");
    unsetenv("DISENTUNE_TABLE");
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_plan *plan = NULL;
        struct dt_error error = {0};
        setenv("DISENTUNE_FORCE", cases[n].force, 1);
        const enum dt_status status = dt_attention_plan(&problem, NULL, 1, &plan, &error);
        const char *text = status ? error.text : dt_plan_text(plan);
        cr_expect_not_null(strstr(text, cases[n].part), "%s: %s", cases[n].force, text);
        dt_plan_free(plan);
    }
}

/* Any choice can be forced by its own text. */
Test(attention_plan, forced_with_all_parts)
{
    const struct dt_problem problem = problem_of("h3 n20 d24 log:16:32");
    struct dt_delta delta;
    struct dt_choice choice, forced_choice;
    char value[DT_CHOICE_TEXT_MAX], got[DT_CHOICE_TEXT_MAX], wanted[DT_CHOICE_TEXT_MAX];
    bool forced;
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    cr_assert_eq(dt_choice_heuristic(DT_OP_ATTENTION, &problem, &delta, &choice, NULL), DT_OK);
    if (!dt_choice_has_parts(&choice))
        cr_skip_test("no attention made of parts runs on this CPU");
    choice.tile = (struct dt_tile){16, 32};
    choice.chunk = 48;
    static const enum dt_op parts[] = {DT_OP_GEMM, DT_OP_BIAS, DT_OP_SOFTMAX};
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++) {
        const struct dt_variant *variant;
        for (size_t at = 0; (variant = dt_variant_at(at)); at++)
            if (variant->op == parts[n])
                *dt_choice_part(&choice, parts[n]) = variant;
        setenv("DISENTUNE_FORCE", dt_choice_print_forced(&choice, value), 1);
        cr_assert_eq(
            dt_choice_forced(DT_OP_ATTENTION, &problem, &delta, &forced, &forced_choice, NULL),
            DT_OK, "%s", value);
        cr_expect(forced);
        cr_expect_str_eq(dt_choice_print(&forced_choice, got), dt_choice_print(&choice, wanted));
    }
    dt_delta_clear(&delta);
}

Test(attention_plan, forced_with_wrong_parts)
{
    static const char *const wrong[] = {
        "attention:attention.scalar.plain:0x0x16",
        "attention:attention.scalar.plain:bias.scalar.plain",
        "attention:attention.avx2.active-rows:16x32x24",
        "attention:attention.avx2.active-rows:16x32x",
        "attention:attention.avx2.active-rows:bias.none.such",
        "attention:attention.avx2.active-rows:bias.scalar.plain:bias.scalar.plain",
        "attention:attention.avx2.active-rows:attention.scalar.plain",
        "attention:attention.avx2.active-rows:bias.scalar.plain:",
    };
    const struct dt_problem problem = problem_of("h3 n20 d24 log:16:32");
    for (size_t n = 0; n < sizeof wrong / sizeof *wrong; n++) {
        struct dt_plan *plan = NULL;
        struct dt_error error = {0};
        setenv("DISENTUNE_FORCE", wrong[n], 1);
        cr_expect_eq(dt_attention_plan(&problem, NULL, 1, &plan, &error), DT_INVALID, "%s",
                     wrong[n]);
        cr_expect_not_null(strstr(error.text, "DISENTUNE_FORCE is "), "%s", error.text);
    }
}

/* The parts that the variable does not name are those that the heuristic would take. */
Test(attention_plan, forced_with_a_tile_has_all_parts)
{
    static const char *const forces[] = {"attention:attention.avx2.banded-online:16x32",
                                         "attention:attention.neon.banded-online:16x32"};
    const struct dt_problem problem = problem_of("h3 n20 d24 log:16:32");
    size_t planned = 0;
    for (size_t n = 0; n < sizeof forces / sizeof *forces; n++) {
        struct dt_plan *plan = NULL;
        setenv("DISENTUNE_FORCE", forces[n], 1);
        if (dt_attention_plan(&problem, NULL, 1, &plan, NULL))
            continue;
        const char *text = dt_plan_text(plan);
        cr_expect(strstr(text, "tile 16x32 gemm.") && strstr(text, " bias.") &&
                      strstr(text, " softmax.") && strstr(text, ", forced"),
                  "%s", text);
        dt_plan_free(plan);
        planned++;
    }
    if (planned == 0)
        cr_skip_test("no attention made of parts runs on this CPU");
}
