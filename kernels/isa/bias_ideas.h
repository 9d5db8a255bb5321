/* SPDX-License-Identifier: MIT */
#ifndef DISENTUNE_BIAS_IDEAS_H
#define DISENTUNE_BIAS_IDEAS_H

#include "kernels/bias.h"

#define INLINE static inline __attribute__((always_inline))

enum c2p_idea { C2P_NONE, C2P_GATHER, C2P_WINDOW, C2P_RUNS };
enum p2c_idea { P2C_NONE, P2C_GATHER, P2C_SKEW, P2C_SKEW_MEMORY, P2C_TRANSPOSE };

/* The arguments of a call, with the tables of the slot table moved to the block's origin: entry
 * [j - i] is that of (i, j). */
struct block {
    const struct dt_bias_args *a;
    const int32_t *slot, *window;
};

INLINE int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
INLINE int32_t most(int32_t a, int32_t b) { return a > b ? a : b; }

INLINE vec load_some(const float *p, int lanes)
{
    return lanes == LANES ? v_load(p) : v_load_first(p, lanes);
}

INLINE void add_to(float *s, vec c2p, vec p2c, bool both, int lanes)
{
    const vec term = both ? v_add(c2p, p2c) : c2p;
    if (lanes == LANES)
        v_store(s, v_add(v_load(s), term));
    else
        v_store_first(s, v_add(v_load_first(s, lanes), term), lanes);
}

INLINE vec c2p_window(const struct block *w, const float *row, ptrdiff_t d)
{
    const int32_t first = w->window[d];
    return v_permute(v_load(row + first), v_isub(v_iload(w->slot + d), first));
}

INLINE vec c2p_runs(const struct block *w, const float *row, ptrdiff_t d)
{
    const ptrdiff_t t = w->a->origin + d;
    if (w->a->delta->linear_until[t] >= t + LANES)
        return v_reverse(v_load(row + w->slot[d + LANES - 1]));
    if (w->a->delta->constant_until[t] >= t + LANES)
        return v_set(row[w->slot[d]]);
    return c2p_window(w, row, d);
}

/* c2p[i][slot(i, j + l)] for all lanes l; d = j - i. */
INLINE vec c2p_lanes(enum c2p_idea idea, const struct block *w, int32_t i, ptrdiff_t d)
{
    const float *row = w->a->c2p + i * w->a->c2p_stride;
    switch (idea) {
    case C2P_GATHER:
        return v_gather(row, v_iload(w->slot + d));
    case C2P_WINDOW:
        return c2p_window(w, row, d);
    case C2P_RUNS:
        return c2p_runs(w, row, d);
    case C2P_NONE:
        break;
    }
    return v_set(0);
}

INLINE void add_lanes(enum c2p_idea c, const struct block *w, int32_t i, int32_t j, vec p2c,
                      int lanes)
{
    float *s = w->a->scores + i * w->a->scores_stride + j;
    if (c == C2P_NONE)
        add_to(s, p2c, p2c, false, lanes);
    else
        add_to(s, c2p_lanes(c, w, i, j - i), p2c, true, lanes);
}

/* ---- Row by row: no p2c term, or the hardware's gather ---- */

INLINE vec p2c_gather(const struct block *w, ptrdiff_t i, ptrdiff_t j, int lanes)
{
    const struct dt_bias_args *a = w->a;
    const ivec slot = v_iload(w->slot + j - i);
    const ivec lane = v_iota();
    const int32_t stride = (int32_t)a->p2c_stride;
    if (a->layout == DT_KEY_MAJOR)
        return v_gather_first(a->p2c + j * a->p2c_stride, v_imadd(lane, stride, slot), lanes);
    return v_gather_first(a->p2c + j, v_imadd(slot, stride, lane), lanes);
}

INLINE void rows_lanes(enum c2p_idea c, enum p2c_idea p, const struct block *w, int32_t i, int32_t j,
                       int lanes)
{
    if (p == P2C_NONE)
        add_to(w->a->scores + i * w->a->scores_stride + j, c2p_lanes(c, w, i, j - i), v_set(0), false,
               lanes);
    else
        add_lanes(c, w, i, j, p2c_gather(w, i, j, lanes), lanes);
}

INLINE void by_rows(enum c2p_idea c, enum p2c_idea p, const struct block *w, int32_t i0, int32_t i1,
                    int32_t j0, int32_t j1)
{
    for (int32_t i = i0; i < i1; i++) {
        int32_t j = j0;
        for (; j + LANES <= j1; j += LANES)
            rows_lanes(c, p, w, i, j, LANES);
        if (j < j1)
            rows_lanes(c, p, w, i, j, j1 - j);
    }
}

