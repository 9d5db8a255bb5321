/* SPDX-License-Identifier: MIT */
#ifndef DISENTUNE_PHASE_TABLE_H
#define DISENTUNE_PHASE_TABLE_H

#include "reports/grid.h"
#include "tuner/phases.h"

/* The phases in their order with times, shares and ceilings. */
void cli_phases_print(FILE *stream, const struct dt_phase_times *times,
                      const struct dt_terminal *terminal);

#endif
