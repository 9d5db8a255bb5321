/* SPDX-License-Identifier: MIT */
#include "reports/trials.h"

#include "reports/exact.h"
#include "reports/subject.h"
#include "reports/view.h"

#include <math.h>
#include <string.h>

void dt_trials_bound(struct dt_trial_set *set)
{
    set->rate_lo = 0;
    set->rate_hi = 1;
    if (set->trials > 0)
        dt_clopper_pearson(set->alarms, set->trials, DT_TRIALS_CONFIDENCE, &set->rate_lo,
                           &set->rate_hi);
}

double dt_trials_false_alarms(const struct dt_trial_set *set)
{
    return set->trials > 0
               ? dt_clopper_pearson_upper(set->alarms, set->trials, DT_TRIALS_CONFIDENCE)
               : 1;
}

bool dt_trial_moves(const struct dt_trial *trial)
{
    return trial->set.slowdown == 0 || trial->ratio - 1 >= trial->set.slowdown / 2;
}

/* Slow-downs are typed as percent. */
static bool is_equal(double a, double b) { return fabs(a - b) < 1e-9; }

bool dt_trial_is_claimed(const struct dt_trial *trial)
{
    return trial->ns >= DT_TRIALS_LEAST_NS &&
           (is_equal(trial->set.slowdown, DT_TRIALS_SLOWER) ||
            trial->set.slowdown > DT_TRIALS_PLAINLY_SLOWER - 1e-9);
}

bool dt_trial_holds(const struct dt_trial *trial)
{
    const double rate = (double)trial->set.alarms / (double)trial->set.trials;
    if (!dt_trial_is_claimed(trial))
        return true;
    return trial->set.trials > 0 &&
           rate >= (is_equal(trial->set.slowdown, DT_TRIALS_SLOWER) ? DT_TRIALS_FOUND : 1);
}

/* ---- For a terminal -------------------------------------------------------------- */

enum { PROBLEM, TIME, CURVE, LEAST, RATES, COLUMNS = DT_GRID_COLUMNS_MAX };
enum { RATES_MAX = COLUMNS - RATES };

struct shown {
    const struct dt_trial *trials;
    size_t slowdowns, cells;
    bool unicode;
};

/* "attention/n512 log:256:512": whatever each build chose. */
static const char *name_cell(const struct dt_trial *trial, char text[DT_SUBJECT_TEXT_MAX])
{
    struct dt_subject problem = trial->set.subject;
    problem.variant[0] = '\0';
    return dt_subject_name(&problem, text);
}

static double rate_of(const struct dt_trial *trial)
{
    return trial->set.trials ? (double)trial->set.alarms / (double)trial->set.trials : 0;
}

static void print_curve(const struct shown *shown, size_t cell, char text[DT_CELL_MAX])
{
    size_t used = 0;
    for (size_t s = 0; s < shown->slowdowns; s++) {
        const double rate = rate_of(&shown->trials[s * shown->cells + cell]);
        used += (size_t)snprintf(text + used, DT_CELL_MAX - used, "%s",
                                 dt_view_height(rate, shown->unicode));
    }
}

static void fill_row(const void *context, size_t cell, struct dt_row *row)
{
    const struct shown *shown = context;
    const struct dt_trial *first = &shown->trials[cell];
    const double least = first->set.least_effect;
    char time[DT_VIEW_TEXT_MAX], name[DT_SUBJECT_TEXT_MAX];
    snprintf(row->cells[PROBLEM].text, DT_CELL_MAX, "%.90s", name_cell(first, name));
    snprintf(row->cells[TIME].text, DT_CELL_MAX, "%.40s", dt_view_time(first->ns, time));
    if (shown->slowdowns > 1)
        print_curve(shown, cell, row->cells[CURVE].text);
    if (isnan(least))
        snprintf(row->cells[LEAST].text, DT_CELL_MAX, "-");
    else
        snprintf(row->cells[LEAST].text, DT_CELL_MAX, "%.1f %%", 100 * least);
    for (size_t s = 0; s < shown->slowdowns && s < RATES_MAX; s++) {
        const struct dt_trial *trial = &shown->trials[s * shown->cells + cell];
        struct dt_grid_cell *shows = &row->cells[RATES + s];
        snprintf(shows->text, DT_CELL_MAX, "%zu/%zu", trial->set.alarms, trial->set.trials);
        if (dt_trial_is_claimed(trial))
            shows->style = dt_trial_holds(trial) ? DT_STYLE_GOOD : DT_STYLE_BAD;
    }
}

static void print_miss(FILE *stream, const char *name, const struct dt_trial *trial)
{
    fprintf(stream, "%s: slowed down by %g %%, found in %zu of %zu runs only", name,
            100 * trial->set.slowdown, trial->set.alarms, trial->set.trials);
    if (trial->voided > 0)
        fprintf(stream, "; the machine disturbed %zu", trial->voided);
    fputc('\n', stream);
}

static void print_failures(FILE *stream, const struct shown *shown)
{
    char name[DT_SUBJECT_TEXT_MAX];
    for (size_t cell = 0; cell < shown->cells; cell++) {
        const struct dt_trial *most = &shown->trials[(shown->slowdowns - 1) * shown->cells + cell];
        name_cell(most, name);
        if (isnan(most->ratio))
            fprintf(stream, "%s was not measured in any run\n", name);
        else if (!dt_trial_moves(most))
            fprintf(stream, "%s does not move: slowed down by %g %% it shows %+.1f %%\n", name,
                    100 * most->set.slowdown, 100 * (most->ratio - 1));
        for (size_t s = 0; s < shown->slowdowns; s++) {
            const struct dt_trial *trial = &shown->trials[s * shown->cells + cell];
            if (!dt_trial_holds(trial))
                print_miss(stream, name, trial);
        }
    }
}

void dt_trials_print(FILE *stream, const struct dt_trial *trials, size_t slowdowns, size_t cells,
                     const struct dt_terminal *terminal)
{
    struct dt_column columns[COLUMNS] = {
        [PROBLEM] = {.head = "problem"},
        [TIME] = {.head = "a call", .right = true, .rank = 1},
        [CURVE] = {.head = slowdowns > 1 ? "curve" : "", .rank = 2},
        [LEAST] = {.head = "detects", .right = true},
    };
    const struct shown shown = {trials, slowdowns, cells, terminal->unicode};
    char heads[RATES_MAX][16];
    for (size_t s = 0; s < slowdowns && s < RATES_MAX; s++) {
        snprintf(heads[s], sizeof heads[s], "%g %%", 100 * trials[s * cells].set.slowdown);
        columns[RATES + s] = (struct dt_column){.head = heads[s], .right = true};
    }
    if (slowdowns > 0)
        columns[RATES].over = "runs that found it slower by";
    const struct dt_grid grid = {.columns = columns,
                                 .column_count =
                                     RATES + (slowdowns < RATES_MAX ? slowdowns : RATES_MAX),
                                 .row_count = cells,
                                 .row = fill_row,
                                 .context = &shown};
    dt_grid_print(stream, &grid, terminal);
    if (slowdowns > 0)
        print_failures(stream, &shown);
}
