/* SPDX-License-Identifier: MIT */
/*
 * The gather-and-add of NEON. Four lanes make a skew of two stages and three vectors of state, so
 * that the 32 registers hold the state of four strips with room to spare, and what limits the loop
 * is how many vector operations an output costs: a permute and two blends, two additions and the
 * store, which passes through a vector pipe as well. Six operations on the two pipes of Neoverse N2
 * are 3 cycles for 4 elements; on the four pipes of V2 they are 1.5.
 *
 * The rest must hide behind these. What surrounds them depends on the entry d = j - i of the slot
 * table alone: the row of the p2c table, the first slot of the window and the bytes of the
 * permute, which cost NEON more than other instruction sets (see vector_neon.h). So `stagger` takes
 * four strips at once, each four rows behind its left neighbour: at (i, j), (i + 4, j + 4),
 * (i + 8, j + 8) and (i + 12, j + 12) d is the same, and all of it is done once for four vectors.
 * Constant stretches move with d too, so that all four strips enter and leave them together.
 * scripts/model-neon says what that is worth.
 */
#include "kernels/isa/vector_neon.h"

#define ISA "neon"
#define LEVEL DT_CPU_NEON
#include "kernels/isa/bias_rows.h"

COMBINE(lanes_skew, C2P_GATHER, P2C_SKEW)

/* The state of one strip before entry d: the row of entry d + 1, and what the first stage made of
 * entries d + 1 and d + 2. */
struct trail {
    vec row, near, far;
};

INLINE vec trail_step(struct trail *x, vec newest)
{
    const vec pair = v_blend(newest, x->row, 0);
    const vec diagonal = v_blend(pair, x->far, 1);
    *x = (struct trail){newest, pair, x->near};
    return diagonal;
}

/* What the strips have in common at entry d. */
struct entry {
    const float *p2c;
    int32_t first;
    uint8x16_t bytes;
};

INLINE struct entry entry_at(const struct block *w, int32_t j, int32_t d, bool c2p)
{
    struct entry e = {.p2c = w->p2c + w->slot[d] * w->p2c_stride + j};
    if (c2p) {
        e.first = w->window[d];
        e.bytes = v_bytes(v_isub(v_iload(w->slot + d), e.first));
    }
    return e;
}

/* Row i + LANES * n of strip n. */
INLINE void stagger_strip(bool c2p, struct trail *x, const struct block *w, const struct entry *e,
                          int32_t i, int32_t j, int n)
{
    float *s = w->scores + i * w->scores_stride + j + n * (LANES * w->scores_stride + LANES);
    const vec p2c = trail_step(x, v_load(e->p2c + n * LANES));
    if (!c2p) {
        v_store(s, v_add(v_load(s), p2c));
        return;
    }
    const float *window = w->c2p + i * w->c2p_stride + n * LANES * w->c2p_stride + e->first;
    v_store(s, v_add(v_load(s), v_add(v_permute_bytes(v_load(window), e->bytes), p2c)));
}

INLINE void stagger_row(bool c2p, struct trail *a, struct trail *b, struct trail *c,
                        struct trail *d, const struct block *w, int32_t i, int32_t j)
{
    const struct entry e = entry_at(w, j, j - i, c2p);
    stagger_strip(c2p, a, w, &e, i, j, 0);
    stagger_strip(c2p, b, w, &e, i, j, 1);
    stagger_strip(c2p, c, w, &e, i, j, 2);
    stagger_strip(c2p, d, w, &e, i, j, 3);
}

INLINE struct trail trail_start(const struct block *w, int32_t d, int32_t j)
{
    struct trail x = {v_set(0), v_set(0), v_set(0)};
    for (int n = LANES - 1; n > 0; n--)
        trail_step(&x, v_load(w->p2c + w->slot[d + n] * w->p2c_stride + j));
    return x;
}

enum { STRIPS = 4, STAGGER = (STRIPS - 1) * LANES };

/* Rows i0 ... i1 - 1, an even number, of the strip at j, and as many of the three to its right,
 * each LANES rows further down. */
INLINE void stagger_rows(bool c2p, const struct block *w, int32_t i0, int32_t i1, int32_t j)
{
    struct trail a = trail_start(w, j - i0, j), b = trail_start(w, j - i0, j + LANES);
    struct trail c = trail_start(w, j - i0, j + 2 * LANES);
    struct trail d = trail_start(w, j - i0, j + 3 * LANES);
    for (int32_t i = i0; i < i1; i += 2) {
        stagger_row(c2p, &a, &b, &c, &d, w, i, j);
        stagger_row(c2p, &a, &b, &c, &d, w, i + 1, j);
    }
}

/* The rows that the four strips have in common are those that `stagger` can take and that are not
 * constant; the corners above and below, and constant rows, are taken strip by strip. */
INLINE void four_strips(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1, int32_t j)
{
    const int32_t a = within(j - w->last_stretch + 1, i0, i1);
    const int32_t end = least(j + LANES - w->first_stretch, i1 - STAGGER);
    const int32_t rows = end > a ? (end - a) & -2 : 0;
    if (rows)
        stagger_rows(c == C2P_WINDOW, w, a, a + rows, j);
    for (int n = 0; n < STRIPS; n++) {
        const int32_t from = a + (rows ? n * LANES : 0), strip = j + n * LANES;
        one_strip(c, P2C_SKEW, w, i0, from, strip, LANES);
        one_strip(c, P2C_SKEW, w, from + rows, i1, strip, LANES);
    }
}

INLINE void by_four_strips(enum c2p_idea c, const struct dt_bias_args *a)
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
        .origin = origin,
        .slots = delta->slots,
        .first_stretch = delta->first_stretch - origin,
        .last_stretch = delta->last_stretch - origin,
        .layout = DT_SLOT_MAJOR,
    };
    const int32_t rows = a->tile.rows ? a->tile.rows : a->nq;
    const int32_t cols = a->tile.cols ? a->tile.cols : a->nk;
    for (int32_t i = 0; i < a->nq; i += rows)
        for (int32_t j = 0; j < a->nk; j += cols) {
            const int32_t i1 = least(a->nq, i + rows), j1 = least(a->nk, j + cols);
            int32_t at = j;
            for (; at + STRIPS * LANES <= j1; at += STRIPS * LANES)
                four_strips(c, &w, i, i1, at);
            by_strips(c, P2C_SKEW, &w, i, i1, at, j1);
        }
}

static void window_stagger(const struct dt_bias_args *a)
{
    if (!a->p2c)
        add_terms(C2P_WINDOW, P2C_NONE, a);
    else if (a->c2p)
        by_four_strips(C2P_WINDOW, a);
    else
        by_four_strips(C2P_NONE, a);
}

static bool window_stagger_accepts(const struct dt_problem *problem, const struct dt_delta *delta)
{
    return problem->terms & DT_P2C && window_skew_accepts(problem, delta);
}

static const struct dt_variant rows[] = {
    ROW_AUTOVEC,
    ROW("lanes-skew", lanes_skew, UNROLL, "c2p loaded lane by lane; p2c skewed, in registers"),
    ROW("window-stagger", window_stagger, UNROLL,
        "as window-skew, four strips along a diagonal sharing their windows"),
    ROWS_WITHOUT_GATHER,
};

const struct dt_variant_table dt_bias_neon = {rows, sizeof rows / sizeof *rows};
