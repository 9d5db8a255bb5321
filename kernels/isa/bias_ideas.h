/* SPDX-License-Identifier: MIT */
#ifndef DISENTUNE_BIAS_IDEAS_H
#define DISENTUNE_BIAS_IDEAS_H

#include "kernels/isa/bias_plain.h"
#include "kernels/variant.h"

#define INLINE static inline __attribute__((always_inline))

enum c2p_idea { C2P_NONE, C2P_GATHER, C2P_WINDOW, C2P_RUNS };
enum p2c_idea { P2C_NONE, P2C_GATHER, P2C_SKEW, P2C_SKEW_MEMORY, P2C_TRANSPOSE, P2C_STAGE };

/* A call's arguments by value, so that no store to the scores makes the compiler read them again.
 * Tables of the slot table are moved to the block's origin: entry [j - i] is that of (i, j). */
struct block {
    float *scores;
    const float *c2p, *p2c;
    ptrdiff_t scores_stride, c2p_stride, p2c_stride;
    const int32_t *slot, *window, *linear_until, *constant_until;
    int32_t origin, slots, first_stretch, last_stretch; /* the last two as entries [j - i] */
    enum dt_layout layout;
};

INLINE int32_t least(int32_t a, int32_t b)
{
    return a < b ? a : b;
}
INLINE int32_t within(int32_t x, int32_t low, int32_t high)
{
    return x < low ? low : x > high ? high : x;
}

INLINE vec load_some(const float *p, int lanes)
{
    return lanes == LANES ? v_load(p) : v_load_first(p, lanes);
}

INLINE void add_to(float *s, vec term, int lanes)
{
    if (lanes == LANES)
        v_store(s, v_add(v_load(s), term));
    else
        v_store_first(s, v_add(v_load_first(s, lanes), term), lanes);
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
    float *s = w->scores + i * w->scores_stride + j;
    const float *row = w->c2p + (c == C2P_NONE ? 0 : i * w->c2p_stride);
    switch (c) {
    case C2P_NONE:
        add_to(s, p2c, lanes);
        break;
    case C2P_GATHER:
        add_to(s, v_add(v_gather(row, v_iload(w->slot + j - i)), p2c), lanes);
        break;
    case C2P_WINDOW:
        add_to(s, v_add(c2p_window(w, row, j - i), p2c), lanes);
        break;
    case C2P_RUNS:
        add_to(s, v_add(c2p_runs(w, row, j - i), p2c), lanes);
        break;
    }
}

/* ---- Row by row: no p2c term, or the hardware's gather ---- */

INLINE vec p2c_gather(const struct block *w, int32_t i, int32_t j, int lanes)
{
    const ivec slot = v_iload(w->slot + j - i);
    const ivec lane = v_iota();
    const int32_t stride = (int32_t)w->p2c_stride;
    if (w->layout == DT_KEY_MAJOR)
        return v_gather_first(w->p2c + j * w->p2c_stride, v_imadd(lane, stride, slot), lanes);
    return v_gather_first(w->p2c + j, v_imadd(slot, stride, lane), lanes);
}

INLINE void row_lanes(enum c2p_idea c, enum p2c_idea p, const struct block *w, int32_t i, int32_t j,
                      int lanes)
{
    float *s = w->scores + i * w->scores_stride + j;
    const float *row = w->c2p + i * w->c2p_stride;
    if (p != P2C_NONE)
        add_lanes(c, w, i, j, p2c_gather(w, i, j, lanes), lanes);
    else if (c == C2P_GATHER)
        add_to(s, v_gather(row, v_iload(w->slot + j - i)), lanes);
    else if (c == C2P_RUNS)
        add_to(s, c2p_runs(w, row, j - i), lanes);
    else
        add_to(s, c2p_window(w, row, j - i), lanes);
}

INLINE void by_rows(enum c2p_idea c, enum p2c_idea p, const struct block *w, int32_t i0, int32_t i1,
                    int32_t j0, int32_t j1)
{
    for (int32_t i = i0; i < i1; i++) {
        int32_t j = j0;
        for (; j + LANES <= j1; j += LANES)
            row_lanes(c, p, w, i, j, LANES);
        if (j < j1)
            row_lanes(c, p, w, i, j, j1 - j);
    }
}

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
        float *s = w->scores + i * w->scores_stride + j;
        if (c == C2P_NONE)
            add_to(s, p2c, lanes);
        else
            add_to(s, v_add(v_set(w->c2p[i * w->c2p_stride + slot]), p2c), lanes);
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
    row(0) row(1) if (UNROLL > 2)                                                                  \
    {                                                                                              \
        row(2) row(3)                                                                              \
    }                                                                                              \
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
    float *scores = w->scores + i * w->scores_stride + j;
    const float *c2p = w->c2p + i * w->c2p_stride + slot - (LANES - 1);
    const float *p2c = s->p + (slot - s->first) * s->stride;
