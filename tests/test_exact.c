/* SPDX-License-Identifier: MIT */
#include "reports/exact.h"
#include "reports/stats.h"

#include <criterion/criterion.h>
#include <math.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* scipy 1.17: binom.sf(k - 1, n, p). */
Test(exact, binomial_tails)
{
    const struct {
        size_t n;
        double p;
        size_t k;
        double tail;
    } wanted[] = {
        {20, 0.5, 15, 0.02069473266601562},
        {20, 0.5, 17, 0.001288414001464844},
        {59, 0.05, 1, 0.9515054747505768},
        {299, 0.01, 9, 0.003525323631059847},
        {1000, 0.3, 250, 0.999801452673767},
        {1000, 0.3, 350, 0.0003738701054403908},
        {60, 0.83, 41, 0.9984191542580789},
        {5, 0.5, 5, 0.03125},
        {40, 0.001, 2, 0.0007605115570485752},
        {7, 0.2, 0, 1},
        {7, 0.2, 8, 0},
        {7, 0, 1, 0},
        {7, 1, 7, 1},
    };
    double worst = 0;
    for (size_t k = 0; k < COUNT(wanted); k++) {
        const double tail = dt_binomial_tail(wanted[k].n, wanted[k].p, wanted[k].k);
        worst = fmax(worst, fabs(tail - wanted[k].tail) / fmax(wanted[k].tail, 1e-300));
    }
    cr_expect_lt(worst, 1e-11, "%g", worst);
}

/* Critical values of the one-sided sign test; those at 5 % are in any table of it. */
Test(exact, least_counts_of_the_sign_test)
{
    cr_expect_eq(dt_sign_least(4, 0.05), 5, "four values cannot reach 5 %%");
    cr_expect_eq(dt_sign_least(5, 0.05), 5);
    cr_expect_eq(dt_sign_least(10, 0.05), 9);
    cr_expect_eq(dt_sign_least(20, 0.05), 15);
    cr_expect_eq(dt_sign_least(40, 0.05), 26);
    cr_expect_eq(dt_sign_least(60, 0.05), 37);
    cr_expect_eq(dt_sign_least(60, 0.025 / 15), 42);
    cr_expect_eq(dt_sign_least(3, 1), 0);
}

Test(exact, sign_test_counts_what_is_beyond)
{
    const double x[] = {1.01, 1.05, 1.03, 1.04, 1.06, 0.97};
    cr_expect_float_eq(dt_sign_above(x, 6, 1.03), 42.0 / 64, 1e-12, "1.03 is not above 1.03");
    cr_expect_float_eq(dt_sign_above(x, 6, 1.02), 22.0 / 64, 1e-12);
    cr_expect_float_eq(dt_sign_below(x, 6, 0.97), 1, 1e-12);
    cr_expect_float_eq(dt_sign_below(x, 6, 0.98), 63.0 / 64, 1e-12);
    cr_expect_eq(dt_sign_above(x, 0, 1), 1);
}

/* scipy 1.17: quantile_test(1 ... n).confidence_interval(); the same ranks are in Table A33 of
 * Hollander, Wolfe and Chicken, "Nonparametric Statistical Methods". */
Test(exact, ranks_of_the_interval_of_a_median)
{
    const struct {
        size_t n;
        double level;
        double lo, hi;
    } wanted[] = {{6, 0.95, 1, 6},    {10, 0.95, 2, 9},    {10, 0.99, 1, 10},  {20, 0.95, 6, 15},
                  {20, 0.99, 4, 17},  {25, 0.95, 8, 18},   {25, 0.99, 6, 20},  {60, 0.95, 22, 39},
                  {60, 0.99, 20, 41}, {100, 0.95, 40, 61}, {100, 0.99, 37, 64}};
    size_t wrong = 0;
    for (size_t k = 0; k < COUNT(wanted); k++) {
        double x[100];
        for (size_t i = 0; i < wanted[k].n; i++)
            x[i] = (double)((7 * i) % wanted[k].n + 1);
        if (wanted[k].n % 7 == 0)
            continue;
        const struct dt_exact got = dt_exact_median(x, wanted[k].n, wanted[k].level);
        wrong += got.lo != wanted[k].lo || got.hi != wanted[k].hi || got.level < wanted[k].level ||
                 got.median != ((double)wanted[k].n + 1) / 2;
    }
    cr_expect_eq(wrong, 0, "%zu", wrong);
}

Test(exact, few_values_give_their_range_and_its_level)
{
    const double x[] = {3, 1, 2, 5, 4};
    const struct dt_exact five = dt_exact_median(x, 5, 0.95), one = dt_exact_median(x, 1, 0.95);
    cr_expect(five.lo == 1 && five.hi == 5 && five.median == 3);
    cr_expect_float_eq(five.level, 0.9375, 1e-12);
    cr_expect(one.lo == 3 && one.hi == 3 && one.median == 3 && one.level == 0);
}

