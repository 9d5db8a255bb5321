/* SPDX-License-Identifier: MIT */
#include "tests/child_fixture.h"
#include "tests/mutants.h"
#include "tests/problem_fixture.h"
#include "tuner/admit.h"
#include "tuner/child.h"

#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

TestSuite(child, .init = need_children);

/* ---- Processes ---------------------------------------------------------------- */

static void return_sum(void *context, void *answer) { *(int *)answer += *(const int *)context; }

static void hang(void *context, void *answer)
{
    *(int *)answer += *(const int *)context;
    for (;;)
        pause();
}

static void leave(void *context, void *answer)
{
    (void)context, (void)answer;
    _exit(0);
}

static void crash(void *context, void *answer)
{
    (void)context, (void)answer;
    raise(SIGSEGV);
}

Test(child, answers_and_tells_how_it_ended)
{
    static const struct {
        void (*work)(void *, void *);
        struct dt_child_result result;
        int answer;
    } cases[] = {
        {return_sum, {.end = DT_CHILD_DONE}, 42},
        {hang, {.end = DT_CHILD_HUNG}, 42},
        {leave, {.end = DT_CHILD_LEFT}, 2},
        {crash, {.end = DT_CHILD_KILLED, .signal = SIGSEGV}, 2},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        int context = 40, answer = 2;
        struct dt_child_result result;
        struct dt_error error;
        const double seconds = cases[n].work == hang ? 0.1 : 60;
        cr_assert_eq(
            dt_child_run(cases[n].work, &context, &answer, sizeof answer, seconds, &result, &error),
            DT_OK, "%s", error.text);
        cr_expect(result.end == cases[n].result.end && result.signal == cases[n].result.signal &&
                      answer == cases[n].answer,
                  "case %zu: end %d, signal %d, answer %d", n, result.end, result.signal, answer);
    }
}

static void form_team(void *context, void *answer)
{
    *(enum dt_status *)answer = dt_machine_pin_team(context, 2, NULL);
}

enum { SIZES = 5, SEEDS = 8 };

/* Of what is allocated for operands, 1 MiB ... 256 MiB. */
static void tell_pages(void *context, void *answer)
{
    uintptr_t *pages = answer;
    dt_child_move_memory(*(const uint64_t *)context);
    for (size_t n = 0, size = 1 << 20; n < SIZES; n++, size *= 4)
        pages[n] = (uintptr_t)aligned_alloc(4096, size) / 4096;
}

Test(child, moved_memory_lies_elsewhere_in_each_process)
{
    uintptr_t pages[SEEDS][SIZES];
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        struct dt_child_result result;
        struct dt_error error;
        cr_assert_eq(
            dt_child_run(tell_pages, &seed, pages[seed], sizeof *pages, 60, &result, &error), DT_OK,
            "%s", error.text);
    }
    for (size_t n = 0; n < SIZES; n++) {
        int moved = 0;
        for (size_t seed = 1; seed < SEEDS; seed++)
            moved += pages[seed][n] != pages[0][n];
        cr_expect_geq(moved, SEEDS - 2, "size %zu: %d of %d", n, moved, SEEDS - 1);
    }
}

Test(child, has_a_team_of_its_own_though_its_parent_has_one)
{
    struct dt_machine machine;
    struct dt_child_result result;
    struct dt_error error;
    cr_assert_eq(dt_machine_host(&machine, &error), DT_OK, "%s", error.text);
    struct dt_worker workers[2] = {machine.workers[0], machine.workers[0]};
    struct dt_machine twice = machine;
    twice.workers = workers;
    twice.worker_count = 2;
    const enum dt_status here = dt_machine_pin_team(&twice, 2, &error);
    enum dt_status there = DT_IO;
    cr_assert_eq(dt_child_run(form_team, &twice, &there, sizeof there, 60, &result, &error), DT_OK);
    cr_expect(result.end == DT_CHILD_DONE && there == here, "end %d, status %d instead of %d",
              result.end, there, here);
    dt_machine_clear(&machine);
}

/* ---- Candidates ---------------------------------------------------------------- */

static const struct dt_variant *mutant(const char *name)
{
    const struct mutant *m = NULL;
    for (size_t n = 0; (m = mutant_at(n)) && strcmp(m->variant.name, name) != 0; n++)
        continue;
    cr_assert_not_null(m, "%s", name);
    return &m->variant;
}

