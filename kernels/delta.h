/* SPDX-License-Identifier: MIT */
/*
 * The slot table of one problem and the facts kernels exploit.
 *
 * slot(i, j) depends on i - j alone, so one array of nq + nk - 1 entries holds it. The
 * array runs in the direction kernels walk a row: entry
 *
 *     t = j - i + nq - 1
 *
 * Neighbouring columns are neighbouring entries, the next row starts one entry
 * earlier, and slots fall (weakly) along the array.
 */
#ifndef DISENTUNE_DELTA_H
#define DISENTUNE_DELTA_H

#include "kernels/disentune.h"

/* Entries past the end of every array of dt_delta that may be read: a whole vector may be
 * loaded at any t. They repeat the last entry. */
#define DT_DELTA_PAD 64

/* Widest vector a window table is kept for, in lanes. */
#define DT_WINDOW_WIDTHS 3 /* 4, 8, 16 lanes */

struct dt_delta {
    int32_t nq, nk;
    int32_t slots;                 /* 2S */
    int32_t length;                /* nq + nk - 1 */
    int32_t max_step;              /* largest slot[t] - slot[t + 1] */
    int32_t first_slot, last_slot; /* least and greatest slot in the table */
    const int32_t *slot;

    /* window[k][t]: first slot of a window of W = 4 << k slots that lies within [0, 2S) and
     * holds slot[t] ... slot[t + W - 1], if any window of W does (see dt_delta_fits). */
    const int32_t *window[DT_WINDOW_WIDTHS];

    /* The end (exclusive) of the longest stretch from t on in which slots are all equal, or
     * each one less than the one before. The padding does not lengthen a stretch. */
    const int32_t *constant_until;
    const int32_t *linear_until;

    /* Where slots no longer change: the first constant stretch is [0, first_stretch), the last
     * one [last_stretch, length). */
    int32_t first_stretch, last_stretch;
};

/* Builds the table. The caller releases it with dt_delta_clear(). DT_INVALID (by
 * dt_problem_check), DT_NO_MEMORY. */
enum dt_status dt_delta_init(struct dt_delta *delta, const struct dt_problem *problem,
                             struct dt_error *error);
void dt_delta_clear(struct dt_delta *delta);

/* Whether any `lanes` (4, 8 or 16) neighbouring entries lie within `lanes` slots, so that one
 * vector load and one permute replace a gather. */
bool dt_delta_fits(const struct dt_delta *delta, int lanes);

#endif
