/* SPDX-License-Identifier: MIT */
#include "reports/summary.h"

#include "kernels/error.h"
#include "reports/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BAR_WIDTH 5

/* ---- Machine and session --------------------------------------------------- */

/* Bytes of text for a line of at most `room`: up to a space, if there is one. */
static size_t line_length(const char *text, size_t room)
{
    size_t length = strlen(text), end = room;
    if (length <= room)
        return length;
    while (end > 0 && text[end] != ' ')
        end--;
    if (end == 0)
        for (end = room; ((unsigned char)text[end] & 0xc0) == 0x80;)
            end--;
    return end;
}

static void print_fact(FILE *stream, const struct dt_terminal *terminal, const char *name,
                       const char *text, const char *style)
{
    const size_t label = 17, width = (size_t)dt_terminal_width(terminal);
    const size_t room = width > 2 * label ? width - label : label;
    do {
        char padded[24], line[256];
        size_t length = line_length(text, room);
        snprintf(padded, sizeof padded, "  %-*s", (int)label - 2, name);
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        dt_styled_print(stream, terminal, DT_STYLE_DIM, padded, (int)label);
        dt_styled_print(stream, terminal, style, line, (int)room);
        fputc('\n', stream);
        text += length + strspn(text + length, " ");
        name = "";
    } while (*text);
}

static void print_rejected(const struct dt_records *records, char *text, size_t size)
{
    size_t rejected = 0, total = 0;
    for (size_t r = 0; r < records->count; r++) {
        rejected += records->items[r].rejected;
        total += records->items[r].samples + records->items[r].rejected;
    }
    snprintf(text, size, "%zu of %zu samples rejected", rejected, total);
}

static void print_session(FILE *stream, const struct dt_records *records,
                          const struct dt_terminal *terminal)
{
    const struct dt_session *s = &records->session;
    char rejected[64], text[256];
    dt_styled_print(stream, terminal, DT_STYLE_BOLD, *s->cpu ? s->cpu : "unnamed processor",
                    dt_terminal_width(terminal));
    fputc('\n', stream);
    print_fact(stream, terminal, "machine", s->machine[3], NULL);
    snprintf(text, sizeof text, "%s, disentune %s, %s, seed %llu", s->date, s->build.version,
             s->build.compiler, (unsigned long long)s->seed);
    print_fact(stream, terminal, "session", text, NULL);
    print_rejected(records, rejected, sizeof rejected);
    if (isnan(s->noise_floor))
        snprintf(text, sizeof text, "not measured; %s", rejected);
    else
        snprintf(text, sizeof text, "%.1f %%; %s", s->noise_floor * 100, rejected);
    print_fact(stream, terminal, "noise floor", text, NULL);
    if (s->noisy)
        print_fact(stream, terminal, "NOISY",
                   "the machine was busy: too many samples were rejected; repeat when it is quiet",
                   DT_STYLE_BAD);
}

/* ---- Ceilings -------------------------------------------------------------- */

/* A ceiling's name "load.avx512.l1" gives its row, "load avx512", and its column, "L1". */
struct ceilings {
    size_t rows, places;
    char row[DT_CEILINGS_MAX][40];
    char unit[DT_CEILINGS_MAX][16];
    char place[DT_CEILINGS_MAX][40];
    double value[DT_CEILINGS_MAX][DT_CEILINGS_MAX]; /* [row][place] */
    size_t first_place;                             /* of those now printed */
};

#define PLACES_AT_ONCE 8

static size_t find_or_add(char (*names)[40], size_t *count, const char *name)
{
    size_t n = 0;
    while (n < *count && strcmp(names[n], name) != 0)
        n++;
    if (n == *count)
        snprintf(names[(*count)++], 40, "%s", name);
    return n;
}

