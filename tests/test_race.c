/* SPDX-License-Identifier: MIT */
#include "tests/child_fixture.h"
#include "tests/problem_fixture.h"
#include "tuner/final.h"
#include "tuner/race.h"

#include <math.h>
#include <string.h>

/* First rows of tile of what was called, in the order of the calls, without repetitions. */
static int32_t called[400];
static size_t call_count;

static void record_call(const struct dt_bias_block *b, const struct dt_bias *io)
{
    (void)io;
    if (call_count == 0 || called[call_count - 1] != b->tile.rows)
        called[call_count++] = b->tile.rows;
}

static const struct dt_variant narrow = {
    .name = "bias.narrow.b", .op = DT_OP_BIAS, .run.bias = record_call};
static const struct dt_variant wide = {.name = "bias.wide.a", .op = DT_OP_BIAS, .level = 2};

enum { BLOCKS = 20 };

static void no_thread(void *context, struct dt_thread_counters *counters)
{
    (void)context;
    *counters = (struct dt_thread_counters){0};
}

static void no_system(void *context, struct dt_system_counters *counters)
{
    (void)context;
    *counters = (struct dt_system_counters){0};
}

static double even(void *context)
{
    (void)context;
    return 100;
}

/* From the ninth reading on, which is the first of the fifth block, another thread is there. */
static double crowding(void *context)
{
    static int readings;
    (void)context;
    return readings++ < 8 ? 50 : 60;
}

/* A race without measurements; the samples of some blocks are made up. */
struct made_up {
    struct dt_workload workload;
    struct dt_sampler sampler;
    struct dt_race race;
};

static void make_up(struct made_up *m, const struct dt_choice *choices, size_t count)
{
    struct dt_error error;
    *m = (struct made_up){.workload = {.op = DT_OP_BIAS, .problem = problem_of("n512 linear:512")}};
    cr_assert_eq(dt_race_init(&m->race, &m->workload, &m->sampler, choices, count, 1, &error),
                 DT_OK);
}

/* Runner r takes ns[r] in every block, but for `spread` of the first. */
static void make_up_times(struct made_up *m, const struct dt_choice *choices, const double *ns,
                          size_t count, double spread)
{
    make_up(m, choices, count);
    struct dt_board *board = &m->race.board;
    for (; board->blocks < BLOCKS; board->blocks++) {
        const double drift = 1 + 0.5 * (double)board->blocks; /* hits all of a block alike */
        const double noise = board->blocks % 2 ? 1 + spread : 1 - spread;
        for (size_t r = 0; r < count; r++) {
            board->lanes[r].dropped = false;
            cr_assert(dt_board_time(board, r, ns[r] * drift * (r == 0 ? noise : 1)));
        }
    }
}

#define PLAN(v, r, c)                                                                              \
    {                                                                                              \
        .variant = &(v), .tile = { r, c }                                                          \
    }

static const struct dt_choice tiles[] = {
    PLAN(narrow, 64, 0), PLAN(narrow, 32, 0), PLAN(narrow, 16, 0),
    PLAN(narrow, 8, 0),  PLAN(narrow, 4, 0),
};

Test(race, ratios_are_paired_within_blocks)
{
    struct made_up m;
    make_up_times(&m, tiles, (const double[]){100, 200}, 2, 0);
    const struct dt_interval ratio = dt_board_ratio(&m.race.board, 0, 1);
    cr_expect_float_eq(ratio.median, 2, 1e-12, "drift of a factor of ten leaves the ratio alone");
    cr_expect_float_eq(ratio.hi - ratio.lo, 0, 1e-12);
    cr_assert(dt_board_time(&m.race.board, 1, 1));
    cr_expect_float_eq(dt_board_ratio(&m.race.board, 0, 1).hi, 2, 1e-12,
                       "a block that one of them missed");
    dt_race_clear(&m.race);
}

Test(race, who_joins_late_has_no_past)
{
    struct made_up m;
    size_t late;
    make_up_times(&m, tiles, (const double[]){100}, 1, 0);
    const struct dt_runner second = {.choice = tiles[1], .threads = 1};
    cr_assert_eq(dt_race_add_reference(&m.race, &second, &late, NULL), DT_OK);
    cr_expect(isinf(dt_board_score(&m.race.board, late)));
    cr_expect(isnan(dt_board_ratio(&m.race.board, late, 0).median));
    cr_assert(dt_board_time(&m.race.board, late, 7));
    cr_expect_eq(dt_board_score(&m.race.board, late), 7);
    dt_race_clear(&m.race);
}

