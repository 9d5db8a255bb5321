/* SPDX-License-Identifier: MIT */
/* Whole files, read with suspicion and written all or not at all. */
#ifndef DISENTUNE_FILE_H
#define DISENTUNE_FILE_H

#include "kernels/disentune.h"

/*
 * Reads a regular file of at most `most` bytes into *text, which the caller frees; a 0 follows
 * its last byte. A file that every user may write to is refused. DT_INVALID, DT_IO,
 * DT_NO_MEMORY.
 */
enum dt_status dt_file_read(const char *path, size_t most, char **text, size_t *size,
                            struct dt_error *error);

/*
 * Makes `text` the content of the file, which is made if absent: a temporary beside it is
 * written, synced and renamed over it, so that a reader sees the old content or the new, and a
 * failure leaves the old. A symbolic link is followed. DT_INVALID (not a regular file), DT_IO,
 * DT_NO_MEMORY.
 */
enum dt_status dt_file_write(const char *path, const char *text, size_t size,
                             struct dt_error *error);

#endif
