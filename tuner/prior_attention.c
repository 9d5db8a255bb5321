/* SPDX-License-Identifier: MIT */
/*
 * Attention counted out as kernels/isa/attention_tiles.h does it, a head at a time; sizes are those
 * of its setup. Blocks of scores differ in the slots that they reach alone: of these a few are
 * looked at, evenly, and stand for all.
 *
 *     set of data                        read again for each       comes from
 *     Q, scores and output of a block    product                   L1 or L2, as it fits
 *     scores and C2P of a row of blocks  pass                      L1 or L2
 *     K, V, P2C, Kr of a head            block of queries          whatever holds the workspace
 *     Qr of a head                       block of keys             likewise
 *     operands of the call               head                      whatever holds a thread's part
 */
#include "tuner/prior_parts.h"

#include "kernels/setup.h"

#include <math.h>

enum { SAMPLED = 24, PRODUCT_CYCLES = 30, BLOCK_CYCLES = 160, ROW_CYCLES = 250, ITEM_CYCLES = 350 };

struct attention {
    struct dt_tally *t;
    const struct dt_problem *p;
    const struct dt_delta *delta;
    const struct dt_choice *c;
    struct dt_attention_setup s;
    double down, across; /* blocks of a head */
    bool c2p, p2c;
};

static double round_up(double x, double step) { return dt_ceil_div(x, step) * step; }
static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static double vectors_of(const struct attention *a, double floats)
{
    return floats / dt_prior_set_of(a->t->prior, a->c->variant->level)->lanes;
}

/* Slots of rows i0 ... i1 - 1 and columns j0 ... j1 - 1. */
static double slots_of(const struct attention *a, int32_t i0, int32_t i1, int32_t j0, int32_t j1)
{
    const int32_t *slot = a->delta->slot + a->delta->nq - 1;
    if (a->c->variant->strategy == DT_TABLE)
        return a->delta->slots;
    return slot[j0 - (i1 - 1)] - slot[j1 - 1 - i0] + 1;
}

static void multiply(const struct attention *a, double times, double m, double n, double k,
                     bool accumulate)
{
    double *cycles = a->t->cycles;
    cycles[DT_FOR_PRODUCTS] +=
        times * dt_prior_gemm(a->t->prior, a->c->gemm, round_up(m, DT_ROW_STEP),
                              round_up(n, DT_COLUMN_STEP), k, accumulate);
    cycles[DT_FOR_CALLS] += times * PRODUCT_CYCLES;
}

/* Q times so many slots of Kr, a block of slots at a time. */
static void multiply_c2p(const struct attention *a, double times, double slots)
{
    const double blocks = floor(slots / DT_SLOT_BLOCK), rest = slots - blocks * DT_SLOT_BLOCK;
    multiply(a, times * blocks, a->s.rows, DT_SLOT_BLOCK, a->p->dim, false);
    if (rest > 0)
        multiply(a, times, a->s.rows, rest, a->p->dim, false);
}

/* So many slots of Qr times a block of keys. */
static void multiply_p2c(const struct attention *a, double times, double slots)
{
    const double pieces = floor(slots / a->s.most_rows), rest = slots - pieces * a->s.most_rows;
    multiply(a, times * pieces, a->s.most_rows, a->s.cols, a->p->dim, false);
    if (rest > 0)
        multiply(a, times, rest, a->s.cols, a->p->dim, false);
}

/* The mean slots of blocks of `rows` x `cols` that cut up the scores. */
static double mean_slots(const struct attention *a, int32_t rows, int32_t cols)
{
    const int32_t nq = a->p->nq, nk = a->p->nk;
    const int32_t down = (int32_t)dt_ceil_div(nq, rows), across = (int32_t)dt_ceil_div(nk, cols);
    const int32_t di = down / SAMPLED + 1, dj = across / SAMPLED + 1;
    double sum = 0, count = 0;
    for (int32_t i = 0; i < down; i += di)
        for (int32_t j = 0; j < across; j += dj, count++)
            sum += slots_of(a, i * rows, least(nq, (i + 1) * rows), j * cols,
                            least(nk, (j + 1) * cols));
    return sum / count;
}

/* ---- Work of a head -------------------------------------------------------------------- */

