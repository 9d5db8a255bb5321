/* SPDX-License-Identifier: MIT */
/*
 * How builds fared over time, each compared with the same release: the cells of all sessions whose
 * BASE is that build. A point is a ratio of times that were taken in turns within one session, so
 * that points of different days can stand in one series; absolute times could not. Each series is
 * searched for changes of its level (reports/changes.h), which are hints and no verdicts.
 */
#ifndef DISENTUNE_HISTORY_H
#define DISENTUNE_HISTORY_H

#include "reports/changes.h"
#include "reports/evidence.h"
#include "reports/grid.h"

struct dt_point {
    const struct dt_session *session; /* HEAD is session->build */
    const struct dt_cell *cell;
    double ratio; /* time of HEAD / time of BASE; 1 where the code is the same */
};

/* One choice of BASE on one problem and machine. */
struct dt_history_series {
    const struct dt_cell *cell; /* the first, for its subject */
    const char *machine;        /* the finest of its keys */
    struct dt_point *points;    /* by date */
    size_t count;
    struct dt_change *changes;
    size_t change_count;
};

struct dt_history {
    struct dt_build base;
    size_t sessions;                  /* with cells that were compared with it */
    struct dt_history_series *series; /* by operation, problem and threads */
    size_t count;
};

/*
 * `base` is a version or the start of a commit, or NULL; of several builds that it fits, the one
 * that most sessions compared with, at last the latest. Void cells are left out. The evidence must
 * outlive the history; the caller releases that with dt_history_clear(). DT_INVALID: nothing was
 * compared with such a build. DT_NO_MEMORY.
 */
enum dt_status dt_history_make(const struct dt_evidence *evidence, const char *base,
                               struct dt_history *history, struct dt_error *error);
void dt_history_clear(struct dt_history *history);

/* For a terminal: a line a series. */
void dt_history_print(FILE *stream, const struct dt_history *history,
                      const struct dt_terminal *terminal);

/* JSON Lines, a line a series. DT_IO, DT_NO_MEMORY. */
enum dt_status dt_history_write(FILE *stream, const struct dt_history *history,
                                struct dt_error *error);

#endif