#define LINEAR_ROW(k)                                                                              \
    add_to(scores + k * w->scores_stride,                                                          \
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

/* ---- Skew, with the rings of many strips at rest in memory ---- */

enum { RESTING = 256 / LANES };

struct resting {
    struct skew x;
    int32_t row; /* the next row that x is ready for */
};

INLINE void resting_block(enum c2p_idea c, struct resting *r, const struct block *w, int32_t i,
                          int32_t i1, int32_t j, int lanes)
{
    const struct strip s = {w->p2c + j, w->p2c_stride, 0};
    if (j - i1 + 1 >= w->last_stretch || j - i + LANES <= w->first_stretch) {
        constant_rows(c, w, i, i1, j, lanes);
        return;
    }
    struct skew x;
    if (r->row == i)
        x = r->x;
    else
        skew_start(&x, w, &s, i, j, lanes);
    if (i + UNROLL == i1) {
        skew_block(c, &x, w, &s, i, j, lanes);
        r->x = x;
        r->row = i1;
    } else {
        skew_rest(c, &x, w, &s, i, i1, j, lanes);
    }
}

INLINE void by_resting_strips(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1,
                              int32_t j0, int32_t j1)
{
    struct resting resting[RESTING];
    for (int n = 0; n < RESTING; n++)
        resting[n].row = -1;
    for (int32_t i = i0; i < i1; i += UNROLL) {
        struct resting *r = resting;
        int32_t j = j0;
        for (; j + LANES <= j1; j += LANES)
            resting_block(c, r++, w, i, least(i + UNROLL, i1), j, LANES);
        if (j < j1)
            resting_block(c, r, w, i, least(i + UNROLL, i1), j, j1 - j);
    }
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
    float *scores = w->scores + i * w->scores_stride + j;
    const float *c2p = w->c2p + i * w->c2p_stride + slot - (LANES - 1);
    const float *p2c = w->p2c + j * w->p2c_stride + slot;
    vec m[LANES];
    for (int l = 0; l < LANES; l++)
        m[l] = l < lanes ? v_load(p2c + l * (w->p2c_stride - 1)) : v_set(0);
    v_transpose(m);
    for (int l = 0; l < LANES; l++)
        add_to(scores + l * w->scores_stride,
               v_add(v_reverse(v_load(c2p + l * (w->c2p_stride + 1))), m[l]), lanes);
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

/* ---- The whole block ---- */

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

INLINE void add_terms(enum c2p_idea c, enum p2c_idea p, const struct dt_bias_args *a)
{
    const struct dt_delta *delta = a->delta;
    const int32_t origin = (int32_t)a->origin;
    const struct block w = {
        .scores = a->scores,
        .c2p = a->c2p,
        .p2c = a->p2c,
        .scores_stride = a->scores_stride,
        .c2p_stride = a->c2p_stride,
        .p2c_stride = a->p2c_stride,
        .slot = delta->slot + origin,
        .window = delta->window[LANES_LOG2 - 2] + origin,
        .linear_until = delta->linear_until + origin,
        .constant_until = delta->constant_until + origin,
        .origin = origin,
        .slots = delta->slots,
        .first_stretch = delta->first_stretch - origin,
        .last_stretch = delta->last_stretch - origin,
        .layout = a->layout,
    };
    const int32_t widest = p == P2C_SKEW_MEMORY ? RESTING * LANES : a->nk;
    const int32_t rows = a->tile.rows ? a->tile.rows : a->nq;
    const int32_t cols = a->tile.cols ? least(a->tile.cols, widest) : widest;
    for (int32_t i = 0; i < a->nq; i += rows)
        for (int32_t j = 0; j < a->nk; j += cols) {
            const int32_t i1 = least(a->nq, i + rows), j1 = least(a->nk, j + cols);
            if (p == P2C_NONE || p == P2C_GATHER)
                by_rows(c, p, &w, i, i1, j, j1);
            else if (p == P2C_SKEW_MEMORY)
                by_resting_strips(c, &w, i, i1, j, j1);
            else
                by_strips(c, p, &w, i, i1, j, j1);
        }
}

/* A gather's index has 32 bits. */
INLINE bool gather_reaches(const struct dt_bias_args *a)
{
    const ptrdiff_t strides = a->layout == DT_KEY_MAJOR ? LANES : a->delta->slots;
    return a->p2c_stride <= (INT32_MAX - a->delta->slots - LANES) / strides;
}

INLINE void add(enum c2p_idea c, enum p2c_idea p, const struct dt_bias_args *a)
{
    if (!a->p2c)
        add_terms(c, P2C_NONE, a);
    else if (p == P2C_GATHER && !gather_reaches(a))
        bias_plain(a);
    else if (a->c2p)
        add_terms(c, p, a);
    else
        add_terms(C2P_NONE, p, a);
}

/* Of the variants that differ only in a term which the problem lacks, one stands for all. */
INLINE bool accepts(enum c2p_idea c, enum p2c_idea p, const struct dt_problem *problem,
                    const struct dt_delta *delta)
{
    const bool fits = dt_delta_fits(delta, LANES);
    if (!(problem->terms & DT_P2C))
        return p == (HAS_GATHER ? P2C_GATHER : P2C_SKEW) && (fits || c == C2P_GATHER);
    if (problem->terms & DT_C2P ? !fits && c != C2P_GATHER
                                : c != (HAS_GATHER ? C2P_GATHER : C2P_WINDOW))
        return false;
    switch (p) {
    case P2C_SKEW:
    case P2C_SKEW_MEMORY:
        return problem->layout == DT_SLOT_MAJOR;
    case P2C_TRANSPOSE:
    case P2C_STAGE:
        return problem->layout == DT_KEY_MAJOR && fits;
    default:
        return true;
    }
}

/* Defines the variant `name` and name_accepts(). */
#define COMBINE(name, c, p)                                                                        \
    static void name(const struct dt_bias_args *a)                                                 \
    {                                                                                              \
        add(c, p, a);                                                                              \
    }                                                                                              \
    static bool name##_accepts(const struct dt_problem *problem, const struct dt_delta *delta)     \
    {                                                                                              \
        return accepts(c, p, problem, delta);                                                      \
    }

#endif
