/* SPDX-License-Identifier: MIT */
/*
 * What was measured, before anything was made of it: the samples of each problem's plan in the
 * order taken, with their distribution beside them, and what the plan gains over the three
 * baselines that ran between its samples. Of a comparison the pairs' ratios in the order taken.
 */
#include "reports/page.h"

#include "reports/stats.h"

#include <math.h>
#include <string.h>

static bool has_data(const struct dt_page_data *data)
{
    for (size_t b = 0; b < data->block_count; b++)
        if (data->blocks[b].leader)
            return true;
    for (size_t c = 0; c < data->cell_count; c++)
        if (data->cell[c]->ratios)
            return true;
    return false;
}

/* ---- Gains over the baselines ---------------------------------------------- */

enum { GAIN_W = 720, GAIN_L = DT_LABEL_WIDTH, GAIN_R = 710, GAIN_T = 4, GAIN_ROW = 30 };

struct baseline {
    const char *word, *class;
    enum dt_shape shape;
    double (*ratio)(const struct dt_record *);
};

static double to_scalar(const struct dt_record *record) { return record->ratio_to_scalar; }
static double to_autovec(const struct dt_record *record) { return record->ratio_to_autovec; }
static double to_gather(const struct dt_record *record) { return record->ratio_to_gather; }

static const struct baseline baselines[] = {
    {"scalar code", "c1", DT_DOT, to_scalar},
    {"the compiler's vectorisation", "c2", DT_DIAMOND, to_autovec},
    {"hardware gather", "c3", DT_UP, to_gather},
};

enum { BASELINES = sizeof baselines / sizeof *baselines };

/* A leader that one of the baselines is known for; NULL if the block has none. */
static const struct dt_record *gainer(const struct dt_block *block)
{
    const struct dt_record *leader = block->leader;
    for (size_t n = 0; leader && n < BASELINES; n++)
        if (isfinite(baselines[n].ratio(leader)))
            return leader;
    return NULL;
}

static size_t count_gainers(const struct dt_page_data *data)
{
    size_t count = 0;
    for (size_t b = 0; b < data->block_count; b++)
        count += gainer(&data->blocks[b]) != NULL;
    return count;
}

static void gain_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    size_t used = 0, told = 0;
    for (size_t n = 0; n < BASELINES; n++) {
        double low = INFINITY, high = -INFINITY;
        char least[DT_VIEW_TEXT_MAX], most[DT_VIEW_TEXT_MAX];
        for (size_t b = 0; b < data->block_count; b++) {
            const struct dt_record *leader = gainer(&data->blocks[b]);
            const double ratio = leader ? baselines[n].ratio(leader) : NAN;
            low = fmin(low, ratio);
            high = fmax(high, ratio);
        }
        if (low > high)
            continue;
        dt_view_number(low, least);
        dt_view_number(high, most);
        const bool one = strcmp(least, most) == 0;
        used += (size_t)snprintf(text + used, DT_SENTENCE_MAX - used,
                                 "%s%s%s%s times as fast as %s", told++ ? ", " : "The plans are ",
                                 one ? "" : least, one ? "" : " to ", most, baselines[n].word);
    }
    snprintf(text + used, DT_SENTENCE_MAX - used, told ? "." : "No baseline was measured.");
}

static void draw_gain(FILE *out, const struct dt_scale *x, const struct dt_record *r, double y)
{
    char text[DT_VIEW_TEXT_MAX], tip[2 * DT_VIEW_TEXT_MAX], class[16];
    dt_svg_line(out, "row", 0, y + GAIN_ROW / 2.0, GAIN_W, y + GAIN_ROW / 2.0);
    dt_page_label(out, y, r->op, &r->problem, r->threads);
    if (isfinite(r->ratio_lo) && isfinite(r->ratio_hi))
        dt_svg_line(out, "whisker c1", dt_scale_at(x, r->ratio_lo), y, dt_scale_at(x, r->ratio_hi),
                    y);
    for (size_t n = BASELINES; n-- > 0;) {
        const double ratio = baselines[n].ratio(r);
        if (!isfinite(ratio))
            continue;
        snprintf(tip, sizeof tip, "%s times as fast as %s", dt_view_number(ratio, text),
                 baselines[n].word);
        snprintf(class, sizeof class, "halo %s", baselines[n].class);
        dt_svg_mark(out, baselines[n].shape, class, dt_scale_at(x, ratio), y, 4.6, tip);
    }
}

