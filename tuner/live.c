/* SPDX-License-Identifier: MIT */
#include "tuner/live.h"

#include "kernels/error.h"
#include "tuner/admit.h"

#include <math.h>
#include <stdlib.h>

/* A call of the search for an attention does about as much, a few milliseconds. */
#define SEARCH_FLOPS 0x1p28

enum { EXPECTED_MAX = 64 };

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

int32_t dt_live_threads(const struct dt_tuner *tuner, enum dt_op op)
{
    return op == DT_OP_ATTENTION && tuner->threads > 1 ? tuner->threads : 1;
}

/* Heads last: their positions compete for the caches. */
static struct dt_problem for_search(enum dt_op op, const struct dt_problem *problem,
                                    int32_t threads)
{
    struct dt_problem p = *problem;
    const double slots =
        2.0 * p.span * ((p.terms & DT_C2P ? p.nq : 0) + (p.terms & DT_P2C ? p.nk : 0));
    const double head = 2.0 * p.dim * (2.0 * p.nq * p.nk + slots);
    const double row = head * p.heads, flops = SEARCH_FLOPS * threads;
    if (op != DT_OP_ATTENTION)
        return p;
    p.batch = row * p.batch > flops ? (int32_t)fmax(1, flops / row) : p.batch;
    if (row > flops)
        p.heads = least(p.heads, (int32_t)fmax(1, flops / head / threads) * threads);
    return p;
}

static void know(struct dt_live *live, const struct dt_choice *choice)
{
    const size_t plan = dt_space_nearest(&live->space, choice);
    for (size_t n = 0; n < live->known_count; n++)
        if (live->known[n] == plan)
            return;
    if (plan < live->space.count)
        live->known[live->known_count++] = plan;
}

/* What the tuner knows, then the heuristic choice: the order of a look-up. */
static void know_all(struct dt_live *live)
{
    const struct dt_tuner *tuner = live->tuner;
    struct dt_choice choice;
    for (size_t n = 0; n < tuner->known_count && n < DT_TUNER_KNOWN_MAX; n++)
        know(live, &tuner->known[n]);
    if (!dt_choice_heuristic(live->scope.op, live->scope.problem, live->scope.delta, &choice, NULL))
        know(live, &choice);
}

static enum dt_status open_space(struct dt_live *live, struct dt_error *error)
{
    const struct dt_tuner *tuner = live->tuner;
    const struct dt_workload *w = &live->workload;
    live->scope = (struct dt_space_scope){
        .op = w->op,
        .problem = &w->problem,
        .delta = &w->delta,
        .machine = tuner->machine,
        .threads = dt_live_threads(tuner, w->op),
        .every = tuner->goal == DT_GOAL_VARIANTS,
        .tile = tuner->fixed_tile ? &tuner->tile : NULL,
        .selects = tuner->selects,
        .context = tuner->context,
        .prior = tuner->prior,
    };
    enum dt_status status = dt_space_init(&live->space, &live->scope, error);
    if (status)
        return status;
    live->trials = calloc(live->space.count + 1, sizeof *live->trials);
    if (!live->trials)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a space of %zu plans",
                            live->space.count);
    status = dt_race_init(&live->race, w, tuner->sampler, live->space.choices, live->space.count,
                          tuner->session->seed, error);
    for (size_t r = 0; r < live->race.count; r++)
        live->race.runners[r].threads = live->scope.threads;
    know_all(live);
    return status;
}

enum dt_status dt_live_open(struct dt_live *live, const struct dt_tuner *tuner, enum dt_op op,
                            const struct dt_problem *problem, struct dt_outcome *outcome,
                            struct dt_error *error)
{
    const struct dt_problem searched = for_search(op, problem, dt_live_threads(tuner, op));
    *live = (struct dt_live){.tuner = tuner, .outcome = outcome, .race.board = DT_BOARD_EMPTY};
    enum dt_status status =
        dt_workload_init(&live->workload, op, &searched, tuner->session->seed, error);
    live->problem = dt_problem_class(op, problem);
    if (!status)
        status = dt_validators_get(tuner->validators, op, &live->problem, false,
                                   tuner->session->seed, &live->validator, error);
    if (!status)
        status = open_space(live, error);
    if (status)
        dt_live_close(live);
    return status;
}

