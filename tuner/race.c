/* SPDX-License-Identifier: MIT */
#include "tuner/race.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>

static enum dt_status no_memory(size_t count, struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory for a race of %zu plans", count);
}

static void fill(struct dt_runner *to, const struct dt_runner *from)
{
    *to = (struct dt_runner){
        .workload = from->workload,
        .choice = from->choice,
        .layout = from->layout,
        .threads = from->threads,
        .most_samples = from->most_samples,
        .error_share = NAN,
        .error_ulp = NAN,
    };
}

enum dt_status dt_race_init(struct dt_race *race, const struct dt_workload *workload,
                            struct dt_sampler *sampler, const struct dt_choice *choices,
                            size_t count, uint64_t seed, struct dt_error *error)
{
    *race = (struct dt_race){
        .workload = workload, .sampler = sampler, .board = DT_BOARD_EMPTY, .random = seed};
    race->runners = malloc((count + 1) * sizeof *race->runners);
    if (!race->runners || !dt_board_add(&race->board, count)) {
        dt_race_clear(race);
        return no_memory(count, error);
    }
    for (size_t r = 0; r < count; r++) {
        const struct dt_runner runner = {.workload = workload,
                                         .choice = choices[r],
                                         .layout = workload->problem.layout,
                                         .threads = 1};
        fill(&race->runners[r], &runner);
    }
    race->count = count;
    return DT_OK;
}

void dt_race_clear(struct dt_race *race)
{
    for (size_t r = 0; r < race->count; r++)
        dt_race_leave(race, r);
    free(race->runners);
    dt_board_clear(&race->board);
    race->runners = NULL;
    race->count = 0;
}

enum dt_status dt_race_enter(struct dt_race *race, size_t runner, struct dt_error *error)
{
    struct dt_runner *r = &race->runners[runner];
    enum dt_status status = DT_OK;
    if (!r->entered)
        status = dt_ready_init(&r->ready, r->workload, &r->choice, r->layout, r->threads, error);
    if (status)
        return status;
    r->entered = true;
    race->board.lanes[runner].dropped = false;
    return DT_OK;
}

void dt_race_leave(struct dt_race *race, size_t runner)
{
    race->board.lanes[runner].dropped = true;
    if (race->runners[runner].entered)
        dt_ready_clear(&race->runners[runner].ready);
    race->runners[runner].entered = false;
}

enum dt_status dt_race_add_reference(struct dt_race *race, const struct dt_runner *runner,
                                     size_t *index, struct dt_error *error)
{
    struct dt_runner *grown = realloc(race->runners, (race->count + 1) * sizeof *grown);
    if (!grown)
        return no_memory(race->count, error);
    race->runners = grown;
    if (!dt_board_add(&race->board, 1))
        return no_memory(race->count, error);
    fill(&grown[race->count], runner);
    if (!runner->workload)
        grown[race->count].workload = race->workload;
    *index = race->count++;
    race->board.lanes[*index].kept = true;
    return dt_race_enter(race, *index, error);
}

static void run_calls(void *context, uint64_t calls)
{
    const struct dt_ready *ready = context;
    for (uint64_t c = 0; c < calls; c++)
        dt_ready_run(ready, NULL);
}

static bool runs(const struct dt_race *race, size_t r)
{
    const size_t most = race->runners[r].most_samples;
    return !race->board.lanes[r].dropped && (!most || race->board.lanes[r].count < most);
}

static void time_all(struct dt_race *race, const size_t *order, size_t count, double *ns)
{
    for (size_t n = 0; n < count; n++) {
        struct dt_runner *runner = &race->runners[order[n]];
        ns[order[n]] =
            dt_sample(race->sampler, run_calls, &runner->ready, &runner->repeat, &runner->rejected);
    }
}

/* A block that lasts longer is not timed again. */
#define REPEATED_NS 1e9

void dt_race_block(struct dt_race *race)
{
    size_t *order = malloc((race->count + 1) * sizeof *order), count = 0;
    double *ns = malloc((race->count + 1) * sizeof *ns);
    for (size_t r = 0; order && ns && r < race->count; r++)
        if (runs(race, r))
            order[count++] = r;
    const double start = dt_clock_ns();
    for (int try = 0; try < 2 && order && ns; try++) {
        dt_shuffle(order, count, &race->random);
        dt_sampler_begin_block(race->sampler);
        time_all(race, order, count, ns);
        if (dt_sampler_end_block(race->sampler) || dt_clock_ns() - start > REPEATED_NS)
            break;
    }
    race->board.shared = race->sampler->shared;
    for (size_t n = 0; n < count; n++)
        dt_board_time(&race->board, order[n], ns[order[n]]);
    race->board.blocks++;
    free(ns);
    free(order);
}

struct dt_interval dt_race_time(const struct dt_race *race, size_t runner, double *values,
                                size_t *count)
{
    *count = dt_board_times(&race->board, runner, values);
    return *count ? dt_bootstrap_median(values, *count, 1) : (struct dt_interval){NAN, NAN, NAN};
}

size_t dt_race_winner(const struct dt_race *race, double band)
{
    const struct dt_board *board = &race->board;
    const size_t leader = dt_board_leader(board);
    if (leader == board->count)
        return leader;
    size_t winner = 0;
    while (winner != leader &&
           (!dt_board_competes(board, winner) || dt_board_slower(board, winner, leader, band)))
        winner++;
    return winner;
}

/* Between tiles of one variant. */
static bool ahead(const struct dt_race *race, size_t a, size_t b)
{
    const double x = dt_board_score(&race->board, a), y = dt_board_score(&race->board, b);
    return x < y || (x == y && a < b);
}

bool dt_race_represents(const struct dt_race *race, size_t r, size_t winner)
{
    const struct dt_variant *variant = race->runners[r].choice.variant;
    const struct dt_lane *lanes = race->board.lanes;
    if (lanes[r].kept || lanes[r].count == 0)
        return false;
    if (winner < race->count && race->runners[winner].choice.variant == variant)
        return r == winner;
    for (size_t other = 0; other < race->count; other++) {
        if (lanes[other].kept || race->runners[other].choice.variant != variant || other == r)
            continue;
        if (lanes[other].count > lanes[r].count)
            return false;
        if (lanes[other].count == lanes[r].count && ahead(race, other, r))
            return false;
    }
    return true;
}
