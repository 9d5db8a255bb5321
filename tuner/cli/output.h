/* SPDX-License-Identifier: MIT */
/* Where a verb writes to: standard output, a device, or a file that is complete or absent. */
#ifndef DISENTUNE_OUTPUT_H
#define DISENTUNE_OUTPUT_H

#include "kernels/file.h"

struct cli_output {
    FILE *stream; /* write here */
    const char *path;
    struct dt_file_draft draft; /* without a stream: the path is written to directly */
};

/*
 * Opens `path` for writing; "-" is standard output. What exists and is no regular file (a
 * device, a pipe) is written to directly. `path` must outlive the output. DT_IO, DT_NO_MEMORY.
 */
enum dt_status cli_output_open(struct cli_output *output, const char *path, struct dt_error *error);

/*
 * Ends it: with `keep` the file takes its place, else, or on an error, what was written is
 * removed and an earlier file of that name stays. Standard output is only flushed. DT_IO.
 */
enum dt_status cli_output_close(struct cli_output *output, bool keep, struct dt_error *error);

/* Ends it after JSON, of which a value could not be made if it is not `complete`. Prints what is
 * wrong; returns the exit code. */
int cli_output_finish(struct cli_output *output, bool complete);

#endif
