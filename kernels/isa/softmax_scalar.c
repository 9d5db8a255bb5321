/* SPDX-License-Identifier: MIT */
#include "kernels/variant.h"

#include <math.h>

static void softmax_row(float *x, const uint8_t *allowed, int32_t n, enum dt_dialect dialect)
{
    float max = -INFINITY, sum = 0;
    int32_t keys = 0;
    for (int32_t j = 0; j < n; j++)
        if (!allowed || allowed[j]) {
            keys++;
            if (isnan(x[j]) || x[j] > max)
                max = isnan(max) ? max : x[j];
        }
    if (keys == 0) {
        for (int32_t j = 0; j < n; j++)
            x[j] = dialect == DT_HF ? 1.0f / (float)n : 0;
        return;
    }
    for (int32_t j = 0; j < n; j++)
        if (!allowed || allowed[j])
            sum += x[j] = expf(x[j] - max);
        else
            x[j] = 0;
    for (int32_t j = 0; j < n; j++)
        if (!allowed || allowed[j])
            x[j] /= sum;
}

static void softmax_plain(const struct dt_softmax_args *a)
{
    for (int32_t i = 0; i < a->rows; i++)
        softmax_row(a->x + i * a->stride, a->allowed ? a->allowed + i * a->allowed_stride : NULL,
                    a->cols, a->dialect);
}

static const struct dt_variant rows[] = {
    {
        .name = "softmax.scalar.plain",
        .idea = "three passes over a row with libm's expf; the baseline",
        .op = DT_OP_SOFTMAX,
        .error_eps = 4,
        .run.softmax = softmax_plain,
    },
};

const struct dt_variant_table dt_softmax_scalar = {rows, sizeof rows / sizeof *rows};
