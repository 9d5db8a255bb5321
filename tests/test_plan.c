/* SPDX-License-Identifier: MIT */
#include "kernels/plan.h"
#include "kernels/reference.h"
#include "reports/stats.h"
#include "tests/table_fixture.h"

#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static void clean_environment(void)
{
    unsetenv("DISENTUNE_FORCE");
    unsetenv("DISENTUNE_TABLE");
    unsetenv("DISENTUNE_CPU");
}

TestSuite(plan, .init = clean_environment);

/* The operands of one call, rows, heads and batch rows apart by odd gaps. */
struct call {
    struct dt_problem problem;
    struct dt_bias operands;
    float *scores, *c2p, *p2c;
    size_t score_count;
};

static float *random_floats(size_t count, uint64_t *state)
{
    float *x = malloc(count * sizeof *x);
    for (size_t n = 0; n < count; n++)
        x[n] = (float)(int64_t)(dt_random(state) >> 40) * 0x1p-22f - 2;
    return x;
}

static struct call call_of(const char *text)
{
    struct call c = {.problem = problem_of(text)};
    const struct dt_problem *p = &c.problem;
    struct dt_bias *o = &c.operands;
    uint64_t state = 1;
    const bool key_major = p->layout == DT_KEY_MAJOR;
    o->scores_row = p->nk + 3;
    o->scores_head = o->scores_row * p->nq + 5;
    o->scores_batch = o->scores_head * p->heads + 7;
    o->c2p_row = 2 * p->span + 1;
    o->c2p_head = o->c2p_row * p->nq + 9;
    o->c2p_batch = o->c2p_head * p->heads + 11;
    o->p2c_row = (key_major ? 2 * p->span : p->nk) + 2;
    o->p2c_head = o->p2c_row * (key_major ? p->nk : 2 * p->span) + 13;
    o->p2c_batch = o->p2c_head * p->heads + 15;
    c.score_count = (size_t)(o->scores_batch * p->batch);
    o->scores = c.scores = random_floats(c.score_count, &state);
    o->c2p = c.c2p = random_floats((size_t)(o->c2p_batch * p->batch), &state);
    o->p2c = c.p2c = random_floats((size_t)(o->p2c_batch * p->batch), &state);
    return c;
}

static void call_clear(struct call *c)
{
    free(c->scores);
    free(c->c2p);
    free(c->p2c);
}

/* Elements of `got` that are not within the bound of `eps`, or that no head covers and changed. */
static size_t count_wrong(const struct call *c, const float *got, float eps)
{
    const struct dt_problem *p = &c->problem;
    const struct dt_bias *o = &c->operands;
    const size_t size = (size_t)p->nq * (size_t)p->nk;
    double *exact = malloc(size * sizeof *exact), *scale = malloc(size * sizeof *scale);
    bool *covered = calloc(c->score_count, sizeof *covered);
    size_t wrong = 0;
    for (int32_t b = 0; b < p->batch; b++)
        for (int32_t h = 0; h < p->heads; h++) {
            const ptrdiff_t start = b * o->scores_batch + h * o->scores_head;
            const struct dt_bias head = {
                .scores = c->scores + start,
                .scores_row = o->scores_row,
                .c2p = p->terms & DT_C2P ? c->c2p + b * o->c2p_batch + h * o->c2p_head : NULL,
                .c2p_row = o->c2p_row,
                .p2c = p->terms & DT_P2C ? c->p2c + b * o->p2c_batch + h * o->p2c_head : NULL,
                .p2c_row = o->p2c_row,
            };
            dt_reference_bias(p, &head, exact, scale);
            for (int32_t i = 0; i < p->nq; i++)
                for (int32_t j = 0; j < p->nk; j++) {
                    const size_t at = (size_t)(start + i * o->scores_row + j);
                    const size_t e = (size_t)i * (size_t)p->nk + (size_t)j;
                    double off = got[at] - exact[e];
                    wrong += !((off < 0 ? -off : off) <= eps * 0x1p-24 * scale[e]);
                    covered[at] = true;
                }
        }
    for (size_t n = 0; n < c->score_count; n++)
        wrong += !covered[n] && memcmp(&got[n], &c->scores[n], sizeof *got) != 0;
    free(exact);
    free(scale);
    free(covered);
    return wrong;
}

static float *copy_of_scores(const struct call *c)
{
    float *copy = malloc(c->score_count * sizeof *copy);
    memcpy(copy, c->scores, c->score_count * sizeof *copy);
    return copy;
}

