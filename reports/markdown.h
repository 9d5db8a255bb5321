/* SPDX-License-Identifier: MIT */
/* A report in GitHub's Markdown. */
#ifndef DISENTUNE_MARKDOWN_H
#define DISENTUNE_MARKDOWN_H

#include "reports/record.h"

/*
 * Machine, ceilings, the winner of each problem, each problem with a finding and its variants at
 * their best tile, provenance. The same records give the same bytes. Errors of the stream stay in
 * the stream. DT_NO_MEMORY.
 */
enum dt_status dt_markdown_print(FILE *stream, const struct dt_records *records,
                                 struct dt_error *error);

#endif
