/* SPDX-License-Identifier: MIT */
/*
 * The definition against which every variant is validated: double precision, untiled, in the
 * order of the formulas of disentune.h, sharing no code with any variant nor with the slot
 * table: the bucket of every pair is computed anew.
 */
#ifndef DISENTUNE_REFERENCE_H
#define DISENTUNE_REFERENCE_H

#include "kernels/attention.h"

/* slot(i, j) for r = i - j. */
int32_t dt_reference_slot(const struct dt_problem *problem, int64_t r);

/*
 * out[i * nk + j] = scores + c2p + p2c at (i, j), of the first head. scale, if not NULL, receives
 * |scores| + |c2p| + |p2c|. An f32 result may differ from out by as much as dt_variant.error_eps
 * states in units of scale; so for all three.
 */
void dt_reference_bias(const struct dt_problem *problem, const struct dt_bias *io, double *out,
                       double *scale);

/* out[rows][cols]: see dt_softmax_args. scale, if not NULL: out * (1 + |x - max|) + 2^-126, since
 * rounding x - max moves exp() by that much. */
void dt_reference_softmax(const struct dt_softmax_args *args, double *out, double *scale);

/* out[m][n], from c before the call. scale, if not NULL: |c| (if accumulated) + sum of |a||b| +
 * 2^-126, since a result below 2^-126 has an absolute error. */
void dt_reference_gemm(const struct dt_gemm_shape *shape, const float *a, const float *b,
                       const float *c, double *out, double *scale);

/* Kr and Qr as a model has them: [heads][2S][dim], dense in dim, strides in elements. */
struct dt_reference_positions {
    const float *kr, *qr;
    ptrdiff_t head, row;
};

/*
 * out [batch][heads][nq][dim], dense. bias, if not NULL, receives f * (c2p + p2c)
 * [batch][heads][nq][nk] without regard to the mask. For packed batches slots are those
 * within the segment and pairs across segments get 0.
 *
 * scale, if not NULL, [batch][heads][nq]: the largest |V| the row attends to, times one plus
 * the largest f * (sum of the magnitudes of all products) of its scores.
 *
 * positions may be NULL if the problem has no position term. Of `io`, output, packed positions and
 * workspace are not used. DT_NO_MEMORY.
 */
enum dt_status dt_reference_attention(const struct dt_problem *problem,
                                      const struct dt_attention *io,
                                      const struct dt_reference_positions *positions, double *out,
                                      double *bias, double *scale, struct dt_error *error);

#endif
