/* SPDX-License-Identifier: MIT */
/*
 * Rooflines on measured ceilings (reports/roofline.h), one for each instruction set and number of
 * threads. A point is the best plan of that instruction set on one problem:
 *
 *     x   arithmetic per byte that has to move
 *     y   arithmetic / measured time, for each thread
 *
 * The roof is what the probes of the same session reached: multiply-adds, and loads from each level
 * of the caches, on one thread. Points above a slope have their operands in a nearer cache.
 */
#include "reports/page.h"
#include "reports/roofline.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 350, HEIGHT = 290, LEFT = 44, RIGHT = 340, TOP = 52, BOTTOM = 246 };
enum { PANELS_MAX = 8 };

struct panel {
    char isa[16];
    int threads;
    double peak; /* GFLOP/s of one thread */
    const struct dt_session *session;
};

struct point {
    double flops_per_byte, gflops; /* gflops: of one thread */
};

static bool make_point(const struct dt_session *session, const struct dt_record *r,
                       struct point *point)
{
    struct dt_roofline roofline;
    if (!dt_page_is_sound(r) || !dt_roofline_point(session, r, &roofline))
        return false;
    *point = (struct point){roofline.intensity, roofline.rate / 1e9};
    return true;
}

/* ---- Panels ---------------------------------------------------------------- */

/* The block's fastest record of the panel's instruction set, and where it lies; NULL if it has
 * none. */
static const struct dt_record *find_point(const struct dt_block *block, const struct panel *panel,
                                          struct point *point)
{
    char isa[16];
    for (size_t r = 0; r < block->span; r++) {
        const struct dt_record *record = block->sorted[r];
        if (record->threads == panel->threads &&
            strcmp(dt_page_isa(record->variant, isa), panel->isa) == 0 &&
            make_point(&block->finding->records.session, record, point))
            return record;
    }
    return NULL;
}

static size_t find_panels(const struct dt_page_data *data, struct panel panels[PANELS_MAX])
{
    size_t count = 0;
    for (size_t b = 0; b < data->block_count; b++)
        for (size_t r = 0; r < data->blocks[b].span; r++) {
            const struct dt_record *record = data->blocks[b].sorted[r];
            struct panel panel = {.threads = record->threads};
            struct point point;
            size_t known = 0;
            panel.session = &data->blocks[b].finding->records.session;
            if (!make_point(panel.session, record, &point))
                continue;
            dt_page_isa(record->variant, panel.isa);
            panel.peak = dt_roofline_peak(panel.session, panel.isa)->value / 1e9;
            while (known < count && (strcmp(panels[known].isa, panel.isa) != 0 ||
                                     panels[known].threads != panel.threads))
                known++;
            if (known == count && count < PANELS_MAX)
                panels[count++] = panel;
        }
    for (size_t p = 1; p < count; p++) { /* the highest roof first */
        const struct panel panel = panels[p];
        size_t at = p;
        for (;
             at && (panels[at - 1].threads > panel.threads ||
                    (panels[at - 1].threads == panel.threads && panels[at - 1].peak < panel.peak));
             at--)
            panels[at] = panels[at - 1];
        panels[at] = panel;
    }
    return count;
}

static bool has_data(const struct dt_page_data *data)
{
    struct panel panels[PANELS_MAX];
    return find_panels(data, panels) > 0;
}

/* ---- Findings -------------------------------------------------------------- */

/* Of the plans without a share of the peak: what bounds them. */
static void bound_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    size_t count = 0, bound = 0;
    double most = 0, least = INFINITY;
    char low[DT_VIEW_TEXT_MAX], high[DT_VIEW_TEXT_MAX];
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_block *block = &data->blocks[b];
        struct dt_roofline point;
        if (!block->leader ||
            !dt_roofline_point(&block->finding->records.session, block->leader, &point))
            continue;
        count++;
        bound += point.memory_bound;
        most = fmax(most, point.share);
        least = fmin(least, point.share);
    }
    if (count)
        snprintf(text, DT_SENTENCE_MAX,
                 "%zu of %zu plans %s bound by memory, not by arithmetic; they reach %s to %s of "
                 "their roof.",
                 bound, count, bound == 1 ? "is" : "are", dt_view_share(least, low),
                 dt_view_share(most, high));
    else
        snprintf(text, DT_SENTENCE_MAX, "No chosen plan has a measured roof.");
}

