/* SPDX-License-Identifier: MIT */
/*
 * The small product, written once over a vector type. gemm_<isa>.c includes vector_<isa>.h, defines
 * ISA and LEVEL, includes this, lists its blocks and picks some of them as variants.
 *
 *                      b: k rows                A block of R rows and V vectors of c lies in
 *                  +----+----+----+             registers. For each l, V loads of b and R
 *                  | row l: V = 2 |             broadcasts of a feed R * V multiply-adds. A column
 *                  +----+----+----+             of blocks goes down the rows of c: its panel of
 *      a: row i    +----+----+----+             b, 8 KB for 32 columns and k = 64, stays in L1d,
 *     . . l . .    | block   |    |             a streams by.
 *     . . l . .    | R x V   |    |
 *                  +----+----+----+
 *
 * Ports, per l, where two multiply-adds and two loads of 512 bits start in a cycle:
 *
 *            registers    multiply-adds    loads
 *     14x2   28 + 2 + 1   28, 14 cycles    16, 8 cycles
 *      8x3   24 + 3 + 1   24, 12 cycles    11, 5.5 cycles
 *      6x4   24 + 4 + 1   24, 12 cycles    10, 5 cycles
 *
 * A broadcast is loaded once for all V; as an operand of each multiply-add, 14x2 would take 30
 * loads or 15 cycles. A sum is one chain, so that a block needs latency x ports = 8 of them to keep
 * the ports busy; 8 rows of one vector are just that, and their 9 loads take 4.5 cycles.
 *
 * Splits. m rows are cut into as few blocks as have at most R, all of the same height or one row
 * lower: 64 rows with R = 14 are 4 x 13 + 12, not 4 x 14 + 8. So for n. Hence a block of every size
 * up to the largest is compiled, and resolving chooses among them; two sizes each way serve a
 * shape.
 *
 * Registers. Arrays of vectors become registers only if every loop over them is unrolled entirely,
 * which the compilers must be told. They also like to compute all addresses of a block in advance,
 * and keep them on the stack: rows of a are reached by pointers to each fourth, plus 0 to 3
 * strides, and rows of c by stepping, which OPAQUE hides from them. ORDER keeps GCC's scheduler for
 * AArch64 from loading more rows ahead than there are registers.
 *
 * Numbers: one core with AVX-512 and 48 KiB of L1d in a virtual machine, operands in cache, percent
 * of the peak that `probe` measures just before and after, median of 61 pairs; runs differ by 1
 * or 2. "add" accumulates, "apart" has rows of c 592 elements apart. m x n x k:
 *
 *                       64x64x64    add   apart   16x64x64   8x16x64   64x16x64
 *     avx512.14x2             96     94      96         94        76         82
 *     avx512.12x2             95     94      95         94        76         81
 *     avx512.8x3              95     94      94         94        76         77
 *     avx512.6x4              97     96      97         97        51         63
 *     avx512.libxsmm          99     96      98         99         -         91
 *     avx2.6x2                93     93      93         92        82         93
 *     avx2.4x3                92     91      92         93        82         82
 *     avx2.libxsmm            98     94      98         96        68         71
 *
 * Nothing was timed on a NEON processor.
 *
 * Tried: the loop over l unrolled by 4, 2 to 3 % better at 8x16x64 and nothing certain elsewhere,
 * at 1.7 times the code; by hand, with offsets instead of steps, up to 8 % worse, as GCC then
 * copies sums. Row pointers left to the compiler: 4 % worse in 14x2, whose offsets then come from
 * the stack.
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

#define OPAQUE(pointer) __asm__("" : "+r"(pointer))
#define ORDER __asm__ volatile("" : : : "memory")

enum { ROWS_MAX = 14, VECTORS_MAX = 4, PITCH = ROWS_MAX + 1 };

INLINE vec load(const float *p, bool partial, int lanes)
{
    return partial ? v_load_first(p, lanes) : v_load(p);
}

INLINE void store(float *p, vec x, bool partial, int lanes)
{
    if (partial)
        v_store_first(p, x, lanes);
    else
        v_store(p, x);
}

/* One l; `left_of` are rows 0, 4, 8 ... of a, `b` the row of b. */
INLINE void step(const int rows, const int vectors, const bool partial, int lanes,
                 vec sum[][VECTORS_MAX], const float *left_of[], ptrdiff_t a_stride, const float *b)
{
    vec right[VECTORS_MAX];
    UNROLLED
    for (int v = 0; v < vectors; v++)
        right[v] = load(b + v * LANES, partial && v == vectors - 1, lanes);
    UNROLLED
    for (int r = 0; r < rows; r++) {
        const vec left = v_set(left_of[r / 4][r % 4 * a_stride]);
        UNROLLED
        for (int v = 0; v < vectors; v++)
            sum[r][v] = v_fma(left, right[v], sum[r][v]);
        if (r % 4 == 3)
            ORDER;
    }
    UNROLLED
    for (int r = 0; r < rows; r += 4)
        left_of[r / 4]++;
}

