/* SPDX-License-Identifier: MIT */
/*
 * How far these figures can be believed: what the same comparison says of a build against itself,
 * what it finds when work is really added, and how many samples were thrown away.
 */
#include "reports/page.h"

#include <math.h>
#include <string.h>

/* ---- Ratios of a build with itself ----------------------------------------- */

enum { WIDTH = 340, HEIGHT = 230, LEFT = 44, RIGHT = 328, TOP = 16, BOTTOM = 186, BINS = 25 };

static size_t count_aa(const struct dt_page_data *data, double *widest, double *band)
{
    size_t count = 0;
    *widest = *band = 0;
    for (size_t c = 0; c < data->cell_count; c++) {
        const struct dt_cell *cell = data->cell[c];
        if (isfinite(cell->band))
            *band = fmax(*band, cell->band);
        for (size_t n = 0; cell->aa_ratios && n < cell->aa_pairs; n++)
            if (cell->aa_ratios[n] > 0 && isfinite(cell->aa_ratios[n])) {
                *widest = fmax(*widest, fabs(log(cell->aa_ratios[n])));
                count++;
            }
    }
    return count;
}

static void aa_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    double widest, band;
    char most[DT_VIEW_TEXT_MAX], floor[DT_VIEW_TEXT_MAX];
    const size_t count = count_aa(data, &widest, &band);
    snprintf(text, DT_SENTENCE_MAX,
             "BASE against itself gave %zu ratios, at most %s from no difference; nothing is "
             "claimed within the widest band, %s.",
             count, dt_view_share(expm1(widest), most), dt_view_share(expm1(band), floor));
}

static size_t bin_of(double ratio, double widest)
{
    const double place = (log(ratio) / widest + 1) / 2 * BINS;
    return place < 0 ? 0 : place >= BINS ? BINS - 1 : (size_t)place;
}

static void draw_aa(FILE *out, const struct dt_page_data *data, double widest, double band,
                    const size_t bins[BINS])
{
    struct dt_scale x = dt_scale_empty(10, LEFT, RIGHT), y = dt_scale_empty(0, BOTTOM, TOP);
    dt_scale_cover(&x, exp(-widest));
    dt_scale_cover(&x, exp(widest));
    dt_scale_cover(&y, 0);
    for (size_t b = 0; b < BINS; b++)
        dt_scale_cover(&y, (double)bins[b]);
    x.lo = exp(-widest);
    x.hi = exp(widest);
    y.hi = fmax(y.hi, 1) * 1.05;
    const double delta = data->cell[0]->delta;
    dt_svg_begin(out, "aa-histogram", WIDTH, HEIGHT, "Ratios of BASE with itself",
                 "Histogram of the ratios of pairs of the A/A arm over all cells.");
    dt_svg_rect(out, "band", dt_scale_at(&x, exp(-band)), TOP,
                dt_scale_at(&x, exp(band)) - dt_scale_at(&x, exp(-band)), BOTTOM - TOP);
    const struct dt_axis below = {&x, BOTTOM, TOP, 5, dt_svg_tick_change, "ratio of a pair"};
    const struct dt_axis left = {&y, LEFT, RIGHT, 4, dt_svg_tick_number, NULL};
    dt_svg_axis_x(out, &below);
    dt_svg_axis_y(out, &left);
    const double width = (double)(RIGHT - LEFT) / BINS;
    for (size_t b = 0; b < BINS; b++)
        if (bins[b])
            dt_svg_rect(out, "bar c1", LEFT + (double)b * width + 0.5,
                        dt_scale_at(&y, (double)bins[b]), width - 1,
                        BOTTOM - dt_scale_at(&y, (double)bins[b]));
    for (int side = -1; side <= 1 && log1p(delta) < widest; side += 2)
        dt_svg_line(out, "bound", dt_scale_at(&x, pow(1 + delta, side)), TOP,
                    dt_scale_at(&x, pow(1 + delta, side)), BOTTOM);
    dt_svg_end(out);
}

