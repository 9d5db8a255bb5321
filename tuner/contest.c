/* SPDX-License-Identifier: MIT */
#include "tuner/contest.h"

#include "kernels/error.h"
#include "tuner/admit.h"
#include "tuner/describe.h"
#include "tuner/final.h"
#include "tuner/session.h"

#include <math.h>
#include <stdlib.h>

enum {
    BASELINE_SAMPLES = 3,   /* of the scalar attention */
    REFERENCE_CALLS = 2000, /* of the leader: what a reference may take in a race */
    BRIEF_SAMPLES = 3,      /* of references that would take more */
    SKIPPED_MAX = 16, /* plans that promised something and were not tried, told as candidates */
};

#define MOST_SCALAR_SECONDS 0.2

/* The scalar attention is measured if a call takes no more of the time than this. */
#define BASELINE_SHARE 0.02

/* ---- Points of reference --------------------------------------------------------- */

static enum dt_status add_attention(const struct dt_tuner *tuner, struct dt_race *race,
                                    double seconds, const struct dt_plain *plain,
                                    struct dt_references *references, struct dt_error *error)
{
    const int32_t threads = dt_live_threads(tuner, DT_OP_ATTENTION);
    enum dt_status status = dt_references_add(
        race, fmin(MOST_SCALAR_SECONDS, BASELINE_SHARE * seconds), references, error);
    if (references->scalar != SIZE_MAX)
        race->runners[references->scalar].most_samples = BASELINE_SAMPLES;
    if (!status && plain->there) {
        const struct dt_runner runner = {
            .workload = &plain->workload, .choice = plain->choice, .threads = threads};
        status = dt_race_add_reference(race, &runner, &references->c2c, error);
    }
    if (!status && threads > 1) {
        const struct dt_runner runner = {
            .choice = tuner->one_thread ? *tuner->one_thread : race->runners[0].choice,
            .threads = 1,
        };
        status = dt_race_add_reference(race, &runner, &references->one_thread, error);
    }
    return status;
}

/* Where a call takes long, they get few samples. */
static enum dt_status add_brief(struct dt_race *race, double seconds, double call_ns,
                                struct dt_references *references, struct dt_error *error)
{
    const size_t first = race->count;
    enum dt_status status = dt_references_add(race, MOST_SCALAR_SECONDS, references, error);
    const bool brief = call_ns * REFERENCE_CALLS * (double)(race->count - first) < seconds * 1e9;
    for (size_t r = first; r < race->count && !brief; r++)
        race->runners[r].most_samples = BRIEF_SAMPLES;
    return status;
}

/* ---- Candidates ------------------------------------------------------------------ */

static bool append_candidate(struct dt_candidates *list, const struct dt_candidate *candidate)
{
    if (list->count == list->room) {
        const size_t room = 2 * list->room + 64;
        struct dt_candidate *grown = realloc(list->items, room * sizeof *grown);
        if (!grown)
            return false;
        list->items = grown;
        list->room = room;
    }
    list->items[list->count++] = *candidate;
    return true;
}

static enum dt_fate fate_of(const struct dt_contest *c, size_t entry)
{
    const struct dt_entry *e = &c->search->entries[entry];
    if (e->failed)
        return DT_FATE_FAILED;
    for (size_t n = 0; n < c->count; n++)
        if (c->finalists[n] == entry)
            return n == c->winner                          ? DT_FATE_WINNER
                   : dt_board_competes(&c->race->board, n) ? DT_FATE_TIED
                                                           : DT_FATE_DROPPED;
    return e->round ? DT_FATE_DROPPED : DT_FATE_SKIPPED;
}

static struct dt_candidate describe_plan(const struct dt_contest *c, size_t plan)
{
    const struct dt_live *live = c->live;
    const struct dt_board *board = &c->search->board;
    const size_t entry = c->search->entry_of[plan];
    struct dt_candidate candidate = {
        .subject = dt_choice_subject(live->scope.op, &live->problem, live->scope.threads,
                                     &live->space.choices[plan]),
        .predicted_ns = live->space.predicted[plan],
        .ns_median = NAN,
        .ratio_to_winner = NAN,
        .fate = DT_FATE_SKIPPED,
    };
    if (entry == SIZE_MAX)
        return candidate;
    double times[DT_BLOCKS_MAX];
    const size_t count = dt_board_times(board, entry, times);
    candidate.fate = fate_of(c, entry);
    candidate.samples = board->lanes[entry].count;
    candidate.round = c->search->entries[entry].round;
    if (count == 0)
        return candidate;
    candidate.ns_median = dt_median(times, count);
    if (c->winner < c->count)
        candidate.ratio_to_winner =
            dt_board_score(board, c->finalists[c->winner]) / dt_board_score(board, entry);
    return candidate;
}

