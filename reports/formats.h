/* SPDX-License-Identifier: MIT */
/*
 * All formats of reports and exports, one row each in formats.c. To add one: its function in a
 * file of its own, and the row.
 */
#ifndef DISENTUNE_FORMATS_H
#define DISENTUNE_FORMATS_H

#include "reports/export.h"
#include "reports/grid.h"

struct dt_format {
    const char *name;
    const char *ending; /* of files in it, ".md"; several formats may share one; "" for none */
    const char *summary;
    dt_export_fn *print; /* NULL: for a terminal, see dt_format_print() */
};

/* The n-th format, NULL past the last. The first is for a terminal. */
const struct dt_format *dt_format_at(size_t n);

/* NULL if there is none of that name. */
const struct dt_format *dt_format_find(const char *name);

/* That which the ending of a path tells; for a terminal if none has the ending. DT_INVALID if
 * several have, with a line that names them. */
enum dt_status dt_format_of_path(const char *path, const struct dt_format **format,
                                 struct dt_error *error);

/* The evidence in that format; what `terminal` can show matters to that for a terminal alone.
 * DT_UNSUPPORTED if the evidence has nothing that the format shows, DT_NO_MEMORY. Errors of the
 * stream stay in the stream. */
enum dt_status dt_format_print(const struct dt_format *format, FILE *stream,
                               const struct dt_evidence *evidence,
                               const struct dt_terminal *terminal, struct dt_error *error);

#endif
