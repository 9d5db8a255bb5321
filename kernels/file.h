/* SPDX-License-Identifier: MIT */
/* Whole files, read with suspicion and written all or not at all. */
#ifndef DISENTUNE_FILE_H
#define DISENTUNE_FILE_H

#include "kernels/disentune.h"

#include <stdio.h>

/*
 * Reads a regular file of at most `most` bytes into *text, which the caller frees; a 0 follows
 * its last byte. A file that every user may write to is refused. DT_INVALID, DT_IO,
 * DT_NO_MEMORY.
 */
enum dt_status dt_file_read(const char *path, size_t most, char **text, size_t *size,
                            struct dt_error *error);

/*
 * A file in the making: a temporary beside its place, which it takes when it is complete, so that
 * a reader sees the old content or the new, and a failure leaves the old.
 */
struct dt_file_draft {
    FILE *stream; /* write here */
    const char *path;
    char *target, *temporary;
};

/* Writes out what the stream still holds. 0, or the errno of what went wrong; if that was an
 * earlier write, whose reason is lost, it is asked for by one more, of a line's end. */
int dt_file_flush(FILE *stream);

/*
 * Begins the file `path`, which must outlive the draft; a symbolic link is followed. DT_INVALID
 * (not a regular file), DT_IO, DT_NO_MEMORY.
 */
enum dt_status dt_file_begin(struct dt_file_draft *draft, const char *path, struct dt_error *error);

/*
 * Ends it: with `keep` the draft is synced and renamed over the file, else, or on an error, it is
 * removed. DT_IO if anything was not written.
 */
enum dt_status dt_file_end(struct dt_file_draft *draft, bool keep, struct dt_error *error);

/* Makes `text` the content of the file, by way of a draft. The errors of both. */
enum dt_status dt_file_write(const char *path, const char *text, size_t size,
                             struct dt_error *error);

#endif