static void put_aa(FILE *out, const struct dt_page_data *data)
{
    char sentence[DT_SENTENCE_MAX];
    size_t bins[BINS] = {0};
    double widest, band;
    const size_t all = count_aa(data, &widest, &band);
    if (!all)
        return;
    widest = fmax(widest, 0.002) * 1.02;
    for (size_t c = 0; c < data->cell_count; c++)
        for (size_t n = 0; data->cell[c]->aa_ratios && n < data->cell[c]->aa_pairs; n++)
            if (data->cell[c]->aa_ratios[n] > 0)
                bins[bin_of(data->cell[c]->aa_ratios[n], widest)]++;
    aa_finding(data, sentence);
    dt_figure_begin(out, "f-aa", sentence);
    draw_aa(out, data, widest, band, bins);
    dt_figure_note(out, "Grey: the widest band within which nothing is claimed. Dashed: what "
                        "counts as a change.");
    dt_figure_data(out, all, all, "ratios");
    dt_table_begin(out, "Ratios of BASE with itself", ">From|>to|>Pairs");
    for (size_t b = 0; b < BINS; b++) {
        dt_table_row(out);
        dt_table_change(out, exp(((double)b / BINS * 2 - 1) * widest));
        dt_table_change(out, exp(((double)(b + 1) / BINS * 2 - 1) * widest));
        dt_table_count(out, bins[b]);
    }
    dt_table_end(out);
    dt_figure_end(out);
}

/* ---- What is found when the truth is known --------------------------------- */

enum { TRIALS_MAX = 24 };

/* Trials of the whole suite, in the newest session that has any: by slow-down, ascending. */
static size_t find_trials(const struct dt_page_data *data,
                          const struct dt_trial_set *sets[TRIALS_MAX])
{
    size_t count = 0;
    for (size_t s = data->evidence->count; s-- > 0 && !count;) {
        const struct dt_finding *f = &data->evidence->sessions[s];
        for (size_t t = 0; t < f->trial_count && count < TRIALS_MAX; t++) {
            if (f->trials[t].subject.op != DT_OP_COUNT || !f->trials[t].trials)
                continue;
            size_t at = count++;
            for (; at && sets[at - 1]->slowdown > f->trials[t].slowdown; at--)
                sets[at] = sets[at - 1];
            sets[at] = &f->trials[t];
        }
    }
    return count;
}

static double rate(const struct dt_trial_set *set)
{
    return (double)set->alarms / (double)set->trials;
}

static bool trials_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    const struct dt_trial_set *sets[TRIALS_MAX], *sure = NULL;
    const size_t count = find_trials(data, sets);
    size_t used = 0;
    char share[DT_VIEW_TEXT_MAX], bound[DT_VIEW_TEXT_MAX];
    text[0] = '\0';
    if (!count)
        return false;
    if (sets[0]->slowdown == 0)
        used = (size_t)snprintf(text, DT_SENTENCE_MAX,
                                "%zu of %zu runs of a build against itself gave a false alarm "
                                "(with 95 %% confidence at most %s).",
                                sets[0]->alarms, sets[0]->trials,
                                dt_view_share(sets[0]->rate_hi, bound));
    for (size_t t = count; t-- > 0 && sets[t]->slowdown > 0 && rate(sets[t]) >= 0.9;)
        sure = sets[t];
    if (sure)
        snprintf(text + used, DT_SENTENCE_MAX - used,
                 "%sA slow-down of %s is found in %zu of %zu runs.", used ? " " : "",
                 dt_view_share(sure->slowdown, share), sure->alarms, sure->trials);
    else if (sets[count - 1]->slowdown > 0)
        snprintf(text + used, DT_SENTENCE_MAX - used,
                 "%sNo slow-down that was tried is found in 9 of 10 runs.", used ? " " : "");
    return true;
}

