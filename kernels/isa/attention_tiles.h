/* SPDX-License-Identifier: MIT */
/*
 * The whole attention, a block of scores at a time, over the parts that a setup names. Written once
 * over a vector type; attention_<isa>.c includes vector_<isa>.h, then this.
 *
 * One head, one block of queries (rows) and its blocks of keys (cols):
 *
 *                         cols
 *                    K0   K1   K2  ...         K packed, [block][dim][cols]: a row is a vector of
 *      P2C         +----+----+----+            keys, and serves c2c and p2c
 *      [slots]     |    |    |    |   Qr K^T   [block][slot][cols]: rows of a block follow each
 *                  +----+----+----+            other, so that they do not fall into one set of L1
 *      Q    C2P    +----+----+----+
 *      rows [slots]| S0 | S1 | S2 |   Q K^T, then the gather-and-add, then exp
 *                  +----+----+----+
 *                     out += S V               V copied, [key][dim]
 *
 * Slots fall with j - i, so a block of scores reaches an interval of slots; C2P and P2C hold the
 * interval of each block and start there (DT_ACTIVE, DT_BANDED) or at slot 0 (DT_TABLE). At
 * n = 512, log 256/512, blocks of 64, DT_ACTIVE multiplies by three quarters of the slots.
 *
 * f = 1 / sqrt(3d) is multiplied into Q as it is copied and into Qr as it was packed.
 *
 * Masked keys. Their K and V may hold anything. A column of garbage in the scores stays a column,
 * and softmax sets it to 0. In V garbage would spread, 0 * NaN being NaN: key lengths cut the keys
 * off; with a key mask the copy of V has rows of 0 there. With a pairwise mask a key may be one
 * row's garbage and another's NaN: its row of the copy is 0, and the rows that may attend to it
 * have its product added one by one.
 *
 * Sizes of products are rounded up to DT_ROW_STEP and DT_COLUMN_STEP. Rows beyond the last query
 * are zeros of Q; columns beyond the last key, zeros of K and of V.
 *
 *
 * Where the time goes: disentune bench --phases, one head, d = 64, log 256/512, AVX-512,
 * active-rows 64x64, one core whose multiply-add peaks at 240 GFLOP/s; microseconds. "times" is the
 * whole against the same without position terms.
 *
 *                pack   c2c  c2p  p2c  add  softmax    PV  out   times
 *     n =  512     18   159  122  119   73       59   161    6    1.78
 *     n = 2048    118  2550  593  632  757      883  2560   32    1.35
 *
 * What was learnt:
 * - Products run at 84 to 90 % of the peak here and at 96 % alone: a block of scores and its
 * operands fill L1. What is left to gain is in the other third.
 * - DT_ACTIVE by blocks beats the slots that the whole length reaches, which at n = 512 are all but
 *   one: 0.62 ms against 0.71 for DT_TABLE.
 * - DT_BANDED is level with DT_ACTIVE at n = 16 and 32 and loses from 128 on, by a quarter at 512.
 * - DT_FUSED saves the pass for the maxima and pays a load, a maximum and a store a vector: within
 * 1 % of DT_ROWS either way.
 * - DT_ONLINE reads no scores back, but corrects the output at each block: within 3 % of DT_ROWS,
 * and the smallest workspace.
 * - Chunks of queries, so that P2C stays in L2 at n = 2048, cost about as much in slots multiplied
 *   again as they save in traffic.
 */
#ifndef DISENTUNE_ATTENTION_TILES_H
#define DISENTUNE_ATTENTION_TILES_H

#include "kernels/isa/attention_worker.h"

#include <math.h>
#include <string.h>

/* ---- Position terms ---- */

/* Slot `first` of the block of keys that starts at j, whose rows are `cols` apart. */
static inline float *p2c_of(const struct worker *w, int32_t j)
{
    const ptrdiff_t block = w->s->p2c_blocks > 1 ? j / w->s->cols : 0;
    return w->x.p2c + (block * w->s->p2c_slots + w->s->p2c_margin) * w->s->cols;
}