/* The scores of so many blocks of rows x cols, and what becomes of them. */
static void tally_blocks(const struct attention *a, const struct dt_slot_facts *facts, double times,
                         double rows, double cols, bool corrected)
{
    const struct dt_prior *prior = a->t->prior;
    const struct dt_choice *c = a->c;
    const bool masked = a->p->mask > DT_MASK_LENGTHS;
    double *cycles = a->t->cycles;
    const enum dt_softmax_form form = c->variant->form;
    multiply(a, times, rows, cols, a->p->dim, false);
    multiply(a, times, rows, a->p->dim, round_up(cols, DT_COLUMN_STEP), true);
    if (a->p->terms)
        cycles[DT_FOR_ADDITIONS] +=
            times * dt_prior_add(prior, c->bias, a->p, facts, rows, cols, form == DT_FUSED);
    if (form == DT_ROWS)
        cycles[DT_FOR_SOFTMAX] +=
            times * dt_prior_softmax(prior, c->softmax, DT_SOFTMAX_MAX, rows, cols, masked);
    cycles[DT_FOR_SOFTMAX] +=
        times * dt_prior_softmax(prior, c->softmax,
                                 form == DT_ONLINE ? DT_SOFTMAX_ONLINE : DT_SOFTMAX_EXP, rows, cols,
                                 masked);
    if (corrected)
        cycles[DT_FOR_COPIES] += 1.5 * times * vectors_of(a, rows * a->p->dim);
    cycles[DT_FOR_CALLS] += BLOCK_CYCLES * times;
}

static void tally_scores(const struct attention *a)
{
    const struct dt_problem *p = a->p;
    const int32_t last_rows = p->nq - ((int32_t)a->down - 1) * a->s.rows;
    const int32_t last_cols = p->nk - ((int32_t)a->across - 1) * a->s.cols;
    struct dt_slot_facts facts = {0};
    if (p->terms)
        facts = dt_prior_slots(a->delta, dt_prior_set_of(a->t->prior, a->c->bias->level)->lanes,
                               a->s.rows);
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 2; c++)
            tally_blocks(a, &facts, (r ? 1 : a->down - 1) * (c ? 1 : a->across - 1),
                         r ? last_rows : a->s.rows, c ? last_cols : a->s.cols,
                         a->c->variant->form == DT_ONLINE && a->across > 1);
    if (a->c->variant->form == DT_FUSED)
        a->t->cycles[DT_FOR_SOFTMAX] +=
            dt_prior_softmax(a->t->prior, a->c->softmax, DT_SOFTMAX_MAX, p->nq, DT_PEAKS, false);
    a->t->cycles[DT_FOR_COPIES] += 6 * vectors_of(a, (double)p->nq * p->dim);
    a->t->cycles[DT_FOR_CALLS] += ROW_CYCLES * a->down;
}

static void tally_positions(const struct attention *a)
{
    const struct dt_attention_setup *s = &a->s;
    const bool banded = a->c->variant->strategy == DT_BANDED;
    const double blocks = a->down * a->across, row = 4.0 * a->p->dim;
    const double held = 4.0 * (double)s->workspace + 2 * row * a->delta->slots;
    if (banded) {
        const double slots = mean_slots(a, s->rows, s->cols);
        if (a->c2p)
            multiply_c2p(a, blocks, slots);
        if (a->p2c)
            multiply_p2c(a, blocks, slots);
        dt_tally_transfer(a->t, blocks * slots * row * (a->c2p + a->p2c), held);
        return;
    }
    if (a->c2p) {
        const double slots = mean_slots(a, s->rows, a->p->nk);
        const double bytes = 4 * s->rows * slots;
        multiply_c2p(a, a->down, slots);
        dt_tally_transfer(a->t, a->down * slots * row, held);
        dt_tally_transfer(a->t, a->down * 2 * bytes, bytes + 4.0 * s->rows * s->cols);
    }
    if (a->p2c) {
        const double slots = mean_slots(a, s->chunk, s->cols), times = s->chunks * a->across;
        const double read = dt_prior_reach(a->delta, s->rows + s->cols - 1);
        multiply_p2c(a, times, slots);
        dt_tally_transfer(a->t, times * slots * (row + 4.0 * s->cols), held);
        dt_tally_transfer(a->t, blocks * read * 4 * s->cols, held);
    }
}

/* K and V for each block of queries, and what of a block or a row of blocks does not stay in L1
 * from one product or pass to the next. */
