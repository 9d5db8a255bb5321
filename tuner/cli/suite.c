/* SPDX-License-Identifier: MIT */
/*
 * Suites: text, one problem a line, from '#' on a comment, blank lines ignored. The standard
 * ones are files of tuner/suites/, built into the program.
 */
#include "kernels/error.h"
#include "tuner/cli/cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE_MAX_BYTES = 512, /* a canonical problem is shorter than DT_PROBLEM_TEXT_MAX */
    PROBLEMS_MAX = 10000,
};

static const struct {
    const char *name, *text;
} standard[] = {
#include "suites.inc"
};

#define STANDARD (sizeof standard / sizeof *standard)

enum dt_status cli_problem_add(const struct dt_problem *problem, struct dt_problem **problems,
                               size_t *count, struct dt_error *error)
{
    if (*count >= PROBLEMS_MAX)
        return dt_error_set(error, DT_INVALID, "more than %d problems; use several runs",
                            PROBLEMS_MAX);
    struct dt_problem *grown = realloc(*problems, (*count + 1) * sizeof *grown);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "out of memory for %zu problems", *count + 1);
    grown[(*count)++] = *problem;
    *problems = grown;
    return DT_OK;
}

/* The reason why a byte cannot be part of a suite, NULL if it can. */
static const char *refuse(int byte, size_t length)
{
    if (length >= LINE_MAX_BYTES)
        return "line is too long; a suite is text, one problem a line";
    if (byte != '\t' && byte != '\r' && (byte < ' ' || byte == 0x7f))
        return "holds binary data; a suite is text, one problem a line";
    return NULL;
}

/* Reads one line without its end into `line`. False at the end of the file. */
static bool read_line(FILE *stream, char line[LINE_MAX_BYTES + 1], const char **reason)
{
    size_t length = 0;
    int byte;
    *reason = NULL;
    while ((byte = getc(stream)) != EOF && byte != '\n') {
        if ((*reason = refuse(byte, length)))
            return true;
        line[length++] = (char)byte;
    }
    line[length] = '\0';
    return byte != EOF || (length > 0 && !ferror(stream));
}

enum dt_status cli_suite_read(FILE *stream, const char *name, struct dt_problem **problems,
                              size_t *count, struct dt_error *error)
{
    const size_t before = *count;
    char line[LINE_MAX_BYTES + 1];
    const char *reason;
    errno = 0;
    for (int number = 1; read_line(stream, line, &reason); number++) {
        struct dt_error why = {.status = DT_INVALID};
        struct dt_problem problem;
        if (reason)
            return dt_error_set(error, DT_INVALID, "%.120s:%d: %s", name, number, reason);
        line[strcspn(line, "#\r")] = '\0';
        if (line[strspn(line, " \t")] == '\0')
            continue;
        if (dt_problem_parse(line, &problem, &why) ||
            cli_problem_add(&problem, problems, count, &why))
            return dt_error_set(error, why.status, "%.120s:%d: %s", name, number, why.text);
    }
    if (ferror(stream))
        return dt_error_set(error, DT_IO, "cannot read suite \"%.120s\": %s", name,
                            strerror(errno));
    if (*count == before)
        return dt_error_set(error, DT_INVALID,
                            "suite \"%.120s\" holds no problem; add a line such as "
                            "\"n512 log:256:512\"",
                            name);
    return DT_OK;
}

static enum dt_status no_suite(const char *name, struct dt_error *error)
{
    const int reason = errno;
    char names[160] = "";
    for (size_t s = 0, used = 0; s < STANDARD && used < sizeof names; s++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", s ? ", " : "",
                                 standard[s].name);
    return dt_error_set(error, reason == ENOENT ? DT_INVALID : DT_IO,
                        "suite \"%.80s\": %s; give a file or one of %s", name, strerror(reason),
                        names);
}

enum dt_status cli_suite_load(const char *name, struct dt_problem **problems, size_t *count,
                              struct dt_error *error)
{
    FILE *stream = NULL;
    for (size_t s = 0; s < STANDARD && !stream; s++)
        if (strcmp(standard[s].name, name) == 0)
            stream = fmemopen((void *)standard[s].text, strlen(standard[s].text), "r");
    if (!stream)
        stream = fopen(name, "re");
    if (!stream)
        return no_suite(name, error);
    enum dt_status status = cli_suite_read(stream, name, problems, count, error);
    fclose(stream);
    return status;
}
