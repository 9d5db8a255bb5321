/* SPDX-License-Identifier: MIT */
/*
 * One problem measured: its space raced and turned into records.
 *
 * The space holds hundreds of plans and a block of all of them may take seconds, so they enter in
 * two waves. First each variant runs with a few tiles, the heuristic variant and the widest
 * instruction set before the others; then all tiles of those variants that are near the leader. If
 * only the winner matters, a wave is cut short when its share of the time is over. A plan is
 * validated and called once in a process of its own when it enters, before it is timed
 * (tuner/child.h). From then on the slow are dropped: at once what is far behind, later what the
 * intervals tell apart.
 *
 * The space of attention is far larger and is searched by dt_descend().
 */
#ifndef DISENTUNE_TUNE_H
#define DISENTUNE_TUNE_H

#include "reports/record.h"
#include "tuner/machine.h"
#include "tuner/race.h"
#include "tuner/validate.h"

#include <signal.h>

/* What the race is for. */
enum dt_goal {
    DT_GOAL_WINNER,   /* find the fastest: slower candidates are dropped early */
    DT_GOAL_VARIANTS, /* measure each variant at its best tile: all stay to the end */
};

struct dt_tuner {
    const struct dt_machine *machine;
    const struct dt_session *session;
    struct dt_sampler *sampler;
    enum dt_goal goal;
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
};

struct dt_outcome {
    size_t candidates, disqualified, blocks;
    bool complete; /* the plans that were left at the end have enough samples to be told apart */
};

/*
 * Measures `op` on `problem` for about `seconds` and appends a record for each variant at its
 * best tile to `records`; with DT_GOAL_WINNER one of them is marked as winner. No candidate is
 * timed before it passed validation on its own tile; problems beyond 320 rows or columns are
 * validated at 320 there. Nothing is appended if no variant applies. Errors leave records as they
 * were. DT_INVALID, DT_NO_MEMORY.
 */
enum dt_status dt_tune(const struct dt_tuner *tuner, enum dt_op op,
                       const struct dt_problem *problem, double seconds, struct dt_records *records,
                       struct dt_outcome *outcome, struct dt_error *error);

/* Lets a runner enter the race if it passes its trial in a child process; complains if it does not.
 */
enum dt_status dt_tune_admit(const struct dt_tuner *tuner, struct dt_validator *validator,
                             struct dt_race *race, size_t runner, struct dt_outcome *outcome,
                             struct dt_error *error);

#endif
