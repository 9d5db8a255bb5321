/* SPDX-License-Identifier: MIT */
#include "reports/judge.h"
#include "reports/stats.h"

#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#define CELLS 15
#define PAIRS 60
#define PAIRS_MAX 120
#define AA_PAIRS 24

static const struct dt_judge_options last_look = {
    .delta = 0.03, .alpha = DT_JUDGE_ALPHA, .look = 3, .looks = 3};

/* A cell with so many pairs, of which the first `slow` have the ratio and the others are 1.0. */
struct made {
    struct dt_cell cell;
    double ratios[PAIRS_MAX + DT_JUDGE_LOOKS * DT_JUDGE_CONFIRMING], aa[AA_PAIRS];
};

static void make(struct made *made, size_t pairs, size_t slow, double ratio)
{
    *made = (struct made){0};
    for (size_t k = 0; k < pairs; k++)
        made->ratios[k] = k < slow ? ratio : 1.0;
    for (size_t k = 0; k < AA_PAIRS; k++)
        made->aa[k] = k % 2 ? 1.004 : 1 / 1.004;
    made->cell = (struct dt_cell){.pairs = pairs,
                                  .ratios = made->ratios,
                                  .aa_pairs = AA_PAIRS,
                                  .aa_ratios = made->aa,
                                  .samples = 4 * pairs,
                                  .judgement = DT_UNDECIDED};
}

static void add_pairs(struct made *made, size_t pairs, double ratio)
{
    for (size_t k = 0; k < pairs; k++)
        made->ratios[made->cell.pairs++] = ratio;
}

static void judge_one(struct dt_cell *cell)
{
    cr_assert_eq(dt_judge_cells(cell, 1, &last_look, NULL), DT_OK);
}

/* One cell at the last look: 2.5 %, so 38 of 60 by the sign test, but the interval of all looks
 * together needs 40. */
Test(judge, a_regression_is_claimed_then_confirmed)
{
    struct made made;
    make(&made, 60, 60, 1.05);
    judge_one(&made.cell);
    cr_expect_eq(made.cell.judgement, DT_UNDECIDED, "nothing is red before it is confirmed");
    cr_expect_eq(made.cell.claimed, 60);
    cr_expect(dt_judge_wants_pairs(&made.cell));
    cr_expect_float_eq(made.cell.band, log(1.004), 1e-12);
    cr_expect(strstr(made.cell.reason, "not confirmed"), "%s", made.cell.reason);

    add_pairs(&made, DT_JUDGE_CONFIRMING - 1, 1.05);
    dt_judge_confirm(&made.cell, &last_look);
    cr_expect_eq(made.cell.judgement, DT_UNDECIDED, "one pair is lacking");
    add_pairs(&made, 1, 1.05);
    dt_judge_confirm(&made.cell, &last_look);
    cr_expect_eq(made.cell.judgement, DT_REGRESSED);
    cr_expect(strstr(made.cell.reason, "slower by 5.0 %"), "%s", made.cell.reason);
    cr_expect(!dt_judge_wants_pairs(&made.cell));
}

Test(judge, a_claim_that_is_not_confirmed_may_be_made_again)
{
    struct made made;
    make(&made, 42, 42, 1.05);
    judge_one(&made.cell);
    add_pairs(&made, 4, 1.05);
    add_pairs(&made, 5, 1.014);
    dt_judge_confirm(&made.cell, &last_look);
    cr_expect_eq(made.cell.judgement, DT_UNDECIDED);
    cr_expect_eq(made.cell.claimed, 0);
    cr_expect(strstr(made.cell.reason, "9 more do not confirm it: +1.4 %"), "%s", made.cell.reason);
    judge_one(&made.cell);
    cr_expect_eq(made.cell.claimed, 51, "46 of 51 are plainly slower");
    add_pairs(&made, 4, 1.0);
    add_pairs(&made, 5, 1.015);
    dt_judge_confirm(&made.cell, &last_look);
    cr_expect_eq(made.cell.judgement, DT_REGRESSED, "%s", made.cell.reason);
}

/* 40 of 60 are just claimed; nine that are slower, but less than delta, put the end of the interval
 * of all below it. */
Test(judge, all_pairs_together_must_still_show_it)
{
    struct made made;
    make(&made, 60, 40, 1.05);
    judge_one(&made.cell);
    cr_assert_eq(made.cell.claimed, 60);
    add_pairs(&made, DT_JUDGE_CONFIRMING, 1.02);
    dt_judge_confirm(&made.cell, &last_look);
    cr_expect_eq(made.cell.judgement, DT_UNDECIDED);
    cr_expect(made.cell.lo < 1.03 && made.cell.claimed == 0);
}

