/* SPDX-License-Identifier: MIT */
#include "reports/grid.h"

#include <string.h>

#define INDENT 2
#define GAP 2

struct layout {
    int width[DT_GRID_COLUMNS_MAX]; /* 0: not shown */
};

static bool starts_character(char c) { return ((unsigned char)c & 0xc0) != 0x80; }

static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += starts_character(*text);
    return width;
}

int dt_terminal_width(const struct dt_terminal *terminal)
{
    return terminal->width > 0 ? terminal->width : 100;
}

void dt_styled_print(FILE *stream, const struct dt_terminal *terminal, const char *style,
                     const char *text, int room)
{
    size_t bytes = 0;
    for (; text[bytes]; bytes++)
        if (starts_character(text[bytes]) && room-- <= 0)
            break;
    if (bytes > 0 && style && terminal->colour)
        fprintf(stream, "\033[%sm%.*s\033[0m", style, (int)bytes, text);
    else
        fwrite(text, 1, bytes, stream);
}

static int total_width(const struct dt_grid *grid, const struct layout *layout)
{
    int total = INDENT - GAP;
    for (size_t c = 0; c < grid->column_count; c++)
        total += layout->width[c] ? layout->width[c] + GAP : 0;
    return total;
}

/* The shown column of the greatest rank, or -1 if all shown are of rank 0. */
static int dispensable(const struct dt_grid *grid, const struct layout *layout)
{
    int found = -1, rank = 0;
    for (size_t c = 0; c < grid->column_count; c++)
        if (layout->width[c] && grid->columns[c].rank > rank) {
            rank = grid->columns[c].rank;
            found = (int)c;
        }
    return found;
}

/* Widens columns until each heading above, and a space, fits over its own column and those up to
 * the next such heading. */
static void fit_over(const struct dt_grid *grid, struct layout *layout)
{
    for (size_t c = 0, next; c < grid->column_count; c = next) {
        int width = 0;
        for (next = c; next == c || (next < grid->column_count && !grid->columns[next].over);
             next++)
            width += layout->width[next] ? layout->width[next] + GAP : 0;
        const int wanted = grid->columns[c].over ? width_of(grid->columns[c].over) + 1 : 0;
        if (layout->width[c] && width < wanted)
            layout->width[c] += wanted - width;
    }
}

static struct layout lay_out(const struct dt_grid *grid, int room)
{
    struct layout layout = {0};
    int column;
    for (size_t n = 0; n < grid->row_count; n++) {
        struct dt_row row = {0};
        grid->row(grid->context, n, &row);
        for (size_t c = 0; c < grid->column_count; c++) {
            int width = row.cells[c].spills ? 1 : width_of(row.cells[c].text);
            if (layout.width[c] < width)
                layout.width[c] = width;
        }
    }
    for (size_t c = 0; c < grid->column_count; c++) {
        int width = width_of(grid->columns[c].head);
        if (layout.width[c] && layout.width[c] < width)
            layout.width[c] = width;
    }
    fit_over(grid, &layout);
    while (total_width(grid, &layout) > room && (column = dispensable(grid, &layout)) >= 0)
        layout.width[column] = 0;
    return layout;
}

/* Spaces are owed, not printed, until text follows them: no line ends in one. */
static void print_owed(FILE *stream, int *owed)
{
    for (; *owed > 0; --*owed)
        fputc(' ', stream);
}

static void print_cells(FILE *stream, const struct dt_grid *grid, const struct layout *layout,
                        const struct dt_terminal *terminal, const struct dt_grid_cell *cells)
{
    int owed = INDENT;
    for (size_t c = 0; c < grid->column_count; c++) {
        if (!layout->width[c])
            continue;
        const int width = width_of(cells[c].text), padding = layout->width[c] - width;
        const bool right = grid->columns[c].right && !cells[c].spills;
        if (right)
            owed += padding;
        if (width) {
            print_owed(stream, &owed);
            dt_styled_print(stream, terminal, cells[c].style, cells[c].text, width);
        }
        owed += GAP + (right ? 0 : padding);
    }
    fputc('\n', stream);
}

static void print_over(FILE *stream, const struct dt_grid *grid, const struct layout *layout,
                       const struct dt_terminal *terminal)
{
    int at = 0, start = INDENT;
    bool any = false;
    for (size_t c = 0; c < grid->column_count; c++) {
        const char *over = grid->columns[c].over;
        if (!layout->width[c])
            continue;
        if (over) {
            int owed = start - at;
            print_owed(stream, &owed);
            dt_styled_print(stream, terminal, DT_STYLE_DIM, over, width_of(over));
            at = (start > at ? start : at) + width_of(over);
            any = true;
        }
        start += layout->width[c] + GAP;
    }
    if (any)
        fputc('\n', stream);
}

void dt_grid_print(FILE *stream, const struct dt_grid *grid, const struct dt_terminal *terminal)
{
    const int room = dt_terminal_width(terminal);
    const struct layout layout = lay_out(grid, room);
    struct dt_row heads = {0};
    for (size_t c = 0; c < grid->column_count; c++) {
        snprintf(heads.cells[c].text, DT_CELL_MAX, "%s", grid->columns[c].head);
        heads.cells[c].style = DT_STYLE_DIM;
    }
    print_over(stream, grid, &layout, terminal);
    print_cells(stream, grid, &layout, terminal, heads.cells);
    for (size_t n = 0; n < grid->row_count; n++) {
        struct dt_row row = {0};
        grid->row(grid->context, n, &row);
        if (*row.title) {
            fputc('\n', stream);
            dt_styled_print(stream, terminal, DT_STYLE_BOLD, row.title, room);
            fputc('\n', stream);
        }
        print_cells(stream, grid, &layout, terminal, row.cells);
    }
}
