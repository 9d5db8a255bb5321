/* SPDX-License-Identifier: MIT */
#include "kernels/setup.h"

#include "kernels/error.h"

#include <stdlib.h>

/* A block of scores where the tile says "all": small enough for the L1 with its operands. */
enum { DEFAULT_SIDE = 64, LEAST_PRODUCT_ROWS = 64 };

static int32_t round_up(int32_t x, int32_t step) { return (x + step - 1) / step * step; }
static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }
static int32_t greatest(int32_t a, int32_t b) { return a > b ? a : b; }
static size_t lines(size_t floats) { return (floats + 15) / 16 * 16; }

/* The most slots that a block of rows x cols scores can reach: found in the middle at once where
 * slots fall by one there, as they do in every form of bucket. */
static int32_t reach(const struct dt_delta *delta, int32_t rows, int32_t cols)
{
    const int32_t width = least(rows + cols - 1, delta->length);
    const int32_t places = delta->length - width + 1;
    const int32_t all = delta->last_slot - delta->first_slot;
    const int64_t steps = (int64_t)(width - 1) * delta->max_step;
    const int32_t bound = 1 + (steps < all ? (int32_t)steps : all);
    int32_t most = 0;
    for (int32_t n = 0; n < places && most < bound; n++) {
        const int32_t t = (places / 2 + n) % places;
        most = greatest(most, delta->slot[t] - delta->slot[t + width - 1] + 1);
    }
    return most;
}

/* Resolves the products of all steps. shape(major, minor) is `base` with two sizes set. */
static bool resolve(struct dt_gemm_grid *grid, const struct dt_variant *gemm, int32_t majors,
                    int32_t minors, const struct dt_gemm_shape *base, bool minor_is_k)
{
    grid->minor = minors;
    grid->gemm = calloc((size_t)majors * (size_t)minors, sizeof *grid->gemm);
    if (!grid->gemm)
        return false;
    for (int32_t i = 1; i <= majors; i++)
        for (int32_t j = 1; j <= minors; j++) {
            struct dt_gemm_shape shape = *base;
            shape.m = i * DT_ROW_STEP;
            *(minor_is_k ? &shape.k : &shape.n) = j * DT_COLUMN_STEP;
            if (!gemm->run.gemm(&shape, &grid->gemm[(i - 1) * minors + j - 1]))
                return false;
        }
    return true;
}

static bool resolve_all(struct dt_attention_setup *s)
{
    const struct dt_problem *p = s->problem;
    const int32_t majors = s->rows / DT_ROW_STEP, minors = s->cols / DT_COLUMN_STEP;
    const struct dt_gemm_shape score = {
        .k = p->dim, .a_stride = p->dim, .b_stride = s->cols, .c_stride = s->cols};
    const struct dt_gemm_shape c2p = {
        .k = p->dim, .a_stride = p->dim, .b_stride = DT_SLOT_BLOCK, .c_stride = s->c2p_stride};
    const struct dt_gemm_shape pv = {.n = p->dim,
                                     .a_stride = s->cols,
                                     .b_stride = s->dim_stride,
                                     .c_stride = s->dim_stride,
                                     .accumulate = true};
    return resolve(&s->score, s->choice.gemm, s->most_rows / DT_ROW_STEP, minors, &score, false) &&
           (!(p->terms & DT_C2P) || resolve(&s->c2p, s->choice.gemm, majors,
                                            DT_SLOT_BLOCK / DT_COLUMN_STEP, &c2p, false)) &&
           resolve(&s->pv, s->choice.gemm, majors, minors, &pv, true);
}

/* The next array of a workspace, of which *used floats are given away. */
static float *take(float *workspace, size_t *used, size_t floats)
{
    float *array = workspace ? workspace + *used : NULL;
    *used += lines(floats);
    return array;
}

size_t dt_attention_lay_out(const struct dt_attention_setup *s, float *workspace,
                            struct dt_attention_arrays *x)
{
    const struct dt_problem *p = s->problem;
    const size_t rows = (size_t)s->rows, cols = (size_t)s->cols, keys = (size_t)s->keys;
    const size_t dim = (size_t)p->dim, dim_stride = (size_t)s->dim_stride;
    const bool online = s->choice.variant->form == DT_ONLINE;
    size_t used = 0;
    x->k = take(workspace, &used, keys * dim);
    x->v = take(workspace, &used, keys * dim_stride);
    x->odd = (int32_t *)take(workspace, &used, (size_t)p->nk);
    x->q = take(workspace, &used, rows * dim);
    x->out = take(workspace, &used, rows * dim_stride);
    x->max = take(workspace, &used, rows);
    x->sum = take(workspace, &used, rows);
    x->factor = take(workspace, &used, rows);
    x->peaks = take(workspace, &used, s->choice.variant->form == DT_FUSED ? rows * DT_PEAKS : 0);
    x->scores = take(workspace, &used, rows * (online ? cols : keys));
    x->c2p = take(workspace, &used, rows * (size_t)s->c2p_stride);
    x->p2c = take(workspace, &used, (size_t)s->p2c_blocks * (size_t)s->p2c_slots * cols);
    return used;
}

