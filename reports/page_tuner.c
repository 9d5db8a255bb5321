/* SPDX-License-Identifier: MIT */
/*
 * Which plan wins where. The winner map has a row for each problem and a column for each variant,
 * those that win most first; a square tells how fast the variant's best plan is against the
 * problem's winner. What the search did on the way is in page_search.c.
 */
#include "reports/page_search.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 16, LEFT = DT_LABEL_WIDTH, TOP = 128, CELL_W = 34, CELL_H = 30 };

/* One variant over the problems of an operation. */
struct column {
    const char *variant;
    size_t wins;
    double sum;                  /* of its shares */
    const struct dt_block *seen; /* the last that was added */
};

struct map {
    struct column *columns;
    size_t count;
    size_t rows; /* problems with a leader */
};

static bool has_data(const struct dt_page_data *data)
{
    for (size_t b = 0; b < data->block_count; b++)
        if (data->blocks[b].leader)
            return true;
    return false;
}

/* Speed of a record as a share of its block's leader; NAN if it cannot be told. */
static double share_of(const struct dt_block *block, const struct dt_record *record)
{
    return dt_page_is_sound(record) ? block->leader->ns_median / record->ns_median : NAN;
}

/* The best record of a variant; NULL if it has none. */
static const struct dt_record *best_of(const struct dt_block *block, const char *variant)
{
    if (strcmp(block->leader->variant, variant) == 0)
        return block->leader;
    for (size_t r = 0; r < block->span; r++)
        if (dt_page_is_sound(block->sorted[r]) && strcmp(block->sorted[r]->variant, variant) == 0)
            return block->sorted[r];
    return NULL;
}

static bool is_of(const struct dt_candidate *candidate, const char *variant)
{
    return candidate->samples && candidate->fate != DT_FATE_FAILED &&
           candidate->ratio_to_winner > 0 && isfinite(candidate->ratio_to_winner) &&
           strcmp(candidate->subject.variant, variant) == 0;
}

/* Speed of a variant's best plan as a share of the leader's: by its records or, where it came to
 * none, by the search. NAN if it was not timed. */
static double share_by(const struct dt_block *block, const char *variant)
{
    const struct dt_record *record = best_of(block, variant);
    double share = NAN;
    if (record)
        return share_of(block, record);
    for (size_t c = 0; c < block->candidates; c++)
        if (is_of(&block->candidate[c], variant))
            share = fmax(share, block->candidate[c].ratio_to_winner);
    return share;
}

/* The fastest of another variant; NULL if there is none. */
static const struct dt_record *runner_up(const struct dt_block *block)
{
    for (size_t r = 0; r < block->span; r++)
        if (dt_page_is_sound(block->sorted[r]) &&
            strcmp(block->sorted[r]->variant, block->leader->variant) != 0)
            return block->sorted[r];
    return NULL;
}

/* ---- Columns --------------------------------------------------------------- */

/* Once for each variant of a block. */
static enum dt_status add_column(struct map *map, size_t *room, const struct dt_block *block,
                                 const char *variant)
{
    const double share = share_by(block, variant);
    size_t c = 0;
    if (isnan(share))
        return DT_OK;
    while (c < map->count && strcmp(map->columns[c].variant, variant) != 0)
        c++;
    if (c == map->count) {
        if (c == *room) {
            const size_t wanted = *room ? 2 * *room : 32;
            struct column *columns = realloc(map->columns, wanted * sizeof *columns);
            if (!columns)
                return DT_NO_MEMORY;
            map->columns = columns;
            *room = wanted;
        }
        map->columns[map->count++] = (struct column){.variant = variant};
    }
    if (map->columns[c].seen == block)
        return DT_OK;
    map->columns[c].seen = block;
    map->columns[c].wins += strcmp(block->leader->variant, variant) == 0;
    map->columns[c].sum += fmin(1, share);
    return DT_OK;
}

static enum dt_status add_columns(struct map *map, size_t *room, const struct dt_block *block)
{
    enum dt_status status = DT_OK;
    for (size_t r = 0; r < block->span && !status; r++)
        status = add_column(map, room, block, block->sorted[r]->variant);
    for (size_t c = 0; c < block->candidates && !status; c++)
        status = add_column(map, room, block, block->candidate[c].subject.variant);
    return status;
}

static int compare_columns(const void *left, const void *right)
{
    const struct column *a = left, *b = right;
    if (a->wins != b->wins)
        return a->wins > b->wins ? -1 : 1;
    const int order = (a->sum < b->sum) - (a->sum > b->sum);
    return order ? order : strcmp(a->variant, b->variant);
}