/* rows x vectors of c; with `partial` the last vector has only its first `lanes`. The counts are
 * constants where this is inlined, and all sums stay in registers. */
INLINE void block(const int rows, const int vectors, const bool partial, int lanes,
                  const struct dt_gemm_shape *s, const float *a, const float *b, float *c)
{
    vec sum[ROWS_MAX][VECTORS_MAX];
    const float *left_of[(ROWS_MAX + 3) / 4];
    const ptrdiff_t a_stride = s->a_stride, b_stride = s->b_stride, c_stride = s->c_stride;
    UNROLLED
    for (int r = 0; r < rows; r += 4) {
        left_of[r / 4] = a + r * a_stride;
        OPAQUE(left_of[r / 4]);
    }
    if (s->accumulate) {
        const float *row = c;
        UNROLLED
        for (int r = 0; r < rows; r++, row += c_stride) {
            OPAQUE(row);
            UNROLLED
            for (int v = 0; v < vectors; v++)
                sum[r][v] = load(row + v * LANES, partial && v == vectors - 1, lanes);
        }
    } else {
        UNROLLED
        for (int r = 0; r < rows; r++) {
            UNROLLED
            for (int v = 0; v < vectors; v++)
                sum[r][v] = v_set(0);
        }
    }
    for (int32_t l = s->k; l > 0; l--, b += b_stride)
        step(rows, vectors, partial, lanes, sum, left_of, a_stride, b);
    UNROLLED
    for (int r = 0; r < rows; r++, c += c_stride) {
        OPAQUE(c);
        UNROLLED
        for (int v = 0; v < vectors; v++)
            store(c + v * LANES, sum[r][v], partial && v == vectors - 1, lanes);
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
#define INSTANCE(rows, vectors)                                                                    \
    [vectors * PITCH + rows] = {column_##rows##x##vectors, rows, vectors},

#define EACH_4(DO, vectors) DO(1, vectors) DO(2, vectors) DO(3, vectors) DO(4, vectors)
#define EACH_6(DO, vectors) EACH_4(DO, vectors) DO(5, vectors) DO(6, vectors)
#define EACH_8(DO, vectors) EACH_6(DO, vectors) DO(7, vectors) DO(8, vectors)
#define EACH_12(DO, vectors)                                                                       \
    EACH_8(DO, vectors) DO(9, vectors) DO(10, vectors) DO(11, vectors) DO(12, vectors)
#define EACH_14(DO, vectors) EACH_12(DO, vectors) DO(13, vectors) DO(14, vectors)

/* The instance of r rows and v vectors is instances[v * PITCH + r]. */
struct instance {
    column_fn *run;
    int32_t rows, vectors;
};

/* Defines all blocks of LIST(DO), a macro such as EACH_14(DO, 2) EACH_8(DO, 3). */
#define BLOCKS(LIST)                                                                               \
    LIST(COLUMN)                                                                                   \
    static const struct instance instances[(VECTORS_MAX + 1) * PITCH] = {LIST(INSTANCE)};

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
        const struct instance *chosen = n < wide ? largest : largest - PITCH;
        const int lanes = n < columns - 1 ? LANES : s->n - (vectors - 1) * LANES;
        chosen->run(s, a, b, c, high, lanes);
        if (low > 0)
            chosen[-1].run(s, a + high * rows * s->a_stride, b, c + high * rows * s->c_stride, low,
                           lanes);
        b += chosen->vectors * LANES;
        c += chosen->vectors * LANES;
    }
}

static bool resolve_blocks(const struct instance *instances, int32_t rows, int32_t vectors,
                           const struct dt_gemm_shape *shape, struct dt_gemm *gemm)
{
    const int32_t all = pieces(shape->n, LANES);
    const int32_t r = pieces(shape->m, pieces(shape->m, rows));
    const int32_t v = pieces(all, pieces(all, vectors));
    *gemm = (struct dt_gemm){run_blocks, *shape, &instances[v * PITCH + r]};
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
