/* SPDX-License-Identifier: MIT */
#include "tuner/tune.h"

#include "kernels/error.h"
#include "tuner/child.h"
#include "tuner/describe.h"
#include "tuner/final.h"
#include "tuner/live.h"
#include "tuner/session.h"

#include <math.h>
#include <stdlib.h>

enum {
    FINALISTS = 6,
    RACE_CALLS = 40, /* of a last race of one plan with its references, */
    RACE_CALLS_ATTENTION = 12,
    CALLS_A_FINALIST = 6,   /* with those before its samples */
    REFERENCES = 2,         /* that take as long as a finalist */
    BASELINE_SAMPLES = 3,   /* of the scalar attention */
    REFERENCE_CALLS = 2000, /* of the leader: what a reference may take in a race */
    BRIEF_SAMPLES = 3,      /* of references that would take more */
    SKIPPED_MAX = 16, /* plans that promised something and were not tried, told as candidates */
};

#define MOST_SCALAR_SECONDS 0.2

/* The scalar attention is measured if a call takes no more of the time than this. */
#define BASELINE_SHARE 0.02

/* Of the time for a problem: its search. Of what is left then: that without position terms. The
 * rest is for the last race. */
#define SEARCH_SHARE 0.5
#define PLAIN_SHARE 0.35

enum dt_status dt_tune_admit(const struct dt_tuner *tuner, struct dt_validator *validator,
                             struct dt_race *race, size_t runner, struct dt_outcome *outcome,
                             struct dt_error *error)
{
    struct dt_verdict verdict;
    struct dt_runner *r = &race->runners[runner];
    const struct dt_passed *passed =
        tuner->validators ? dt_validators_passed(tuner->validators, validator, &r->choice) : NULL;
    enum dt_status status = dt_child_try(passed ? NULL : validator, r, tuner->machine,
                                         tuner->trial_seconds, &verdict, error);
    if (status)
        return status == DT_UNSUPPORTED ? DT_OK : status;
    r->error_share = passed ? passed->worst : verdict.worst;
    r->error_ulp = passed ? passed->worst_ulp : verdict.worst_ulp;
    if (verdict.passed && !passed && tuner->validators)
        dt_validators_note(tuner->validators, validator, &r->choice, &verdict);
    if (verdict.passed)
        return dt_race_enter(race, runner, error);
    outcome->disqualified++;
    if (tuner->complain)
        tuner->complain(verdict.reason, tuner->context);
    return DT_OK;
}

/* ---- Points of reference --------------------------------------------------------- */

/* The problem without position terms and its best choice, on a workload of its own. */
struct plain {
    bool there;
    struct dt_workload workload;
    struct dt_choice choice;
};