/* The caller frees map->columns. */
static enum dt_status make_map(const struct dt_page_data *data, enum dt_op op, struct map *map)
{
    size_t room = 0;
    *map = (struct map){0};
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_block *block = &data->blocks[b];
        if (block->sorted[0]->op != op || !block->leader)
            continue;
        map->rows++;
        if (add_columns(map, &room, block))
            return DT_NO_MEMORY;
    }
    if (map->count)
        qsort(map->columns, map->count, sizeof *map->columns, compare_columns);
    return DT_OK;
}

/* ---- Findings -------------------------------------------------------------- */

/* What a rival may be slower by to be called close; no less than the session can tell. */
#define CLOSE 0.02

static double band_of(const struct dt_block *block)
{
    return fmax(CLOSE, block->finding->records.session.noise_floor);
}

static void map_finding(const struct dt_page_data *data, enum dt_op op, const struct map *map,
                        char text[DT_SENTENCE_MAX])
{
    const struct column *most = &map->columns[0];
    size_t close = 0, rivals = 0;
    double band = 0;
    char within[DT_VIEW_TEXT_MAX];
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_block *block = &data->blocks[b];
        const struct dt_record *rival =
            block->sorted[0]->op == op && block->leader ? runner_up(block) : NULL;
        rivals += rival != NULL;
        close += rival && fabs(log(share_of(block, rival))) < band_of(block);
        band = rival ? fmax(band, band_of(block)) : band;
    }
    const char *noise = band > CLOSE ? ", the noise floor" : "";
    dt_view_share(band, within);
    size_t used = (size_t)snprintf(text, DT_SENTENCE_MAX, "`%s` wins %zu of %zu %s problem%s",
                                   dt_page_short(most->variant), most->wins, map->rows,
                                   dt_op_name(op), dt_page_plural(map->rows));
    if (rivals && close)
        used +=
            (size_t)snprintf(text + used, DT_SENTENCE_MAX - used,
                             "; on %zu the closest rival is within %.20s%s", close, within, noise);
    else if (rivals)
        used += (size_t)snprintf(text + used, DT_SENTENCE_MAX - used,
                                 "; no rival comes within %.20s%s", within, noise);
    snprintf(text + used, DT_SENTENCE_MAX - used, ".");
}

/* A sentence about each operation that has problems, as far as they fit. */
static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    static const enum dt_op order[] = {DT_OP_ATTENTION, DT_OP_BIAS, DT_OP_GEMM, DT_OP_SOFTMAX};
    size_t used = 0;
    text[0] = '\0';
    for (size_t o = 0; o < sizeof order / sizeof *order; o++) {
        struct map map;
        char one[DT_SENTENCE_MAX];
        if (!make_map(data, order[o], &map) && map.count) {
            map_finding(data, order[o], &map, one);
            if (used + strlen(one) + 2 < DT_SENTENCE_MAX / 2)
                used += (size_t)snprintf(text + used, DT_SENTENCE_MAX - used, "%s%s",
                                         used ? " " : "", one);
        }
        free(map.columns);
    }
}

/* ---- The map --------------------------------------------------------------- */

int dt_page_heat(double share)
{
    static const double from[] = {0.5, 0.75, 0.9, 0.98};
    int heat = 1;
    while (heat <= 4 && share >= from[heat - 1])
        heat++;
    return heat;
}

void dt_page_heat_cell(FILE *out, double x, double y, double width, double height, double share,
                       bool best)
{
    char class[8], ink[32], text[16];
    const int heat = dt_page_heat(share);
    snprintf(class, sizeof class, "h%d", heat);
    snprintf(ink, sizeof ink, "tick mid o%d%s", heat, best ? " strong" : "");
    snprintf(text, sizeof text, "%.0f", fmin(share, 9.99) * 100);
    dt_svg_rect(out, class, x + 0.5, y + 0.5, width - 1, height - 1);
    dt_svg_text(out, ink, x + width / 2, y + height / 2 + 4, best ? "\u2605" : text);
}

static void draw_row(FILE *out, const struct dt_block *block, const struct map *map, size_t columns,
                     double y)
{
    const struct dt_record *first = block->sorted[0];
    dt_page_label(out, y + CELL_H / 2.0, first->op, &first->problem, first->threads);
    for (size_t c = 0; c < columns; c++) {
        const double x = LEFT + (double)c * CELL_W;
        const char *variant = map->columns[c].variant;
        const double share = share_by(block, variant);
        if (isfinite(share))
            dt_page_heat_cell(out, x, y, CELL_W, CELL_H, share,
                              strcmp(variant, block->leader->variant) == 0);
        else
            dt_svg_text(out, "tick mid", x + CELL_W / 2.0, y + CELL_H / 2.0 + 4, "·");
    }
}