/* scipy 1.17: binomtest(k, n).proportion_ci(level, 'exact'). */
Test(exact, limits_of_clopper_and_pearson)
{
    const struct {
        size_t k, n;
        double level, lo, hi;
    } wanted[] = {{0, 59, 0.95, 0, 0.0606089009503398},
                  {0, 299, 0.95, 0, 0.012261595907537},
                  {36, 40, 0.95, 0.763362600124052, 0.972074584705781},
                  {20, 20, 0.95, 0.831566529016915, 1},
                  {1, 59, 0.95, 0.000429023332840288, 0.0908559328866492},
                  {3, 100, 0.9, 0.00822582910786519, 0.0757107937498301},
                  {7, 20, 0.99, 0.113879763266732, 0.656568584231921}};
    double worst = 0, lo, hi;
    for (size_t k = 0; k < COUNT(wanted); k++) {
        dt_clopper_pearson(wanted[k].k, wanted[k].n, wanted[k].level, &lo, &hi);
        worst = fmax(worst, fmax(fabs(lo - wanted[k].lo), fabs(hi - wanted[k].hi)));
    }
    cr_expect_lt(worst, 1e-12, "%g", worst);
}

Test(exact, one_sided_limits_are_what_self_tests_are_sized_by)
{
    cr_expect_float_eq(dt_clopper_pearson_upper(0, 59, 0.95), 0.04950760988846832, 1e-12);
    cr_expect_float_eq(dt_clopper_pearson_upper(0, 299, 0.95), 0.009969146792958017, 1e-12);
    cr_expect_float_eq(dt_clopper_pearson_upper(1, 93, 0.95), 0.049993978387988386, 1e-12);
    cr_expect_gt(dt_clopper_pearson_upper(0, 58, 0.95), 0.05);
    cr_expect_eq(dt_clopper_pearson_upper(5, 5, 0.95), 1);
}

/* R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm"); equal values get equal results. */
Test(exact, holm_adjusts_as_published)
{
    double p[] = {0.01, 0.04, 0.03, 0.005}, ties[] = {0.02, 0.02, 0.9}, one[] = {0.3};
    const double wanted[] = {0.03, 0.06, 0.06, 0.02};
    double worst = 0;
    dt_holm(p, 4);
    for (size_t k = 0; k < 4; k++)
        worst = fmax(worst, fabs(p[k] - wanted[k]));
    cr_expect_lt(worst, 1e-15);
    dt_holm(ties, 3);
    cr_expect(ties[0] == ties[1] && fabs(ties[0] - 0.06) < 1e-15 && ties[2] == 0.9);
    dt_holm(one, 1);
    cr_expect_eq(one[0], 0.3);
    dt_holm(NULL, 0);
}

/* Of 20 values 15 must lie above at 5 %, with 90 % if each does with 0.8341 (scipy); the value
 * below which 16.59 % of 0 ... 19 lie is 3.152, which is 6.348 below the median. */
Test(exact, least_effect_of_the_sign_test)
{
    double x[20];
    for (size_t i = 0; i < 20; i++)
        x[i] = (double)i;
    cr_expect_float_eq(dt_sign_effect(x, 20, 0, 0.05, 0.9), 6.3484247270104515, 1e-9);
    cr_expect_float_eq(dt_sign_effect(x, 20, 3, 0.05, 0.9), 9.3484247270104515, 1e-9);
    cr_expect(isnan(dt_sign_effect(x, 4, 0, 0.05, 0.9)));
}

/* Pairs that differ by 10 with samples that differ by 0.1 within each: intervals must be as wide
 * as the pairs make them, which a bootstrap of all samples alike would miss. */
Test(exact, bootstrap_of_pairs_keeps_what_processes_share)
{
    double values[80];
    size_t counts[10];
    for (size_t pair = 0; pair < 10; pair++) {
        counts[pair] = 8;
        for (size_t k = 0; k < 8; k++)
            values[8 * pair + k] = 10 * (double)pair + 0.1 * (double)k;
    }
    struct dt_interval pairs, samples, again, few;
    cr_assert(dt_bootstrap_pairs(values, counts, 10, 1, &pairs));
    samples = dt_bootstrap_median(values, 80, 1);
    cr_expect_float_eq(pairs.median, 45.35, 1e-9);
    cr_expect(pairs.lo < 30 && pairs.hi > 60, "%g to %g", pairs.lo, pairs.hi);
    cr_expect_gt(pairs.hi - pairs.lo, 1.5 * (samples.hi - samples.lo));
    cr_assert(dt_bootstrap_pairs(values, counts, 10, 1, &again));
    cr_expect(again.lo == pairs.lo && again.hi == pairs.hi);
    cr_assert(dt_bootstrap_pairs(values, counts, 3, 1, &few));
    cr_expect(fabs(few.lo - 0.35) < 1e-9 && fabs(few.hi - 20.35) < 1e-9);
}
