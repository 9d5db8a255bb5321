/* SPDX-License-Identifier: MIT */
/* The table that a process looks plans up in when it is given none. */
#ifndef DISENTUNE_STANDING_H
#define DISENTUNE_STANDING_H

#include "kernels/table.h"

/*
 * The table that DISENTUNE_TABLE names, read when it is first asked for under that name; without a
 * name what was installed; NULL if there is neither. It stays as it is until dt_standing_give(),
 * which must follow even a failure. DT_IO, DT_INVALID, DT_NO_MEMORY.
 */
enum dt_status dt_standing_take(const struct dt_table **table, struct dt_error *error);
void dt_standing_give(void);

#endif
