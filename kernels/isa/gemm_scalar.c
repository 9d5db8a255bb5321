/* SPDX-License-Identifier: MIT */
#include "kernels/variant.h"

static void run_plain(const struct dt_gemm *gemm, const float *a, const float *b, float *c)
{
    const struct dt_gemm_shape *s = &gemm->shape;
    for (int32_t i = 0; i < s->m; i++, a += s->a_stride, c += s->c_stride)
        for (int32_t j = 0; j < s->n; j++) {
            float sum = s->accumulate ? c[j] : 0;
            for (int32_t l = 0; l < s->k; l++)
                sum += a[l] * b[l * s->b_stride + j];
            c[j] = sum;
        }
}

static bool resolve_plain(const struct dt_gemm_shape *shape, struct dt_gemm *gemm)
{
    *gemm = (struct dt_gemm){run_plain, *shape, NULL};
    return true;
}

static const struct dt_variant rows[] = {
    {
        .name = "gemm.scalar.plain",
        .idea = "a dot product an element; the baseline",
        .op = DT_OP_GEMM,
        .rows_multiple = 1,
        .cols_multiple = 1,
        .error_eps = 2,
        .run.gemm = resolve_plain,
    },
};

const struct dt_variant_table dt_gemm_scalar = {rows, sizeof rows / sizeof *rows};