static void multiply_p2c(const struct worker *w, struct interval slots, int32_t j, int32_t count)
{
    const struct dt_positions *x = w->io->positions;
    const float *qr = x->qr + w->item.h * x->qr_head;
    const float *k = w->x.k + (ptrdiff_t)j * x->shape.dim;
    const int32_t most = w->s->most_rows;
    float *to = p2c_of(w, j);
    for (int32_t s = slots.first; s <= slots.last; s += most)
        multiply(w, DT_PHASE_P2C, &w->s->score, least(slots.last + 1 - s, most), count,
                 qr + (ptrdiff_t)s * x->shape.dim, k,
                 to + (ptrdiff_t)(s - slots.first) * w->s->cols);
}

/* A slot's place in C2P, which starts at a whole step. */
static inline float *c2p_of(const struct worker *w, int32_t first)
{
    return w->x.c2p + DT_ENTRY_MARGIN - (first & -DT_COLUMN_STEP);
}

static void multiply_c2p(const struct worker *w, struct interval slots, int32_t rows)
{
    const struct dt_positions *x = w->io->positions;
    const float *kr = x->kr + w->item.h * x->kr_head;
    float *to = c2p_of(w, slots.first);
    for (int32_t s = slots.first & -DT_COLUMN_STEP; s <= slots.last;) {
        const int32_t in_block = s % DT_SLOT_BLOCK;
        const int32_t count = least(slots.last + 1 - s, DT_SLOT_BLOCK - in_block);
        multiply(w, DT_PHASE_C2P, &w->s->c2p, rows, count, w->x.q,
                 kr + (ptrdiff_t)(s - in_block) * x->shape.dim + in_block, to + s);
        s += DT_SLOT_BLOCK - in_block;
    }
}

/* ---- One block of scores ---- */

/* Where the scores of rows i ... i + rows - 1 and columns j ... j + count - 1 are computed. */
struct tile {
    int32_t i, rows, j, count;
    float *scores;
    struct interval c2p, p2c;
};

static void add_positions(const struct worker *w, const struct tile *t)
{
    const unsigned terms = w->s->problem->terms;
    const struct dt_bias io = {
        .scores = t->scores,
        .scores_row = w->s->cols,
        .c2p = terms & DT_C2P ? c2p_of(w, t->c2p.first) : NULL,
        .c2p_row = w->s->c2p_stride,
        .p2c = terms & DT_P2C ? p2c_of(w, t->j) - (ptrdiff_t)t->p2c.first * w->s->cols : NULL,
        .p2c_row = w->s->cols,
    };
    const struct dt_bias_block block = {
        .terms = terms,
        .layout = DT_SLOT_MAJOR,
        .nq = t->rows,
        .nk = t->count,
        .delta = w->s->delta,
        .origin = w->s->delta->nq - 1 + t->j - t->i,
        .peaks = w->x.peaks,
    };
    const struct dt_variant *bias = w->s->choice.bias;
    (w->s->choice.variant->form == DT_FUSED ? bias->run_peaks : bias->run.bias)(&block, &io);
}

static void score(struct worker *w, struct tile *t)
{
    const unsigned terms = w->s->problem->terms;
    const bool banded = w->s->choice.variant->strategy == DT_BANDED;
    begin(w);
    multiply(w, DT_PHASE_C2C, &w->s->score, t->rows, t->count, w->x.q,
             w->x.k + (ptrdiff_t)t->j * w->s->problem->dim, t->scores);
    end(w, DT_PHASE_C2C);
    if (banded) {
        const struct interval slots = slots_of(w, t->i, t->i + t->rows, t->j, t->j + t->count);
        t->c2p = t->p2c = slots;
        if (terms & DT_C2P)
            multiply_c2p(w, slots, t->rows);
        end(w, DT_PHASE_C2P);
        if (terms & DT_P2C)
            multiply_p2c(w, slots, t->j, t->count);
        end(w, DT_PHASE_P2C);
    } else if (terms & DT_P2C) {
        t->p2c = slots_of(w, w->item.query_begin, w->item.query_end, t->j, t->j + t->count);
    }
    if (terms)
        add_positions(w, t);
    end(w, DT_PHASE_ADD);
}

