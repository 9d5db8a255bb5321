/* SPDX-License-Identifier: MIT */
#include "reports/unpaired.h"

#include "reports/lines.h"
#include "reports/series.h"
#include "reports/verdict.h"
#include "reports/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum dt_status dt_unpaired_machines(const struct dt_session *a, const struct dt_session *b,
                                    struct dt_error *error)
{
    const size_t tiers = sizeof a->machine / sizeof *a->machine;
    for (size_t t = 0; t < tiers; t++)
        if (strcmp(a->machine[t], b->machine[t]) != 0)
            return dt_error_set(error, DT_INVALID,
                                "different machines: \"%.60s\" and \"%.60s\"; --other-machine "
                                "compares them all the same",
                                a->machine[t], b->machine[t]);
    if (strcmp(a->cpu, b->cpu) != 0)
        return dt_error_set(error, DT_INVALID,
                            "different processors: \"%.60s\" and \"%.60s\"; --other-machine "
                            "compares them all the same",
                            a->cpu, b->cpu);
    return DT_OK;
}

static double half_width(const struct dt_record *record)
{
    return log(record->ns_hi / record->ns_lo) / 2;
}

/* Independent errors add up in squares. */
static void fill(struct dt_unpaired_row *row, const struct dt_series *a, const struct dt_series *b,
                 double noise)
{
    const double ratio = log(b->record->ns_median / a->record->ns_median);
    const double width = hypot(half_width(a->record), half_width(b->record));
    *row = (struct dt_unpaired_row){
        .a = a->record,
        .b = b->record,
        .ratio = exp(ratio),
        .lo = exp(ratio - width),
        .hi = exp(ratio + width),
        .stands_out = fabs(ratio) > fmax(width, noise),
    };
    memcpy(row->name, a->name, sizeof row->name);
}

static const struct dt_series *find(const struct dt_series_list *list, const char *name)
{
    for (size_t n = 0; n < list->count; n++)
        if (strcmp(list->items[n].name, name) == 0)
            return &list->items[n];
    return NULL;
}

static int compare_rows(const void *left, const void *right)
{
    const struct dt_unpaired_row *a = left, *b = right;
    if (a->ratio != b->ratio)
        return a->ratio > b->ratio ? -1 : 1;
    return strcmp(a->name, b->name);
}

static enum dt_status match(struct dt_unpaired *u, const struct dt_series_list *a,
                            const struct dt_series_list *b, struct dt_error *error)
{
    u->rows = malloc((a->count + 1) * sizeof *u->rows);
    if (!u->rows)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to compare %zu measurements", a->count);
    for (size_t n = 0; n < a->count; n++) {
        const struct dt_series *other = find(b, a->items[n].name);
        if (other)
            fill(&u->rows[u->count++], &a->items[n], other, u->noise);
    }
    u->only_a = a->count - u->count;
    u->only_b = b->count - u->count;
    qsort(u->rows, u->count, sizeof *u->rows, compare_rows);
    return u->count ? DT_OK
                    : dt_error_set(error, DT_INVALID,
                                   "the sessions of %s and %s measured nothing in common",
                                   u->a->date, u->b->date);
}

enum dt_status dt_unpaired_make(const struct dt_finding *a, const struct dt_finding *b,
                                struct dt_unpaired *u, struct dt_error *error)
{
    const struct dt_evidence evidence[] = {{(struct dt_finding *)a, 1},
                                           {(struct dt_finding *)b, 1}};
    struct dt_series_list lists[2] = {0};
    *u = (struct dt_unpaired){.a = &a->records.session, .b = &b->records.session};
    u->noise = u->a->noise_floor + u->b->noise_floor;
    enum dt_status status = dt_series_collect(&evidence[0], &lists[0], error);
    if (!status)
        status = dt_series_collect(&evidence[1], &lists[1], error);
    if (!status)
        status = match(u, &lists[0], &lists[1], error);
    dt_series_clear(&lists[0]);
    dt_series_clear(&lists[1]);
    if (status)
        dt_unpaired_clear(u);
    return status;
}

void dt_unpaired_clear(struct dt_unpaired *u)
{
    free(u->rows);
    u->rows = NULL;
    u->count = 0;
}

/* ---- For a terminal -------------------------------------------------------------- */

