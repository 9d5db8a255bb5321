/* SPDX-License-Identifier: MIT */
#include "tuner/prove.h"

#include "kernels/error.h"
#include "tuner/final.h"
#include "tuner/live.h"

#include <math.h>
#include <stdlib.h>

/* Of the comparison of the two, one last race after the other; and if it is not decided then. */
#define PAIR_SECONDS 6.0
#define PAIR_SECONDS_MOST 30.0

static bool stopped(const struct dt_tuner *tuner) { return tuner->stop && *tuner->stop; }

/* The plan that the tuner would put into a table. */
static enum dt_status choose(const struct dt_tuner *tuner, enum dt_op op,
                             const struct dt_problem *problem, double seconds,
                             struct dt_proof *proof, bool *found, struct dt_error *error)
{
    struct dt_records records = {.items = NULL};
    struct dt_outcome outcome;
    const double start = dt_clock_ns();
    enum dt_status status = dt_tune(tuner, op, problem, seconds, &records, &outcome, error);
    for (size_t n = 0; n < records.count && !status; n++)
        *found |= records.items[n].winner && dt_record_choice(&records.items[n], &proof->chosen);
    proof->seconds = (dt_clock_ns() - start) * 1e-9;
    proof->samples = outcome.samples;
    proof->plans = outcome.plans;
    dt_records_clear(&records);
    return status;
}

static enum dt_status search_all(const struct dt_tuner *tuner, enum dt_op op,
                                 const struct dt_problem *problem, struct dt_proof *proof,
                                 struct dt_error *error)
{
    struct dt_outcome outcome = {0};
    struct dt_search search = {.board = DT_BOARD_EMPTY};
    struct dt_live live;
    const double start = dt_clock_ns();
    enum dt_status status = dt_live_open(&live, tuner, op, problem, &outcome, error);
    if (status)
        return status;
    status = dt_search_run(&search, dt_policy_find("exhaustive"), dt_live_arena(&live, INFINITY),
                           tuner->session->noise_floor, tuner->session->seed, error);
    const size_t leader = status ? SIZE_MAX : dt_search_leader(&search);
    if (leader < search.board.count)
        proof->best = live.space.choices[search.entries[leader].plan];
    else
        proof->best = proof->chosen;
    proof->exhaustive = search.samples;
    proof->exhaustive_seconds = (dt_clock_ns() - start) * 1e-9;
    proof->cut = search.cut;
    dt_search_clear(&search);
    dt_live_close(&live);
    return status;
}

static enum dt_status open_pair(const struct dt_tuner *tuner, const struct dt_choice choices[2],
                                const struct dt_workload *workload, struct dt_race *race,
                                struct dt_error *error)
{
    enum dt_status status =
        dt_race_init(race, workload, tuner->sampler, choices, 2, tuner->session->seed, error);
    if (status)
        return status;
    for (size_t r = 0; r < 2 && !status; r++) {
        race->runners[r].threads = dt_live_threads(tuner, workload->op);
        status = dt_race_enter(race, r, error);
    }
    if (status)
        dt_race_clear(race);
    return status;
}

/* Last races, so in fresh processes: in one, where memory lies may tell more than the plans do. */
static enum dt_status race_pair(const struct dt_tuner *tuner, struct dt_race *race,
                                struct dt_interval *ratio, struct dt_error *error)
{
    const double start = dt_clock_ns();
    struct dt_outcome ignored = {0};
    for (;;) {
        enum dt_status status = dt_final_run(tuner, race, PAIR_SECONDS, &ignored, error);
        const double seconds = (dt_clock_ns() - start) * 1e-9;
        *ratio = dt_board_ratio(&race->board, 1, 0);
        const bool open = ratio->lo <= DT_PROVE_NEAR && ratio->hi >= DT_PROVE_NEAR;
        if (status || stopped(tuner) || race->board.blocks >= DT_BLOCKS_MAX ||
            seconds > (open ? PAIR_SECONDS_MOST : PAIR_SECONDS))
            return status;
    }
}

static enum dt_status compare(const struct dt_tuner *tuner, enum dt_op op,
                              const struct dt_problem *problem, struct dt_proof *proof,
                              struct dt_error *error)
{
    const struct dt_choice choices[2] = {proof->chosen, proof->best};
    struct dt_workload workload;
    struct dt_race race;
    enum dt_status status = dt_workload_init(&workload, op, problem, tuner->session->seed, error);
    if (status)
        return status;
    status = open_pair(tuner, choices, &workload, &race, error);
    if (!status) {
        status = race_pair(tuner, &race, &proof->ratio, error);
        dt_race_clear(&race);
    }
    dt_workload_clear(&workload);
    return status;
}

enum dt_status dt_prove(const struct dt_tuner *tuner, enum dt_op op,
                        const struct dt_problem *problem, double seconds, struct dt_proof *proof,
                        bool *found, struct dt_error *error)
{
    *proof = (struct dt_proof){.ratio = {1, 1, 1}};
    *found = false;
    enum dt_status status = choose(tuner, op, problem, seconds, proof, found, error);
    if (status || !*found || stopped(tuner))
        return status;
    status = search_all(tuner, op, problem, proof, error);
    if (status || stopped(tuner))
        return status;
    proof->same = dt_choice_equal(&proof->chosen, &proof->best);
    return proof->same ? DT_OK : compare(tuner, op, problem, proof, error);
}

enum dt_status dt_prove_same(const struct dt_tuner *tuner, enum dt_op op,
                             const struct dt_problem *problem, double seconds, bool *declared,
                             struct dt_error *error)
{
    struct dt_choice copies[2];
    struct dt_outcome outcome = {0};
    struct dt_workload workload;
    struct dt_race race;
    *declared = false;
    enum dt_status status = dt_workload_init(&workload, op, problem, tuner->session->seed, error);
    if (status)
        return status;
    status = dt_choice_heuristic(op, &workload.problem, &workload.delta, &copies[0], error);
    copies[1] = copies[0];
    if (!status)
        status = open_pair(tuner, copies, &workload, &race, error);
    if (!status) {
        status = dt_final_run(tuner, &race, seconds, &outcome, error);
        *declared = dt_board_apart(&race.board, tuner->session->noise_floor);
        dt_race_clear(&race);
    }
    dt_workload_clear(&workload);
    return status;
}