static void soften(struct worker *w, const struct tile *t, enum dt_softmax_pass pass)
{
    const struct dt_attention *io = w->io;
    const struct dt_problem *p = w->s->problem;
    struct dt_softmax_args args = {
        .pass = pass,
        .x = t->scores,
        .stride = w->s->cols,
        .rows = t->rows,
        .cols = t->count,
        .max = w->x.max,
        .sum = w->x.sum,
        .factor = w->x.factor,
    };
    if (!io->segments && p->mask == DT_MASK_KEYS)
        args.allowed = io->mask + (ptrdiff_t)w->item.b * p->nk + t->j;
    if (!io->segments && p->mask == DT_MASK_PAIRS) {
        args.allowed = io->mask + ((ptrdiff_t)w->item.b * p->nq + t->i) * p->nk + t->j;
        args.allowed_stride = p->nk;
    }
    w->s->choice.softmax->run.softmax(&args);
    end(w, DT_PHASE_SOFTMAX);
}

/* The maxima of rows, which the gather-and-add has left in several places each. */
static void gather_peaks(struct worker *w, int32_t rows)
{
    const struct dt_softmax_args args = {
        .pass = DT_SOFTMAX_MAX,
        .x = w->x.peaks,
        .stride = DT_PEAKS,
        .rows = rows,
        .cols = DT_PEAKS,
        .max = w->x.max,
    };
    w->s->choice.softmax->run.softmax(&args);
    end(w, DT_PHASE_SOFTMAX);
}

/* out += weights V for the odd keys of the block; see above. */
static void add_odd_values(const struct worker *w, const struct tile *t)
{
    const struct dt_attention *io = w->io;
    const struct dt_problem *p = w->s->problem;
    for (int32_t n = 0; n < w->odd_count; n++) {
        const int32_t j = w->x.odd[n];
        const float *v = io->v + w->item.b * io->v_batch + w->item.h * io->v_head + j * io->v_row;
        for (int32_t r = 0; j >= t->j && j < t->j + t->count && r < t->rows; r++)
            if (dt_mask_allows(io, p, w->item.b, t->i + r, j))
                for (int32_t c = 0; c < p->dim; c++)
                    w->x.out[r * w->s->dim_stride + c] +=
                        t->scores[r * (ptrdiff_t)w->s->cols + j - t->j] * v[c];
    }
}

static void accumulate(struct worker *w, const struct tile *t)
{
    const ptrdiff_t cols = w->s->cols, padded = round_up(t->count, DT_COLUMN_STEP);
    for (int32_t r = 0; r < t->rows && t->count < padded; r++)
        memset(t->scores + r * cols + t->count, 0, (size_t)(padded - t->count) * sizeof *t->scores);
    multiply(w, DT_PHASE_PV, &w->s->pv, t->rows, t->count, t->scores,
             w->x.v + t->j * w->s->dim_stride, w->x.out);
    if (w->odd_count)
        add_odd_values(w, t);
    end(w, DT_PHASE_PV);
}

/* out *= factor, as DT_SOFTMAX_ONLINE asks. */
static void correct(struct worker *w, int32_t rows)
{
    const int32_t dim = w->s->problem->dim;
    const vec zero = v_set(0);
    for (int32_t r = 0; r < rows; r++) {
        float *out = w->x.out + r * w->s->dim_stride;
        const vec factor = v_set(w->x.factor[r]);
        for (int32_t c = 0; w->x.factor[r] != 1 && c < dim; c += LANES)
            v_store(out + c, v_fma(v_load(out + c), factor, zero));
    }
    end(w, DT_PHASE_OUT);
}