static size_t draw_gains(FILE *out, const struct dt_page_data *data, const char *title)
{
    struct dt_scale x = dt_scale_empty(10, GAIN_L, GAIN_R);
    size_t rows = 0;
    dt_scale_cover(&x, 1);
    for (size_t b = 0; b < data->block_count && rows < DT_PAGE_LINES_MAX; b++) {
        const struct dt_record *leader = gainer(&data->blocks[b]);
        rows += leader != NULL;
        for (size_t n = 0; leader && n < BASELINES; n++)
            dt_scale_cover(&x, baselines[n].ratio(leader));
    }
    dt_scale_pad(&x, 0.04);
    const double bottom = GAIN_T + (double)rows * GAIN_ROW;
    dt_svg_begin(out, "gains", GAIN_W, bottom + 36, title,
                 "Dot plot: for each problem how many times as fast its plan is as each baseline, "
                 "on a logarithmic scale. The values are in the table below.");
    const struct dt_axis axis = {&x, bottom, GAIN_T, 7, dt_svg_tick_times, "times as fast"};
    dt_svg_axis_x(out, &axis);
    dt_svg_line(out, "zero", dt_scale_at(&x, 1), GAIN_T, dt_scale_at(&x, 1), bottom);
    size_t row = 0;
    for (size_t b = 0; b < data->block_count && row < rows; b++)
        if (gainer(&data->blocks[b]))
            draw_gain(out, &x, data->blocks[b].leader, GAIN_T + ((double)row++ + 0.5) * GAIN_ROW);
    dt_svg_end(out);
    return rows;
}

static void put_gains(FILE *out, const struct dt_page_data *data)
{
    const size_t all = count_gainers(data);
    char sentence[DT_SENTENCE_MAX], name[2 * DT_VIEW_TEXT_MAX];
    if (!all)
        return;
    gain_finding(data, sentence);
    dt_figure_begin(out, "f-gains", sentence);
    const size_t rows = draw_gains(out, data, sentence);
    dt_legend_begin(out);
    for (size_t n = 0; n < BASELINES; n++)
        dt_legend_add(out, baselines[n].shape, baselines[n].class, baselines[n].word);
    dt_legend_end(out);
    dt_figure_note(out, "Medians of ratios within blocks of one run; the line through the dot is "
                        "the 95 % interval. Compiler and gather are of the plan's own instruction "
                        "set.");
    dt_figure_data(out, rows, all, "problems");
    dt_table_begin(out, "The plan of each problem against the baselines",
                   "Problem|Plan|>Time|>± %|>Samples|>Rejected|>× scalar|>from|>to|>× compiler|>× "
                   "gather");
    size_t row = 0;
    for (size_t b = 0; b < data->block_count && row < DT_PAGE_ROWS_MAX; b++) {
        const struct dt_record *r = gainer(&data->blocks[b]);
        if (!r)
            continue;
        row++;
        dt_table_row(out);
        dt_table_name(out, dt_page_name(r->op, &r->problem, r->threads, name));
        dt_table_code(out, dt_page_plan(r, name));
        dt_table_time(out, r->ns_median);
        dt_table_number(out, (r->ns_hi - r->ns_lo) / 2 / r->ns_median * 100);
        dt_table_count(out, r->samples);
        dt_table_count(out, r->rejected);
        dt_table_number(out, r->ratio_to_scalar);
        dt_table_number(out, r->ratio_lo);
        dt_table_number(out, r->ratio_hi);
        dt_table_number(out, r->ratio_to_autovec);
        dt_table_number(out, r->ratio_to_gather);
    }
    dt_table_end(out);
    dt_figure_end(out);
}

/* ---- Samples in the order taken -------------------------------------------- */

