/* SPDX-License-Identifier: MIT */
/* The contract of the operation `softmax`: all at once, or in passes over blocks of columns. */
#ifndef DISENTUNE_SOFTMAX_H
#define DISENTUNE_SOFTMAX_H

#include "kernels/disentune.h"

/*
 * With "keys" for the columns that may be attended to, for each row:
 *
 *     WHOLE   x[j] = exp(x[j] - max) / sum at keys, max over the row's keys, sum that of the
 *             exponentials; 0 at all other columns. A row without keys becomes 0 (ms) or 1 / cols
 *             (hf).
 *
 * The other passes compute the same over blocks of columns, with max and sum carried between them;
 * who calls them divides by sum in the end. They start from max = -inf, sum = 0.
 *
 *     MAX     max = the greater of max and x[j] at keys. x stays.
 *     EXP     x[j] = exp(x[j] - max) at keys, 0 elsewhere; sum += those of this block. max stays.
 *     ONLINE  MAX, then: factor = exp(old max - max), sum *= factor, then EXP. What was summed up
 *             with weights of earlier blocks is to be multiplied by factor.
 *
 * As long as max is -inf (no key yet, or all of them at -inf) EXP and ONLINE give weights of 0 and
 * add nothing to sum, and factor is 1: a row all of whose keys hold -inf ends as 0 / 0, NaN as in
 * WHOLE. NaN at a key makes max NaN, and from then on all weights at keys, factor and sum; +inf
 * makes the weight at its key NaN, and thereby sum.
 */
enum dt_softmax_pass { DT_SOFTMAX_WHOLE, DT_SOFTMAX_MAX, DT_SOFTMAX_EXP, DT_SOFTMAX_ONLINE };

/*
 * x [rows][cols], strides in elements. allowed [rows][allowed_stride] bytes, 0 for "no key" and
 * anything else for "key"; NULL for "all are keys"; allowed_stride 0 uses one row for all. Whatever
 * x holds at other columns has no effect. max, sum and factor [rows] are for the passes but WHOLE;
 * factor is written by ONLINE alone. Only x, max, sum and factor are written.
 *
 * Bits of a row depend on that row alone: not on `rows` nor on where it stands. They may depend on
 * how columns are cut into blocks.
 */
struct dt_softmax_args {
    enum dt_softmax_pass pass;
    float *x;
    ptrdiff_t stride;
    int32_t rows, cols;
    const uint8_t *allowed;
    ptrdiff_t allowed_stride;
    enum dt_dialect dialect; /* of WHOLE */
    float *max, *sum, *factor;
};

typedef void dt_softmax_fn(const struct dt_softmax_args *args);

#endif
