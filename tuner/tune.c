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
    FINALISTS = 4,
    RACE_CALLS = 40, /* of a last race of one plan with its references, */
    RACE_CALLS_ATTENTION = 12,
    CALLS_A_FINALIST = 20,  /* with those before its samples: enough blocks to say anything */
    REFERENCES = 2,         /* that take as long as a finalist */
    BASELINE_SAMPLES = 3,   /* of the scalar attention */
    REFERENCE_CALLS = 2000, /* of the leader: what a reference may take in a race */
    BRIEF_SAMPLES = 3,      /* of references that would take more */
    SKIPPED_MAX = 16, /* plans that promised something and were not tried, told as candidates */
};

#define MOST_SCALAR_SECONDS 0.2

/* The scalar attention is measured if a call takes no more of the time than this. */
#define BASELINE_SHARE 0.02

/* Of the time for a problem: its search. Of what is left then: that without position terms, and the
 * decision where it is not made on the problem itself. The rest is for the race there. */
#define SEARCH_SHARE 0.5
#define PLAIN_SHARE 0.25
#define DECISION_SHARE 0.4

/* After its trial. */
static enum dt_status note(const struct dt_tuner *tuner, struct dt_validator *validator,
                           struct dt_attempt *trial, struct dt_runner *runner, bool *passed,
                           struct dt_outcome *outcome, struct dt_error *error)
{
    *passed = false;
    if (trial->status && trial->status != DT_UNSUPPORTED)
        return dt_error_set(error, trial->status, "%s", trial->error.text);
    if (trial->status)
        return DT_OK;
    *passed = trial->verdict.passed;
    if (*passed && trial->validator) {
        runner->error_share = trial->verdict.worst;
        runner->error_ulp = trial->verdict.worst_ulp;
        if (tuner->validators)
            dt_validators_note(tuner->validators, validator, &runner->choice, &trial->verdict);
    }
    if (*passed)
        return DT_OK;
    outcome->disqualified++;
    if (tuner->complain)
        tuner->complain(trial->verdict.reason, tuner->context);
    return DT_OK;
}

enum dt_status dt_tune_try(const struct dt_tuner *tuner, struct dt_validator *validator,
                           struct dt_race *race, const size_t *runners, size_t count, double until,
                           bool *passed, size_t *tried, struct dt_outcome *outcome,
                           struct dt_error *error)
{
    struct dt_attempt *trials = calloc(count + 1, sizeof *trials);
    *tried = 0;
    if (!trials)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu trials", count);
    for (size_t n = 0; n < count; n++) {
        struct dt_runner *r = &race->runners[runners[n]];
        const struct dt_passed *before =
            tuner->validators ? dt_validators_passed(tuner->validators, validator, &r->choice)
                              : NULL;
        if (before) {
            r->error_share = before->worst;
            r->error_ulp = before->worst_ulp;
        }
        trials[n] = (struct dt_attempt){.validator = before ? NULL : validator, .runner = r};
    }
    enum dt_status status =
        dt_child_try(trials, count, tuner->machine, tuner->trial_seconds, until, tried, error);
    for (size_t n = 0; n < *tried && !status; n++)
        status = note(tuner, validator, &trials[n], &race->runners[runners[n]], &passed[n], outcome,
                      error);
    free(trials);
    return status;
}