/* All that were tried, and those that promised most of the others. */
static enum dt_status tell_candidates(const struct dt_contest *c, struct dt_candidates *list,
                                      struct dt_error *error)
{
    size_t skipped = 0;
    for (size_t p = 0; list && p < c->live->space.count; p++) {
        if (c->search->entry_of[p] == SIZE_MAX && skipped++ >= SKIPPED_MAX)
            continue;
        const struct dt_candidate candidate = describe_plan(c, p);
        if (!append_candidate(list, &candidate))
            return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu candidates", list->count);
    }
    return DT_OK;
}

/* ---- The last race --------------------------------------------------------------- */

/* A race of entries on a workload, all of them validated more closely than in the search. */
static enum dt_status open_race(const struct dt_contest *c, const size_t *entries, size_t count,
                                const struct dt_workload *workload, struct dt_race *race,
                                struct dt_error *error)
{
    const struct dt_live *live = c->live;
    const struct dt_tuner *tuner = live->tuner;
    struct dt_choice choices[DT_FINALISTS_MAX];
    struct dt_validator *validator;
    for (size_t n = 0; n < count; n++)
        choices[n] = live->space.choices[c->search->entries[entries[n]].plan];
    enum dt_status status =
        dt_race_init(race, workload, tuner->sampler, choices, count, tuner->session->seed, error);
    if (status)
        return status;
    for (size_t r = 0; r < race->count; r++)
        race->runners[r].threads = live->scope.threads;
    status = dt_validators_get(tuner->validators, live->scope.op, &live->problem, true,
                               tuner->session->seed, &validator, error);
    if (!status)
        status = dt_admit_all(tuner, validator, race, live->outcome, error);
    if (status)
        dt_race_clear(race);
    return status;
}

static void judge(struct dt_contest *c)
{
    const struct dt_tuner *tuner = c->live->tuner;
    struct dt_outcome *outcome = c->live->outcome;
    c->winner = tuner->goal == DT_GOAL_WINNER ? dt_race_winner(c->race, tuner->session->noise_floor)
                                              : c->race->count;
    outcome->regret = NAN;
    if (c->winner < c->count)
        outcome->regret = fmax(dt_final_regret(c->race, c->winner),
                               dt_search_regret(c->search, c->finalists[c->winner]));
    outcome->complete &= !c->search->cut;
}

static enum dt_status add_references(const struct dt_contest *c, struct dt_race *race,
                                     const struct dt_plain *plain, double seconds,
                                     struct dt_references *references, struct dt_error *error)
{
    const struct dt_live *live = c->live;
    return live->scope.op == DT_OP_ATTENTION
               ? add_attention(live->tuner, race, seconds, plain, references, error)
               : add_brief(race, seconds, dt_live_call_ns(live, c->search, c->finalists[0]),
                           references, error);
}

static enum dt_status tell(struct dt_contest *c, const struct dt_race *race,
                           const struct dt_references *references, struct dt_records *records,
                           struct dt_error *error)
{
    const struct dt_tuner *tuner = c->live->tuner;
    const struct dt_outcome *outcome = c->live->outcome;
    const size_t first = records->count;
    enum dt_status status = dt_describe_all(tuner, race, references, records, error);
    for (size_t n = first; n < records->count; n++)
        if (records->items[n].winner) {
            records->items[n].regret = outcome->regret;
            records->items[n].tried = c->search->board.count;
            records->items[n].plans = c->live->space.count;
            records->items[n].complete = outcome->complete;
        }
    return status ? status : tell_candidates(c, tuner->candidates, error);
}

enum dt_status dt_contest_decide(struct dt_contest *c, double seconds, struct dt_race *race,
                                 struct dt_error *error)
{
    const struct dt_live *live = c->live;
    enum dt_status status = open_race(c, c->finalists, c->count, &live->workload, race, error);
    if (status)
        return status;
    status = dt_final_run(live->tuner, race, seconds, live->outcome, error);
    if (status) {
        dt_race_clear(race);
        return status;
    }
    c->race = race;
    judge(c);
    return DT_OK;
}

enum dt_status dt_contest_measure(struct dt_contest *c, const struct dt_plain *plain, double end,
                                  const struct dt_workload *workload, struct dt_records *records,
                                  struct dt_error *error)
{
    const struct dt_tuner *tuner = c->live->tuner;
    const bool decided = c->race != NULL;
    const size_t first = decided ? c->winner : 0, count = decided ? 1 : c->count;
    struct dt_outcome aside = {0}, *outcome = decided ? &aside : c->live->outcome;
    struct dt_race race;
    struct dt_references references;
    enum dt_status status = open_race(c, &c->finalists[first], count, workload, &race, error);
    if (status)
        return status;
    status =
        add_references(c, &race, plain, fmax(0, end - dt_clock_ns()) * 1e-9, &references, error);
    if (!status)
        status = dt_final_run(tuner, &race, fmax(0, end - dt_clock_ns()) * 1e-9, outcome, error);
    c->live->outcome->samples += aside.samples;
    if (!status && !decided) {
        c->race = &race;
        judge(c);
    }
    if (!status)
        status = tell(c, &race, &references, records, error);
    c->race = decided ? c->race : NULL;
    dt_race_clear(&race);
    return status;
}
