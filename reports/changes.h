/* SPDX-License-Identifier: MIT */
/*
 * Change points of a series: where its level changed for good, told apart from noise by shuffling.
 *
 * A series is cut where ranks before and after differ most, with weights that make cuts near the
 * ends as likely as others. Were there no change, any order of the values would be as likely as the
 * one seen; so the cut counts if at most one in a hundred of 999 shuffled orders has one as good.
 * Then both parts are searched in the same way. Ranks, because one wild value must not make a
 * level; at least three values on either side, because two are no level.
 *
 * After Matteson and James, "A nonparametric approach for multiple change point analysis of
 * multivariate data", 2014 (division and shuffling), with the statistic of Pettitt, "A
 * non-parametric approach to the change-point problem", 1979, in its standardised form.
 */
#ifndef DISENTUNE_CHANGES_H
#define DISENTUNE_CHANGES_H

#include "kernels/error.h"

#define DT_CHANGE_ALPHA 0.01
#define DT_CHANGE_SIDE 3 /* values before and after */

struct dt_change {
    size_t at;            /* the first value of the new level */
    double before, after; /* medians, between the neighbouring changes */
    double p;
};

/*
 * The changes of x[0 ... n), by position, in an array that the caller frees; NULL if there are
 * none. The same values and seed give the same changes. No NaN. DT_NO_MEMORY.
 */
enum dt_status dt_changes_find(const double *x, size_t n, uint64_t seed, struct dt_change **changes,
                               size_t *count, struct dt_error *error);

#endif
