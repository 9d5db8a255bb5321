/* SPDX-License-Identifier: MIT */
/*
 * What works through items of attention: its arrays, its clock, and how operands are brought into
 * the form that products read; attention_tiles.h tells the whole. The including file includes
 * vector_<isa>.h first.
 */
#ifndef DISENTUNE_ATTENTION_WORKER_H
#define DISENTUNE_ATTENTION_WORKER_H

#include "kernels/setup.h"

#include <string.h>

struct worker {
    const struct dt_attention_setup *s;
    const struct dt_attention *io;
    struct dt_phases *phases;
    struct dt_attention_item item;
    int32_t nk; /* keys of this head without those that its length cuts off */
    bool head_ready;

    struct dt_attention_arrays x;
    int32_t odd_count;

    uint64_t since;
};

static inline int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
static inline int32_t greatest(int32_t a, int32_t b) { return a > b ? a : b; }
static inline int32_t round_up(int32_t x, int32_t step) { return (x + step - 1) / step * step; }

/* ---- Phases ---- */

static inline void begin(struct worker *w)
{
    if (w->phases)
        w->since = w->phases->clock();
}

static inline void end(struct worker *w, enum dt_phase phase)
{
    if (w->phases) {
        const uint64_t now = w->phases->clock();
        w->phases->spent[phase] += now - w->since;
        w->since = now;
    }
}

static inline void multiply(const struct worker *w, enum dt_phase phase,
                            const struct dt_gemm_grid *grid, int32_t major, int32_t minor,
                            const float *a, const float *b, float *c)
{
    const struct dt_gemm *gemm = dt_gemm_of(grid, (major + DT_ROW_STEP - 1) / DT_ROW_STEP,
                                            (minor + DT_COLUMN_STEP - 1) / DT_COLUMN_STEP);
    if (w->phases)
        w->phases->flops[phase] += 2.0 * gemm->shape.m * gemm->shape.n * (double)gemm->shape.k;
    gemm->run(gemm, a, b, c);
}

/* ---- Slots ---- */

/* The slots that rows i0 ... i1 - 1 and columns j0 ... j1 - 1 reach: first ... last. */
struct interval {
    int32_t first, last;
};

static inline struct interval slots_of(const struct worker *w, int32_t i0, int32_t i1, int32_t j0,
                                       int32_t j1)
{
    const struct dt_delta *delta = w->s->delta;
    if (w->s->choice.variant->strategy == DT_TABLE)
        return (struct interval){0, delta->slots - 1};
    const int32_t *slot = delta->slot + delta->nq - 1;
    return (struct interval){slot[j1 - 1 - i0], slot[j0 - (i1 - 1)]};
}

/* ---- Packing ---- */

/* LANES rows of x, `width` columns, transposed: to[l * stride + r]. Rows from `count` on are 0. */
static inline __attribute__((always_inline)) void transpose_block(const float *x, ptrdiff_t row,
                                                                  int32_t count, int32_t width,
                                                                  float *to, ptrdiff_t stride)
{
    vec m[LANES];
    for (int r = 0; r < LANES; r++)
        m[r] = r >= count      ? v_set(0)
               : width < LANES ? v_load_first(x + r * row, width)
                               : v_load(x + r * row);
    v_transpose(m);
    for (int l = 0; l < LANES; l++)
        if (l < width)
            v_store(to + l * stride, m[l]);
}

static void pack_keys(const struct worker *w, const float *k, int32_t j, int32_t count, float *to)
{
    const int32_t dim = w->s->problem->dim, padded = round_up(count, DT_COLUMN_STEP);
    const ptrdiff_t row = w->io->k_row, stride = w->s->cols;
    for (int32_t r = 0; r < padded; r += LANES)
        for (int32_t c = 0; c < dim; c += LANES) {
            const float *from = k + (j + least(r, count - 1)) * row + c;
            if (count - r >= LANES && dim - c >= LANES)
                transpose_block(from, row, LANES, LANES, to + c * stride + r, stride);
            else
                transpose_block(from, row, count - r, least(dim - c, LANES), to + c * stride + r,
                                stride);
        }
}

static inline void copy_row(float *to, const float *from, int32_t dim)
{
    int32_t c = 0;
    for (; c + LANES <= dim; c += LANES)
        v_store(to + c, v_load(from + c));
    for (; c < dim; c++)
        to[c] = from[c];
}

static inline void scale_row(float *to, const float *from, int32_t dim, float scale)
{
    const vec f = v_set(scale), zero = v_set(0);
    int32_t c = 0;
    for (; c + LANES <= dim; c += LANES)
        v_store(to + c, v_fma(v_load(from + c), f, zero));
    for (; c < dim; c++)
        to[c] = scale * from[c];
}

static inline void clear(float *x, ptrdiff_t floats)
{
    for (ptrdiff_t n = 0; n < floats; n += LANES)
        v_store(x + n, v_set(0));
}

static bool is_finite(const float *x, int32_t dim)
{
    float sum = 0;
    for (int32_t c = 0; c < dim; c++)
        sum += 0 * x[c];
    return sum == 0;
}

static void copy_values(struct worker *w)
{
    const struct dt_attention *io = w->io;
    const struct dt_problem *p = w->s->problem;
    const ptrdiff_t stride = w->s->dim_stride;
    const float *v =
        io->v + w->item.b * io->v_batch + w->item.h * io->v_head + w->item.first * io->v_row;
    const enum dt_mask form = io->segments ? DT_MASK_NONE : p->mask;
    const uint8_t *allowed = io->mask + (ptrdiff_t)w->item.b * p->nk;
    w->odd_count = 0;
    for (int32_t j = 0; j < w->nk; j++) {
        float *to = w->x.v + j * stride;
        const bool odd = form == DT_MASK_PAIRS && !is_finite(v + j * io->v_row, p->dim);
        if (odd)
            w->x.odd[w->odd_count++] = j;
        if (odd || (form == DT_MASK_KEYS && !allowed[j]))
            memset(to, 0, (size_t)p->dim * sizeof *to);
        else
            copy_row(to, v + j * io->v_row, p->dim);
    }
    for (int32_t j = w->nk; j < round_up(w->nk, DT_COLUMN_STEP); j++)
        memset(w->x.v + j * stride, 0, (size_t)p->dim * sizeof *w->x.v);
}

static void copy_queries(const struct worker *w, int32_t i, int32_t rows)
{
    const struct dt_attention *io = w->io;
    const int32_t dim = w->s->problem->dim;
    const float *q =
        io->q + w->item.b * io->q_batch + w->item.h * io->q_head + (w->item.first + i) * io->q_row;
    const float scale = (float)dt_problem_scale(w->s->problem);
    for (int32_t r = 0; r < rows; r++)
        scale_row(w->x.q + r * (ptrdiff_t)dim, q + r * io->q_row, dim, scale);
    const int32_t padding = round_up(rows, DT_ROW_STEP) - rows;
    memset(w->x.q + rows * (ptrdiff_t)dim, 0, (size_t)(padding * dim) * sizeof *w->x.q);
}

#endif
