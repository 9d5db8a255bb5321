/* SPDX-License-Identifier: MIT */
#include "kernels/reference.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>

static double bucket(const struct dt_problem *p, double r)
{
    if (p->bucket == DT_LINEAR)
        return r;
    const double far = p->max_position - 1.0;
    const double mid = floor(p->span / 2.0);
    if (p->dialect == DT_MS)
        r = fmax(-far, fmin(far, r));
    if (fabs(r) <= mid)
        return r;
    if (fabs(r) == far)
        return copysign(2 * mid - 1, r); /* ln(far / mid) / ln(far / mid) = 1 */
    const double steps = log(fabs(r) / mid) / log(far / mid) * (mid - 1);
    const double whole = round(steps);
    return copysign((fabs(steps - whole) < 1e-9 ? whole : ceil(steps)) + mid, r);
}

int32_t dt_reference_slot(const struct dt_problem *p, int64_t r)
{
    return (int32_t)fmax(0, fmin(2.0 * p->span - 1, bucket(p, (double)r) + p->span));
}

void dt_reference_bias(const struct dt_problem *p, const struct dt_bias *io, double *out,
                       double *scale)
{
    for (int32_t i = 0; i < p->nq; i++)
        for (int32_t j = 0; j < p->nk; j++) {
            const ptrdiff_t slot = dt_reference_slot(p, (int64_t)i - j);
            const ptrdiff_t at = (ptrdiff_t)i * p->nk + j;
            double term[3] = {io->scores[i * io->scores_row + j], 0, 0};
            if (p->terms & DT_C2P)
                term[1] = io->c2p[i * io->c2p_row + slot];
            if (p->terms & DT_P2C)
                term[2] = p->layout == DT_KEY_MAJOR ? io->p2c[j * io->p2c_row + slot]
                                                    : io->p2c[slot * io->p2c_row + j];
            out[at] = term[0] + term[1] + term[2];
            if (scale)
                scale[at] = fabs(term[0]) + fabs(term[1]) + fabs(term[2]);
        }
}

/* x[0 ... n) in place; allowed[j] == 0 masks key j, NULL allows all. Returns the maximum. */
static double softmax_row(double *x, const uint8_t *allowed, int32_t n, enum dt_dialect dialect)
{
    double max = -INFINITY, sum = 0;
    int32_t keys = 0;
    for (int32_t j = 0; j < n; j++)
        if (!allowed || allowed[j]) {
            keys++;
            if (isnan(x[j]) || x[j] > max)
                max = isnan(max) ? max : x[j];
        }
    for (int32_t j = 0; j < n; j++) {
        if (keys == 0)
            x[j] = dialect == DT_HF ? 1.0 / n : 0;
        else if (allowed && !allowed[j])
            x[j] = 0;
        else
            sum += x[j] = exp(x[j] - max);
    }
    for (int32_t j = 0; keys > 0 && j < n; j++)
        if (!allowed || allowed[j])
            x[j] /= sum;
    return max;
}

void dt_reference_softmax(const struct dt_softmax_args *a, double *out, double *scale)
{
    for (int32_t i = 0; i < a->rows; i++) {
        const float *x = a->x + i * a->stride;
        double *row = out + (ptrdiff_t)i * a->cols;
        for (int32_t j = 0; j < a->cols; j++)
            row[j] = x[j];
        double max = softmax_row(row, a->allowed ? a->allowed + i * a->allowed_stride : NULL,
                                 a->cols, a->dialect);
        for (int32_t j = 0; scale && j < a->cols; j++) {
            double distance = isfinite(x[j] - max) ? fabs(x[j] - max) : 0;
            scale[(ptrdiff_t)i * a->cols + j] = row[j] * (1 + distance) + 0x1p-126;
        }
    }
}

void dt_reference_gemm(const struct dt_gemm_shape *s, const float *a, const float *b,
                       const float *c, double *out, double *scale)
{
    for (int32_t i = 0; i < s->m; i++)
        for (int32_t j = 0; j < s->n; j++) {
            const ptrdiff_t at = (ptrdiff_t)i * s->n + j;
            double sum = s->accumulate ? c[i * s->c_stride + j] : 0, magnitude = fabs(sum);
            for (int32_t l = 0; l < s->k; l++) {
                const double product = (double)a[i * s->a_stride + l] * b[l * s->b_stride + j];
                sum += product;
                magnitude += fabs(product);
            }
            out[at] = sum;
            if (scale)
                scale[at] = magnitude + 0x1p-126;
        }
}