static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    const struct dt_record *best = NULL;
    double most = 0, least = INFINITY;
    size_t count = 0;
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_record *leader = data->blocks[b].leader;
        if (!leader || leader->op != DT_OP_ATTENTION || !isfinite(leader->share_of_ceiling))
            continue;
        count++;
        least = fmin(least, leader->share_of_ceiling);
        if (leader->share_of_ceiling > most) {
            most = leader->share_of_ceiling;
            best = leader;
        }
    }
    char low[DT_VIEW_TEXT_MAX], high[DT_VIEW_TEXT_MAX], name[2 * DT_VIEW_TEXT_MAX];
    if (best)
        snprintf(text, DT_SENTENCE_MAX,
                 "Attention reaches %s to %s of the multiply-add peak on %zu problem%s, most on "
                 "`%.200s`.",
                 dt_view_share(least, low), dt_view_share(most, high), count, dt_page_plural(count),
                 dt_page_name(best->op, &best->problem, best->threads, name));
    else
        bound_finding(data, text);
}

static void panel_finding(const struct dt_page_data *data, const struct panel *panel,
                          char text[DT_VIEW_TEXT_MAX])
{
    size_t above = 0, count = 0;
    for (size_t b = 0; b < data->block_count; b++) {
        struct point point;
        if (!find_point(&data->blocks[b], panel, &point))
            continue;
        count++;
        above += point.gflops > panel->peak / 2;
    }
    char peak[DT_VIEW_TEXT_MAX];
    snprintf(text, DT_VIEW_TEXT_MAX, "peak %.20s GFLOP/s, %zu of %zu reach half of it",
             dt_view_number(panel->peak, peak), above, count);
}

/* ---- The plot -------------------------------------------------------------- */

static const struct {
    enum dt_op op;
    const char *word, *class;
    enum dt_shape shape;
} kinds[] = {
    {DT_OP_ATTENTION, "attention", "c1", DT_DOT},
    {DT_OP_GEMM, "gemm", "c3", DT_BOX},
    {DT_OP_BIAS, "bias", "c2", DT_DIAMOND},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static void fit(const struct dt_page_data *data, const struct panel *panel, struct dt_scale *x,
                struct dt_scale *y)
{
    struct point point;
    dt_scale_cover(x, 0.1);
    dt_scale_cover(x, 10);
    dt_scale_cover(y, panel->peak);
    dt_scale_cover(y, panel->peak / 30);
    for (size_t b = 0; b < data->block_count; b++) {
        if (find_point(&data->blocks[b], panel, &point)) {
            dt_scale_cover(x, point.flops_per_byte);
            dt_scale_cover(y, point.gflops);
        }
    }
    dt_scale_pad(x, 0.06);
    dt_scale_pad(y, 0.08);
}

static void draw_roof(FILE *out, const struct panel *panel, const struct dt_scale *x,
                      const struct dt_scale *y)
{
    const struct dt_ceiling *slopes[DT_CEILINGS_MAX];
    const size_t count = dt_roofline_slopes(panel->session, panel->isa, slopes);
    char text[32];
    double last = 0, height = 6; /* of the label before, so that none covers another */
    for (size_t s = 0; s < count; s++) {
        const double rate = slopes[s]->value / 1e9, knee = panel->peak / rate;
        const double from = fmax(x->lo, y->lo / rate), to = fmin(knee, x->hi);
        if (!(from < to))
            continue;
        dt_svg_line(out, "line c8", dt_scale_at(x, from), dt_scale_at(y, from * rate),
                    dt_scale_at(x, to), dt_scale_at(y, to * rate));
        const char *place = strrchr(slopes[s]->name, '.') + 1;
        snprintf(text, sizeof text, "%.16s", strcmp(place, "mem") == 0 ? "memory" : place);
        text[0] = text[0] == 'l' ? 'L' : text[0];
        const double at = dt_scale_at(x, knee);
        height = at - last < 20 ? height + 12 : 6;
        last = at;
        dt_svg_text(out, "tick mid", at, dt_scale_at(y, panel->peak) - height, text);
    }
    dt_svg_line(out, "line ink", LEFT, dt_scale_at(y, panel->peak), RIGHT,
                dt_scale_at(y, panel->peak));
}

static void draw_points(FILE *out, const struct dt_page_data *data, const struct panel *panel,
                        const struct dt_scale *x, const struct dt_scale *y)
{
    char tip[4 * DT_VIEW_TEXT_MAX], name[2 * DT_VIEW_TEXT_MAX], number[DT_VIEW_TEXT_MAX], class[16];
    struct point point;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t b = 0, drawn = 0; b < data->block_count && drawn < DT_PAGE_ROWS_MAX; b++) {
            const struct dt_record *r = find_point(&data->blocks[b], panel, &point);
            if (!r || r->op != kinds[k].op)
                continue;
            drawn++;
            dt_page_name(r->op, &r->problem, r->threads, name);
            snprintf(tip, sizeof tip, "%s: %s GFLOP/s by %s", name,
                     dt_view_number(point.gflops, number), dt_page_short(r->variant));
            snprintf(class, sizeof class, "halo %s", kinds[k].class);
            dt_svg_mark(out, kinds[k].shape, class, dt_scale_at(x, point.flops_per_byte),
                        dt_scale_at(y, point.gflops), 4, tip);
        }
}

