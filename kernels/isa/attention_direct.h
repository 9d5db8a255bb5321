/* SPDX-License-Identifier: MIT */
/*
 * Attention without products of blocks: every score by its own dot products, row after row. Right
 * for a handful of tokens, where blocks are mostly padding, and as the baseline with vectors of one
 * lane. The including file includes vector_<isa>.h first.
 *
 *     score(i, j) = (f Q_i).K_j + C2P_i[slot] + K_j.(f Qr[slot])
 *
 * The first and the last dot product share their sums. Kr lies transposed, so that C2P_i is
 * computed for a vector of slots at a time, for all slots that the row reaches.
 */
#ifndef DISENTUNE_ATTENTION_DIRECT_H
#define DISENTUNE_ATTENTION_DIRECT_H

#include "kernels/setup.h"
#include "kernels/variant.h"

#include <math.h>
#include <string.h>

/* Work is shared among this many sums, so that they need not wait for each other. */
enum { SUMS = 4 };

static inline float total(vec v)
{
    float x[LANES];
    v_store(x, v);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int l = 0; l < half; l++)
            x[l] += x[l + half];
    return x[0];
}

/* x.q + x.r; r may be NULL. Not x.(q + r): an infinity in x must meet the zeros of q. */
static inline float dot(const float *x, const float *q, const float *r, int32_t dim)
{
    vec sum[SUMS];
    int32_t c = 0;
    for (int n = 0; n < SUMS; n++)
        sum[n] = v_set(0);
    for (; c + SUMS * LANES <= dim; c += SUMS * LANES)
        for (int n = 0; n < SUMS; n++) {
            const vec y = v_load(x + c + n * LANES);
            sum[n] = v_fma(y, v_load(q + c + n * LANES), sum[n]);
            if (r)
                sum[n] = v_fma(y, v_load(r + c + n * LANES), sum[n]);
        }
    for (; c + LANES <= dim; c += LANES) {
        sum[0] = v_fma(v_load(x + c), v_load(q + c), sum[0]);
        if (r)
            sum[1] = v_fma(v_load(x + c), v_load(r + c), sum[1]);
    }
    float rest = total(v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3])));
    for (; c < dim; c++)
        rest += x[c] * q[c] + (r ? x[c] * r[c] : 0);
    return rest;
}

/* c2p[s] for LANES slots, of which the first is a multiple of LANES. */
static inline void c2p_of_slots(const float *q, const struct dt_positions *x, int32_t h,
                                int32_t slot, float *c2p)
{
    const float *kr = x->kr + h * x->kr_head +
                      (ptrdiff_t)(slot / DT_SLOT_BLOCK) * x->shape.dim * DT_SLOT_BLOCK +
                      slot % DT_SLOT_BLOCK;
    vec sum[SUMS];
    int32_t c = 0;
    for (int n = 0; n < SUMS; n++)
        sum[n] = v_set(0);
    for (; c + SUMS <= x->shape.dim; c += SUMS)
        for (int n = 0; n < SUMS; n++)
            sum[n] = v_fma(v_set(q[c + n]), v_load(kr + (c + n) * DT_SLOT_BLOCK), sum[n]);
    for (; c < x->shape.dim; c++)
        sum[0] = v_fma(v_set(q[c]), v_load(kr + c * DT_SLOT_BLOCK), sum[0]);
    v_store(c2p + slot, v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3])));
}

/* Turns scores into weights in place; false if the row attends to nothing and yields 0. */
static inline bool weigh(float *score, const uint8_t *allowed, int32_t n, enum dt_dialect dialect)
{
    float max = -INFINITY, sum = 0;
    bool any = false;
    for (int32_t j = 0; j < n; j++)
        if (allowed[j]) {
            any = true;
            if (isnan(score[j]) || score[j] > max)
                max = isnan(max) ? max : score[j];
        }
    for (int32_t j = 0; any && j < n; j++)
        sum += score[j] = allowed[j] ? expf(score[j] - max) : 0;
    for (int32_t j = 0; j < n; j++)
        score[j] = any ? score[j] / sum : 1 / (float)n;
    return any || dialect == DT_HF;
}

