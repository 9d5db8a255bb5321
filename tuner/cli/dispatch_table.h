/* SPDX-License-Identifier: MIT */
#ifndef DISENTUNE_CLI_DISPATCH_TABLE_H
#define DISENTUNE_CLI_DISPATCH_TABLE_H

#include "reports/grid.h"
#include "tuner/dispatch.h"

/* `bench --dispatch` for a person. */
void cli_dispatch_print(FILE *stream, const struct dt_dispatch *dispatch,
                        const struct dt_terminal *terminal);

#endif
