/* SPDX-License-Identifier: MIT */
/* Where verbs keep what they find: the store of --db, or that of the user. */
#ifndef DISENTUNE_KEEP_H
#define DISENTUNE_KEEP_H

#include "reports/evidence.h"
#include "tuner/cli/cli.h"

struct cli_keeper {
    char *path; /* NULL: nothing is kept */
    bool asked; /* by --db: a failure is an error */
};

/*
 * The store that --db names; without it $XDG_DATA_HOME/disentune/store.db or
 * ~/.local/share/disentune/store.db. The caller frees *path, which is NULL for --db none. DT_IO
 * where there is no home, DT_NO_MEMORY.
 */
enum dt_status cli_store_path(const struct cli_options *options, char **path,
                              struct dt_error *error);

/*
 * Opens the store once, so that one that cannot be written to is known before anything is measured,
 * and makes it if need be. If --db did not ask for it a failure is a line on stderr, and nothing is
 * kept. The caller ends with cli_keep_end(). Errors of dt_store_open().
 */
enum dt_status cli_keep_begin(struct cli_keeper *keeper, const struct cli_options *options,
                              struct dt_error *error);

/* Appends a finding, or a further part of it. Between calls the store is closed: whatever
 * a measured kernel does cannot harm it, and no other process waits. Fails as cli_keep_begin(). */
enum dt_status cli_keep(struct cli_keeper *keeper, const struct dt_finding *finding,
                        struct dt_error *error);

void cli_keep_end(struct cli_keeper *keeper);

/* Reads a store or JSON Lines, whichever the file is; "-" is JSON Lines on standard input. Errors
 * of dt_evidence_read() and dt_store_load(). */
enum dt_status cli_evidence_read(const char *path, struct dt_evidence *evidence,
                                 struct dt_error *error);

#endif