Test(judge, counts_that_just_do_and_just_do_not)
{
    struct made enough, lacking;
    make(&enough, 60, 40, 1.05);
    make(&lacking, 60, 39, 1.05);
    judge_one(&enough.cell);
    judge_one(&lacking.cell);
    cr_expect_eq(enough.cell.claimed, 60);
    cr_expect_eq(lacking.cell.claimed, 0);
    cr_expect_eq(lacking.cell.judgement, DT_UNDECIDED);
}

/* 40 of 60 have p = 0.0067 and are enough for one cell, not for one of fifteen; 42 are. */
Test(judge, many_cells_need_more)
{
    static struct made made[CELLS];
    struct dt_cell cells[CELLS];
    for (size_t slow = 41; slow <= 42; slow++) {
        for (size_t c = 0; c < CELLS; c++) {
            make(&made[c], 60, c == 3 ? slow : 20, 1.05);
            cells[c] = made[c].cell;
        }
        cr_assert_eq(dt_judge_cells(cells, CELLS, &last_look, NULL), DT_OK);
        cr_expect_eq(cells[3].claimed, slow == 42 ? 60 : 0, "%zu of 60: p %g", slow, cells[3].p);
        cr_expect_eq(cells[2].claimed, 0);
    }
}

/* The same counts at the first of three looks, which may spend a third of what the last may. */
Test(judge, early_looks_need_more)
{
    struct dt_judge_options early = last_look;
    struct made made;
    early.look = 1;
    make(&made, 20, 16, 1.05);
    cr_assert_eq(dt_judge_cells(&made.cell, 1, &early, NULL), DT_OK);
    cr_expect_eq(made.cell.claimed, 0);
    const double p = made.cell.p;
    judge_one(&made.cell);
    cr_expect_eq(made.cell.claimed, 20);
    cr_expect_float_eq(p, 3 * made.cell.p, 1e-12);

    cr_expect_eq(dt_judge_look_pairs(60, &early), 20);
    cr_expect_eq(dt_judge_look_pairs(2, &early), 1);
    cr_expect_eq(dt_judge_look_pairs(61, &last_look), 61);
    cr_expect_eq(dt_judge_least_pairs(CELLS, &early), 11);
    cr_expect_eq(dt_judge_least_pairs(CELLS, &last_look), 10);
    cr_expect_eq(dt_judge_least_pairs(1, &last_look), 6);
}

Test(judge, nothing_is_claimed_within_the_band)
{
    struct made made;
    make(&made, 60, 60, 1.05);
    for (size_t k = 0; k < AA_PAIRS; k++)
        made.aa[k] = 1 / 1.06;
    judge_one(&made.cell);
    cr_expect_eq(made.cell.claimed, 0);
    cr_expect_float_eq(made.cell.band, log(1.06), 1e-12);
    cr_expect(strstr(made.cell.reason, "vary by 6.0 %"), "%s", made.cell.reason);
    make(&made, 60, 0, 1);
    for (size_t k = 0; k < AA_PAIRS; k++)
        made.aa[k] = 1.06;
    judge_one(&made.cell);
    cr_expect_eq(made.cell.judgement, DT_UNDECIDED, "a band beyond delta is not equivalent either");
}

Test(judge, a_band_needs_pairs_or_must_be_given)
{
    struct made made;
    make(&made, 60, 60, 1.2);
    made.cell.aa_pairs = DT_JUDGE_AA_LEAST - 1;
    judge_one(&made.cell);
    cr_expect_eq(made.cell.claimed, 0);
    cr_expect(strstr(made.cell.reason, "6 are needed"), "%s", made.cell.reason);
    made.cell.aa_pairs = 0;
    made.cell.band = NAN;
    judge_one(&made.cell);
    cr_expect_eq(made.cell.claimed, 0);
    made.cell.band = 0.01;
    judge_one(&made.cell);
    cr_expect_eq(made.cell.claimed, 60);
}

Test(judge, improvements_and_equivalence)
{
    struct made faster, same, between;
    make(&faster, 60, 60, 0.9);
    make(&same, 60, 30, 1.01);
    make(&between, 60, 60, 1.03);
    judge_one(&faster.cell);
    judge_one(&same.cell);
    judge_one(&between.cell);
    cr_expect_eq(faster.cell.judgement, DT_IMPROVED);
    cr_expect(strstr(faster.cell.reason, "faster by 10.0 %"), "%s", faster.cell.reason);
    cr_expect_eq(same.cell.judgement, DT_EQUIVALENT);
    cr_expect_eq(between.cell.judgement, DT_EQUIVALENT, "delta itself is no change");
    cr_expect(same.cell.lo == 1 && same.cell.hi == 1.01 && same.cell.ratio == 1.005);
}

