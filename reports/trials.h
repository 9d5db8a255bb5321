/* SPDX-License-Identifier: MIT */
/*
 * What a comparison is worth, from runs of which the truth is known: how often a build went red
 * that does not differ from itself, and how often one that was slowed down did. What is claimed was
 * fixed before anything was measured.
 */
#ifndef DISENTUNE_TRIALS_H
#define DISENTUNE_TRIALS_H

#include "reports/evidence.h"
#include "reports/grid.h"

/* Of builds that do not differ: red runs are at most 5 %, with 95 % confidence. 59 runs without a
 * red one show it, or 93 with one. */
#define DT_TRIALS_ALARMS 0.05
#define DT_TRIALS_CONFIDENCE 0.95

/* Of cells that take 1 ms or more: slowed down by 5 % found in 90 % of runs, by 10 % in all. */
#define DT_TRIALS_LEAST_NS 1e6
#define DT_TRIALS_SLOWER 0.05
#define DT_TRIALS_FOUND 0.9
#define DT_TRIALS_PLAINLY_SLOWER 0.10

/* One cell at one slow-down, over all runs. A cell that shows less than half of what its kernel was
 * slowed down by does not measure the kernel. */
struct dt_trial {
    struct dt_trial_set set; /* least_effect is the median over runs */
    double ns;               /* of a call, not slowed down */
    double ratio;            /* HEAD / BASE, median over runs */
    size_t voided;           /* runs that the machine disturbed too much to tell */
};

/* Fills rate_lo and rate_hi. */
void dt_trials_bound(struct dt_trial_set *set);

/* The upper limit of the rate, one-sided: of alarms that are false. */
double dt_trials_false_alarms(const struct dt_trial_set *set);

bool dt_trial_moves(const struct dt_trial *trial);

/* Whether the claim holds for this cell and slow-down; true where nothing is claimed. */
bool dt_trial_holds(const struct dt_trial *trial);
bool dt_trial_is_claimed(const struct dt_trial *trial);

/*
 * trials[s * cells + c] is cell c at slow-down s, rising: a line a cell with its rates, the curve,
 * and the least slow-down that it detects; then a line for each cell that does not move and each
 * claim that does not hold.
 */
void dt_trials_print(FILE *stream, const struct dt_trial *trials, size_t slowdowns, size_t cells,
                     const struct dt_terminal *terminal);

#endif