static void sort_ceilings(const struct dt_session *session, struct ceilings *ceilings)
{
    for (size_t c = 0; c < session->ceiling_count; c++) {
        const struct dt_ceiling *from = &session->ceilings[c];
        char name[sizeof from->name], *place = "peak";
        strcpy(name, from->name);
        char *dot = strchr(name, '.');
        char *second = dot ? strchr(dot + 1, '.') : NULL;
        if (dot)
            *dot = ' ';
        if (second) {
            *second = '\0';
            place = second + 1;
            if (place[0] == 'l' && place[1] >= '1' && place[1] <= '9')
                place[0] = 'L';
        }
        size_t rows = ceilings->rows, row = find_or_add(ceilings->row, &ceilings->rows, name);
        if (row == rows)
            for (size_t p = 0; p < DT_CEILINGS_MAX; p++)
                ceilings->value[row][p] = NAN;
        snprintf(ceilings->unit[row], sizeof *ceilings->unit, "G%s", from->unit);
        ceilings->value[row][find_or_add(ceilings->place, &ceilings->places, place)] =
            from->value / 1e9;
    }
}

static void ceiling_row(const void *context, size_t n, struct dt_row *row)
{
    const struct ceilings *ceilings = context;
    strcpy(row->cells[0].text, ceilings->row[n]);
    strcpy(row->cells[1].text, ceilings->unit[n]);
    for (size_t p = ceilings->first_place; p < ceilings->places; p++) {
        size_t cell = p - ceilings->first_place;
        char text[DT_VIEW_TEXT_MAX];
        if (cell < PLACES_AT_ONCE && !isnan(ceilings->value[n][p]))
            snprintf(row->cells[2 + cell].text, DT_CELL_MAX, "%.80s",
                     dt_view_number(ceilings->value[n][p], text));
    }
}

static void print_ceilings(FILE *stream, const struct dt_session *session,
                           const struct dt_terminal *terminal)
{
    struct ceilings ceilings = {0};
    sort_ceilings(session, &ceilings);
    for (size_t first = 0; first < ceilings.places; first += PLACES_AT_ONCE) {
        struct dt_column columns[2 + PLACES_AT_ONCE] = {{.head = "ceiling"}, {.head = "unit"}};
        size_t shown = ceilings.places - first;
        if (shown > PLACES_AT_ONCE)
            shown = PLACES_AT_ONCE;
        for (size_t p = 0; p < shown; p++)
            columns[2 + p] = (struct dt_column){.head = ceilings.place[first + p], .right = true};
        ceilings.first_place = first;
        const struct dt_grid grid = {columns, 2 + shown, ceilings.rows, ceiling_row, &ceilings};
        fputc('\n', stream);
        dt_grid_print(stream, &grid, terminal);
    }
}

/* ---- Cells that both forms share ------------------------------------------- */

static const char *share_style(double share)
{
    return share >= 0.85 ? DT_STYLE_GOOD : share >= 0.5 ? DT_STYLE_FAIR : DT_STYLE_BAD;
}

/* Eighths of a character: U+2588 is a full block, U+2589 seven eighths, ... U+258F one. */
static void draw_bar(double share, char text[DT_CELL_MAX])
{
    int eighths = (int)lround(fmin(share, 1) * BAR_WIDTH * 8);
    size_t at = 0;
    for (; eighths > 0; eighths -= 8) {
        int missing = eighths >= 8 ? 0 : 8 - eighths;
        at += (size_t)snprintf(text + at, DT_CELL_MAX - at, "\xe2\x96%c", 0x88 + missing);
    }
}

static void set(struct dt_grid_cell *cell, const char *text, const char *style)
{
    snprintf(cell->text, sizeof cell->text, "%.90s", text);
    cell->style = style;
}

/* Without "bias.", which the title says. */
static void set_variant(struct dt_grid_cell *cell, const struct dt_record *record,
                        const char *style)
{
    const char *op = dt_op_name(record->op), *name = record->variant;
    const size_t length = strlen(op);
    set(cell, strncmp(name, op, length) == 0 && name[length] == '.' ? name + length + 1 : name,
        style);
}

