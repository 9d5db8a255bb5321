/* SPDX-License-Identifier: MIT */
#include "tuner/copies.h"

#include "kernels/error.h"
#include "tuner/child.h"

#include <math.h>

enum { COPIES_MAX = 2, RACE_BLOCKS = 25, PROCESS_BLOCKS = 5 };

struct copies {
    struct dt_workload workload;
    struct dt_race race;
};

static enum dt_status enter(struct copies *copies, const struct dt_choice *choice, size_t count,
                            struct dt_sampler *sampler, uint64_t seed, struct dt_error *error)
{
    const struct dt_choice same[COPIES_MAX] = {*choice, *choice};
    enum dt_status status =
        dt_race_init(&copies->race, &copies->workload, sampler, same, count, seed, error);
    if (status)
        return status;
    for (size_t r = 0; r < count && !status; r++)
        status = dt_race_enter(&copies->race, r, error);
    if (status)
        dt_race_clear(&copies->race);
    return status;
}

static enum dt_status copies_init(struct copies *copies, const char *text, size_t count,
                                  struct dt_sampler *sampler, uint64_t seed, struct dt_error *error)
{
    struct dt_problem problem;
    struct dt_choice choice;
    enum dt_status status = dt_problem_parse(text, &problem, error);
    if (!status)
        status = dt_workload_init(&copies->workload, DT_OP_BIAS, &problem, seed, error);
    if (status)
        return status;
    status = dt_choice_heuristic(DT_OP_BIAS, &problem, &copies->workload.delta, &choice, error);
    if (!status)
        status = enter(copies, &choice, count, sampler, seed, error);
    if (status)
        dt_workload_clear(&copies->workload);
    return status;
}

static void copies_clear(struct copies *copies)
{
    dt_race_clear(&copies->race);
    dt_workload_clear(&copies->workload);
}

enum dt_status dt_copies_race(const char *problem, struct dt_sampler *sampler, uint64_t seed,
                              double *floor, struct dt_error *error)
{
    struct copies copies;
    enum dt_status status = copies_init(&copies, problem, 2, sampler, seed, error);
    if (status)
        return status;
    for (int b = 0; b < RACE_BLOCKS; b++)
        dt_race_block(&copies.race);
    const struct dt_interval ratio = dt_board_ratio(&copies.race.board, 0, 1);
    *floor = fmax(fabs(log(ratio.lo)), fabs(log(ratio.hi)));
    copies_clear(&copies);
    return DT_OK;
}

struct apart {
    const char *problem;
    const struct dt_sampler *sampler;
    uint64_t seed;
};

struct told {
    enum dt_status status;
    struct dt_error error;
    double ns;
};

static void time_apart(void *context, void *answer)
{
    const struct apart *apart = context;
    struct told *told = answer;
    struct dt_sampler sampler = *apart->sampler;
    struct copies copies;
    double values[DT_BLOCKS_MAX];
    size_t count;
    dt_child_move_memory(apart->seed);
    told->status = copies_init(&copies, apart->problem, 1, &sampler, apart->seed, &told->error);
    if (told->status)
        return;
    for (int b = 0; b < PROCESS_BLOCKS; b++)
        dt_race_block(&copies.race);
    told->ns = dt_race_time(&copies.race, 0, values, &count).median;
}

enum dt_status dt_copies_apart(const char *problem, const struct dt_sampler *sampler, uint64_t seed,
                               double *ns, struct dt_error *error)
{
    enum { SECONDS = 60 };
    struct apart apart = {problem, sampler, seed};
    struct told told = {.status = DT_OK, .ns = NAN};
    struct dt_child_result result;
    enum dt_status status =
        dt_child_run(time_apart, &apart, &told, sizeof told, SECONDS, &result, error);
    *ns = !status && result.end == DT_CHILD_DONE ? told.ns : NAN;
    if (!status && told.status)
        status = dt_error_set(error, told.status, "%s", told.error.text);
    return status;
}
