/* SPDX-License-Identifier: MIT */
/*
 * softmax, written once over the vector type. softmax_<isa>.c includes vector_<isa>.h, then this,
 * and makes a variant of each idea for exp() by one line SOFTMAX(...).
 *
 * Rows are taken LANES at a time. Of each row remain the maxima of lanes, or their sums; the LANES
 * vectors of LANES rows are reduced together, which with 16 lanes takes 45 instructions instead of
 * 16 times 8. From there on lane r is row r, and what is carried between blocks (max, sum, factor)
 * is loaded, computed and stored as vectors. The order in which a row is summed up depends on its
 * columns alone. A mask is a second instantiation, so that calls without one carry none of it.
 *
 * NaN. The maximum of two registers drops a NaN on x86, and looking for one takes as long as the
 * maximum. Only MAX looks. ONLINE and WHOLE see it in the sum: a NaN at a key makes its own weight
 * NaN, whatever the maximum was taken for. So does +inf, but then the maximum says so, and
 * ONLINE looks before the scores are overwritten. A maximum of -inf is subtracted as +inf: all
 * weights become 0, none -inf - -inf.
 *
 * exp(x), x <= 0, softmax_exp.h
 *   POLY   n = x / ln 2, rounded by adding 1.5 * 2^23: the sum's lowest bits are n, and shifted
 *          into the exponent they are 2^n. r = x - n ln 2, with ln 2 in two parts, of which the
 *          first has 9 trailing zeros: n times it is exact (Cody and Waite). On |r| <= ln 2 / 2,
 *          e^r = 1 + r + r^2 q(r) with q of degree 4, the minimax of the relative error: 3.1e-9
 *          before rounding to f32 (Remez exchange in 40 digits). x is at least -88, where 2^n is 0:
 *          results are 0 below 2^-126.5, and subnormal from there to 2^-126. At most 0.882 ULP.
 *   TABLE  The same in steps of ln 2 / 32 (AVX-512; 8 on AVX2): a permute by the lowest bits of the
 *          sum fetches 2^(k / 32) from two registers, and a shift and an integer addition put the
 *          exponent there. The polynomial then has degree 2 (3 on AVX2) and errs by 5.3e-8
 *          (2.6e-8; Lawson's iteration). Results are 0 below 2^-126. At most 1.735 ULP (1.147 on
 *          AVX2). Two instructions fewer than POLY, and less for the units that multiply.
 *   SLEEF  Its u10 functions: a call for each vector. At most 0.986 ULP.
 * The bounds are measured over all floats in [-104, -2^-30], where 0 may stand for a result below
 * 2^-126; closer to 0 the result is 1. exp(0) is 1, NaN stays NaN, -inf gives 0.
 *
 * Numbers: one core with AVX-512, 64 rows of 64 columns in the L1 cache, nanoseconds an element; 16
 * rows cost up to a tenth more. The clock read 4.1 GHz. Bound: 8.0 and 6.1 cycles a vector, which
 * llvm-mca gives for the loops of EXP on Ice Lake, and 0.35 for the reduction. POLY comes within
 * 89 % of it, TABLE within 78 %.
 *
 *                      MAX     EXP  ONLINE   WHOLE   ONLINE, masked   EXP, bound
 *     scalar.plain    0.80    2.46    3.28    3.81             2.96
 *     avx2.sleef     0.051   0.466   0.520   0.588            0.631
 *     avx2.poly      0.050   0.235   0.280   0.362            0.376
 *     avx2.table     0.049   0.226   0.267   0.339            0.365
 *     avx512.sleef   0.041   0.277   0.342   0.389            0.377
 *     avx512.poly    0.041   0.143   0.185   0.223            0.231        0.128
 *     avx512.table   0.040   0.127   0.157   0.199            0.194        0.099
 *
 * What was learnt:
 * - One vector after the other leaves the overlap to the processor, whose scheduler holds too few
 *   of them: POLY 0.154 instead of 0.143. Two side by side: 0.155; eight spill: 0.175.
 * - A loop that GCC does not unroll, over an array of vectors, keeps all of them in memory: 0.199.
 * - ln 2 in one part saves an instruction, no time that could be measured, and costs accuracy.
 * - Scaling x by log2(e) once, with the maximum in the same multiply-add, is out: where the maximum
 *   is large it is rounded before it is subtracted, and exp(0) is no longer 1.
 * - Degree 5 in POLY would save one of 15 instructions and err by 9.2e-8 before rounding; TABLE
 *   saves more and errs by less.
 * - The columns' number as a constant (64) gained 10 % of MAX and nothing elsewhere.
 *
 * What is added to the vector type of bias_ideas.h; vmask is a set of lanes:
 *
 *     LOOKUP_LOG2              steps of v_power_of_steps(), 0 if there is none
 *     MAX_KEEPS_NAN            whether v_max() of a NaN is NaN
 *     v_sub(a, b), v_mul(a, b)
 *     v_max(a, b)              a > b ? a : b, or NaN if either is
 *     v_power(t)               2^(k - 127), k the lowest 8 bits of t as an integer; 0 for k = 0
 *     v_power_of_steps(t)      2^(k / 2^LOOKUP_LOG2 - 127), k the lowest 8 + LOOKUP_LOG2 bits, at
 *                              least 2^LOOKUP_LOG2
 *     v_first(n)               l < n; 0 <= n <= LANES
 *     v_keys(p)                p[l] != 0, p to bytes
 *     v_keys_first(p, n)       l < n and p[l] != 0; touches n bytes only; 1 <= n <= LANES
 *     v_select(mask, a, b)     mask ? a : b
 *     v_only(mask, a)          mask ? a : 0
 *     v_equal(a, b)            a == b
 *     v_not_below(a, b)        not a < b: true for NaN
 *     v_or_unordered(m, a, b)  m, or a or b is NaN
 *     v_any(mask)              whether any lane is
 *     v_reduce_max(m)          the greatest lane of m[l]; with a NaN, any number or NaN
 *     v_reduce_sum(m)          the sum of lanes of m[l], in the same order for all l
 */
