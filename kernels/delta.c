/* SPDX-License-Identifier: MIT */
#include "kernels/delta.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>

/*
 * The bucket of a log form whose distance exceeds mid is
 *
 *     ceil(ln(|r| / mid) / ln((M - 1) / mid) * (mid - 1)) + mid.
 *
 * At |r| = M - 1, and wherever else the quotient is an integer k, rounding may land on either
 * side of k and so move the slot by one. Values that close to an integer are that integer.
 */
static int64_t bucket_log(int64_t r, int32_t buckets, int32_t max_position)
{
    const int64_t mid = buckets / 2;
    const int64_t distance = r < 0 ? -r : r;
    if (distance <= mid)
        return r;
    double k = log((double)distance / (double)mid) / log((double)(max_position - 1) / (double)mid) *
               (double)(mid - 1);
    int64_t bucket = (int64_t)(fabs(k - nearbyint(k)) < 1e-9 ? nearbyint(k) : ceil(k)) + mid;
    return r < 0 ? -bucket : bucket;
}

static int32_t slot_of(const struct dt_problem *p, int64_t r)
{
    int64_t bucket = r;
    if (p->bucket == DT_LOG) {
        const int64_t far = (int64_t)p->max_position - 1;
        if (p->dialect == DT_MS)
            r = r > far ? far : r < -far ? -far : r;
        bucket = bucket_log(r, p->span, p->max_position);
    }
    int64_t slot = bucket + p->span;
    int64_t last = 2 * (int64_t)p->span - 1;
    return (int32_t)(slot < 0 ? 0 : slot > last ? last : slot);
}

static void fill_slots(int32_t *slot, size_t padded, const struct dt_problem *p, int32_t length)
{
    for (int32_t t = 0; t < length; t++)
        slot[t] = slot_of(p, (int64_t)p->nq - 1 - t);
    for (size_t t = (size_t)length; t < padded; t++)
        slot[t] = slot[length - 1];
}

static void fill_windows(int32_t *window, size_t padded, const int32_t *slot, int32_t lanes,
                         int32_t slots)
{
    const int32_t highest = slots > lanes ? slots - lanes : 0;
    for (size_t t = 0; t < padded; t++) {
        size_t last = t + (size_t)lanes - 1;
        int32_t first = slot[last < padded ? last : padded - 1];
        window[t] = first < highest ? first : highest;
    }
}

static void fill_stretches(int32_t *until, size_t padded, const int32_t *slot, int32_t length,
                           int32_t step)
{
    for (size_t t = (size_t)length; t < padded; t++)
        until[t] = length;
    until[length - 1] = length;
    for (int32_t t = length - 2; t >= 0; t--)
        until[t] = slot[t] - slot[t + 1] == step ? until[t + 1] : t + 1;
}

enum dt_status dt_delta_init(struct dt_delta *delta, const struct dt_problem *p,
                             struct dt_error *error)
{
    enum dt_status status = dt_problem_check(p, error);
    if (status)
        return status;
    const int32_t length = p->nq + p->nk - 1;
    const size_t padded = (size_t)length + DT_DELTA_PAD;
    int32_t *arrays = malloc((3 + DT_WINDOW_WIDTHS) * padded * sizeof *arrays);
    if (!arrays)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a slot table of %d entries",
                            length);

    int32_t *slot = arrays;
    fill_slots(slot, padded, p, length);
    *delta = (struct dt_delta){
        .nq = p->nq,
        .nk = p->nk,
        .slots = 2 * p->span,
        .length = length,
        .first_slot = slot[length - 1],
        .last_slot = slot[0],
        .slot = slot,
        .constant_until = arrays + padded,
        .linear_until = arrays + 2 * padded,
    };
    for (int32_t t = 0; t + 1 < length; t++)
        if (delta->max_step < slot[t] - slot[t + 1])
            delta->max_step = slot[t] - slot[t + 1];
    fill_stretches(arrays + padded, padded, slot, length, 0);
    fill_stretches(arrays + 2 * padded, padded, slot, length, 1);
    delta->first_stretch = delta->constant_until[0];
    delta->last_stretch = length - 1;
    while (delta->last_stretch > 0 && slot[delta->last_stretch - 1] == slot[length - 1])
        delta->last_stretch--;
    for (int k = 0; k < DT_WINDOW_WIDTHS; k++) {
        int32_t *window = arrays + (3 + (size_t)k) * padded;
        fill_windows(window, padded, slot, 4 << k, delta->slots);
        delta->window[k] = window;
    }
    return DT_OK;
}

void dt_delta_clear(struct dt_delta *delta)
{
    free((void *)delta->slot);
    *delta = (struct dt_delta){0};
}

bool dt_delta_fits(const struct dt_delta *delta, int lanes)
{
    return delta->max_step <= 1 && delta->slots >= lanes;
}