Test(race, beside_an_anchor_times_of_different_blocks_compare)
{
    struct dt_board board = DT_BOARD_EMPTY;
    double values[DT_BLOCKS_MAX];
    cr_assert(dt_board_add(&board, 3));
    cr_expect(isinf(dt_board_score(&board, 0)));
    board.anchor = 2;
    for (; board.blocks < 2 * DT_BLOCKS_MAX; board.blocks++) {
        const double drift = board.blocks < DT_BLOCKS_MAX ? 1 : 10;
        cr_assert(dt_board_time(&board, drift > 1, (drift > 1 ? 90 : 80) * drift) &&
                  dt_board_time(&board, 2, 100 * drift));
    }
    cr_expect_float_eq(dt_board_score(&board, 0), 0.8, 1e-12);
    cr_expect_float_eq(dt_board_score(&board, 1), 0.9, 1e-12, "the machine had become slower");
    cr_expect(isnan(dt_board_ratio(&board, 0, 1).median), "they share no block");
    cr_expect_eq(dt_board_times(&board, 2, values), DT_BLOCKS_MAX);
    cr_expect_eq(dt_board_leader(&board), 3, "none takes part");
    board.lanes[0].dropped = board.lanes[1].dropped = false;
    cr_expect_eq(dt_board_leader(&board), 0);
    dt_board_clear(&board);
}

Test(race, drops_the_slow_and_keeps_ties_and_references)
{
    struct made_up m;
    make_up_times(&m, tiles, (const double[]){100, 100.5, 110, 130, 900}, 5, 0);
    m.race.board.lanes[4].kept = true;
    dt_board_drop(&m.race.board, 1.25, 0.02);
    cr_expect_not(m.race.board.lanes[0].dropped);
    cr_expect_not(m.race.board.lanes[1].dropped, "0.5 %% is within the band");
    cr_expect(m.race.board.lanes[2].dropped, "10 %% slower in every block");
    cr_expect(m.race.board.lanes[3].dropped, "30 %% slower");
    cr_expect_not(m.race.board.lanes[4].dropped, "a point of reference stays");
    cr_expect_eq(dt_board_leader(&m.race.board), 0);
    dt_race_clear(&m.race);
}

Test(race, four_samples_or_a_wide_interval_drop_only_the_far_behind)
{
    struct made_up m;
    make_up_times(&m, tiles, (const double[]){100, 110, 130}, 3, 0);
    for (size_t r = 0; r < 3; r++)
        m.race.board.lanes[r].count = 4;
    dt_board_drop(&m.race.board, 1.25, 0.02);
    cr_expect_not(m.race.board.lanes[1].dropped);
    cr_expect(m.race.board.lanes[2].dropped);
    dt_race_clear(&m.race);

    make_up_times(&m, tiles, (const double[]){100, 104}, 2, 0.1);
    dt_board_drop(&m.race.board, 1.25, 0.02);
    cr_expect_not(m.race.board.lanes[1].dropped, "ahead in every other block");
    dt_race_clear(&m.race);
}

Test(race, dropped_and_references_neither_lead_nor_win)
{
    struct made_up m;
    make_up_times(&m, tiles, (const double[]){100, 100, 200}, 3, 0);
    m.race.board.lanes[0].dropped = true;
    m.race.board.lanes[1].kept = true;
    cr_expect_eq(dt_board_leader(&m.race.board), 2);
    cr_expect_eq(dt_race_winner(&m.race, 1), 2, "the others are within the band");
    m.race.board.lanes[2].dropped = true;
    cr_expect_eq(dt_board_leader(&m.race.board), 3, "nobody");
    cr_expect_eq(dt_race_winner(&m.race, 1), 3, "nobody");
    dt_race_clear(&m.race);
}

/* In [0, 1). */
static double uniform(uint64_t *state) { return (double)(dt_random(state) >> 11) * 0x1p-53; }

/* How many of 300 last races of two copies of one plan tell them apart; noise of 1 % and, in a
 * share of the samples, a disturbance by up to so many times as much. */
static size_t told_apart(double disturbed, double times, double band)
{
    uint64_t random = 20260131;
    size_t declared = 0;
    for (int race = 0; race < 300; race++) {
        struct dt_board board = DT_BOARD_EMPTY;
        cr_assert(dt_board_add(&board, 2));
        board.lanes[0].dropped = board.lanes[1].dropped = false;
        for (; board.blocks < 30; board.blocks++) {
            for (size_t n = 0; n < 2; n++) {
                double sum = -6;
                for (int d = 0; d < 12; d++)
                    sum += uniform(&random);
                const double burst =
                    uniform(&random) < disturbed ? 1 + times * uniform(&random) : 1;
                if (!board.lanes[n].dropped)
                    cr_assert(dt_board_time(&board, n, 1e5 * exp(0.01 * sum) * burst));
            }
            dt_board_drop(&board, dt_final_limit(board.blocks + 1), band);
        }
        declared += dt_board_apart(&board, band);
        dt_board_clear(&board);
    }
    return declared;
}

