/* SPDX-License-Identifier: MIT */
#include "tests/child_fixture.h"
#include "tests/problem_fixture.h"
#include "tuner/session.h"
#include "tuner/space.h"
#include "tuner/tune.h"
#include "tuner/workload.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static bool is_scalar(const struct dt_variant *variant, void *context)
{
    (void)context;
    return variant->level == 0;
}

Test(space, tiles_obey_multiples_and_the_problem)
{
    static const char *const problems[] = {"n300 log:256:512", "q64 k512 log:256:512",
                                           "q2048 k256 log:256:512"};
    struct dt_machine machine;
    struct dt_error error;
    cr_assert_eq(dt_machine_synthetic("pack:1 l3:1 l2:2 l1d:1 core:1 pu:1", &machine, &error),
                 DT_OK);
    for (size_t p = 0; p < 2 * (sizeof problems / sizeof *problems); p++) {
        const struct dt_problem problem = problem_of(problems[p / 2]);
        const bool selected = p % 2;
        struct dt_delta delta;
        struct dt_space space;
        cr_assert_eq(dt_delta_init(&delta, &problem, &error), DT_OK);
        const struct dt_space_scope scope = {.op = DT_OP_BIAS,
                                             .problem = &problem,
                                             .delta = &delta,
                                             .machine = &machine,
                                             .threads = 1,
                                             .selects = selected ? is_scalar : NULL};
        cr_assert_eq(dt_space_init(&space, &scope, &error), DT_OK);
        size_t wrong = 0, scalar = 0;
        for (size_t n = 0; n < space.count; n++) {
            const struct dt_choice *c = &space.choices[n];
            wrong += !dt_tile_fits(c->variant, c->tile) || c->tile.rows >= problem.nq ||
                     c->tile.cols >= problem.nk || c->tile.rows > 256 ||
                     !dt_variant_applies(c->variant, DT_OP_BIAS, &problem, &delta) ||
                     (selected && !is_scalar(c->variant, NULL));
            for (size_t other = 0; other < n; other++)
                wrong += memcmp(c, &space.choices[other], sizeof *c) == 0;
            scalar += strcmp(c->variant->name, "bias.scalar.plain") == 0;
        }
        cr_expect_eq(wrong, 0, "%s: %zu choices are twice there or do not fit", problems[p / 2],
                     wrong);
        cr_expect_eq(scalar, 1, "a variant that ignores its tile is there once");
        dt_space_clear(&space);
        dt_delta_clear(&delta);
    }
    dt_machine_clear(&machine);
}

Test(workload, too_large_for_the_machine_is_refused)
{
    struct dt_workload workload;
    struct dt_error error = {0};
    const struct dt_problem problem = problem_of("q1048576 k1048576 linear:1");
    cr_expect_eq(dt_workload_init(&workload, DT_OP_BIAS, &problem, 1, &error), DT_NO_MEMORY);
    cr_expect(strstr(error.text, "GiB"), "%s", error.text);
}

static void spin(void *context, uint64_t calls)
{
    uint64_t *total = context;
    for (uint64_t c = 0; c < calls; c++)
        for (volatile int n = 0; n < 1000; n++)
            continue;
    *total += calls;
}

Test(sample, repeats_until_it_lasts_long_enough)
{
    struct dt_sampler sampler;
    struct dt_repeat repeat = {0};
    uint64_t total = 0;
    dt_sampler_init(&sampler);
    const double ns = dt_sample(&sampler, spin, &total, &repeat, NULL);
    cr_expect_gt(ns, 0);
    cr_expect_geq(sampler.least_ns, 20e3);
    cr_expect_gt(repeat.calls, 1, "work of about 1 us is repeated");
    cr_expect_gt(total, repeat.calls);
}

Test(sample, is_the_mean_of_one_repetition)
{
    struct dt_sampler sampler = {0};
    struct dt_repeat repeat = {.calls = 1000, .ns = 1000};
    uint64_t total = 0;
    const double start = dt_clock_ns();
    const double ns = dt_sample(&sampler, spin, &total, &repeat, NULL);
    cr_expect_leq(ns * 1000, dt_clock_ns() - start, "the clock ran longer than the sample");
}

