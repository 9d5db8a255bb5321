/* SPDX-License-Identifier: MIT */
#include "tests/child_fixture.h"
#include "tests/problem_fixture.h"
#include "tuner/phases.h"
#include "tuner/session.h"
#include "tuner/tune.h"

#include <criterion/criterion.h>
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

TestSuite(tune_attention, .init = need_children);

struct run {
    struct dt_machine machine;
    struct dt_sampler sampler;
    struct dt_records records;
    struct dt_outcome outcome;
    struct dt_tuner tuner;
    char complaint[700];
};

static void complain(const char *line, void *context)
{
    struct run *run = context;
    snprintf(run->complaint, sizeof run->complaint, "%s", line);
}

static void begin(struct run *run)
{
    char *arguments[] = {"tune", NULL};
    struct dt_error error;
    *run = (struct run){0};
    cr_assert_eq(dt_machine_host(&run->machine, &error), DT_OK);
    dt_session_init(&run->records.session, &run->machine, arguments, 7);
    dt_sampler_init(&run->sampler);
    run->tuner = (struct dt_tuner){.machine = &run->machine,
                                   .session = &run->records.session,
                                   .sampler = &run->sampler,
                                   .complain = complain,
                                   .context = run};
}

static void end(struct run *run)
{
    dt_records_clear(&run->records);
    dt_machine_clear(&run->machine);
}

static void tune(struct run *run, const char *text, double seconds)
{
    const struct dt_problem problem = problem_of(text);
    struct dt_error error = {0};
    cr_assert_eq(dt_tune(&run->tuner, DT_OP_ATTENTION, &problem, seconds, &run->records,
                         &run->outcome, &error),
                 DT_OK, "%s", error.text);
    cr_expect_str_empty(run->complaint, "%s", run->complaint);
}

/* What is wrong with a record, NULL if nothing is. */
static const char *fault_of(const struct dt_record *r)
{
    struct dt_choice choice;
    if (!dt_record_choice(r, &choice))
        return "it names no choice of this build";
    if ((choice.variant->strategy != DT_DIRECT) != (choice.gemm && choice.softmax))
        return "it has not the parts that it needs";
    if (!(r->ns_lo <= r->ns_median && r->ns_median <= r->ns_hi) || r->samples == 0 || !r->verified)
        return "it is not complete";
    if (!(r->gflops > 0) || (choice.variant->level && !(r->share_of_ceiling > 0)))
        return "it has no rate or no share of the ceiling";
    return NULL;
}

Test(tune_attention, finds_one_winner_and_what_its_positions_cost)
{
    struct run run;
    begin(&run);
    tune(&run, "h2 n70 log:32:128", 3); /* enough under a sanitizer, too */
    size_t winners = 0;
    for (size_t n = 0; n < run.records.count; n++) {
        const struct dt_record *r = &run.records.items[n];
        const char *fault = fault_of(r);
        winners += r->winner;
        cr_expect_null(fault, "%s: %s", r->variant, fault);
        cr_expect(r->ratio_to_c2c > 0 && isnan(r->ratio_to_one_thread), "%s", r->variant);
    }
    cr_expect_eq(winners, 1);
    cr_expect(run.outcome.candidates > 1 || !dt_cpu_host()->levels);
    end(&run);
}

static bool is_scalar(const struct dt_variant *variant, void *context)
{
    (void)context;
    return variant->level == 0;
}

Test(tune_attention, where_nothing_else_is_selected_the_scalar_loop_wins)
{
    struct run run;
    begin(&run);
    run.tuner.selects = is_scalar;
    tune(&run, "n7 linear:4", 0.05);
    cr_assert_eq(run.records.count, 1);
    cr_expect(run.records.items[0].winner && run.records.items[0].ratio_to_c2c > 0);
    cr_expect_str_eq(run.records.items[0].variant, "attention.scalar.plain");
    end(&run);
}

Test(tune_attention, without_position_terms_there_is_nothing_to_compare_with)
{
    struct run run;
    begin(&run);
    tune(&run, "n40 linear:8 none mask:keys", 0.1);
    cr_assert_gt(run.records.count, 0);
    for (size_t n = 0; n < run.records.count; n++) {
        cr_expect(isnan(run.records.items[n].ratio_to_c2c));
        cr_expect_str_empty(run.records.items[n].bias);
    }
    end(&run);
}

