/* SPDX-License-Identifier: MIT */
/*
 * The small product, written once over the vector type of vector_<isa>.h, which the including file
 * includes first.
 */
#ifndef DISENTUNE_GEMM_IDEAS_H
#define DISENTUNE_GEMM_IDEAS_H

#include "kernels/variant.h"

#define INLINE static inline __attribute__((always_inline))
#ifdef __clang__
#define UNROLLED _Pragma("clang loop unroll(full)")
#else
#define UNROLLED _Pragma("GCC unroll 16")
#endif

enum { ROWS_MAX = 14, VECTORS_MAX = 4 };

INLINE vec load_last(const float *p, bool partial, int lanes)
{
    return partial ? v_load_first(p, lanes) : v_load(p);
}

/* rows x vectors of c; with `partial` the last vector has only its first `lanes`. The counts are
 * constants where this is inlined, and all sums stay in registers. */
INLINE void block(const int rows, const int vectors, const bool partial, int lanes,
                  const struct dt_gemm_shape *s, const float *a, const float *b, float *c)
{
    vec sum[ROWS_MAX][VECTORS_MAX], right[VECTORS_MAX];
    const ptrdiff_t a_stride = s->a_stride, b_stride = s->b_stride, c_stride = s->c_stride;
    const int last = vectors - 1;
    const float *left_of[(ROWS_MAX + 3) / 4];
    UNROLLED
    for (int r = 0; r < rows; r += 4) {
        left_of[r / 4] = a + r * a_stride;
        __asm__("" : "+r"(left_of[r / 4]));
    }
    if (s->accumulate) {
        UNROLLED
        for (int r = 0; r < rows; r++) {
            UNROLLED
            for (int v = 0; v < last; v++)
                sum[r][v] = v_load(c + r * c_stride + v * LANES);
            sum[r][last] = load_last(c + r * c_stride + last * LANES, partial, lanes);
        }
    } else {
        UNROLLED
        for (int r = 0; r < rows; r++)
            UNROLLED
        for (int v = 0; v < vectors; v++)
            sum[r][v] = v_set(0);
    }
    for (int32_t l = s->k; l > 0; l--, b += b_stride) {
        UNROLLED
        for (int v = 0; v < last; v++)
            right[v] = v_load(b + v * LANES);
        right[last] = load_last(b + last * LANES, partial, lanes);
        UNROLLED
        for (int r = 0; r < rows; r++) {
            const vec left = v_set(left_of[r / 4][r % 4 * a_stride]);
            UNROLLED
            for (int v = 0; v < vectors; v++)
                sum[r][v] = v_fma(left, right[v], sum[r][v]);
        }
        UNROLLED
        for (int r = 0; r < rows; r += 4)
            left_of[r / 4]++;
    }
    UNROLLED
    for (int r = 0; r < rows; r++) {
        float *row = c + r * c_stride;
        UNROLLED
        for (int v = 0; v < last; v++)
            v_store(row + v * LANES, sum[r][v]);
        if (partial)
            v_store_first(row + last * LANES, sum[r][last], lanes);
        else
            v_store(row + last * LANES, sum[r][last]);
    }
}

/* `count` blocks below each other. */
typedef void column_fn(const struct dt_gemm_shape *shape, const float *a, const float *b, float *c,
                       int32_t count, int lanes);

INLINE void column(const int rows, const int vectors, const struct dt_gemm_shape *s, const float *a,
                   const float *b, float *c, int32_t count, int lanes)
{
    if (lanes == LANES)
        for (; count > 0; count--, a += rows * s->a_stride, c += rows * s->c_stride)
            block(rows, vectors, false, LANES, s, a, b, c);
    else
        for (; count > 0; count--, a += rows * s->a_stride, c += rows * s->c_stride)
            block(rows, vectors, true, lanes, s, a, b, c);
}