#ifndef DISENTUNE_SOFTMAX_IDEAS_H
#define DISENTUNE_SOFTMAX_IDEAS_H

#include "kernels/isa/softmax_exp.h"
#include "kernels/variant.h"

/* ---- A row ---- */

/* A call's arguments by value, so that no store to x makes the compiler read them again. */
struct scores {
    float *x;
    const uint8_t *allowed;
    ptrdiff_t stride, allowed_stride;
    int32_t cols;
};

struct carried {
    float *max, *sum, *factor;
};

INLINE int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

INLINE vec load_some(const float *p, int lanes)
{
    return lanes == LANES ? v_load(p) : v_load_first(p, lanes);
}

INLINE void store_some(float *p, vec v, int lanes)
{
    if (lanes == LANES)
        v_store(p, v);
    else
        v_store_first(p, v, lanes);
}

/* Of the lanes from column j on: those that are keys. */
INLINE vmask keys_at(bool masked, const uint8_t *allowed, int32_t j, int lanes)
{
    if (!masked)
        return v_first(lanes);
    return lanes == LANES ? v_keys(allowed + j) : v_keys_first(allowed + j, lanes);
}

INLINE vec zero_unless_key(bool masked, vec v, const uint8_t *allowed, int32_t j, int lanes)
{
    return masked || lanes != LANES ? v_only(keys_at(masked, allowed, j, lanes), v) : v;
}

INLINE vec load_keys(bool masked, const float *x, const uint8_t *allowed, int32_t j, int lanes)
{
    const vec v = load_some(x + j, lanes), none = v_set(-INFINITY);
    return masked || lanes != LANES ? v_select(keys_at(masked, allowed, j, lanes), v, none) : v;
}

/* The maxima of lanes. With a NaN among the keys these are any numbers or NaN; with `detect` lanes
 * of *nan then say so. */
INLINE vec row_max(bool masked, bool detect, const struct scores *s, int32_t i, vmask *nan)
{
    enum { count = GROUP };
    const float *x = s->x + i * s->stride;
    const uint8_t *allowed = masked ? s->allowed + i * s->allowed_stride : NULL;
    vec max = v_set(-INFINITY);
    int32_t j = 0;
    for (; j + GROUP * LANES <= s->cols; j += GROUP * LANES) {
        vec v[GROUP];
        EACH(k) v[k] = load_keys(masked, x, allowed, j + k * LANES, LANES);
        if (detect && !MAX_KEEPS_NAN)
            *nan = v_or_unordered(v_or_unordered(*nan, v[0], v[1]), v[2], v[3]);
        max = v_max(max, v_max(v_max(v[0], v[1]), v_max(v[2], v[3])));
    }
    for (; j < s->cols; j += LANES) {
        const vec v = load_keys(masked, x, allowed, j, least(s->cols - j, LANES));
        if (detect && !MAX_KEEPS_NAN)
            *nan = v_or_unordered(*nan, v, v);
        max = v_max(max, v);
    }
    return max;
}

