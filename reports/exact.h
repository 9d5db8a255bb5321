/* SPDX-License-Identifier: MIT */
/*
 * Statistics that hold for any noise: they count values above and below, so that no outlier and no
 * heavy tail makes them lie. What they assume is that values are independent.
 */
#ifndef DISENTUNE_EXACT_H
#define DISENTUNE_EXACT_H

#include <stddef.h>

/* P(X >= k) of n trials of probability p in [0, 1]. */
double dt_binomial_tail(size_t n, double p, size_t k);

/* The least k with P(X >= k) <= alpha of n trials of probability 1/2; n + 1 if there is none. */
size_t dt_sign_least(size_t n, double alpha);

/* P of so many values above the threshold, or more, if the true median is no greater than it: the
 * sign test. A value equal to the threshold is not above it. 1 with n = 0. */
double dt_sign_above(const double *x, size_t n, double threshold);

/* The same of values below, if the true median is no less. */
double dt_sign_below(const double *x, size_t n, double threshold);

/* A median between two order statistics, and the probability with which such an interval holds
 * it. */
struct dt_exact {
    double median, lo, hi, level;
};

/* The shortest such interval, symmetric in ranks, of at least `level`; the range, of a lesser
 * level, if n is too small for it (95 % need six values). n >= 1, no NaN. */
struct dt_exact dt_exact_median(const double *x, size_t n, double level);

/* Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case of the
 * binomial", 1934: limits of a probability after k successes in n >= 1 trials. Two-sided. */
void dt_clopper_pearson(size_t k, size_t n, double level, double *lo, double *hi);

/* The upper limit alone, one-sided: with k = 0 of 59 and 95 % it is 0.0495. */
double dt_clopper_pearson_upper(size_t k, size_t n, double level);

/* Holm, "A simple sequentially rejective multiple test procedure", 1979: replaces p[0 ... n) by
 * adjusted ones; those <= alpha are what may be rejected. */
void dt_holm(double *p, size_t n);

/*
 * The least shift of the median that dt_sign_above(x + shift, threshold) <= alpha finds with this
 * probability, for noise as x scatters about its median. NAN if n is too small for alpha.
 */
double dt_sign_effect(const double *x, size_t n, double threshold, double alpha, double power);

#endif
