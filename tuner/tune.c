/* SPDX-License-Identifier: MIT */
#include "tuner/tune.h"

#include "kernels/error.h"
#include "tuner/contest.h"
#include "tuner/live.h"
#include "tuner/session.h"

#include <math.h>
#include <stdlib.h>

void dt_candidates_clear(struct dt_candidates *candidates)
{
    free(candidates->items);
    *candidates = (struct dt_candidates){0};
}

enum {
    FINALISTS = 4,
    RACE_CALLS = 40, /* of a last race of one plan with its references, */
    RACE_CALLS_ATTENTION = 12,
    CALLS_A_FINALIST = 20, /* with those before its samples: enough blocks to say anything */
    REFERENCES = 2,        /* that take as long as a finalist */
};

/* Of the time for a problem: its search. Of what is left then: that without position terms, and the
 * decision where it is not made on the problem itself. The rest is for the race there. */
#define SEARCH_SHARE 0.5
#define PLAIN_SHARE 0.25
#define DECISION_SHARE 0.4

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
                                   double seconds, struct dt_plain *plain, struct dt_error *error)
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
    const double call = live->space.predicted[0] * dt_live_left_out(live) * 1e-9;
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
    const double each =
        count ? part * dt_live_call_ns(live, found, finalists[0]) * CALLS_A_FINALIST : 0;
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
    const double call =
        leader < found->board.count ? dt_live_call_ns(live, found, leader) * 1e-9 : 0;
    return fmax(0, fmin(DECISION_SHARE * left, left - call * RACE_CALLS_ATTENTION));
}

static enum dt_status finish(struct dt_live *live, const struct dt_search *found, double end,
                             struct dt_records *records, struct dt_error *error)
{
    const struct dt_tuner *tuner = live->tuner;
    const double left = fmax(0, end - dt_clock_ns()) * 1e-9, part = 1 / dt_live_left_out(live);
    const bool in_part = part < 1 && tuner->goal == DT_GOAL_WINNER;
    const double seconds = in_part ? decision_seconds(live, found, left) : left;
    struct dt_contest contest = {.live = live, .search = found};
    struct dt_workload whole = {.op = live->scope.op};
    struct dt_plain plain = {.there = false};
    struct dt_race decision;
    contest.count = choose_finalists(live, found, seconds, in_part ? part : 1, contest.finalists);
    if (contest.count == 0)
        return DT_OK;
    enum dt_status status = DT_OK;
    if (live->scope.op == DT_OP_ATTENTION && live->problem.terms)
        status = search_plain(tuner, &live->problem, left * PLAIN_SHARE, &plain, error);
    if (!status && in_part && contest.count > 1)
        status = dt_contest_decide(&contest, seconds, &decision, error);
    if (!status && part < 1)
        status =
            dt_workload_init(&whole, live->scope.op, &live->problem, tuner->session->seed, error);
    if (!status && live->scope.op == DT_OP_BIAS)
        status = dt_workload_add_other(&live->workload, error);
    if (!status && (!contest.race || contest.winner < contest.count))
        status = dt_contest_measure(&contest, &plain, end, part < 1 ? &whole : &live->workload,
                                    records, error);
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