static void set_time(struct dt_grid_cell cells[2], const struct dt_record *record)
{
    char text[DT_VIEW_TEXT_MAX];
    set(&cells[0], dt_view_time(record->ns_median, text), NULL);
    set(&cells[1], dt_view_spread(record, text), DT_STYLE_DIM);
}

#define RATIOS 3

static double ratio_of(const struct dt_record *record, int k)
{
    return k == 0   ? record->ratio_to_scalar
           : k == 1 ? record->ratio_to_gather
                    : record->ratio_to_autovec;
}

/* Speed-ups, then the share of the ceiling and its bar; of attention what RATIO_COLUMNS_ATTENTION
 * says. */
static void set_ratios(struct dt_grid_cell cells[5], const struct dt_record *record,
                       const struct dt_session *session, bool bar)
{
    char text[DT_VIEW_TEXT_MAX];
    if (record->op == DT_OP_ATTENTION) {
        set(&cells[0], dt_view_cost(record, text), NULL);
        set(&cells[1], dt_view_ratio(record->ratio_to_one_thread, session->noise_floor, text),
            NULL);
        set(&cells[2], dt_view_number(record->gflops, text), NULL);
    }
    for (int k = 0; record->op != DT_OP_ATTENTION && k < RATIOS; k++)
        set(&cells[k], dt_view_ratio(ratio_of(record, k), session->noise_floor, text), NULL);
    set(&cells[3], dt_view_share(record->share_of_ceiling, text), NULL);
    if (bar && !isnan(record->share_of_ceiling)) {
        draw_bar(record->share_of_ceiling, cells[4].text);
        cells[4].style = share_style(record->share_of_ceiling);
    }
}

static void print_legend(FILE *stream, const struct dt_terminal *terminal, const char *marks,
                         bool attention)
{
    const char *lines[] = {
        marks,
        terminal->unicode ? "tile: rows x columns, 0 for all. \u00b1: 95 % interval of the median."
                          : "tile: rows x columns, 0 for all. +-: 95 % interval of the median.",
        attention
            ? "tile/N: work items of N queries. x c2c: times as long as without position terms."
            : NULL,
        attention ? "GFLOP/s counts products over all 2S slots; plans do a part, hence over 100 %."
                  : NULL,
        "~: no difference is claimed, it lies within the noise floor.",
    };
    fputc('\n', stream);
    for (size_t n = 0; n < sizeof lines / sizeof *lines; n++)
        if (lines[n]) {
            fputs("  ", stream);
            dt_styled_print(stream, terminal, DT_STYLE_DIM, lines[n],
                            dt_terminal_width(terminal) - 2);
            fputc('\n', stream);
        }
}

#define SPREAD_HEAD "\u00b1 %"

/* The headings of set_time() and set_ratios(). */
#define TIME_COLUMNS                                                                               \
    {NULL, "time", true, 0}, { NULL, SPREAD_HEAD, true, 2 }
#define RATIO_COLUMNS                                                                              \
    {"speed-up over", "scalar", true, 0}, {NULL, "gather", true, 0}, {NULL, "autovec", true, 1},   \
        {"share of", "ceiling", true, 0},                                                          \
    {                                                                                              \
        NULL, "", false, 3                                                                         \
    }

/* The same for attention. */
#define ONE_THREAD_HEAD "1 thread"
#define PARTS_HEAD "gemm, bias, softmax"
#define RATIO_COLUMNS_ATTENTION                                                                    \
    {"time", "x c2c", true, 0}, {"speed-up", ONE_THREAD_HEAD, true, 9},                            \
        {NULL, "GFLOP/s", true, 0}, {"share of", "ceiling", true, 0},                              \
    {                                                                                              \
        NULL, "", false, 4                                                                         \
    }

struct rows {
    const struct dt_session *session;
    const struct dt_record **items;
    size_t count;
    bool bars;
};