static size_t wrong_by_plan(const char *text)
{
    struct call c = call_of(text);
    struct dt_plan *plan;
    struct dt_error error;
    cr_assert_eq(dt_bias_plan(&c.problem, NULL, &plan, &error), DT_OK, "%s", error.text);
    struct dt_bias operands = c.operands;
    operands.scores = copy_of_scores(&c);
    dt_bias_add(plan, &operands);
    size_t wrong = count_wrong(&c, operands.scores, 2);
    dt_plan_free(plan);
    free(operands.scores);
    call_clear(&c);
    return wrong;
}

Test(plan, adds_to_every_head_of_every_batch_row)
{
    static const char *const texts[] = {
        "b2 h3 q37 k53 log:16:32",
        "b2 h3 q37 k53 log:16:32 p2c:key",
        "b1 h3 n40 log:16:32",
        "b3 h1 n40 log:16:32",
        "b1 h1 n40 log:16:32",
        "b1 h1 q20 k40 log:16:32 p2c:key",
        "b3 h1 q1 k130 linear:8 c2p",
        "b1 h4 q70 k9 log:256:512 p2c",
        "b2 h2 q65 k64 log:16:20 p2c p2c:key ms",
    };
    for (size_t n = 0; n < sizeof texts / sizeof *texts; n++) {
        size_t wrong = wrong_by_plan(texts[n]);
        cr_expect_eq(wrong, 0, "\"%s\": %zu elements", texts[n], wrong);
    }
}

Test(plan, without_terms_does_nothing)
{
    const struct dt_problem problem = problem_of("n5 linear:8 none");
    struct dt_plan *plan;
    struct dt_error error;
    cr_assert_eq(dt_bias_plan(&problem, NULL, &plan, &error), DT_OK, "%s", error.text);
    cr_expect_str_eq(dt_plan_text(plan), "nothing to add: the problem has no position term");
    float scores[25] = {1, 2, 3};
    const struct dt_bias operands = {.scores = scores, .scores_row = 5};
    dt_bias_add(plan, &operands);
    cr_expect_eq(scores[0] + scores[1] + scores[2] + scores[24], 6);
    dt_plan_free(plan);
}

Test(plan, refuses_an_impossible_problem)
{
    struct dt_problem problem = problem_of("n5 linear:8");
    struct dt_plan *plan = NULL;
    struct dt_error error;
    problem.nk = 0;
    cr_expect_eq(dt_bias_plan(&problem, NULL, &plan, &error), DT_INVALID);
    cr_expect_null(plan);
}

struct worker {
    const struct dt_plan *plan;
    struct dt_bias operands;
};

static void *work(void *argument)
{
    const struct worker *w = argument;
    dt_bias_add(w->plan, &w->operands);
    return NULL;
}

Test(plan, serves_four_threads_with_the_same_bits)
{
    struct call c = call_of("b2 h4 n200 log:64:128");
    struct dt_plan *plan;
    pthread_t threads[4];
    struct worker workers[4];
    cr_assert_eq(dt_bias_plan(&c.problem, NULL, &plan, NULL), DT_OK);
    for (int n = 0; n < 4; n++) {
        workers[n] = (struct worker){plan, c.operands};
        workers[n].operands.scores = copy_of_scores(&c);
        cr_assert_eq(pthread_create(&threads[n], NULL, work, &workers[n]), 0);
    }
    for (int n = 0; n < 4; n++)
        pthread_join(threads[n], NULL);
    size_t wrong = count_wrong(&c, workers[0].operands.scores, 2);
    cr_expect_eq(wrong, 0, "%zu elements", wrong);
    for (int n = 1; n < 4; n++)
        cr_expect_eq(memcmp(workers[0].operands.scores, workers[n].operands.scores,
                            c.score_count * sizeof(float)),
                     0, "thread %d", n);
    for (int n = 0; n < 4; n++)
        free(workers[n].operands.scores);
    dt_plan_free(plan);
    call_clear(&c);
}

/* ---- The environment -------------------------------------------------------- */

/* Plans a problem and returns the plan's text, or the error's with *status, in `text`. */
static const char *planned(enum dt_status *status, char text[512])
{
    const struct dt_problem problem = problem_of("b1 h2 n100 log:256:512");
    struct dt_plan *plan = NULL;
    struct dt_error error = {0};
    *status = dt_bias_plan(&problem, NULL, &plan, &error);
    snprintf(text, 512, "%s", *status ? error.text : dt_plan_text(plan));
    dt_plan_free(plan);
    return text;
}