/* ---- One block of rows ---- */

/* A row that may attend to nothing: 0 (ms) or the mean of all values (hf). */
static void without_keys(const struct worker *w, float *out)
{
    const struct dt_attention *io = w->io;
    const struct dt_problem *p = w->s->problem;
    const float *v =
        io->v + w->item.b * io->v_batch + w->item.h * io->v_head + w->item.first * io->v_row;
    memset(out, 0, (size_t)p->dim * sizeof *out);
    for (int32_t j = 0; p->dialect == DT_HF && j < w->item.nk; j++)
        for (int32_t c = 0; c < p->dim; c++)
            out[c] += v[j * io->v_row + c] / (float)w->item.nk;
}

static bool has_keys(const struct worker *w, int32_t i)
{
    const struct dt_attention *io = w->io;
    for (int32_t j = 0; j < w->nk; j++)
        if (io->segments || dt_mask_allows(io, w->s->problem, w->item.b, i, j))
            return true;
    return false;
}

static void store(struct worker *w, int32_t i, int32_t rows)
{
    const struct dt_attention *io = w->io;
    const int32_t dim = w->s->problem->dim;
    float *out = io->out + w->item.b * io->out_batch + w->item.h * io->out_head +
                 (w->item.first + i) * io->out_row;
    for (int32_t r = 0; r < rows; r++, out += io->out_row)
        if (w->x.sum[r] == 0 && !has_keys(w, i + r))
            without_keys(w, out);
        else
            scale_row(out, w->x.out + r * w->s->dim_stride, dim, 1 / w->x.sum[r]);
    end(w, DT_PHASE_OUT);
}

static void start_rows(struct worker *w, int32_t i, int32_t rows)
{
    begin(w);
    copy_queries(w, i, rows);
    for (int32_t r = 0; r < rows; r++) {
        w->x.max[r] = -INFINITY;
        w->x.sum[r] = 0;
    }
    for (int32_t n = 0; w->s->choice.variant->form == DT_FUSED && n < rows * DT_PEAKS; n++)
        w->x.peaks[n] = -INFINITY;
    clear(w->x.out, round_up(rows, DT_ROW_STEP) * w->s->dim_stride);
    end(w, DT_PHASE_PACK);
}

static void attend_rows(struct worker *w, int32_t i, int32_t rows)
{
    const struct dt_attention_setup *s = w->s;
    const enum dt_softmax_form form = s->choice.variant->form;
    struct tile t = {.i = i, .rows = rows};
    if (w->s->problem->terms & DT_C2P && s->choice.variant->strategy != DT_BANDED) {
        t.c2p = slots_of(w, i, i + rows, 0, w->nk);
        multiply_c2p(w, t.c2p, rows);
        end(w, DT_PHASE_C2P);
    }
    for (t.j = 0; t.j < w->nk; t.j += s->cols) {
        t.count = least(s->cols, w->nk - t.j);
        t.scores = w->x.scores + (form == DT_ONLINE ? 0 : (ptrdiff_t)t.j * s->rows);
        score(w, &t);
        if (form == DT_ROWS) {
            soften(w, &t, DT_SOFTMAX_MAX);
        } else if (form == DT_ONLINE) {
            soften(w, &t, DT_SOFTMAX_ONLINE);
            if (t.j > 0)
                correct(w, rows);
            accumulate(w, &t);
        }
    }
    if (form == DT_FUSED)
        gather_peaks(w, rows);
    for (t.j = 0; form != DT_ONLINE && t.j < w->nk; t.j += s->cols) {
        t.count = least(s->cols, w->nk - t.j);
        t.scores = w->x.scores + (ptrdiff_t)t.j * s->rows;
        soften(w, &t, DT_SOFTMAX_EXP);
        accumulate(w, &t);
    }
}

