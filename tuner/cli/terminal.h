/* SPDX-License-Identifier: MIT */
/* What a stream that a report is printed to can show. */
#ifndef DISENTUNE_TERMINAL_H
#define DISENTUNE_TERMINAL_H

#include "reports/grid.h"

/*
 * Colour as cli_colour() says; Unicode if the locale's encoding is UTF-8 (by LC_ALL, LC_CTYPE,
 * LANG); the window's width, at most 100, and 100 for what is no terminal.
 */
struct dt_terminal cli_terminal(FILE *stream);

#endif
