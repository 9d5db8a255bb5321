/* SPDX-License-Identifier: MIT */
#include "reports/lines.h"

#include "reports/embedded.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX ((size_t)4 << 20)
#define LINES_MAX ((size_t)1000000)

/* One line without its end into buffer[LINE_BYTES_MAX]; false at the end of the stream. A length
 * of LINE_BYTES_MAX stands for a line that is longer than the buffer may hold. */
static bool read_line(FILE *stream, char *buffer, size_t *length)
{
    int c;
    size_t n = 0;
    while (n < LINE_BYTES_MAX && (c = getc_unlocked(stream)) != EOF && c != '\n')
        buffer[n++] = (char)c;
    *length = n;
    return n > 0 || c != EOF;
}

static enum dt_status read_lines(FILE *stream, char *buffer, dt_line_fn *take, void *context,
                                 size_t *number, struct dt_error *error)
{
    size_t length;
    for (*number = 1; read_line(stream, buffer, &length); ++*number) {
        if (length == LINE_BYTES_MAX)
            return dt_error_set(error, DT_INVALID, "longer than %zu bytes", LINE_BYTES_MAX);
        if (*number > LINES_MAX)
            return dt_error_set(error, DT_INVALID, "more than %zu lines", LINES_MAX);
        enum dt_status status = take(context, buffer, length, error);
        if (status)
            return status;
    }
    return DT_OK;
}

/* The same of the data in an HTML report, which begins where no JSON can. */
static enum dt_status read_any(FILE *stream, char *buffer, dt_line_fn *take, void *context,
                               size_t *number, struct dt_error *error)
{
    char *text;
    size_t size;
    const int first = getc(stream);
    if (first != EOF)
        ungetc(first, stream);
    if (first != '<')
        return read_lines(stream, buffer, take, context, number, error);
    *number = 1;
    enum dt_status status = dt_embedded_read(stream, &text, &size, error);
    if (status)
        return status;
    FILE *lines = fmemopen(text, size, "r");
    status = lines ? read_lines(lines, buffer, take, context, number, error)
                   : dt_error_set(error, DT_NO_MEMORY, "no memory for the data of a report");
    if (lines)
        fclose(lines);
    free(text);
    return status;
}

/* Puts file and line in front of a message; what it quotes from the file is made printable. */
static enum dt_status locate(const char *path, size_t number, enum dt_status status,
                             struct dt_error *error)
{
    if (!error)
        return status;
    char reason[sizeof error->text];
    memcpy(reason, error->text, sizeof reason);
    for (char *c = reason; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    return dt_error_set(error, status, "%.120s:%zu: %.120s", path, number, reason);
}

enum dt_status dt_lines_read(const char *path, dt_line_fn *take, void *context,
                             struct dt_error *error)
{
    const bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    size_t number = 0;
    FILE *stream = standard ? stdin : fopen(path, "re");
    if (!stream)
        return dt_error_set(error, DT_IO, "cannot open %.160s: %s", name, strerror(errno));
    char *buffer = malloc(LINE_BYTES_MAX);
    enum dt_status status = DT_OK;
    if (!buffer) {
        status = dt_error_set(error, DT_NO_MEMORY, "no memory to read %.160s", name);
    } else {
        status = read_any(stream, buffer, take, context, &number, error);
        if (status)
            locate(name, number, status, error);
        if (ferror(stream))
            status = dt_error_set(error, DT_IO, "cannot read %.160s: %s", name, strerror(errno));
    }
    free(buffer);
    if (!standard)
        fclose(stream);
    return status;
}

enum dt_status dt_line_parse(const char *line, size_t length, json_t **object,
                             struct dt_error *error)
{
    json_error_t reason;
    *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &reason);
    if (*object)
        return DT_OK;
    return dt_error_set(error, DT_INVALID, "no JSON object: %.100s", reason.text);
}

enum dt_status dt_line_write(FILE *stream, json_t *object, struct dt_error *error)
{
    char *line = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(object);
    if (!line)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a record");
    const bool written =
        fputs(line, stream) != EOF && fputc('\n', stream) != EOF && !fflush(stream);
    free(line);
    return written ? DT_OK
                   : dt_error_set(error, DT_IO, "cannot write a record: %s", strerror(errno));
}
