/* SPDX-License-Identifier: MIT */
/*
 * This machine as an arena: plans are tried in a process of their own (tuner/child.h), made ready
 * and timed on one workload. The workload does less than the problem where a call of that is long:
 * attention on fewer batch rows and heads.
 */
#ifndef DISENTUNE_LIVE_H
#define DISENTUNE_LIVE_H

#include "tuner/arena.h"
#include "tuner/race.h"
#include "tuner/search.h"
#include "tuner/tune.h"

enum dt_trial_state { DT_TRIAL_OPEN, DT_TRIAL_PASSED, DT_TRIAL_FAILED };

struct dt_live {
    const struct dt_tuner *tuner;
    struct dt_problem problem; /* the one that is searched for */
    struct dt_workload workload;
    struct dt_validator *validator; /* of tuner->validators */
    struct dt_space_scope scope;
    struct dt_space space;
    struct dt_race race;         /* a runner for each plan */
    enum dt_trial_state *trials; /* by plan */
    size_t known[2 + DT_TUNER_KNOWN_MAX], known_count;
    struct dt_arena arena;
    struct dt_outcome *outcome; /* counts what is disqualified */
    double end;                 /* by dt_clock_ns(); INFINITY: without */
    double trial_ns;            /* spent on trials, */
    size_t trial_count;         /* so many */
};

/*
 * Makes space and workload of a problem for the tuner's goal; the tuner has validators. A space
 * without any plan is no error, but no arena either. Release with dt_live_close(). DT_INVALID,
 * DT_NO_MEMORY.
 */
enum dt_status dt_live_open(struct dt_live *live, const struct dt_tuner *tuner, enum dt_op op,
                            const struct dt_problem *problem, struct dt_outcome *outcome,
                            struct dt_error *error);
void dt_live_close(struct dt_live *live);

/* The arena, of which so many seconds are left from now on; *live stays in place. */
const struct dt_arena *dt_live_arena(struct dt_live *live, double seconds);

/* How many times as much as a call of the workload the problem has to do. */
double dt_live_left_out(const struct dt_live *live);

/* What a call of the problem takes by what one of the search took; 0 if that is not known. */
double dt_live_call_ns(const struct dt_live *live, const struct dt_search *search, size_t entry);

/* Threads of a call. */
int32_t dt_live_threads(const struct dt_tuner *tuner, enum dt_op op);

#endif