static void expect_plan(enum dt_status wanted, const char *part)
{
    char text[512];
    enum dt_status status;
    planned(&status, text);
    cr_expect(status == wanted && strstr(text, part), "status %d, not %d with \"%s\": %s", status,
              wanted, part, text);
}

Test(plan, heuristic_without_a_table) { expect_plan(DT_OK, "built-in heuristic"); }

struct expected_choice {
    const char *problem, *choice;
};

/* What the heuristic takes, also where DISENTUNE_FORCE names the variant and no tile. Names that no
 * variant has would be passed over in silence. */
static void expect_choices(const struct expected_choice *cases, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const struct dt_problem problem = problem_of(cases[n].problem);
        struct dt_delta delta;
        struct dt_choice choice;
        char text[DT_CHOICE_TEXT_MAX], forced_text[DT_CHOICE_TEXT_MAX];
        bool forced;
        cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
        cr_assert_eq(dt_choice_heuristic(DT_OP_BIAS, &problem, &delta, &choice, NULL), DT_OK);
        cr_expect_str_eq(dt_choice_print(&choice, text), cases[n].choice, "of %s",
                         cases[n].problem);

        snprintf(forced_text, sizeof forced_text, "bias:%s", choice.variant->name);
        setenv("DISENTUNE_FORCE", forced_text, 1);
        cr_assert_eq(dt_choice_forced(DT_OP_BIAS, &problem, &delta, &forced, &choice, NULL), DT_OK);
        cr_expect_str_eq(dt_choice_print(&choice, text), cases[n].choice,
                         "the tile of the heuristic where none is named, of %s", cases[n].problem);
        dt_delta_clear(&delta);
    }
}

Test(plan, heuristic_knows_processors_with_a_slow_gather)
{
    static const struct expected_choice cases[] = {
        {"n16 log:256:512", "bias.avx2.runs-skew tile 64x0"},
        {"n64 log:256:512", "bias.avx2.runs-blocks tile 64x0"},
        {"n1024 log:256:512", "bias.avx2.window-blocks tile 64x0"},
        {"n128 log:256:512 p2c:key", "bias.avx2.runs-transpose tile 64x0"},
        {"n512 log:256:512 p2c:key", "bias.avx2.window-stage tile 0x64"},
        {"n2048 log:256:512 p2c:key", "bias.avx2.runs-stage tile 128x0"},
    };
    if (!dt_variant_find("bias.avx2.gather"))
        cr_skip_test("no AVX2 in this build");
    dt_cpu_assume(&(struct dt_cpu){.levels = DT_CPU_AVX2, .quirks = DT_QUIRK_SLOW_GATHER});
    expect_choices(cases, sizeof cases / sizeof *cases);
}

/* Strips where rows spread over the sets of a cache, blocks where they pile up. */
Test(plan, heuristic_with_avx512_minds_the_length_of_rows)
{
    static const struct expected_choice cases[] = {
        {"n16 linear:512", "bias.avx512.runs-skew tile 0x0"},
        {"n64 linear:512", "bias.avx512.runs-blocks tile 128x256"},
        {"n1025 linear:512", "bias.avx512.runs-blocks tile 0x0"},
        {"n64 log:256:512", "bias.avx512.runs-skew tile 0x0"},
        {"n473 log:256:512", "bias.avx512.runs-skew tile 0x0"},
        {"q473 k512 log:256:512", "bias.avx512.runs-blocks tile 128x256"},
        {"q512 k473 log:256:512", "bias.avx512.runs-skew tile 0x0"},
        {"n1024 log:256:512", "bias.avx512.window-blocks tile 0x0"},
        {"n3000 log:256:512", "bias.avx512.window-blocks tile 0x0"},
        {"n128 log:256:512 p2c:key", "bias.avx512.runs-transpose tile 0x0"},
        {"n512 log:256:512 p2c:key", "bias.avx512.runs-transpose tile 64x0"},
        {"n700 log:256:512 p2c:key", "bias.avx512.runs-stage tile 0x0"},
        {"n2048 log:256:512 p2c:key", "bias.avx512.window-transpose tile 16x0"},
    };
    if (!dt_variant_find("bias.avx512.gather"))
        cr_skip_test("no AVX-512 in this build");
    dt_cpu_assume(&(struct dt_cpu){.levels = DT_CPU_AVX2 | DT_CPU_AVX512});
    expect_choices(cases, sizeof cases / sizeof *cases);
}