/* ---- Work items ---- */

/* What all blocks of queries share: K and V of the head, P2C of the chunk. */
static void prepare(struct worker *w)
{
    const struct dt_attention *io = w->io;
    const struct dt_attention_item *x = &w->item;
    const float *k = io->k + x->b * io->k_batch + x->h * io->k_head + x->first * io->k_row;
    const bool p2c = w->s->problem->terms & DT_P2C && w->s->choice.variant->strategy != DT_BANDED;
    begin(w);
    if (!w->head_ready)
        copy_values(w);
    for (int32_t j = 0; j < w->nk; j += w->s->cols) {
        const int32_t count = least(w->s->cols, w->nk - j);
        if (!w->head_ready)
            pack_keys(w, k, j, count, w->x.k + (ptrdiff_t)j * w->s->problem->dim);
        end(w, DT_PHASE_PACK);
        if (p2c)
            multiply_p2c(w, slots_of(w, x->query_begin, x->query_end, j, j + count), j, count);
        end(w, DT_PHASE_P2C);
    }
    w->head_ready = true;
}

static void attention_tiles(const struct dt_attention_setup *s, const struct dt_attention *io,
                            const struct dt_attention_work *work, float *workspace)
{
    struct worker w = {.s = s, .io = io, .phases = work->phases, .item = {.b = -1}};
    dt_attention_lay_out(s, workspace, &w.x);
    for (int64_t n = work->first; n < work->last; n++) {
        const struct dt_attention_item next = dt_attention_item_at(s, io, n);
        w.head_ready = next.b == w.item.b && next.h == w.item.h && next.first == w.item.first;
        w.item = next;
        w.nk = !io->segments && s->problem->mask == DT_MASK_LENGTHS ? io->lengths[next.b] : next.nk;
        if (w.nk > 0)
            prepare(&w);
        for (int32_t i = next.query_begin; i < next.query_end; i += w.s->rows) {
            const int32_t rows = least(w.s->rows, next.query_end - i);
            start_rows(&w, i, rows);
            if (w.nk > 0)
                attend_rows(&w, i, rows);
            store(&w, i, rows);
        }
    }
}

/* Peaks are those of all columns, and found where something is added. */
static bool accepts_fused(const struct dt_problem *problem, const struct dt_delta *delta)
{
    (void)delta;
    return problem->terms && problem->mask <= DT_MASK_LENGTHS;
}

#define TILES_ROW(strategy_name, strategy_of, form_name, form_of, accepts_of, text)                \
    {                                                                                              \
        .name = "attention." ISA "." strategy_name "-" form_name, .idea = text,                    \
        .op = DT_OP_ATTENTION, .level = LEVEL, .accepts = accepts_of, .strategy = strategy_of,     \
        .form = form_of, .rows_multiple = DT_ROW_STEP, .cols_multiple = DT_COLUMN_STEP,            \
        .error_eps = 0.5f, .run.attention = attention_tiles                                        \
    }

#define TILES_FORMS(strategy_name, strategy_of, text)                                              \
    TILES_ROW(strategy_name, strategy_of, "rows", DT_ROWS, NULL, text "; softmax on whole rows"),  \
        TILES_ROW(strategy_name, strategy_of, "fused", DT_FUSED, accepts_fused,                    \
                  text "; softmax on whole rows, maxima by the gather-and-add"),                   \
        TILES_ROW(strategy_name, strategy_of, "online", DT_ONLINE, NULL, text "; online softmax")

#define TILES_ROWS                                                                                 \
    TILES_FORMS("table", DT_TABLE, "all slots"),                                                   \
        TILES_FORMS("active", DT_ACTIVE, "the slots that a row or column of blocks reaches"),      \
        TILES_FORMS("banded", DT_BANDED, "the slots that a block reaches, for each block")

#endif