Test(judge, disturbed_cells_are_void_at_the_end)
{
    struct made made;
    struct dt_judge_options early = last_look;
    early.look = 2;
    make(&made, 60, 60, 1.2);
    made.cell.gated = 121;
    cr_assert_eq(dt_judge_cells(&made.cell, 1, &early, NULL), DT_OK);
    cr_expect(made.cell.judgement == DT_UNDECIDED && made.cell.claimed == 0);
    judge_one(&made.cell);
    cr_expect_eq(made.cell.judgement, DT_VOID);
    cr_expect(strstr(made.cell.reason, "121 of 240"), "%s", made.cell.reason);
    make(&made, 60, 60, 1.2);
    made.cell.gated = 120;
    judge_one(&made.cell);
    cr_expect_eq(made.cell.claimed, 60, "half is not more than half");
}

/* What was decided stays, counts as a cell, and is not measured anew; same code does not count. */
Test(judge, decided_cells_stay)
{
    static struct made made[CELLS];
    struct dt_cell cells[CELLS];
    const enum dt_judgement kept[] = {DT_SAME_CODE, DT_VOID};
    for (size_t k = 0; k < 3; k++) {
        for (size_t c = 0; c < CELLS; c++) {
            make(&made[c], 60, c == 3 ? 41 : 20, 1.05);
            cells[c] = made[c].cell;
            if (c != 3)
                cells[c].judgement = k < 2 ? kept[k] : DT_EQUIVALENT;
        }
        cells[0].ratio = 42;
        cr_assert_eq(dt_judge_cells(cells, CELLS, &last_look, NULL), DT_OK);
        cr_expect_eq(cells[3].claimed, k < 2 ? 60 : 0, "%s", dt_judgement_name(cells[0].judgement));
        cr_expect(cells[0].ratio == 42 && cells[1].judgement == (k < 2 ? kept[k] : DT_EQUIVALENT));
    }
    cr_expect_eq(dt_judge_cells(NULL, 0, &last_look, NULL), DT_OK);
}

Test(judge, a_cell_without_pairs_is_left_alone)
{
    struct dt_cell cell = {.judgement = DT_UNDECIDED, .band = NAN};
    judge_one(&cell);
    cr_expect(cell.judgement == DT_UNDECIDED && cell.claimed == 0);
    cr_expect(isnan(dt_judge_least_effect(&cell, 1, &last_look)));
}

/* ---- Simulations of whole runs: looks, confirmation and all ---- */

static double uniform(uint64_t *state)
{
    return ((double)(dt_random(state) >> 11) + 0.5) / 9007199254740992.0;
}

/* Student's t of two degrees of freedom: every hundredth value lies beyond 7 scales. */
static double heavy(uint64_t *state)
{
    const double u = uniform(state);
    return (2 * u - 1) / sqrt(2 * u * (1 - u));
}

struct world {
    double slowdown;    /* of every cell, log */
    double bias;        /* of whoever runs second, in both arms; log */
    double scale;       /* of a pair's own noise, log */
    double disturbance; /* of a moment, which all cells of the pair share */
    size_t pairs;       /* 0: PAIRS */
};

static double pair_ratio(const struct world *world, double effect, double moment, uint64_t *state)
{
    return exp(effect + world->bias + world->disturbance * moment + world->scale * heavy(state));
}

static void take_pair(const struct world *world, struct made *made, uint64_t *state)
{
    const double moment = heavy(state);
    for (size_t c = 0; c < CELLS; c++) {
        struct dt_cell *cell = &made[c].cell;
        if (!dt_judge_wants_pairs(cell))
            continue;
        made[c].ratios[cell->pairs++] = pair_ratio(world, world->slowdown, moment, state);
        cell->samples += 4;
    }
}

static void confirm_all(const struct world *world, struct made *made,
                        const struct dt_judge_options *options, uint64_t *state)
{
    for (size_t c = 0; c < CELLS; c++) {
        struct dt_cell *cell = &made[c].cell;
        while (cell->claimed && dt_judge_wants_pairs(cell)) {
            made[c].ratios[cell->pairs++] = pair_ratio(world, world->slowdown, heavy(state), state);
            dt_judge_confirm(cell, options);
        }
    }
}

/* One run of `disentune regress`; the number of cells that went red. */
static size_t run(const struct world *world, uint64_t *state)
{
    static struct made made[CELLS];
    struct dt_cell cells[CELLS];
    struct dt_judge_options options = last_look;
    const size_t pairs = world->pairs ? world->pairs : PAIRS;
    size_t taken = 0, red = 0;
    for (size_t c = 0; c < CELLS; c++)
        make(&made[c], 0, 0, 1);
    for (size_t k = 0; k < AA_PAIRS; k++) {
        const double moment = heavy(state);
        for (size_t c = 0; c < CELLS; c++)
            made[c].aa[k] = pair_ratio(world, 0, moment, state);
    }
    for (options.look = 1; options.look <= options.looks; options.look++) {
        for (; taken < dt_judge_look_pairs(pairs, &options); taken++)
            take_pair(world, made, state);
        for (size_t c = 0; c < CELLS; c++)
            cells[c] = made[c].cell;
        cr_assert_eq(dt_judge_cells(cells, CELLS, &options, NULL), DT_OK);
        for (size_t c = 0; c < CELLS; c++)
            made[c].cell = cells[c];
        confirm_all(world, made, &options, state);
    }
    for (size_t c = 0; c < CELLS; c++)
        red += made[c].cell.judgement == DT_REGRESSED;
    return red;
}

