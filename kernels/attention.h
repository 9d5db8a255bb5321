/* SPDX-License-Identifier: MIT */
/* The contract of the operation `attention`. */
#ifndef DISENTUNE_ATTENTION_H
#define DISENTUNE_ATTENTION_H

#include "kernels/bias.h"
#include "kernels/gemm.h"
#include "kernels/softmax.h"

enum { DT_SLOT_BLOCK = 64 };

/* What packed positions and a problem must agree in: eight bytes, which every call compares. */
struct dt_positions_shape {
    uint16_t heads, dim;
    uint32_t terms : 2, slots : 30;
};

/*
 * Kr and Qr of one set of weights, in the form that attention multiplies by. Immutable.
 *
 *     kr  [heads][blocks][dim][DT_SLOT_BLOCK]: transposed, a block of slots at a time, so that a
 *         row is one vector of slots; slots past the last are 0
 *     qr  [heads][2S + DT_SLOT_BLOCK][dim], times f = dt_problem_scale(); rows past the last are 0
 */
struct dt_positions {
    struct dt_positions_shape shape;
    float *kr, *qr; /* NULL without the term; owned */
    ptrdiff_t kr_head, qr_head;
};

/* That which a problem needs. */
struct dt_positions_shape dt_positions_shape_of(const struct dt_problem *problem);

/* How many slots of the table are multiplied by. */
enum dt_strategy {
    DT_DIRECT, /* none: each score is computed by itself, without parts */
    DT_TABLE,  /* all 2S */
    DT_ACTIVE, /* those that a block of queries (c2p) or of keys (p2c) can reach */
    DT_BANDED, /* those that one block of scores can reach, anew for each */
};

/* When weights are made of scores. */
enum dt_softmax_form {
    DT_ROWS,   /* once all scores of a block of rows are there */
    DT_ONLINE, /* for each block of keys at once, and corrected later */
    DT_FUSED,  /* as DT_ROWS, and the gather-and-add finds the maxima in passing */
};

/* The phases of attention, each with its share of the time (bench --phases). */
enum dt_phase {
    DT_PHASE_PACK, /* K, V and Q brought into the form that the products read */
    DT_PHASE_C2C,
    DT_PHASE_C2P,
    DT_PHASE_P2C,
    DT_PHASE_ADD,
    DT_PHASE_SOFTMAX,
    DT_PHASE_PV,
    DT_PHASE_OUT, /* division by the sums, and the store */
    DT_PHASE_COUNT,
};

const char *dt_phase_name(enum dt_phase phase);

/* Where an instrumented call adds what it spent. */
struct dt_phases {
    uint64_t (*clock)(void); /* ticks of any unit */
    uint64_t spent[DT_PHASE_COUNT];
    double flops[DT_PHASE_COUNT]; /* of the products, as they were done */
};

/* Work items first ... last - 1, and what is instrumented. */
struct dt_attention_work {
    int64_t first, last;
    struct dt_phases *phases; /* NULL: nothing */
};

struct dt_attention_setup;

/*
 * out = softmax(score) V for some work items; see disentune.h for the score and the shapes. The
 * setup is of the variant that is called. Of io, all but the workspace is read; the workspace has
 * setup->workspace floats, 64-byte aligned, of this call alone.
 *
 * Packed batches: with `segments` the problem has batch 1, nq == nk tokens, and segment s holds
 * tokens segments[s] ... segments[s + 1] - 1; segments[0] = 0 and the last is nk. Tokens attend
 * within their segment, relative positions are those within it.
 *
 * Work items are numbered by dt_attention_item_at(): heads of batch rows (or of segments), and
 * within a head chunks of queries. Any items in any order, at once or one by one, give the same
 * bits.
 */
typedef void dt_attention_fn(const struct dt_attention_setup *setup, const struct dt_attention *io,
                             const struct dt_attention_work *work, float *workspace);

/* Whether query i of batch row b may attend to key j. */
static inline bool dt_mask_allows(const struct dt_attention *io, const struct dt_problem *p,
                                  int32_t b, int32_t i, int32_t j)
{
    switch (p->mask) {
    case DT_MASK_NONE:
        return true;
    case DT_MASK_LENGTHS:
        return j < io->lengths[b];
    case DT_MASK_KEYS:
        return io->mask[(ptrdiff_t)b * p->nk + j] != 0;
    case DT_MASK_PAIRS:
        return io->mask[((ptrdiff_t)b * p->nq + i) * p->nk + j] != 0;
    }
    return false;
}

#endif
