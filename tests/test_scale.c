/* SPDX-License-Identifier: MIT */
#include "reports/scale.h"
#include "reports/stats.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static struct dt_scale scale_of(int base, double lo, double hi)
{
    struct dt_scale scale = dt_scale_empty(base, 100, 500);
    dt_scale_cover(&scale, lo);
    dt_scale_cover(&scale, hi);
    dt_scale_pad(&scale, 0);
    return scale;
}

/* Lead digits 1, 2 and 5 after powers of ten are taken off; of a difference, so that it holds for
 * linear ticks. */
static bool is_round(double step)
{
    const double lead = step / pow(10, floor(log10(step) + 1e-9));
    return fabs(lead - 1) < 1e-6 || fabs(lead - 2) < 1e-6 || fabs(lead - 5) < 1e-6;
}

static double uniform(uint64_t *state, double lo, double hi)
{
    return lo + (hi - lo) * (double)dt_random_below(state, 1000000) / 1e6;
}

/* Ascending, within the domain, at least 2, not many more than wanted, and told apart in print. */
static bool are_sane(const struct dt_scale *scale, const struct dt_ticks *ticks, int want)
{
    bool sane = ticks->count >= 2 && ticks->count <= (size_t)(3 * want + 3);
    char before[64] = "", text[64];
    for (size_t t = 0; t < ticks->count && sane; t++) {
        const double margin = (scale->hi - scale->lo) * 1e-6;
        sane = ticks->at[t] >= scale->lo - margin && ticks->at[t] <= scale->hi + margin &&
               (t == 0 || ticks->at[t] > ticks->at[t - 1]);
        snprintf(text, sizeof text, "%.*f", ticks->decimals[t], ticks->at[t]);
        sane = sane && strcmp(text, before) != 0 && ticks->decimals[t] <= 9;
        strcpy(before, text);
    }
    return sane;
}

Test(scale, linear_ticks_are_round_and_even)
{
    uint64_t state = 5;
    for (int n = 0; n < 20000; n++) {
        const double size = pow(10, uniform(&state, -4, 6)), lo = uniform(&state, -3, 3) * size;
        const struct dt_scale scale = scale_of(0, lo, lo + size * uniform(&state, 0.01, 2));
        const int want = 3 + (int)dt_random_below(&state, 8);
        struct dt_ticks ticks;
        dt_scale_ticks(&scale, want, &ticks);
        cr_assert(are_sane(&scale, &ticks, want), "%g ... %g, %d wanted, %zu given", scale.lo,
                  scale.hi, want, ticks.count);
        const double step = ticks.at[1] - ticks.at[0];
        cr_assert(is_round(step), "%g ... %g: steps of %g", scale.lo, scale.hi, step);
        for (size_t t = 1; t < ticks.count; t++)
            cr_assert_lt(fabs(ticks.at[t] - ticks.at[t - 1] - step), 1e-6 * step);
    }
}

Test(scale, logarithmic_ticks_lie_within)
{
    uint64_t state = 6;
    for (int n = 0; n < 20000; n++) {
        const double lo = pow(10, uniform(&state, -3, 5));
        const struct dt_scale scale = scale_of(10, lo, lo * pow(10, uniform(&state, 0.02, 7)));
        const int want = 4 + (int)dt_random_below(&state, 6);
        struct dt_ticks ticks;
        dt_scale_ticks(&scale, want, &ticks);
        cr_assert(are_sane(&scale, &ticks, want), "%g ... %g, %d wanted, %zu given", scale.lo,
                  scale.hi, want, ticks.count);
    }
}

static void expect_ticks(int base, double lo, double hi, int want, const double *expected,
                         size_t count)
{
    const struct dt_scale scale = scale_of(base, lo, hi);
    struct dt_ticks ticks;
    dt_scale_ticks(&scale, want, &ticks);
    cr_expect_eq(ticks.count, count, "%g ... %g: %zu ticks", lo, hi, ticks.count);
    for (size_t t = 0; t < count && t < ticks.count; t++)
        cr_expect_lt(fabs(ticks.at[t] - expected[t]), 1e-9, "%g ... %g: tick %zu is %g", lo, hi, t,
                     ticks.at[t]);
}

#define TICKS(base, lo, hi, want, ...)                                                             \
    expect_ticks(base, lo, hi, want, (const double[]){__VA_ARGS__},                                \
                 sizeof((const double[]){__VA_ARGS__}) / sizeof(double))

Test(scale, ticks_of_known_domains)
{
    TICKS(0, 0, 1, 5, 0, 0.2, 0.4, 0.6, 0.8, 1);
    TICKS(0, -0.3, 0.31, 3, -0.2, 0, 0.2);
    TICKS(0, 93, 107, 7, 94, 96, 98, 100, 102, 104, 106);
    TICKS(10, 1, 100, 6, 1, 2, 5, 10, 20, 50, 100);
    TICKS(10, 1e-2, 1e3, 6, 0.01, 0.1, 1, 10, 100, 1000);
    TICKS(10, 0.9, 1.1, 4, 0.9, 0.95, 1, 1.05, 1.1);
    TICKS(2, 16, 4096, 5, 16, 64, 256, 1024, 4096);
    TICKS(2, 0.95, 2.1, 6, 1, 2);
}

Test(scale, places_are_within_whatever_is_asked)
{
    struct dt_scale scale = dt_scale_empty(10, 300, 20);
    dt_scale_cover(&scale, NAN);
    dt_scale_cover(&scale, -4);
    dt_scale_cover(&scale, INFINITY);
    dt_scale_pad(&scale, 0.1);
    cr_expect(scale.lo < scale.hi && scale.lo > 0 && isfinite(scale.hi));
    cr_expect_lt(fabs(dt_scale_at(&scale, scale.lo) - 300), 1e-9);
    cr_expect_lt(fabs(dt_scale_at(&scale, scale.hi) - 20), 1e-9);
    cr_expect_lt(fabs(dt_scale_at(&scale, 1e30) - 20), 1e-9);
    cr_expect_lt(fabs(dt_scale_at(&scale, 0) - 300), 1e-9);

    scale = dt_scale_empty(0, 0, 100);
    dt_scale_cover(&scale, 7);
    dt_scale_pad(&scale, 0.1);
    cr_expect_lt(fabs(dt_scale_at(&scale, 7) - 50), 1e-9);
    scale = dt_scale_empty(10, 0, 100);
    dt_scale_cover(&scale, 7);
    dt_scale_pad(&scale, 0.1);
    cr_expect_lt(fabs(dt_scale_at(&scale, 7) - 50), 1e-9);
    cr_expect_lt(fabs(dt_scale_at(&scale, 7 * pow(scale.hi / 7, 0.5)) - 75), 1e-9);
}