Test(race, two_copies_are_not_told_apart)
{
    static const struct {
        double disturbed, times, band;
    } cases[] = {
        {0, 1, 0.005}, {0.02, 1, 0.005}, {0.1, 1, 0.005}, {0.15, 1, 0.02}, {0.1, 3, 0.005},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        const size_t declared = told_apart(cases[n].disturbed, cases[n].times, cases[n].band);
        cr_expect_leq(declared, 3, "case %zu: %zu of 300", n, declared);
    }
}

Test(race, of_equals_the_first_wins)
{
    struct made_up m;
    make_up_times(&m, tiles, (const double[]){104, 101, 100}, 3, 0);
    cr_expect_eq(dt_race_winner(&m.race, 0.05), 0);
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 1, "the first is slower by more than the band");
    cr_expect_eq(dt_race_winner(&m.race, 0.001), 1, "1 %% is a tie in any case");
    m.race.board.lanes[1].dropped = true;
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 2);
    dt_race_clear(&m.race);
}

Test(race, what_is_slower_by_chance_wins)
{
    struct made_up m;
    make_up_times(&m, tiles, (const double[]){104, 100}, 2, 0.1);
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 0, "ahead in every other block");
    for (size_t r = 0; r < 2; r++)
        m.race.board.lanes[r].count = 4;
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 0, "likewise of four");
    dt_race_clear(&m.race);

    make_up_times(&m, tiles, (const double[]){160, 100, 250}, 3, 0);
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 1);
    for (size_t r = 0; r < 3; r++)
        m.race.board.lanes[r].count = 5;
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 0, "five samples may all be disturbed");
    m.race.board.lanes[0].dropped = true;
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 1);
    m.race.board.lanes[1].dropped = true;
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 2);
    dt_race_clear(&m.race);

    make_up_times(&m, tiles, (const double[]){250, 100}, 2, 0);
    for (size_t r = 0; r < 2; r++)
        m.race.board.lanes[r].count = 1;
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 1, "no disturbance takes so long");
    dt_race_clear(&m.race);
}

/* Of 20 blocks the first `alone` have the core for themselves; there runner 1 takes `own` times as
 * long as runner 0. The others share it; there all take half as long again, and it is `other`. */
static void make_up_shared(struct made_up *m, size_t alone, double own, double other)
{
    make_up(m, tiles, 2);
    struct dt_board *board = &m->race.board;
    for (; board->blocks < BLOCKS; board->blocks++) {
        board->shared = board->blocks >= alone;
        board->lanes[0].dropped = board->lanes[1].dropped = false;
        cr_assert(dt_board_time(board, 0, board->shared ? 150 : 100));
        cr_assert(dt_board_time(board, 1, board->shared ? 150 * other : 100 * own));
    }
}

Test(race, blocks_of_a_shared_core_do_not_count_beside_enough_others)
{
    struct made_up m;
    double values[DT_BLOCKS_MAX];
    make_up_shared(&m, DT_BLOCKS_ENOUGH, 1.1, 0.9);
    cr_expect_float_eq(dt_board_ratio(&m.race.board, 0, 1).lo, 1.1, 1e-12);
    cr_expect_float_eq(dt_board_ratio(&m.race.board, 0, 1).hi, 1.1, 1e-12);
    cr_expect_eq(dt_board_times(&m.race.board, 0, values), DT_BLOCKS_ENOUGH);
    cr_expect_float_eq(dt_median(values, DT_BLOCKS_ENOUGH), 100, 1e-12);
    cr_expect_float_eq(dt_board_score(&m.race.board, 0), 100, 1e-12);
    cr_expect_eq(dt_board_leader(&m.race.board), 0);
    cr_expect_eq(dt_race_winner(&m.race, 0.02), 0);
    m.race.board.anchor = 0;
    cr_expect_float_eq(dt_board_score(&m.race.board, 1), 1.1, 1e-12);
    dt_board_drop(&m.race.board, 2, 0.02);
    cr_expect(m.race.board.lanes[1].dropped && !m.race.board.lanes[0].dropped);
    dt_race_clear(&m.race);

    make_up_shared(&m, DT_BLOCKS_ENOUGH - 1, 1.1, 0.9);
    cr_expect_float_eq(dt_board_ratio(&m.race.board, 0, 1).median, 0.9, 1e-12,
                       "too few are alone: all count");
    cr_expect_eq(dt_board_times(&m.race.board, 0, values), BLOCKS);
    cr_expect_eq(dt_board_leader(&m.race.board), 1);
    dt_race_clear(&m.race);
}

