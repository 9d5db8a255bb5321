/* SPDX-License-Identifier: MIT */
/* Where the time of one call of attention goes, as bars that are all of one length. */
#include "reports/page.h"

#include "reports/markup.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 760, LEFT = DT_LABEL_WIDTH, RIGHT = 690, TOP = 4, ROW = 32, BAR = 20 };

static const char *const words[DT_PHASE_COUNT] = {
    [DT_PHASE_PACK] = "pack",
    [DT_PHASE_C2C] = "c2c",
    [DT_PHASE_C2P] = "c2p",
    [DT_PHASE_P2C] = "p2c",
    [DT_PHASE_ADD] = "add",
    [DT_PHASE_SOFTMAX] = "softmax",
    [DT_PHASE_PV] = "weights \u00b7 V",
    [DT_PHASE_OUT] = "store",
};

static double sum_of(const struct dt_record *r)
{
    double sum = 0;
    for (int p = 0; p < DT_PHASE_COUNT; p++)
        sum += isfinite(r->phase_ns[p]) ? r->phase_ns[p] : 0;
    return sum;
}

static double share_of(const struct dt_record *r, int phase)
{
    return isfinite(r->phase_ns[phase]) ? r->phase_ns[phase] / sum_of(r) : 0;
}

/* What the position terms cost: their products, and bringing them to the scores. */
static double position_share(const struct dt_record *r)
{
    return share_of(r, DT_PHASE_C2P) + share_of(r, DT_PHASE_P2C) + share_of(r, DT_PHASE_ADD);
}

/* The best record of a block whose phases are known; NULL if there is none. */
static const struct dt_record *member(const struct dt_block *block)
{
    for (size_t r = 0; r < block->span; r++)
        if (dt_page_is_sound(block->sorted[r]) && block->sorted[r]->op == DT_OP_ATTENTION &&
            sum_of(block->sorted[r]) > 0)
            return block->sorted[r];
    return NULL;
}

static size_t count_members(const struct dt_page_data *data)
{
    size_t count = 0;
    for (size_t b = 0; b < data->block_count; b++)
        count += member(&data->blocks[b]) != NULL;
    return count;
}

static bool has_data(const struct dt_page_data *data) { return count_members(data) > 0; }

static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    const struct dt_record *least = NULL, *most = NULL;
    bool positions = false; /* whether any problem has position terms */
    for (size_t b = 0; b < data->block_count && !positions; b++)
        positions = member(&data->blocks[b]) && member(&data->blocks[b])->problem.terms;
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_record *r = member(&data->blocks[b]);
        if (!r || (!r->problem.terms && positions))
            continue;
        least = !least || position_share(r) < position_share(least) ? r : least;
        most = !most || position_share(r) > position_share(most) ? r : most;
    }
    char low[DT_VIEW_TEXT_MAX], high[DT_VIEW_TEXT_MAX], name[DT_VIEW_TEXT_MAX],
        other[DT_VIEW_TEXT_MAX];
    dt_page_problem(most->op, &most->problem, name);
    dt_page_problem(least->op, &least->problem, other);
    size_t used = (size_t)snprintf(text, DT_SENTENCE_MAX,
                                   "The position terms (c2p, p2c, add) take %s of the time on "
                                   "`%.100s`",
                                   dt_view_share(position_share(most), high), name);
    if (least != most)
        used += (size_t)snprintf(text + used, DT_SENTENCE_MAX - used, " and %s on `%.100s`",
                                 dt_view_share(position_share(least), low), other);
    snprintf(text + used, DT_SENTENCE_MAX - used, ".");
}

static void draw_bar(FILE *out, const struct dt_record *r, double y)
{
    char text[DT_VIEW_TEXT_MAX], class[32];
    double x = LEFT;
    dt_page_label(out, y + BAR / 2.0, r->op, &r->problem, r->threads);
    for (int p = 0; p < DT_PHASE_COUNT; p++) {
        const double width = share_of(r, p) * (RIGHT - LEFT);
        snprintf(class, sizeof class, "p%d", p);
        if (width < 0.05)
            continue;
        dt_svg_rect(out, class, x, y, width, BAR);
        snprintf(class, sizeof class, "tick mid onp%d", p);
        snprintf(text, sizeof text, "%.0f", share_of(r, p) * 100);
        if (width > 16)
            dt_svg_text(out, class, x + width / 2, y + BAR / 2.0 + 4, text);
        x += width;
    }
    dt_svg_text(out, "name end", WIDTH, y + 14, dt_page_time(r->ns_median, text));
}

static size_t draw(FILE *out, const struct dt_page_data *data, const char *title)
{
    const size_t all = count_members(data);
    const size_t rows = all < DT_PAGE_LINES_MAX ? all : DT_PAGE_LINES_MAX;
    size_t row = 0;
    dt_svg_begin(out, "phases-bars", WIDTH, TOP + (double)rows * ROW, title,
                 "Stacked bars: the share of each phase in the time of a call, in percent. The "
                 "values are in the table below.");
    for (size_t b = 0; b < data->block_count && row < rows; b++)
        if (member(&data->blocks[b]))
            draw_bar(out, member(&data->blocks[b]), TOP + (double)row++ * ROW);
    dt_svg_end(out);
    return rows;
}

static void put_legend(FILE *out)
{
    char class[32];
    dt_legend_begin(out);
    for (int p = 0; p < DT_PHASE_COUNT; p++) {
        snprintf(class, sizeof class, "p%d", p);
        dt_legend_add(out, DT_BOX, class, words[p]);
    }
    dt_legend_end(out);
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    (void)error;
    char sentence[DT_SENTENCE_MAX], name[2 * DT_VIEW_TEXT_MAX];
    size_t row = 0;
    finding(data, sentence);
    dt_figure_begin(out, "f-phases", sentence);
    const size_t rows = draw(out, data, sentence);
    put_legend(out);
    dt_figure_note(out, "Percent of one call. What an instrumented call measured is scaled to the "
                        "time of one that is not. `pack` brings K, V and Q into the form that the "
                        "products read.");
    dt_figure_data(out, rows, count_members(data), "problems");
    dt_table_begin(
        out, "Time of each phase",
        "Problem|Plan|>Call|>pack|>c2c|>c2p|>p2c|>add|>softmax|>weights \u00b7 V|>store");
    for (size_t b = 0; b < data->block_count && row < DT_PAGE_ROWS_MAX; b++) {
        const struct dt_record *r = member(&data->blocks[b]);
        if (!r)
            continue;
        row++;
        dt_table_row(out);
        dt_table_name(out, dt_page_name(r->op, &r->problem, r->threads, name));
        dt_table_code(out, dt_page_plan(r, name));
        dt_table_time(out, r->ns_median);
        for (int p = 0; p < DT_PHASE_COUNT; p++)
            dt_table_time(out, r->phase_ns[p]);
    }
    dt_table_end(out);
    dt_figure_end(out);
    return DT_OK;
}

const struct dt_page dt_page_phases = {
    .name = "phases",
    .title = "Phases",
    .shows = "where the time of a call of attention goes: c2c, c2p, p2c, add, softmax, weights "
             "\u00b7 V",
    .command = "disentune bench --op attention --phases",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