static void tally_head_transfers(const struct attention *a)
{
    const struct dt_attention_setup *s = &a->s;
    const double rows = s->rows, cols = s->cols, dim = a->p->dim, nk = a->p->nk;
    const double blocks = a->down * a->across, scores = 4 * rows * cols;
    const double reach = a->p->terms ? dt_prior_reach(a->delta, s->rows + s->cols - 1) : 0;
    const double added = 4 * reach * ((a->c2p ? rows : 0) + (a->p2c ? cols : 0));
    dt_tally_transfer(a->t, a->down * 8 * nk * dim,
                      4.0 * (double)s->workspace + 8.0 * a->delta->slots * dim);
    dt_tally_transfer(a->t, blocks * 12 * rows * dim, scores + 4 * (rows + cols) * dim);
    dt_tally_transfer(a->t, blocks * 3 * scores, scores + 4 * cols * dim);
    if (a->p->terms)
        dt_tally_transfer(a->t, blocks * 2 * scores, scores + added);
    if (a->c->variant->form != DT_ONLINE)
        dt_tally_transfer(a->t, a->down * 12 * rows * nk, 4 * rows * nk + 8 * cols * dim);
}

/* ---- A call ---------------------------------------------------------------------------- */

/* What the worker with most of them does: threads take items a grain at a time, and whoever takes
 * up a head packs its keys and values. */
struct load {
    double items, packs;
};

static struct load load_of(const struct attention *a, int32_t threads)
{
    const double items = (double)a->s.all.last, chunks = a->s.chunks;
    if (threads <= 1 || items <= 1)
        return (struct load){items, items / chunks};
    const double grain = fmax(1, floor(items / (8.0 * threads)));
    const double grains = dt_ceil_div(dt_ceil_div(items, grain), threads);
    return (struct load){grains * grain, grains * fmax(1, grain / chunks)};
}

static void tally_parts(struct attention *a, int32_t threads)
{
    const struct dt_problem *p = a->p;
    const struct dt_prior_set *set = dt_prior_set_of(a->t->prior, a->c->variant->level);
    const double keys = (double)p->nk * p->dim, heads = (double)p->batch * p->heads;
    a->down = dt_ceil_div(p->nq, a->s.rows);
    a->across = dt_ceil_div(p->nk, a->s.cols);
    tally_scores(a);
    tally_positions(a);
    tally_head_transfers(a);
    const struct load load = load_of(a, threads);
    for (int n = 0; n < DT_RESOURCE_COUNT; n++)
        a->t->cycles[n] *= load.items / a->s.chunks;
    a->t->cycles[DT_FOR_COPIES] +=
        load.packs * vectors_of(a, keys) * (3 + (2 + log2(set->lanes)) / set->shuffles);
    dt_tally_transfer(a->t, load.packs * 8 * keys + load.items * 8.0 * a->s.chunk * p->dim,
                      heads * 8 * (keys + (double)p->nq * p->dim) / threads);
    a->t->cycles[DT_FOR_CALLS] += ITEM_CYCLES * load.items;
}

/* A score by its own dot products, of which a row shares those of c2p. */
static void tally_direct(struct attention *a, int32_t threads)
{
    enum { SUM_UP = 14, EXPF = 16, ROW = 60 };
    const struct dt_problem *p = a->p;
    const struct dt_prior_set *set = dt_prior_set_of(a->t->prior, a->c->variant->level);
    const double vectors = dt_ceil_div(p->dim, set->lanes), times = a->p2c ? 2 : 1;
    const double dot = vectors * fmax(times / set->fmas, (1 + times) / set->loads);
    const double slots =
        a->c2p ? round_up(dt_prior_reach(a->delta, p->nk) + set->lanes / 2, set->lanes) : 0;
    const double rows = load_of(a, threads).items * p->nq, scores = rows * p->nk;
    double *cycles = a->t->cycles;
    cycles[DT_FOR_PRODUCTS] = scores * (dot + SUM_UP + vectors * 2 / set->loads) +
                              rows * slots / set->lanes * p->dim / set->fmas;
    cycles[DT_FOR_ADDITIONS] = a->c2p ? scores : 0;
    cycles[DT_FOR_SOFTMAX] = scores * EXPF;
    cycles[DT_FOR_CALLS] = rows * ROW + 60 * load_of(a, threads).items;
    dt_tally_transfer(a->t, rows * 4 * p->dim * (slots + (times + 1) * p->nk),
                      4.0 * p->dim * (2 * a->delta->slots + 2 * p->nk));
}

void dt_prior_tally_attention(struct dt_tally *t, const struct dt_problem *p,
                              const struct dt_delta *delta, const struct dt_choice *c,
                              int32_t threads)
{
    struct attention a = {
        .t = t, .p = p, .delta = delta, .c = c, .c2p = p->terms & DT_C2P, .p2c = p->terms & DT_P2C};
    dt_attention_sizes(&a.s, c, p, delta, threads);
    if (c->variant->strategy == DT_DIRECT)
        tally_direct(&a, threads);
    else
        tally_parts(&a, threads);
}
