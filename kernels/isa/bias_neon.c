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

COMBINE_PEAKS(lanes_skew, C2P_GATHER, P2C_SKEW)

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

/* Where the leftmost strip stands: its row of scores at column j, its row of c2p, and the entries
 * of that row and column. Each strip to the right is `right` elements of scores and `below` of c2p
 * further. */
struct stand {
    float *scores;
    const float *c2p;
    const int32_t *slot, *window;
};

/* The vector of one strip: adds p2c, and c2p unless `window` is NULL. */
INLINE void stagger_strip(struct trail *x, float *scores, const float *p2c, const float *window,
                          uint8x16_t bytes)
{
    vec term = trail_step(x, v_load(p2c));
    if (window)
        term = v_add(v_permute_bytes(v_load(window), bytes), term);
    v_store(scores, v_add(v_load(scores), term));
}

INLINE void stagger_row(bool c2p, struct trail x[4], struct stand *at, const struct block *w,
                        const float *p2c, ptrdiff_t right, ptrdiff_t below)
{
    const float *row = p2c + *at->slot * w->p2c_stride;
    const float *window = NULL;
    uint8x16_t bytes = vdupq_n_u8(0);
    if (c2p) {
        window = at->c2p + *at->window;
        bytes = v_bytes(v_iload(at->slot), *at->window);
    }
    stagger_strip(x, at->scores, row, window, bytes);
    stagger_strip(x + 1, at->scores + right, row + LANES, c2p ? window + below : NULL, bytes);
    stagger_strip(x + 2, at->scores + 2 * right, row + 2 * LANES, c2p ? window + 2 * below : NULL,
                  bytes);
    stagger_strip(x + 3, at->scores + 3 * right, row + 3 * LANES, c2p ? window + 3 * below : NULL,
                  bytes);
    at->scores += w->scores_stride;
    at->c2p += c2p ? w->c2p_stride : 0;
    at->slot--;
    at->window--;
}

INLINE struct trail trail_start(const struct block *w, int32_t d, int32_t j)
{
    struct trail x = {v_set(0), v_set(0), v_set(0)};
    for (int n = LANES - 1; n > 0; n--)
        trail_step(&x, v_load(w->p2c + w->slot[d + n] * w->p2c_stride + j));
    return x;
}

/* Both blends overwrite an operand. After TURN rows each vector of a trail is back in the register
 * where it was, so that nothing is copied. */
enum { STRIPS = 4, STAGGER = (STRIPS - 1) * LANES, TURN = 4 };

/* Rows i0 ... i1 - 1, a multiple of TURN, of the strip at j, and as many of the three to its right,
 * each LANES rows further down. */
INLINE void stagger_rows(bool c2p, const struct block *w, int32_t i0, int32_t i1, int32_t j)
{
    struct trail x[STRIPS] = {trail_start(w, j - i0, j), trail_start(w, j - i0, j + LANES),
                              trail_start(w, j - i0, j + 2 * LANES),
                              trail_start(w, j - i0, j + 3 * LANES)};
    struct stand at = {w->scores + i0 * w->scores_stride + j, NULL, w->slot + j - i0,
                       w->window + j - i0};
    if (c2p)
        at.c2p = w->c2p + i0 * w->c2p_stride;
    const float *const p2c = w->p2c + j;
    const ptrdiff_t right = LANES * w->scores_stride + LANES, below = LANES * w->c2p_stride;
    for (int32_t i = i0; i < i1; i += TURN) {
        stagger_row(c2p, x, &at, w, p2c, right, below);
        stagger_row(c2p, x, &at, w, p2c, right, below);
        stagger_row(c2p, x, &at, w, p2c, right, below);
        stagger_row(c2p, x, &at, w, p2c, right, below);
    }
}

/* The rows that the four strips have in common are those that `stagger` can take and that are not
 * constant; the corners above and below, and constant rows, are taken strip by strip. */
INLINE void four_strips(enum c2p_idea c, const struct block *w, int32_t i0, int32_t i1, int32_t j)
{
    const int32_t a = within(j - w->last_stretch + 1, i0, i1);
    const int32_t end = least(j + LANES - w->first_stretch, i1 - STAGGER);
    const int32_t rows = end > a ? (end - a) & -TURN : 0;
    if (rows)
        stagger_rows(c == C2P_WINDOW, w, a, a + rows, j);
    for (int n = 0; n < STRIPS; n++) {
        const int32_t from = a + (rows ? n * LANES : 0), strip = j + n * LANES;
        one_strip(c, P2C_SKEW, w, i0, from, strip, LANES);
        one_strip(c, P2C_SKEW, w, from + rows, i1, strip, LANES);
    }
}

INLINE void by_four_strips(enum c2p_idea c, const struct dt_bias_block *b, const struct dt_bias *io)
{
    const struct block w = block_of(b, io, false);
    const int32_t rows = b->tile.rows ? b->tile.rows : b->nq;
    const int32_t cols = b->tile.cols ? b->tile.cols : b->nk;
    for (int32_t i = 0; i < b->nq; i += rows)
        for (int32_t j = 0; j < b->nk; j += cols) {
            const int32_t i1 = least(b->nq, i + rows), j1 = least(b->nk, j + cols);
            int32_t at = j;
            for (; at + STRIPS * LANES <= j1; at += STRIPS * LANES)
                four_strips(c, &w, i, i1, at);
            by_strips(c, P2C_SKEW, &w, i, i1, at, j1);
        }
}

static void window_stagger(const struct dt_bias_block *b, const struct dt_bias *io)
{
    if (b->terms == DT_C2P)
        add_terms(C2P_WINDOW, P2C_NONE, false, b, io);
    else if (b->terms & DT_C2P)
        by_four_strips(C2P_WINDOW, b, io);
    else
        by_four_strips(C2P_NONE, b, io);
}

static bool window_stagger_accepts(const struct dt_problem *problem, const struct dt_delta *delta)
{
    return problem->terms & DT_P2C && window_skew_accepts(problem, delta);
}

static const struct dt_variant rows[] = {
    ROW_AUTOVEC,
    ROW_PEAKS("lanes-skew", lanes_skew, UNROLL,
              "c2p loaded lane by lane; p2c skewed, in registers"),
    ROW("window-stagger", window_stagger, UNROLL,
        "as window-skew, four strips along a diagonal sharing their windows"),
    ROWS_WITHOUT_GATHER,
};

const struct dt_variant_table dt_bias_neon = {rows, sizeof rows / sizeof *rows};
