/* SPDX-License-Identifier: MIT */
/* What a comparison of builds is to compare, from the options of a verb. */
#ifndef DISENTUNE_CELLS_H
#define DISENTUNE_CELLS_H

#include "reports/evidence.h"
#include "tuner/cli/cli.h"

/*
 * Each problem with bias and attention, or with --op, each once, attention for each number of
 * threads. With --variant a cell for each variant that matches and computes the problem here, else
 * one for the build's own choice. The caller frees *subjects, NULL if there are none. DT_NO_MEMORY,
 * DT_INVALID.
 */
enum dt_status cli_cells_collect(const struct cli_options *options, struct dt_subject **subjects,
                                 size_t *count, struct dt_error *error);

#endif
