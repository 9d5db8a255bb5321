/* SPDX-License-Identifier: MIT */
/* Self-tests on a comparison that is made up: what they ask for and how they count. */
#include "tuner/selftest.h"

#include "kernels/error.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define CELLS 2
#define PAIRS 60

/* Told by the run's seed: which judgements its cells get, or how it ends. */
struct script {
    enum dt_judgement judgement[CELLS];
    double ratio;
    bool stopped;
    size_t wrong;
    enum dt_status status;
};

static const struct script *scripts;
static size_t calls;
static char variables[2][64];
static bool same_code;

static enum dt_status made_up(const struct dt_compare_options *options,
                              const struct dt_subject *subjects, size_t count,
                              struct dt_comparison *comparison, struct dt_error *error)
{
    const struct script *script = &scripts[options->lockstep.seed - 100];
    calls++;
    same_code = options->lockstep.same_code;
    snprintf(variables[0], sizeof variables[0], "%s", options->base_variables[0]);
    snprintf(variables[1], sizeof variables[1], "%s", options->head_variables[0]);
    *comparison =
        (struct dt_comparison){.cells = calloc(count, sizeof *comparison->cells), .count = count};
    comparison->outcome.stopped = script->stopped;
    comparison->outcome.wrong = script->wrong;
    snprintf(comparison->outcome.reason, sizeof comparison->outcome.reason, "2 + 2 = 5");
    for (size_t c = 0; c < count; c++) {
        struct dt_cell *cell = &comparison->cells[c];
        *cell = (struct dt_cell){.subject = subjects[c],
                                 .base_ns = 1000 * (double)(c + 1),
                                 .ratio = script->ratio,
                                 .delta = 0.03,
                                 .band = 0.01,
                                 .pairs = PAIRS,
                                 .judgement = script->judgement[c]};
        cell->ratios = malloc(PAIRS * sizeof *cell->ratios);
        for (size_t k = 0; k < PAIRS; k++)
            cell->ratios[k] = script->ratio * (1 + 0.0001 * (double)(k % 7));
    }
    return script->status ? dt_error_set(error, script->status, "it broke") : DT_OK;
}

static enum dt_status run(const struct script *script, size_t runs, double slowdown,
                          struct dt_selftest *selftest, struct dt_error *error)
{
    struct dt_subject subjects[CELLS] = {{.op = DT_OP_BIAS, .threads = 1},
                                         {.op = DT_OP_ATTENTION, .threads = 1}};
    for (size_t c = 0; c < CELLS; c++)
        cr_assert_eq(dt_problem_parse("n8 linear:4", &subjects[c].problem, NULL), DT_OK);
    const struct dt_selftest_options options = {
        .program = "it",
        .slowdown = slowdown,
        .runs = runs,
        .compare = {.lockstep = {.budget = 60, .delta = 0.03, .seed = 100}},
        .run = made_up,
    };
    scripts = script;
    calls = 0;
    return dt_selftest_run(&options, subjects, CELLS, selftest, error);
}

Test(selftest, runs_and_cells_are_counted_apart)
{
    const struct script script[] = {
        {.judgement = {DT_REGRESSED, DT_REGRESSED}, .ratio = 1.04},
        {.judgement = {DT_UNDECIDED, DT_REGRESSED}, .ratio = 1.05},
        {.judgement = {DT_VOID, DT_EQUIVALENT}, .ratio = 1.09},
    };
    struct dt_selftest selftest;
    cr_assert_eq(run(script, 3, 0.05, &selftest, NULL), DT_OK);
    cr_expect(selftest.suite.set.trials == 3 && selftest.suite.set.alarms == 2);
    cr_expect(selftest.suite.set.subject.op == DT_OP_COUNT);
    cr_expect(selftest.cells[0].set.trials == 3 && selftest.cells[0].set.alarms == 1);
    cr_expect(selftest.cells[0].voided == 1 && selftest.cells[1].voided == 0);
    cr_expect(selftest.cells[1].set.alarms == 2 && selftest.cells[1].set.slowdown == 0.05);
    cr_expect(selftest.cells[0].ratio == 1.05 && selftest.cells[1].ns == 2000);
    cr_expect(selftest.cells[1].set.rate_lo > 0.09 && selftest.cells[1].set.rate_hi < 1);
    cr_expect(selftest.cells[0].set.least_effect > 0.029 &&
                  selftest.cells[0].set.least_effect < 0.031,
              "%g", selftest.cells[0].set.least_effect);
    cr_expect(selftest.cells[0].set.seconds == 60 && !selftest.stopped);
    dt_selftest_clear(&selftest);
}

Test(selftest, head_alone_is_slowed_down_and_measured_though_it_is_the_same)
{
    const struct script script[] = {{.ratio = 1}, {.ratio = 1}};
    struct dt_selftest selftest;
    cr_assert_eq(run(script, 2, 0.025, &selftest, NULL), DT_OK);
    cr_expect_str_eq(variables[0], "DISENTUNE_SLOWDOWN=0");
    cr_expect_str_eq(variables[1], "DISENTUNE_SLOWDOWN=2.5");
    cr_expect(same_code && calls == 2);
    dt_selftest_clear(&selftest);
    cr_assert_eq(run(script, 1, 0, &selftest, NULL), DT_OK);
    cr_expect_str_eq(variables[1], "DISENTUNE_SLOWDOWN=0");
    dt_selftest_clear(&selftest);
}

Test(selftest, a_run_that_is_interrupted_does_not_count)
{
    const struct script script[] = {
        {.ratio = 1}, {.judgement = {DT_REGRESSED}, .ratio = 2, .stopped = true}, {.ratio = 1}};
    struct dt_selftest selftest;
    cr_assert_eq(run(script, 3, 0, &selftest, NULL), DT_OK);
    cr_expect(selftest.stopped && calls == 2);
    cr_expect(selftest.suite.set.trials == 1 && selftest.suite.set.alarms == 0);
    cr_expect_eq(selftest.cells[0].ratio, 1);
    dt_selftest_clear(&selftest);
}

Test(selftest, wrong_numbers_and_errors_end_it)
{
    const struct script wrong[] = {{.ratio = 1}, {.ratio = 1, .wrong = 1}, {.ratio = 1}};
    const struct script broken[] = {{.ratio = 1, .status = DT_IO}};
    struct dt_selftest selftest;
    struct dt_error error;
    cr_expect_eq(run(wrong, 3, 0, &selftest, &error), DT_FAILED);
    cr_expect(strstr(error.text, "2 + 2 = 5") && calls == 2, "%s", error.text);
    dt_selftest_clear(&selftest);
    cr_expect_eq(run(broken, 3, 0, &selftest, &error), DT_IO);
    cr_expect_str_eq(error.text, "it broke");
    dt_selftest_clear(&selftest);
}
