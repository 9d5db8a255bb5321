/* SPDX-License-Identifier: MIT */
#include "reports/verdict_table.h"

#include "reports/judge.h"
#include "reports/subject.h"
#include "reports/verdict.h"
#include "reports/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Reasons that are shown below the table. */
enum { REASONS = 12 };

enum { VERDICT, PROBLEM, BASE, HEAD, CHANGE, LO, HI, FLOOR, PAIRS, INSTRUCTIONS, COLUMNS };

static const struct dt_column columns[COLUMNS] = {
    [VERDICT] = {.head = "verdict"},
    [PROBLEM] = {.head = "problem"},
    [BASE] = {.head = "BASE", .right = true, .rank = 2},
    [HEAD] = {.head = "HEAD", .right = true, .rank = 2},
    [CHANGE] = {.head = "change", .right = true},
    [LO] = {.head = "95 % from", .right = true},
    [HI] = {.head = "to", .right = true},
    [FLOOR] = {.head = "A/A", .right = true, .rank = 1},
    [PAIRS] = {.head = "pairs", .right = true, .rank = 3},
    [INSTRUCTIONS] = {.head = "instructions", .right = true, .rank = 1},
};

static const char *style_of(enum dt_judgement judgement)
{
    switch (judgement) {
    case DT_REGRESSED:
        return DT_STYLE_BAD;
    case DT_VOID:
    case DT_UNDECIDED:
        return DT_STYLE_FAIR;
    case DT_IMPROVED:
        return DT_STYLE_GOOD;
    default:
        return DT_STYLE_DIM;
    }
}

static void print_problem(const struct dt_subject *subject, char text[DT_CELL_MAX])
{
    char lengths[DT_VIEW_TEXT_MAX], settings[DT_VIEW_TEXT_MAX], threads[24] = "";
    if (subject->threads != 1)
        snprintf(threads, sizeof threads, " x%d", subject->threads);
    snprintf(text, DT_CELL_MAX, "%s %.20s %.50s%s", dt_op_name(subject->op),
             dt_view_lengths(&subject->problem, lengths),
             dt_view_settings(&subject->problem, settings), threads);
}

static void print_floor(const struct dt_cell *cell, char text[DT_CELL_MAX])
{
    if (isnan(cell->band))
        strcpy(text, "-");
    else
        snprintf(text, DT_CELL_MAX, "%.1f %%", 100 * expm1(cell->band));
}

/* "+0.2 % avx2": what ran under valgrind need not be what was timed. Empty if nothing was counted.
 */
static void print_instructions(const struct dt_cell *cell, char text[DT_CELL_MAX])
{
    char change[DT_VERDICT_TEXT_MAX];
    const double ratio = cell->head_instructions / cell->base_instructions;
    if (isfinite(ratio))
        snprintf(text, DT_CELL_MAX, "%.40s %.16s", dt_verdict_change(ratio, change),
                 cell->instructions_isa);
}

static void fill_row(const void *context, size_t n, struct dt_row *row)
{
    const struct dt_cell *cell = ((const struct dt_cell *const *)context)[n];
    struct dt_grid_cell *cells = row->cells;
    char text[DT_VERDICT_TEXT_MAX], time[DT_VIEW_TEXT_MAX];
    snprintf(cells[VERDICT].text, DT_CELL_MAX, "%s", dt_judgement_name(cell->judgement));
    cells[VERDICT].style = style_of(cell->judgement);
    print_problem(&cell->subject, cells[PROBLEM].text);
    snprintf(cells[BASE].text, DT_CELL_MAX, "%.40s", dt_view_time(cell->base_ns, time));
    snprintf(cells[HEAD].text, DT_CELL_MAX, "%.40s", dt_view_time(cell->head_ns, time));
    snprintf(cells[CHANGE].text, DT_CELL_MAX, "%.40s", dt_verdict_change(cell->ratio, text));
    snprintf(cells[LO].text, DT_CELL_MAX, "%.40s", dt_verdict_change(cell->lo, text));
    snprintf(cells[HI].text, DT_CELL_MAX, "%.40s", dt_verdict_change(cell->hi, text));
    print_floor(cell, cells[FLOOR].text);
    snprintf(cells[PAIRS].text, DT_CELL_MAX, "%zu", cell->pairs);
    print_instructions(cell, cells[INSTRUCTIONS].text);
}

static void print_build(FILE *stream, const char *side, const struct dt_build *build,
                        const struct dt_terminal *terminal)
{
    char text[256];
    snprintf(text, sizeof text, "%s  disentune %s%s%.12s%s, %s%s%s", side, build->version,
             *build->commit ? ", commit " : "", build->commit, build->dirty ? " and more" : "",
             build->compiler, *build->flags ? " " : "", build->flags);
    dt_styled_print(stream, terminal, NULL, text, dt_terminal_width(terminal));
    fputc('\n', stream);
}

/* Not those of cells that nobody needs to look at. */
static void print_reasons(FILE *stream, const struct dt_cell *const *sorted, size_t count,
                          const struct dt_terminal *terminal)
{
    size_t shown = 0, more = 0;
    for (size_t c = 0; c < count; c++) {
        const struct dt_cell *cell = sorted[c];
        char problem[DT_CELL_MAX], text[512];
        if (!dt_verdict_stands_out(cell) && !*cell->head_choice)
            continue;
        if (shown++ == 0)
            fputc('\n', stream);
        if (shown > REASONS) {
            more++;
            continue;
        }
        print_problem(&cell->subject, problem);
        snprintf(text, sizeof text, "%s: %s", problem, cell->reason);
        dt_styled_print(stream, terminal, NULL, text, dt_terminal_width(terminal));
        fputc('\n', stream);
        if (!*cell->head_choice)
            continue;
        char choice[DT_SUBJECT_TEXT_MAX];
        fprintf(stream, "    BASE runs %s\n    HEAD runs %s\n",
                dt_subject_choice(&cell->subject, choice), cell->head_choice);
    }
    if (more)
        fprintf(stream, "... and %zu more\n", more);
}

enum dt_status dt_verdict_table(FILE *stream, const struct dt_finding *finding,
                                const struct dt_terminal *terminal, struct dt_error *error)
{
    const struct dt_cell **sorted;
    const struct dt_session *session = &finding->records.session;
    enum dt_status status = dt_verdict_sort(finding, &sorted, error);
    if (status)
        return status;
    const struct dt_grid grid = {.columns = columns,
                                 .column_count = COLUMNS,
                                 .row_count = finding->cell_count,
                                 .row = fill_row,
                                 .context = sorted};
    char tally[DT_VERDICT_TEXT_MAX];
    print_build(stream, "BASE", &session->base, terminal);
    print_build(stream, "HEAD", &session->build, terminal);
    fputc('\n', stream);
    dt_grid_print(stream, &grid, terminal);
    print_reasons(stream, sorted, finding->cell_count, terminal);
    fprintf(stream, "\n%s\n", dt_verdict_tally(finding, tally));
    free(sorted);
    return DT_OK;
}