/* Right up to the length at which candidates are validated. */
#define VALIDATED 320

static void bias_crashes_when_long(const struct dt_bias_block *b, const struct dt_bias *io)
{
    if (b->nq > VALIDATED)
        raise(SIGSEGV);
    mutant("bias.mutant.right")->run.bias(b, io);
}

static void bias_hangs_when_long(const struct dt_bias_block *b, const struct dt_bias *io)
{
    while (b->nq > VALIDATED)
        pause();
    mutant("bias.mutant.right")->run.bias(b, io);
}

static void bias_hangs(const struct dt_bias_block *b, const struct dt_bias *io)
{
    (void)b, (void)io;
    for (;;)
        pause();
}

static void bias_leaves(const struct dt_bias_block *b, const struct dt_bias *io)
{
    (void)b, (void)io;
    _exit(0);
}

static struct dt_variant variant_of(dt_bias_fn *run, const char *name)
{
    struct dt_variant variant = *mutant("bias.mutant.right");
    variant.run.bias = run;
    variant.name = name;
    return variant;
}

struct complaints {
    size_t count;
    char lines[16][700];
};

static void complain(const char *line, void *context)
{
    struct complaints *complaints = context;
    snprintf(complaints->lines[complaints->count++ % 16], sizeof complaints->lines[0], "%s", line);
}

Test(child, bad_candidates_are_disqualified_and_the_others_measured)
{
    const struct dt_problem problem = problem_of("q321 k4 log:4:8");
    const struct dt_problem validated = problem_of("q320 k4 log:4:8");
    const struct dt_validate_options options = {1, DT_VALIDATE_QUICK};
    const struct dt_variant crashes = variant_of(bias_crashes_when_long, "bias.test.crashes");
    const struct dt_variant stalls = variant_of(bias_hangs_when_long, "bias.test.stalls");
    const struct dt_variant hangs = variant_of(bias_hangs, "bias.test.hangs");
    const struct dt_variant leaves = variant_of(bias_leaves, "bias.test.leaves");
    const struct {
        const struct dt_variant *variant;
        const char *reason; /* NULL: it is right */
    } cases[] = {
        {mutant("bias.mutant.nothing"), ", expected "},
        {mutant("bias.mutant.right"), NULL},
        {mutant("bias.mutant.illegal"), "instruction that this CPU lacks"},
        {&crashes, "crashed (Segmentation fault) in its first call"},
        {&stalls, "did not end within 0.5 s in its first call"},
        {&hangs, "did not end within 0.5 s while it was validated"},
        {&leaves, "ended its process while it was validated"},
        {mutant("bias.mutant.right"), NULL},
    };
    enum { COUNT = sizeof cases / sizeof *cases };
    struct dt_choice choices[COUNT];
    struct complaints complaints = {0};
    const struct dt_tuner tuner = {
        .complain = complain, .context = &complaints, .trial_seconds = 0.5};
    struct dt_outcome outcome = {0};
    struct dt_sampler sampler;
    struct dt_workload workload;
    struct dt_validator *validator;
    struct dt_race race;
    struct dt_error error;
    for (size_t n = 0; n < COUNT; n++)
        choices[n] = (struct dt_choice){.variant = cases[n].variant};
    dt_sampler_init(&sampler);
    cr_assert_eq(dt_workload_init(&workload, DT_OP_BIAS, &problem, 1, &error), DT_OK);
    cr_assert_eq(dt_validate_open(DT_OP_BIAS, &validated, &options, &validator, &error), DT_OK);
    cr_assert_eq(dt_race_init(&race, &workload, &sampler, choices, COUNT, 1, &error), DT_OK);
    cr_assert_eq(dt_admit_all(&tuner, validator, &race, &outcome, &error), DT_OK, "%s", error.text);
    for (size_t n = 0, line = 0; n < COUNT; n++)
        if (cases[n].reason) {
            const char *said = complaints.lines[line++];
            cr_expect(strstr(said, cases[n].reason) && strstr(said, cases[n].variant->name),
                      "%s: \"%s\"", cases[n].variant->name, said);
        }
    dt_race_block(&race);
    for (size_t n = 0; n < COUNT; n++)
        cr_expect_eq(race.board.lanes[n].count, cases[n].reason == NULL, "%s",
                     cases[n].variant->name);
    cr_expect(outcome.disqualified == COUNT - 2 && complaints.count == COUNT - 2);
    dt_race_clear(&race);
    dt_validate_close(validator);
    dt_workload_clear(&workload);
}

