/* SPDX-License-Identifier: MIT */
/* The ideas for p2c that walk down strips of LANES columns; bias_ideas.h tells how they work. */
#ifndef DISENTUNE_BIAS_STRIPS_H
#define DISENTUNE_BIAS_STRIPS_H

#include "kernels/isa/bias_lanes.h"

enum p2c_idea { P2C_NONE, P2C_GATHER, P2C_SKEW, P2C_BLOCKS, P2C_TRANSPOSE, P2C_STAGE };

/* ---- Strips: LANES columns, walked down the rows ---- */

/* Slot-major rows of one strip: that of slot s lies at p + (s - first) * stride. */
struct strip {
    const float *p;
    ptrdiff_t stride;
    int32_t first;
};

/* p2c of a strip's columns at one slot. */
INLINE vec p2c_column(const struct block *w, int32_t j, int32_t slot, int lanes)
{
    if (w->layout == DT_SLOT_MAJOR)
        return load_some(w->p2c + slot * w->p2c_stride + j, lanes);
    float column[LANES] = {0};
    for (int l = 0; l < lanes; l++)
        column[l] = w->p2c[(j + l) * w->p2c_stride + slot];
    return v_load(column);
}

/* Rows all of whose lanes have the same slot: one row of the table serves them all. */
INLINE void constant_rows(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1, int32_t j,
                          int lanes)
{
    const int32_t slot = w->slot[j - i0];
    const vec p2c = p2c_column(w, j, slot, lanes);
    for (int32_t i = i0; i < i1; i++) {
        if (c == C2P_NONE)
            add_to(w, i, j, p2c, lanes);
        else
            add_to(w, i, j, v_add(v_set(w->c2p[i * w->c2p_stride + slot]), p2c), lanes);
    }
}

/* ---- Skew ---- */

enum { UNROLL = LANES / 2 };

/* Stage b keeps the last 1 << b vectors that entered it, from ring[(1 << b) - 1] on; row k takes
 * place k mod (1 << b) there. The ring stays in registers only where every k is a constant, hence
 * EACH_ROW in place of a loop. */
struct skew {
    vec ring[LANES - 1];
};

#define EACH_ROW(row)                                                                              \
    row(0) row(1) if (UNROLL > 2) { row(2) row(3) }                                                \
    if (UNROLL > 4) {                                                                              \
        row(4) row(5) row(6) row(7)                                                                \
    }

INLINE vec skew_stage(struct skew *x, vec newest, int k, int b)
{
    vec *oldest = &x->ring[(1 << b) - 1 + (k & ((1 << b) - 1))];
    const vec blended = v_blend(newest, *oldest, b);
    *oldest = newest;
    return blended;
}

/* Takes the table row of lane 0 of row k of a block and returns the row's p2c. */
INLINE vec skew_turn(struct skew *x, vec v, int k)
{
    v = skew_stage(x, v, k, 0);
    v = skew_stage(x, v, k, 1);
    if (LANES_LOG2 > 2)
        v = skew_stage(x, v, k, 2);
    if (LANES_LOG2 > 3)
        v = skew_stage(x, v, k, 3);
    return v;
}

INLINE vec skew_step(struct skew *x, const struct block *w, const struct strip *s, int32_t i,
                     int32_t j, int lanes, int k)
{
    const float *row = s->p + (w->slot[j - i] - s->first) * s->stride;
    return skew_turn(x, load_some(row, lanes), k);
}

/* Fills the ring with the LANES rows before row i, whose entries are lanes 1 and up of row i. */
INLINE void skew_start(struct skew *x, const struct block *w, const struct strip *s, int32_t i,
                       int32_t j, int lanes)
{
    for (int n = 0; n < LANES - 1; n++)
        x->ring[n] = v_set(0);
#define ROW_BEFORE(k) skew_step(x, w, s, i - 2 * UNROLL + k, j, lanes, k);
    EACH_ROW(ROW_BEFORE)
#undef ROW_BEFORE
#define ROW_BEFORE(k) skew_step(x, w, s, i - UNROLL + k, j, lanes, k);
    EACH_ROW(ROW_BEFORE)
#undef ROW_BEFORE
}

