/* SPDX-License-Identifier: MIT */
/*
 * Merging is taking a greatest element, of headers and of the records of each key, in an order in
 * which only what is printed alike is equal. So it is commutative, associative and idempotent.
 */
#include "kernels/table.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_names(const struct dt_variant *a, const struct dt_variant *b)
{
    return strcmp(a ? a->name : "", b ? b->name : "");
}

static int compare_choices(const struct dt_choice *a, const struct dt_choice *b)
{
    const int order[] = {
        compare_names(a->variant, b->variant), COMPARE(a->tile.rows, b->tile.rows),
        COMPARE(a->tile.cols, b->tile.cols),   COMPARE(a->chunk, b->chunk),
        compare_names(a->gemm, b->gemm),       compare_names(a->bias, b->bias),
        compare_names(a->softmax, b->softmax),
    };
    for (size_t n = 0; n < sizeof order / sizeof *order; n++)
        if (order[n])
            return order[n];
    return 0;
}

/* A ratio that was not measured comes before those that were. */
static double ordinal(double ratio) { return isnan(ratio) ? -1 : ratio; }

static int compare_evidence(const struct dt_table_record *a, const struct dt_table_record *b)
{
    const double order[][2] = {
        {a->ns_median, b->ns_median},
        {ordinal(a->ratio_to_scalar), ordinal(b->ratio_to_scalar)},
        {ordinal(a->ratio_lo), ordinal(b->ratio_lo)},
        {ordinal(a->ratio_hi), ordinal(b->ratio_hi)},
        {a->noise_floor, b->noise_floor},
        {a->regret, b->regret},
        {(double)a->tried, (double)b->tried},
        {(double)a->plans, (double)b->plans},
    };
    for (size_t n = 0; n < sizeof order / sizeof *order; n++)
        if (order[n][0] != order[n][1])
            return COMPARE(order[n][0], order[n][1]);
    return 0;
}

/* Of records of one key. */
static int compare_worth(const struct dt_table_record *a, const struct dt_table_record *b)
{
    int order = COMPARE(a->validated, b->validated);
    if (!order)
        order = strcmp(a->date, b->date);
    if (!order)
        order = COMPARE(a->complete, b->complete);
    if (!order)
        order = COMPARE(a->samples, b->samples);
    if (!order)
        order = compare_choices(&a->choice, &b->choice);
    if (!order)
        order = compare_evidence(a, b);
    return order ? order : dt_origin_compare(&a->origin, &b->origin);
}

/* By key, the best first. */
static int compare(const void *x, const void *y)
{
    const struct dt_table_record *a = x, *b = y;
    const int order = dt_table_compare(a, b);
    return order ? order : compare_worth(b, a);
}

static const struct dt_table *greatest(const struct dt_table *const *tables, size_t count)
{
    const struct dt_table *best = tables[0];
    for (size_t n = 1; n < count; n++) {
        const int order = COMPARE(best->stale, tables[n]->stale);
        if ((order ? order : dt_origin_compare(&tables[n]->header, &best->header)) > 0)
            best = tables[n];
    }
    return best;
}

static void keep_best(struct dt_table *t)
{
    if (t->count == 0)
        return;
    qsort(t->records, t->count, sizeof *t->records, compare);
    size_t kept = 0;
    for (size_t n = 1; n < t->count; n++)
        if (dt_table_compare(&t->records[kept], &t->records[n]) != 0)
            t->records[++kept] = t->records[n];
    t->count = kept + 1;
}

enum dt_status dt_table_merge(const struct dt_table *const *tables, size_t count,
                              struct dt_table **merged, struct dt_error *error)
{
    if (count == 0)
        return dt_error_set(error, DT_INVALID, "no table to merge");
    struct dt_table *made = dt_table_new(&greatest(tables, count)->header);
    bool fits = made != NULL;
    for (size_t t = 0; fits && t < count; t++) {
        for (size_t n = 0; fits && n < tables[t]->count; n++) {
            fits = dt_table_append(made, &tables[t]->records[n]);
            if (fits)
                made->records[made->count - 1].line = 0;
        }
        keep_best(made);
    }
    if (!fits) {
        dt_table_free(made);
        return dt_table_no_memory(error);
    }
    *merged = made;
    return DT_OK;
}
