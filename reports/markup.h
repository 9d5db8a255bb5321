/* SPDX-License-Identifier: MIT */
/* Text in HTML and SVG. */
#ifndef DISENTUNE_MARKUP_H
#define DISENTUNE_MARKUP_H

#include <stdio.h>

/* Text of unknown content in an element or in a quoted attribute (reports/escape.h). */
void dt_markup_put(FILE *stream, const char *text);

/* The same, with `names` between back quotes as <code>. An odd one stays a back quote. A number and
 * its "%" stay in one line. */
void dt_markup_rich(FILE *stream, const char *text);

/* The same without the back quotes: for places that take text alone. */
void dt_markup_plain(FILE *stream, const char *text);

#endif
