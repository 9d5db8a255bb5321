/* SPDX-License-Identifier: MIT */
/* The search for the best attention: down the axes of its space, one after the other. */
#ifndef DISENTUNE_DESCEND_H
#define DISENTUNE_DESCEND_H

#include "tuner/tune.h"

/*
 * dt_tune() for attention. Beside the problem itself its content-to-content part, the same problem
 * without position terms, is searched for its best choice and timed with the others: the records'
 * ratio_to_c2c. With tuner->threads > 1 they are timed with the best choice for one thread, too.
 *
 * With DT_GOAL_VARIANTS there is a record for each variant that is selected, with the parts that
 * the search of its instruction set found and a tile of its own.
 */
enum dt_status dt_descend(const struct dt_tuner *tuner, const struct dt_problem *problem,
                          double seconds, struct dt_records *records, struct dt_outcome *outcome,
                          struct dt_error *error);

#endif
