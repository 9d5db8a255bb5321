/* SPDX-License-Identifier: MIT */
/*
 * One problem measured: its space searched, and the best plans raced and turned into records.
 *
 * A search (tuner/search.h) finds the plans that may be the best; they meet in a last race on the
 * problem itself (tuner/final.h), with points of reference beside them. A plan is validated and
 * called once in a process of its own before it is timed (tuner/child.h).
 */
#ifndef DISENTUNE_TUNE_H
#define DISENTUNE_TUNE_H

#include "reports/evidence.h"
#include "tuner/race.h"
#include "tuner/recording.h"
#include "tuner/validators.h"

#include <signal.h>

/* What the search is for. */
enum dt_goal {
    DT_GOAL_WINNER,   /* find the fastest: slower candidates are dropped early */
    DT_GOAL_VARIANTS, /* measure each variant at its best plan: all stay to the end */
};

#define DT_TUNER_KNOWN_MAX 4

/* Candidates of all searches so far. */
struct dt_candidates {
    struct dt_candidate *items; /* owned */
    size_t count, room;
};

struct dt_tuner {
    const struct dt_machine *machine;
    const struct dt_session *session;
    struct dt_sampler *sampler;
    enum dt_goal goal;
    const struct dt_policy *policy;     /* of DT_GOAL_WINNER; NULL: the default */
    const struct dt_prior *prior;       /* the model of cost; NULL: none */
    const struct dt_choice *known;      /* plans to try in any case, such as the table's */
    size_t known_count;                 /* at most DT_TUNER_KNOWN_MAX */
    int32_t threads;                    /* of attention; other operations run on one. 0: 1 */
    const struct dt_choice *one_thread; /* attention, more threads: the best for one; may be NULL */
    bool fixed_tile;
    struct dt_tile tile;                                /* the only tile to try, if fixed_tile */
    bool (*selects)(const struct dt_variant *, void *); /* NULL: every variant */
    void *context;
    /* One line about a candidate that was disqualified; may be NULL. */
    void (*complain)(const char *line, void *context);
    double trial_seconds; /* after which a candidate's trial hangs; 0: dt_child_limit() */
    const volatile sig_atomic_t *stop; /* not 0: finish the block and return what is known */

    struct dt_validators *validators; /* NULL: each search makes its own */

    /* What becomes of a search; either may be NULL. */
    struct dt_candidates *candidates; /* gets what was considered */
    enum dt_status (*keep)(const struct dt_recording *, void *context, struct dt_error *);
};

struct dt_outcome {
    size_t plans;      /* of the space */
    size_t candidates; /* of them that were tried */
    size_t disqualified;
    size_t samples;   /* of plans, in the search and in the last race */
    size_t blocks;    /* of the last race */
    size_t processes; /* of the last race; 0: it was in this one */
    bool complete; /* nothing was left out for lack of time, and the plans that were left at the end
                      have enough samples to be told apart */
    double regret; /* of the winner: how much faster, with 95 %, another plan that was tried is at
                      most, 0.01 for 1 %; NAN without a winner */
};

/*
 * Measures `op` on `problem` for about `seconds` and appends a record for each variant at its best
 * plan, with DT_GOAL_WINNER for those of the last race, of which one is marked as winner. No
 * candidate is timed before it passed validation on its own tile; problems beyond about 320 rows or
 * columns are validated at that length. Nothing is appended if no variant applies. Errors leave
 * records as they were. DT_INVALID, DT_NO_MEMORY.
 *
 * Of attention, the content-to-content part of the problem, the same without position terms, is
 * searched for its best choice, too, and timed with the others: the records' ratio_to_c2c. With
 * tuner->threads > 1 they are timed with the best choice for one thread as well.
 */
enum dt_status dt_tune(const struct dt_tuner *tuner, enum dt_op op,
                       const struct dt_problem *problem, double seconds, struct dt_records *records,
                       struct dt_outcome *outcome, struct dt_error *error);

void dt_candidates_clear(struct dt_candidates *candidates);

#endif