enum { NAME, A, B, CHANGE, RANGE, HINT, COLUMNS };

static const struct dt_column columns[COLUMNS] = {
    [NAME] = {.head = "measured"},
    [A] = {.head = "A", .right = true, .rank = 1},
    [B] = {.head = "B", .right = true, .rank = 1},
    [CHANGE] = {.head = "change", .right = true},
    [RANGE] = {.head = "95 %", .right = true, .rank = 2},
    [HINT] = {.head = "hint"},
};

static void fill_row(const void *context, size_t n, struct dt_row *row)
{
    const struct dt_unpaired_row *r = &((const struct dt_unpaired *)context)->rows[n];
    struct dt_grid_cell *cells = row->cells;
    char text[DT_VERDICT_TEXT_MAX], hi[DT_VERDICT_TEXT_MAX], time[DT_VIEW_TEXT_MAX];
    snprintf(cells[NAME].text, DT_CELL_MAX, "%.90s", r->name);
    snprintf(cells[A].text, DT_CELL_MAX, "%.40s", dt_view_time(r->a->ns_median, time));
    snprintf(cells[B].text, DT_CELL_MAX, "%.40s", dt_view_time(r->b->ns_median, time));
    snprintf(cells[CHANGE].text, DT_CELL_MAX, "%.40s", dt_verdict_change(r->ratio, text));
    snprintf(cells[RANGE].text, DT_CELL_MAX, "%.40s to %.40s", dt_verdict_change(r->lo, text),
             dt_verdict_change(r->hi, hi));
    if (!r->stands_out)
        return;
    snprintf(cells[HINT].text, DT_CELL_MAX, "%s", r->ratio > 1 ? "slower?" : "faster?");
    cells[HINT].style = DT_STYLE_FAIR;
}

static void print_session(FILE *stream, const char *name, const struct dt_session *session)
{
    fprintf(stream, "%s  %s, disentune %s%s%.12s, %s\n", name, session->date,
            session->build.version, *session->build.commit ? ", commit " : "",
            session->build.commit, session->build.compiler);
}

void dt_unpaired_print(FILE *stream, const struct dt_unpaired *u,
                       const struct dt_terminal *terminal)
{
    const struct dt_grid grid = {.columns = columns,
                                 .column_count = COLUMNS,
                                 .row_count = u->count,
                                 .row = fill_row,
                                 .context = u};
    size_t hints = 0;
    for (size_t n = 0; n < u->count; n++)
        hints += u->rows[n].stands_out;
    print_session(stream, "A", u->a);
    print_session(stream, "B", u->b);
    if (dt_unpaired_machines(u->a, u->b, NULL))
        fprintf(stream, "Different machines: %s\n               and: %s\n", u->a->machine[3],
                u->b->machine[3]);
    if (strcmp(u->a->environment, u->b->environment) != 0)
        fprintf(stream, "Different settings: %s\n               and: %s\n", u->a->environment,
                u->b->environment);
    fputc('\n', stream);
    dt_grid_print(stream, &grid, terminal);
    fprintf(stream, "\n%zu of %zu differ by more than the noise of both sessions, %.1f %%", hints,
            u->count, 100 * expm1(u->noise));
    if (u->only_a || u->only_b)
        fprintf(stream, "; %zu are of A alone, %zu of B", u->only_a, u->only_b);
    fprintf(stream, ".\nUnpaired: measured at different times, so these are hints and no verdicts. "
                    "`disentune\nregress` runs both builds in turns.\n");
}

/* ---- JSON Lines -------------------------------------------------------------------- */

enum dt_status dt_unpaired_write(FILE *stream, const struct dt_unpaired *u, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t n = 0; n < u->count && !status; n++) {
        const struct dt_unpaired_row *r = &u->rows[n];
        status = dt_line_write(stream,
                               json_pack("{s:s, s:b, s:s, s:s, s:f, s:f, s:f, s:f, s:f, s:f, s:b}",
                                         "name", r->name, "paired", 0, "a_date", u->a->date,
                                         "b_date", u->b->date, "a_ns", r->a->ns_median, "b_ns",
                                         r->b->ns_median, "ratio", r->ratio, "lo", r->lo, "hi",
                                         r->hi, "noise", u->noise, "stands_out", r->stands_out),
                               error);
    }
    return status;
}
