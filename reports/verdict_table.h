/* SPDX-License-Identifier: MIT */
/* A comparison of two builds for a terminal. */
#ifndef DISENTUNE_VERDICT_TABLE_H
#define DISENTUNE_VERDICT_TABLE_H

#include "reports/evidence.h"
#include "reports/grid.h"

/* Both builds, a row a cell, worst first, why the worst are what they are, and the tally. Errors of
 * the stream stay in the stream. DT_NO_MEMORY. */
enum dt_status dt_verdict_table(FILE *stream, const struct dt_finding *finding,
                                const struct dt_terminal *terminal, struct dt_error *error);

#endif
