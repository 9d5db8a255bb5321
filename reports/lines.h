/* SPDX-License-Identifier: MIT */
/* JSON Lines: a file of one JSON object a line. */
#ifndef DISENTUNE_LINES_H
#define DISENTUNE_LINES_H

#include "kernels/error.h"

#include <jansson.h>
#include <stdio.h>

/* Takes one line, without its end. Any status but DT_OK ends the reading. */
typedef enum dt_status dt_line_fn(void *context, const char *line, size_t length,
                                  struct dt_error *error);

/*
 * Gives every line of a file to `take`; "-" is standard input. Of an HTML report these are the
 * lines in it (reports/embedded.h). Its message, and that of a line that is too long or one too
 * many, begins with file and line, and is made printable. DT_IO, DT_INVALID, DT_NO_MEMORY.
 */
enum dt_status dt_lines_read(const char *path, dt_line_fn *take, void *context,
                             struct dt_error *error);

/* The object of a line; a new reference. DT_INVALID. */
enum dt_status dt_line_parse(const char *line, size_t length, json_t **object,
                             struct dt_error *error);

/* Writes a line and takes over the reference; NULL stands for one that there was no memory for.
 * Doubles keep 17 significant digits: reading gives back the same values. DT_IO, with the operating
 * system's reason; DT_NO_MEMORY. */
enum dt_status dt_line_write(FILE *stream, json_t *object, struct dt_error *error);

#endif
