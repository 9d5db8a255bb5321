/* SPDX-License-Identifier: MIT */
#include "kernels/setup.h"

#include <math.h>
#include <string.h>

static float dot(const float *x, const float *y, int32_t dim)
{
    float sum = 0;
    for (int32_t c = 0; c < dim; c++)
        sum += x[c] * y[c];
    return sum;
}

/* The same with a row of Kr, which lies in a column of its block. */
static float dot_kr(const float *q, const struct dt_positions *x, int32_t h, int32_t slot)
{
    const float *kr = x->kr + h * x->kr_head +
                      (ptrdiff_t)(slot / DT_SLOT_BLOCK) * x->dim * DT_SLOT_BLOCK +
                      slot % DT_SLOT_BLOCK;
    float sum = 0;
    for (int32_t c = 0; c < x->dim; c++)
        sum += q[c] * kr[c * DT_SLOT_BLOCK];
    return sum;
}

/* Turns scores into weights in place; false if the row attends to nothing and yields 0. */
static bool weigh(float *score, const uint8_t *allowed, int32_t n, enum dt_dialect dialect)
{
    float max = -INFINITY, sum = 0;
    bool any = false;
    for (int32_t j = 0; j < n; j++)
        if (allowed[j]) {
            any = true;
            if (isnan(score[j]) || score[j] > max)
                max = isnan(max) ? max : score[j];
        }
    for (int32_t j = 0; any && j < n; j++)
        sum += score[j] = allowed[j] ? expf(score[j] - max) : 0;
    for (int32_t j = 0; j < n; j++)
        score[j] = any ? score[j] / sum : 1 / (float)n;
    return any || dialect == DT_HF;
}

static void attend(const struct dt_attention_args *a, const struct dt_attention_item *x)
{
    const struct dt_problem *p = a->problem;
    const struct dt_positions *positions = a->positions;
    const float f = (float)dt_problem_scale(p);
    const int32_t *slots = a->delta->slot + a->delta->nq - 1;
    const float *q = a->q + x->b * a->q_batch + x->h * a->q_head + x->first * a->q_row;
    const float *k = a->k + x->b * a->k_batch + x->h * a->k_head + x->first * a->k_row;
    const float *v = a->v + x->b * a->v_batch + x->h * a->v_head + x->first * a->v_row;
    float *out = a->out + x->b * a->out_batch + x->h * a->out_head + x->first * a->out_row;
    float *score = a->workspace;
    uint8_t *allowed = (uint8_t *)(a->workspace + p->nk);

    for (int32_t i = 0; i < x->nq; i++, q += a->q_row, out += a->out_row) {
        for (int32_t j = 0; j < x->nk; j++) {
            const float *kj = k + j * a->k_row;
            const int32_t slot = slots[j - i];
            score[j] = f * dot(q, kj, p->dim);
            if (p->terms & DT_C2P)
                score[j] += f * dot_kr(q, positions, x->h, slot);
            if (p->terms & DT_P2C)
                score[j] +=
                    dot(kj, positions->qr + x->h * positions->qr_head + slot * p->dim, p->dim);
            allowed[j] = a->segments || dt_mask_allows(&a->mask, p, x->b, i, j);
        }
        const bool any = weigh(score, allowed, x->nk, p->dialect);
        const bool uniform = any && !memchr(allowed, 1, (size_t)x->nk);
        memset(out, 0, (size_t)p->dim * sizeof *out);
        for (int32_t j = 0; any && j < x->nk; j++)
            if (allowed[j] || uniform)
                for (int32_t c = 0; c < p->dim; c++)
                    out[c] += score[j] * v[j * a->v_row + c];
    }
}

static void attention_plain(const struct dt_attention_args *a)
{
    for (int64_t n = a->first; n < a->last; n++) {
        const struct dt_attention_item item = dt_attention_item_at(a, n);
        attend(a, &item);
    }
}

static const struct dt_variant rows[] = {
    {
        .name = "attention.scalar.plain",
        .idea = "three dot products a pair, one row of scores at a time; the baseline",
        .op = DT_OP_ATTENTION,
        .error_eps = 4,
        .run.attention = attention_plain,
    },
};

const struct dt_variant_table dt_attention_scalar = {rows, sizeof rows / sizeof *rows};