/* As many columns from j on as `count` vectors have become weights, of a single vector the first
 * `lanes`. Returns sum with their sums added, lane by lane. */
INLINE vec weigh(enum exp_idea idea, bool masked, float *x, const uint8_t *allowed, int32_t j,
                 int count, int lanes, vec shift, vec sum)
{
    vec v[GROUP];
    EACH(k) v[k] = v_sub(load_some(x + j + k * LANES, lanes), shift);
    exp_of(idea, v, count);
    EACH(k) v[k] = zero_unless_key(masked, v[k], allowed, j + k * LANES, lanes);
    EACH(k) store_some(x + j + k * LANES, v[k], lanes);
    EACH(k) sum = v_add(sum, v[k]);
    return sum;
}

/* Scores become weights; returns the sums of lanes. */
INLINE vec row_exp(enum exp_idea idea, bool masked, const struct scores *s, int32_t i, float shift)
{
    float *x = s->x + i * s->stride;
    const uint8_t *allowed = masked ? s->allowed + i * s->allowed_stride : NULL;
    const vec by = v_set(shift);
    vec sum = v_set(0);
    int32_t j = 0;
    for (; j + GROUP * LANES <= s->cols; j += GROUP * LANES)
        sum = weigh(idea, masked, x, allowed, j, GROUP, LANES, by, sum);
    for (; j + LANES <= s->cols; j += LANES)
        sum = weigh(idea, masked, x, allowed, j, 1, LANES, by, sum);
    if (j < s->cols)
        sum = weigh(idea, masked, x, allowed, j, 1, s->cols - j, by, sum);
    return sum;
}

INLINE void scale_row(bool masked, const struct scores *s, int32_t i, float factor)
{
    float *x = s->x + i * s->stride;
    const uint8_t *allowed = masked ? s->allowed + i * s->allowed_stride : NULL;
    for (int32_t j = 0; j < s->cols; j += LANES) {
        const int lanes = least(s->cols - j, LANES);
        const vec weight = v_mul(load_some(x + j, lanes), v_set(factor));
        store_some(x + j, zero_unless_key(masked, weight, allowed, j, lanes), lanes);
    }
}

static bool row_has_keys(const struct scores *s, int32_t i)
{
    const uint8_t *allowed = s->allowed ? s->allowed + i * s->allowed_stride : NULL;
    int32_t j = 0;
    while (allowed && j < s->cols && !allowed[j])
        j++;
    return j < s->cols;
}

static void fill_keys(const struct scores *s, int32_t i, float weight)
{
    for (int32_t j = 0; j < s->cols; j++)
        if (!s->allowed || s->allowed[i * s->allowed_stride + j])
            s->x[i * s->stride + j] = weight;
}

/* ---- LANES rows, or the last ones; lane r is row i + r ---- */

/* The greater of old and the rows' maxima; with `detect` NaN wins. Never -0, lest bits depend on
 * the order in which zeros meet. */
INLINE vec rows_max(bool masked, bool detect, const struct scores *s, int32_t i, int rows, vec old)
{
    vec max[LANES];
    vmask nan = v_first(0);
    for (int r = 0; r < LANES; r++)
        max[r] = v_set(-INFINITY);
    for (int r = 0; r < rows; r++)
        max[r] = row_max(masked, detect, s, i + r, &nan);
    if (detect && !MAX_KEEPS_NAN && v_any(nan))
        for (int r = 0; r < rows; r++) {
            nan = v_first(0);
            max[r] = row_max(masked, true, s, i + r, &nan);
            if (v_any(nan))
                max[r] = v_set(NAN);
        }
    const vec block = v_reduce_max(max);
    const vec greater = v_add(v_max(old, block), v_set(0));
    return v_select(v_or_unordered(v_first(0), old, block), v_set(NAN), greater);
}

INLINE vec rows_exp(enum exp_idea idea, bool masked, const struct scores *s, int32_t i, int rows,
                    vec max)
{
    float shift[LANES];
    vec sum[LANES];
    v_store(shift, v_select(v_equal(max, v_set(-INFINITY)), v_set(INFINITY), max));
    for (int r = 0; r < LANES; r++)
        sum[r] = v_set(0);
    for (int r = 0; r < rows; r++)
        sum[r] = row_exp(idea, masked, s, i + r, shift[r]);
    return v_reduce_sum(sum);
}