static struct dt_choice heuristic_of(enum dt_op op, const char *text)
{
    const struct dt_problem problem = problem_of(text);
    struct dt_delta delta;
    struct dt_choice choice;
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    cr_assert_eq(dt_choice_heuristic(op, &problem, &delta, &choice, NULL), DT_OK);
    dt_delta_clear(&delta);
    return choice;
}

Test(plan, heuristic_makes_short_attention_of_own_products)
{
    if (!dt_variant_find("gemm.avx2.libxsmm"))
        cr_skip_test("no libxsmm in this build");
    dt_cpu_assume(&(struct dt_cpu){.levels = DT_CPU_AVX2, .quirks = DT_QUIRK_SLOW_GATHER});
    const struct dt_choice at_16 = heuristic_of(DT_OP_ATTENTION, "h2 n16 log:256:512");
    cr_expect_str_eq(at_16.gemm->name, "gemm.avx2.6x2");
    const struct dt_choice at_24 = heuristic_of(DT_OP_ATTENTION, "h2 n24 log:256:512");
    cr_expect_str_eq(at_24.gemm->name, "gemm.avx2.libxsmm");
}

static void expect_blocks(const char *problem, const char *variant, int32_t rows, int32_t cols)
{
    const struct dt_choice choice = heuristic_of(DT_OP_ATTENTION, problem);
    cr_expect_str_eq(choice.variant->name, variant);
    cr_expect(choice.tile.rows == rows && choice.tile.cols == cols, "%s: tile %dx%d", problem,
              choice.tile.rows, choice.tile.cols);
}

Test(plan, heuristic_of_attention_takes_blocks_by_its_length)
{
    if (!dt_variant_find("attention.avx512.active-rows"))
        cr_skip_test("no AVX-512 in this build");
    dt_cpu_assume(&(struct dt_cpu){.levels = DT_CPU_AVX2 | DT_CPU_AVX512});
    expect_blocks("h2 n32 log:256:512", "attention.avx512.active-rows", 16, 32);
    expect_blocks("h2 n33 log:256:512", "attention.avx512.active-rows", 32, 32);
    expect_blocks("h2 n129 log:256:512", "attention.avx512.active-rows", 64, 64);
    expect_blocks("q16 k2048 log:256:512", "attention.avx512.active-rows", 16, 32);
    expect_blocks("q16 k4096 log:256:512", "attention.avx512.active-rows", 16, 32);
    expect_blocks("q4096 k64 log:256:512", "attention.avx512.active-rows", 64, 64);
    expect_blocks("h2 n2049 log:256:512", "attention.avx512.active-online", 128, 128);
}

Test(plan, heuristic_takes_a_few_tokens_one_by_one)
{
    char text[DT_CHOICE_TEXT_MAX];
    if (!dt_variant_find("attention.avx2.direct"))
        cr_skip_test("no AVX2 in this build");
    dt_cpu_assume(&(struct dt_cpu){.levels = DT_CPU_AVX2, .quirks = DT_QUIRK_SLOW_GATHER});
    const struct dt_choice five = heuristic_of(DT_OP_ATTENTION, "h2 n5 log:256:512");
    cr_expect_str_eq(dt_choice_print(&five, text), "attention.avx2.direct tile 0x0");
    const struct dt_choice six = heuristic_of(DT_OP_ATTENTION, "h2 n6 log:256:512");
    cr_expect_str_eq(six.variant->name, "attention.avx2.active-rows");
    cr_expect(six.tile.rows == 16 && six.tile.cols == 32);
}

static void expect_plan_with(const char *variable, const char *value, enum dt_status wanted,
                             const char *part)
{
    setenv(variable, value, 1);
    expect_plan(wanted, part);
}

Test(plan, empty_variables_are_unset)
{
    expect_plan_with("DISENTUNE_FORCE", "", DT_OK, "built-in heuristic");
    expect_plan_with("DISENTUNE_TABLE", "", DT_OK, "built-in heuristic");
    expect_plan_with("DISENTUNE_CPU", "", DT_OK, "built-in heuristic");
}

Test(plan, force_comes_before_the_table)
{
    setenv("DISENTUNE_TABLE", "/nonexistent", 1);
    expect_plan_with("DISENTUNE_FORCE", "bias:bias.scalar.plain", DT_OK,
                     "bias.scalar.plain tile 0x0, forced");
}

Test(plan, force_names_the_tile)
{
    expect_plan_with("DISENTUNE_FORCE", "bias:bias.scalar.plain:16x32", DT_OK,
                     "bias.scalar.plain tile 16x32, forced");
}