static void draw_trials(FILE *out, const struct dt_trial_set *const *sets, size_t count)
{
    struct dt_scale x = dt_scale_empty(0, LEFT, RIGHT), y = dt_scale_empty(0, BOTTOM, TOP);
    dt_scale_cover(&x, 0);
    dt_scale_cover(&x, 0.05);
    dt_scale_cover(&y, 0);
    dt_scale_cover(&y, 1);
    for (size_t t = 0; t < count; t++)
        dt_scale_cover(&x, sets[t]->slowdown);
    dt_scale_pad(&x, 0.03);
    dt_scale_pad(&y, 0.03);
    dt_svg_begin(out, "power-curve", WIDTH, HEIGHT, "Share of runs that raise an alarm",
                 "Power curve: share of runs judged a regression over the slow-down that was "
                 "really there, with 95 % intervals.");
    const struct dt_axis below = {&x, BOTTOM, TOP, 6, dt_svg_tick_share, "slow-down that is there"};
    const struct dt_axis left = {&y, LEFT, RIGHT, 5, dt_svg_tick_share, NULL};
    dt_svg_axis_x(out, &below);
    dt_svg_axis_y(out, &left);
    dt_svg_path_begin(out, "line c1");
    for (size_t t = 0; t < count; t++)
        dt_svg_path_to(out, dt_scale_at(&x, sets[t]->slowdown), dt_scale_at(&y, rate(sets[t])));
    dt_svg_path_end(out);
    for (size_t t = 0; t < count; t++) {
        const double px = dt_scale_at(&x, sets[t]->slowdown);
        const char *class = sets[t]->slowdown > 0 ? "c1" : "c4";
        dt_svg_line(out, sets[t]->slowdown > 0 ? "whisker c1" : "whisker c4", px,
                    dt_scale_at(&y, sets[t]->rate_lo), px, dt_scale_at(&y, sets[t]->rate_hi));
        dt_svg_mark(out, sets[t]->slowdown > 0 ? DT_DOT : DT_UP, class, px,
                    dt_scale_at(&y, rate(sets[t])), 3.6, NULL);
    }
    dt_svg_end(out);
}

static void put_trials(FILE *out, const struct dt_page_data *data)
{
    const struct dt_trial_set *sets[TRIALS_MAX];
    const size_t count = find_trials(data, sets);
    char sentence[DT_SENTENCE_MAX];
    if (!trials_finding(data, sentence))
        return;
    dt_figure_begin(out, "f-power", sentence);
    draw_trials(out, sets, count);
    dt_legend_begin(out);
    dt_legend_add(out, DT_DOT, "c1", "real extra work was added");
    dt_legend_add(out, DT_UP, "c4", "nothing was: a false alarm");
    dt_legend_end(out);
    dt_figure_data(out, count, count, "sets of runs");
    dt_table_begin(out, "Runs that were judged a regression",
                   ">Slow-down|>Runs|>Alarms|>Rate|>from|>to|>Seconds a run|>Least effect");
    for (size_t t = 0; t < count; t++) {
        dt_table_row(out);
        dt_table_share(out, sets[t]->slowdown);
        dt_table_count(out, sets[t]->trials);
        dt_table_count(out, sets[t]->alarms);
        dt_table_share(out, rate(sets[t]));
        dt_table_share(out, sets[t]->rate_lo);
        dt_table_share(out, sets[t]->rate_hi);
        dt_table_number(out, sets[t]->seconds);
        dt_table_share(out, sets[t]->least_effect);
    }
    dt_table_end(out);
    dt_figure_end(out);
}

/* ---- Samples that failed a gate -------------------------------------------- */

enum { GATE_W = 700, GATE_L = DT_LABEL_WIDTH, GATE_R = 640, GATE_ROW = 30, GATES_MAX = 12 };

/* Share of the samples of a block that failed a gate; NAN without samples. */
static double gated(const struct dt_block *block)
{
    size_t good = 0, bad = 0;
    for (size_t r = 0; r < block->span; r++) {
        good += block->sorted[r]->samples;
        bad += block->sorted[r]->rejected;
    }
    return good + bad ? (double)bad / (double)(good + bad) : NAN;
}

/* The worst blocks, the worst first. */
static size_t find_gated(const struct dt_page_data *data, const struct dt_block *worst[GATES_MAX])
{
    size_t count = 0;
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_block *block = &data->blocks[b];
        size_t at;
        if (!(gated(block) >= 0))
            continue;
        for (at = count; at && gated(worst[at - 1]) < gated(block); at--)
            if (at < GATES_MAX)
                worst[at] = worst[at - 1];
        if (at < GATES_MAX)
            worst[at] = block;
        count += count < GATES_MAX;
    }
    return count;
}