/* Takes a page fault in every call. */
static void fault(void *context, uint64_t calls)
{
    uint64_t *total = context;
    for (uint64_t c = 0; c < calls; c++) {
        char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        *(volatile char *)page = 1;
        munmap(page, 4096);
    }
    *total += calls;
}

Test(sample, disturbed_ones_are_taken_again_and_counted)
{
    struct dt_sampler sampler = {0};
    struct dt_repeat repeat = {.calls = 1, .ns = 5e7};
    uint64_t total = 0;
    size_t rejected = 0;
    cr_expect_gt(dt_sample(&sampler, fault, &total, &repeat, &rejected), 0);
    cr_expect_eq(total, 1 + DT_SAMPLE_RETRIES);
    cr_expect_eq(rejected, 1 + DT_SAMPLE_RETRIES);
    cr_expect_eq(sampler.rejected, 1 + DT_SAMPLE_RETRIES);
    cr_expect_eq(sampler.accepted, 0);
    repeat.ns = 1e9;
    cr_expect_gt(dt_sample(&sampler, fault, &total, &repeat, &rejected), 0);
    cr_expect_eq(total, 2 + DT_SAMPLE_RETRIES, "a long one is not");
}

Test(sample, noisy_is_more_than_a_fifth)
{
    static const struct {
        struct dt_sampler sampler;
        bool noisy;
    } cases[] = {
        {{.accepted = 0}, false},
        {{.accepted = 80, .rejected = 20, .blocks = 10, .disturbed = 2}, false},
        {{.accepted = 79, .rejected = 21, .blocks = 10}, true},
        {{.accepted = 100, .blocks = 10, .disturbed = 3}, true},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        cr_expect_eq(dt_sampler_noisy(&cases[n].sampler), cases[n].noisy, "case %zu", n);
}

Test(session, command_line_is_kept_as_typed_and_cut)
{
    char word[200];
    char *arguments[] = {"tune", "--problem", "n512 log:256:512", word, word, NULL};
    struct dt_machine machine;
    struct dt_session session;
    struct dt_error error;
    memset(word, 'x', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    cr_assert_eq(dt_machine_synthetic("core:1 pu:1", &machine, &error), DT_OK, "%s", error.text);
    dt_session_init(&session, &machine, arguments, 7);
    cr_expect_eq(strncmp(session.command, "disentune tune --problem 'n512 log:256:512' xxx", 47), 0,
                 "%s", session.command);
    cr_expect_eq(strlen(session.command), sizeof session.command - 1);
    dt_machine_clear(&machine);
}

Test(session, ceilings_have_names_and_the_probe_is_the_widest)
{
    const struct dt_session session = {
        .ceilings = {{.name = "fma.avx2", .value = 1}, {.name = "fma.avx512", .value = 2}},
        .ceiling_count = 2};
    cr_expect_eq(dt_session_ceiling(&session, "fma.avx512"), 2);
    cr_expect(isnan(dt_session_ceiling(&session, "fma")));
    const struct dt_variant *variant, *probe = dt_session_probe();
    cr_assert_not_null(probe);
    size_t wider = 0;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        wider +=
            dt_variant_applies(variant, DT_OP_PROBE, NULL, NULL) && variant->level > probe->level;
    cr_expect_eq(wider, 0);
}

Test(session, the_noise_floor_is_measured)
{
    struct dt_sampler sampler;
    struct dt_session session = {.seed = 1};
    struct dt_error error;
    dt_sampler_init(&sampler);
    cr_assert_eq(dt_session_noise(&session, &sampler, &error), DT_OK, "%s", error.text);
    cr_expect_gt(session.noise_floor, 0, "two copies of one plan never take the very same time");
}

/* ---- Whole runs, whatever the machine's speed ------------------------------ */

TestSuite(tune, .init = need_children);

struct run {
    struct dt_machine machine;
    struct dt_sampler sampler;
    struct dt_tuner tuner;
    struct dt_records records;
    struct dt_outcome outcome;
};

static void begin(struct run *run)
{
    char *arguments[] = {"tune", NULL};
    struct dt_error error;
    *run = (struct run){0};
    cr_assert_eq(dt_machine_host(&run->machine, &error), DT_OK, "%s", error.text);
    dt_session_init(&run->records.session, &run->machine, arguments, 7);
    dt_sampler_init(&run->sampler);
    run->tuner = (struct dt_tuner){
        .machine = &run->machine, .session = &run->records.session, .sampler = &run->sampler};
}

static void tune(struct run *run, const char *text, double seconds)
{
    const struct dt_problem problem = problem_of(text);
    struct dt_error error;
    cr_assert_eq(
        dt_tune(&run->tuner, DT_OP_BIAS, &problem, seconds, &run->records, &run->outcome, &error),
        DT_OK, "%s", error.text);
}

static void end(struct run *run)
{
    dt_records_clear(&run->records);
    dt_machine_clear(&run->machine);
}

Test(tune, records_every_variant_once_and_one_winner)
{
    struct run run;
    begin(&run);
    tune(&run, "n33 log:32:128", 0.2);
    size_t winners = 0, twice = 0, incomplete = 0;
    for (size_t r = 0; r < run.records.count; r++) {
        const struct dt_record *a = &run.records.items[r];
        winners += a->winner;
        incomplete += !(a->error_share >= 0 && a->error_share <= 1 && a->error_ulp >= 0) ||
                      !(a->ns_lo <= a->ns_median && a->ns_median <= a->ns_hi) || !a->verified ||
                      !(a->ratio_to_scalar > 0) || !(a->share_of_ceiling > 0) || a->samples == 0;
        for (size_t other = 0; other < r; other++)
            twice += strcmp(a->variant, run.records.items[other].variant) == 0;
    }
    cr_expect_eq(run.outcome.disqualified, 0);
    cr_expect_eq(winners, 1);
    cr_expect_eq(twice, 0);
    cr_expect_eq(incomplete, 0);
    end(&run);
}

Test(tune, fixed_tile_is_the_only_one)
{
    const struct dt_problem problem = problem_of("n33 log:32:128");
    const struct dt_tile tile = {12, 0}; /* fits multiples of 4, not of 8 */
    struct run run;
    begin(&run);
    run.tuner.goal = DT_GOAL_VARIANTS;
    run.tuner.fixed_tile = true;
    run.tuner.tile = tile;
    tune(&run, "n33 log:32:128", 0.01);
    struct dt_delta delta;
    const struct dt_variant *variant;
    size_t wanted = 0, wrong = 0;
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        wanted += dt_variant_applies(variant, DT_OP_BIAS, &problem, &delta) &&
                  dt_tile_fits(variant, tile);
    for (size_t r = 0; r < run.records.count; r++)
        wrong += run.records.items[r].tile.rows != 12 || run.records.items[r].tile.cols != 0;
    cr_expect_eq(run.outcome.candidates, wanted);
    cr_expect_eq(run.records.count, wanted);
    cr_expect_eq(wrong, 0);
    dt_delta_clear(&delta);
    end(&run);
}

Test(tune, measures_what_is_selected_and_keeps_earlier_records)
{
    struct run run;
    begin(&run);
    run.tuner.selects = is_scalar;
    tune(&run, "n33 log:32:128", 0.01);
    tune(&run, "n34 log:32:128", 0.01);
    cr_expect_eq(run.outcome.candidates, 1);
    tune(&run, "n35 linear:8 none", 0.01);
    cr_expect_eq(run.outcome.candidates, 0, "without terms there is nothing to measure");
    cr_assert_eq(run.records.count, 2);
    cr_expect_eq(run.records.items[0].problem.nq, 33);
    cr_expect_eq(run.records.items[1].problem.nq, 34);
    end(&run);
}

Test(tune, stops_after_the_block_and_is_then_incomplete)
{
    static const volatile sig_atomic_t stop = 1;
    struct run run;
    begin(&run);
    run.tuner.stop = &stop;
    tune(&run, "n33 log:32:128", 600);
    cr_expect_leq(run.outcome.blocks, 3);
    cr_expect_not(run.outcome.complete);
    cr_expect_gt(run.records.count, 0);
    end(&run);
}
