/* SPDX-License-Identifier: MIT */
/* The contract of the operation `bias`: the gather-and-add of two tables into scores. */
#ifndef DISENTUNE_BIAS_H
#define DISENTUNE_BIAS_H

#include "kernels/delta.h"

/* How an operation walks its output: rows x cols at a time. 0 means all. */
struct dt_tile {
    int32_t rows, cols;
};

/* Floats of a row in which a gather-and-add keeps the row's greatest scores. */
enum { DT_PEAKS = 16 };

/* Which scores a call computes, and how: what is the same in every call of a plan. */
struct dt_bias_block {
    unsigned terms; /* DT_C2P, DT_P2C or both */
    enum dt_layout layout;
    int32_t nq, nk;
    const struct dt_delta *delta;
    ptrdiff_t origin;
    struct dt_tile tile;

    /* For run_peaks alone (see struct dt_variant): [nq][DT_PEAKS]. Each is raised to the greatest
     * of what it holds and some of its row's new scores; those of a row cover all its columns. A
     * NaN may or may not be kept. */
    float *peaks;
};

/*
 * For 0 <= i < nq, 0 <= j < nk:
 *
 *     scores[i][j] += c2p[i][slot(i, j)] + p2c[j][slot(i, j)]
 *
 * evaluated as s + (a + b) in f32, or s + a with one term; hence every variant yields
 * the same bits.
 *
 * The block need not be the whole problem: slot(i, j) = delta->slot[origin + j - i], and
 * origin + j - i must stay within [0, delta->length). For a whole problem
 * origin = delta->nq - 1.
 *
 * Of the operands, which are the caller's own, a variant reads pointers and row strides: they are
 * one head's. Strides count elements, are at least the row's length and need not be aligned.
 * Only the elements named above are written. c2p and p2c are read within
 * [row][0 ... slots) (key-major p2c and c2p) or [0 ... slots)[0 ... nk) (slot-major p2c); those
 * of an absent term are not read. NaN and infinities propagate as in the formula.
 */
typedef void dt_bias_fn(const struct dt_bias_block *block, const struct dt_bias *io);

#endif
