/* SPDX-License-Identifier: MIT */
/*
 * A choice of `attention` made ready for one problem: its products resolved, its workspace
 * measured. Immutable once made; any number of threads may use it at once.
 */
#ifndef DISENTUNE_SETUP_H
#define DISENTUNE_SETUP_H

#include "kernels/plan.h"

/* Products are resolved for sizes that are multiples of these; whoever calls them pads. */
enum { DT_ROW_STEP = 8, DT_COLUMN_STEP = 16 };

/* A bias variant may look at slots of up to so many entries of the slot table beyond those that the
 * formula names, on either side; what it finds there has no effect. */
enum { DT_ENTRY_MARGIN = 32 };

/* Products by the number of steps in two of their sizes. */
struct dt_gemm_grid {
    struct dt_gemm *gemm;
    int32_t minor; /* steps of the second size */
};

static inline const struct dt_gemm *dt_gemm_of(const struct dt_gemm_grid *grid, int32_t major,
                                               int32_t minor)
{
    return &grid->gemm[(major - 1) * grid->minor + minor - 1];
}

struct dt_attention_setup {
    const struct dt_problem *problem; /* the caller's */
    const struct dt_delta *delta;     /* the caller's */
    struct dt_choice choice;
    int32_t rows, cols;           /* of a block of scores: the tile, without 0 */
    int32_t chunk;                /* queries of a work item, a multiple of rows, or all */
    int32_t chunks;               /* of a head, if it is not packed */
    struct dt_attention_work all; /* of a call, likewise */
    int32_t threads;
    size_t workspace; /* floats that one thread works in, a multiple of 16 */

    /* The rest is of choices with parts. Strides and counts are in floats and rows. */
    struct dt_gemm_grid
        score;               /* rows, columns: [rows][dim] x block of packed keys -> [rows][cols] */
    struct dt_gemm_grid c2p; /* rows, columns: Q x block of packed Kr -> [rows][c2p_stride] */
    struct dt_gemm_grid pv;  /* rows, keys: weights x V -> [rows][dim_stride], accumulated */
    int32_t most_rows;       /* of score */
    ptrdiff_t c2p_stride;    /* slots that one block touches, and margins */
    ptrdiff_t dim_stride;
    int32_t keys;       /* nk, rounded up to cols */
    int32_t p2c_margin; /* slots before and after those that a block of keys reaches */
    int32_t p2c_slots;  /* that one block of keys reaches, and margins; 0 without the term */
    int32_t p2c_blocks; /* of keys, held at a time */
};

/* What a thread works on: arrays in its workspace, each on cache lines of its own. */
struct dt_attention_arrays {
    float *k, *v;              /* packed, of one head */
    int32_t *odd;              /* [nk] keys whose V is kept out of the copy */
    float *q, *out;            /* [rows] */
    float *max, *sum, *factor; /* [rows] */
    float *peaks;              /* [rows][DT_PEAKS], DT_FUSED */
    float *scores;             /* [rows][cols], one block of keys or, unless DT_ONLINE, all */
    float *c2p, *p2c;
};

/* The sizes of a setup, all of it but the products: cheap, and no question of what this CPU runs.
 * An attention without parts has those of a call alone. Nothing is to be released. */
void dt_attention_sizes(struct dt_attention_setup *setup, const struct dt_choice *choice,
                        const struct dt_problem *problem, const struct dt_delta *delta,
                        int32_t threads);

/* Places the arrays in a workspace and returns the floats that they take. */
size_t dt_attention_lay_out(const struct dt_attention_setup *setup, float *workspace,
                            struct dt_attention_arrays *arrays);

/*
 * `choice` is one of attention that applies to the problem, its tile and parts too. Release with
 * dt_attention_setup_clear(). DT_INVALID (a part is missing), DT_UNSUPPORTED (a part cannot do the
 * problem), DT_NO_MEMORY.
 */
enum dt_status dt_attention_setup_init(struct dt_attention_setup *setup,
                                       const struct dt_choice *choice,
                                       const struct dt_problem *problem,
                                       const struct dt_delta *delta, int32_t threads,
                                       struct dt_error *error);
void dt_attention_setup_clear(struct dt_attention_setup *setup);

/* One work item of a call. */
struct dt_attention_item {
    int32_t b, h;
    int32_t first, nq, nk; /* tokens from the start of the sequence on: those of a segment */
    int32_t query_begin, query_end; /* its queries, from `first` on */
};

struct dt_attention_item dt_attention_item_at(const struct dt_attention_setup *setup,
                                              const struct dt_attention *io, int64_t item);

/* How many a call has. */
static inline int64_t dt_attention_items(const struct dt_attention_setup *setup,
                                         const struct dt_attention *io)
{
    return io->segments ? (int64_t)setup->problem->heads * io->segment_count : setup->all.last;
}

/* All items of a call, on setup->threads threads. The workspace is that of all threads,
 * setup->workspace floats for each. With more than one thread `phases` must be NULL. */
void dt_attention_run(const struct dt_attention_setup *setup, const struct dt_attention *io,
                      float *workspace, struct dt_phases *phases);

#endif
