/* SPDX-License-Identifier: MIT */
/* What it costs to ask the library: looking up a plan, and calling a kernel by its plan. */
#ifndef DISENTUNE_DISPATCH_H
#define DISENTUNE_DISPATCH_H

#include "kernels/variant.h"
#include "reports/stats.h"
#include "tuner/sample.h"

#define DT_DISPATCH_TABLES 3

/* Looking up one problem in a table of so many records of this machine and a hundred others. Times
 * in ns, median and 95 % interval. */
struct dt_dispatch_lookup {
    size_t records;
    struct dt_interval exact;   /* there is a record of the very problem */
    struct dt_interval nearest; /* there is none, the nearest shape answers */
};

/* One call on a short problem, in ns, by the plan and of the variant directly; in blocks of both.
 */
struct dt_dispatch_call {
    enum dt_op op;
    struct dt_problem problem;
    struct dt_interval planned, direct;
    struct dt_interval over; /* planned - direct, paired */
};

struct dt_dispatch {
    struct dt_dispatch_lookup lookup[DT_DISPATCH_TABLES];
    struct dt_dispatch_call call[2]; /* bias, attention */
};

/* Takes about two seconds. DT_NO_MEMORY, DT_UNSUPPORTED. */
enum dt_status dt_dispatch_measure(struct dt_sampler *sampler, uint64_t seed,
                                   struct dt_dispatch *dispatch, struct dt_error *error);

#endif