Test(child, trials_end_in_time)
{
    need_children();
    enum { COUNT = 5 };
    const struct dt_problem problem = problem_of("n40 log:8:20");
    const struct dt_validate_options options = {1, DT_VALIDATE_QUICK};
    const struct dt_choice right = {.variant = mutant("bias.mutant.right")};
    struct dt_workload workload;
    struct dt_validator *validator;
    struct dt_attempt trials[COUNT];
    struct dt_error error;
    size_t tried;
    cr_assert_eq(dt_workload_init(&workload, DT_OP_BIAS, &problem, 1, &error), DT_OK);
    cr_assert_eq(dt_validate_open(DT_OP_BIAS, &problem, &options, &validator, &error), DT_OK);
    const struct dt_runner runner = {.workload = &workload, .choice = right, .threads = 1};
    for (size_t n = 0; n < COUNT; n++)
        trials[n] = (struct dt_attempt){.validator = validator, .runner = &runner};
    cr_assert_eq(dt_child_try(trials, COUNT, NULL, 0, 0, &tried, &error), DT_OK);
    cr_expect_eq(tried, 1, "the time was over, but the first is tried in any case");
    cr_expect(trials[0].verdict.passed && !trials[1].verdict.passed);
    cr_assert_eq(dt_child_try(trials, COUNT, NULL, 0, INFINITY, &tried, &error), DT_OK);
    cr_expect_eq(tried, COUNT);
    for (size_t n = 0; n < COUNT; n++)
        cr_expect(trials[n].verdict.passed && trials[n].verdict.calls > 0);
    dt_validate_close(validator);
    dt_workload_clear(&workload);
}

Test(child, what_passed_is_not_validated_again)
{
    need_children();
    const struct dt_problem problem = problem_of("n40 log:8:20");
    const struct dt_choice wrong = {.variant = mutant("bias.mutant.nothing")};
    struct dt_choice other = wrong;
    struct dt_validators validators = {.next = 0};
    const struct dt_tuner tuner = {.validators = &validators};
    const struct dt_verdict verdict = {.passed = true, .worst = 0.5, .worst_ulp = 3};
    struct dt_outcome outcome = {0};
    struct dt_sampler sampler;
    struct dt_workload workload;
    struct dt_validator *validator, *again;
    struct dt_race race;
    other.tile.rows = 64;
    dt_sampler_init(&sampler);
    cr_assert_eq(dt_workload_init(&workload, DT_OP_BIAS, &problem, 1, NULL), DT_OK);
    cr_assert_eq(dt_validators_get(&validators, DT_OP_BIAS, &problem, false, 1, &validator, NULL),
                 DT_OK);
    cr_assert_eq(dt_validators_get(&validators, DT_OP_BIAS, &problem, false, 1, &again, NULL),
                 DT_OK);
    cr_expect_eq(validator, again);
    cr_assert_eq(dt_race_init(&race, &workload, &sampler, &wrong, 1, 1, NULL), DT_OK);
    cr_expect_eq(dt_admit_all(&tuner, validator, &race, &outcome, NULL), DT_OK);
    cr_expect(outcome.disqualified == 1 && !race.runners[0].entered);
    cr_expect_null(dt_validators_passed(&validators, validator, &wrong));

    dt_validators_note(&validators, validator, &wrong, &verdict);
    cr_expect_null(dt_validators_passed(&validators, validator, &other));
    cr_expect_eq(dt_admit_all(&tuner, validator, &race, &outcome, NULL), DT_OK);
    cr_expect(outcome.disqualified == 1 && race.runners[0].entered);
    cr_expect(race.runners[0].error_share == 0.5 && race.runners[0].error_ulp == 3);
    dt_race_clear(&race);
    dt_validators_clear(&validators);
    dt_workload_clear(&workload);
}

Test(child, limit_grows_with_the_problem)
{
    struct dt_workload small = {.problem = problem_of("n8 linear:4")};
    struct dt_workload large = {.problem = problem_of("h12 n4096 log:256:512")};
    cr_expect(dt_child_limit(&small) >= 10 && dt_child_limit(&small) < 11);
    cr_expect_gt(dt_child_limit(&large), 100);
}
