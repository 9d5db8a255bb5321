/* SPDX-License-Identifier: MIT */
/*
 * The report to look at: one HTML file that needs no network, no other file and no script, with
 * the evidence itself in it (reports/embedded.h), so that it can be read back. Its pages stand in
 * the table of html.c; reports/page.h tells what they share.
 */
#ifndef DISENTUNE_HTML_H
#define DISENTUNE_HTML_H

#include "reports/evidence.h"

/* What a report may take, in bytes: samples are left out of the data in it, and the report says
 * how many, rather than being longer. Without zlib even the rest may be. */
#define DT_HTML_BYTES_MAX ((size_t)1000000)

/* Errors of the stream stay in the stream. DT_NO_MEMORY. */
enum dt_status dt_html_print(FILE *stream, const struct dt_evidence *evidence,
                             struct dt_error *error);

#endif
