/* SPDX-License-Identifier: MIT */
#include "reports/series.h"

#include "kernels/error.h"
#include "reports/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_timed(const struct dt_record *record)
{
    return record->verified && isfinite(record->ns_median);
}

static bool has_timed(const struct dt_records *records)
{
    for (size_t r = 0; r < records->count; r++)
        if (is_timed(&records->items[r]))
            return true;
    return false;
}

/* Of the records of one problem, fastest first, the best of the variant of the n-th. */
static const struct dt_record *best_of(const struct dt_record *const *sorted, size_t span, size_t n)
{
    for (size_t r = 0; r < span; r++)
        if (sorted[r]->winner && is_timed(sorted[r]) &&
            strcmp(sorted[r]->variant, sorted[n]->variant) == 0)
            return sorted[r];
    return sorted[n];
}

static bool is_repeated(const struct dt_record *const *sorted, size_t n)
{
    for (size_t r = 0; r < n; r++)
        if (strcmp(sorted[r]->variant, sorted[n]->variant) == 0)
            return true;
    return false;
}

static void add(struct dt_series_list *list, const struct dt_session *session,
                const struct dt_record *record)
{
    const struct dt_subject subject = dt_record_subject(record);
    struct dt_series *series = &list->items[list->count];
    *series = (struct dt_series){.session = session, .record = record, .place = list->count++};
    dt_subject_name(&subject, series->name);
}

static enum dt_status add_session(struct dt_series_list *list, const struct dt_records *records,
                                  struct dt_error *error)
{
    const struct dt_record **sorted;
    enum dt_status status = dt_view_sort(records, &sorted, error);
    if (status)
        return status;
    for (size_t at = 0, span; at < records->count; at += span) {
        const struct dt_record *const *problem = &sorted[at];
        span = dt_view_problem_span(problem, records->count - at);
        for (size_t r = 0; r < span; r++)
            if (is_timed(problem[r]) && !is_repeated(problem, r))
                add(list, &records->session, best_of(problem, span, r));
    }
    free(sorted);
    return DT_OK;
}

static int by_place(const void *left, const void *right)
{
    const struct dt_series *a = left, *b = right;
    return (a->place > b->place) - (a->place < b->place);
}

/* Those of younger sessions, added earlier, first. */
static int by_name(const void *left, const void *right)
{
    const int order =
        strcmp(((const struct dt_series *)left)->name, ((const struct dt_series *)right)->name);
    return order ? order : by_place(left, right);
}

static void drop_older(struct dt_series_list *list)
{
    size_t kept = 0;
    qsort(list->items, list->count, sizeof *list->items, by_name);
    for (size_t s = 0; s < list->count; s++)
        if (s == 0 || strcmp(list->items[s].name, list->items[kept - 1].name) != 0)
            list->items[kept++] = list->items[s];
    list->count = kept;
    qsort(list->items, list->count, sizeof *list->items, by_place);
    for (size_t s = 0; s < list->count; s++)
        list->items[s].place = s;
}

enum dt_status dt_series_collect(const struct dt_evidence *evidence, struct dt_series_list *list,
                                 struct dt_error *error)
{
    enum dt_status status = DT_OK;
    size_t room = 0;
    *list = (struct dt_series_list){0};
    for (size_t s = 0; s < evidence->count; s++)
        room += evidence->sessions[s].records.count;
    list->items = malloc((room + 1) * sizeof *list->items);
    if (!list->items)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu records", room);
    for (size_t s = evidence->count; s-- > 0 && !status;) {
        const struct dt_records *records = &evidence->sessions[s].records;
        if (!has_timed(records))
            continue;
        if (!list->session)
            list->session = &records->session;
        if (strcmp(records->session.machine[3], list->session->machine[3]) == 0)
            status = add_session(list, records, error);
    }
    if (!status && list->count == 0)
        status = dt_error_set(error, DT_UNSUPPORTED,
                              "no verified measurements; `disentune bench` makes some");
    if (status)
        dt_series_clear(list);
    else
        drop_older(list);
    return status;
}

void dt_series_clear(struct dt_series_list *list)
{
    free(list->items);
    *list = (struct dt_series_list){0};
}
