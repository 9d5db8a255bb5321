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
 * Tile rows are powers of two from 8 up to the first at which what one tile touches of the tables
 * exceeds a worker's share of L2; columns are all, or what keeps a tile of scores and its strip of
 * tables in the share of L1d. Sides that the variant ignores, or that exceed the problem, are 0.
 * The caller frees choices. DT_NO_MEMORY.
 */
enum dt_status dt_space_init(struct dt_space *space, enum dt_op op,
                             const struct dt_problem *problem, const struct dt_delta *delta,
                             const struct dt_machine *machine,
                             bool (*selects)(const struct dt_variant *, void *), void *context,
                             struct dt_error *error);

#endif
