/* SPDX-License-Identifier: MIT */
/* What the ideas of bias_ideas.h share: a call's arguments, and c2p for LANES columns of a row. */
#ifndef DISENTUNE_BIAS_LANES_H
#define DISENTUNE_BIAS_LANES_H

#include "kernels/bias.h"

#define INLINE static inline __attribute__((always_inline))
#define OUT_OF_LINE static __attribute__((noinline))

enum c2p_idea { C2P_NONE, C2P_GATHER, C2P_WINDOW, C2P_RUNS };

/* A call's arguments by value, so that no store to the scores makes the compiler read them again.
 * Tables of the slot table are moved to the block's origin: entry [j - i] is that of (i, j). */
struct block {
    float *scores;
    const float *c2p, *p2c;
    ptrdiff_t scores_stride, c2p_stride, p2c_stride;
    const int32_t *slot, *window, *linear_until, *constant_until;
    int32_t origin, slots, first_stretch, last_stretch; /* the last two as entries [j - i] */
    enum dt_layout layout;
    float *peaks; /* a constant NULL where none are asked for */
};

INLINE int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
INLINE int32_t within(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

INLINE vec load_some(const float *p, int lanes)
{
    return lanes == LANES ? v_load(p) : v_load_first(p, lanes);
}

/* Adds to the scores of row i from column j on. */
INLINE void add_to(const struct block *w, int32_t i, int32_t j, vec term, int lanes)
{
    float *s = w->scores + i * w->scores_stride + j;
    const vec sum = v_add(load_some(s, lanes), term);
    if (lanes == LANES)
        v_store(s, sum);
    else
        v_store_first(s, sum, lanes);
    if (!w->peaks)
        return;
    float *peaks = w->peaks + (ptrdiff_t)i * DT_PEAKS;
    const vec old = v_load(peaks);
    v_store(peaks, v_max(old, lanes == LANES ? sum : v_select(v_first(lanes), sum, old)));
}

/* ---- c2p: one row, LANES neighbouring columns ---- */

INLINE vec c2p_window(const struct block *w, const float *row, int32_t d)
{
    const int32_t first = w->window[d];
    return v_permute(v_load(row + first), v_isub(v_iload(w->slot + d), first));
}

/* Whether slots fall by one throughout `entries` entries from d on. */
INLINE bool is_linear(const struct block *w, int32_t d, int32_t entries)
{
    return w->linear_until[d] >= w->origin + d + entries;
}

INLINE vec c2p_runs(const struct block *w, const float *row, int32_t d)
{
    if (is_linear(w, d, LANES))
        return v_reverse(v_load(row + w->slot[d + LANES - 1]));
    if (w->constant_until[d] >= w->origin + d + LANES)
        return v_set(row[w->slot[d]]);
    return c2p_window(w, row, d);
}

/* Adds p2c and c2p[i][slot(i, j + l)] to lane l; d = j - i. */
INLINE void add_lanes(enum c2p_idea c, const struct block *w, int32_t i, int32_t j, vec p2c,
                      int lanes)
{
    const float *row = w->c2p + (c == C2P_NONE ? 0 : i * w->c2p_stride);
    switch (c) {
    case C2P_NONE:
        add_to(w, i, j, p2c, lanes);
        break;
    case C2P_GATHER:
        add_to(w, i, j, v_add(v_gather(row, v_iload(w->slot + j - i)), p2c), lanes);
        break;
    case C2P_WINDOW:
        add_to(w, i, j, v_add(c2p_window(w, row, j - i), p2c), lanes);
        break;
    case C2P_RUNS:
        add_to(w, i, j, v_add(c2p_runs(w, row, j - i), p2c), lanes);
        break;
    }
}

#endif
