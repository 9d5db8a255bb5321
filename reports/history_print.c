/* SPDX-License-Identifier: MIT */
#include "reports/history.h"
#include "reports/judge.h"
#include "reports/lines.h"
#include "reports/subject.h"
#include "reports/view.h"

#include <math.h>
#include <string.h>

/* ---- For a terminal ----------------------------------------------------------- */

/* The last points that a line shows; the least range of a line, in logarithms: else noise would
 * look like mountains. */
#define SHOWN 24
#define LEAST_RANGE 0.03

enum { PROBLEM, PLAN, COMMITS, LINE, NOW, CHANGE, COLUMNS };

static const struct dt_column columns[COLUMNS] = {
    [PROBLEM] = {.head = "problem"},
    [PLAN] = {.head = "BASE runs", .rank = 2},
    [COMMITS] = {.head = "builds", .right = true, .rank = 1},
    [LINE] = {.head = "time, oldest first"},
    [NOW] = {.head = "now", .right = true},
    [CHANGE] = {.head = "last change"},
};

struct shown {
    const struct dt_history *history;
    bool unicode;
};

static void print_line(const struct dt_history_series *series, bool unicode, char text[DT_CELL_MAX])
{
    const size_t first = series->count > SHOWN ? series->count - SHOWN : 0;
    double lo = -LEAST_RANGE, hi = LEAST_RANGE;
    size_t used = 0;
    for (size_t k = first; k < series->count; k++) {
        lo = fmin(lo, log(series->points[k].ratio));
        hi = fmax(hi, log(series->points[k].ratio));
    }
    for (size_t k = first; k < series->count; k++) {
        const double height = (log(series->points[k].ratio) - lo) / (hi - lo);
        used += (size_t)snprintf(text + used, DT_CELL_MAX - used, "%s",
                                 dt_view_height(height, unicode));
    }
}

static void print_percent(double ratio, char *text, size_t size)
{
    snprintf(text, size, "%+.1f %%", 100 * (ratio - 1));
}

static void print_change(const struct dt_history_series *series, struct dt_grid_cell *cell)
{
    if (series->change_count == 0) {
        snprintf(cell->text, sizeof cell->text, "none");
        cell->style = DT_STYLE_DIM;
        return;
    }
    const struct dt_change *change = &series->changes[series->change_count - 1];
    const struct dt_session *session = series->points[change->at].session;
    char percent[32];
    print_percent(change->after / change->before, percent, sizeof percent);
    snprintf(cell->text, sizeof cell->text, "%s %.10s %.10s", percent, session->date,
             session->build.commit);
    cell->style = change->after > change->before ? DT_STYLE_BAD : DT_STYLE_GOOD;
}

static void fill_row(const void *context, size_t n, struct dt_row *row)
{
    const struct shown *shown = context;
    const struct dt_history_series *series = &shown->history->series[n];
    const struct dt_subject *subject = &series->cell->subject;
    struct dt_subject problem = *subject;
    char text[DT_SUBJECT_TEXT_MAX];
    problem.variant[0] = '\0';
    snprintf(row->cells[PROBLEM].text, DT_CELL_MAX, "%.90s", dt_subject_name(&problem, text));
    snprintf(row->cells[PLAN].text, DT_CELL_MAX, "%.90s", dt_subject_choice(subject, text));
    snprintf(row->cells[COMMITS].text, DT_CELL_MAX, "%zu", series->count);
    print_line(series, shown->unicode, row->cells[LINE].text);
    print_percent(series->points[series->count - 1].ratio, row->cells[NOW].text, DT_CELL_MAX);
    print_change(series, &row->cells[CHANGE]);
    if (n == 0 || strcmp(series->machine, series[-1].machine) != 0)
        snprintf(row->title, sizeof row->title, "%s", series->machine);
}

void dt_history_print(FILE *stream, const struct dt_history *history,
                      const struct dt_terminal *terminal)
{
    const struct shown shown = {history, terminal->unicode};
    const struct dt_grid grid = {.columns = columns,
                                 .column_count = COLUMNS,
                                 .row_count = history->count,
                                 .row = fill_row,
                                 .context = &shown};
    char title[160];
    snprintf(title, sizeof title, "%zu sessions compared with disentune %s%s%.12s",
             history->sessions, history->base.version, *history->base.commit ? ", commit " : "",
             history->base.commit);
    dt_styled_print(stream, terminal, DT_STYLE_BOLD, title, dt_terminal_width(terminal));
    fputc('\n', stream);
    dt_grid_print(stream, &grid, terminal);
    fprintf(stream, "\nTime of a call against that build. Changes are hints: in one of a hundred "
                    "series\nnoise alone makes one.\n");
}

/* ---- JSON Lines ----------------------------------------------------------------- */

static json_t *encode_points(const struct dt_history_series *series)
{
    json_t *points = json_array();
    for (size_t k = 0; k < series->count; k++) {
        const struct dt_point *point = &series->points[k];
        json_array_append_new(points,
                              json_pack("{s:s, s:s, s:s, s:f, s:s}", "date", point->session->date,
                                        "version", point->session->build.version, "commit",
                                        point->session->build.commit, "ratio", point->ratio,
                                        "judgement", dt_judgement_name(point->cell->judgement)));
    }
    return points;
}

static json_t *encode_changes(const struct dt_history_series *series)
{
    json_t *changes = json_array();
    for (size_t c = 0; c < series->change_count; c++) {
        const struct dt_change *change = &series->changes[c];
        const struct dt_session *session = series->points[change->at].session;
        json_array_append_new(
            changes, json_pack("{s:I, s:s, s:s, s:f, s:f, s:f}", "point", (json_int_t)change->at,
                               "date", session->date, "commit", session->build.commit, "before",
                               change->before, "after", change->after, "p", change->p));
    }
    return changes;
}

static json_t *encode_series(const struct dt_history *history,
                             const struct dt_history_series *series)
{
    const struct dt_subject *subject = &series->cell->subject;
    char problem[DT_PROBLEM_TEXT_MAX];
    json_t *points = encode_points(series), *changes = encode_changes(series);
    const bool complete = json_array_size(points) == series->count &&
                          json_array_size(changes) == series->change_count;
    json_t *line = json_pack(
        "{s:s, s:s, s:i, s:s, s:s, s:s, s:s, s:o, s:o}", "op", dt_op_name(subject->op), "problem",
        dt_problem_print(&subject->problem, problem), "threads", subject->threads, "variant",
        subject->variant, "machine", series->machine, "base_version", history->base.version,
        "base_commit", history->base.commit, "points", points, "changes", changes);
    if (!complete) {
        json_decref(line);
        line = NULL;
    }
    return line;
}

enum dt_status dt_history_write(FILE *stream, const struct dt_history *history,
                                struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t s = 0; s < history->count && !status; s++)
        status = dt_line_write(stream, encode_series(history, &history->series[s]), error);
    return status;
}
