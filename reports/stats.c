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
static double kth_smallest(const double *x, size_t n, size_t k)
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
    double lower = kth_smallest(x, n, k);
    if (fraction == 0)
        return lower;
    return lower + fraction * (kth_smallest(x, n, k + 1) - lower);
}

double dt_median(const double *x, size_t n)
{
    double upper = kth_smallest(x, n, n / 2);
    return n % 2 ? upper : (kth_smallest(x, n, n / 2 - 1) + upper) / 2;
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

/* Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t dt_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
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
