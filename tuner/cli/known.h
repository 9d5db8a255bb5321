/* SPDX-License-Identifier: MIT */
/* What a dispatch table knows of a problem before it is tuned again. */
#ifndef DISENTUNE_KNOWN_H
#define DISENTUNE_KNOWN_H

#include "kernels/table.h"

/*
 * The choices of the records that are nearest to the problem, its own first; also those of another
 * set of variants, which may be good still. At most `most`; how many there are. `table` may be
 * NULL.
 */
size_t cli_known_choices(const struct dt_table *table, enum dt_op op,
                         const struct dt_problem *problem, int32_t threads,
                         const struct dt_machine_keys *machine, size_t most,
                         struct dt_choice *choices);

#endif
