/* SPDX-License-Identifier: MIT */
#include "tests/mutants_attention.h"

#include "kernels/setup.h"
#include "tests/mutants_slot.h"

enum flaw {
    NO_FLAW,
    NO_ROOT,
    NO_ROW_OFFSET,
    NO_POSITION_OFFSET,
    MASKED_LEAK,
    NO_MAXIMUM,
    OTHER_EMPTY_ROW,
    MASK_OF_FIRST_ROW,
};

struct call {
    const struct dt_attention_setup *setup;
    const struct dt_attention *io;
    const struct dt_attention_work *work;
    float *workspace;
};

struct row {
    const struct call *a;
    enum slot_rule rule;
    enum flaw flaw;
    int32_t b, h, i, first, end; /* keys first ... end - 1 */
};

static double dot(const float *x, const float *y, int32_t dim)
{
    double sum = 0;
    for (int32_t c = 0; c < dim; c++)
        sum += (double)x[c] * y[c];
    return sum;
}

static bool allows(const struct row *row, int32_t j)
{
    const struct call *a = row->a;
    const int32_t b = row->flaw == MASK_OF_FIRST_ROW ? 0 : row->b;
    return a->io->segments || dt_mask_allows(a->io, a->setup->problem, b, row->i, j);
}

/* k with a row of the packed Qr, and q with one of the packed Kr. */
static double with_qr(const struct row *row, const float *k, int32_t slot)
{
    const struct dt_positions *x = row->a->io->positions;
    return dot(k, x->qr + row->h * x->qr_head + (ptrdiff_t)slot * x->shape.dim, x->shape.dim);
}

static double with_kr(const struct row *row, const float *q, int32_t slot)
{
    const struct dt_positions *x = row->a->io->positions;
    const float *block = x->kr + row->h * x->kr_head +
                         (ptrdiff_t)(slot / DT_SLOT_BLOCK) * x->shape.dim * DT_SLOT_BLOCK;
    double sum = 0;
    for (int32_t c = 0; c < x->shape.dim; c++)
        sum += (double)q[c] * block[c * DT_SLOT_BLOCK + slot % DT_SLOT_BLOCK];
    return sum;
}

static double score(const struct row *row, int32_t j)
{
    const struct call *a = row->a;
    const struct dt_problem *p = a->setup->problem;
    const double f = dt_problem_scale(p);
    const float *q =
        a->io->q + row->b * a->io->q_batch + row->h * a->io->q_head + row->i * a->io->q_row;
    const float *k = a->io->k + row->b * a->io->k_batch + row->h * a->io->k_head + j * a->io->k_row;
    const int32_t r = row->flaw == NO_POSITION_OFFSET ? row->i + row->first - j : row->i - j;
    double sum = dot(q, k, p->dim);
    if (p->terms & DT_C2P)
        sum += with_kr(row, q, mutant_slot(p, r, row->rule == PAPER_SIGN ? RIGHT : row->rule));
    sum *= f;
    if (p->terms & DT_P2C)
        sum += with_qr(row, k, mutant_slot(p, r, row->rule));
    return sum * (row->flaw == NO_ROOT ? f : 1);
}

static void attend(const struct row *row)
{
    const struct call *a = row->a;
    const struct dt_problem *p = a->setup->problem;
    const float *v = a->io->v + row->b * a->io->v_batch + row->h * a->io->v_head;
    float *out =
        a->io->out + row->b * a->io->out_batch + row->h * a->io->out_head + row->i * a->io->out_row;
    float *weight = a->workspace;
    double max = -INFINITY, sum = 0;
    int32_t keys = 0;
    for (int32_t j = row->first; j < row->end; j++) {
        weight[j] = (float)score(row, j);
        if (!allows(row, j))
            continue;
        keys++;
        if (isnan(weight[j]) || weight[j] > max)
            max = isnan(max) ? max : (double)weight[j];
    }
    if (row->flaw == NO_MAXIMUM)
        max = 0;
    const bool uniform = keys == 0 && (p->dialect == DT_HF) != (row->flaw == OTHER_EMPTY_ROW);
    for (int32_t j = row->first; j < row->end; j++) {
        weight[j] = uniform ? 1 : allows(row, j) ? expf((float)(weight[j] - max)) : 0;
        sum += weight[j];
    }
    for (int32_t c = 0; c < p->dim; c++) {
        double x = 0;
        for (int32_t j = row->first; j < row->end; j++) {
            const int32_t at = row->flaw == NO_ROW_OFFSET ? j - row->first : j;
            if (uniform || allows(row, j) || row->flaw == MASKED_LEAK)
                x += (double)weight[j] * v[at * a->io->v_row + c];
        }
        out[c] = (float)(keys || uniform ? x / sum : 0);
    }
}