static bool is_banded(const struct dt_variant *variant, void *context)
{
    (void)context;
    return fnmatch("*.banded-*", variant->name, 0) == 0;
}

/* Of the selected variants that run here each has one record. */
Test(tune_attention, variants_have_a_record_each)
{
    struct run run;
    size_t wanted = 0, twice = 0;
    const struct dt_variant *variant;
    begin(&run);
    run.tuner.goal = DT_GOAL_VARIANTS;
    run.tuner.selects = is_banded;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        wanted += is_banded(variant, NULL) && !(variant->level & ~dt_cpu_host()->levels);
    tune(&run, "h2 n70 log:32:128", 0.2);
    for (size_t n = 0; n < run.records.count; n++) {
        const char *fault = fault_of(&run.records.items[n]);
        cr_expect(!fault && is_banded(dt_variant_find(run.records.items[n].variant), NULL),
                  "%s: %s", run.records.items[n].variant, fault);
        for (size_t other = 0; other < n; other++)
            twice += strcmp(run.records.items[n].variant, run.records.items[other].variant) == 0;
    }
    cr_expect_eq(run.records.count, wanted);
    cr_expect_eq(twice, 0);
    end(&run);
}

Test(tune_attention, a_fixed_tile_stays)
{
    struct run run;
    begin(&run);
    run.tuner.goal = DT_GOAL_VARIANTS;
    run.tuner.selects = is_banded;
    run.tuner.fixed_tile = true;
    run.tuner.tile = (struct dt_tile){24, 48};
    tune(&run, "h2 n70 log:32:128", 0.1);
    size_t others = 0;
    for (size_t n = 0; n < run.records.count; n++)
        others += run.records.items[n].tile.rows != 24 || run.records.items[n].tile.cols != 48;
    cr_expect_eq(others, 0);
    end(&run);
}

Test(tune_attention, threads_are_compared_with_one)
{
    struct run run;
    begin(&run);
    run.tuner.threads = 2;
    tune(&run, "h2 n70 log:32:128", 0.1);
    cr_assert_gt(run.records.count, 0);
    for (size_t n = 0; n < run.records.count; n++)
        cr_expect(run.records.items[n].threads == 2 &&
                  run.records.items[n].ratio_to_one_thread > 0 &&
                  run.records.items[n].ratio_to_c2c > 0);
    end(&run);
}

Test(tune_attention, a_stop_leaves_a_result)
{
    static const volatile sig_atomic_t stop = 1;
    struct run run;
    begin(&run);
    run.tuner.stop = &stop;
    tune(&run, "h2 n70 log:32:128", 600);
    cr_expect(run.records.count > 0 && !run.outcome.complete && run.outcome.blocks <= 1);
    end(&run);
}

Test(phases, add_up_to_the_call)
{
    const struct dt_problem problem = problem_of("h2 n200 log:32:128");
    struct dt_delta delta;
    struct dt_choice choice;
    struct dt_phase_times times;
    struct run run;
    begin(&run);
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    cr_assert_eq(dt_choice_heuristic(DT_OP_ATTENTION, &problem, &delta, &choice, NULL), DT_OK);
    dt_delta_clear(&delta);
    if (choice.variant->strategy == DT_DIRECT)
        cr_skip_test("no attention made of parts runs on this CPU");
    cr_assert_eq(dt_phases_measure(&run.records.session, &problem, &choice, &times, NULL), DT_OK);
    double sum = 0;
    for (int p = 0; p < DT_PHASE_COUNT; p++) {
        const struct dt_phase_time *phase = &times.phase[p];
        const bool product =
            p == DT_PHASE_C2C || p == DT_PHASE_C2P || p == DT_PHASE_P2C || p == DT_PHASE_PV;
        sum += phase->ns;
        cr_expect(phase->ns > 0 && product == !isnan(phase->gflops), "%s",
                  dt_phase_name((enum dt_phase)p));
    }
    cr_expect(times.call_ns > 0 && fabs(sum - times.call_ns) < 1e-6 * sum);
    end(&run);
}
