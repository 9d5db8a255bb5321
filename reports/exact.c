/* SPDX-License-Identifier: MIT */
#include "reports/exact.h"
#include "reports/stats.h"

#include <math.h>
#include <stdlib.h>

static double log_factorial(size_t n)
{
    int sign;
    return lgamma_r((double)n + 1, &sign);
}

/* The smaller tail is summed, from its far end: small numbers first. */
double dt_binomial_tail(size_t n, double p, size_t k)
{
    if (k == 0)
        return 1;
    if (k > n || p <= 0)
        return 0;
    if (p >= 1)
        return 1;
    const bool upper = (double)k > p * (double)n;
    const double first = log_factorial(n), yes = log(p), no = log1p(-p);
    const size_t terms = upper ? n - k + 1 : k;
    double sum = 0;
    for (size_t t = 0; t < terms; t++) {
        const size_t i = upper ? n - t : t;
        sum += exp(first - log_factorial(i) - log_factorial(n - i) + (double)i * yes +
                   (double)(n - i) * no);
    }
    sum = fmin(sum, 1);
    return upper ? sum : 1 - sum;
}

size_t dt_sign_least(size_t n, double alpha)
{
    size_t k = n + 1;
    while (k > 0 && dt_binomial_tail(n, 0.5, k - 1) <= alpha)
        k--;
    return k;
}

double dt_sign_above(const double *x, size_t n, double threshold)
{
    size_t above = 0;
    for (size_t i = 0; i < n; i++)
        above += x[i] > threshold;
    return dt_binomial_tail(n, 0.5, above);
}

double dt_sign_below(const double *x, size_t n, double threshold)
{
    size_t below = 0;
    for (size_t i = 0; i < n; i++)
        below += x[i] < threshold;
    return dt_binomial_tail(n, 0.5, below);
}

/*
 * The median lies below the r-th smallest value (from 1) if fewer than r values are below it: with
 * probability P(X <= r - 1) = P(X >= n - r + 1) of n tosses, and the same at the other end.
 */
struct dt_exact dt_exact_median(const double *x, size_t n, double level)
{
    const size_t least = dt_sign_least(n, (1 - level) / 2);
    const size_t rank = least > n ? 1 : n - least + 1;
    return (struct dt_exact){
        .median = dt_median(x, n),
        .lo = dt_order_statistic(x, n, rank - 1),
        .hi = dt_order_statistic(x, n, n - rank),
        .level = 1 - 2 * fmin(dt_binomial_tail(n, 0.5, n - rank + 1), 0.5),
    };
}

/* The p at which P(X >= k) is `wanted`; the tail rises with p. */
static double probability_of(size_t n, size_t k, double wanted)
{
    double lo = 0, hi = 1;
    for (int step = 0; step < 60; step++) {
        const double middle = (lo + hi) / 2;
        if (dt_binomial_tail(n, middle, k) < wanted)
            lo = middle;
        else
            hi = middle;
    }
    return (lo + hi) / 2;
}

double dt_clopper_pearson_upper(size_t k, size_t n, double level)
{
    return k < n ? probability_of(n, k + 1, level) : 1;
}

void dt_clopper_pearson(size_t k, size_t n, double level, double *lo, double *hi)
{
    *lo = k > 0 ? probability_of(n, k, (1 - level) / 2) : 0;
    *hi = dt_clopper_pearson_upper(k, n, (1 + level) / 2);
}

static int compare(const void *a, const void *b)
{
    const double left = **(double *const *)a, right = **(double *const *)b;
    return (left > right) - (left < right);
}

/* Without memory for an order all are adjusted as the smallest is: nothing false is claimed. */
void dt_holm(double *p, size_t n)
{
    double **order = n ? malloc(n * sizeof *order) : NULL;
    for (size_t i = 0; i < n && !order; i++)
        p[i] = fmin(p[i] * (double)n, 1);
    if (!order)
        return;
    for (size_t i = 0; i < n; i++)
        order[i] = &p[i];
    qsort(order, n, sizeof *order, compare);
    double least = 0;
    for (size_t i = 0; i < n; i++)
        *order[i] = least = fmax(least, fmin(*order[i] * (double)(n - i), 1));
    free(order);
}

/* So many values must lie above that each must do so with `share`; the shift lifts the quantile
 * below which the others lie to the threshold. */
double dt_sign_effect(const double *x, size_t n, double threshold, double alpha, double power)
{
    const size_t least = dt_sign_least(n, alpha);
    if (least > n)
        return NAN;
    const double share = probability_of(n, least, power);
    return threshold - (dt_quantile(x, n, 1 - share) - dt_median(x, n));
}
