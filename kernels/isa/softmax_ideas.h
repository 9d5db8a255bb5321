/* SPDX-License-Identifier: MIT */
/*
 * softmax, written once over the vector type. softmax_<isa>.c includes vector_<isa>.h, then this.
 */
#ifndef DISENTUNE_SOFTMAX_IDEAS_H
#define DISENTUNE_SOFTMAX_IDEAS_H

#include "kernels/variant.h"

#include <math.h>

#ifndef INLINE
#define INLINE static inline __attribute__((always_inline))
#endif

enum exp_idea { EXP_POLY };

INLINE vec exp_poly(vec x)
{
    const vec magic = v_set(0x1.8p23f + 127);
    x = v_max(v_set(-88), x);
    const vec t = v_fma(x, v_set(0x1.715476p+0f), magic), n = v_sub(t, magic);
    vec r = v_fma(n, v_set(-0x1.62e400p-1f), x);
    r = v_fma(n, v_set(-0x1.7f7d1cp-20f), r);
    vec p = v_fma(v_set(0x1.6a23d0p-10f), r, v_set(0x1.123a20p-7f));
    p = v_fma(p, r, v_set(0x1.5558f2p-5f));
    p = v_fma(p, r, v_set(0x1.555492p-3f));
    p = v_fma(p, r, v_set(0x1.fffffcp-2f));
    p = v_fma(p, r, v_set(1));
    p = v_fma(p, r, v_set(1));
    return v_mul(p, v_pow2(t));
}

INLINE vec v_exp(enum exp_idea idea, vec x)
{
    (void)idea;
    return exp_poly(x);
}

/* ---- A row ---- */

/* A call's arguments by value, so that no store to x makes the compiler read them again. */
struct scores {
    float *x;
    const uint8_t *allowed;
    ptrdiff_t stride, allowed_stride;
    int32_t cols;
};

/* The lanes of columns j ... j + lanes - 1 that are keys. */
INLINE vmask keys_at(bool masked, const uint8_t *allowed, int32_t j, int lanes)
{
    if (!masked)
        return v_first(lanes);
    return lanes == LANES ? v_keys(allowed + j) : v_keys_first(allowed + j, lanes);
}

INLINE vec key_scores(bool masked, const float *x, const uint8_t *allowed, int32_t j, int lanes)
{
    const vec v = lanes == LANES ? v_load(x + j) : v_load_first(x + j, lanes);
    if (!masked && lanes == LANES)
        return v;
    return v_select(keys_at(masked, allowed, j, lanes), v, v_set(-INFINITY));
}

/* Its lanes' maxima and, where that does not show in them, lanes that met a NaN. */
INLINE vec row_max(bool masked, const struct scores *s, int32_t i, vmask *nan)
{
    const float *x = s->x + i * s->stride;
    const uint8_t *allowed = s->allowed + i * s->allowed_stride;
    vec max = v_set(-INFINITY);
    int32_t j = 0;
    for (; j + 2 * LANES <= s->cols; j += 2 * LANES) {
        const vec a = key_scores(masked, x, allowed, j, LANES);
        const vec b = key_scores(masked, x, allowed, j + LANES, LANES);
        max = v_max(max, v_max(a, b));
        *nan = v_or_unordered(*nan, a, b);
    }
    for (; j < s->cols; j += LANES) {
        const int lanes = s->cols - j < LANES ? s->cols - j : LANES;
        const vec a = key_scores(masked, x, allowed, j, lanes);
        max = v_max(max, a);
        *nan = v_or_unordered(*nan, a, a);
    }
    return max;
}

INLINE vec weigh_lanes(enum exp_idea idea, bool masked, float *x, const uint8_t *allowed, int32_t j,
                       int lanes, vec shift)
{
    const vec v = lanes == LANES ? v_load(x + j) : v_load_first(x + j, lanes);
    vec e = v_exp(idea, v_sub(v, shift));
    if (masked || lanes != LANES)
        e = v_select(keys_at(masked, allowed, j, lanes), e, v_set(0));
    if (lanes == LANES)
        v_store(x + j, e);
    else
        v_store_first(x + j, e, lanes);
    return e;
}

/* Scores become weights; returns the sums of lanes. */
INLINE vec row_exp(enum exp_idea idea, bool masked, const struct scores *s, int32_t i, float shift)
{
    float *x = s->x + i * s->stride;
    const uint8_t *allowed = s->allowed + i * s->allowed_stride;
    const vec by = v_set(shift);
    vec sum = v_set(0);
    int32_t j = 0;
    for (; j + 4 * LANES <= s->cols; j += 4 * LANES) {
        const vec a = weigh_lanes(idea, masked, x, allowed, j, LANES, by);
        const vec b = weigh_lanes(idea, masked, x, allowed, j + LANES, LANES, by);
        const vec c = weigh_lanes(idea, masked, x, allowed, j + 2 * LANES, LANES, by);
        const vec d = weigh_lanes(idea, masked, x, allowed, j + 3 * LANES, LANES, by);
        sum = v_add(sum, v_add(v_add(a, b), v_add(c, d)));
    }
    for (; j + LANES <= s->cols; j += LANES)
        sum = v_add(sum, weigh_lanes(idea, masked, x, allowed, j, LANES, by));
    if (j < s->cols)
        sum = v_add(sum, weigh_lanes(idea, masked, x, allowed, j, s->cols - j, by));
    return sum;
}

/* ---- LANES rows, or the last ones ---- */

INLINE vec load_rows(const float *p, int rows)
{
    return rows == LANES ? v_load(p) : v_load_first(p, rows);
}

