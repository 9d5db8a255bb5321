/* SPDX-License-Identifier: MIT */
#include "reports/stats.h"

#include <stdlib.h>
#include <string.h>

#define RESAMPLES 1000

/* An integer that orders as the double does. */
static uint64_t key_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static double value_of(uint64_t key)
{
    double value;
    uint64_t bits = key >> 63 ? key & ~(UINT64_C(1) << 63) : ~key;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/*
 * The k-th smallest (0-based) by bisection over all doubles: the least value with more than k
 * entries up to it. 64 passes over x, but neither a copy nor memory that may be lacking.
 */
double dt_order_statistic(const double *x, size_t n, size_t k)
{
    uint64_t lo = 0, hi = UINT64_MAX;
    while (lo < hi) {
        uint64_t middle = lo + (hi - lo) / 2;
        size_t below = 0;
        for (size_t i = 0; i < n; i++)
            below += key_of(x[i]) <= middle;
        if (below > k)
            hi = middle;
        else
            lo = middle + 1;
    }
    return value_of(lo);
}

double dt_quantile(const double *x, size_t n, double q)
{
    double position = q * (double)(n - 1);
    size_t k = (size_t)position;
    double fraction = position - (double)k;
    double lower = dt_order_statistic(x, n, k);
    if (fraction == 0)
        return lower;
    return lower + fraction * (dt_order_statistic(x, n, k + 1) - lower);
}

double dt_median(const double *x, size_t n)
{
    double upper = dt_order_statistic(x, n, n / 2);
    return n % 2 ? upper : (dt_order_statistic(x, n, n / 2 - 1) + upper) / 2;
}

static int compare(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* The median of a resample of sorted values, given as how often each one was drawn. */
static double median_of_counts(const double *sorted, const uint32_t *counts, size_t n)
{
    size_t i = 0, seen = counts[0];
    while (seen <= (n - 1) / 2)
        seen += counts[++i];
    double lower = sorted[i];
    while (seen <= n / 2)
        seen += counts[++i];
    return n % 2 ? lower : (lower + sorted[i]) / 2;
}

/*
 * Values are sorted once; a resample is then a count for each value, and its median a walk over
 * the counts instead of a sort. Without memory for that the interval stays the range, which
 * is wider: nothing false is claimed.
 */
struct dt_interval dt_bootstrap_median(const double *x, size_t n, uint64_t seed)
{
    struct dt_interval interval = {dt_median(x, n), dt_quantile(x, n, 0), dt_quantile(x, n, 1)};
    if (n < 5 || n > UINT32_MAX)
        return interval;
    double *sorted = malloc(n * sizeof *sorted);
    uint32_t *counts = malloc(n * sizeof *counts);
    if (sorted && counts) {
        double medians[RESAMPLES];
        memcpy(sorted, x, n * sizeof *sorted);
        qsort(sorted, n, sizeof *sorted, compare);
        for (size_t r = 0; r < RESAMPLES; r++) {
            memset(counts, 0, n * sizeof *counts);
            for (size_t i = 0; i < n; i++)
                counts[dt_random_below(&seed, n)]++;
            medians[r] = median_of_counts(sorted, counts, n);
        }
        interval.lo = dt_quantile(medians, RESAMPLES, 0.025);
        interval.hi = dt_quantile(medians, RESAMPLES, 0.975);
    }
    free(counts);
    free(sorted);
    return interval;
}

/* Room to draw pairs and samples in. */
struct draws {
    const double **first; /* [pairs], the samples of each */
    double *medians;      /* [pairs] */
    double *samples;      /* [most samples of a pair] */
};

static bool draws_init(struct draws *draws, const double *values, const size_t *counts,
                       size_t pairs)
{
    size_t most = 0;
    for (size_t i = 0; i < pairs; i++)
        most = counts[i] > most ? counts[i] : most;
    draws->first = malloc(pairs * sizeof *draws->first);
    draws->medians = calloc(pairs, sizeof *draws->medians);
    draws->samples = malloc(most * sizeof *draws->samples);
    for (size_t i = 0; i < pairs && draws->first; values += counts[i++])
        draws->first[i] = values;
    return draws->first && draws->medians && draws->samples;
}

static void draws_clear(struct draws *draws)
{
    free(draws->samples);
    free(draws->medians);
    free(draws->first);
}

static double resample_pairs(const struct draws *draws, const size_t *counts, size_t pairs,
                             uint64_t *seed)
{
    for (size_t i = 0; i < pairs; i++) {
        const size_t pair = dt_random_below(seed, pairs);
        for (size_t k = 0; k < counts[pair]; k++)
            draws->samples[k] = draws->first[pair][dt_random_below(seed, counts[pair])];
        draws->medians[i] = dt_median(draws->samples, counts[pair]);
    }
    return dt_median(draws->medians, pairs);
}

bool dt_bootstrap_pairs(const double *values, const size_t *counts, size_t pairs, uint64_t seed,
                        struct dt_interval *interval)
{
    struct draws draws;
    const bool drawn = draws_init(&draws, values, counts, pairs);
    if (drawn) {
        double resampled[RESAMPLES];
        for (size_t i = 0; i < pairs; i++)
            draws.medians[i] = dt_median(draws.first[i], counts[i]);
        interval->median = dt_median(draws.medians, pairs);
        interval->lo = dt_quantile(draws.medians, pairs, 0);
        interval->hi = dt_quantile(draws.medians, pairs, 1);
        for (size_t r = 0; r < RESAMPLES && pairs >= 5; r++)
            resampled[r] = resample_pairs(&draws, counts, pairs, &seed);
        if (pairs >= 5) {
            interval->lo = dt_quantile(resampled, RESAMPLES, 0.025);
            interval->hi = dt_quantile(resampled, RESAMPLES, 0.975);
        }
    }
    draws_clear(&draws);
    return drawn;
}

/* Lemire, "Fast random integer generation in an interval", 2019: the high half of a product
 * is the number; low halves below 2^64 mod n would favour some numbers and are redrawn. */
uint64_t dt_random_below(uint64_t *state, uint64_t n)
{
    unsigned __int128 product = (unsigned __int128)dt_random(state) * n;
    if ((uint64_t)product < n) {
        uint64_t unfair = -n % n;
        while ((uint64_t)product < unfair)
            product = (unsigned __int128)dt_random(state) * n;
    }
    return (uint64_t)(product >> 64);
}

void dt_shuffle(size_t *order, size_t n, uint64_t *state)
{
    for (size_t last = n; last > 1; last--) {
        size_t other = dt_random_below(state, last);
        size_t kept = order[last - 1];
        order[last - 1] = order[other];
        order[other] = kept;
    }
}