enum { RUN_W = 330, RUN_H = 176, RUN_L = 50, RUN_R = 268, RUN_T = 46, RUN_B = 142, BINS = 16 };
enum { HIST_L = 274, HIST_W = 48, DOTS_MAX = 160 };

/* Values in the order taken, around a reference: 1 for ratios, the median for times. */
struct run {
    const char *id, *desc, *below;
    char head[DT_VIEW_TEXT_MAX], under[2 * DT_VIEW_TEXT_MAX];
    const double *values, *others; /* others: of the A/A arm, NULL without */
    size_t count, other_count;
    double reference, lo, hi; /* interval; NAN without */
};

static void cover_run(const double *values, size_t count, double reference, struct dt_scale *y)
{
    for (size_t n = 0; n < count; n++)
        dt_scale_cover(y, fmin(fmax(values[n] / reference, 0.5), 2));
}

/* At most DOTS_MAX: every second, third ... where there are more. */
static void draw_dots(FILE *out, const char *class, const double *values, size_t count, double step,
                      double reference, const struct dt_scale *x, const struct dt_scale *y)
{
    const size_t stride = count / DOTS_MAX + 1;
    dt_svg_dots_begin(out, class);
    for (size_t n = 0; n < count; n += stride)
        dt_svg_dots_add(out, dt_scale_at(x, ((double)n + 1) * step),
                        dt_scale_at(y, values[n] / reference));
    dt_svg_dots_end(out);
}

static void draw_histogram(FILE *out, const struct run *run, const struct dt_scale *y)
{
    size_t bins[BINS] = {0}, most = 1;
    const double height = (double)(RUN_B - RUN_T) / BINS;
    for (size_t n = 0; n < run->count; n++) {
        const double place = (RUN_B - dt_scale_at(y, run->values[n] / run->reference)) / height;
        const size_t bin = place < 0 ? 0 : place >= BINS ? BINS - 1 : (size_t)place;
        if (++bins[bin] > most)
            most = bins[bin];
    }
    for (size_t b = 0; b < BINS; b++)
        if (bins[b])
            dt_svg_rect(out, "bar c1", HIST_L, RUN_B - ((double)b + 1) * height + 0.5,
                        HIST_W * (double)bins[b] / (double)most, height - 1);
}

static void draw_run(FILE *out, const struct run *run)
{
    struct dt_scale x = dt_scale_empty(0, RUN_L, RUN_R), y = dt_scale_empty(0, RUN_B, RUN_T);
    const double most = (double)(run->count > run->other_count ? run->count : run->other_count);
    dt_scale_cover(&x, 1);
    dt_scale_cover(&x, most);
    dt_scale_cover(&y, 0.995);
    dt_scale_cover(&y, 1.005);
    cover_run(run->values, run->count, run->reference, &y);
    cover_run(run->others, run->other_count, run->reference, &y);
    dt_scale_pad(&x, 0.02);
    dt_scale_pad(&y, 0.06);
    dt_svg_begin(out, run->id, RUN_W, RUN_H, run->head, run->desc);
    dt_svg_text(out, "head", 0, 12, run->head);
    dt_svg_text(out, "code faint", 0, 28, run->under);
    if (isfinite(run->lo) && isfinite(run->hi))
        dt_svg_rect(out, "band", RUN_L, dt_scale_at(&y, run->lo / run->reference), RUN_R - RUN_L,
                    dt_scale_at(&y, run->hi / run->reference) -
                        dt_scale_at(&y, run->lo / run->reference));
    const struct dt_axis below = {&x, RUN_B, RUN_B, 5, dt_svg_tick_number, run->below};
    const struct dt_axis left = {&y, RUN_L, RUN_R, 4, dt_svg_tick_change, NULL};
    dt_svg_axis_x(out, &below);
    dt_svg_axis_y(out, &left);
    dt_svg_line(out, "zero", RUN_L, dt_scale_at(&y, 1), RUN_R, dt_scale_at(&y, 1));
    if (run->others)
        draw_dots(out, "c8", run->others, run->other_count, most / (double)run->other_count,
                  run->reference, &x, &y);
    draw_dots(out, "c1", run->values, run->count, 1, run->reference, &x, &y);
    draw_histogram(out, run, &y);
    dt_svg_end(out);
}

