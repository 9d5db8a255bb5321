/* SPDX-License-Identifier: MIT */
/*
 * What a choice would take, by arithmetic alone: so that a search tries the promising plans first,
 * and shows them for a machine that is not here. Only the order of plans of one problem means
 * anything; a predicted time may be off by half.
 *
 * A call is counted out as the kernels do it, in cycles:
 *
 *     products    as a strategy makes them, sizes padded, cut into the register blocks of the gemm
 *     additions   loads, permutes, blends and stores of a vector by the idea's two words, edges of
 *                 blocks and the start of strips, gathers as long as the processor takes
 *     softmax     operations of exp() by the idea, passes by the form
 *     copies      K and V packed, again whenever a thread takes up a head; Q, the output
 *     transfers   bytes that come from beyond L1: from the first level whose share for a worker
 *                 holds the set of data that is used again and again
 *     calls       what a product, a block and a work item cost besides, and a team of threads
 *
 *     time = max(work, transfers) + min(work, transfers) / 2 + calls
 *
 * with work the sum of the first four, of the worker that has most items. Instructions a cycle are
 * those of the instruction set on a common core, corrected for a few microarchitectures; where a
 * session has measured ceilings, these give clock, multiply-adds and bandwidths, in coarse steps.
 *
 * Not modelled: latencies other than that of the multiply-add, prefetching, pages, clocks that
 * depend on the instruction set, contents of masks, packed batches, and whatever else a measurement
 * would show. A variant whose idea is not known here counts like the plainest of its instruction
 * set, so that a new one is not passed over by much.
 */
#ifndef DISENTUNE_PRIOR_H
#define DISENTUNE_PRIOR_H

#include "kernels/plan.h"
#include "reports/record.h"
#include "tuner/machine.h"

/* What takes the time. */
enum dt_resource {
    DT_FOR_PRODUCTS,
    DT_FOR_ADDITIONS,
    DT_FOR_SOFTMAX,
    DT_FOR_COPIES,
    DT_FOR_L2,
    DT_FOR_L3,
    DT_FOR_MEMORY,
    DT_FOR_CALLS,
    DT_RESOURCE_COUNT
};

/* "products", "additions", "softmax", "copies", "L2", "L3", "memory", "calls". */
const char *dt_resource_name(enum dt_resource resource);

/* One instruction set: vectors of so many lanes, and how many of each operation start in a cycle.
 */
struct dt_prior_set {
    uint32_t level;
    int32_t lanes;
    double fmas, loads, stores, shuffles, vectors; /* `vectors`: any other, shuffles included */
    double gather;                                 /* cycles a lane */
};

#define DT_PRIOR_SETS 4
#define DT_PRIOR_TEAMS 16

struct dt_prior {
    double ghz;
    struct dt_prior_set sets[DT_PRIOR_SETS];

    /* By log2 of the busy workers, rounded up. */
    double share[DT_PRIOR_TEAMS][DT_LEVEL_COUNT];     /* bytes of a cache for each of them */
    double bandwidth[DT_PRIOR_TEAMS][DT_LEVEL_COUNT]; /* [n]: bytes a cycle from level n + 1 */
    double ways;                                      /* of L1d */
    double lines;                                     /* of L1d */
};

struct dt_cost {
    double ns;                         /* of a call */
    double part_ns[DT_RESOURCE_COUNT]; /* before they overlap */
};

/*
 * For the machine's first kind of core. `session` may be NULL or without ceilings. Neither is
 * referenced after return.
 */
void dt_prior_init(struct dt_prior *prior, const struct dt_machine *machine,
                   const struct dt_session *session);

/* A call of the choice, whose variant says of which operation. It applies to the problem and has
 * its parts, but this CPU need not have its instructions. Operations but attention run on one
 * thread. Deterministic. */
double dt_prior_ns(const struct dt_prior *prior, const struct dt_problem *problem,
                   const struct dt_delta *delta, const struct dt_choice *choice, int32_t threads);
void dt_prior_cost(const struct dt_prior *prior, const struct dt_problem *problem,
                   const struct dt_delta *delta, const struct dt_choice *choice, int32_t threads,
                   struct dt_cost *cost);

/* What most of a call is for. */
enum dt_resource dt_cost_bound(const struct dt_cost *cost);

#endif