/* out += weight * v */
static inline void add_weighted(float *out, float weight, const float *v, int32_t dim)
{
    int32_t c = 0;
    for (; c + LANES <= dim; c += LANES)
        v_store(out + c, v_fma(v_set(weight), v_load(v + c), v_load(out + c)));
    for (; c < dim; c++)
        out[c] += weight * v[c];
}

/* Where a row is computed; in the workspace, see dt_attention_setup_init(). */
struct row {
    float *score;     /* [nk] */
    uint8_t *allowed; /* [nk] */
    float *q;         /* [dim], times f */
    float *c2p;       /* [slots] */
};

static inline void attend_row(const struct dt_attention_setup *s, const struct dt_attention *io,
                              const struct dt_attention_item *x, const struct row *row, int32_t i)
{
    const struct dt_problem *p = s->problem;
    const struct dt_positions *positions = io->positions;
    const int32_t *slots = s->delta->slot + s->delta->nq - 1 - i;
    const float f = (float)dt_problem_scale(p);
    const float *q = io->q + x->b * io->q_batch + x->h * io->q_head + (x->first + i) * io->q_row;
    const float *k = io->k + x->b * io->k_batch + x->h * io->k_head + x->first * io->k_row;
    const float *v = io->v + x->b * io->v_batch + x->h * io->v_head + x->first * io->v_row;
    float *out =
        io->out + x->b * io->out_batch + x->h * io->out_head + (x->first + i) * io->out_row;
    const bool c2p = p->terms & DT_C2P, p2c = p->terms & DT_P2C;

    for (int32_t c = 0; c < p->dim; c++)
        row->q[c] = f * q[c];
    for (int32_t n = slots[x->nk - 1] & -LANES; c2p && n <= slots[0]; n += LANES)
        c2p_of_slots(row->q, positions, x->h, n, row->c2p);
    for (int32_t j = 0; j < x->nk; j++) {
        const float *qr =
            p2c ? positions->qr + x->h * positions->qr_head + (ptrdiff_t)slots[j] * p->dim : NULL;
        row->score[j] = dot(k + j * io->k_row, row->q, qr, p->dim);
        if (c2p)
            row->score[j] += row->c2p[slots[j]];
        row->allowed[j] = io->segments || dt_mask_allows(io, p, x->b, i, j);
    }
    const bool any = weigh(row->score, row->allowed, x->nk, p->dialect);
    const bool uniform = any && !memchr(row->allowed, 1, (size_t)x->nk);
    memset(out, 0, (size_t)p->dim * sizeof *out);
    for (int32_t j = 0; any && j < x->nk; j++)
        if (row->allowed[j] || uniform)
            add_weighted(out, row->score[j], v + j * io->v_row, p->dim);
}

static void attention_direct(const struct dt_attention_setup *s, const struct dt_attention *io,
                             const struct dt_attention_work *work, float *workspace)
{
    const size_t nk = ((size_t)s->problem->nk + 15) / 16 * 16;
    const size_t dim = ((size_t)s->problem->dim + 15) / 16 * 16;
    const struct row row = {
        .score = workspace,
        .allowed = (uint8_t *)(workspace + nk),
        .q = workspace + 2 * nk,
        .c2p = workspace + 2 * nk + dim,
    };
    for (int64_t n = work->first; n < work->last; n++) {
        const struct dt_attention_item item = dt_attention_item_at(s, io, n);
        for (int32_t i = 0; i < item.nq; i++)
            attend_row(s, io, &item, &row, i);
    }
}

/* Beyond about 4 x 4 tokens, blocks win even half empty (12 heads of 64, AVX-512, microseconds:
 * n = 1 1.1 against 8.1, n = 4 6.6 against 11, n = 8 19.5 against 13.4). Up to 32 scores it won for
 * every shape that was tried, with AVX2 by 1.3 to 11 times. */
static inline bool accepts_short(const struct dt_problem *problem, const struct dt_delta *delta)
{
    (void)delta;
    return (int64_t)problem->nq * problem->nk <= 32;
}

#define DIRECT_ROW                                                                                 \
    {                                                                                              \
        .name = "attention." ISA ".direct",                                                        \
        .idea = "every score by its own dot products; for a few tokens", .op = DT_OP_ATTENTION,    \
        .level = LEVEL, .accepts = accepts_short, .error_eps = 0.25f,                              \
        .run.attention = attention_direct                                                          \
    }

#endif
