/* SPDX-License-Identifier: MIT */
#include "reports/page_search.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Tiles ----------------------------------------------------------------- */

enum { MAPS_MAX = 9, SIDES_MAX = 8, TILE_LEFT = 46, TILE_TOP = 62, TILE_W = 42, TILE_H = 24 };

/* The tiles at which the winner's variant was timed, by record or in the search. */
struct tiles {
    int32_t rows[SIDES_MAX], cols[SIDES_MAX];
    size_t row_count, col_count, seen;
    double share[SIDES_MAX][SIDES_MAX]; /* the best of each; 0: not timed */
};

/* Its place among ascending sides; SIDES_MAX if it found no room. */
static size_t place(int32_t *sides, size_t *count, int32_t side)
{
    size_t at = 0;
    while (at < *count && sides[at] < side)
        at++;
    if (at < *count && sides[at] == side)
        return at;
    if (*count == SIDES_MAX)
        return SIDES_MAX;
    memmove(&sides[at + 1], &sides[at], (*count - at) * sizeof *sides);
    sides[at] = side;
    ++*count;
    return at;
}

static void note_tile(struct tiles *t, struct dt_tile tile, double share, bool filling)
{
    if (!(share > 0) || !isfinite(share))
        return;
    const size_t row = place(t->rows, &t->row_count, tile.rows);
    const size_t col = place(t->cols, &t->col_count, tile.cols);
    if (!filling || row == SIDES_MAX || col == SIDES_MAX)
        return;
    t->seen += t->share[row][col] == 0;
    t->share[row][col] = fmax(t->share[row][col], share);
}

static void collect_tiles(const struct dt_block *block, struct tiles *t)
{
    *t = (struct tiles){0};
    for (int filling = 0; filling < 2; filling++) {
        for (size_t r = 0; r < block->span; r++) {
            const struct dt_record *record = block->sorted[r];
            if (dt_page_is_sound(record) && strcmp(record->variant, block->leader->variant) == 0)
                note_tile(t, record->tile, block->leader->ns_median / record->ns_median, filling);
        }
        for (size_t c = 0; c < block->candidates; c++) {
            const struct dt_candidate *candidate = &block->candidate[c];
            if (candidate->samples && candidate->fate != DT_FATE_FAILED &&
                strcmp(candidate->subject.variant, block->leader->variant) == 0)
                note_tile(t, candidate->subject.tile, candidate->ratio_to_winner, filling);
        }
    }
}

static const char *side(int32_t length, char text[16])
{
    if (length == 0)
        return "all";
    snprintf(text, 16, "%" PRId32, length);
    return text;
}

static void draw_tiles(FILE *out, const struct dt_block *block, const struct tiles *t, size_t panel)
{
    char id[32], name[2 * DT_VIEW_TEXT_MAX], text[DT_VIEW_TEXT_MAX], label[16];
    const struct dt_record *leader = block->leader;
    const double width = fmax(TILE_LEFT + (double)t->col_count * TILE_W, 200);
    snprintf(id, sizeof id, "tiles-%zu", panel);
    dt_page_name(leader->op, &leader->problem, leader->threads, name);
    dt_svg_begin(out, id, width, TILE_TOP + (double)t->row_count * TILE_H + 4, name,
                 "Heat map of tiles, rows by columns: speed in percent of the winner's.");
    dt_svg_text(out, "head", 0, 12, dt_page_problem(leader->op, &leader->problem, text));
    dt_svg_text(out, "code faint", 0, 28, dt_page_short(leader->variant));
    dt_svg_text(out, "faint", TILE_LEFT, TILE_TOP - 18, "columns of the tile");
    dt_svg_text(out, "faint", 0, TILE_TOP - 4, "rows");
    for (size_t c = 0; c < t->col_count; c++)
        dt_svg_text(out, "tick mid", TILE_LEFT + ((double)c + 0.5) * TILE_W, TILE_TOP - 4,
                    side(t->cols[c], label));
    for (size_t r = 0; r < t->row_count; r++) {
        const double y = TILE_TOP + (double)r * TILE_H;
        dt_svg_text(out, "tick end", TILE_LEFT - 8, y + TILE_H / 2.0 + 4, side(t->rows[r], label));
        for (size_t c = 0; c < t->col_count; c++)
            if (t->share[r][c] > 0)
                dt_page_heat_cell(
                    out, TILE_LEFT + (double)c * TILE_W, y, TILE_W, TILE_H, t->share[r][c],
                    t->rows[r] == leader->tile.rows && t->cols[c] == leader->tile.cols);
            else
                dt_svg_text(out, "tick mid", TILE_LEFT + ((double)c + 0.5) * TILE_W,
                            y + TILE_H / 2.0 + 4, "·");
    }
    dt_svg_end(out);
}

