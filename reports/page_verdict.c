/* SPDX-License-Identifier: MIT */
/*
 * The comparison of two builds as a forest plot. A row is a cell: its interval over pairs of
 * processes, the bootstrap interval as a thin line below, the band of the A/A arm in grey. What
 * lies within delta of no change, between the dashed lines, does not count as a change.
 */
#include "reports/page.h"
#include "reports/verdict.h"

#include <math.h>
#include <string.h>

/* The words before the plot, so that a narrow screen shows them first. */
enum { WIDTH = 800, CHANGE = 218, MARK = 238, LEFT = 350, RIGHT = 790, TOP = 34, ROW = 34 };

/* Ratios beyond these are drawn at the edge. */
#define RATIO_MIN 0.5
#define RATIO_MAX 2.0

static bool has_data(const struct dt_page_data *data) { return data->cell_count > 0; }

/* Appends ", 2 are void" if there are any. */
static size_t count_others(const struct dt_page_data *data, enum dt_judgement judgement,
                           const char *one, const char *many, char *text, size_t used)
{
    const size_t count = dt_verdict_count(data->comparison, judgement);
    if (!count)
        return used;
    const char *words = count == 1 ? one : many;
    return used + (size_t)snprintf(text + used, DT_SENTENCE_MAX - used, ", %zu %s", count, words);
}

static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    const struct dt_cell *worst = data->cell[0];
    const struct dt_subject *s = &worst->subject;
    const size_t all = data->cell_count;
    const size_t regressed = dt_verdict_count(data->comparison, DT_REGRESSED);
    char name[2 * DT_VIEW_TEXT_MAX], count[24];
    snprintf(count, sizeof count, "%zu", regressed);
    size_t used = (size_t)snprintf(text, DT_SENTENCE_MAX, "%s of %zu cell%s regressed",
                                   regressed ? count : "None", all, dt_page_plural(all));
    used = count_others(data, DT_IMPROVED, "improved", "improved", text, used);
    used = count_others(data, DT_UNDECIDED, "is undecided", "are undecided", text, used);
    used = count_others(data, DT_VOID, "is void", "are void", text, used);
    if (regressed)
        snprintf(text + used, DT_SENTENCE_MAX - used, ". `%.200s` takes %.1f %% longer%s.",
                 dt_page_name(s->op, &s->problem, s->threads, name), (worst->ratio - 1) * 100,
                 regressed > 1 ? ", the most of all" : "");
    else
        snprintf(text + used, DT_SENTENCE_MAX - used, ".");
}

/* ---- The plot -------------------------------------------------------------- */

static double within(double ratio) { return fmin(fmax(ratio, RATIO_MIN), RATIO_MAX); }

static struct dt_scale scale_of(const struct dt_page_data *data, size_t rows)
{
    struct dt_scale x = dt_scale_empty(10, LEFT, RIGHT);
    for (size_t c = 0; c < rows; c++) {
        const struct dt_cell *cell = data->cell[c];
        const double ends[] = {cell->ratio, cell->lo, cell->hi, 1 + 1.6 * cell->delta,
                               1 / (1 + 1.6 * cell->delta)};
        for (size_t e = 0; e < sizeof ends / sizeof *ends; e++)
            if (isfinite(ends[e]))
                dt_scale_cover(&x, within(ends[e]));
    }
    dt_scale_pad(&x, 0.04);
    return x;
}

static void draw_interval(FILE *out, const struct dt_scale *x, const struct dt_cell *cell, double y)
{
    const struct dt_look *look = &dt_page_looks[cell->judgement];
    char tip[DT_SENTENCE_MAX], whisker[32];
    if (isfinite(cell->band) && cell->band > 0)
        dt_svg_rect(out, "band", dt_scale_at(x, exp(-cell->band)), y - 8,
                    dt_scale_at(x, exp(cell->band)) - dt_scale_at(x, exp(-cell->band)), 16);
    if (!isfinite(cell->ratio))
        return;
    if (isfinite(cell->lo) && isfinite(cell->hi)) {
        snprintf(whisker, sizeof whisker, "whisker %s", look->class);
        dt_svg_line(out, whisker, dt_scale_at(x, cell->lo), y, dt_scale_at(x, cell->hi), y);
    }
    if (isfinite(cell->boot_lo) && isfinite(cell->boot_hi)) {
        snprintf(whisker, sizeof whisker, "whisker thin %s", look->class);
        dt_svg_line(out, whisker, dt_scale_at(x, cell->boot_lo), y + 6,
                    dt_scale_at(x, cell->boot_hi), y + 6);
    }
    snprintf(tip, sizeof tip, "%s: %s", dt_judgement_name(cell->judgement), cell->reason);
    snprintf(whisker, sizeof whisker, "halo %s", look->class);
    dt_svg_mark(out, look->shape, whisker, dt_scale_at(x, cell->ratio), y, 4.6, tip);
}

static void draw_row(FILE *out, const struct dt_scale *x, const struct dt_cell *cell, double y)
{
    const struct dt_look *look = &dt_page_looks[cell->judgement];
    const struct dt_subject *s = &cell->subject;
    char text[DT_VIEW_TEXT_MAX], word[48];
    dt_svg_line(out, "row", 0, y + ROW / 2.0, WIDTH, y + ROW / 2.0);
    dt_page_label(out, y, s->op, &s->problem, s->threads);
    draw_interval(out, x, cell, y);
    dt_svg_text(out, "name end", CHANGE, y + 4,
                isfinite(cell->ratio) ? dt_page_change(cell->ratio, text) : "\u2013");
    snprintf(word, sizeof word, "name strong %s", look->class);
    dt_svg_mark(out, look->shape, look->class, MARK, y, 4.6, NULL);
    dt_svg_text(out, word, MARK + 12, y + 4, dt_judgement_name(cell->judgement));
}

