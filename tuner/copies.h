/* SPDX-License-Identifier: MIT */
/*
 * A plan against itself: what is seen between two plans that are one. It is the gather-and-add of
 * one head by the built-in heuristic, so that no result of a tuning run decides about it.
 */
#ifndef DISENTUNE_COPIES_H
#define DISENTUNE_COPIES_H

#include "tuner/race.h"

/* Two copies race in 25 blocks on the same operands. |log ratio|: the bound of the 95 % interval of
 * its median that lies farthest from 0. Errors are those of dt_problem_parse(), dt_workload_init(),
 * dt_choice_heuristic() and dt_race_enter(). */
enum dt_status dt_copies_race(const char *problem, struct dt_sampler *sampler, uint64_t seed,
                              double *floor, struct dt_error *error);

/*
 * Median time of a call, of five samples in a process of its own that makes its operands anew, at
 * other addresses for another seed. ns; NAN if the process came to no end. Errors are the same, and
 * those of dt_child_run().
 */
enum dt_status dt_copies_apart(const char *problem, const struct dt_sampler *sampler, uint64_t seed,
                               double *ns, struct dt_error *error);

#endif