/* Rows of attention have the cell of the parts after that of the tile. */
static size_t set_parts(struct dt_grid_cell *cell, const struct dt_record *record)
{
    char text[DT_VIEW_TEXT_MAX];
    if (record->op != DT_OP_ATTENTION)
        return 0;
    set(cell, dt_view_parts(record, text), DT_STYLE_DIM);
    return 1;
}

/* How many of the rows come before those of attention. */
static size_t before_attention(const struct rows *rows)
{
    size_t count = 0;
    while (count < rows->count && rows->items[count]->op != DT_OP_ATTENTION)
        count++;
    return count;
}

static bool has_threads(const struct rows *rows)
{
    for (size_t r = 0; r < rows->count; r++)
        if (rows->items[r]->threads > 1)
            return true;
    return false;
}

/* The speed-up over one thread is one of the last columns to go if there is any, else the first. */
static void print_table(FILE *stream, const struct dt_terminal *terminal,
                        const struct dt_grid *rows, bool threads)
{
    struct dt_column columns[DT_GRID_COLUMNS_MAX];
    struct dt_grid grid = *rows;
    memcpy(columns, rows->columns, rows->column_count * sizeof *columns);
    for (size_t c = 0; c < rows->column_count; c++) {
        if (!terminal->unicode && strcmp(columns[c].head, SPREAD_HEAD) == 0)
            columns[c].head = "+- %";
        if (threads && strcmp(columns[c].head, ONE_THREAD_HEAD) == 0)
            columns[c].rank = 1;
        if (threads && strcmp(columns[c].head, PARTS_HEAD) == 0)
            columns[c].rank = 3;
    }
    grid.columns = columns;
    if (grid.row_count == 0)
        return;
    fputc('\n', stream);
    dt_grid_print(stream, &grid, terminal);
}

static void print_head(FILE *stream, const struct dt_records *records,
                       const struct dt_terminal *terminal)
{
    print_session(stream, records, terminal);
    print_ceilings(stream, &records->session, terminal);
}

/* ---- Winners --------------------------------------------------------------- */

static const struct dt_column winner_columns[] = {
    {NULL, "problem", false, 0},
    {NULL, "variant", false, 0},
    {NULL, "tile", true, 0},
    TIME_COLUMNS,
    RATIO_COLUMNS,
};

static const struct dt_column attention_winner_columns[] = {
    {NULL, "problem", false, 0},
    {NULL, "variant", false, 0},
    {NULL, "tile", true, 0},
    {NULL, PARTS_HEAD, false, 1},
    TIME_COLUMNS,
    RATIO_COLUMNS_ATTENTION,
};

static void winner_row(const void *context, size_t n, struct dt_row *row)
{
    const struct rows *rows = context;
    const struct dt_record *record = rows->items[n];
    char text[DT_VIEW_TEXT_MAX];
    if (n == 0 || !dt_view_same_group(record, rows->items[n - 1]))
        snprintf(row->title, sizeof row->title, "%s", dt_view_group(record, text));
    set(&row->cells[0], dt_view_lengths(&record->problem, text), NULL);
    if (!record->verified) {
        set(&row->cells[1], "no variant passed validation", DT_STYLE_BAD);
        row->cells[1].spills = true;
        return;
    }
    set_variant(&row->cells[1], record, DT_STYLE_BOLD);
    set(&row->cells[2], dt_view_tile(record, text), NULL);
    const size_t parts = set_parts(&row->cells[3], record);
    set_time(&row->cells[3 + parts], record);
    set_ratios(&row->cells[5 + parts], record, rows->session, rows->bars);
}

/* Over the winners of one operation; NAN if one of them lacks the figure. */
static double geometric_mean(const struct rows *rows, enum dt_op op, int k)
{
    double sum = 0;
    size_t count = 0;
    for (size_t r = 0; r < rows->count; r++)
        if (rows->items[r]->op == op && rows->items[r]->verified) {
            sum += log(ratio_of(rows->items[r], k));
            count++;
        }
    return count > 1 ? exp(sum / (double)count) : NAN;
}