INLINE void store_rows(float *p, vec v, int rows)
{
    if (rows == LANES)
        v_store(p, v);
    else
        v_store_first(p, v, rows);
}

/* The greater of old and the rows' maxima; NaN wins. Never -0, so that nothing depends on the
 * order in which zeros met. */
INLINE vec rows_max(bool masked, const struct scores *s, int32_t i, int rows, vec old)
{
    vec max[LANES];
    vmask nan = v_first(0);
    for (int r = 0; r < rows; r++)
        max[r] = row_max(masked, s, i + r, &nan);
    for (int r = rows; r < LANES; r++)
        max[r] = v_set(-INFINITY);
    if (v_any(nan))
        for (int r = 0; r < rows; r++) {
            nan = v_first(0);
            row_max(masked, s, i + r, &nan);
            if (v_any(nan))
                max[r] = v_set(NAN);
        }
    const vec block = v_reduce_max(max);
    nan = v_or_unordered(v_first(0), old, block);
    return v_select(nan, v_set(NAN), v_add(v_max(old, block), v_set(0)));
}

INLINE vec rows_exp(enum exp_idea idea, bool masked, const struct scores *s, int32_t i, int rows,
                    vec max)
{
    float shift[LANES];
    vec sum[LANES];
    v_store(shift, v_select(v_equal(max, v_set(-INFINITY)), v_set(INFINITY), max));
    for (int r = 0; r < rows; r++)
        sum[r] = row_exp(idea, masked, s, i + r, shift[r]);
    for (int r = rows; r < LANES; r++)
        sum[r] = v_set(0);
    return v_reduce_sum(sum);
}

INLINE void divide_row(bool masked, const struct scores *s, int32_t i, float sum,
                       enum dt_dialect dialect)
{
    float *x = s->x + i * s->stride;
    const uint8_t *allowed = s->allowed + i * s->allowed_stride;
    const vec by = v_set(1 / sum);
    bool keys = !masked;
    for (int32_t j = 0; sum == 0 && !keys && j < s->cols; j++)
        keys = allowed[j];
    if (sum == 0 && !keys) {
        for (int32_t j = 0; dialect == DT_HF && j < s->cols; j++)
            x[j] = 1.0f / (float)s->cols;
        return;
    }
    int32_t j = 0;
    for (; j + LANES <= s->cols; j += LANES) {
        const vec weight = v_mul(v_load(x + j), by);
        v_store(x + j, masked ? v_select(v_keys(allowed + j), weight, v_set(0)) : weight);
    }
    if (j < s->cols) {
        const int lanes = s->cols - j;
        const vec weight = v_mul(v_load_first(x + j, lanes), by);
        v_store_first(x + j, v_select(keys_at(masked, allowed, j, lanes), weight, v_set(0)), lanes);
    }
}

/* ---- The passes ---- */

INLINE void whole(enum exp_idea idea, bool masked, const struct scores *s, int32_t rows,
                  enum dt_dialect dialect)
{
    const int32_t fit = 4096 / s->cols, step = fit < 4 ? 4 : fit > LANES ? LANES : fit;
    for (int32_t i = 0; i < rows; i += step) {
        const int count = rows - i < step ? rows - i : step;
        float sum[LANES];
        const vec max = rows_max(masked, s, i, count, v_set(-INFINITY));
        v_store(sum, rows_exp(idea, masked, s, i, count, max));
        for (int r = 0; r < count; r++)
            divide_row(masked, s, i + r, sum[r], dialect);
    }
}

INLINE void pass_over(enum exp_idea idea, bool masked, const struct dt_softmax_args *a)
{
    const struct scores s = {a->x, a->allowed, a->stride, a->allowed_stride, a->cols};
    const bool takes_max = a->pass == DT_SOFTMAX_MAX || a->pass == DT_SOFTMAX_ONLINE;
    float *const max_at = a->max, *const sum_at = a->sum, *const factor_at = a->factor;
    const enum dt_softmax_pass pass = a->pass;
    const int32_t rows = a->rows;
    if (pass == DT_SOFTMAX_WHOLE) {
        whole(idea, masked, &s, rows, a->dialect);
        return;
    }
    for (int32_t i = 0; i < rows; i += LANES) {
        const int count = rows - i < LANES ? rows - i : LANES;
        const vec old = load_rows(max_at + i, count);
        vec max = old;
        if (takes_max) {
            max = rows_max(masked, &s, i, count, old);
            store_rows(max_at + i, max, count);
        }
        if (pass == DT_SOFTMAX_MAX)
            continue;
        vec sum = load_rows(sum_at + i, count);
        if (pass == DT_SOFTMAX_ONLINE) {
            const vec factor =
                v_select(v_equal(max, v_set(-INFINITY)), v_set(1), v_exp(idea, v_sub(old, max)));
            store_rows(factor_at + i, factor, count);
            sum = v_mul(sum, factor);
        }
        store_rows(sum_at + i, v_add(sum, rows_exp(idea, masked, &s, i, count, max)), count);
    }
}

#define SOFTMAX(name, idea)                                                                        \
    static void name##_masked(const struct dt_softmax_args *a) { pass_over(idea, true, a); }       \
    static void name##_all(const struct dt_softmax_args *a) { pass_over(idea, false, a); }         \
    static void name(const struct dt_softmax_args *a)                                              \
    {                                                                                              \
        if (a->allowed)                                                                            \
            name##_masked(a);                                                                      \
        else                                                                                       \
            name##_all(a);                                                                         \
    }

#endif
