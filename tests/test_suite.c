/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The problems of a suite file with this text; the count, or -1 with the error. */
static int load(const char *text, struct dt_problem **problems, struct dt_error *error)
{
    char path[] = "/tmp/disentune-suite-XXXXXX";
    int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    size_t count = 0;
    *problems = NULL;
    enum dt_status status = cli_suite_load(path, problems, &count, error);
    unlink(path);
    return status ? -1 : (int)count;
}

Test(suite, standard_suites_append)
{
    static const char *const names[] = {"deberta-v3", "deberta-v1", "edge", "smoke"};
    struct dt_problem *problems = NULL;
    size_t count = 0, before = 0;
    bool grew = true;
    for (size_t n = 0; n < 4; n++, before = count)
        grew = grew && !cli_suite_load(names[n], &problems, &count, NULL) && count >= before + 5;
    free(problems);
    cr_assert(grew);
}

Test(suite, comments_blanks_and_line_ends)
{
    struct dt_problem *problems;
    int count = load("# head\r\n\n  \t\nn5 log:8:20 # five\r\n\tq7 k9 linear:3", &problems, NULL);
    bool right = count == 2 && problems[0].nq == 5 && problems[1].nq == 7 && problems[1].nk == 9;
    free(problems);
    cr_assert(right);
}

Test(suite, errors_name_the_line)
{
    struct dt_problem *problems;
    struct dt_error error = {0};
    int count = load("n5 log:8:20\n\nn5 log:8:2\n", &problems, &error);
    free(problems);
    cr_assert(count == -1 && error.status == DT_INVALID && strstr(error.text, ":3: "), "%d \"%s\"",
              count, error.text);
}

Test(suite, comment_only_is_an_error)
{
    struct dt_problem *problems;
    struct dt_error error = {0};
    cr_assert_eq(load("# nothing\n", &problems, &error), -1);
    cr_assert(strstr(error.text, "holds no problem"));
}

Test(suite, missing_file_lists_the_standard_ones)
{
    struct dt_problem *problems = NULL;
    struct dt_error error = {0};
    size_t count = 0;
    cr_assert_eq(cli_suite_load("/nowhere/at-all", &problems, &count, &error), DT_INVALID);
    cr_assert(strstr(error.text, "deberta-v3") && strstr(error.text, "smoke"));
}
