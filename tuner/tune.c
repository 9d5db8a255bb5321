/* SPDX-License-Identifier: MIT */
#include "tuner/tune.h"

#include "kernels/error.h"
#include "tuner/child.h"
#include "tuner/descend.h"
#include "tuner/describe.h"
#include "tuner/race.h"
#include "tuner/session.h"
#include "tuner/space.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALIDATE_LENGTH =
        320, /* past the longest tile, so that the last tile of a row is a short one */
    LEAST_CANDIDATES = 4,
    WAVE_BLOCKS = 2,       /* of the first wave; 1 if that takes a tenth of the time */
    LEAST_BLOCKS = 3,      /* of the second, however late it is */
    TILE_BLOCKS = 5,       /* until each variant is left with its best tile, DT_GOAL_VARIANTS */
    REFERENCE_CALLS = 200, /* of the leader: what a reference may take in a race */
    ENOUGH_BLOCKS = 10,    /* with fewer samples a search counts as cut short */
    WINNER_BLOCKS = 30,    /* enough to separate what the noise floor lets separate */
    VARIANT_BLOCKS = 60,
};

#define MOST_SCALAR_SECONDS 0.2

/* Of the time for a problem: until the first wave has entered; and of what is left then, until
 * their tiles have. */
#define FIRST_SHARE 0.35
#define TILES_SHARE 0.4

static bool stopped(const struct dt_tuner *tuner) { return tuner->stop && *tuner->stop; }

static struct dt_problem at_most(const struct dt_problem *problem, int32_t length)
{
    struct dt_problem reduced = *problem;
    reduced.nq = reduced.nq < length ? reduced.nq : length;
    reduced.nk = reduced.nk < length ? reduced.nk : length;
    return reduced;
}

static void keep_tile(const struct dt_tuner *tuner, struct dt_space *space)
{
    size_t kept = 0;
    for (size_t n = 0; n < space->count; n++) {
        struct dt_choice choice = space->choices[n];
        choice.tile = tuner->tile;
        const bool seen = kept > 0 && space->choices[kept - 1].variant == choice.variant;
        if (!seen && dt_tile_fits(choice.variant, choice.tile))
            space->choices[kept++] = choice;
    }
    space->count = kept;
}

enum dt_status dt_tune_admit(const struct dt_tuner *tuner, struct dt_validator *validator,
                             struct dt_race *race, size_t runner, struct dt_outcome *outcome,
                             struct dt_error *error)
{
    struct dt_verdict verdict;
    enum dt_status status = dt_child_try(validator, &race->runners[runner], tuner->machine,
                                         tuner->trial_seconds, &verdict, error);
    if (status)
        return status == DT_UNSUPPORTED ? DT_OK : status;
    race->runners[runner].error_share = verdict.worst;
    race->runners[runner].error_ulp = verdict.worst_ulp;
    if (verdict.passed)
        return dt_race_enter(race, runner, error);
    outcome->disqualified++;
    if (tuner->complain)
        tuner->complain(verdict.reason, tuner->context);
    return DT_OK;
}

/* The first tile of a variant, or one that suits most. */
static bool in_first_wave(const struct dt_race *race, size_t r)
{
    static const struct dt_tile tiles[] = {{0, 0}, {64, 0}, {64, 256}};
    const struct dt_choice *choice = &race->runners[r].choice;
    for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++)
        if (tiles[t].rows == choice->tile.rows && tiles[t].cols == choice->tile.cols)
            return true;
    return r == 0 || race->runners[r - 1].choice.variant != choice->variant;
}

/* What enters first, should the time not suffice for all: the heuristic variant, then those of the
 * widest instruction set. */
static double rank_in_first_wave(const struct dt_race *race, const struct dt_variant *heuristic,
                                 size_t r)
{
    const struct dt_variant *variant = race->runners[r].choice.variant;
    const bool second_tile = r > 0 && race->runners[r - 1].choice.variant == variant;
    return (variant == heuristic ? 0 : 2 + second_tile) - (double)variant->level / UINT32_MAX;
}