static bool gates_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    size_t good = 0, bad = 0;
    char share[DT_VIEW_TEXT_MAX], floor[DT_VIEW_TEXT_MAX];
    for (size_t b = 0; b < data->block_count; b++)
        for (size_t r = 0; r < data->blocks[b].span; r++) {
            good += data->blocks[b].sorted[r]->samples;
            bad += data->blocks[b].sorted[r]->rejected;
        }
    if (!good && !bad)
        return false;
    size_t used = (size_t)snprintf(
        text, DT_SENTENCE_MAX, "%zu of %zu samples (%s) failed a gate and were measured again", bad,
        good + bad, dt_view_share((double)bad / (double)(good + bad), share));
    if (data->newest && isfinite(data->newest->records.session.noise_floor))
        used += (size_t)snprintf(text + used, DT_SENTENCE_MAX - used,
                                 "; nothing is claimed below a noise floor of %s",
                                 dt_view_share(data->newest->records.session.noise_floor, floor));
    snprintf(text + used, DT_SENTENCE_MAX - used, ".");
    return true;
}

static void draw_gates(FILE *out, const struct dt_block *const *worst, size_t count,
                       const char *title)
{
    struct dt_scale x = dt_scale_empty(0, GATE_L, GATE_R);
    const double bottom = (double)count * GATE_ROW + 4;
    char share[DT_VIEW_TEXT_MAX];
    dt_scale_cover(&x, 0);
    dt_scale_cover(&x, 0.1);
    dt_scale_cover(&x, gated(worst[0]));
    dt_scale_pad(&x, 0);
    dt_svg_begin(out, "gates", GATE_W, bottom + 34, title,
                 "Bars: the share of samples that failed a gate, for the problems with most.");
    const struct dt_axis below = {&x, bottom, 0, 5, dt_svg_tick_share, "of the samples"};
    dt_svg_axis_x(out, &below);
    for (size_t b = 0; b < count; b++) {
        const struct dt_record *r = worst[b]->sorted[0];
        const double y = (double)b * GATE_ROW + 2;
        dt_page_label(out, y + 13, r->op, &r->problem, r->threads);
        dt_svg_rect(out, "bar c2", GATE_L, y + 5, dt_scale_at(&x, gated(worst[b])) - GATE_L,
                    GATE_ROW - 14);
        dt_svg_text(out, "tick", dt_scale_at(&x, gated(worst[b])) + 6, y + 17,
                    dt_view_share(gated(worst[b]), share));
    }
    dt_svg_end(out);
}

static void put_gates(FILE *out, const struct dt_page_data *data)
{
    const struct dt_block *worst[GATES_MAX];
    char sentence[DT_SENTENCE_MAX], name[2 * DT_VIEW_TEXT_MAX];
    if (!gates_finding(data, sentence))
        return;
    const size_t count = find_gated(data, worst);
    dt_figure_begin(out, "f-gates", sentence);
    draw_gates(out, worst, count, sentence);
    dt_figure_note(out, "A gate rejects samples during which the processor was taken away, or that "
                        "lie far off: `disentune info --noise` tells about this machine.");
    dt_figure_data(out, count, data->block_count, "problems, those with most");
    dt_table_begin(out, "Samples that failed a gate", "Problem|>Accepted|>Rejected|>Share");
    for (size_t b = 0; b < data->block_count && b < DT_PAGE_ROWS_MAX; b++) {
        const struct dt_block *block = &data->blocks[b];
        const struct dt_record *first = block->sorted[0];
        size_t good = 0, bad = 0;
        for (size_t r = 0; r < block->span; r++) {
            good += block->sorted[r]->samples;
            bad += block->sorted[r]->rejected;
        }
        dt_table_row(out);
        dt_table_name(out, dt_page_name(first->op, &first->problem, first->threads, name));
        dt_table_count(out, good);
        dt_table_count(out, bad);
        dt_table_share(out, gated(block));
    }
    dt_table_end(out);
    dt_figure_end(out);
}

/* ---- The page -------------------------------------------------------------- */

static bool has_data(const struct dt_page_data *data)
{
    double widest, band;
    char text[DT_SENTENCE_MAX];
    return trials_finding(data, text) || count_aa(data, &widest, &band) ||
           gates_finding(data, text);
}

static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    double widest, band;
    if (trials_finding(data, text))
        return;
    if (count_aa(data, &widest, &band))
        aa_finding(data, text);
    else
        gates_finding(data, text);
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    (void)error;
    fputs("<div class=\"pair\">\n", out);
    put_trials(out, data);
    put_aa(out, data);
    fputs("</div>\n", out);
    put_gates(out, data);
    return DT_OK;
}

const struct dt_page dt_page_trust = {
    .name = "trust",
    .title = "Trust",
    .shows = "how often a comparison cries wolf, and how small a slow-down it finds",
    .command = "disentune selftest aa",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
