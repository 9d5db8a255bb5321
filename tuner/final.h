/* SPDX-License-Identifier: MIT */
/* The last race: of the plans that a search could not tell apart, on the problem itself. */
#ifndef DISENTUNE_FINAL_H
#define DISENTUNE_FINAL_H

#include "tuner/tune.h"

/* dt_board_limit() of a last race. More patient: what is dropped here is lost, and a single sample
 * may take several times as long. */
double dt_final_limit(size_t blocks);

/*
 * Runs the race, of which the runners have entered and each has passed its trial, for about
 * `seconds`. With DT_GOAL_WINNER the slow are dropped, and as long as several compete and the time
 * suffices, its blocks are spread over DT_FINAL_PROCESSES fresh processes. Blocks in which the core
 * was shared do not count towards those that it takes, but cost its time. There is one block at
 * least. Fills blocks, processes and complete of the outcome and adds to its samples. DT_NO_MEMORY.
 */
enum dt_status dt_final_run(const struct dt_tuner *tuner, struct dt_race *race, double seconds,
                            struct dt_outcome *outcome, struct dt_error *error);

#define DT_FINAL_PROCESSES 6

/* By how much at most, with 95 %, another runner is faster than the winner: 0.01 for 1 %. */
double dt_final_regret(const struct dt_race *race, size_t winner);

#endif
