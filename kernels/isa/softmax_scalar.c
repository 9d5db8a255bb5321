/* SPDX-License-Identifier: MIT */
#include "kernels/variant.h"

#include <math.h>

struct row {
    float *x;
    const uint8_t *allowed;
    int32_t cols;
};

static struct row row_of(const struct dt_softmax_args *a, int32_t i)
{
    return (struct row){a->x + i * a->stride,
                        a->allowed ? a->allowed + i * a->allowed_stride : NULL, a->cols};
}

static bool is_key(const struct row *row, int32_t j) { return !row->allowed || row->allowed[j]; }

static float greatest(const struct row *row, float max)
{
    for (int32_t j = 0; j < row->cols; j++)
        if (is_key(row, j) && (isnan(row->x[j]) || row->x[j] > max))
            max = isnan(max) ? max : row->x[j];
    return max;
}

/* Scores become weights; returns their sum. */
static float weigh(const struct row *row, float max)
{
    float sum = 0;
    for (int32_t j = 0; j < row->cols; j++) {
        row->x[j] = is_key(row, j) && max != -INFINITY ? expf(row->x[j] - max) : 0;
        sum += row->x[j];
    }
    return sum;
}

static void divide(const struct row *row, float sum, enum dt_dialect dialect)
{
    int32_t keys = 0;
    for (int32_t j = 0; j < row->cols; j++)
        if (is_key(row, j)) {
            row->x[j] /= sum;
            keys++;
        }
    for (int32_t j = 0; keys == 0 && j < row->cols; j++)
        row->x[j] = dialect == DT_HF ? 1.0f / (float)row->cols : 0;
}

static void softmax_plain(const struct dt_softmax_args *a)
{
    for (int32_t i = 0; i < a->rows; i++) {
        const struct row row = row_of(a, i);
        const float old = a->pass == DT_SOFTMAX_WHOLE ? -INFINITY : a->max[i];
        const float max = a->pass == DT_SOFTMAX_EXP ? old : greatest(&row, old);
        if (a->pass == DT_SOFTMAX_ONLINE) {
            a->factor[i] = max == -INFINITY ? 1 : expf(old - max);
            a->sum[i] *= a->factor[i];
        }
        if (a->pass == DT_SOFTMAX_WHOLE)
            divide(&row, weigh(&row, max), a->dialect);
        if (a->pass == DT_SOFTMAX_MAX || a->pass == DT_SOFTMAX_ONLINE)
            a->max[i] = max;
        if (a->pass == DT_SOFTMAX_EXP || a->pass == DT_SOFTMAX_ONLINE)
            a->sum[i] += weigh(&row, max);
    }
}

static const struct dt_variant rows[] = {
    {
        .name = "softmax.scalar.plain",
        .idea = "one column at a time with libm's expf; the baseline",
        .op = DT_OP_SOFTMAX,
        .error_eps = 4,
        .run.softmax = softmax_plain,
    },
};

const struct dt_variant_table dt_softmax_scalar = {rows, sizeof rows / sizeof *rows};
