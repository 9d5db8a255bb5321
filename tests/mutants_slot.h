/* SPDX-License-Identifier: MIT */
/* Slots, computed rightly or by a rule that is wrong. */
#ifndef DISENTUNE_MUTANTS_SLOT_H
#define DISENTUNE_MUTANTS_SLOT_H

#include "kernels/disentune.h"

#include <math.h>

enum slot_rule {
    RIGHT,
    PAPER_SIGN,            /* slot(j, i) for p2c, as in eq. 4 of the paper */
    POSITION_IS_TWO_SPANS, /* M = 2 * span whatever the model says */
    NO_SPAN,               /* the bucket as slot */
    SWAPPED,               /* M and the number of buckets change places */
    OTHER_DIALECT,
    OFF_AT_LAST, /* ceil() of a quotient just above the integer at |r| = M - 1 */
};

static inline int32_t mutant_slot(const struct dt_problem *p, int64_t distance, enum slot_rule rule)
{
    const double r = (double)(rule == PAPER_SIGN ? -distance : distance);
    double buckets = p->span, positions = p->max_position, bucket = r;
    if (rule == POSITION_IS_TWO_SPANS)
        positions = 2.0 * p->span;
    if (rule == SWAPPED) {
        buckets = p->max_position;
        positions = p->span;
    }
    if (p->bucket == DT_LOG) {
        const double mid = floor(buckets / 2), far = positions - 1;
        const bool ms = (p->dialect == DT_MS) != (rule == OTHER_DIALECT);
        const double a = ms ? fmin(fabs(r), far) : fabs(r);
        double magnitude = a;
        if (a > mid)
            magnitude = ceil(log(a / mid) / log(far / mid) * (mid - 1) - 1e-9) + mid;
        if (a == far && rule == OFF_AT_LAST)
            magnitude = 2 * mid;
        bucket = copysign(magnitude, r);
    }
    const double slot = bucket + (rule == NO_SPAN ? 0 : p->span);
    return (int32_t)fmax(0, fmin(2.0 * p->span - 1, slot));
}

#endif
