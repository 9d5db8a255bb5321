/* SPDX-License-Identifier: MIT */
/* The reports that --report of `tune` asks for. */
#ifndef DISENTUNE_PAGE_FILES_H
#define DISENTUNE_PAGE_FILES_H

#include "reports/evidence.h"

enum { CLI_PAGE_FILES_MAX = 4 };

struct cli_page_files {
    const char *path[CLI_PAGE_FILES_MAX];
    size_t count;
};

/* Adds a file; the program ends if its name says no format, or there are too many. */
void cli_page_files_add(struct cli_page_files *files, const char *path);

/* Writes what the session found to each, in the format that its name ends in, Markdown where that
 * tells nothing. DT_IO, DT_NO_MEMORY. */
enum dt_status cli_page_files_write(const struct cli_page_files *files,
                                    const struct dt_finding *finding, struct dt_error *error);

#endif