INLINE void rows_whole(enum exp_idea idea, bool masked, const struct scores *s, int32_t i, int rows,
                       enum dt_dialect dialect)
{
    float sum[LANES];
    const vec max = rows_max(masked, false, s, i, rows, v_set(-INFINITY));
    v_store(sum, rows_exp(idea, masked, s, i, rows, max));
    for (int r = 0; r < rows; r++)
        if (sum[r] != 0)
            scale_row(masked, s, i + r, 1 / sum[r]);
        else if (row_has_keys(s, i + r))
            fill_keys(s, i + r, NAN);
        else
            for (int32_t j = 0; j < s->cols; j++)
                s->x[(i + r) * s->stride + j] = dialect == DT_HF ? 1 / (float)s->cols : 0;
}

INLINE void rows_online(enum exp_idea idea, bool masked, const struct scores *s, int32_t i,
                        int rows, const struct carried *to)
{
    const vec infinity = v_set(INFINITY), old = load_some(to->max + i, rows);
    vec max = rows_max(masked, false, s, i, rows, old);
    if (v_any(v_equal(max, infinity)))
        max = rows_max(masked, true, s, i, rows, old);
    vec factor = v_sub(old, max);
    exp_of(idea, &factor, 1);
    factor = v_select(v_equal(max, v_set(-INFINITY)), v_set(1), factor);
    const vec block = rows_exp(idea, masked, s, i, rows, max);

    const vec telling = v_select(v_equal(max, infinity), infinity, block);
    const vmask nan = v_or_unordered(v_first(0), telling, telling);
    if (v_any(nan)) {
        float told[LANES];
        v_store(told, telling);
        for (int r = 0; r < rows; r++)
            if (isnan(told[r]))
                fill_keys(s, i + r, NAN);
        max = v_select(nan, v_set(NAN), max);
        factor = v_select(nan, v_set(NAN), factor);
    }
    store_some(to->max + i, max, rows);
    store_some(to->factor + i, factor, rows);
    store_some(to->sum + i, v_fma(load_some(to->sum + i, rows), factor, block), rows);
}

/* ---- The passes ---- */

/* Rows that WHOLE goes over three times fit into half an L1 cache, unless they are very long. */
INLINE int rows_at_once(enum dt_softmax_pass pass, int32_t cols)
{
    const int32_t fitting = 4096 / cols;
    return pass != DT_SOFTMAX_WHOLE || fitting > LANES ? LANES : fitting < 4 ? 4 : fitting;
}

INLINE void softmax_by(enum exp_idea idea, bool masked, const struct dt_softmax_args *a)
{
    const struct scores s = {a->x, a->allowed, a->stride, a->allowed_stride, a->cols};
    const struct carried to = {a->max, a->sum, a->factor};
    const enum dt_softmax_pass pass = a->pass;
    const enum dt_dialect dialect = a->dialect;
    const int32_t all = a->rows, step = rows_at_once(pass, s.cols);
    for (int32_t i = 0; i < all; i += step) {
        const int rows = least(all - i, step);
        switch (pass) {
        case DT_SOFTMAX_WHOLE:
            rows_whole(idea, masked, &s, i, rows, dialect);
            break;
        case DT_SOFTMAX_MAX: {
            const vec old = load_some(to.max + i, rows);
            store_some(to.max + i, rows_max(masked, true, &s, i, rows, old), rows);
            break;
        }
        case DT_SOFTMAX_EXP: {
            const vec old = load_some(to.sum + i, rows);
            const vec max = load_some(to.max + i, rows);
            store_some(to.sum + i, v_add(old, rows_exp(idea, masked, &s, i, rows, max)), rows);
            break;
        }
        case DT_SOFTMAX_ONLINE:
            rows_online(idea, masked, &s, i, rows, &to);
            break;
        }
    }
}

#define SOFTMAX(name, idea)                                                                        \
    static void name(const struct dt_softmax_args *a)                                              \
    {                                                                                              \
        if (a->allowed)                                                                            \
            softmax_by(idea, true, a);                                                             \
        else                                                                                       \
            softmax_by(idea, false, a);                                                            \
    }

#endif