static void print_means(FILE *stream, const struct rows *rows, const struct dt_terminal *terminal)
{
    static const char *const names[RATIOS] = {"scalar", "hardware gather", "autovec"};
    for (enum dt_op op = 0; op < DT_OP_COUNT; op++) {
        char line[256], number[DT_VIEW_TEXT_MAX];
        int used = 0;
        for (int k = 0; k < RATIOS; k++) {
            double mean = geometric_mean(rows, op, k);
            if (!isnan(mean))
                used += snprintf(line + used, sizeof line - (size_t)used, "%s%.40s x %s",
                                 used ? ", " : "", dt_view_number(mean, number), names[k]);
        }
        if (!used)
            continue;
        fputc('\n', stream);
        snprintf(number, sizeof number, "%s, mean", dt_op_name(op));
        snprintf(line + used, sizeof line - (size_t)used, " (geometric)");
        print_fact(stream, terminal, number, line, DT_STYLE_BOLD);
    }
}

/* Of all winners with such evidence: how far at most they may be from the best. */
static void print_searches(FILE *stream, const struct rows *rows,
                           const struct dt_terminal *terminal)
{
    size_t count = 0, complete = 0, tried = 0, plans = 0;
    const struct dt_record *worst = NULL;
    for (size_t n = 0; n < rows->count; n++) {
        const struct dt_record *record = rows->items[n];
        if (isnan(record->regret) || record->plans == 0)
            continue;
        count++;
        complete += record->complete;
        tried += record->tried;
        plans += record->plans;
        if (!worst || record->regret > worst->regret)
            worst = record;
    }
    if (!worst)
        return;
    char text[256], share[DT_VIEW_TEXT_MAX], lengths[DT_VIEW_TEXT_MAX];
    fputc('\n', stream);
    snprintf(text, sizeof text,
             "%zu of %zu plans tried, %zu of %zu searches complete; with 95 %% no plan tried is "
             "faster by more than %.20s %% (%s %.60s)",
             tried, plans, complete, count, dt_view_number(100 * worst->regret, share),
             dt_op_name(worst->op), dt_view_lengths(&worst->problem, lengths));
    print_fact(stream, terminal, "search", text, NULL);
}

enum dt_status dt_summary_winners(FILE *stream, const struct dt_records *records,
                                  const struct dt_terminal *terminal, struct dt_error *error)
{
    const struct dt_record **sorted;
    enum dt_status status = dt_view_sort(records, &sorted, error);
    if (status)
        return status;
    struct rows rows = {&records->session, sorted, 0, terminal->unicode};
    for (size_t at = 0, span; at < records->count; at += span) {
        span = dt_view_problem_span(&sorted[at], records->count - at);
        const struct dt_record *leader = dt_view_leader(&sorted[at], span);
        sorted[rows.count++] = leader ? leader : sorted[at];
    }
    const size_t others = before_attention(&rows);
    const struct rows rest = {rows.session, rows.items + others, rows.count - others, rows.bars};
    const struct dt_grid grid = {winner_columns, sizeof winner_columns / sizeof *winner_columns,
                                 others, winner_row, &rows};
    const struct dt_grid attention = {attention_winner_columns,
                                      sizeof attention_winner_columns / sizeof *winner_columns,
                                      rest.count, winner_row, &rest};
    print_head(stream, records, terminal);
    print_table(stream, terminal, &grid, false);
    print_table(stream, terminal, &attention, has_threads(&rest));
    print_means(stream, &rows, terminal);
    print_searches(stream, &rows, terminal);
    print_legend(stream, terminal, NULL, rest.count > 0);
    free(sorted);
    return DT_OK;
}

/* ---- All records ----------------------------------------------------------- */

static const struct dt_column all_columns[] = {
    {NULL, "", false, 0}, {NULL, "variant", false, 0}, {NULL, "tile", true, 0},
    TIME_COLUMNS,         {"% of", "best", true, 1},   RATIO_COLUMNS,
};

