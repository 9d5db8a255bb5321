/* SPDX-License-Identifier: MIT */
/* `tune --prove` and `tune --prove-aa`: whether the tuner can be trusted here. */
#ifndef DISENTUNE_PROOFS_H
#define DISENTUNE_PROOFS_H

#include "tuner/cli/tasks.h"

/*
 * For each task and number of threads: tunes it in its share of `seconds`, searches its space
 * exhaustively and times both plans side by side, for at most `comparing` seconds (0: the default).
 * Prints a line for each, and --json one of JSON. CLI_NEGATIVE if fewer than 95 % of the cells are
 * within 3 % of the best, or the search took more than 15 % of the samples.
 */
int cli_prove(struct cli_measure *measure, double seconds, double comparing);

/* Races two copies of a plan `races` times, of bias and attention in turn; CLI_NEGATIVE if more
 * than 1 % of the races declare a winner. */
int cli_prove_same(struct cli_measure *measure, size_t races);

#endif