/* The lines of delta, where it is the same for all cells, and that of no change. */
static void draw_zones(FILE *out, const struct dt_page_data *data, size_t rows,
                       const struct dt_scale *x, double bottom)
{
    const double delta = data->cell[0]->delta;
    bool same = isfinite(delta) && delta > 0;
    for (size_t c = 1; c < rows && same; c++)
        same = data->cell[c]->delta == delta;
    if (same) {
        const double low = dt_scale_at(x, 1 / (1 + delta)), high = dt_scale_at(x, 1 + delta);
        dt_svg_rect(out, "zone", low, TOP, high - low, bottom - TOP);
        dt_svg_line(out, "guide", low, TOP, low, bottom);
        dt_svg_line(out, "guide", high, TOP, high, bottom);
    }
    dt_svg_line(out, "zero", dt_scale_at(x, 1), TOP, dt_scale_at(x, 1), bottom);
}

static void draw(FILE *out, const struct dt_page_data *data, size_t rows, const char *title)
{
    const struct dt_scale x = scale_of(data, rows);
    const double bottom = TOP + (double)rows * ROW;
    dt_svg_begin(out, "forest", WIDTH, bottom + 36, title,
                 "Forest plot: for each cell the time of HEAD over that of BASE with its interval; "
                 "right of the middle line is slower. The values are in the table below.");
    draw_zones(out, data, rows, &x, bottom);
    const struct dt_axis axis = {&x, bottom, TOP, 6, dt_svg_tick_change, "time of HEAD over BASE"};
    dt_svg_axis_x(out, &axis);
    dt_svg_text(out, "faint end", dt_scale_at(&x, 1) - 8, TOP - 8, "\u2190 faster");
    dt_svg_text(out, "faint", dt_scale_at(&x, 1) + 8, TOP - 8, "slower \u2192");
    for (size_t c = 0; c < rows; c++)
        draw_row(out, &x, data->cell[c], TOP + ROW * ((double)c + 0.5));
    dt_svg_end(out);
}

/* ---- The table ------------------------------------------------------------- */

static void put_row(FILE *out, const struct dt_cell *cell)
{
    const struct dt_subject *s = &cell->subject;
    char name[2 * DT_VIEW_TEXT_MAX], low[DT_VIEW_TEXT_MAX], high[DT_VIEW_TEXT_MAX];
    char interval[3 * DT_VIEW_TEXT_MAX];
    dt_table_row(out);
    dt_table_name(out, dt_page_name(s->op, &s->problem, s->threads, name));
    dt_table_text(out, dt_judgement_name(cell->judgement));
    dt_table_change(out, cell->ratio);
    const bool bounded = isfinite(cell->lo) && isfinite(cell->hi);
    snprintf(interval, sizeof interval, "%s \u2026 %s", dt_page_change(cell->lo, low),
             dt_page_change(cell->hi, high));
    dt_table_value(out, bounded ? interval : "-");
    dt_table_share(out, expm1(cell->band));
    dt_table_time(out, cell->base_ns);
    dt_table_time(out, cell->head_ns);
    snprintf(low, sizeof low, "%.3f", cell->p);
    dt_table_value(out, isnan(cell->p) ? "-" : cell->p < 0.001 ? "<0.001" : low);
    dt_table_count(out, cell->pairs);
    dt_table_share(out, cell->samples ? (double)cell->gated / (double)cell->samples : NAN);
    dt_table_change(out, cell->head_instructions / cell->base_instructions);
    dt_table_text(out, cell->instructions_isa);
    dt_table_code(out, cell->head_choice);
    dt_table_text(out, cell->reason);
}

static void put_table(FILE *out, const struct dt_page_data *data)
{
    size_t rows = data->cell_count < DT_PAGE_ROWS_MAX ? data->cell_count : DT_PAGE_ROWS_MAX;
    dt_table_begin(out, "Cells of the comparison, the worst first",
                   "Cell|Verdict|>Change|>Interval|>A/A band|>BASE|>HEAD|>p|>Pairs|>Gated|"
                   ">Instructions|Counted on|HEAD runs|Why");
    for (size_t c = 0; c < rows; c++)
        put_row(out, data->cell[c]);
    dt_table_end(out);
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    (void)error;
    char sentence[DT_SENTENCE_MAX];
    const size_t rows = data->cell_count < DT_PAGE_LINES_MAX ? data->cell_count : DT_PAGE_LINES_MAX;
    finding(data, sentence);
    dt_figure_begin(out, "f-forest", sentence);
    draw(out, data, rows, sentence);
    dt_figure_note(out, "A cell has regressed if its whole interval lies beyond the dashed line, "
                        "outside of the grey band that the same comparison of BASE with itself "
                        "gave, and fresh processes confirmed it. The thin line is a bootstrap over "
                        "processes and samples.");
    dt_figure_data(out, rows, data->cell_count, "cells, the worst first");
    put_table(out, data);
    dt_figure_end(out);
    return DT_OK;
}

const struct dt_page dt_page_verdict = {
    .name = "verdict",
    .title = "Verdict",
    .shows = "which cells of a comparison of two builds got slower, and how sure that is",
    .command = "disentune regress BASE HEAD",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