/* ---- Strip by strip: skew ---- */

enum { UNROLL = LANES / 2 };

struct skew {
    vec stage[LANES_LOG2][UNROLL]; /* ring b holds 1 << b vectors */
};

INLINE vec skew_step(struct skew *x, vec newest, int k)
{
    for (int b = 0; b < LANES_LOG2; b++) {
        vec *older = &x->stage[b][k & ((1 << b) - 1)];
        const vec blended = v_blend(newest, *older, b);
        *older = newest;
        newest = blended;
    }
    return newest;
}

INLINE void skew_rows(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1, int32_t j,
                      int lanes)
{
    const float *const p2c = w->a->p2c + j;
    const ptrdiff_t stride = w->a->p2c_stride;
    struct skew x;
    for (int b = 0; b < LANES_LOG2; b++)
        for (int k = 0; k < 1 << b; k++)
            x.stage[b][k] = v_set(0);
    for (int k = 1; k < LANES; k++)
        skew_step(&x, load_some(p2c + w->slot[j - i0 + LANES - k] * stride, lanes), k);
    for (int32_t i = i0; i < i1; i += UNROLL)
        for (int k = 0; k < UNROLL; k++) {
            if (i + k >= i1)
                return;
            const vec newest = load_some(p2c + w->slot[j - i - k] * stride, lanes);
            add_lanes(c, w, i + k, j, skew_step(&x, newest, k), lanes);
        }
}

/* Rows whose whole window lies in a constant stretch: one row of the table serves them all. */
INLINE void constant_rows(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1, int32_t j,
                          int lanes, int32_t slot)
{
    const struct dt_bias_args *a = w->a;
    const vec p2c = load_some(a->p2c + slot * a->p2c_stride + j, lanes);
    for (int32_t i = i0; i < i1; i++) {
        float *s = a->scores + i * a->scores_stride + j;
        if (c == C2P_NONE)
            add_to(s, p2c, p2c, false, lanes);
        else
            add_to(s, v_set(a->c2p[i * a->c2p_stride + slot]), p2c, true, lanes);
    }
}

INLINE void skew_strip(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1, int32_t j,
                       int lanes)
{
    const struct dt_delta *delta = w->a->delta;
    const ptrdiff_t t = w->a->origin + j;
    const ptrdiff_t low_end = t - delta->last_stretch + 1, high = t + LANES - delta->first_stretch;
    const int32_t a = (int32_t)(low_end < i0 ? i0 : low_end > i1 ? i1 : low_end);
    const int32_t b = (int32_t)(high < a ? a : high > i1 ? i1 : high);
    if (i0 < a)
        constant_rows(c, w, i0, a, j, lanes, delta->slot[delta->length - 1]);
    if (a < b)
        skew_rows(c, w, a, b, j, lanes);
    if (b < i1)
        constant_rows(c, w, b, i1, j, lanes, delta->slot[0]);
}

INLINE void by_strips(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1, int32_t j0,
                      int32_t j1)
{
    int32_t j = j0;
    for (; j + LANES <= j1; j += LANES)
        skew_strip(c, w, i0, i1, j, LANES);
    if (j < j1)
        skew_strip(c, w, i0, i1, j, j1 - j);
}

/* ---- The whole block ---- */

INLINE void add_terms(enum c2p_idea c, enum p2c_idea p, const struct dt_bias_args *a)
{
    const struct block w = {a, a->delta->slot + a->origin,
                            a->delta->window[LANES_LOG2 - 2] + a->origin};
    const int32_t rows = a->tile.rows ? a->tile.rows : a->nq;
    const int32_t cols = a->tile.cols ? a->tile.cols : a->nk;
    for (int32_t i = 0; i < a->nq; i += rows)
        for (int32_t j = 0; j < a->nk; j += cols) {
            const int32_t i1 = least(a->nq, i + rows), j1 = least(a->nk, j + cols);
            if (p == P2C_SKEW)
                by_strips(c, &w, i, i1, j, j1);
            else
                by_rows(c, p, &w, i, i1, j, j1);
        }
}

INLINE void add(enum c2p_idea c, enum p2c_idea p, const struct dt_bias_args *a)
{
    if (a->c2p && a->p2c)
        add_terms(c, p, a);
    else if (a->c2p)
        add_terms(c, P2C_NONE, a);
    else
        add_terms(C2P_NONE, p, a);
}

#endif