struct outcome {
    int runs, red_runs, red_cells;
};

static struct outcome simulate(const struct world *world, int runs, uint64_t seed)
{
    struct outcome outcome = {.runs = runs};
    for (int k = 0; k < runs; k++) {
        const size_t red = run(world, &seed);
        outcome.red_runs += red > 0;
        outcome.red_cells += (int)red;
    }
    return outcome;
}

/* Half of the pairs lie beyond 2.4 %, every tenth beyond 5.7 %, and neighbours hit all at once. */
Test(judge, builds_that_do_not_differ_do_not_go_red)
{
    const struct world world = {.scale = 0.03, .disturbance = 0.01};
    const struct outcome outcome = simulate(&world, 300, 1);
    cr_expect_eq(outcome.red_runs, 0, "%d of 300 runs", outcome.red_runs);
}

Test(judge, a_bias_that_the_aa_arm_has_too_does_not_go_red)
{
    const struct world world = {.scale = 0.01, .bias = 0.05};
    const struct outcome outcome = simulate(&world, 200, 2);
    cr_expect_leq(outcome.red_runs, 2, "%d of 200 runs", outcome.red_runs);
}

/* The worst case that the 5 % must hold for: every cell is slower by delta. 400 runs of 5 % would
 * have more than 29 red ones with a chance of 2 %. */
Test(judge, slower_by_delta_goes_red_in_five_percent_of_runs_at_most)
{
    const struct world world = {.scale = 0.01, .slowdown = log(1.03)};
    const struct outcome outcome = simulate(&world, 400, 3);
    cr_expect_leq(outcome.red_runs, 29, "%d of 400 runs", outcome.red_runs);
}

/* A scale of 0.012 is an interquartile range of 2 %, half of it each side. */
Test(judge, slower_by_five_percent_is_found)
{
    const struct world world = {.scale = 0.012, .slowdown = log(1.05)};
    const struct outcome outcome = simulate(&world, 100, 4);
    const double rate = outcome.red_cells / (100.0 * CELLS);
    cr_expect_geq(rate, 0.95, "%.3f of all cells", rate);
}

Test(judge, slower_by_ten_percent_is_found_in_much_noise)
{
    const struct world world = {.scale = 0.03, .disturbance = 0.01, .slowdown = log(1.1)};
    const struct outcome outcome = simulate(&world, 100, 5);
    const double rate = outcome.red_cells / (100.0 * CELLS);
    cr_expect_geq(rate, 0.95, "%.3f of all cells", rate);
}

/* An interquartile range of 4 %: calls that stream through a cache which others use, too. */
Test(judge, many_pairs_find_five_percent_in_more_noise)
{
    const struct world world = {.scale = 0.024, .slowdown = log(1.05), .pairs = PAIRS_MAX};
    const struct outcome outcome = simulate(&world, 100, 8);
    const double rate = outcome.red_cells / (100.0 * CELLS);
    cr_expect_geq(rate, 0.9, "%.3f of all cells", rate);
}

/* What is called detectable with 90 % is detected by that many runs, and some more: all cells are
 * slow, which makes each easier to claim. */
Test(judge, least_effect_is_what_is_detected)
{
    const struct world quiet = {.scale = 0.012};
    uint64_t state = 6;
    double effects[20];
    for (size_t k = 0; k < 20; k++) {
        static struct made made[CELLS];
        make(&made[0], 0, 0, 1);
        while (made[0].cell.pairs < PAIRS)
            made[0].ratios[made[0].cell.pairs++] = pair_ratio(&quiet, 0, 0, &state);
        effects[k] = dt_judge_least_effect(&made[0].cell, CELLS, &last_look);
    }
    const double effect = dt_median(effects, 20);
    const struct world world = {.scale = 0.012, .slowdown = log1p(effect)};
    const struct outcome outcome = simulate(&world, 60, 7);
    const double rate = outcome.red_cells / (60.0 * CELLS);
    cr_expect(effect > 0.03 && effect < 0.06, "%g", effect);
    cr_expect(rate > 0.85 && rate < 0.99, "%.3f at %.4f", rate, effect);
}
