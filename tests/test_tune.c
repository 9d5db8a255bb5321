/* SPDX-License-Identifier: MIT */
#include "tests/problem_fixture.h"
#include "tuner/race.h"
#include "tuner/session.h"
#include "tuner/space.h"
#include "tuner/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A race whose samples are made up: runner r takes base[r] in every block, but for `spread`. */
struct made_up {
    struct dt_workload workload;
    struct dt_sampler sampler;
    struct dt_race race;
};

static void make_up(struct made_up *m, const double *base, size_t count, double spread)
{
    struct dt_choice choices[8];
    struct dt_error error;
    *m =
        (struct made_up){.workload = {.op = DT_OP_BIAS, .problem = problem_of("n512 log:256:512")}};
    for (size_t r = 0; r < count; r++)
        choices[r] = (struct dt_choice){.variant = dt_variant_find("bias.scalar.plain"),
                                        .tile = {(int32_t)(64 >> r), 0}};
    cr_assert_eq(dt_race_init(&m->race, &m->workload, &m->sampler, choices, count, 1, &error),
                 DT_OK);
    m->race.blocks = 20;
    for (size_t r = 0; r < count; r++) {
        m->race.runners[r].samples = m->race.blocks;
        m->race.runners[r].dropped = false;
        for (size_t b = 0; b < m->race.blocks; b++) {
            const double drift = 1 + 0.5 * (double)b; /* hits all runners of a block alike */
            const double noise = b % 2 ? 1 + spread : 1 - spread;
            m->race.runners[r].ns[b] = base[r] * drift * (r == 0 ? noise : 1);
        }
    }
}

Test(race, ratios_are_paired_within_blocks)
{
    struct made_up m;
    make_up(&m, (const double[]){100, 200}, 2, 0);
    const struct dt_interval ratio = dt_race_ratio(&m.race, 0, 1);
    cr_expect_float_eq(ratio.median, 2, 1e-12, "drift of a factor of ten leaves the ratio alone");
    cr_expect_float_eq(ratio.hi - ratio.lo, 0, 1e-12);
    m.race.runners[1].ns[3] = NAN;
    cr_expect_float_eq(dt_race_ratio(&m.race, 0, 1).median, 2, 1e-12);
    dt_race_clear(&m.race);
}

Test(race, drops_the_slow_and_keeps_ties_and_references)
{
    struct made_up m;
    make_up(&m, (const double[]){100, 100.5, 110, 130, 900}, 5, 0);
    m.race.runners[4].kept = true;
    dt_race_drop(&m.race, 1.25, 0.02);
    cr_expect_not(m.race.runners[0].dropped);
    cr_expect_not(m.race.runners[1].dropped, "0.5 %% is within the band");
    cr_expect(m.race.runners[2].dropped, "10 %% slower in every block");
    cr_expect(m.race.runners[3].dropped, "30 %% slower");
    cr_expect_not(m.race.runners[4].dropped, "a point of reference stays");
    cr_expect_eq(dt_race_leader(&m.race), 0);
    dt_race_clear(&m.race);
}

Test(race, among_equals_the_smaller_tile_wins)
{
    struct made_up m;
    make_up(&m, (const double[]){100, 100.5, 103}, 3, 0);
    cr_expect_eq(dt_race_winner(&m.race, 0.001), 1, "0.5 %% is a tie, tile 32x0 is the smaller");
    cr_expect_eq(dt_race_winner(&m.race, 0.05), 2, "in a band of 5 %% all are equal");
    dt_race_clear(&m.race);
}

Test(space, tiles_obey_multiples_and_the_problem)
{
    struct dt_machine machine;
    struct dt_delta delta;
    struct dt_space space;
    struct dt_error error;
    const struct dt_problem problem = problem_of("n300 log:256:512");
    cr_assert_eq(dt_machine_synthetic("pack:1 l3:1 l2:2 l1d:1 core:1 pu:1", &machine, &error),
                 DT_OK);
    cr_assert_eq(dt_delta_init(&delta, &problem, &error), DT_OK);
    cr_assert_eq(dt_space_init(&space, DT_OP_BIAS, &problem, &delta, &machine, NULL, NULL, &error),
                 DT_OK);
    cr_assert_gt(space.count, 0);
    size_t wrong = 0, scalar = 0;
    for (size_t n = 0; n < space.count; n++) {
        const struct dt_choice *c = &space.choices[n];
        wrong += !dt_tile_fits(c->variant, c->tile) || c->tile.rows >= 300 || c->tile.cols >= 300 ||
                 !dt_variant_applies(c->variant, DT_OP_BIAS, &problem, &delta);
        for (size_t other = 0; other < n; other++)
            wrong += memcmp(c, &space.choices[other], sizeof *c) == 0;
        scalar += strcmp(c->variant->name, "bias.scalar.plain") == 0;
    }
    cr_expect_eq(wrong, 0, "%zu choices are twice there or do not fit", wrong);
    cr_expect_eq(scalar, 1, "a variant that ignores its tile is there once");
    free(space.choices);
    dt_delta_clear(&delta);
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

Test(session, the_noise_floor_is_measured)
{
    struct dt_sampler sampler;
    struct dt_session session = {.seed = 1};
    struct dt_error error;
    dt_sampler_init(&sampler);
    cr_assert_eq(dt_session_noise(&session, &sampler, &error), DT_OK, "%s", error.text);
    cr_expect_gt(session.noise_floor, 0, "two copies of one plan never take the very same time");
}

/* What tune promises of a whole run, whatever the machine's speed. */
Test(tune, records_every_variant_once_and_one_winner)
{
    struct dt_machine machine;
    struct dt_sampler sampler;
    struct dt_error error;
    struct dt_outcome outcome;
    struct dt_records records = {0};
    const struct dt_problem problem = problem_of("n33 log:32:128");
    char *arguments[] = {"tune", NULL};
    cr_assert_eq(dt_machine_host(&machine, &error), DT_OK);
    dt_session_init(&records.session, &machine, arguments, 7);
    dt_sampler_init(&sampler);
    const struct dt_tuner tuner = {
        .machine = &machine, .session = &records.session, .sampler = &sampler};
    cr_assert_eq(dt_tune(&tuner, DT_OP_BIAS, &problem, 0.2, &records, &outcome, &error), DT_OK);
    size_t winners = 0, twice = 0, incomplete = 0;
    for (size_t r = 0; r < records.count; r++) {
        const struct dt_record *a = &records.items[r];
        winners += a->winner;
        incomplete += !(a->ns_lo <= a->ns_median && a->ns_median <= a->ns_hi) || !a->verified ||
                      !(a->ratio_to_scalar > 0) || !(a->share_of_ceiling > 0) || a->samples == 0;
        for (size_t other = 0; other < r; other++)
            twice += strcmp(a->variant, records.items[other].variant) == 0;
    }
    cr_expect_eq(outcome.disqualified, 0);
    cr_expect_eq(winners, 1);
    cr_expect_eq(twice, 0);
    cr_expect_eq(incomplete, 0);
    dt_records_clear(&records);
    dt_machine_clear(&machine);
}