static const struct dt_column attention_columns[] = {
    {NULL, "", false, 0},
    {NULL, "variant", false, 0},
    {NULL, "tile", true, 0},
    {NULL, PARTS_HEAD, false, 1},
    TIME_COLUMNS,
    {"% of", "best", true, 2},
    RATIO_COLUMNS_ATTENTION,
};

struct all_rows {
    struct rows base;
    const size_t *first; /* [count]: where the problem of each row begins */
};

static void all_row(const void *context, size_t n, struct dt_row *row)
{
    const struct all_rows *all = context;
    const struct rows *rows = &all->base;
    const struct dt_record *record = rows->items[n], *best = rows->items[all->first[n]];
    char text[DT_VIEW_TEXT_MAX], lengths[DT_VIEW_TEXT_MAX], time[DT_VIEW_TEXT_MAX];
    if (all->first[n] == n)
        snprintf(row->title, sizeof row->title, "%.100s  %.20s, ceiling %.12s",
                 dt_view_group(record, text), dt_view_lengths(&record->problem, lengths),
                 isnan(record->ceiling_ns) ? "unknown" : dt_view_time(record->ceiling_ns, time));
    set(&row->cells[2], dt_view_tile(record, text), NULL);
    const size_t parts = set_parts(&row->cells[3], record);
    struct dt_grid_cell *cells = &row->cells[parts];
    set_time(&cells[3], record);
    if (!record->verified) {
        set(&row->cells[0], "!", DT_STYLE_BAD);
        set_variant(&row->cells[1], record, DT_STYLE_BAD);
        set(&cells[6], "NOT VERIFIED", DT_STYLE_BAD);
        cells[6].spills = true;
        return;
    }
    set(&row->cells[0], record->winner ? "*" : "", DT_STYLE_GOOD);
    set_variant(&row->cells[1], record, record->winner ? DT_STYLE_BOLD : NULL);
    dt_view_number(best->ns_median / record->ns_median * 100, text);
    set(&cells[5], text, NULL);
    set_ratios(&cells[6], record, rows->session, rows->bars);
}

enum dt_status dt_summary_all(FILE *stream, const struct dt_records *records,
                              const struct dt_terminal *terminal, struct dt_error *error)
{
    struct rows rows = {&records->session, NULL, records->count, terminal->unicode};
    enum dt_status status = dt_view_sort(records, &rows.items, error);
    if (status)
        return status;
    size_t *first = malloc((records->count + 1) * sizeof *first);
    if (!first) {
        free(rows.items);
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu records", records->count);
    }
    const size_t others = before_attention(&rows);
    for (size_t at = 0, span; at < records->count; at += span) {
        span = dt_view_problem_span(&rows.items[at], records->count - at);
        for (size_t r = at; r < at + span; r++)
            first[r] = at < others ? at : at - others;
    }
    const struct rows rest = {rows.session, rows.items + others, rows.count - others, rows.bars};
    const struct all_rows all = {rows, first}, attention_rows = {rest, first + others};
    const struct dt_grid grid = {all_columns, sizeof all_columns / sizeof *all_columns, others,
                                 all_row, &all};
    const struct dt_grid attention = {attention_columns,
                                      sizeof attention_columns / sizeof *attention_columns,
                                      rest.count, all_row, &attention_rows};
    print_head(stream, records, terminal);
    print_table(stream, terminal, &grid, false);
    print_table(stream, terminal, &attention, has_threads(&rest));
    print_legend(stream, terminal, "*: chosen. !: failed validation, so its time means nothing.",
                 rest.count > 0);
    free(first);
    free(rows.items);
    return DT_OK;
}

enum dt_status dt_summary_print(FILE *stream, const struct dt_records *records,
                                const struct dt_terminal *terminal, struct dt_error *error)
{
    for (size_t r = 0; r < records->count; r++)
        if (records->items[r].winner)
            return dt_summary_winners(stream, records, terminal, error);
    return dt_summary_all(stream, records, terminal, error);
}