static void set_sizes(struct dt_attention_setup *s)
{
    const struct dt_problem *p = s->problem;
    const struct dt_delta *delta = s->delta;
    const enum dt_strategy strategy = s->choice.variant->strategy;
    const struct dt_tile tile = s->choice.tile;
    s->rows = least(tile.rows ? round_up(tile.rows, DT_ROW_STEP) : DEFAULT_SIDE,
                    round_up(p->nq, DT_ROW_STEP));
    s->cols = least(tile.cols ? round_up(tile.cols, DT_COLUMN_STEP) : DEFAULT_SIDE,
                    round_up(p->nk, DT_COLUMN_STEP));
    s->chunk =
        s->choice.chunk && s->choice.chunk < p->nq ? round_up(s->choice.chunk, s->rows) : p->nq;
    s->chunks = (p->nq + s->chunk - 1) / s->chunk;
    s->all.last = (int64_t)p->batch * p->heads * s->chunks;
    s->keys = round_up(p->nk, s->cols);
    s->dim_stride = round_up(p->dim, DT_COLUMN_STEP);
    s->most_rows = greatest(s->rows, LEAST_PRODUCT_ROWS);
    if (p->terms & DT_C2P) {
        const int32_t slots = strategy == DT_TABLE    ? delta->slots
                              : strategy == DT_ACTIVE ? reach(delta, s->rows, p->nk)
                                                      : reach(delta, s->rows, s->cols);
        s->c2p_stride = round_up(slots, DT_COLUMN_STEP) + 2 * DT_COLUMN_STEP + 2 * DT_ENTRY_MARGIN;
    }
    if (p->terms & DT_P2C) {
        const int32_t slots = strategy == DT_TABLE    ? delta->slots
                              : strategy == DT_ACTIVE ? reach(delta, s->chunk, s->cols)
                                                      : reach(delta, s->rows, s->cols);
        s->p2c_margin = round_up(reach(delta, DT_ENTRY_MARGIN + 1, 1), DT_ROW_STEP);
        s->p2c_slots = round_up(slots, DT_ROW_STEP) + 2 * s->p2c_margin;
        s->p2c_blocks = strategy == DT_BANDED ? 1 : s->keys / s->cols;
    }
}

static enum dt_status check_parts(const struct dt_choice *c, const struct dt_problem *p,
                                  const struct dt_delta *delta, struct dt_error *error)
{
    const struct {
        const struct dt_variant *variant;
        enum dt_op op;
    } parts[] = {{c->gemm, DT_OP_GEMM}, {c->softmax, DT_OP_SOFTMAX}, {c->bias, DT_OP_BIAS}};
    char text[DT_PROBLEM_TEXT_MAX];
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++) {
        const enum dt_op op = parts[n].op;
        if (op == DT_OP_BIAS && p->terms == 0)
            continue;
        if (!parts[n].variant)
            return dt_error_set(error, DT_INVALID, "%s names no variant of %s", c->variant->name,
                                dt_op_name(op));
        struct dt_problem class = dt_problem_class(op, p);
        class.layout = DT_SLOT_MAJOR;
        if (!dt_part_fits(c->variant, parts[n].variant))
            return dt_error_set(error, DT_UNSUPPORTED, "%s cannot be a part of %s",
                                parts[n].variant->name, c->variant->name);
        if (!dt_variant_applies(parts[n].variant, op, &class, delta))
            return dt_error_set(error, DT_UNSUPPORTED, "%s cannot compute \"%s\" on this CPU",
                                parts[n].variant->name, dt_problem_print(&class, text));
    }
    return DT_OK;
}

void dt_attention_sizes(struct dt_attention_setup *s, const struct dt_choice *choice,
                        const struct dt_problem *p, const struct dt_delta *delta, int32_t threads)
{
    *s = (struct dt_attention_setup){.problem = p,
                                     .delta = delta,
                                     .choice = *choice,
                                     .chunk = p->nq,
                                     .chunks = 1,
                                     .all.last = (int64_t)p->batch * p->heads,
                                     .threads = threads};
    if (choice->variant->strategy == DT_DIRECT) {
        s->workspace = 2 * lines((size_t)p->nk) + lines((size_t)p->dim) +
                       lines((size_t)delta->slots + DT_COLUMN_STEP);
        return;
    }
    set_sizes(s);
    struct dt_attention_arrays unplaced;
    s->workspace = dt_attention_lay_out(s, NULL, &unplaced);
}

enum dt_status dt_attention_setup_init(struct dt_attention_setup *s, const struct dt_choice *choice,
                                       const struct dt_problem *p, const struct dt_delta *delta,
                                       int32_t threads, struct dt_error *error)
{
    const bool direct = choice->variant->strategy == DT_DIRECT;
    *s = (struct dt_attention_setup){0};
    enum dt_status status = direct ? DT_OK : check_parts(choice, p, delta, error);
    if (status)
        return status;
    dt_attention_sizes(s, choice, p, delta, threads);
    if (!direct && !resolve_all(s)) {
        dt_attention_setup_clear(s);
        return dt_error_set(error, DT_UNSUPPORTED, "%s cannot make the products of %s",
                            choice->gemm->name, choice->variant->name);
    }
    return DT_OK;
}

void dt_attention_setup_clear(struct dt_attention_setup *s)
{
    free(s->score.gemm);
    free(s->c2p.gemm);
    free(s->pv.gemm);
    s->score.gemm = s->c2p.gemm = s->pv.gemm = NULL;
}
