/* SPDX-License-Identifier: MIT */
/* A table of text in aligned columns, for a terminal. */
#ifndef DISENTUNE_GRID_H
#define DISENTUNE_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What the receiving end can show. */
struct dt_terminal {
    bool colour, unicode;
    int width; /* columns; 0 for 100 */
};

/* Styles, as parameters of "select graphic rendition". */
#define DT_STYLE_BOLD "1"
#define DT_STYLE_DIM "2"
#define DT_STYLE_GOOD "32"
#define DT_STYLE_FAIR "33"
#define DT_STYLE_BAD "31"

#define DT_GRID_COLUMNS_MAX 12
#define DT_CELL_MAX 96

/* `over` stands above the heading and may run on over the columns to the right that have none
 * above; they are made wide enough for it. When the table is too wide, the column of the greatest
 * rank goes first; those of rank 0 stay. */
struct dt_column {
    const char *over, *head;
    bool right; /* aligned to the right, as numbers are */
    int rank;
};

struct dt_grid_cell {
    char text[DT_CELL_MAX]; /* UTF-8 of single-width characters */
    const char *style;      /* NULL for none */
    bool spills;            /* runs on over the columns to the right, which are empty */
};

/* With a title an empty line and the title come before the row. */
struct dt_row {
    char title[160];
    struct dt_grid_cell cells[DT_GRID_COLUMNS_MAX];
};

struct dt_grid {
    const struct dt_column *columns;
    size_t column_count, row_count;
    /* Fills the n-th row, which is all zero; called more than once for each. */
    void (*row)(const void *context, size_t n, struct dt_row *row);
    const void *context;
};

void dt_grid_print(FILE *stream, const struct dt_grid *grid, const struct dt_terminal *terminal);

/* One text, cut to `room` characters; in that style if the terminal has colour. */
void dt_styled_print(FILE *stream, const struct dt_terminal *terminal, const char *style,
                     const char *text, int room);

/* terminal->width, or its default. */
int dt_terminal_width(const struct dt_terminal *terminal);

#endif
