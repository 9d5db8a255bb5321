/* SPDX-License-Identifier: MIT */
/*
 * The exponentials of the softmax variants. With a maximum of 0 the pass EXP turns x into exp(x),
 * so that the ULP bounds that softmax_ideas.h states can be held against exp() in double precision.
 */
#include "kernels/variant.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLS = 4096 };

static float float_of(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static void exp_by(const struct dt_variant *variant, float *x, int32_t cols)
{
    float max = 0, sum = 0;
    const struct dt_softmax_args args = {.pass = DT_SOFTMAX_EXP,
                                         .x = x,
                                         .stride = cols,
                                         .rows = 1,
                                         .cols = cols,
                                         .max = &max,
                                         .sum = &sum};
    variant->run.softmax(&args);
}

/* Of normal results, in units in the last place; 0 may stand for all others. */
static double ulps(float got, float x)
{
    const double expected = exp((double)x);
    if (expected < FLT_MIN && got == 0)
        return 0;
    const double place = ldexp(1, ilogb(fmax(expected, FLT_MIN)) - (FLT_MANT_DIG - 1));
    return fabs((double)got - expected) / place;
}

/* The greatest error over x[cols], and where. */
static void take_worst(const struct dt_variant *variant, const float *x, int32_t cols,
                       double *worst, float *where)
{
    static float e[COLS];
    memcpy(e, x, (size_t)cols * sizeof *e);
    exp_by(variant, e, cols);
    for (int32_t n = 0; n < cols; n++) {
        const double error = ulps(e[n], x[n]);
        if (!(error <= *worst)) {
            *worst = isnan(error) ? INFINITY : error;
            *where = x[n];
        }
    }
}

/* Every stride-th float of [-104, -2^-30]. */
static double sweep(const struct dt_variant *variant, uint32_t stride, float *where)
{
    static float x[COLS];
    const uint32_t last = bits_of(-104);
    double worst = 0;
    int32_t count = 0;
    for (uint32_t bits = bits_of(-0x1p-30f); bits <= last; bits += stride) {
        x[count++] = float_of(bits);
        if (count == COLS || bits > last - stride) {
            take_worst(variant, x, count, &worst, where);
            count = 0;
        }
    }
    return worst;
}

/* Around every multiple of ln 2 / 64: where a power of two, a table's entry or the rounding to one
 * of them changes. */
static double around_boundaries(const struct dt_variant *variant, float *where)
{
    static float x[COLS];
    double worst = 0;
    for (int32_t step = 0; step < 64 * 151; step++) {
        const float at = (float)(-step * 0.69314718055994531 / 64);
        for (uint32_t n = 0; n < 64; n++)
            x[n] = float_of(bits_of(at) - (step ? 32 : 0) + n);
        x[64] = -0.0f;
        x[65] = 0;
        take_worst(variant, x, 66, &worst, where);
    }
    return worst;
}

/* The stated bound; a variant of another idea needs a line here. */
static double bound_of(const struct dt_variant *variant)
{
    static const struct {
        const char *end; /* of the name */
        double ulps;
    } bounds[] = {
        {".plain", 1},         {".poly", 0.9},          {".sleef", 1},
        {".avx2.table", 1.15}, {".avx512.table", 1.75},
    };
    for (size_t n = 0; n < sizeof bounds / sizeof *bounds; n++) {
        const char *end = strstr(variant->name, bounds[n].end);
        if (end && strlen(end) == strlen(bounds[n].end))
            return bounds[n].ulps;
    }
    return 0;
}

/* DISENTUNE_ALL_FLOATS=1 leaves none out. */
static uint32_t chosen_stride(void) { return getenv("DISENTUNE_ALL_FLOATS") ? 1 : 509; }

static const struct dt_variant *softmax_at(size_t n)
{
    const struct dt_variant *variant = dt_variant_at(n);
    return variant && dt_variant_applies(variant, DT_OP_SOFTMAX, NULL, NULL) ? variant : NULL;
}

Test(softmax, exponentials_are_within_their_stated_bounds, .timeout = 600)
{
    char wrong[4096] = "";
    size_t judged = 0;
    for (size_t n = 0; dt_variant_at(n); n++) {
        const struct dt_variant *variant = softmax_at(n);
        if (!variant)
            continue;
        float where[2] = {0};
        const double worst[2] = {sweep(variant, chosen_stride(), &where[0]),
                                 around_boundaries(variant, &where[1])};
        const int w = worst[1] > worst[0];
        fprintf(stderr, "%s: %.3f ULP at %a\n", variant->name, worst[w], (double)where[w]);
        if (!(worst[w] <= bound_of(variant)))
            snprintf(wrong + strlen(wrong), sizeof wrong - strlen(wrong),
                     "\n%s: %.3f ULP at %a, stated are %g", variant->name, worst[w],
                     (double)where[w], bound_of(variant));
        judged++;
    }
    cr_assert_str_empty(wrong, "%s", wrong);
    cr_assert_geq(judged, 1);
}

Test(softmax, exponentials_of_special_values)
{
    char wrong[4096] = "";
    for (size_t n = 0; dt_variant_at(n); n++) {
        const struct dt_variant *variant = softmax_at(n);
        if (!variant)
            continue;
        float x[39];
        for (uint32_t k = 0; k < 39; k++)
            x[k] = k % 5 == 0   ? float_of(0x7fc00000 + k * 0x1001)
                   : k % 5 == 1 ? float_of(0xffc00000 + k * 0x1001)
                   : k % 5 == 2 ? -INFINITY
                   : k % 5 == 3 ? -0x1p+120f
                                : 0;
        exp_by(variant, x, 39);
        bool right = true;
        for (size_t k = 0; k < 39; k++)
            right &= k % 5 < 2 ? isnan(x[k]) : bits_of(x[k]) == bits_of(k % 5 == 4);
        if (!right)
            snprintf(wrong + strlen(wrong), sizeof wrong - strlen(wrong), " %s", variant->name);
    }
    cr_assert_str_empty(wrong, "%s", wrong);
}
