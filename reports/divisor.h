/* SPDX-License-Identifier: MIT */
/*
 * Samples as whole numbers. A sample is a whole number of nanoseconds divided by the calls that it
 * took: 9023.666666666666 is 27071 / 3. The whole numbers and the one divisor are half as long and
 * far more alike, and the quotient is the same double to the last bit.
 */
#ifndef DISENTUNE_DIVISOR_H
#define DISENTUNE_DIVISOR_H

#include <stddef.h>
#include <stdint.h>

#define DT_DIVISOR_MAX ((uint64_t)100000000)

/* The least divisor with which each value is dt_whole() / divisor, rounded as division is; 0 if
 * there is none up to DT_DIVISOR_MAX, or no value. */
uint64_t dt_divisor_find(const double *values, size_t count);

/* value * divisor as the whole number that it is nearly. */
uint64_t dt_divisor_whole(double value, uint64_t divisor);

#endif