/* Spread of the samples of a record: the middle half, over its median. */
static double spread_of(const struct dt_record *r)
{
    return (dt_quantile(r->ns, r->samples, 0.75) - dt_quantile(r->ns, r->samples, 0.25)) /
           r->ns_median;
}

static const struct dt_record *sampled(const struct dt_block *block)
{
    const struct dt_record *leader = block->leader;
    return leader && dt_page_is_sound(leader) && leader->ns && leader->samples ? leader : NULL;
}

static size_t runs_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    const struct dt_record *worst = NULL;
    size_t count = 0;
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_record *r = sampled(&data->blocks[b]);
        count += r != NULL;
        if (r && (!worst || spread_of(r) > spread_of(worst)))
            worst = r;
    }
    if (!worst)
        return 0;
    char share[DT_VIEW_TEXT_MAX], name[2 * DT_VIEW_TEXT_MAX];
    dt_page_name(worst->op, &worst->problem, worst->threads, name);
    snprintf(text, DT_SENTENCE_MAX,
             "The middle half of a plan's samples spans at most %s of its median; the widest is "
             "`%.200s`.",
             dt_view_share(spread_of(worst), share), name);
    return count;
}

static void put_quantiles(FILE *out, const struct dt_record *r)
{
    static const double quantiles[] = {0, 0.25, 0.5, 0.75, 1};
    char name[2 * DT_VIEW_TEXT_MAX];
    dt_table_row(out);
    dt_table_name(out, dt_page_name(r->op, &r->problem, r->threads, name));
    dt_table_code(out, dt_page_plan(r, name));
    dt_table_count(out, r->samples);
    for (size_t q = 0; q < sizeof quantiles / sizeof *quantiles; q++)
        dt_table_time(out, dt_quantile(r->ns, r->samples, quantiles[q]));
    dt_table_share(out, (double)r->rejected / (double)(r->samples + r->rejected));
}

static void draw_samples(FILE *out, const struct dt_record *r, size_t panel)
{
    char id[32], time[DT_VIEW_TEXT_MAX], name[DT_VIEW_TEXT_MAX];
    snprintf(id, sizeof id, "samples-%zu", panel);
    struct run run = {
        .id = id,
        .desc = "Samples in the order taken, in percent above or below the median, and their "
                "distribution to the right; the grey band is the 95 % interval of the median.",
        .below = "sample",
        .values = r->ns,
        .count = r->samples,
        .reference = r->ns_median,
        .lo = r->ns_lo,
        .hi = r->ns_hi,
    };
    snprintf(run.head, sizeof run.head, "%.100s, %.40s", dt_page_problem(r->op, &r->problem, name),
             dt_page_time(r->ns_median, time));
    snprintf(run.under, sizeof run.under, "%s", dt_page_short(r->variant));
    draw_run(out, &run);
}

static void put_samples(FILE *out, const struct dt_page_data *data)
{
    char sentence[DT_SENTENCE_MAX];
    size_t panel = 0, row = 0;
    const size_t all = runs_finding(data, sentence);
    if (!all)
        return;
    dt_figure_begin(out, "f-samples", sentence);
    for (size_t b = 0, n = 0; b < data->block_count; b++)
        if (sampled(&data->blocks[b]) && dt_page_is_picked(n++, all, DT_PAGE_PANELS_MAX))
            draw_samples(out, sampled(&data->blocks[b]), panel++);
    dt_figure_note(out,
                   "Samples of each problem's plan in the order taken: a slope or a step tells "
                   "that the machine changed meanwhile.");
    dt_figure_data(out, panel, all, "problems");
    dt_table_begin(out, "Quantiles of the samples",
                   "Problem|Plan|>Samples|>Least|>Quarter|>Median|>Three quarters|>Most|>Rejected");
    for (size_t b = 0; b < data->block_count && row < DT_PAGE_ROWS_MAX; b++)
        if (sampled(&data->blocks[b])) {
            put_quantiles(out, sampled(&data->blocks[b]));
            row++;
        }
    dt_table_end(out);
    dt_figure_end(out);
}