/* Lets the first wave enter, in at most about so many seconds. */
static enum dt_status enter_first(const struct dt_tuner *tuner, struct dt_validator *validator,
                                  struct dt_race *race, double seconds, struct dt_outcome *outcome,
                                  struct dt_error *error)
{
    const double end = dt_clock_ns() + seconds * 1e9;
    const struct dt_workload *w = race->workload;
    struct dt_choice heuristic = {.variant = NULL};
    bool *seen = calloc(race->count + 1, sizeof *seen);
    enum dt_status status = DT_OK;
    if (!seen)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a race of %zu plans", race->count);
    dt_choice_heuristic(w->op, &w->problem, &w->delta, &heuristic, NULL);
    for (size_t entered = 0; !status; entered++) {
        size_t next = race->count;
        for (size_t r = 0; r < race->count; r++)
            if (!seen[r] && !race->runners[r].kept && in_first_wave(race, r) &&
                (next == race->count || rank_in_first_wave(race, heuristic.variant, r) <
                                            rank_in_first_wave(race, heuristic.variant, next)))
                next = r;
        if (next == race->count || (entered >= LEAST_CANDIDATES && dt_clock_ns() > end))
            break;
        seen[next] = true;
        status = dt_tune_admit(tuner, validator, race, next, outcome, error);
    }
    free(seen);
    return status;
}

/* Lets all tiles run of variants of which one is within `factor` of the leader, in at most about
 * so many seconds. */
static enum dt_status enter_tiles(const struct dt_tuner *tuner, struct dt_validator *validator,
                                  struct dt_race *race, double factor, double seconds,
                                  struct dt_outcome *outcome, struct dt_error *error)
{
    const double end = dt_clock_ns() + seconds * 1e9;
    const size_t leader = dt_race_leader(race);
    enum dt_status status = DT_OK;
    for (size_t r = 0; r < race->count && leader < race->count; r++) {
        if (race->runners[r].kept || race->runners[r].dropped || race->runners[r].samples == 0 ||
            dt_race_median(race, r) > factor * dt_race_median(race, leader))
            continue;
        const struct dt_variant *variant = race->runners[r].choice.variant;
        for (size_t other = 0; other < race->count && !status && !stopped(tuner); other++) {
            const struct dt_runner *runner = &race->runners[other];
            if (!runner->kept && runner->choice.variant == variant && runner->dropped &&
                runner->samples == 0 && dt_clock_ns() < end)
                status = dt_tune_admit(tuner, validator, race, other, outcome, error);
        }
    }
    return status;
}

static size_t running(const struct dt_race *race)
{
    size_t count = 0;
    for (size_t r = 0; r < race->count; r++)
        count += !race->runners[r].dropped && !race->runners[r].kept;
    return count;
}

/* For the second wave, of which long calls give no more samples than it has at least. */
static enum dt_status add_references(struct dt_race *race, double seconds,
                                     struct dt_references *references, struct dt_error *error)
{
    const size_t first = race->count, leader = dt_race_leader(race);
    enum dt_status status = dt_references_add(race, MOST_SCALAR_SECONDS, references, error);
    const double ns = leader < first ? dt_race_median(race, leader) : 0;
    const bool brief = ns * REFERENCE_CALLS * (double)(race->count - first) < seconds * 1e9;
    for (size_t r = first; r < race->count && !brief; r++)
        race->runners[r].most_samples = LEAST_BLOCKS;
    return status;
}

static void narrow(const struct dt_tuner *tuner, struct dt_race *race, size_t blocks)
{
    if (tuner->goal == DT_GOAL_WINNER)
        dt_race_drop(race, blocks == 1 ? 1.4 : 1.2, tuner->session->noise_floor);
    else if (blocks == TILE_BLOCKS)
        dt_race_drop_tiles(race);
}

