/* SPDX-License-Identifier: MIT */
#include "tests/recording_fixture.h"

/* 3 * 3 * 3 * 2 * 2 * 5 * 2 = 1080 plans, and a model of cost that errs by some 20 %. */
static const struct made_space usual = {
    .values = {3, 3, 3, 2, 2, 5, 2}, .noise = 0.01, .prior_error = 0.2, .samples = 12, .seed = 1};

struct found {
    size_t plan;
    double regret; /* true */
    size_t samples, tried;
    bool cut;
};

static struct found search(const struct dt_recording *recording, const char *name, double seconds,
                           uint64_t seed)
{
    struct dt_replay replay;
    struct dt_arena arena;
    struct dt_search s;
    struct dt_error error;
    size_t finalists[DT_FINALISTS_MAX], winner;
    struct found found = {.plan = recording->count};
    dt_replay_init(&replay, recording, seconds, seed, &arena);
    cr_assert_eq(
        dt_search_run(&s, dt_policy_find(name), &arena, recording->noise_floor, seed, &error),
        DT_OK, "%s", error.text);
    const size_t count = dt_search_finalists(&s, 6, finalists);
    cr_assert_gt(count, 0);
    cr_assert_eq(dt_search_final(&s, finalists, count, 30, &winner, &error), DT_OK);
    found.plan = s.entries[winner].plan;
    found.samples = s.samples;
    found.tried = s.board.count;
    found.cut = s.cut;
    found.regret = dt_recorded_score(&recording->plans[found.plan]) /
                       dt_recorded_score(&recording->plans[dt_recording_best(recording)]) -
                   1;
    dt_search_clear(&s);
    return found;
}

/* Whether a plan is in the tie band of the best by the truth. */
static bool in_band(const struct dt_recording *recording, const struct found *found)
{
    return found->regret <= dt_board_tie(recording->noise_floor) - 1;
}

Test(search, ten_seeds_find_a_plan_of_the_tie_band_in_most_spaces)
{
    size_t spaces = 0, samples = 0, all = 0;
    char worst[200] = "";
    for (uint64_t space = 1; space <= 6; space++) {
        struct made_space made = usual;
        made.seed = space;
        struct dt_recording recording = make_recording(&made);
        size_t good = 0;
        for (uint64_t seed = 1; seed <= 10; seed++) {
            const struct found found = search(&recording, "race", INFINITY, seed);
            good += in_band(&recording, &found);
            samples += found.samples;
            all += 3 * recording.count;
            if (!in_band(&recording, &found))
                snprintf(worst, sizeof worst, "space %zu seed %zu: plan %zu, %.3f, %zu samples",
                         (size_t)space, (size_t)seed, found.plan, found.regret, found.samples);
            cr_expect_leq(found.regret, 0.03, "space %zu seed %zu: %.3f", (size_t)space,
                          (size_t)seed, found.regret);
        }
        spaces += good >= 9;
        dt_recording_clear(&recording);
    }
    cr_expect_eq(spaces, 6, "in %zu of 6 spaces nine of ten seeds; %s", spaces, worst);
    cr_expect_leq((double)samples, 0.15 * (double)all, "%zu of %zu samples", samples, all);
}
