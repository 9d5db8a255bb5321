/* SPDX-License-Identifier: MIT */
/*
 * Suites: text, one problem a line, from '#' on a comment, blank lines ignored. The standard
 * ones are files of tuner/suites/, built into the program.
 *
 * Between the tokens of a problem may stand, each once, what is asked of it; DISENTUNE_CAPTURE
 * writes all three (kernels/capture.h):
 *
 *     op:bias        this operation alone
 *     count:31250    how often a program calls it
 *     threads:2      threads of a call of attention
 */
#include "kernels/error.h"
#include "kernels/table.h"
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

/* A decimal number from 1 to `most`; 0 if the text is none. */
static uint64_t parse_count(const char *text, uint64_t most)
{
    uint64_t number = 0;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || number > most)
            return 0;
        number = 10 * number + (uint64_t)(*text - '0');
    }
    return number <= most ? number : 0;
}

enum { COUNT_DIGITS = 15 };
#define COUNT_MAX 1000000000000000u /* below 2^53: exact as a double */

/* Takes a word of the line if it is one of a demand. */
static enum dt_status take_word(const char *word, struct cli_demand *demand, bool *taken,
                                struct dt_error *error)
{
    const char *value = strchr(word, ':');
    *taken = true;
    bool twice = false;
    if (strncmp(word, "op:", 3) == 0) {
        twice = demand->op != DT_OP_COUNT;
        demand->op = dt_op_parse(value + 1);
        if (demand->op == DT_OP_COUNT || demand->op == DT_OP_PROBE)
            return dt_error_set(error, DT_INVALID,
                                "\"%.40s\": use op:bias, op:softmax, op:gemm or op:attention",
                                word);
    } else if (strncmp(word, "count:", 6) == 0) {
        twice = demand->calls > 0;
        demand->calls = (double)parse_count(value + 1, COUNT_MAX);
        if (demand->calls == 0)
            return dt_error_set(error, DT_INVALID, "\"%.40s\": a count is a number from 1 to 10^%d",
                                word, COUNT_DIGITS);
    } else if (strncmp(word, "threads:", 8) == 0) {
        twice = demand->threads > 0;
        demand->threads = (int)parse_count(value + 1, DT_TABLE_THREADS_MAX);
        if (demand->threads == 0)
            return dt_error_set(error, DT_INVALID, "\"%.40s\": threads are a number from 1 to %d",
                                word, DT_TABLE_THREADS_MAX);
    } else {
        *taken = false;
    }
    if (twice)
        return dt_error_set(error, DT_INVALID, "\"%.*s\" stands there twice",
                            (int)(value + 1 - word), word);
    return DT_OK;
}

/* Takes a demand from a line, of which the problem's tokens are left. */
static enum dt_status take_demand(char *line, struct cli_demand *demand, struct dt_error *error)
{
    *demand = (struct cli_demand)CLI_DEMAND_NONE;
    for (char *word = line + strspn(line, " \t"); *word; word += strspn(word, " \t")) {
        const size_t length = strcspn(word, " \t");
        const char end = word[length];
        bool taken;
        word[length] = '\0';
        enum dt_status status = take_word(word, demand, &taken, error);
        if (status)
            return status;
        if (taken)
            memset(word, ' ', length);
        word[length] = end;
        word += length;
    }
    return DT_OK;
}

/* What is read. Without `demands` only the problems are kept. */
struct reader {
    struct dt_problem **problems;
    size_t *count;
    struct cli_demand **demands;
    size_t *demand_count;
};

static enum dt_status add_demand(const struct reader *reader, const struct cli_demand *demand,
                                 struct dt_error *error)
{
    const size_t count = *reader->count;
    struct cli_demand *grown = realloc(*reader->demands, count * sizeof *grown);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "out of memory for %zu problems", count);
    *reader->demands = grown;
    while (*reader->demand_count < count - 1)
        grown[(*reader->demand_count)++] = (struct cli_demand)CLI_DEMAND_NONE;
    grown[(*reader->demand_count)++] = *demand;
    return DT_OK;
}

static enum dt_status read_problem(char *line, const struct reader *reader, struct dt_error *error)
{
    struct dt_problem problem;
    struct cli_demand demand;
    enum dt_status status = take_demand(line, &demand, error);
    if (!status)
        status = dt_problem_parse(line, &problem, error);
    if (!status)
        status = cli_problem_add(&problem, reader->problems, reader->count, error);
    if (!status && reader->demands)
        status = add_demand(reader, &demand, error);
    return status;
}

static enum dt_status read_suite(FILE *stream, const char *name, const struct reader *reader,
                                 struct dt_error *error)
{
    const size_t before = *reader->count;
    char line[LINE_MAX_BYTES + 1];
    const char *reason;
    errno = 0;
    for (int number = 1; read_line(stream, line, &reason); number++) {
        struct dt_error why = {.status = DT_INVALID};
        if (reason)
            return dt_error_set(error, DT_INVALID, "%.120s:%d: %s", name, number, reason);
        line[strcspn(line, "#\r")] = '\0';
        if (line[strspn(line, " \t")] == '\0')
            continue;
        if (read_problem(line, reader, &why))
            return dt_error_set(error, why.status, "%.120s:%d: %s", name, number, why.text);
    }
    if (ferror(stream))
        return dt_error_set(error, DT_IO, "cannot read suite \"%.120s\": %s", name,
                            strerror(errno));
    if (*reader->count == before)
        return dt_error_set(error, DT_INVALID,
                            "suite \"%.120s\" holds no problem; add a line such as "
                            "\"n512 log:256:512\"",
                            name);
    return DT_OK;
}

enum dt_status cli_suite_read(FILE *stream, const char *name, struct dt_problem **problems,
                              size_t *count, struct dt_error *error)
{
    return read_suite(stream, name, &(const struct reader){.problems = problems, .count = count},
                      error);
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

static enum dt_status load(const char *name, const struct reader *reader, struct dt_error *error)
{
    FILE *stream = NULL;
    for (size_t s = 0; s < STANDARD && !stream; s++)
        if (strcmp(standard[s].name, name) == 0)
            stream = fmemopen((void *)standard[s].text, strlen(standard[s].text), "r");
    if (!stream)
        stream = fopen(name, "re");
    if (!stream)
        return no_suite(name, error);
    enum dt_status status = read_suite(stream, name, reader, error);
    fclose(stream);
    return status;
}

enum dt_status cli_suite_load(const char *name, struct dt_problem **problems, size_t *count,
                              struct dt_error *error)
{
    return load(name, &(const struct reader){.problems = problems, .count = count}, error);
}

enum dt_status cli_suite_add(const char *name, struct cli_options *o, struct dt_error *error)
{
    const struct reader reader = {&o->problems, &o->problem_count, &o->demands, &o->demand_count};
    return load(name, &reader, error);
}

struct cli_demand cli_demand_of(const struct cli_options *options, size_t problem)
{
    return problem < options->demand_count ? options->demands[problem]
                                           : (struct cli_demand)CLI_DEMAND_NONE;
}
