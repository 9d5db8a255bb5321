/* SPDX-License-Identifier: MIT */
#include "tuner/cli/dispatch_table.h"

static const struct dt_column lookup_columns[] = {
    {"look-up in a", "table of", true, 0},
    {"exact", "ns", true, 0},
    {NULL, "95 %", true, 1},
    {"nearest", "ns", true, 0},
    {NULL, "95 %", true, 1},
};

static void number(struct dt_grid_cell *cell, int digits, double x)
{
    snprintf(cell->text, sizeof cell->text, "%.*f", digits, x);
}

static void range(struct dt_grid_cell *cell, const struct dt_interval *i)
{
    snprintf(cell->text, sizeof cell->text, "%.1f - %.1f", i->lo, i->hi);
}

static void lookup_row(const void *context, size_t n, struct dt_row *row)
{
    const struct dt_dispatch_lookup *l = &((const struct dt_dispatch *)context)->lookup[n];
    snprintf(row->cells[0].text, DT_CELL_MAX, "%zu", l->records);
    number(&row->cells[1], 0, l->exact.median);
    range(&row->cells[2], &l->exact);
    number(&row->cells[3], 0, l->nearest.median);
    range(&row->cells[4], &l->nearest);
}

static const struct dt_column call_columns[] = {
    {"one call", "on", false, 0}, {"by plan", "ns", true, 0}, {"directly", "ns", true, 0},
    {"more", "ns", true, 0},      {NULL, "95 %", true, 1},
};

static void call_row(const void *context, size_t n, struct dt_row *row)
{
    const struct dt_dispatch_call *c = &((const struct dt_dispatch *)context)->call[n];
    char problem[DT_PROBLEM_TEXT_MAX];
    snprintf(row->cells[0].text, DT_CELL_MAX, "%s %.60s", dt_op_name(c->op),
             dt_problem_print(&c->problem, problem));
    number(&row->cells[1], 1, c->planned.median);
    number(&row->cells[2], 1, c->direct.median);
    number(&row->cells[3], 1, c->over.median);
    range(&row->cells[4], &c->over);
}

void cli_dispatch_print(FILE *stream, const struct dt_dispatch *dispatch,
                        const struct dt_terminal *terminal)
{
    const struct dt_grid lookups = {lookup_columns, sizeof lookup_columns / sizeof *lookup_columns,
                                    DT_DISPATCH_TABLES, lookup_row, dispatch};
    const struct dt_grid calls = {call_columns, sizeof call_columns / sizeof *call_columns,
                                  sizeof dispatch->call / sizeof *dispatch->call, call_row,
                                  dispatch};
    dt_grid_print(stream, &lookups, terminal);
    fputc('\n', stream);
    dt_grid_print(stream, &calls, terminal);
}