/* The block's slots rise by one a row and fall by one a lane: each operand's next row lies at a
 * constant distance, and c2p is contiguous, backwards. */
INLINE void skew_linear_block(struct skew *x, const struct block *w, const struct strip *s,
                              int32_t i, int32_t j, int lanes)
{
    const int32_t slot = w->slot[j - i];
    const float *c2p = w->c2p + i * w->c2p_stride + slot - (LANES - 1);
    const float *p2c = s->p + (slot - s->first) * s->stride;
#define LINEAR_ROW(k)                                                                              \
    add_to(w, i + k, j,                                                                            \
           v_add(v_reverse(v_load(c2p + k * (w->c2p_stride + 1))),                                 \
                 skew_turn(x, load_some(p2c + k * s->stride, lanes), k)),                          \
           lanes);
    EACH_ROW(LINEAR_ROW)
#undef LINEAR_ROW
}

INLINE void skew_block(enum c2p_idea c, struct skew *x, const struct block *w,
                       const struct strip *s, int32_t i, int32_t j, int lanes)
{
    if (c == C2P_RUNS && is_linear(w, j - i - UNROLL + 1, UNROLL + LANES - 1)) {
        skew_linear_block(x, w, s, i, j, lanes);
        return;
    }
    const enum c2p_idea general = c == C2P_RUNS ? C2P_WINDOW : c;
#define ROW_OF_BLOCK(k)                                                                            \
    add_lanes(general, w, i + k, j, skew_step(x, w, s, i + k, j, lanes, k), lanes);
    EACH_ROW(ROW_OF_BLOCK)
#undef ROW_OF_BLOCK
}

/* The last rows, fewer than UNROLL. */
INLINE void skew_rest(enum c2p_idea c, struct skew *x, const struct block *w, const struct strip *s,
                      int32_t i, int32_t i1, int32_t j, int lanes)
{
#define ROW_IF_LEFT(k)                                                                             \
    if (i + k < i1)                                                                                \
        add_lanes(c, w, i + k, j, skew_step(x, w, s, i + k, j, lanes, k), lanes);
    EACH_ROW(ROW_IF_LEFT)
#undef ROW_IF_LEFT
}

INLINE void skew_rows(enum c2p_idea c, const struct block *w, const struct strip *s, int32_t i0,
                      int32_t i1, int32_t j, int lanes)
{
    struct skew x;
    skew_start(&x, w, s, i0, j, lanes);
    int32_t i = i0;
    for (; i + UNROLL <= i1; i += UNROLL)
        skew_block(c, &x, w, s, i, j, lanes);
    skew_rest(c, &x, w, s, i, i1, j, lanes);
}

/* ---- Key-major tables: transposed first, then skewed ---- */

/* Slots of one strip that are held transposed: 256 x 64 B with 16 lanes. */
enum { STAGED = 256, STAGED_ROWS = STAGED - 3 * LANES };

INLINE void stage(float *staged, const struct block *w, int32_t j, int32_t first, int32_t last,
                  int lanes)
{
    for (int32_t slot = first; slot <= last; slot += LANES) {
        const int32_t at = least(slot, w->slots - LANES);
        vec m[LANES];
        for (int l = 0; l < LANES; l++)
            m[l] = l < lanes ? v_load(w->p2c + (j + l) * w->p2c_stride + at) : v_set(0);
        v_transpose(m);
        for (int l = 0; l < LANES; l++)
            v_store(staged + (at - first + l) * LANES, m[l]);
    }
}

