/* SPDX-License-Identifier: MIT */
#include "reports/stats.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdbool.h>

static double uniform(uint64_t *state)
{
    return ((double)(dt_random(state) >> 11) + 0.5) / 9007199254740992.0;
}

static double normal(uint64_t *state)
{
    double radius = sqrt(-2 * log(uniform(state)));
    return radius * cos(6.283185307179586 * uniform(state));
}

Test(stats, median_of_odd_even_one_and_ties)
{
    const double odd[] = {5, -1, 3}, even[] = {4, 1, 3, 2}, ties[] = {2, 2, 2, 7, 7, 7};
    cr_expect_eq(dt_median(odd, 3), 3);
    cr_expect_eq(dt_median(even, 4), 2.5);
    cr_expect_eq(dt_median(even, 1), 4);
    cr_expect_eq(dt_median(ties, 6), 4.5);
    cr_expect_eq(odd[0], 5, "the input was reordered");
}

Test(stats, median_spans_all_doubles)
{
    const double extreme[] = {INFINITY, -INFINITY, -0.0, 4.9e-324, -4.9e-324};
    cr_expect_eq(dt_median(extreme, 5), 0);
    cr_expect_eq(dt_quantile(extreme, 5, 0.75), 4.9e-324);
    cr_expect_eq(dt_quantile(extreme, 5, 0), -INFINITY);
    cr_expect_eq(dt_quantile(extreme, 5, 1), INFINITY);
}

/* R: quantile(c(15, 20, 35, 40, 50), c(0.05, 0.3, 0.4, 0.95, 1), type = 7). */
Test(stats, quantiles_are_those_of_type_7)
{
    const double x[] = {50, 15, 40, 20, 35};
    const double q[] = {0, 0.05, 0.3, 0.4, 0.5, 0.95, 1};
    const double wanted[] = {15, 16, 23, 29, 35, 48, 50};
    double worst = 0;
    for (size_t k = 0; k < sizeof q / sizeof *q; k++)
        worst = fmax(worst, fabs(dt_quantile(x, 5, q[k]) - wanted[k]));
    cr_expect_lt(worst, 1e-12);
}

/* From seed 1234567, as in the reference implementation of splitmix64 by Vigna. */
Test(stats, generator_is_splitmix64)
{
    const uint64_t wanted[] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                               4593380528125082431u, 16408922859458223821u};
    uint64_t state = 1234567;
    size_t wrong = 0;
    for (size_t k = 0; k < 5; k++)
        wrong += dt_random(&state) != wanted[k];
    cr_expect_eq(wrong, 0);
}

Test(stats, bootstrap_depends_on_data_and_seed_alone)
{
    double x[40];
    uint64_t state = 3;
    for (size_t i = 0; i < 40; i++)
        x[i] = normal(&state);
    const struct dt_interval a = dt_bootstrap_median(x, 40, 9), b = dt_bootstrap_median(x, 40, 9);
    const struct dt_interval c = dt_bootstrap_median(x, 40, 10);
    cr_expect(a.median == b.median && a.lo == b.lo && a.hi == b.hi);
    cr_expect(a.lo < a.median && a.median < a.hi);
    cr_expect_eq(a.median, c.median);
    cr_expect(a.lo != c.lo || a.hi != c.hi);
}

Test(stats, bootstrap_of_few_values_is_their_range)
{
    const double x[] = {3, 1, 4, 2};
    const struct dt_interval one = dt_bootstrap_median(x, 1, 1), all = dt_bootstrap_median(x, 4, 1);
    cr_expect(one.median == 3 && one.lo == 3 && one.hi == 3);
    cr_expect(all.median == 2.5 && all.lo == 1 && all.hi == 4);
}

/* 95 % intervals; 400 tries with n = 20 (and 21, an odd n) have a standard error of 1.1 %. */
Test(stats, bootstrap_covers_the_true_median)
{
    for (size_t n = 20; n <= 21; n++) {
        uint64_t state = 42 + n;
        int held = 0;
        for (uint64_t trial = 0; trial < 400; trial++) {
            double x[21];
            for (size_t i = 0; i < n; i++)
                x[i] = 10 + normal(&state);
            struct dt_interval interval = dt_bootstrap_median(x, n, trial);
            held += interval.lo <= 10 && 10 <= interval.hi;
        }
        cr_expect(held >= 360 && held <= 396, "n = %zu: %d of 400", n, held);
    }
}

/*
 * n = 3 * 2^62 is where a modulo shows: it would draw each of the lowest 2^62 twice as often as
 * the others. The high half of a product would draw each multiple of 3 twice as often. Three cells
 * each, two degrees of freedom: chi-square above 13.8 has probability 0.001.
 */
Test(stats, random_below_is_unbiased)
{
    const uint64_t quarter = UINT64_C(1) << 62;
    double chi_large = 0, chi_residue = 0, chi_small = 0;
    uint64_t state = 7;
    int large[3] = {0}, residue[3] = {0}, small[7] = {0};
    bool inside = true;
    for (int k = 0; k < 42000; k++) {
        uint64_t a = dt_random_below(&state, 3 * quarter), b = dt_random_below(&state, 7);
        inside = inside && a < 3 * quarter && b < 7;
        large[a / quarter % 3]++;
        residue[a % 3]++;
        small[b % 7]++;
    }
    for (int c = 0; c < 3; c++) {
        chi_large += pow(large[c] - 14000, 2) / 14000;
        chi_residue += pow(residue[c] - 14000, 2) / 14000;
    }
    for (int c = 0; c < 7; c++)
        chi_small += pow(small[c] - 6000, 2) / 6000;
    cr_expect(inside);
    cr_expect_lt(chi_large, 13.8, "chi-square %g", chi_large);
    cr_expect_lt(chi_residue, 13.8, "chi-square %g", chi_residue);
    cr_expect_lt(chi_small, 22.5, "chi-square %g", chi_small);
    cr_expect_eq(dt_random_below(&state, 1), 0);
}

/* All 24 orders of 4 come up equally often: 23 degrees of freedom, 49.7 at 0.001. */
Test(stats, shuffle_gives_every_permutation)
{
    uint64_t state = 5;
    int seen[256] = {0};
    for (int k = 0; k < 24000; k++) {
        size_t order[4] = {0, 1, 2, 3};
        dt_shuffle(order, 4, &state);
        seen[order[0] << 6 | order[1] << 4 | order[2] << 2 | order[3]]++;
    }
    double chi = 0;
    int orders = 0, total = 0;
    for (int code = 0; code < 256; code++) {
        int digits =
            1 << (code >> 6) | 1 << (code >> 4 & 3) | 1 << (code >> 2 & 3) | 1 << (code & 3);
        if (digits != 15)
            continue;
        orders += seen[code] > 0;
        total += seen[code];
        chi += pow(seen[code] - 1000, 2) / 1000;
    }
    cr_expect_eq(orders, 24);
    cr_expect_eq(total, 24000, "not a permutation");
    cr_expect_lt(chi, 49.7, "chi-square %g", chi);
}
