/* SPDX-License-Identifier: MIT */
/*
 * A build that can be slowed down by a known amount, to test what claims to notice
 * (-Dslowdown=true; without it all this is empty). DISENTUNE_SLOWDOWN=5 in the environment makes
 * each call of a plan take 5 % longer, by work that is really done after it: a chain of dependent
 * multiply-adds. The first calls are timed, the least time so far is what the percent are of; after
 * these a call owes a fixed amount. Whole pieces of about 20 ns are worked off. Results are the
 * same bits. No call is without: of long ones a process that measures may make a few only.
 *
 * Tried and rejected: to repeat a share of the rows or work items. A work item packs the keys and
 * makes the products with the positions for its head, so that a twentieth of the rows costs more
 * than a twentieth of the time, and a call of one work item can only be repeated as a whole, which
 * medians do not see.
 */
#ifndef DISENTUNE_SLOWDOWN_H
#define DISENTUNE_SLOWDOWN_H

#include "kernels/disentune.h"

#ifdef DT_SLOWDOWN

#include <stdatomic.h>

/* Of one plan, which any number of threads may call and which is constant but for this; so it must
 * not be defined const. */
struct dt_slowdown {
    double share;                /* of a call's time */
    _Atomic double call_ns;      /* the least so far */
    atomic_int timed;            /* calls */
    _Atomic double owed_ns;      /* not worked off yet */
    atomic_uint_fast64_t pieces; /* that were worked off */
};

/* Reads the environment. DT_INVALID. */
enum dt_status dt_slowdown_init(struct dt_slowdown *slowdown, struct dt_error *error);

/* Around a call: what begin returns goes to end. */
double dt_slowdown_begin(const struct dt_slowdown *slowdown);
void dt_slowdown_end(const struct dt_slowdown *slowdown, double begun);

#else

struct dt_slowdown {
};

static inline enum dt_status dt_slowdown_init(struct dt_slowdown *slowdown, struct dt_error *error)
{
    (void)slowdown;
    (void)error;
    return DT_OK;
}

static inline double dt_slowdown_begin(const struct dt_slowdown *slowdown)
{
    (void)slowdown;
    return 0;
}

static inline void dt_slowdown_end(const struct dt_slowdown *slowdown, double begun)
{
    (void)slowdown;
    (void)begun;
}

#endif

#endif