void dt_live_close(struct dt_live *live)
{
    dt_race_clear(&live->race);
    free(live->trials);
    dt_space_clear(&live->space);
    dt_workload_clear(&live->workload);
    *live = (struct dt_live){.race.board = DT_BOARD_EMPTY};
}

double dt_live_left_out(const struct dt_live *live)
{
    const struct dt_problem *whole = &live->problem, *part = &live->workload.problem;
    return (double)whole->batch * whole->heads / ((double)part->batch * part->heads);
}

double dt_live_call_ns(const struct dt_live *live, const struct dt_search *search, size_t entry)
{
    double times[DT_BLOCKS_MAX];
    const size_t count = dt_board_times(&search->board, entry, times);
    return count ? dt_live_left_out(live) * dt_median(times, count) : 0;
}

/* ---- The arena ------------------------------------------------------------------- */

/* Those of them that were not tried before. *tried counts these, too. */
static enum dt_status expect(void *context, const size_t *plans, size_t count, double mark,
                             size_t *tried, struct dt_error *error)
{
    struct dt_live *live = context;
    size_t open[EXPECTED_MAX], opened = 0, done = 0;
    bool passed[EXPECTED_MAX];
    const double start = dt_clock_ns();
    *tried = count;
    for (size_t n = 0; n < count && opened < EXPECTED_MAX; n++)
        if (live->trials[plans[n]] == DT_TRIAL_OPEN)
            open[opened++] = plans[n];
    if (opened == 0)
        return DT_OK;
    enum dt_status status =
        dt_admit_try(live->tuner, live->validator, &live->race, open, opened,
                     live->end - mark * 1e9, passed, &done, live->outcome, error);
    for (size_t n = 0; n < done && !status; n++)
        live->trials[open[n]] = passed[n] ? DT_TRIAL_PASSED : DT_TRIAL_FAILED;
    for (*tried = 0; *tried < count && live->trials[plans[*tried]] != DT_TRIAL_OPEN;)
        ++*tried;
    live->trial_ns += dt_clock_ns() - start;
    live->trial_count += done;
    return status;
}

static enum dt_status admit(void *context, size_t plan, bool *passed, struct dt_error *error)
{
    struct dt_live *live = context;
    size_t tried;
    enum dt_status status = expect(live, &plan, 1, 0, &tried, error);
    *passed = !status && live->trials[plan] == DT_TRIAL_PASSED;
    return *passed ? dt_race_enter(&live->race, plan, error) : status;
}

static enum dt_status block(void *context, const size_t *plans, size_t count, double *ns,
                            struct dt_error *error)
{
    (void)error;
    struct dt_race *race = &((struct dt_live *)context)->race;
    const size_t before = race->board.blocks;
    for (size_t r = 0; r < race->count; r++)
        race->board.lanes[r].dropped = true;
    for (size_t n = 0; n < count; n++)
        race->board.lanes[plans[n]].dropped = !race->runners[plans[n]].entered;
    dt_race_block(race);
    for (size_t n = 0; n < count; n++) {
        const struct dt_lane *lane = &race->board.lanes[plans[n]];
        const bool timed = lane->count > 0 && lane->times[lane->count - 1].block == before;
        ns[n] = timed ? lane->times[lane->count - 1].ns : NAN;
    }
    return DT_OK;
}

static void retire(void *context, size_t plan)
{
    dt_race_leave(&((struct dt_live *)context)->race, plan);
}

static double left(void *context)
{
    const struct dt_live *live = context;
    const volatile sig_atomic_t *stop = live->tuner->stop;
    return stop && *stop ? 0 : (live->end - dt_clock_ns()) * 1e-9;
}

static int compare(void *context, size_t a, size_t b)
{
    return dt_space_compare(&((const struct dt_live *)context)->space, a, b);
}

const struct dt_arena *dt_live_arena(struct dt_live *live, double seconds)
{
    live->end = dt_clock_ns() + seconds * 1e9;
    live->arena = (struct dt_arena){
        .points = live->space.points,
        .count = live->space.count,
        .known = live->known,
        .known_count = live->known_count,
        .expect = expect,
        .admit = admit,
        .block = block,
        .retire = retire,
        .left = left,
        .compare = compare,
        .context = live,
    };
    return &live->arena;
}
