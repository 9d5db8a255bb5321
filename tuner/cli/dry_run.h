/* SPDX-License-Identifier: MIT */
/* `tune --dry-run`: what would be tried, and what the prior thinks best, without measuring. */
#ifndef DISENTUNE_DRY_RUN_H
#define DISENTUNE_DRY_RUN_H

#include "tuner/cli/cli.h"

/* Plans for the machine of an hwloc file or text; NULL: for this one. With --json one line for each
 * kind of core, problem, operation and number of threads. Returns the exit code. */
int cli_dry_run(const struct cli_options *options, const char *topology);

#endif