static enum dt_status add_attention(const struct dt_tuner *tuner, struct dt_race *race,
                                    double seconds, const struct plain *plain,
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

void dt_candidates_clear(struct dt_candidates *candidates)
{
    free(candidates->items);
    *candidates = (struct dt_candidates){0};
}

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

/* A search and the last race of what it left. */
struct contest {
    const struct dt_live *live;
    const struct dt_search *search;
    size_t finalists[DT_FINALISTS_MAX], count; /* entries; runners of the race in this order */
    const struct dt_race *race;
    size_t winner; /* runner; race->count without one */
};

static enum dt_fate fate_of(const struct contest *c, size_t entry)
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

static struct dt_candidate describe_plan(const struct contest *c, size_t plan)
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
static enum dt_status tell_candidates(const struct contest *c, struct dt_candidates *list,
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

static void judge(struct contest *c, const struct dt_tuner *tuner, struct dt_outcome *outcome)
{
    c->winner = tuner->goal == DT_GOAL_WINNER ? dt_race_winner(c->race, tuner->session->noise_floor)
                                              : c->race->count;
    outcome->regret = NAN;
    if (c->winner < c->count)
        outcome->regret = fmax(dt_final_regret(c->race, c->winner),
                               dt_search_regret(c->search, c->finalists[c->winner]));
    outcome->complete &= !c->search->cut;
}

/* How many times as much as the workload of the search the problem has to do. */
static double heads_left_out(const struct dt_live *live)
{
    const struct dt_problem *whole = &live->problem, *part = &live->workload.problem;
    return (double)whole->batch * whole->heads / ((double)part->batch * part->heads);
}

/* What a call of the problem takes by what one of the search took; 0 if that is not known. */
static double call_ns(const struct dt_live *live, const struct dt_search *found, size_t entry)
{
    double times[DT_BLOCKS_MAX];
    const size_t count = dt_board_times(&found->board, entry, times);
    return count ? heads_left_out(live) * dt_median(times, count) : 0;
}

static enum dt_status race_finalists(const struct dt_tuner *tuner, struct contest *c,
                                     struct dt_race *race, const struct plain *plain,
                                     double seconds, struct dt_records *records,
                                     struct dt_outcome *outcome, struct dt_error *error)
{
    const struct dt_live *live = c->live;
    const double end = dt_clock_ns() + seconds * 1e9;
    struct dt_references references;
    struct dt_validator *validator;
    enum dt_status status = dt_validators_get(tuner->validators, live->scope.op, &live->problem,
                                              true, tuner->session->seed, &validator, error);
    for (size_t r = 0; r < race->count && !status; r++) {
        race->runners[r].threads = live->scope.threads;
        status = dt_tune_admit(tuner, validator, race, r, outcome, error);
    }
    if (status)
        return status;
    double times[DT_BLOCKS_MAX];
    const size_t count = dt_board_times(&c->search->board, c->finalists[0], times);
    status =
        live->scope.op == DT_OP_ATTENTION
            ? add_attention(tuner, race, seconds, plain, &references, error)
            : add_brief(race, seconds, count ? dt_median(times, count) : 0, &references, error);
    if (!status)
        status = dt_final_run(tuner, race, fmax(0, end - dt_clock_ns()) * 1e-9, outcome, error);
    if (status)
        return status;
    c->race = race;
    judge(c, tuner, outcome);
    const size_t first = records->count;
    status = dt_describe_all(tuner, race, &references, records, error);
    for (size_t n = first; n < records->count; n++)
        if (records->items[n].winner) {
            records->items[n].regret = outcome->regret;
            records->items[n].tried = c->search->board.count;
            records->items[n].plans = live->space.count;
            records->items[n].complete = outcome->complete;
        }
    return status ? status : tell_candidates(c, tuner->candidates, error);
}

/* ---- The problem ----------------------------------------------------------------- */

static enum dt_status search(struct dt_live *live, const struct dt_policy *policy, double seconds,
                             struct dt_search *found, struct dt_error *error)
{
    const struct dt_session *session = live->tuner->session;
    enum dt_status status = dt_search_run(found, policy, dt_live_arena(live, seconds),
                                          session->noise_floor, session->seed, error);
    live->outcome->candidates += found->board.count;
    live->outcome->samples += found->samples;
    return status;
}

/* The best choice without position terms. */
static enum dt_status search_plain(const struct dt_tuner *given, const struct dt_problem *problem,
                                   double seconds, struct plain *plain, struct dt_error *error)
{
    struct dt_tuner tuner = *given;
    struct dt_problem c2c = *problem;
    struct dt_outcome ignored = {0};
    struct dt_search found = {.board = DT_BOARD_EMPTY};
    struct dt_live live;
    c2c.terms = 0;
    tuner.goal = DT_GOAL_WINNER;
    tuner.policy = NULL;
    enum dt_status status = dt_live_open(&live, &tuner, DT_OP_ATTENTION, &c2c, &ignored, error);
    if (status)
        return status;
    if (live.space.count > 0)
        status = search(&live, dt_policy_at(0), seconds, &found, error);
    const size_t leader = dt_search_leader(&found);
    plain->there = !status && leader < found.board.count;
    if (plain->there) {
        plain->choice = live.space.choices[found.entries[leader].plan];
        status =
            dt_workload_init(&plain->workload, DT_OP_ATTENTION, &c2c, tuner.session->seed, error);
    }
    dt_search_clear(&found);
    dt_live_close(&live);
    return status;
}

/* Of what is left the search gets a share, but not what the last race of long calls needs at least.
 */
static double search_seconds(const struct dt_live *live, double end)
{
    const double left = fmax(0, end - dt_clock_ns()) * 1e-9;
    const bool attention = live->scope.op == DT_OP_ATTENTION;
    const double call = live->space.predicted[0] * heads_left_out(live) * 1e-9;
    const double race = isnan(call) ? 0 : call * (attention ? RACE_CALLS_ATTENTION : RACE_CALLS);
    return fmax(0, fmin(SEARCH_SHARE * left, left - race));
}

static enum dt_status keep(const struct dt_tuner *tuner, const struct dt_live *live,
                           const struct dt_search *found, struct dt_error *error)
{
    struct dt_recording recording;
    struct dt_space_scope scope = live->scope;
    scope.problem = &live->problem;
    const double trial_ns = live->trial_count ? live->trial_ns / (double)live->trial_count : 0;
    enum dt_status status =
        dt_recording_make(&recording, tuner->session, &scope, &live->space, found, trial_ns, error);
    if (status)
        return status;
    status = tuner->keep(&recording, tuner->context, error);
    dt_recording_clear(&recording);
    return status;
}

/* Those that a last race of so many seconds can tell apart. */
static size_t choose_finalists(const struct dt_live *live, const struct dt_search *found,
                               double seconds, size_t *finalists)
{
    if (live->tuner->goal == DT_GOAL_VARIANTS)
        return dt_search_of_variants(found, DT_FINALISTS_MAX, finalists);
    const size_t count = dt_search_finalists(found, FINALISTS, finalists);
    const double each = count ? call_ns(live, found, finalists[0]) * CALLS_A_FINALIST : 0;
    const double most = seconds * 1e9 / fmax(each, 1) - REFERENCES;
    return most < (double)count ? (size_t)fmax(1, most) : count;
}

static enum dt_status finish(struct dt_live *live, const struct dt_search *found, double end,
                             struct dt_records *records, struct dt_error *error)
{
    const struct dt_tuner *tuner = live->tuner;
    struct contest contest = {.live = live, .search = found};
    struct dt_choice choices[DT_FINALISTS_MAX];
    struct dt_workload workload;
    struct plain plain = {.there = false};
    struct dt_race race;
    double left = fmax(0, end - dt_clock_ns()) * 1e-9;
    contest.count = choose_finalists(live, found, left, contest.finalists);
    for (size_t n = 0; n < contest.count; n++)
        choices[n] = live->space.choices[found->entries[contest.finalists[n]].plan];
    if (contest.count == 0)
        return DT_OK;
    enum dt_status status = DT_OK;
    if (live->scope.op == DT_OP_ATTENTION && live->problem.terms)
        status = search_plain(tuner, &live->problem, left * PLAIN_SHARE, &plain, error);
    if (!status)
        status = dt_workload_init(&workload, live->scope.op, &live->problem, tuner->session->seed,
                                  error);
    if (status)
        goto clear_plain;
    status = dt_race_init(&race, &workload, tuner->sampler, choices, contest.count,
                          tuner->session->seed, error);
    if (!status) {
        for (size_t n = 0; n < contest.count && live->known_count > 0; n++)
            if (found->entries[contest.finalists[n]].plan == live->known[0])
                race.standing = n;
        status = race_finalists(tuner, &contest, &race, &plain, fmax(0, end - dt_clock_ns()) * 1e-9,
                                records, live->outcome, error);
        dt_race_clear(&race);
    }
    dt_workload_clear(&workload);
clear_plain:
    if (plain.there)
        dt_workload_clear(&plain.workload);
    return status;
}

static enum dt_status tune(const struct dt_tuner *tuner, enum dt_op op,
                           const struct dt_problem *problem, double end, struct dt_records *records,
                           struct dt_outcome *outcome, struct dt_error *error)
{
    const struct dt_policy *policy = tuner->policy ? tuner->policy : dt_policy_at(0);
    struct dt_search found = {.board = DT_BOARD_EMPTY};
    struct dt_live live;
    if (tuner->goal == DT_GOAL_VARIANTS)
        policy = &dt_policy_variants;
    enum dt_status status = dt_live_open(&live, tuner, op, problem, outcome, error);
    if (status)
        return status;
    outcome->plans = live.space.count;
    if (live.space.count > 0)
        status = search(&live, policy, search_seconds(&live, end), &found, error);
    if (!status && live.space.count > 0 && tuner->keep)
        status = keep(tuner, &live, &found, error);
    if (!status && live.space.count > 0)
        status = finish(&live, &found, end, records, error);
    dt_search_clear(&found);
    dt_live_close(&live);
    return status;
}

enum dt_status dt_tune(const struct dt_tuner *given, enum dt_op op,
                       const struct dt_problem *problem, double seconds, struct dt_records *records,
                       struct dt_outcome *outcome, struct dt_error *error)
{
    const double end = dt_clock_ns() + seconds * 1e9;
    struct dt_validators validators = {.next = 0};
    struct dt_tuner tuner = *given;
    *outcome = (struct dt_outcome){.regret = NAN};
    if (op == DT_OP_BIAS && problem->terms == 0)
        return DT_OK;
    if (!tuner.validators)
        tuner.validators = &validators;
    enum dt_status status = tune(&tuner, op, problem, end, records, outcome, error);
    dt_validators_clear(&validators);
    return status;
}
