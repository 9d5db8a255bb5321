/* SPDX-License-Identifier: MIT */
/*
 * The small product by libxsmm 1.17, which writes machine code for the very shape: strides, k and
 * the split into blocks are constants in it. The only file that knows libxsmm.
 *
 * libxsmm is column-major; a row-major matrix is the transposed one of it. So c^T = b^T a^T: our b
 * is its first operand, our n its m.
 *
 * Its registry finds code by shape, not by instruction set, so that a process has one target: the
 * widest that dt_cpu_host() allows. Code lives in the registry until the process ends.
 *
 * With AVX-512, where at most 16 columns remain beyond multiples of 64 and blocks have fewer than
 * 12 rows, its code keeps 2 or 4 sums of an element, of every second or fourth l, and adds them at
 * the end. The contract forbids that, so that a variant of our own computes these shapes. Attention
 * has them at most for a last block of keys.
 *
 * A dispatch takes 8 to 20 us for a new shape, 20 ns for a known one; the first takes 3 to 4 ms.
 */
#include "kernels/variant.h"

#include <libxsmm.h>
#include <limits.h>
#include <pthread.h>

static bool is_wide(void) { return (dt_cpu_host()->levels & DT_CPU_AVX512) != 0; }

static void set_target(void)
{
    libxsmm_init();
    libxsmm_set_target_archid(is_wide() ? LIBXSMM_X86_AVX512_CORE : LIBXSMM_X86_AVX2);
}

static void run_code(const struct dt_gemm *gemm, const float *a, const float *b, float *c)
{
    ((libxsmm_smmfunction)(uintptr_t)gemm->code)(b, a, c);
}

/* Blocks have at most 30 rows where c is one vector wide and at most 6 beside blocks of 4 vectors;
 * rows are split evenly. */
static bool splits_sums(const struct dt_gemm_shape *s)
{
    const int32_t rest = s->n % 64;
    return is_wide() && rest >= 1 && rest <= 16 && (s->n > 64 || s->m < 12);
}

static bool fits(ptrdiff_t stride) { return stride <= INT_MAX; }

static bool resolve_own(const struct dt_gemm_shape *shape, struct dt_gemm *gemm)
{
    const char *name = is_wide() ? "gemm.avx512.14x2" : "gemm.avx2.6x2";
    return dt_variant_find(name)->run.gemm(shape, gemm);
}

static bool resolve_code(const struct dt_gemm_shape *s, struct dt_gemm *gemm)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (splits_sums(s) || !fits(s->a_stride) || !fits(s->b_stride) || !fits(s->c_stride))
        return resolve_own(s, gemm);
    pthread_once(&once, set_target);
    const libxsmm_blasint b_stride = (libxsmm_blasint)s->b_stride;
    const libxsmm_blasint a_stride = (libxsmm_blasint)s->a_stride;
    const libxsmm_blasint c_stride = (libxsmm_blasint)s->c_stride;
    const float alpha = 1, beta = s->accumulate ? 1 : 0;
    const int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
    const libxsmm_smmfunction code = libxsmm_smmdispatch(
        s->n, s->m, s->k, &b_stride, &a_stride, &c_stride, &alpha, &beta, &flags, &prefetch);
    if (!code)
        return resolve_own(s, gemm);
    *gemm = (struct dt_gemm){run_code, *s, (const void *)(uintptr_t)code};
    return true;
}

static bool accepts_narrow(const struct dt_problem *problem, const struct dt_delta *delta)
{
    (void)problem;
    (void)delta;
    return !is_wide();
}

static const struct dt_variant rows[] = {
    {
        .name = "gemm.avx2.libxsmm",
        .idea = "machine code that libxsmm makes for the shape; where there is no AVX-512",
        .op = DT_OP_GEMM,
        .level = DT_CPU_AVX2,
        .accepts = accepts_narrow,
        .rows_multiple = 1,
        .cols_multiple = 1,
        .error_eps = 1,
        .run.gemm = resolve_code,
    },
    {
        .name = "gemm.avx512.libxsmm",
        .idea = "machine code that libxsmm makes for the shape",
        .op = DT_OP_GEMM,
        .level = DT_CPU_AVX512,
        .rows_multiple = 1,
        .cols_multiple = 1,
        .error_eps = 1,
        .run.gemm = resolve_code,
    },
};

const struct dt_variant_table dt_gemm_libxsmm = {rows, sizeof rows / sizeof *rows};
