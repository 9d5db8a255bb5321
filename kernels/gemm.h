/* SPDX-License-Identifier: MIT */
/* The contract of the operation `gemm`: a small product in f32, resolved once and called often. */
#ifndef DISENTUNE_GEMM_H
#define DISENTUNE_GEMM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * For 0 <= i < m, 0 <= j < n:
 *
 *     c[i][j] = (accumulate ? c[i][j] : 0) + sum of a[i][l] * b[l][j] over 0 <= l < k
 *
 * m, n, k >= 1. All three are row-major; strides count elements, are at least the row's length and
 * need not be aligned. Only the elements named are read and written; c overlaps neither a nor b.
 */
struct dt_gemm_shape {
    int32_t m, n, k;
    ptrdiff_t a_stride, b_stride, c_stride;
    bool accumulate;
};

struct dt_gemm;

/* Runs a resolved product. */
typedef void dt_gemm_fn(const struct dt_gemm *gemm, const float *a, const float *b, float *c);

/*
 * A product resolved for one shape: a plain value, immutable, that any number of threads may run at
 * once. It lives as long as the process.
 */
struct dt_gemm {
    dt_gemm_fn *run;
    struct dt_gemm_shape shape;
    const void *code; /* of the variant; NULL if it needs none */
};

/*
 * What a row of `gemm` holds: makes *gemm for the shape; false if it cannot, and then *gemm is
 * untouched. May allocate, lock and generate code.
 *
 * The sum runs over rising l, one rounding a step where the instruction set has fused
 * multiply-add, starting from c or 0. So the bits of an element depend on its row of a, its column
 * of b, k and accumulate alone: not on m, n, the strides or where it stands.
 */
typedef bool dt_gemm_resolve_fn(const struct dt_gemm_shape *shape, struct dt_gemm *gemm);

#endif
