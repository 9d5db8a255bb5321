/* SPDX-License-Identifier: MIT */
/*
 * Where memory lies decides about some per cent of a plan's time, and within one process it always
 * lies there: two plans may differ by nothing but that. So the blocks are spread over processes,
 * each of which makes its operands and workspaces anew at other addresses.
 *
 * A process is forked, not started anew: machine code stays where it is, also libxsmm's, which lies
 * elsewhere in each program and moves its times by some 3 %; everything that a call reads and
 * writes does not stay. That takes the time of making the workload, and needs neither the program's
 * file nor a protocol. Where that much matters, plans are forced in programs of their own: prove.c.
 */
#include "tuner/final.h"

#include "kernels/error.h"
#include "tuner/child.h"

#include <math.h>
#include <stdlib.h>

enum {
    WINNER_BLOCKS = 30, /* enough to separate what the noise floor lets separate */
    VARIANT_BLOCKS = 60,
    LEAST_BLOCKS = 3,
    ENOUGH_BLOCKS = 10, /* with fewer samples a race counts as cut short */
    PATIENT_BLOCKS = 6, /* times as many at most, to meet the core alone */
};

/* Than in a heat, where there are many to be timed. */
#define PATIENCE 1.3

/* A first block and the making of a workload, as a multiple of a first block. */
#define PROCESS_COST 1.5

double dt_final_limit(size_t blocks)
{
    if (blocks < LEAST_BLOCKS)
        return INFINITY;
    return PATIENCE * dt_board_limit(blocks < DT_BLOCKS_ENOUGH ? 1 : blocks);
}

static bool stopped(const struct dt_tuner *tuner) { return tuner->stop && *tuner->stop; }

static size_t competing(const struct dt_race *race)
{
    size_t count = 0;
    for (size_t r = 0; r < race->count; r++)
        count += dt_board_competes(&race->board, r);
    return count;
}

static void narrow(const struct dt_tuner *tuner, struct dt_race *race)
{
    if (tuner->goal == DT_GOAL_WINNER)
        dt_board_drop(&race->board, dt_final_limit(race->board.blocks),
                      tuner->session->noise_floor);
}

/* ---- A fresh process ------------------------------------------------------------- */

struct leg {
    const struct dt_tuner *tuner;
    struct dt_race *race;
    double seconds;
    size_t alone, most; /* blocks: in which the core was not shared, and of all */
    uint64_t seed;
};

/* What it found; times are [race->count][most], NAN where a runner was not timed. */
struct found {
    enum dt_status status;
    struct dt_error error;
    size_t blocks;
    bool shared[PATIENT_BLOCKS * WINNER_BLOCKS / DT_FINAL_PROCESSES];
    struct dt_sampler sampler;
    double ns[];
};

/* The race as it is, with all that its runners work on made anew. */
static enum dt_status renew(struct dt_race *race, const struct dt_workload *old,
                            struct dt_workload *fresh, uint64_t seed, struct dt_error *error)
{
    enum dt_status status = dt_workload_init(fresh, old->op, &old->problem, seed, error);
    if (!status && old->more)
        status = dt_workload_add_other(fresh, error);
    for (size_t r = 0; r < race->count && !status; r++) {
        struct dt_runner *runner = &race->runners[r];
        if (runner->workload != old || race->board.lanes[r].dropped)
            continue;
        runner->workload = fresh;
        runner->entered = false;
        runner->repeat = (struct dt_repeat){0};
        status = dt_race_enter(race, r, error);
    }
    return status;
}

static enum dt_status renew_all(struct dt_race *race, struct dt_workload fresh[2], uint64_t seed,
                                struct dt_error *error)
{
    const struct dt_workload *own = race->workload, *other = NULL;
    for (size_t r = 0; r < race->count; r++)
        if (race->runners[r].workload != own)
            other = race->runners[r].workload;
    enum dt_status status = renew(race, own, &fresh[0], seed, error);
    if (!status && other)
        status = renew(race, other, &fresh[1], seed, error);
    race->workload = &fresh[0];
    return status;
}

static void run_leg(void *context, void *answer)
{
    const struct leg *leg = context;
    struct found *found = answer;
    struct dt_race race = *leg->race;
    struct dt_workload fresh[2];
    const double end = dt_clock_ns() + leg->seconds * 1e9;
    int32_t threads = 1;
    for (size_t r = 0; r < race.count; r++)
        threads = race.runners[r].threads > threads ? race.runners[r].threads : threads;
    if (threads > 1 && leg->tuner->machine->here)
        dt_machine_pin_team(leg->tuner->machine, threads, NULL);
    dt_child_move_memory(leg->seed);
    race.random = leg->seed;
    found->status = renew_all(&race, fresh, leg->tuner->session->seed, &found->error);
    const size_t first = race.board.blocks;
    size_t alone = 0;
    while (!found->status && found->blocks < leg->most && alone < leg->alone) {
        dt_race_block(&race);
        found->shared[found->blocks] = race.board.shared;
        alone += !race.board.shared;
        for (size_t r = 0; r < race.count; r++) {
            const struct dt_lane *lane = &race.board.lanes[r];
            const bool timed =
                lane->count > 0 && lane->times[lane->count - 1].block == first + found->blocks;
            found->ns[r * leg->most + found->blocks] =
                timed ? lane->times[lane->count - 1].ns : NAN;
        }
        found->sampler = *race.sampler;
        found->blocks++;
        if (dt_clock_ns() > end)
            break;
    }
}