enum dt_status dt_tune_admit(const struct dt_tuner *tuner, struct dt_validator *validator,
                             struct dt_race *race, struct dt_outcome *outcome,
                             struct dt_error *error)
{
    size_t *runners = malloc((race->count + 1) * sizeof *runners), tried = 0;
    bool *passed = calloc(race->count + 1, sizeof *passed);
    enum dt_status status = DT_OK;
    if (!runners || !passed)
        status = dt_error_set(error, DT_NO_MEMORY, "no memory for %zu trials", race->count);
    for (size_t r = 0; r < race->count && !status; r++)
        runners[r] = r;
    if (!status)
        status = dt_tune_try(tuner, validator, race, runners, race->count, INFINITY, passed, &tried,
                             outcome, error);
    for (size_t r = 0; r < tried && !status; r++)
        if (passed[r])
            status = dt_race_enter(race, r, error);
    free(passed);
    free(runners);
    return status;
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
    struct dt_live *live;
    const struct dt_search *search;
    size_t finalists[DT_FINALISTS_MAX], count; /* entries, in the order of preference; runners of
                                                  the race in this order */
    const struct dt_race *race;                /* NULL: not decided yet */
    size_t winner;                             /* runner; not less than `count`: none */
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

/* A race of entries on a workload, all of them validated more closely than in the search. */
static enum dt_status open_race(const struct contest *c, const size_t *entries, size_t count,
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
        status = dt_tune_admit(tuner, validator, race, live->outcome, error);
    if (status)
        dt_race_clear(race);
    return status;
}

static void judge(struct contest *c)
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

static enum dt_status add_references(const struct contest *c, struct dt_race *race,
                                     const struct plain *plain, double seconds,
                                     struct dt_references *references, struct dt_error *error)
{
    const struct dt_live *live = c->live;
    return live->scope.op == DT_OP_ATTENTION
               ? add_attention(live->tuner, race, seconds, plain, references, error)
               : add_brief(race, seconds, call_ns(live, c->search, c->finalists[0]), references,
                           error);
}

static enum dt_status tell(struct contest *c, const struct dt_race *race,
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

/* Which of the finalists wins, on the workload of the search, where a call of an attention takes a
 * few milliseconds. The race stays for the caller to clear. */
static enum dt_status decide(struct contest *c, double seconds, struct dt_race *race,
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

/* The winner, or where it is not decided yet the finalists, on the problem itself, with points of
 * reference beside them. */
static enum dt_status measure(struct contest *c, const struct plain *plain, double end,
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

/* Those that a race of so many seconds can tell apart, in the order of preference; `part`: how much
 * of the problem a call does. */
static size_t choose_finalists(const struct dt_live *live, const struct dt_search *found,
                               double seconds, double part, size_t *finalists)
{
    if (live->tuner->goal == DT_GOAL_VARIANTS)
        return dt_search_of_variants(found, DT_FINALISTS_MAX, finalists);
    size_t count = dt_search_finalists(found, FINALISTS, finalists);
    const double each = count ? part * call_ns(live, found, finalists[0]) * CALLS_A_FINALIST : 0;
    const double most = seconds * 1e9 / fmax(each, 1) - (part < 1 ? 0 : REFERENCES);
    count = most < (double)count ? (size_t)fmax(1, most) : count;
    dt_search_order(found, finalists, count);
    return count;
}

/* Of what is left, and without what the winner's own calls need. */
static double decision_seconds(const struct dt_live *live, const struct dt_search *found,
                               double left)
{
    const size_t leader = dt_search_leader(found);
    const double call = leader < found->board.count ? call_ns(live, found, leader) * 1e-9 : 0;
    return fmax(0, fmin(DECISION_SHARE * left, left - call * RACE_CALLS_ATTENTION));
}

static enum dt_status finish(struct dt_live *live, const struct dt_search *found, double end,
                             struct dt_records *records, struct dt_error *error)
{
    const struct dt_tuner *tuner = live->tuner;
    const double left = fmax(0, end - dt_clock_ns()) * 1e-9, part = 1 / heads_left_out(live);
    const bool in_part = part < 1 && tuner->goal == DT_GOAL_WINNER;
    const double seconds = in_part ? decision_seconds(live, found, left) : left;
    struct contest contest = {.live = live, .search = found};
    struct dt_workload whole = {.op = live->scope.op};
    struct plain plain = {.there = false};
    struct dt_race decision;
    contest.count = choose_finalists(live, found, seconds, in_part ? part : 1, contest.finalists);
    if (contest.count == 0)
        return DT_OK;
    enum dt_status status = DT_OK;
    if (live->scope.op == DT_OP_ATTENTION && live->problem.terms)
        status = search_plain(tuner, &live->problem, left * PLAIN_SHARE, &plain, error);
    if (!status && in_part && contest.count > 1)
        status = decide(&contest, seconds, &decision, error);
    if (!status && part < 1)
        status =
            dt_workload_init(&whole, live->scope.op, &live->problem, tuner->session->seed, error);
    if (!status && live->scope.op == DT_OP_BIAS)
        status = dt_workload_add_other(&live->workload, error);
    if (!status && (!contest.race || contest.winner < contest.count))
        status =
            measure(&contest, &plain, end, part < 1 ? &whole : &live->workload, records, error);
    if (contest.race)
        dt_race_clear(&decision);
    dt_workload_clear(&whole);
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