static void put_tile_rows(FILE *out, const struct dt_block *block, const struct tiles *t)
{
    char name[2 * DT_VIEW_TEXT_MAX];
    const struct dt_record *leader = block->leader;
    for (size_t r = 0; r < t->row_count; r++)
        for (size_t c = 0; c < t->col_count; c++) {
            if (!(t->share[r][c] > 0))
                continue;
            dt_table_row(out);
            dt_table_name(out, dt_page_name(leader->op, &leader->problem, leader->threads, name));
            dt_table_code(out, dt_page_short(leader->variant));
            dt_table_count(out, (size_t)t->rows[r]);
            dt_table_count(out, (size_t)t->cols[c]);
            dt_table_share(out, t->share[r][c]);
        }
}

static bool is_map(const struct dt_block *block, struct tiles *t)
{
    if (!block->leader)
        return false;
    collect_tiles(block, t);
    return t->seen >= 3;
}

/* The slowest tile that was tried, as a share of the winner. */
static void tiles_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX], size_t *maps)
{
    struct tiles t;
    double least = INFINITY;
    const struct dt_record *where = NULL;
    *maps = 0;
    for (size_t b = 0; b < data->block_count; b++) {
        if (!is_map(&data->blocks[b], &t))
            continue;
        ++*maps;
        for (size_t r = 0; r < t.row_count; r++)
            for (size_t c = 0; c < t.col_count; c++)
                if (t.share[r][c] > 0 && t.share[r][c] < least) {
                    least = t.share[r][c];
                    where = data->blocks[b].leader;
                }
    }
    if (!where)
        return;
    char name[2 * DT_VIEW_TEXT_MAX], share[DT_VIEW_TEXT_MAX];
    dt_page_name(where->op, &where->problem, where->threads, name);
    snprintf(text, DT_SENTENCE_MAX,
             "The tile matters most on `%.200s`: the worst one tried runs at %s of the winner's "
             "speed.",
             name, dt_view_share(least, share));
}

static void put_tiles(FILE *out, const struct dt_page_data *data)
{
    char sentence[DT_SENTENCE_MAX];
    struct tiles t;
    size_t maps, panel = 0;
    tiles_finding(data, sentence, &maps);
    if (!maps)
        return;
    dt_figure_begin(out, "f-tiles", sentence);
    for (size_t b = 0, n = 0; b < data->block_count; b++)
        if (is_map(&data->blocks[b], &t) && dt_page_is_picked(n++, maps, MAPS_MAX))
            draw_tiles(out, &data->blocks[b], &t, panel++);
    dt_figure_note(out, "Percent of the winner's speed; \u2605 is the plan that was chosen.");
    dt_figure_data(out, panel, maps, "problems");
    dt_table_begin(out, "Tiles of the winner's variant; 0 is all",
                   "Problem|Variant|>Rows|>Columns|>Of the winner's speed");
    for (size_t b = 0, n = 0; b < data->block_count; b++)
        if (is_map(&data->blocks[b], &t) && dt_page_is_picked(n++, maps, MAPS_MAX))
            put_tile_rows(out, &data->blocks[b], &t);
    dt_table_end(out);
    dt_figure_end(out);
}

/* ---- Rounds ---------------------------------------------------------------- */

enum { TRACE_W = 330, TRACE_H = 190, TRACE_L = 44, TRACE_R = 318, TRACE_T = 48, TRACE_B = 152 };
enum { DOTS_MAX = 300 };

static const struct {
    const char *word, *class;
    enum dt_shape shape;
} fates[] = {
    [DT_FATE_SKIPPED] = {"not timed", "c8", DT_RING}, [DT_FATE_FAILED] = {"failed", "c4", DT_CROSS},
    [DT_FATE_DROPPED] = {"dropped", "c8", DT_DOT},    [DT_FATE_TIED] = {"tied", "c2", DT_DIAMOND},
    [DT_FATE_WINNER] = {"winner", "c1", DT_UP},
};