static enum dt_status take_over(const struct leg *leg, const struct found *found,
                                struct dt_error *error)
{
    struct dt_race *race = leg->race;
    if (found->blocks > 0)
        *race->sampler = found->sampler;
    for (size_t b = 0; b < found->blocks; b++) {
        race->board.shared = found->shared[b];
        for (size_t r = 0; r < race->count; r++)
            if (!isnan(found->ns[r * leg->most + b]) &&
                !dt_board_time(&race->board, r, found->ns[r * leg->most + b]))
                return dt_error_set(error, DT_NO_MEMORY, "no memory for the times of a race");
        race->board.blocks++;
    }
    return DT_OK;
}

/* *ran is false if the process did not come to a block. */
static enum dt_status run_process(const struct leg *leg, bool *ran, struct dt_error *error)
{
    const size_t size = sizeof(struct found) + leg->race->count * leg->most * sizeof(double);
    struct dt_child_result result;
    struct found *found = calloc(1, size);
    *ran = false;
    if (!found)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for the times of a race");
    const double limit = leg->seconds + (double)leg->most * dt_child_limit(leg->race->workload);
    enum dt_status status =
        dt_child_run(run_leg, (void *)(uintptr_t)leg, found, size, limit, &result, error);
    if (!status && result.end == DT_CHILD_DONE && !found->status) {
        *ran = found->blocks > 0;
        status = take_over(leg, found, error);
    }
    free(found);
    return status == DT_NO_MEMORY ? DT_OK : status;
}

/* ---- The race -------------------------------------------------------------------- */

static enum dt_status run_processes(const struct dt_tuner *tuner, struct dt_race *race, double end,
                                    struct dt_outcome *outcome, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t p = 0; p < DT_FINAL_PROCESSES && !status && !stopped(tuner); p++) {
        const double left = fmax(0, end - dt_clock_ns()) * 1e-9;
        const struct leg leg = {tuner,
                                race,
                                left / (double)(DT_FINAL_PROCESSES - p),
                                WINNER_BLOCKS / DT_FINAL_PROCESSES,
                                PATIENT_BLOCKS * WINNER_BLOCKS / DT_FINAL_PROCESSES,
                                tuner->session->seed + race->board.blocks + p + 1};
        bool ran;
        status = run_process(&leg, &ran, error);
        if (!ran)
            break;
        outcome->processes++;
        narrow(tuner, race);
    }
    return status;
}

static void run_here(const struct dt_tuner *tuner, struct dt_race *race, double end)
{
    const bool winner = tuner->goal == DT_GOAL_WINNER;
    const size_t wanted = winner ? WINNER_BLOCKS : VARIANT_BLOCKS, most = DT_BLOCKS_MAX;
    size_t shared = 0;
    while (race->board.blocks - shared < wanted && race->board.blocks < most && !stopped(tuner) &&
           competing(race) > 0) {
        if (dt_clock_ns() > end && race->board.blocks >= LEAST_BLOCKS)
            break;
        if (winner && competing(race) == 1 && race->board.blocks >= ENOUGH_BLOCKS)
            break;
        dt_race_block(race);
        shared += race->board.shared;
        narrow(tuner, race);
    }
}

enum dt_status dt_final_run(const struct dt_tuner *tuner, struct dt_race *race, double seconds,
                            struct dt_outcome *outcome, struct dt_error *error)
{
    const double start = dt_clock_ns(), end = start + seconds * 1e9;
    enum dt_status status = DT_OK;
    outcome->processes = 0;
    dt_race_block(race);
    narrow(tuner, race);
    const double first = dt_clock_ns() - start;
    const bool affordable = end - dt_clock_ns() > PROCESS_COST * DT_FINAL_PROCESSES * first;
    if (tuner->goal == DT_GOAL_WINNER && competing(race) > 1 && affordable)
        status = run_processes(tuner, race, end, outcome, error);
    if (outcome->processes < DT_FINAL_PROCESSES)
        run_here(tuner, race, end);
    outcome->blocks = race->board.blocks;
    for (size_t r = 0; r < race->count; r++)
        outcome->samples += race->board.lanes[r].kept ? 0 : race->board.lanes[r].count;
    outcome->complete = race->board.blocks >= ENOUGH_BLOCKS;
    return status;
}

double dt_final_regret(const struct dt_race *race, size_t winner)
{
    double most = 1;
    for (size_t r = 0; r < race->count; r++) {
        if (r == winner || race->board.lanes[r].kept)
            continue;
        const struct dt_interval ratio = dt_board_ratio(&race->board, r, winner);
        most = isnan(ratio.hi) ? most : fmax(most, ratio.hi);
    }
    return most - 1;
}
