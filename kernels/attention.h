/* SPDX-License-Identifier: MIT */
/* The contracts of the operations `softmax` and `attention`. */
#ifndef DISENTUNE_ATTENTION_H
#define DISENTUNE_ATTENTION_H

#include "kernels/bias.h"

/*
 * The mask of one call, by the problem's form. A byte is 0 for "may not attend" and anything
 * else for "may".
 */
struct dt_mask_args {
    enum dt_mask form;
    const int32_t *lengths; /* [batch], each in 0 ... nk */
    const uint8_t *bytes;   /* [batch][nk] or [batch][nq][nk], dense */
};

/*
 * In place, for each of `rows` rows: x[j] = exp(x[j] - max) / sum over the keys that may be
 * attended to; 0 exactly at every other key, whatever it held. allowed is [rows][allowed_stride]
 * bytes, NULL for "all"; allowed_stride 0 uses one row for all. A row without any allowed key
 * becomes 0 (ms) or 1 / cols (hf). A NaN at an allowed key makes its whole row's allowed keys NaN.
 */
struct dt_softmax_args {
    float *x;
    ptrdiff_t stride;
    int32_t rows, cols;
    const uint8_t *allowed;
    ptrdiff_t allowed_stride;
    enum dt_dialect dialect;
};

typedef void dt_softmax_fn(const struct dt_softmax_args *args);

/*
 * out = softmax(score) V for every head of every batch row; see disentune.h for the score.
 * Shapes: q, out [batch][heads][nq][dim]; k, v [batch][heads][nk][dim]; kr, qr [heads][2S][dim],
 * dense in dim, strides in elements. kr (qr) is NULL without the term.
 *
 * Packed batches: with `segments` the problem has batch 1, nq == nk tokens, and segment s holds
 * tokens segments[s] ... segments[s + 1] - 1; segments[0] = 0 and the last is nk. Tokens attend
 * within their segment, relative positions are those within it.
 */
struct dt_attention_args {
    const struct dt_problem *problem;
    const struct dt_delta *delta;
    const float *q, *k, *v;
    ptrdiff_t q_batch, q_head, q_row;
    ptrdiff_t k_batch, k_head, k_row;
    ptrdiff_t v_batch, v_head, v_row;
    const float *kr, *qr;
    ptrdiff_t position_head, position_row;
    float *out;
    ptrdiff_t out_batch, out_head, out_row;
    struct dt_mask_args mask;
    const int32_t *segments;
    int32_t segment_count;
    float *workspace; /* 2 * nk floats, of this call alone */
    struct dt_tile tile;
};

typedef void dt_attention_fn(const struct dt_attention_args *args);

/* Whether query i of batch row b may attend to key j. */
static inline bool dt_mask_allows(const struct dt_mask_args *mask, const struct dt_problem *p,
                                  int32_t b, int32_t i, int32_t j)
{
    switch (mask->form) {
    case DT_MASK_NONE:
        return true;
    case DT_MASK_LENGTHS:
        return j < mask->lengths[b];
    case DT_MASK_KEYS:
        return mask->bytes[(ptrdiff_t)b * p->nk + j] != 0;
    case DT_MASK_PAIRS:
        return mask->bytes[((ptrdiff_t)b * p->nq + i) * p->nk + j] != 0;
    }
    return false;
}

#endif
