/* SPDX-License-Identifier: MIT */
/*
 * A choice of `attention` made ready for one problem: its products resolved, its workspace
 * measured. Immutable once made; any number of threads may use it at once.
 */
#ifndef DISENTUNE_SETUP_H
#define DISENTUNE_SETUP_H

#include "kernels/plan.h"

/* Sizes for which products are resolved rise by this. Whoever calls them pads to it. */
enum { DT_GEMM_STEP = 16 };

struct dt_attention_setup {
    struct dt_choice choice;
    int32_t rows, cols; /* of a block of scores: the tile, without 0 for "all" */
    int32_t chunk;      /* queries of a work item, a multiple of rows, or all */
    int32_t threads;
    size_t workspace;   /* floats that one thread works in */

    /*
     * Products by size in steps, the least first:
     *     score[m][n]  Q or Qr (stride dim) times a block of packed K -> stride cols
     *     c2p[m][n]    Q times a block of packed Kr -> stride c2p_stride
     *     pv[m][k]     weights (stride cols) times V (stride dim_stride), accumulated
     * NULL where the choice has no parts.
     */
    struct dt_gemm *score, *c2p, *pv;
    int32_t m_steps, n_steps;
    ptrdiff_t c2p_stride, dim_stride;
};

/*
 * `choice` is one of attention that applies to the problem. Releases with
 * dt_attention_setup_clear(). DT_UNSUPPORTED (a part cannot be resolved), DT_NO_MEMORY.
 */
enum dt_status dt_attention_setup_init(struct dt_attention_setup *setup,
                                       const struct dt_choice *choice,
                                       const struct dt_problem *problem,
                                       const struct dt_delta *delta, int32_t threads,
                                       struct dt_error *error);
void dt_attention_setup_clear(struct dt_attention_setup *setup);

/* Floats that dt_attention_run() works in: setup->workspace for each thread. */
size_t dt_attention_workspace(const struct dt_attention_setup *setup);

/* How many work items the call has. */
int64_t dt_attention_items(const struct dt_attention_args *args);

/* All items of the call, on setup->threads threads. args->workspace is that of all threads, 64-byte
 * aligned; first and last are not used. `phases` must be NULL with more than one thread. */
void dt_attention_run(const struct dt_attention_args *args);

#endif
