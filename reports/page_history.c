/* SPDX-License-Identifier: MIT */
/* The series of reports/history.h: how the ratio to one base build went from session to session. */
#include "reports/page.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 340, HEIGHT = 170, LEFT = 54, RIGHT = 328, TOP = 46, BOTTOM = 132 };
enum { LEAST = 3 }; /* points of a series */

static size_t count_series(const struct dt_page_data *data)
{
    size_t count = 0;
    for (size_t s = 0; s < data->history.count; s++)
        count += data->history.series[s].count >= LEAST;
    return count;
}

static bool has_data(const struct dt_page_data *data) { return count_series(data) > 0; }

static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    const struct dt_history *h = &data->history;
    const struct dt_history_series *series = NULL;
    const struct dt_change *most = NULL;
    size_t changed = 0;
    for (size_t s = 0; s < h->count; s++) {
        changed += h->series[s].change_count > 0;
        for (size_t c = 0; c < h->series[s].change_count; c++) {
            const struct dt_change *change = &h->series[s].changes[c];
            if (most &&
                fabs(log(change->after / change->before)) <= fabs(log(most->after / most->before)))
                continue;
            most = change;
            series = &h->series[s];
        }
    }
    const size_t all = count_series(data);
    if (!most) {
        snprintf(
            text, DT_SENTENCE_MAX,
            "Over %zu sessions compared with one base the level of none of %zu series changed.",
            h->sessions, all);
        return;
    }
    char name[2 * DT_VIEW_TEXT_MAX], change[DT_VIEW_TEXT_MAX];
    const struct dt_subject *subject = &series->cell->subject;
    snprintf(text, DT_SENTENCE_MAX,
             "The level changed in %zu of %zu series, most on `%.200s` with the session of %.10s: "
             "%s time. A hint, no verdict.",
             changed, all, dt_page_name(subject->op, &subject->problem, subject->threads, name),
             series->points[most->at].session->date,
             dt_page_change(most->after / most->before, change));
}

/* The levels between changes, and a line where each changes. */
static void draw_levels(FILE *out, const struct dt_history_series *s, const struct dt_scale *x,
                        const struct dt_scale *y)
{
    for (size_t c = 0; c < s->change_count; c++) {
        const struct dt_change *change = &s->changes[c];
        const size_t begin = c ? s->changes[c - 1].at : 0;
        const size_t end = c + 1 < s->change_count ? s->changes[c + 1].at : s->count;
        const double where = dt_scale_at(x, (double)change->at + 0.5);
        dt_svg_line(out, "bound", where, TOP, where, BOTTOM);
        dt_svg_line(out, "guide", dt_scale_at(x, (double)begin + 1), dt_scale_at(y, change->before),
                    where, dt_scale_at(y, change->before));
        dt_svg_line(out, "guide", where, dt_scale_at(y, change->after), dt_scale_at(x, (double)end),
                    dt_scale_at(y, change->after));
    }
}

static void draw_points(FILE *out, const struct dt_history_series *s, const struct dt_scale *x,
                        const struct dt_scale *y)
{
    for (size_t n = 0; n < s->count; n++) {
        const struct dt_cell *cell = s->points[n].cell;
        if (isfinite(cell->lo) && isfinite(cell->hi))
            dt_svg_line(out, "whisker thin c1", dt_scale_at(x, (double)n + 1),
                        dt_scale_at(y, cell->lo), dt_scale_at(x, (double)n + 1),
                        dt_scale_at(y, cell->hi));
    }
    dt_svg_path_begin(out, "line c1");
    for (size_t n = 0; n < s->count; n++)
        dt_svg_path_to(out, dt_scale_at(x, (double)n + 1), dt_scale_at(y, s->points[n].ratio));
    dt_svg_path_end(out);
    dt_svg_dots_begin(out, "c1");
    for (size_t n = 0; n < s->count; n++)
        dt_svg_dots_add(out, dt_scale_at(x, (double)n + 1), dt_scale_at(y, s->points[n].ratio));
    dt_svg_dots_end(out);
}

