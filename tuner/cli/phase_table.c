/* SPDX-License-Identifier: MIT */
#include "tuner/cli/phase_table.h"

#include "reports/view.h"

#include <math.h>

static const struct dt_column columns[] = {
    {NULL, "phase", false, 0},  {NULL, "time", true, 0},          {NULL, "share", true, 0},
    {NULL, "GFLOP/s", true, 0}, {"share of", "ceiling", true, 0}, {NULL, "which is", false, 1},
};

static void phase_row(const void *context, size_t n, struct dt_row *row)
{
    const struct dt_phase_times *t = context;
    const struct dt_phase_time *phase = &t->phase[n];
    char text[DT_VIEW_TEXT_MAX];
    snprintf(row->cells[0].text, DT_CELL_MAX, "%s", dt_phase_name((enum dt_phase)n));
    snprintf(row->cells[1].text, DT_CELL_MAX, "%.40s", dt_view_time(phase->ns, text));
    snprintf(row->cells[2].text, DT_CELL_MAX, "%.40s", dt_view_share(phase->ns / t->call_ns, text));
    if (!isnan(phase->gflops))
        snprintf(row->cells[3].text, DT_CELL_MAX, "%.40s", dt_view_number(phase->gflops, text));
    if (!isnan(phase->share_of_ceiling))
        snprintf(row->cells[4].text, DT_CELL_MAX, "%.40s",
                 dt_view_share(phase->share_of_ceiling, text));
    snprintf(row->cells[5].text, DT_CELL_MAX, "%s", phase->ceiling);
}

void cli_phases_print(FILE *stream, const struct dt_phase_times *t,
                      const struct dt_terminal *terminal)
{
    const struct dt_grid grid = {columns, sizeof columns / sizeof *columns, DT_PHASE_COUNT,
                                 phase_row, t};
    char problem[DT_PROBLEM_TEXT_MAX], choice[DT_CHOICE_TEXT_MAX], time[DT_VIEW_TEXT_MAX];
    fprintf(stream, "\nphases of \"%s\", one thread, %s a call\n%s\n\n",
            dt_problem_print(&t->problem, problem), dt_view_time(t->call_ns, time),
            dt_choice_print(&t->choice, choice));
    dt_grid_print(stream, &grid, terminal);
}