/* ---- Ratios of pairs ------------------------------------------------------- */

static bool is_paired(const struct dt_cell *cell)
{
    return cell->ratios && cell->pairs && isfinite(cell->ratio);
}

static void draw_pairs(FILE *out, const struct dt_cell *cell, size_t panel)
{
    char id[32];
    const struct dt_subject *s = &cell->subject;
    snprintf(id, sizeof id, "pairs-%zu", panel);
    struct run run = {
        .id = id,
        .desc =
            "Time of HEAD over BASE of each pair of processes in the order taken, in grey those "
            "of BASE with itself, and the distribution to the right; the grey band is the "
            "interval.",
        .below = "pair",
        .values = cell->ratios,
        .count = cell->pairs,
        .others = cell->aa_ratios,
        .other_count = cell->aa_ratios ? cell->aa_pairs : 0,
        .reference = 1,
        .lo = cell->lo,
        .hi = cell->hi,
    };
    dt_page_problem(s->op, &s->problem, run.head);
    snprintf(run.under, sizeof run.under, "%s", dt_judgement_name(cell->judgement));
    draw_run(out, &run);
}

static void pairs_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX], size_t *all)
{
    size_t pairs = 0, less = SIZE_MAX;
    *all = 0;
    for (size_t c = 0; c < data->cell_count; c++)
        if (is_paired(data->cell[c])) {
            ++*all;
            pairs += data->cell[c]->pairs;
            less = data->cell[c]->pairs < less ? data->cell[c]->pairs : less;
        }
    snprintf(text, DT_SENTENCE_MAX,
             "%zu pairs of processes were compared on %zu cell%s, at least %zu on each.", pairs,
             *all, dt_page_plural(*all), less);
}

static void put_pairs(FILE *out, const struct dt_page_data *data)
{
    char sentence[DT_SENTENCE_MAX], name[2 * DT_VIEW_TEXT_MAX];
    size_t all, panel = 0, row = 0;
    pairs_finding(data, sentence, &all);
    if (!all)
        return;
    dt_figure_begin(out, "f-pairs", sentence);
    for (size_t c = 0; c < data->cell_count && panel < DT_PAGE_PANELS_MAX; c++)
        if (is_paired(data->cell[c]))
            draw_pairs(out, data->cell[c], panel++);
    dt_figure_data(out, panel, all, "cells, the worst first");
    dt_table_begin(out, "Ratios of the pairs, HEAD over BASE",
                   "Cell|>Pairs|>Least|>Median|>Most|>Pairs of BASE with itself");
    for (size_t c = 0; c < data->cell_count && row < DT_PAGE_ROWS_MAX; c++) {
        const struct dt_cell *cell = data->cell[c];
        if (!is_paired(cell))
            continue;
        row++;
        dt_table_row(out);
        dt_table_name(out, dt_page_name(cell->subject.op, &cell->subject.problem,
                                        cell->subject.threads, name));
        dt_table_count(out, cell->pairs);
        dt_table_change(out, dt_quantile(cell->ratios, cell->pairs, 0));
        dt_table_change(out, cell->ratio);
        dt_table_change(out, dt_quantile(cell->ratios, cell->pairs, 1));
        dt_table_count(out, cell->aa_pairs);
    }
    dt_table_end(out);
    dt_figure_end(out);
}

static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    size_t pairs = 0;
    if (count_gainers(data))
        gain_finding(data, text);
    else if (!runs_finding(data, text))
        pairs_finding(data, text, &pairs);
    else
        return;
    if (!pairs && !count_gainers(data))
        snprintf(text, DT_SENTENCE_MAX, "%zu problem%s timed.", data->block_count,
                 data->block_count == 1 ? " was" : "s were");
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    (void)error;
    put_gains(out, data);
    put_pairs(out, data);
    put_samples(out, data);
    return DT_OK;
}

const struct dt_page dt_page_cells = {
    .name = "cells",
    .title = "Cells",
    .shows = "the samples in the order taken, and ratios to scalar code, compiler and gather",
    .command = "disentune bench",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
