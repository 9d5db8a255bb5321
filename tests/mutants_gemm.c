/* SPDX-License-Identifier: MIT */
#include "tests/mutants_gemm.h"

#include <math.h>

enum flaw {
    RIGHT,
    NO_COLUMN_TAIL,
    NO_ROW_TAIL,
    SHORT_SUM,
    NEVER_ACCUMULATES,
    ALWAYS_ACCUMULATES,
    SCALES_OLD,
    TRANSPOSED,
    DENSE_B,
    TWO_SUMS,
    FALLING,
    OLD_LAST,
    TAIL_BY_SIZE,
    PADDED_SUM,
};

static float b_at(const struct dt_gemm_shape *s, const float *b, int32_t l, int32_t j,
                  enum flaw flaw)
{
    if (flaw == TRANSPOSED && s->k == s->n)
        return b[j * s->b_stride + l];
    return b[l * (flaw == DENSE_B ? s->n : s->b_stride) + j];
}

static float element(const struct dt_gemm_shape *s, const float *a, const float *b, float old,
                     int32_t j, enum flaw flaw)
{
    const bool odd_tail = flaw == TAIL_BY_SIZE && s->n % 2 == 1 && j == s->n - 1;
    const int32_t k = flaw == SHORT_SUM ? s->k - 1 : s->k;
    float sum[2] = {old, 0};
    if (flaw == OLD_LAST)
        sum[0] = 0;
    for (int32_t step = 0; step < k; step++) {
        const int32_t l = flaw == FALLING || odd_tail ? k - 1 - step : step;
        float *to = &sum[flaw == TWO_SUMS ? l % 2 : 0];
        *to = fmaf(a[l], b_at(s, b, l, j, flaw), *to);
    }
    return flaw == OLD_LAST ? sum[0] + old : flaw == TWO_SUMS ? sum[0] + sum[1] : sum[0];
}

static void multiply(const struct dt_gemm *gemm, const float *a, const float *b, float *c,
                     enum flaw flaw)
{
    const struct dt_gemm_shape *s = &gemm->shape;
    const int32_t rows = flaw == NO_ROW_TAIL ? s->m / 3 * 3 : s->m;
    const int32_t cols = flaw == NO_COLUMN_TAIL ? s->n / 4 * 4 : s->n;
    const bool accumulate =
        flaw == ALWAYS_ACCUMULATES || (s->accumulate && flaw != NEVER_ACCUMULATES);
    for (int32_t i = 0; i < rows; i++)
        for (int32_t j = 0; j < cols; j++) {
            float *at = &c[i * s->c_stride + j];
            const float old = accumulate ? *at : flaw == SCALES_OLD ? 0 * *at : 0;
            *at = element(s, a + i * s->a_stride, b, old, j, flaw);
            if (flaw == PADDED_SUM && i + 1 < s->m && s->a_stride > s->k)
                *at += a[i * s->a_stride + s->k];
        }
}

#define MUTANT(name, flaw)                                                                         \
    static void run_##name(const struct dt_gemm *gemm, const float *a, const float *b, float *c)   \
    {                                                                                              \
        multiply(gemm, a, b, c, flaw);                                                             \
    }                                                                                              \
    RESOLVE(name)
#define RESOLVE(name)                                                                              \
    bool mutant_gemm_##name(const struct dt_gemm_shape *shape, struct dt_gemm *gemm)               \
    {                                                                                              \
        *gemm = (struct dt_gemm){run_##name, *shape, 0};                                           \
        return true;                                                                               \
    }

MUTANT(right, RIGHT)
MUTANT(no_column_tail, NO_COLUMN_TAIL)
MUTANT(no_row_tail, NO_ROW_TAIL)
MUTANT(short_sum, SHORT_SUM)
MUTANT(never_accumulates, NEVER_ACCUMULATES)
MUTANT(always_accumulates, ALWAYS_ACCUMULATES)
MUTANT(scales_old, SCALES_OLD)
MUTANT(transposed, TRANSPOSED)
MUTANT(dense_b, DENSE_B)
MUTANT(two_sums, TWO_SUMS)
MUTANT(falling, FALLING)
MUTANT(old_last, OLD_LAST)
MUTANT(tail_by_size, TAIL_BY_SIZE)
MUTANT(padded_sum, PADDED_SUM)

bool mutant_gemm_unresolved(const struct dt_gemm_shape *shape, struct dt_gemm *gemm)
{
    return shape->n % 5 != 0 && mutant_gemm_right(shape, gemm);
}

static void run_writes_past(const struct dt_gemm *gemm, const float *a, const float *b, float *c)
{
    const struct dt_gemm_shape *s = &gemm->shape;
    multiply(gemm, a, b, c, RIGHT);
    for (int32_t i = 0; i + 1 < s->m; i++)
        if (s->c_stride > s->n)
            c[i * s->c_stride + s->n] = 0;
}
RESOLVE(writes_past)

static volatile float sink;

static void run_reads_past(const struct dt_gemm *gemm, const float *a, const float *b, float *c)
{
    const volatile float *row = b + gemm->shape.k * gemm->shape.b_stride;
    multiply(gemm, a, b, c, RIGHT);
    sink = *row;
}
RESOLVE(reads_past)

static void run_writes_input(const struct dt_gemm *gemm, const float *a, const float *b, float *c)
{
    multiply(gemm, a, b, c, RIGHT);
    ((float *)b)[0] += 1;
}
RESOLVE(writes_input)

/* More than one, as the compiler saves those that the function itself uses. */
/* Out of line, so that the mutant has no use for the registers and does not restore them. */
static __attribute__((noinline)) void multiply_right(const struct dt_gemm *gemm, const float *a,
                                                     const float *b, float *c)
{
    multiply(gemm, a, b, c, RIGHT);
}

static void run_clobbers_register(const struct dt_gemm *gemm, const float *a, const float *b,
                                  float *c)
{
    multiply_right(gemm, a, b, c);
#if defined(__x86_64__)
    __asm__ volatile("movq $1, %rbx\n movq $1, %r12\n movq $1, %r14\n movq $1, %r15");
#elif defined(__aarch64__)
    __asm__ volatile("mov x19, #1\n mov x22, #1\n mov x27, #1\n mov x28, #1");
#endif
}
RESOLVE(clobbers_register)
