/* SPDX-License-Identifier: MIT */
/* Suites: the problems of one, printed one a line, are a suite of the same problems. */
#include "tests/fuzz/fuzz.h"
#include "tuner/cli/cli.h"

struct problems {
    struct dt_problem *list;
    size_t count;
};

static enum dt_status read_suite(const void *text, size_t size, struct problems *problems,
                                 struct dt_error *error)
{
    *problems = (struct problems){0};
    FILE *stream = fmemopen((void *)text, size, "r");
    fuzz_require(stream);
    enum dt_status status =
        cli_suite_read(stream, "fuzz", &problems->list, &problems->count, error);
    fclose(stream);
    return status;
}

static void print_suite(const struct problems *problems, char **text, size_t *size)
{
    char line[DT_PROBLEM_TEXT_MAX];
    FILE *stream = open_memstream(text, size);
    fuzz_require(stream);
    for (size_t n = 0; n < problems->count; n++)
        fprintf(stream, "%s\n", dt_problem_print(&problems->list[n], line));
    fclose(stream);
}

static void check_round_trip(const struct problems *problems)
{
    char *text, *again;
    size_t size, size_again;
    struct problems read;
    struct dt_error error;
    print_suite(problems, &text, &size);
    fuzz_require(!read_suite(text, size, &read, &error));
    print_suite(&read, &again, &size_again);
    fuzz_require(size == size_again && memcmp(text, again, size) == 0);
    free(read.list);
    free(again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct problems problems;
    struct dt_error error = {0};
    enum dt_status status = read_suite(data, size, &problems, &error);
    if (status)
        fuzz_require_error(status, &error);
    else
        check_round_trip(&problems);
    free(problems.list);
    return 0;
}