Test(plan, force_of_another_operation_does_not_concern)
{
    expect_plan_with("DISENTUNE_FORCE", "softmax:softmax.scalar.plain", DT_OK,
                     "built-in heuristic");
}

Test(plan, force_that_is_wrong_names_the_variable)
{
    static const struct {
        const char *value, *part;
    } cases[] = {
        {"nonsense", "use bias:VARIANT"},
        {"bias", "use bias:VARIANT"},
        {"basis:bias.scalar.plain", "use bias:VARIANT"},
        {"bias:", "no such variant"},
        {"bias:bias.scalar.unheard-of", "no such variant"},
        {"bias:probe.avx512.plain", "no such variant"},
        {"bias:bias.scalar.plain:", "the tile is"},
        {"bias:bias.scalar.plain:16", "the tile is"},
        {"bias:bias.scalar.plain:16x", "the tile is"},
        {"bias:bias.scalar.plain:-1x0", "the tile is"},
        {"bias:bias.scalar.plain:16x16x", "the tile is"},
        {"bias:bias.scalar.plain:2000000x0", "the tile is"},
        {"bias:bias.scalar.plain:99999999999999x0", "the tile is"},
        {"bias:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "no such variant"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        expect_plan_with("DISENTUNE_FORCE", cases[n].value, DT_INVALID, cases[n].part);
        expect_plan(DT_INVALID, "DISENTUNE_FORCE is ");
    }
}

Test(plan, force_obeys_the_cap)
{
    setenv("DISENTUNE_CPU", "scalar", 1);
    const struct dt_variant *variant;
    size_t n = 0;
    while ((variant = dt_variant_at(n)) && (variant->op != DT_OP_BIAS || variant->level == 0))
        n++;
    if (!variant)
        cr_skip_test("this build has scalar variants of bias only");
    char value[100];
    snprintf(value, sizeof value, "bias:%s", variant->name);
    expect_plan_with("DISENTUNE_FORCE", value, DT_UNSUPPORTED, "DISENTUNE_FORCE is ");
}

Test(plan, unknown_cpu_is_an_error)
{
    expect_plan_with("DISENTUNE_CPU", "mmx", DT_INVALID, "DISENTUNE_CPU is \"mmx\"");
}

Test(plan, missing_table_is_an_error)
{
    expect_plan_with("DISENTUNE_TABLE", "/nonexistent/table", DT_IO,
                     "DISENTUNE_TABLE: cannot open \"/nonexistent/table\"");
}

/* What a user finds who tunes on a machine and then runs a program there. */
Test(plan, table_of_this_machine_answers_exactly)
{
    char path[] = "/tmp/disentune-plan-XXXXXX";
    struct dt_error error;
    struct dt_machine_keys machine;
    dt_machine_keys_init(&machine, dt_cpu_host());
    snprintf(machine.tier[2], DT_MACHINE_KEY_MAX, "%.60s l1d:48K", machine.tier[1]);
    snprintf(machine.tier[3], DT_MACHINE_KEY_MAX, "%.80s m1", machine.tier[2]);
    struct dt_table *table = empty_table();
    put(table, record_of("n100 log:256:512", &machine, 48));
    close(mkstemp(path));
    cr_assert_eq(dt_table_write(table, path, &error), DT_OK, "%s", error.text);
    dt_table_free(table);
    expect_plan_with("DISENTUNE_TABLE", path, DT_OK, "bias.scalar.plain tile 48x0, exact record");

    const struct dt_problem longer = problem_of("n400 log:256:512");
    struct dt_plan *plan;
    cr_assert_eq(dt_bias_plan(&longer, NULL, &plan, &error), DT_OK, "%s", error.text);
    cr_expect_str_eq(dt_plan_text(plan),
                     "bias.scalar.plain tile 48x0, nearest shape at distance 4.00: b1 h1 q100 k100 "
                     "d64 log:256:512 c2p+p2c f32 hf mask:none");
    dt_plan_free(plan);
    unlink(path);
}

Test(plan, the_class_of_a_product_is_its_shape)
{
    char text[DT_PROBLEM_TEXT_MAX];
    const struct dt_problem given = problem_of("b3 h12 q5 k7 d40 log:256:512 c2p mask:keys ms");
    const struct dt_problem class = dt_problem_class(DT_OP_GEMM, &given);
    cr_assert_eq(dt_problem_check(&class, NULL), DT_OK);
    cr_assert_str_eq(dt_problem_print(&class, text),
                     "b1 h1 q5 k7 d40 linear:1 none f32 hf mask:none");
}
