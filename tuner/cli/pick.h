/* SPDX-License-Identifier: MIT */
/* What of the evidence is asked for: sessions by --keep and --since, findings by --op, --variant,
 * --problem and --suite. */
#ifndef DISENTUNE_PICK_H
#define DISENTUNE_PICK_H

#include "reports/store.h"
#include "tuner/cli/cli.h"

/* The arguments of --keep and --since. A bad one prints one line and exits with CLI_USAGE. */
size_t cli_pick_keep(const char *text);
const char *cli_pick_since(const char *text);

/* Removes what is not asked for, then the sessions of which nothing is left or that are not
 * selected. Returns how many findings there were. */
size_t cli_pick(const struct cli_options *options, const struct dt_store_selection *selection,
                struct dt_evidence *evidence);

#endif