Test(race, on_a_shared_core_a_difference_must_be_twice_as_large)
{
    struct made_up m;
    make_up_shared(&m, 0, 1, 0.96);
    cr_expect_not(dt_board_slower(&m.race.board, 0, 1, 0.03), "4 %%");
    cr_expect_not(dt_board_apart(&m.race.board, 0.03));
    dt_board_drop(&m.race.board, 2, 0.03);
    cr_expect_not(m.race.board.lanes[0].dropped);
    dt_race_clear(&m.race);

    make_up_shared(&m, BLOCKS, 0.96, 1);
    cr_expect(dt_board_slower(&m.race.board, 0, 1, 0.03));
    cr_expect(dt_board_apart(&m.race.board, 0.03));
    dt_board_drop(&m.race.board, 2, 0.03);
    cr_expect(m.race.board.lanes[0].dropped);
    dt_race_clear(&m.race);

    make_up_shared(&m, 0, 1, 0.93);
    cr_expect(dt_board_slower(&m.race.board, 0, 1, 0.03), "7 %%");
    cr_expect(dt_board_apart(&m.race.board, 0.03));
    dt_race_clear(&m.race);
}

Test(race, a_block_bears_what_its_sampler_saw)
{
    static const struct dt_counters crowded = {
        .thread = no_thread, .system = no_system, .canary = even, .wide_canary = crowding};
    struct made_up m;
    make_up(&m, tiles, 1);
    dt_sampler_init(&m.sampler);
    cr_assert_eq(dt_race_enter(&m.race, 0, NULL), DT_OK);
    m.sampler.counters = &crowded;
    m.sampler.wide[0] = m.sampler.wide[1] = m.sampler.wide[2] = 0.5;
    for (int b = 0; b < 8; b++)
        dt_race_block(&m.race);
    for (size_t b = 0; b < 8; b++)
        cr_expect_eq(m.race.board.lanes[0].times[b].shared, b >= 4, "%zu", b);
    dt_race_clear(&m.race);
}

/* From the third reading on, the first of the second block, another thread is there. */
static double crowded_later(void *context)
{
    static int readings;
    (void)context;
    return readings++ < 2 ? 50 : 60;
}

/* Blocks of a last race of two copies of a real plan, with time enough, on a core that is shared
 * from the second block on or never. Each block bears which it was, also of a fresh process. */
static size_t blocks_of_last_race(enum dt_goal goal, bool shared)
{
    const struct dt_counters counters = {.thread = no_thread,
                                         .system = no_system,
                                         .canary = even,
                                         .wide_canary = shared ? crowded_later : even};
    const struct dt_session session = {.seed = 1, .noise_floor = 1};
    struct dt_workload workload;
    struct dt_sampler sampler;
    struct dt_choice copies[2];
    struct dt_race race;
    struct dt_error error;
    struct dt_outcome outcome = {0};
    const struct dt_problem problem = problem_of("n16 log:256:512");
    const struct dt_tuner tuner = {.session = &session, .sampler = &sampler, .goal = goal};
    dt_sampler_init(&sampler);
    sampler.counters = &counters;
    sampler.wide[0] = sampler.wide[1] = sampler.wide[2] = shared ? 0.5 : 1;
    for (int n = 0; n < DT_CANARY_HISTORY; n++)
        sampler.canary[n] = 100;
    sampler.canaries = DT_CANARY_HISTORY;
    cr_assert_eq(dt_workload_init(&workload, DT_OP_BIAS, &problem, 1, &error), DT_OK);
    cr_assert_eq(dt_choice_heuristic(DT_OP_BIAS, &problem, &workload.delta, &copies[0], &error),
                 DT_OK);
    copies[1] = copies[0];
    cr_assert_eq(dt_race_init(&race, &workload, &sampler, copies, 2, 1, &error), DT_OK);
    for (size_t r = 0; r < 2; r++)
        cr_assert_eq(dt_race_enter(&race, r, &error), DT_OK);
    cr_assert_eq(dt_final_run(&tuner, &race, 60, &outcome, &error), DT_OK);
    cr_expect_eq(outcome.processes, goal == DT_GOAL_WINNER ? DT_FINAL_PROCESSES : 0);
    const struct dt_lane *lane = &race.board.lanes[0];
    size_t wrong = 0;
    for (size_t n = 0; n < lane->count; n++)
        wrong += lane->times[n].shared != (shared && n > 0);
    cr_expect_eq(wrong, 0, "%zu of %zu blocks", wrong, lane->count);
    const size_t blocks = race.board.blocks;
    dt_race_clear(&race);
    dt_workload_clear(&workload);
    return blocks;
}

