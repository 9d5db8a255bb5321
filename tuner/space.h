/* SPDX-License-Identifier: MIT */
/* The search space of one problem: which choices are worth timing on this machine. */
#ifndef DISENTUNE_SPACE_H
#define DISENTUNE_SPACE_H

#include "kernels/plan.h"
#include "tuner/machine.h"

struct dt_space {
    struct dt_choice *choices; /* grouped by variant, in the order of the registry; owned */
    size_t count;
};

/*
 * Every variant of `op` that this CPU runs, that accepts the problem and that `selects` passes
 * (NULL: all), with each of its tiles.
 *
 * Sides are all of the problem or less, rounded up to the variant's multiple: rows from 16 in steps
 * of 2, up to what keeps one strip and its scores in a worker's share of L2, at least 64, at most
 * 256; columns from 64 in steps of 4, up to what keeps 16 rows and their tables in its share of
 * L1d. A side that the variant ignores is 0. The caller frees choices. DT_NO_MEMORY.
 */
enum dt_status dt_space_init(struct dt_space *space, enum dt_op op,
                             const struct dt_problem *problem, const struct dt_delta *delta,
                             const struct dt_machine *machine,
                             bool (*selects)(const struct dt_variant *, void *), void *context,
                             struct dt_error *error);

#endif