INLINE void stage_rows(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1, int32_t j,
                       int lanes)
{
    float staged[STAGED * LANES];
    for (int32_t i = i0; i < i1; i += STAGED_ROWS) {
        const int32_t end = least(i + STAGED_ROWS, i1);
        const int32_t first = least(w->slot[j - i + LANES] & -LANES, w->slots - LANES);
        stage(staged, w, j, first, w->slot[j - end + 1], lanes);
        const struct strip s = {staged, LANES, first};
        skew_rows(c, w, &s, i, end, j, lanes);
    }
}

/* ---- Key-major tables: permuted, then transposed ---- */

/* Key l's row holds what column j + l needs in rows i ... i1 - 1, as entries j + l - i and those
 * before: a window like that of c2p. Entries rise as rows fall, so the transposed window has the
 * last row first. */
INLINE void transpose_block(enum c2p_idea c, const struct block *w, int32_t i, int32_t i1,
                            int32_t j, int lanes)
{
    const enum c2p_idea general = c == C2P_RUNS ? C2P_WINDOW : c;
    const int32_t d = j - i1 + 1;
    vec m[LANES];
    for (int l = 0; l < LANES; l++)
        m[l] = l < lanes ? c2p_window(w, w->p2c + (j + l) * w->p2c_stride, d + l) : v_set(0);
    v_transpose(m);
    for (int l = 0; l < LANES; l++)
        if (l < i1 - i)
            add_lanes(general, w, i1 - 1 - l, j, m[l], lanes);
}

/* The same where slots rise by one a row: nothing to permute, and the first row comes first. */
INLINE void transpose_linear_block(const struct block *w, int32_t i, int32_t j, int lanes)
{
    const int32_t slot = w->slot[j - i];
    const float *c2p = w->c2p + i * w->c2p_stride + slot - (LANES - 1);
    const float *p2c = w->p2c + j * w->p2c_stride + slot;
    vec m[LANES];
    for (int l = 0; l < LANES; l++)
        m[l] = l < lanes ? v_load(p2c + l * (w->p2c_stride - 1)) : v_set(0);
    v_transpose(m);
    for (int l = 0; l < LANES; l++)
        add_to(w, i + l, j, v_add(v_reverse(v_load(c2p + l * (w->c2p_stride + 1))), m[l]), lanes);
}

INLINE void transpose_rows(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1,
                           int32_t j, int lanes)
{
    int32_t i = i0;
    for (; i + LANES <= i1; i += LANES)
        if (c == C2P_RUNS && is_linear(w, j - i - LANES + 1, 2 * LANES - 1))
            transpose_linear_block(w, i, j, lanes);
        else
            transpose_block(c, w, i, i + LANES, j, lanes);
    if (i < i1)
        transpose_block(c, w, i, i1, j, lanes);
}

/* ---- All strips ---- */

INLINE void one_strip(enum c2p_idea c, enum p2c_idea p, const struct block *w, int32_t i0,
                      int32_t i1, int32_t j, int lanes)
{
    const int32_t a = within(j - w->last_stretch + 1, i0, i1);
    const int32_t b = within(j + LANES - w->first_stretch, a, i1);
    if (i0 < a)
        constant_rows(c, w, i0, a, j, lanes);
    if (a < b && p == P2C_TRANSPOSE)
        transpose_rows(c, w, a, b, j, lanes);
    if (a < b && p == P2C_STAGE)
        stage_rows(c, w, a, b, j, lanes);
    if (a < b && p == P2C_SKEW)
        skew_rows(c, w, &(struct strip){w->p2c + j, w->p2c_stride, 0}, a, b, j, lanes);
    if (b < i1)
        constant_rows(c, w, b, i1, j, lanes);
}

INLINE void by_strips(enum c2p_idea c, enum p2c_idea p, const struct block *w, int32_t i0,
                      int32_t i1, int32_t j0, int32_t j1)
{
    int32_t j = j0;
    for (; j + LANES <= j1; j += LANES)
        one_strip(c, p, w, i0, i1, j, LANES);
    if (j < j1)
        one_strip(c, p, w, i0, i1, j, j1 - j);
}

#endif