static void draw(FILE *out, const struct dt_page_data *data, const struct panel *panel, size_t n)
{
    struct dt_scale x = dt_scale_empty(10, LEFT, RIGHT), y = dt_scale_empty(10, BOTTOM, TOP);
    char id[32], title[64], under[DT_VIEW_TEXT_MAX];
    fit(data, panel, &x, &y);
    snprintf(id, sizeof id, "roof-%zu", n);
    snprintf(title, sizeof title, "%.20s, %d thread%s", panel->isa, panel->threads,
             dt_page_plural((size_t)panel->threads));
    panel_finding(data, panel, under);
    dt_svg_begin(
        out, id, WIDTH, HEIGHT, title,
        "Roofline: arithmetic a second of each problem's best plan over its arithmetic "
        "per byte, below the measured peak and bandwidths. Values are in the table below.");
    dt_svg_text(out, "head", 0, 12, title);
    dt_svg_text(out, "faint", 0, 28, under);
    const struct dt_axis below = {&x, BOTTOM, TOP, 6, dt_svg_tick_number, "FLOP per byte"};
    const struct dt_axis left = {&y, LEFT, RIGHT, 6, dt_svg_tick_number, NULL};
    dt_svg_axis_x(out, &below);
    dt_svg_axis_y(out, &left);
    draw_roof(out, panel, &x, &y);
    draw_points(out, data, panel, &x, &y);
    dt_svg_end(out);
}

static void put_rows(FILE *out, const struct dt_page_data *data, const struct panel *panel)
{
    char name[2 * DT_VIEW_TEXT_MAX];
    struct point point;
    size_t rows = 0;
    for (size_t b = 0; b < data->block_count && rows < DT_PAGE_ROWS_MAX; b++) {
        const struct dt_record *r = find_point(&data->blocks[b], panel, &point);
        if (!r)
            continue;
        rows++;
        dt_table_row(out);
        dt_table_name(out, dt_page_name(r->op, &r->problem, r->threads, name));
        dt_table_text(out, panel->isa);
        dt_table_code(out, dt_page_plan(r, name));
        dt_table_number(out, point.flops_per_byte);
        dt_table_number(out, point.gflops);
        dt_table_share(out, point.gflops / panel->peak);
    }
}

static bool is_drawn(const struct dt_page_data *data, const struct panel *panels, size_t count,
                     enum dt_op op)
{
    for (size_t p = 0; p < count; p++)
        for (size_t b = 0; b < data->block_count; b++) {
            struct point point;
            const struct dt_record *r = find_point(&data->blocks[b], &panels[p], &point);
            if (r && r->op == op)
                return true;
        }
    return false;
}

static void put_ceilings(FILE *out, const struct dt_session *session)
{
    char unit[16];
    dt_table_begin(out, "Ceilings, measured in the same session on one thread", "Probe|>Rate|Unit");
    for (size_t c = 0; c < session->ceiling_count; c++) {
        dt_table_row(out);
        dt_table_name(out, session->ceilings[c].name);
        dt_table_number(out, session->ceilings[c].value / 1e9);
        snprintf(unit, sizeof unit, "G%s", session->ceilings[c].unit);
        dt_table_text(out, unit);
    }
    dt_table_end(out);
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    (void)error;
    struct panel panels[PANELS_MAX];
    const size_t count = find_panels(data, panels);
    char sentence[DT_SENTENCE_MAX];
    finding(data, sentence);
    dt_figure_begin(out, "f-roofline", sentence);
    for (size_t p = 0; p < count; p++)
        draw(out, data, &panels[p], p);
    dt_legend_begin(out);
    for (size_t k = 0; k < KINDS; k++)
        if (is_drawn(data, panels, count, kinds[k].op))
            dt_legend_add(out, kinds[k].shape, kinds[k].class, kinds[k].word);
    dt_legend_end(out);
    dt_figure_note(out,
                   "GFLOP/s for each thread over arithmetic per byte that has to move at least "
                   "once. Roof and slopes are what probes reached on one thread of the same "
                   "session, not what a data sheet says. Counted are products over all 2S slots "
                   "(of `bias` its additions): plans that compute fewer may lie above the roof.");
    dt_figure_data(out, count, count, "panels");
    dt_table_begin(out, "The best plan of each instruction set on each problem",
                   "Problem|Set|Plan|>FLOP per byte|>GFLOP/s a thread|>Of the peak");
    for (size_t p = 0; p < count; p++)
        put_rows(out, data, &panels[p]);
    dt_table_end(out);
    put_ceilings(out, panels[0].session);
    dt_figure_end(out);
    return DT_OK;
}

const struct dt_page dt_page_roofline = {
    .name = "roofline",
    .title = "Roofline",
    .shows = "how near each plan comes to the peak and the bandwidths of this machine",
    .command = "disentune bench --op attention",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
