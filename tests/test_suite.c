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
    static const char *const names[] = {"deberta-v3", "deberta-v1", "edge", "smoke", "power"};
    struct dt_problem *problems = NULL;
    size_t count = 0, before = 0;
    bool grew = true;
    for (size_t n = 0; n < 5; n++, before = count)
        grew = grew && !cli_suite_load(names[n], &problems, &count, NULL) && count >= before + 4;
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

/* The demands of a suite file with this text; the count, or -1 with the error. */
static int load_demands(const char *text, struct cli_options *options, struct dt_error *error)
{
    char path[] = "/tmp/disentune-suite-XXXXXX";
    int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
    enum dt_status status = cli_suite_add(path, options, error);
    unlink(path);
    return status ? -1 : (int)options->demand_count;
}

Test(suite, lines_tell_operation_count_and_threads)
{
    struct cli_options options = {0};
    const struct dt_problem first = {0};
    cr_assert_eq(cli_problem_add(&first, &options.problems, &options.problem_count, NULL), DT_OK);
    int count = load_demands(
        "count:31250 n5 op:attention log:8:20 threads:2 # often\nn6 linear:3\n", &options, NULL);
    const struct cli_demand none = cli_demand_of(&options, 0), one = cli_demand_of(&options, 1),
                            plain = cli_demand_of(&options, 2), past = cli_demand_of(&options, 3);
    bool right = count == 3 && options.problem_count == 3 && options.problems[1].nq == 5;
    cli_options_clear(&options);
    cr_expect(right);
    cr_expect(none.op == DT_OP_COUNT && none.calls == 0 && none.threads == 0, "of no suite");
    cr_expect(one.op == DT_OP_ATTENTION && one.calls == 31250 && one.threads == 2);
    cr_expect(plain.op == DT_OP_COUNT && plain.calls == 0 && plain.threads == 0);
    cr_expect(past.op == DT_OP_COUNT && past.calls == 0 && past.threads == 0);
}

Test(suite, wrong_demands_are_named)
{
    static const struct {
        const char *words, *message;
    } cases[] = {
        {"op:convolution", "use op:bias"},
        {"op:probe", "use op:bias"},
        {"count:0", "a count is a number"},
        {"count:", "a count is a number"},
        {"count:-3", "a count is a number"},
        {"count:1e3", "a count is a number"},
        {"threads:0", "threads are"},
        {"threads:99999999999999999999", "threads are"},
        {"count:1 count:2", "\"count:\" stands there twice"},
        {"count:1000000000000001", "a count is a number"},
        {"op:bias op:bias", "\"op:\" stands there twice"},
        {"threads:1 threads:2", "\"threads:\" stands there twice"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        char text[128];
        struct cli_options options = {0};
        struct dt_error error = {0};
        snprintf(text, sizeof text, "n5 linear:3\nn5 linear:3 %s\n", cases[n].words);
        int count = load_demands(text, &options, &error);
        cli_options_clear(&options);
        cr_expect(count == -1 && strstr(error.text, ":2: ") && strstr(error.text, cases[n].message),
                  "%s: \"%s\"", cases[n].words, error.text);
    }
}
