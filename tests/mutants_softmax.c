/* SPDX-License-Identifier: MIT */
#include "tests/mutants_softmax.h"

#include <math.h>

enum flaw {
    NO_FLAW,
    NO_MAXIMUM,
    NO_ZERO,
    NO_TAIL,                /* of WHOLE */
    ROW_DIALECT,            /* the other one for rows without keys */
    SCALED_LEAK,            /* 0 * x instead of 0 at masked columns */
    NO_FACTOR,              /* ONLINE adds to a sum of another maximum */
    FACTOR_OF_FIRST_BLOCK,  /* 0 - max instead of -inf - max */
    FORGETS_MAX,            /* the maximum is that of the block alone */
    MASKED_MAX,             /* masked columns count for the maximum */
    MASKED_SUM,             /* ... for the sum */
    NO_BLOCK_TAIL,          /* of the passes */
    INFINITY_LESS_INFINITY, /* -inf - -inf */
    SUM_STARTS_ANEW,        /* the sum is that of the block alone */
    FIRST_ROW_SHIFT,        /* one maximum for all rows of a call */
    SWALLOWS_NAN,           /* a maximum that drops NaN */
    BITS_OF_ROW,            /* bits depend on the row's number in its call */
    WRITES_FACTOR,          /* in all passes */
    WRITES_PAST_SUM,        /* a whole vector of sums */
};

struct row {
    float *x;
    const uint8_t *allowed;
    int32_t cols;
};

static bool is_key(const struct row *row, int32_t j) { return !row->allowed || row->allowed[j]; }

static float greatest(const struct row *row, float max, enum flaw flaw)
{
    for (int32_t j = 0; j < row->cols; j++) {
        if (!is_key(row, j) && flaw != MASKED_MAX)
            continue;
        if (flaw == SWALLOWS_NAN)
            max = fmaxf(max, row->x[j]);
        else if (isnan(row->x[j]) || row->x[j] > max)
            max = isnan(max) ? max : row->x[j];
    }
    return max;
}

static float weight_of(float x, float max, enum flaw flaw)
{
    return max == -INFINITY && flaw != INFINITY_LESS_INFINITY ? 0 : expf(x - max);
}

static float weigh(const struct row *row, float max, enum flaw flaw)
{
    double sum = 0;
    for (int32_t j = 0; j < row->cols; j++) {
        const float x = row->x[j];
        if (is_key(row, j) || flaw == MASKED_SUM)
            sum += (double)weight_of(x, max, flaw);
        row->x[j] = is_key(row, j)        ? weight_of(x, max, flaw)
                    : flaw == NO_ZERO     ? x
                    : flaw == SCALED_LEAK ? 0 * x
                                          : 0;
    }
    return (float)sum;
}

static void divide(const struct row *row, float sum, enum dt_dialect dialect)
{
    int32_t keys = 0;
    for (int32_t j = 0; j < row->cols; j++)
        if (is_key(row, j)) {
            row->x[j] /= sum;
            keys++;
        }
    for (int32_t j = 0; keys == 0 && j < row->cols; j++)
        row->x[j] = dialect == DT_HF ? 1.0f / (float)row->cols : 0;
}

static void whole(const struct row *row, enum dt_dialect dialect, enum flaw flaw)
{
    const float max = flaw == NO_MAXIMUM ? 0 : greatest(row, -INFINITY, flaw);
    divide(row, weigh(row, max, flaw), flaw == ROW_DIALECT ? 1 - dialect : dialect);
}

static void pass(const struct dt_softmax_args *a, const struct row *row, int32_t i, enum flaw flaw)
{
    const float old = a->max[i];
    float max = old, factor = 1;
    if (a->pass != DT_SOFTMAX_EXP)
        max = greatest(row, flaw == FORGETS_MAX ? -INFINITY : old, flaw);
    if (a->pass == DT_SOFTMAX_ONLINE && max != -INFINITY)
        factor = expf(flaw == FACTOR_OF_FIRST_BLOCK && old == -INFINITY ? -max : old - max);
    if (a->pass == DT_SOFTMAX_ONLINE || flaw == WRITES_FACTOR)
        a->factor[i] = factor;
    if (a->pass != DT_SOFTMAX_EXP)
        a->max[i] = max;
    if (a->pass == DT_SOFTMAX_MAX)
        return;
    const float sum = weigh(row, flaw == FIRST_ROW_SHIFT ? a->max[0] : max, flaw);
    const float kept = flaw == SUM_STARTS_ANEW ? 0 : a->sum[i];
    a->sum[i] = kept * (flaw == NO_FACTOR ? 1 : factor) + sum;
    if (flaw == BITS_OF_ROW && i == 0 && sum > 0)
        a->sum[i] = nextafterf(a->sum[i], INFINITY);
    if (flaw == WRITES_PAST_SUM && i == a->rows - 1)
        a->sum[a->rows] = 0;
}

static void softmax_by(const struct dt_softmax_args *a, enum flaw flaw)
{
    const bool is_whole = a->pass == DT_SOFTMAX_WHOLE;
    const bool cut = flaw == (is_whole ? NO_TAIL : NO_BLOCK_TAIL);
    for (int32_t i = 0; i < a->rows; i++) {
        const struct row row = {a->x + i * a->stride,
                                a->allowed ? a->allowed + i * a->allowed_stride : NULL,
                                cut ? a->cols / 4 * 4 : a->cols};
        if (is_whole)
            whole(&row, a->dialect, flaw);
        else
            pass(a, &row, i, flaw);
    }
}

#define SOFTMAX_BY(name, flaw)                                                                     \
    void mutant_softmax_##name(const struct dt_softmax_args *a) { softmax_by(a, flaw); }

SOFTMAX_BY(right, NO_FLAW)
SOFTMAX_BY(no_maximum, NO_MAXIMUM)
SOFTMAX_BY(no_zero, NO_ZERO)
SOFTMAX_BY(no_tail, NO_TAIL)
SOFTMAX_BY(other_dialect, ROW_DIALECT)
SOFTMAX_BY(scaled_leak, SCALED_LEAK)
SOFTMAX_BY(no_factor, NO_FACTOR)
SOFTMAX_BY(factor_of_first_block, FACTOR_OF_FIRST_BLOCK)
SOFTMAX_BY(forgets_max, FORGETS_MAX)
SOFTMAX_BY(masked_max, MASKED_MAX)
SOFTMAX_BY(masked_sum, MASKED_SUM)
SOFTMAX_BY(no_block_tail, NO_BLOCK_TAIL)
SOFTMAX_BY(infinity_less_infinity, INFINITY_LESS_INFINITY)
SOFTMAX_BY(sum_starts_anew, SUM_STARTS_ANEW)
SOFTMAX_BY(first_row_shift, FIRST_ROW_SHIFT)
SOFTMAX_BY(swallows_nan, SWALLOWS_NAN)
SOFTMAX_BY(bits_of_row, BITS_OF_ROW)
SOFTMAX_BY(writes_factor, WRITES_FACTOR)
SOFTMAX_BY(writes_past_sum, WRITES_PAST_SUM)