static void draw(FILE *out, const struct dt_page_data *data, enum dt_op op, const struct map *map,
                 const char *title)
{
    const size_t columns = map->count < COLUMNS_MAX ? map->count : COLUMNS_MAX;
    const size_t rows = map->rows < DT_PAGE_LINES_MAX ? map->rows : DT_PAGE_LINES_MAX;
    char id[32];
    snprintf(id, sizeof id, "map-%s", dt_op_name(op));
    dt_svg_begin(out, id, LEFT + (double)columns * CELL_W + 100, TOP + (double)rows * CELL_H + 6,
                 title,
                 "Map of problems by variants: the speed of each variant's best plan in percent of "
                 "the problem's winner, which has a star. The values are in the table below.");
    for (size_t c = 0; c < columns; c++)
        dt_svg_slanted(out, "code", LEFT + ((double)c + 0.55) * CELL_W, TOP - 8,
                       dt_page_short(map->columns[c].variant));
    size_t row = 0;
    for (size_t b = 0; b < data->block_count && row < rows; b++)
        if (data->blocks[b].leader && data->blocks[b].sorted[0]->op == op)
            draw_row(out, &data->blocks[b], map, columns, TOP + (double)row++ * CELL_H);
    dt_svg_end(out);
}

static void put_winner(FILE *out, const struct dt_block *block)
{
    const struct dt_record *leader = block->leader, *rival = runner_up(block);
    char name[2 * DT_VIEW_TEXT_MAX];
    dt_table_row(out);
    dt_table_name(out, dt_page_name(leader->op, &leader->problem, leader->threads, name));
    dt_table_code(out, dt_page_plan(leader, name));
    dt_table_text(out, leader->winner ? "tuned" : "fastest");
    dt_table_time(out, leader->ns_median);
    dt_table_number(out, leader->ratio_to_scalar);
    dt_table_number(out, leader->ratio_to_autovec);
    dt_table_number(out, leader->ratio_to_gather);
    dt_table_share(out, leader->share_of_ceiling);
    dt_table_code(out, rival ? dt_page_plan(rival, name) : "");
    dt_table_change(out, rival ? rival->ns_median / leader->ns_median : NAN);
}

static void put_map(FILE *out, const struct dt_page_data *data, enum dt_op op,
                    const struct map *map)
{
    char sentence[DT_SENTENCE_MAX], id[32];
    size_t rows = 0;
    map_finding(data, op, map, sentence);
    snprintf(id, sizeof id, "f-map-%s", dt_op_name(op));
    dt_figure_begin(out, id, sentence);
    draw(out, data, op, map, sentence);
    dt_figure_note(
        out, "Percent of the winner's speed, each variant at its best plan, by the search "
             "where it did not come to the final. \u2605 the "
             "plan that was chosen, or the fastest where none was; a rival above 100 "
             "was faster by less than the tuner's margin. · does not apply or was not timed.");
    dt_figure_data(out, map->count < COLUMNS_MAX ? map->count : COLUMNS_MAX, map->count,
                   "variants, those that win most");
    dt_table_begin(out, "The plan for each problem and its closest rival of another variant",
                   "Problem|Plan|Chosen as|>Time|>× scalar|>× compiler|>× gather|>Of ceiling|Rival|"
                   ">Rival's time");
    for (size_t b = 0; b < data->block_count && rows < DT_PAGE_ROWS_MAX; b++)
        if (data->blocks[b].leader && data->blocks[b].sorted[0]->op == op) {
            put_winner(out, &data->blocks[b]);
            rows++;
        }
    dt_table_end(out);
    dt_figure_end(out);
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    static const enum dt_op order[] = {DT_OP_ATTENTION, DT_OP_BIAS, DT_OP_GEMM, DT_OP_SOFTMAX};
    enum dt_status status = DT_OK;
    for (size_t o = 0; o < sizeof order / sizeof *order && !status; o++) {
        struct map map;
        status = make_map(data, order[o], &map);
        if (!status && map.count)
            put_map(out, data, order[o], &map);
        free(map.columns);
    }
    if (!status)
        status = dt_page_search(out, data);
    return status ? dt_error_set(error, DT_NO_MEMORY, "no memory for a page") : DT_OK;
}

const struct dt_page dt_page_tuner = {
    .name = "tuner",
    .title = "Tuner",
    .shows = "which plan wins on which problem, and how the search got there",
    .command = "disentune tune --suite deberta-v3",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