static bool is_timed(const struct dt_candidate *c)
{
    return c->samples && isfinite(c->ratio_to_winner) && c->ratio_to_winner > 0;
}

/* In the order of search: by round, as they stand within one. */
static const struct dt_candidate **order_trace(const struct dt_block *block, size_t *count)
{
    const struct dt_candidate **trace = malloc((block->candidates + 1) * sizeof *trace);
    *count = 0;
    if (!trace)
        return NULL;
    for (size_t c = 0; c < block->candidates; c++)
        if (is_timed(&block->candidate[c])) {
            size_t at = (*count)++;
            for (; at > 0 && trace[at - 1]->round > block->candidate[c].round; at--)
                trace[at] = trace[at - 1];
            trace[at] = &block->candidate[c];
        }
    return trace;
}

/* The best until then, as steps. */
static void draw_best(FILE *out, const struct dt_scale *x, const struct dt_scale *y,
                      const struct dt_candidate *const *trace, size_t count)
{
    double best = INFINITY;
    dt_svg_path_begin(out, "line c1");
    for (size_t c = 0; c < count; c++) {
        const double slowness = 1 / trace[c]->ratio_to_winner;
        if (c && slowness < best)
            dt_svg_path_to(out, dt_scale_at(x, (double)c + 1), dt_scale_at(y, best));
        best = fmin(best, slowness);
        dt_svg_path_to(out, dt_scale_at(x, (double)c + 1), dt_scale_at(y, best));
    }
    dt_svg_path_end(out);
}

static void draw_candidates(FILE *out, const struct dt_scale *x, const struct dt_scale *y,
                            const struct dt_candidate *const *trace, size_t count)
{
    const size_t stride = count / DOTS_MAX + 1;
    dt_svg_dots_begin(out, "c8");
    for (size_t c = 0; c < count; c += stride)
        if (trace[c]->fate == DT_FATE_DROPPED)
            dt_svg_dots_add(out, dt_scale_at(x, (double)c + 1),
                            dt_scale_at(y, 1 / trace[c]->ratio_to_winner));
    dt_svg_dots_end(out);
    for (size_t c = 0, marks = 0; c < count && marks < DOTS_MAX; c++)
        if (trace[c]->fate != DT_FATE_DROPPED) {
            dt_svg_mark(out, fates[trace[c]->fate].shape, fates[trace[c]->fate].class,
                        dt_scale_at(x, (double)c + 1),
                        dt_scale_at(y, 1 / trace[c]->ratio_to_winner), 3.4, NULL);
            marks++;
        }
}

static void draw_trace(FILE *out, const struct dt_block *block,
                       const struct dt_candidate *const *trace, size_t count, size_t panel)
{
    char id[32], text[DT_VIEW_TEXT_MAX], name[2 * DT_VIEW_TEXT_MAX];
    const struct dt_record *first = block->sorted[0];
    struct dt_scale x = dt_scale_empty(0, TRACE_L, TRACE_R);
    struct dt_scale y = dt_scale_empty(10, TRACE_B, TRACE_T);
    dt_scale_cover(&x, 1);
    dt_scale_cover(&x, (double)count);
    dt_scale_cover(&y, 1);
    dt_scale_cover(&y, 1.1);
    for (size_t c = 0; c < count; c++)
        dt_scale_cover(&y, fmin(1 / trace[c]->ratio_to_winner, 20));
    dt_scale_pad(&x, 0.03);
    dt_scale_pad(&y, 0.05);
    snprintf(id, sizeof id, "trace-%zu", panel);
    dt_page_name(first->op, &first->problem, first->threads, name);
    dt_svg_begin(out, id, TRACE_W, TRACE_H, name,
                 "Time of each plan that the search timed over the winner's, in the order taken; "
                 "the line is the best until then.");
    dt_svg_text(out, "head", 0, 12, dt_page_problem(first->op, &first->problem, text));
    dt_svg_text(out, "faint", 0, 28, dt_page_settings(&first->problem, first->threads, text));
    const struct dt_axis below = {&x, TRACE_B, TRACE_T, 5, dt_svg_tick_number, "plans timed"};
    const struct dt_axis left = {&y, TRACE_L, TRACE_R, 4, dt_svg_tick_times, NULL};
    dt_svg_axis_x(out, &below);
    dt_svg_axis_y(out, &left);
    draw_candidates(out, &x, &y, trace, count);
    draw_best(out, &x, &y, trace, count);
    dt_svg_end(out);
}

