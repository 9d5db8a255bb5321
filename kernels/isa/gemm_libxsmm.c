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

static bool fits(ptrdiff_t stride) { return stride <= INT_MAX; }

static bool resolve_code(const struct dt_gemm_shape *s, struct dt_gemm *gemm)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (!fits(s->a_stride) || !fits(s->b_stride) || !fits(s->c_stride))
        return false;
    pthread_once(&once, set_target);
    const libxsmm_blasint b_stride = (libxsmm_blasint)s->b_stride;
    const libxsmm_blasint a_stride = (libxsmm_blasint)s->a_stride;
    const libxsmm_blasint c_stride = (libxsmm_blasint)s->c_stride;
    const float alpha = 1, beta = s->accumulate ? 1 : 0;
    const int flags = LIBXSMM_GEMM_FLAG_NONE, prefetch = LIBXSMM_GEMM_PREFETCH_NONE;
    const libxsmm_smmfunction code = libxsmm_smmdispatch(
        s->n, s->m, s->k, &b_stride, &a_stride, &c_stride, &alpha, &beta, &flags, &prefetch);
    if (!code)
        return false;
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