Test(race, the_last_one_goes_on_to_meet_the_core_alone, .init = need_children)
{
    const size_t enough = blocks_of_last_race(DT_GOAL_WINNER, false),
                 patient = blocks_of_last_race(DT_GOAL_WINNER, true);
    cr_expect_eq(enough, 31);
    cr_expect(patient > 3 * enough && patient <= DT_BLOCKS_MAX, "%zu", patient);
}

Test(race, so_does_one_that_measures_each_variant)
{
    cr_expect_eq(blocks_of_last_race(DT_GOAL_VARIANTS, false), 60);
    cr_expect_eq(blocks_of_last_race(DT_GOAL_VARIANTS, true), DT_BLOCKS_MAX);
}

Test(race, the_best_tile_stands_for_its_variant)
{
    static const struct dt_choice choices[] = {PLAN(narrow, 64, 0), PLAN(narrow, 32, 0),
                                               PLAN(wide, 64, 0),   PLAN(wide, 32, 0),
                                               PLAN(wide, 16, 0),   PLAN(wide, 0, 0)};
    struct made_up m;
    make_up_times(&m, choices, (const double[]){120, 110, 90, 80, 80, 10}, 6, 0);
    m.race.board.lanes[5].kept = true;
    size_t standing = 0;
    for (size_t r = 0; r < m.race.count; r++)
        standing |= (size_t)dt_race_represents(&m.race, r, m.race.count) << r;
    cr_expect_eq(standing, 1 << 1 | 1 << 3, "%zx", standing);
    dt_race_clear(&m.race);
}

Test(race, the_winner_or_most_samples_stand_for_a_variant)
{
    struct made_up m;
    make_up_times(&m, tiles, (const double[]){100, 101, 102}, 3, 0);
    cr_expect(dt_race_represents(&m.race, 2, 2) && !dt_race_represents(&m.race, 0, 2));
    m.race.board.lanes[0].count = 19;
    cr_expect(dt_race_represents(&m.race, 1, 3) && !dt_race_represents(&m.race, 0, 3));
    for (size_t r = 0; r < 3; r++)
        m.race.board.lanes[r].count = 0;
    cr_expect_not(dt_race_represents(&m.race, 0, 3), "nobody measured it");
    dt_race_clear(&m.race);
}

Test(race, blocks_run_in_changing_order_and_leave_out_the_dropped)
{
    struct made_up m;
    make_up(&m, tiles, 3);
    dt_sampler_init(&m.sampler);
    cr_assert_eq(dt_race_enter(&m.race, 0, NULL), DT_OK);
    cr_assert_eq(dt_race_enter(&m.race, 1, NULL), DT_OK);
    for (int b = 0; b < 20; b++)
        dt_race_block(&m.race);
    size_t strangers = 0;
    for (size_t n = 0; n < call_count; n++)
        strangers += called[n] != tiles[0].tile.rows && called[n] != tiles[1].tile.rows;
    cr_expect_eq(strangers, 0);
    cr_expect(call_count > 2 && call_count < 2 * m.sampler.blocks,
              "%zu: some blocks begin with who ended the one before", call_count);
    cr_expect_eq(m.race.board.blocks, 20);
    cr_expect_eq(m.race.board.lanes[1].count, 20);
    cr_expect_eq(m.race.board.lanes[2].count, 0);
    cr_expect(isinf(dt_board_score(&m.race.board, 2)));
    dt_race_clear(&m.race);
}

Test(race, only_a_disturbed_block_is_timed_again_and_once)
{
    struct made_up m;
    make_up(&m, tiles, 1);
    dt_sampler_init(&m.sampler);
    for (int b = 0; b < 20; b++)
        dt_race_block(&m.race);
    cr_expect_leq(m.sampler.blocks - m.sampler.disturbed, 20);
    memset(m.sampler.canary, 0, sizeof m.sampler.canary);
    m.sampler.canaries = DT_CANARY_HISTORY;
    m.sampler.blocks = m.sampler.disturbed = 0;
    for (int b = 0; b < 20; b++)
        dt_race_block(&m.race);
    cr_expect_eq(m.sampler.blocks, 40);
    cr_expect_eq(m.sampler.disturbed, 40, "multiplications that take no time are unheard of");
    cr_expect_eq(m.race.board.blocks, 40);
    dt_race_clear(&m.race);
}
