/* SPDX-License-Identifier: MIT */
/* From values to places on a plot, and the round numbers that its axes name. */
#ifndef DISENTUNE_SCALE_H
#define DISENTUNE_SCALE_H

#include <stdbool.h>
#include <stddef.h>

/* The domain lo ... hi is drawn from `from` to `to`, which may run backwards, as heights do. */
struct dt_scale {
    double lo, hi, from, to;
    int base; /* 10 or 2: logarithmic, with ticks at powers of it; 0: linear */
};

/* A domain that holds nothing yet; dt_scale_cover() widens it. */
struct dt_scale dt_scale_empty(int base, double from, double to);

/* Widens the domain so that it holds the value. What no scale can hold (NAN, infinite, on a
 * logarithmic one not positive) is passed over. */
void dt_scale_cover(struct dt_scale *scale, double value);

/* Ends covering: a margin of `share` of the domain on both sides. Whatever was covered, be it
 * nothing, lo < hi holds afterwards. */
void dt_scale_pad(struct dt_scale *scale, double share);

/* The place of a value; those outside of the domain are put at its nearer end. */
double dt_scale_at(const struct dt_scale *scale, double value);

#define DT_TICKS_MAX 24

struct dt_ticks {
    double at[DT_TICKS_MAX];
    size_t count;
    int decimals[DT_TICKS_MAX]; /* digits after the point that each needs */
};

/*
 * Round values in the domain, ascending, about `want` (2 to 12) of them: multiples of 1, 2 or 5
 * times a power of ten; on a logarithmic scale powers of its base, with 2 and 5 between where a
 * decimal one is short.
 */
void dt_scale_ticks(const struct dt_scale *scale, int want, struct dt_ticks *ticks);

#endif