static void attention_by(const struct call *a, enum slot_rule rule, enum flaw flaw)
{
    for (int64_t n = a->work->first; n < a->work->last; n++) {
        const struct dt_attention_item item = dt_attention_item_at(a->setup, a->io, n);
        struct row row = {.a = a, .rule = rule, .flaw = flaw, .b = item.b, .h = item.h};
        row.first = item.first;
        row.end = item.first + item.nk;
        for (row.i = item.first + item.query_begin; row.i < item.first + item.query_end; row.i++)
            attend(&row);
    }
}

/* Changes one element of the first item. */
static void nudge(const struct call *a)
{
    const struct dt_attention_item x = dt_attention_item_at(a->setup, a->io, a->work->first);
    float *out = a->io->out + x.b * a->io->out_batch + x.h * a->io->out_head +
                 (x.first + x.query_begin) * a->io->out_row;
    out[0] = nextafterf(out[0], INFINITY);
}

static void order(const struct call *a)
{
    attention_by(a, RIGHT, NO_FLAW);
    if (a->work->first > 0)
        nudge(a);
}

static void last_item(const struct call *a)
{
    struct call some = *a;
    struct dt_attention_work work = *a->work;
    work.last -= work.last > work.first + 1;
    some.work = &work;
    attention_by(&some, RIGHT, NO_FLAW);
}

static volatile float sink;

static void beyond_workspace(const struct call *a)
{
    const volatile float *workspace = a->workspace;
    attention_by(a, RIGHT, NO_FLAW);
    sink = workspace[a->setup->workspace];
}

static void unset_workspace(const struct call *a)
{
    const float left = a->workspace[a->setup->workspace - 1];
    attention_by(a, RIGHT, NO_FLAW);
    a->io->out[0] += 0 * left;
}

static void beyond_positions(const struct call *a)
{
    attention_by(a, RIGHT, NO_FLAW);
    const struct dt_positions *x = a->io->positions;
    if (x && x->qr)
        sink = ((const volatile float *)x->qr)[x->shape.heads * x->qr_head];
}

static void threads(const struct call *a)
{
    attention_by(a, RIGHT, NO_FLAW);
    if (a->setup->threads > 1)
        nudge(a);
}

#define MUTANT(name)                                                                               \
    void mutant_attention_##name(const struct dt_attention_setup *setup,                           \
                                 const struct dt_attention *io,                                    \
                                 const struct dt_attention_work *work, float *workspace)           \
    {                                                                                              \
        name(&(struct call){setup, io, work, workspace});                                          \
    }

MUTANT(order)
MUTANT(threads)
MUTANT(last_item)
MUTANT(beyond_workspace)
MUTANT(unset_workspace)
MUTANT(beyond_positions)

#define ATTENTION_BY(name, rule, flaw)                                                             \
    static void name(const struct call *a) { attention_by(a, rule, flaw); }                        \
    MUTANT(name)

ATTENTION_BY(right, RIGHT, NO_FLAW)
ATTENTION_BY(paper_sign, PAPER_SIGN, NO_FLAW)
ATTENTION_BY(position_is_two_spans, POSITION_IS_TWO_SPANS, NO_FLAW)
ATTENTION_BY(no_span, NO_SPAN, NO_FLAW)
ATTENTION_BY(swapped, SWAPPED, NO_FLAW)
ATTENTION_BY(other_dialect, OTHER_DIALECT, NO_FLAW)
ATTENTION_BY(off_at_last, OFF_AT_LAST, NO_FLAW)
ATTENTION_BY(no_root, RIGHT, NO_ROOT)
ATTENTION_BY(no_row_offset, RIGHT, NO_ROW_OFFSET)
ATTENTION_BY(no_position_offset, RIGHT, NO_POSITION_OFFSET)
ATTENTION_BY(masked_leak, RIGHT, MASKED_LEAK)
ATTENTION_BY(no_maximum, RIGHT, NO_MAXIMUM)
ATTENTION_BY(other_empty_row, RIGHT, OTHER_EMPTY_ROW)
ATTENTION_BY(mask_of_first_row, RIGHT, MASK_OF_FIRST_ROW)