/* x.y over `dim` elements; adds the sum of magnitudes to *magnitude. */
static double dot(const float *x, const float *y, int32_t dim, double *magnitude)
{
    double sum = 0;
    for (int32_t c = 0; c < dim; c++) {
        sum += (double)x[c] * y[c];
        *magnitude += fabs((double)x[c] * y[c]);
    }
    return sum;
}

/* A range of queries and keys that attend to each other: a whole sequence or one segment. */
struct range {
    int32_t q0, q1, k0, k1;
};

static struct range range_of(const struct dt_problem *p, const struct dt_attention *io, int32_t s)
{
    if (io->segments)
        return (struct range){io->segments[s], io->segments[s + 1], io->segments[s],
                              io->segments[s + 1]};
    return (struct range){0, p->nq, 0, p->nk};
}

struct row_result {
    double *out;      /* [dim] */
    double *bias;     /* [nk] or NULL */
    double *scale;    /* one number or NULL */
    double *score;    /* scratch, [nk] */
    uint8_t *allowed; /* scratch, [nk] */
};

static void attend_row(const struct dt_problem *p, const struct dt_attention *io,
                       const struct dt_reference_positions *x, int32_t b, int32_t h, int32_t i,
                       const struct range *range, const struct row_result *to)
{
    const double f = dt_problem_scale(p);
    const float *q = io->q + b * io->q_batch + h * io->q_head + i * io->q_row;
    const float *k = io->k + b * io->k_batch + h * io->k_head;
    const float *v = io->v + b * io->v_batch + h * io->v_head;
    double largest_score = 0, largest_value = 0;

    for (int32_t j = range->k0; j < range->k1; j++) {
        const float *kj = k + j * io->k_row;
        const int32_t slot = dt_reference_slot(p, (int64_t)(i - range->q0) - (j - range->k0));
        const ptrdiff_t position = p->terms ? h * x->head + slot * x->row : 0;
        double magnitude = 0, terms = 0;
        double content = dot(q, kj, p->dim, &magnitude);
        if (p->terms & DT_C2P)
            terms += dot(q, x->kr + position, p->dim, &magnitude);
        if (p->terms & DT_P2C)
            terms += dot(kj, x->qr + position, p->dim, &magnitude);
        if (to->bias)
            to->bias[j] = f * terms;
        to->score[j] = f * (content + terms);
        to->allowed[j] = io->segments || dt_mask_allows(io, p, b, i, j);
        if (to->allowed[j])
            largest_score = fmax(largest_score, f * magnitude);
    }
    softmax_row(to->score + range->k0, to->allowed + range->k0, range->k1 - range->k0, p->dialect);
    for (int32_t c = 0; c < p->dim; c++) {
        to->out[c] = 0;
        for (int32_t j = range->k0; j < range->k1; j++)
            if (to->score[j] != 0 || to->allowed[j]) {
                to->out[c] += to->score[j] * v[j * io->v_row + c];
                largest_value = fmax(largest_value, fabs(v[j * io->v_row + c]));
            }
    }
    if (to->scale)
        *to->scale = largest_value * (1 + largest_score);
}

enum dt_status dt_reference_attention(const struct dt_problem *p, const struct dt_attention *io,
                                      const struct dt_reference_positions *positions, double *out,
                                      double *bias, double *scale, struct dt_error *error)
{
    double *score = calloc((size_t)p->nk, sizeof *score);
    uint8_t *allowed = calloc((size_t)p->nk, sizeof *allowed);
    if (!score || !allowed) {
        free(score);
        free(allowed);
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a row of %d keys", p->nk);
    }
    for (int32_t b = 0; b < p->batch; b++)
        for (int32_t h = 0; h < p->heads; h++)
            for (int32_t s = 0; s < (io->segments ? io->segment_count : 1); s++) {
                const struct range range = range_of(p, io, s);
                for (int32_t i = range.q0; i < range.q1; i++) {
                    const ptrdiff_t row = ((ptrdiff_t)b * p->heads + h) * p->nq + i;
                    const struct row_result to = {
                        .out = out + row * p->dim,
                        .bias = bias ? bias + row * p->nk : NULL,
                        .scale = scale ? scale + row : NULL,
                        .score = score,
                        .allowed = allowed,
                    };
                    for (int32_t j = 0; to.bias && j < p->nk; j++)
                        to.bias[j] = 0;
                    attend_row(p, io, positions, b, h, i, &range, &to);
                }
            }
    free(allowed);
    free(score);
    return DT_OK;
}