/* Adds the block's candidates by fate. */
static void count_fates(const struct dt_block *block, size_t counts[DT_FATE_WINNER + 1])
{
    for (size_t c = 0; c < block->candidates; c++)
        counts[block->candidate[c].fate]++;
}

static void trace_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX],
                          size_t *searched)
{
    size_t fate[DT_FATE_WINNER + 1] = {0}, all = 0, timed = 0;
    *searched = 0;
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_block *block = &data->blocks[b];
        *searched += block->candidates > 0;
        all += block->candidates;
        count_fates(block, fate);
        for (size_t c = 0; c < block->candidates; c++)
            timed += is_timed(&block->candidate[c]);
    }
    snprintf(text, DT_SENTENCE_MAX,
             "Of %zu plans on %zu problem%s the search timed %zu; %zu stayed tied with a winner to "
             "the end, %zu failed.",
             all, *searched, dt_page_plural(*searched), timed, fate[DT_FATE_TIED],
             fate[DT_FATE_FAILED]);
}

static void put_trace_row(FILE *out, const struct dt_block *block)
{
    char name[2 * DT_VIEW_TEXT_MAX];
    size_t fate[DT_FATE_WINNER + 1] = {0}, rounds = 0, samples = 0;
    const struct dt_record *first = block->sorted[0];
    count_fates(block, fate);
    for (size_t c = 0; c < block->candidates; c++) {
        const struct dt_candidate *candidate = &block->candidate[c];
        rounds = candidate->round > rounds ? candidate->round : rounds;
        samples += candidate->samples;
    }
    dt_table_row(out);
    dt_table_name(out, dt_page_name(first->op, &first->problem, first->threads, name));
    dt_table_count(out, block->candidates);
    dt_table_count(out, fate[DT_FATE_SKIPPED]);
    dt_table_count(out, fate[DT_FATE_FAILED]);
    dt_table_count(out, fate[DT_FATE_DROPPED]);
    dt_table_count(out, fate[DT_FATE_TIED]);
    dt_table_count(out, rounds);
    dt_table_count(out, samples);
}

static enum dt_status draw_traces(FILE *out, const struct dt_page_data *data, size_t searched,
                                  size_t *panels)
{
    *panels = 0;
    for (size_t b = 0, n = 0; b < data->block_count; b++) {
        size_t count;
        if (!data->blocks[b].candidates || !dt_page_is_picked(n++, searched, DT_PAGE_PANELS_MAX))
            continue;
        const struct dt_candidate **trace = order_trace(&data->blocks[b], &count);
        if (!trace)
            return DT_NO_MEMORY;
        if (count)
            draw_trace(out, &data->blocks[b], trace, count, *panels);
        *panels += count > 0;
        free(trace);
    }
    return DT_OK;
}

static enum dt_status put_traces(FILE *out, const struct dt_page_data *data)
{
    char sentence[DT_SENTENCE_MAX];
    size_t searched, panels;
    trace_finding(data, sentence, &searched);
    if (!searched)
        return DT_OK;
    dt_figure_begin(out, "f-trace", sentence);
    if (draw_traces(out, data, searched, &panels))
        return DT_NO_MEMORY;
    dt_legend_begin(out);
    for (int fate = DT_FATE_WINNER; fate > DT_FATE_SKIPPED; fate--)
        dt_legend_add(out, fates[fate].shape, fates[fate].class, fates[fate].word);
    dt_legend_end(out);
    dt_figure_note(out, "Time over the winner's by the search's own samples, in the order in which "
                        "plans were first timed; the line is the best until then.");
    dt_figure_data(out, panels, searched, "problems");
    dt_table_begin(out, "What became of the plans of each problem",
                   "Problem|>Plans|>Not timed|>Failed|>Dropped|>Tied|>Rounds|>Samples");
    size_t rows = 0;
    for (size_t b = 0; b < data->block_count && rows < DT_PAGE_ROWS_MAX; b++)
        if (data->blocks[b].candidates) {
            put_trace_row(out, &data->blocks[b]);
            rows++;
        }
    dt_table_end(out);
    dt_figure_end(out);
    return DT_OK;
}

enum dt_status dt_page_search(FILE *out, const struct dt_page_data *data)
{
    put_tiles(out, data);
    return put_traces(out, data);
}