static void draw(FILE *out, const struct dt_history_series *s, size_t panel)
{
    struct dt_scale x = dt_scale_empty(0, LEFT, RIGHT), y = dt_scale_empty(10, BOTTOM, TOP);
    char id[32], head[DT_VIEW_TEXT_MAX], under[DT_VIEW_TEXT_MAX];
    const struct dt_subject *subject = &s->cell->subject;
    dt_scale_cover(&x, 1);
    dt_scale_cover(&x, (double)s->count);
    dt_scale_cover(&y, 0.98);
    dt_scale_cover(&y, 1.02);
    for (size_t n = 0; n < s->count; n++)
        dt_scale_cover(&y, s->points[n].ratio);
    dt_scale_pad(&x, 0.04);
    dt_scale_pad(&y, 0.1);
    snprintf(id, sizeof id, "series-%zu", panel);
    dt_page_problem(subject->op, &subject->problem, head);
    dt_page_settings(&subject->problem, subject->threads, under);
    dt_svg_begin(out, id, WIDTH, HEIGHT, head,
                 "Time of HEAD over that of the base by session, oldest to the left, with "
                 "intervals; a dashed line where the level changed.");
    dt_svg_text(out, "head", 0, 12, head);
    dt_svg_text(out, "faint", 0, 28, under);
    const struct dt_axis left = {&y, LEFT, RIGHT, 4, dt_svg_tick_change, NULL};
    dt_svg_axis_y(out, &left);
    dt_svg_line(out, "zero", LEFT, dt_scale_at(&y, 1), RIGHT, dt_scale_at(&y, 1));
    dt_svg_line(out, "axis", LEFT, BOTTOM, RIGHT, BOTTOM);
    draw_levels(out, s, &x, &y);
    draw_points(out, s, &x, &y);
    snprintf(head, sizeof head, "%.10s", s->points[0].session->date);
    dt_svg_text(out, "tick", LEFT, BOTTOM + 16, head);
    snprintf(head, sizeof head, "%.10s", s->points[s->count - 1].session->date);
    dt_svg_text(out, "tick end", RIGHT, BOTTOM + 16, head);
    dt_svg_end(out);
}

static void put_rows(FILE *out, const struct dt_history_series *s, size_t *rows)
{
    char name[2 * DT_VIEW_TEXT_MAX];
    const struct dt_subject *subject = &s->cell->subject;
    dt_page_name(subject->op, &subject->problem, subject->threads, name);
    for (size_t n = 0; n < s->count && *rows < DT_PAGE_ROWS_MAX; n++, ++*rows) {
        const struct dt_point *p = &s->points[n];
        dt_table_row(out);
        dt_table_name(out, name);
        dt_table_text(out, p->session->date);
        dt_table_code(out, p->session->build.commit);
        dt_table_change(out, p->ratio);
        dt_table_change(out, p->cell->lo);
        dt_table_change(out, p->cell->hi);
        dt_table_text(out, dt_judgement_name(p->cell->judgement));
    }
}

static int changes_most(const void *left, const void *right)
{
    const struct dt_history_series *a = *(const struct dt_history_series *const *)left;
    const struct dt_history_series *b = *(const struct dt_history_series *const *)right;
    if ((a->change_count > 0) != (b->change_count > 0))
        return a->change_count ? -1 : 1;
    return (a > b) - (a < b);
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    const struct dt_history *h = &data->history;
    char sentence[DT_SENTENCE_MAX];
    size_t count = 0, rows = 0;
    const struct dt_history_series **sorted = malloc(h->count * sizeof *sorted);
    if (!sorted)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a page");
    for (size_t s = 0; s < h->count; s++)
        if (h->series[s].count >= LEAST)
            sorted[count++] = &h->series[s];
    qsort(sorted, count, sizeof *sorted, changes_most);
    const size_t panels = count < DT_PAGE_PANELS_MAX ? count : DT_PAGE_PANELS_MAX;
    finding(data, sentence);
    dt_figure_begin(out, "f-history", sentence);
    for (size_t s = 0; s < panels; s++)
        draw(out, sorted[s], s);
    dt_figure_note(out, "Time of HEAD over that of one base build, measured in pairs within each "
                        "session. Dashed: where the level changed, told from noise by shuffling.");
    dt_figure_data(out, panels, count, "series, those that changed first");
    dt_table_begin(out, "Ratios of each session, oldest first",
                   "Problem|Date|Commit|>Change|>from|>to|Verdict");
    for (size_t s = 0; s < count; s++)
        put_rows(out, sorted[s], &rows);
    dt_table_end(out);
    dt_figure_end(out);
    free(sorted);
    return DT_OK;
}

const struct dt_page dt_page_history = {
    .name = "history",
    .title = "History",
    .shows = "how the time over that of a pinned release went over at least three sessions",
    .command = "disentune regress RELEASE HEAD",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
