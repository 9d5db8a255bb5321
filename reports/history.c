/* SPDX-License-Identifier: MIT */
#include "reports/history.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- The release that is compared with -------------------------------------- */

static bool is_same_build(const struct dt_build *a, const struct dt_build *b)
{
    return strcmp(a->version, b->version) == 0 && strcmp(a->commit, b->commit) == 0 &&
           strcmp(a->digest, b->digest) == 0 && a->dirty == b->dirty;
}

static bool fits(const struct dt_build *build, const char *base)
{
    if (!base)
        return true;
    return strcmp(build->version, base) == 0 ||
           (*build->commit && strncmp(build->commit, base, strlen(base)) == 0);
}

static size_t sessions_with(const struct dt_evidence *evidence, const struct dt_build *base)
{
    size_t sessions = 0;
    for (size_t s = 0; s < evidence->count; s++)
        sessions += evidence->sessions[s].cell_count > 0 &&
                    is_same_build(&evidence->sessions[s].records.session.base, base);
    return sessions;
}

/* Sessions are in the order of dates: at a tie the later wins. */
static void choose_base(const struct dt_evidence *evidence, const char *base,
                        struct dt_history *history)
{
    for (size_t s = 0; s < evidence->count; s++) {
        const struct dt_build *build = &evidence->sessions[s].records.session.base;
        const size_t sessions =
            *build->version && fits(build, base) ? sessions_with(evidence, build) : 0;
        if (sessions > 0 && sessions >= history->sessions) {
            history->sessions = sessions;
            history->base = *build;
        }
    }
}

/* ---- Series ------------------------------------------------------------------ */

#define KEY_MAX 1024

/* Cells of equal keys make a series; keys sort as series do. */
static void print_key(const struct dt_session *session, const struct dt_cell *cell,
                      char key[KEY_MAX])
{
    const struct dt_subject *s = &cell->subject;
    char problem[DT_PROBLEM_TEXT_MAX];
    snprintf(key, KEY_MAX, "%d\t%s\t%05d\t%s\t%dx%d/%d\t%s\t%s\t%s\t%s", (int)s->op,
             dt_problem_print(&s->problem, problem), s->threads, s->variant, s->tile.rows,
             s->tile.cols, s->chunk, s->gemm, s->bias, s->softmax, session->machine[3]);
}

struct entry {
    char key[KEY_MAX];
    size_t order; /* of the point in time */
    struct dt_point point;
};

static int compare(const void *a, const void *b)
{
    const struct entry *left = *(struct entry *const *)a, *right = *(struct entry *const *)b;
    const int order = strcmp(left->key, right->key);
    return order ? order : (left->order > right->order) - (left->order < right->order);
}

static bool has_ratio(const struct dt_cell *cell)
{
    return cell->judgement == DT_SAME_CODE ||
           (cell->judgement != DT_VOID && isfinite(cell->ratio) && cell->ratio > 0);
}

/* All points with a ratio, in entries that the caller frees each; as many as fit in memory. */
static bool collect(const struct dt_evidence *evidence, const struct dt_history *history,
                    struct entry **entries, size_t *count)
{
    for (size_t s = 0; s < evidence->count; s++) {
        const struct dt_finding *finding = &evidence->sessions[s];
        const struct dt_session *session = &finding->records.session;
        for (size_t c = 0; c < finding->cell_count; c++) {
            const struct dt_cell *cell = &finding->cells[c];
            if (!is_same_build(&session->base, &history->base) || !has_ratio(cell))
                continue;
            struct entry *entry = malloc(sizeof *entry);
            if (!entry)
                return false;
            const double ratio = cell->judgement == DT_SAME_CODE ? 1 : cell->ratio;
            *entry = (struct entry){.order = *count, .point = {session, cell, ratio}};
            print_key(session, cell, entry->key);
            entries[(*count)++] = entry;
        }
    }
    return true;
}

static size_t count_cells(const struct dt_evidence *evidence)
{
    size_t cells = 0;
    for (size_t s = 0; s < evidence->count; s++)
        cells += evidence->sessions[s].cell_count;
    return cells;
}

/* The seed of a series is its number: what stands in one file is always shuffled alike. */
static enum dt_status find_changes(struct dt_history_series *series, uint64_t seed,
                                   struct dt_error *error)
{
    double *logs = malloc(series->count * sizeof *logs);
    if (!logs)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a history");
    for (size_t k = 0; k < series->count; k++)
        logs[k] = log(series->points[k].ratio);
    const enum dt_status status =
        dt_changes_find(logs, series->count, seed, &series->changes, &series->change_count, error);
    free(logs);
    for (size_t c = 0; c < series->change_count; c++) {
        series->changes[c].before = exp(series->changes[c].before);
        series->changes[c].after = exp(series->changes[c].after);
    }
    return status;
}

/* One series of entries of one key. */
static enum dt_status add_series(struct dt_history *history, struct entry *const *entries,
                                 size_t count, struct dt_error *error)
{
    struct dt_point *points = malloc(count * sizeof *points);
    struct dt_history_series *grown =
        realloc(history->series, (history->count + 1) * sizeof *history->series);
    if (grown)
        history->series = grown;
    if (!points || !grown) {
        free(points);
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a history");
    }
    for (size_t k = 0; k < count; k++)
        points[k] = entries[k]->point;
    struct dt_history_series *series = &history->series[history->count++];
    *series = (struct dt_history_series){.cell = points[0].cell,
                                         .machine = points[0].session->machine[3],
                                         .points = points,
                                         .count = count};
    return find_changes(series, history->count, error);
}

static enum dt_status divide(struct dt_history *history, struct entry **entries, size_t count,
                             struct dt_error *error)
{
    enum dt_status status = DT_OK;
    qsort(entries, count, sizeof *entries, compare);
    for (size_t begin = 0, end; begin < count && !status; begin = end) {
        for (end = begin + 1; end < count; end++)
            if (strcmp(entries[end]->key, entries[begin]->key) != 0)
                break;
        status = add_series(history, entries + begin, end - begin, error);
    }
    return status;
}

enum dt_status dt_history_make(const struct dt_evidence *evidence, const char *base,
                               struct dt_history *history, struct dt_error *error)
{
    *history = (struct dt_history){0};
    choose_base(evidence, base, history);
    if (history->sessions == 0)
        return dt_error_set(error, DT_INVALID,
                            base ? "nothing was compared with \"%.40s\"; give "
                                   "its version or the start of its commit"
                                 : "no session compares two builds%s",
                            base ? base : "");
    size_t count = 0;
    struct entry **entries = malloc(count_cells(evidence) * sizeof *entries);
    enum dt_status status = DT_OK;
    if (!entries || !collect(evidence, history, entries, &count))
        status = dt_error_set(error, DT_NO_MEMORY, "no memory for a history");
    if (!status)
        status = divide(history, entries, count, error);
    while (count > 0)
        free(entries[--count]);
    free(entries);
    if (status)
        dt_history_clear(history);
    return status;
}

void dt_history_clear(struct dt_history *history)
{
    for (size_t s = 0; s < history->count; s++) {
        free(history->series[s].points);
        free(history->series[s].changes);
    }
    free(history->series);
    *history = (struct dt_history){0};
}