static enum dt_status run(const struct dt_tuner *tuner, struct dt_validator *validator,
                          struct dt_race *race, double seconds, struct dt_references *references,
                          struct dt_outcome *outcome, struct dt_error *error)
{
    const double end = dt_clock_ns() + seconds * 1e9;
    const bool winner = tuner->goal == DT_GOAL_WINNER;
    const size_t most = winner ? WINNER_BLOCKS : VARIANT_BLOCKS;
    enum dt_status status = enter_first(tuner, validator, race,
                                        winner ? FIRST_SHARE * seconds : INFINITY, outcome, error);
    const double start = dt_clock_ns();
    for (size_t b = 0; b < WAVE_BLOCKS && !status && running(race) > 0; b++)
        if (b == 0 || (!stopped(tuner) && dt_clock_ns() - start < 0.1 * seconds * 1e9))
            dt_race_block(race);
    if (!status && !stopped(tuner))
        status = enter_tiles(tuner, validator, race, winner ? 1.15 : 2,
                             winner ? TILES_SHARE * fmax(0, end - dt_clock_ns()) * 1e-9 : INFINITY,
                             outcome, error);
    if (!status && !stopped(tuner))
        status = add_references(race, seconds, references, error);
    for (size_t b = 1; b <= most && !status && running(race) > 0; b++) {
        dt_race_block(race);
        narrow(tuner, race, b);
        outcome->complete = b >= ENOUGH_BLOCKS;
        if ((dt_clock_ns() > end && b >= (winner ? LEAST_BLOCKS : TILE_BLOCKS)) || stopped(tuner) ||
            (winner && running(race) == 1 && outcome->complete))
            break;
    }
    outcome->blocks = race->blocks;
    return status;
}

static enum dt_status tune_space(const struct dt_tuner *tuner, const struct dt_workload *workload,
                                 const struct dt_space *space, double seconds,
                                 struct dt_records *records, struct dt_outcome *outcome,
                                 struct dt_error *error)
{
    const struct dt_problem problem = at_most(&workload->problem, VALIDATE_LENGTH);
    const struct dt_validate_options options = {tuner->session->seed, DT_VALIDATE_QUICK};
    struct dt_validator *validator;
    struct dt_race race;
    struct dt_references refs = DT_REFERENCES_NONE;
    enum dt_status status = dt_validate_open(workload->op, &problem, &options, &validator, error);
    if (status)
        return status;
    status = dt_race_init(&race, workload, tuner->sampler, space->choices, space->count,
                          tuner->session->seed, error);
    if (!status) {
        status = run(tuner, validator, &race, seconds, &refs, outcome, error);
        if (!status)
            status = dt_describe_all(tuner, &race, &refs, records, error);
        dt_race_clear(&race);
    }
    dt_validate_close(validator);
    return status;
}

enum dt_status dt_tune(const struct dt_tuner *tuner, enum dt_op op,
                       const struct dt_problem *problem, double seconds, struct dt_records *records,
                       struct dt_outcome *outcome, struct dt_error *error)
{
    struct dt_workload workload;
    struct dt_space space;
    *outcome = (struct dt_outcome){0};
    if (op == DT_OP_BIAS && problem->terms == 0)
        return DT_OK;
    if (op == DT_OP_ATTENTION)
        return dt_descend(tuner, problem, seconds, records, outcome, error);
    enum dt_status status = dt_workload_init(&workload, op, problem, tuner->session->seed, error);
    if (status)
        return status;
    status = dt_space_init(&space, op, &workload.problem, &workload.delta, tuner->machine,
                           tuner->selects, tuner->context, error);
    if (!status && tuner->fixed_tile)
        keep_tile(tuner, &space);
    outcome->candidates = space.count;
    if (!status && space.count > 0)
        status = tune_space(tuner, &workload, &space, seconds, records, outcome, error);
    free(space.choices);
    dt_workload_clear(&workload);
    return status;
}
