/* SPDX-License-Identifier: MIT */
/*
 * Where a search times the plans of a space: this machine (tuner/live.h) or a recording of one
 * (tuner/recording.h). A search knows plans by their number, 0 ... count - 1, and nothing else.
 */
#ifndef DISENTUNE_ARENA_H
#define DISENTUNE_ARENA_H

#include "tuner/space.h"

struct dt_arena {
    const struct dt_point *points; /* [count], the most promising first */
    size_t count;                  /* >= 1 */
    const size_t *known;           /* plans to try in any case; the first: what would run anyway */
    size_t known_count;

    /* Plans that will be admitted next are tried together, which takes less time than each by
     * itself, as long as more than `mark` seconds are left: *tried is how many, at least one. NULL:
     * each is tried when it is admitted. */
    enum dt_status (*expect)(void *context, const size_t *plans, size_t count, double mark,
                             size_t *tried, struct dt_error *error);

    /* Before a plan is timed; again after it retired. *passed is false if it crashes, hangs or is
     * wrong, or is not there: it cannot be timed. */
    enum dt_status (*admit)(void *context, size_t plan, bool *passed, struct dt_error *error);

    /* One block: one sample of each of the plans, all admitted, side by side; ns[n] is that of
     * plans[n], NAN if it was lost. */
    enum dt_status (*block)(void *context, const size_t *plans, size_t count, double *ns,
                            struct dt_error *error);

    /* What an admitted plan holds may be released. */
    void (*retire)(void *context, size_t plan);

    /* Seconds of the search that are left, at most 0 if it is to end; INFINITY without a limit. */
    double (*left)(void *context);

    /* Orders plans that are equally fast, the better one first: see dt_space_compare(). */
    int (*compare)(void *context, size_t a, size_t b);

    void *context;
};

#endif
