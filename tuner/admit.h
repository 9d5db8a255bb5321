/* SPDX-License-Identifier: MIT */
/* Runners of a race validated and called once, in a process of their own, before they enter it. */
#ifndef DISENTUNE_ADMIT_H
#define DISENTUNE_ADMIT_H

#include "tuner/race.h"
#include "tuner/tune.h"
#include "tuner/validators.h"

/* Tries runners (dt_child_try()) and complains of those that do not pass: passed[n] is that of
 * runners[n]. */
enum dt_status dt_admit_try(const struct dt_tuner *tuner, struct dt_validator *validator,
                            struct dt_race *race, const size_t *runners, size_t count, double until,
                            bool *passed, size_t *tried, struct dt_outcome *outcome,
                            struct dt_error *error);

/* Lets all runners enter the race that pass. */
enum dt_status dt_admit_all(const struct dt_tuner *tuner, struct dt_validator *validator,
                            struct dt_race *race, struct dt_outcome *outcome,
                            struct dt_error *error);

#endif
