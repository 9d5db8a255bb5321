/* SPDX-License-Identifier: MIT */
/* Statistics of timings: medians and intervals, no clock. */
#ifndef DISENTUNE_STATS_H
#define DISENTUNE_STATS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dt_interval {
    double median, lo, hi;
};

/* Median of x[0 ... n), n >= 1; x is not changed. NaN entries are not allowed. */
double dt_median(const double *x, size_t n);

/* The k-th smallest, k in [0, n). */
double dt_order_statistic(const double *x, size_t n, size_t k);

/* Quantile q in [0, 1], linear interpolation (type 7 of Hyndman and Fan). */
double dt_quantile(const double *x, size_t n, double q);

/*
 * The median with its 95 % interval by percentile bootstrap of 1,000 resamples from the given
 * seed: the same data and seed give the same interval. n >= 1; with n < 5 the interval is the
 * range. To get ratios, pass logarithms and take exp() of the result.
 */
struct dt_interval dt_bootstrap_median(const double *x, size_t n, uint64_t seed);

/*
 * The same of samples within pairs of processes: values holds counts[0] samples of the first pair,
 * then those of the next. Pairs are drawn, then samples within each, for noise that a process keeps
 * (layout) is not averaged out by more samples of it. The median is that of the pairs' medians.
 * pairs >= 1, counts >= 1; with pairs < 5 the interval is the range of the pairs' medians. False,
 * and *interval untouched, without memory.
 */
bool dt_bootstrap_pairs(const double *values, const size_t *counts, size_t pairs, uint64_t seed,
                        struct dt_interval *interval);

/* Seeded generator: advances *state and returns 64 random bits. splitmix64 of Steele, Lea, Flood,
 * "Fast splittable pseudorandom number generators", 2014; inline, as operands are filled with it.
 */
static inline uint64_t dt_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* Uniform integer in [0, n), n >= 1, without modulo bias. */
uint64_t dt_random_below(uint64_t *state, uint64_t n);

/* Shuffles order[0 ... n) in place. */
void dt_shuffle(size_t *order, size_t n, uint64_t *state);

#endif