#define COLUMN(rows, vectors)                                                                      \
    static void column_##rows##x##vectors(const struct dt_gemm_shape *s, const float *a,           \
                                          const float *b, float *c, int32_t count, int lanes)      \
    {                                                                                              \
        column(rows, vectors, s, a, b, c, count, lanes);                                           \
    }
#define INSTANCE(rows, vectors) [vectors][rows] = {column_##rows##x##vectors, rows, vectors},

#define EACH_4(DO, vectors) DO(1, vectors) DO(2, vectors) DO(3, vectors) DO(4, vectors)
#define EACH_6(DO, vectors) EACH_4(DO, vectors) DO(5, vectors) DO(6, vectors)
#define EACH_8(DO, vectors) EACH_6(DO, vectors) DO(7, vectors) DO(8, vectors)
#define EACH_12(DO, vectors)                                                                       \
    EACH_8(DO, vectors) DO(9, vectors) DO(10, vectors) DO(11, vectors) DO(12, vectors)
#define EACH_14(DO, vectors) EACH_12(DO, vectors) DO(13, vectors) DO(14, vectors)

/* The instance of r rows and v vectors is instances[v][r]; its neighbours are one smaller. */
struct instance {
    column_fn *run;
    int32_t rows, vectors;
};

/* Defines all blocks of a list such as EACH_14(DO, 2) EACH_8(DO, 3), as a macro with parameter DO.
 */
#define BLOCKS(LIST)                                                                               \
    LIST(COLUMN)                                                                                   \
    static const struct instance instances[VECTORS_MAX + 1][ROWS_MAX + 1] = {LIST(INSTANCE)};

static int32_t pieces(int32_t whole, int32_t piece) { return (whole - 1) / piece + 1; }

/* gemm->code is the instance of the largest blocks; the others are one row or vector smaller. */
static void run_blocks(const struct dt_gemm *gemm, const float *a, const float *b, float *c)
{
    const struct dt_gemm_shape *s = &gemm->shape;
    const struct instance *largest = gemm->code;
    const int32_t rows = largest->rows, width = largest->vectors;
    const int32_t blocks = pieces(s->m, rows), low = blocks * rows - s->m, high = blocks - low;
    const int32_t vectors = pieces(s->n, LANES), columns = pieces(vectors, width);
    const int32_t wide = columns - (columns * width - vectors);
    for (int32_t n = 0; n < columns; n++) {
        const struct instance *chosen = n < wide ? largest : largest - (ROWS_MAX + 1);
        const int lanes = n < columns - 1 ? LANES : s->n - (vectors - 1) * LANES;
        chosen->run(s, a, b, c, high, lanes);
        if (low > 0)
            chosen[-1].run(s, a + high * rows * s->a_stride, b, c + high * rows * s->c_stride, low,
                           lanes);
        b += chosen->vectors * LANES;
        c += chosen->vectors * LANES;
    }
}

static bool resolve_blocks(const struct instance instances[][ROWS_MAX + 1], int32_t rows,
                           int32_t vectors, const struct dt_gemm_shape *shape, struct dt_gemm *gemm)
{
    const int32_t all = pieces(shape->n, LANES);
    const int32_t r = pieces(shape->m, pieces(shape->m, rows));
    const int32_t v = pieces(all, pieces(all, vectors));
    *gemm = (struct dt_gemm){run_blocks, *shape, &instances[v][r]};
    return true;
}

#define RESOLVE(rows, vectors)                                                                     \
    static bool resolve_##rows##x##vectors(const struct dt_gemm_shape *shape,                      \
                                           struct dt_gemm *gemm)                                   \
    {                                                                                              \
        return resolve_blocks(instances, rows, vectors, shape, gemm);                              \
    }
#define ROW(rows, vectors, text)                                                                   \
    {                                                                                              \
        .name = "gemm." ISA "." #rows "x" #vectors, .idea = text, .op = DT_OP_GEMM,                \
        .level = LEVEL, .rows_multiple = 1, .cols_multiple = 1, .error_eps = 1,                    \
        .run.gemm = resolve_##rows##x##vectors                                                     \
    }

#endif
