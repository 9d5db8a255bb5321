/* SPDX-License-Identifier: MIT */
/* p2c skewed a block of LANES columns at a time; bias_ideas.h tells how it works. */
#ifndef DISENTUNE_BIAS_BLOCKS_H
#define DISENTUNE_BIAS_BLOCKS_H

#include "kernels/isa/bias_strips.h"

/* Rows of a block, and the entries of the slot table that it spans. */
enum { BLOCK = 8, SPAN = BLOCK + LANES - 1 };

#ifdef __clang__
#define ALL_AT_ONCE _Pragma("clang loop unroll(full)")
#else
#define ALL_AT_ONCE _Pragma("GCC unroll 32")
#endif

/* Moves the origin to row i and column j, so that constants address what is around it. */
INLINE void move(enum c2p_idea c, struct block *w, int32_t i, int32_t j)
{
    w->scores += i * w->scores_stride + j;
    w->peaks += w->peaks ? i * DT_PEAKS : 0;
    w->c2p += c == C2P_NONE ? 0 : i * w->c2p_stride;
    w->p2c += j;
    w->slot += j - i;
    w->window += j - i;
}

/* m[k] is the table row of entry d + k, d being that of the block's last row and first column.
 * Leaves the p2c of the row whose lane 0 has entry d + k in m[k], k < BLOCK. */
INLINE void skew_all(vec m[SPAN])
{
    int left = SPAN;
    ALL_AT_ONCE
    for (int stage = LANES_LOG2 - 1; stage >= 0; stage--) {
        left -= 1 << stage;
        ALL_AT_ONCE
        for (int k = 0; k < left; k++)
            m[k] = v_blend(m[k], m[k + (1 << stage)], stage);
    }
}

INLINE void general_block(enum c2p_idea c, const struct block *w, int32_t i, int32_t j)
{
    struct block at = *w;
    move(c, &at, i + BLOCK - 1, j);
    vec m[SPAN];
    ALL_AT_ONCE
    for (int k = 0; k < SPAN; k++)
        m[k] = v_load(at.p2c + at.slot[k] * at.p2c_stride);
    skew_all(m);
    ALL_AT_ONCE
    for (int k = 0; k < BLOCK; k++) {
        add_lanes(c, &at, 0, 0, m[k], LANES);
        move(c, &at, -1, 0);
    }
}

/* Slots rise by one a row and fall by one a lane, as in skew_linear_block(). */
INLINE void linear_block(const struct block *w, int32_t i, int32_t j)
{
    const int32_t slot = w->slot[j - i];
    struct block at = *w;
    const float *c2p = w->c2p + i * w->c2p_stride + slot - (LANES - 1);
    const float *p2c = w->p2c + (slot + BLOCK - 1) * w->p2c_stride + j;
    vec m[SPAN];
    ALL_AT_ONCE
    for (int k = 0; k < SPAN; k++, p2c -= w->p2c_stride)
        m[k] = v_load(p2c);
    skew_all(m);
    move(C2P_NONE, &at, i, j);
    ALL_AT_ONCE
    for (int k = BLOCK - 1; k >= 0; k--) {
        add_to(&at, 0, 0, v_add(v_reverse(v_load(c2p)), m[k]), LANES);
        move(C2P_NONE, &at, 1, 0);
        c2p += w->c2p_stride + 1;
    }
}

INLINE void one_block(enum c2p_idea c, const struct block *w, int32_t i, int32_t j)
{
    const int32_t d = j - i - BLOCK + 1;
    if (d >= w->last_stretch || d + SPAN <= w->first_stretch)
        constant_rows(c, w, i, i + BLOCK, j, LANES);
    else if (c == C2P_RUNS && is_linear(w, d, SPAN))
        linear_block(w, i, j);
    else
        general_block(c == C2P_RUNS ? C2P_WINDOW : c, w, i, j);
}

/* Rows and columns that fill no block are left to strips, once for all that call it. */
#define STRIPS(name, c)                                                                            \
    OUT_OF_LINE void name(const struct block *w, int32_t i0, int32_t i1, int32_t j0, int32_t j1)   \
    {                                                                                              \
        by_strips(c, P2C_SKEW, w, i0, i1, j0, j1);                                                 \
    }
STRIPS(strips_of_p2c, C2P_NONE)
STRIPS(strips_gathered, C2P_GATHER)
STRIPS(strips_windowed, C2P_WINDOW)

INLINE void by_other_strips(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1,
                            int32_t j0, int32_t j1)
{
    if (i0 == i1 || j0 == j1)
        return;
    if (c == C2P_NONE)
        strips_of_p2c(w, i0, i1, j0, j1);
    else if (c == C2P_GATHER)
        strips_gathered(w, i0, i1, j0, j1);
    else
        strips_windowed(w, i0, i1, j0, j1);
}

INLINE void by_blocks(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1, int32_t j0,
                      int32_t j1)
{
    const int32_t below = i1 - (i1 - i0) % BLOCK, right = j1 - (j1 - j0) % LANES;
    for (int32_t i = i0; i < below; i += BLOCK)
        for (int32_t j = j0; j < right; j += LANES)
            one_block(c, w, i, j);
    by_other_strips(c, w, below, i1, j0, right);
    by_other_strips(c, w, i0, i1, right, j1);
}

#endif
