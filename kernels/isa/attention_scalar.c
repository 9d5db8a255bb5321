/* SPDX-License-Identifier: MIT */
#include "kernels/variant.h"

#include <math.h>
#include <string.h>

static float dot(const float *x, const float *y, int32_t dim)
{
    float sum = 0;
    for (int32_t c = 0; c < dim; c++)
        sum += x[c] * y[c];
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

/* Queries and keys first ... first + nq/nk - 1 of one head; `origin` is that of dt_bias_args. */
static void attend(const struct dt_attention_args *a, int32_t b, int32_t h, int32_t first,
                   int32_t nq, int32_t nk)
{
    const struct dt_problem *p = a->problem;
    const float f = (float)dt_problem_scale(p);
    const int32_t *slots = a->delta->slot + a->delta->nq - 1;
    const float *q = a->q + b * a->q_batch + h * a->q_head + first * a->q_row;
    const float *k = a->k + b * a->k_batch + h * a->k_head + first * a->k_row;
    const float *v = a->v + b * a->v_batch + h * a->v_head + first * a->v_row;
    const float *kr = p->terms & DT_C2P ? a->kr + h * a->position_head : NULL;
    const float *qr = p->terms & DT_P2C ? a->qr + h * a->position_head : NULL;
    float *out = a->out + b * a->out_batch + h * a->out_head + first * a->out_row;
    float *score = a->workspace;
    uint8_t *allowed = (uint8_t *)(a->workspace + p->nk);

    for (int32_t i = 0; i < nq; i++, q += a->q_row, out += a->out_row) {
        for (int32_t j = 0; j < nk; j++) {
            const float *kj = k + j * a->k_row;
            const ptrdiff_t position = slots[j - i] * a->position_row;
            score[j] = dot(q, kj, p->dim);
            if (kr)
                score[j] += dot(q, kr + position, p->dim);
            if (qr)
                score[j] += dot(kj, qr + position, p->dim);
            score[j] *= f;
            allowed[j] = a->segments || dt_mask_allows(&a->mask, p, b, i, j);
        }
        const bool any = weigh(score, allowed, nk, p->dialect);
        const bool uniform = any && !memchr(allowed, 1, (size_t)nk);
        memset(out, 0, (size_t)p->dim * sizeof *out);
        for (int32_t j = 0; any && j < nk; j++)
            if (allowed[j] || uniform)
                for (int32_t c = 0; c < p->dim; c++)
                    out[c] += score[j] * v[j * a->v_row + c];
    }
}

static void attention_plain(const struct dt_attention_args *a)
{
    const struct dt_problem *p = a->problem;
    for (int32_t b = 0; b < p->batch; b++)
        for (int32_t h = 0; h < p->heads; h++)
            if (!a->segments)
                attend(a, b, h, 0, p->nq, p->nk);
            else
                for (int32_t s = 0; s < a->segment_count; s++) {
                    const int32_t length = a->segments[s + 1] - a->segments[s];
                    attend(a, b, h, a->segments[s], length, length);
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
