/* SPDX-License-Identifier: MIT */
/* What the verbs of the program share: options, exit codes, messages. */
#ifndef DISENTUNE_CLI_H
#define DISENTUNE_CLI_H

#include "kernels/variant.h"

#include <argp.h>
#include <stdio.h>

/* The last four are of comparisons alone; 77 and 99 are what meson expects of a test. */
enum {
    CLI_OK = 0,
    CLI_NEGATIVE = 1,
    CLI_USAGE = 2,
    CLI_UNDECIDED = 3,
    CLI_ENVIRONMENT = 4,
    CLI_SKIPPED = 77,
    CLI_DEFECT = 99
};

/* One verb: a file verb_<name>.c, a declaration and a line of the table in main.c. argv[0] is the
 * verb's name. Returns the exit code. A verb without summary is for programs, and is not listed. */
struct cli_verb {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
};

int verb_info(int argc, char **argv);
int verb_list(int argc, char **argv);
int verb_verify(int argc, char **argv);
int verb_bench(int argc, char **argv);
int verb_tune(int argc, char **argv);
int verb_replay(int argc, char **argv);
int verb_explain(int argc, char **argv);
int verb_merge(int argc, char **argv);
int verb_report(int argc, char **argv);
int verb_compare(int argc, char **argv);
int verb_regress(int argc, char **argv);
int verb_db(int argc, char **argv);
int verb_history(int argc, char **argv);
int verb_selftest(int argc, char **argv);
int verb_serve(int argc, char **argv);

#define CLI_THREADS_MAX 16

/* What a line of a suite says beside its problem: see tuner/cli/suite.c. */
struct cli_demand {
    enum dt_op op; /* DT_OP_COUNT: all */
    double calls;  /* of a program; 0: it does not say */
    int threads;   /* 0: it does not say */
};

#define CLI_DEMAND_NONE                                                                            \
    {                                                                                              \
        .op = DT_OP_COUNT                                                                          \
    }

/* The options that every verb understands. */
struct cli_options {
    enum dt_op op;                /* DT_OP_COUNT: all that apply */
    const char *variant;          /* glob over names, NULL: all */
    struct dt_problem *problems;  /* of --problem and --suite, in order; owned */
    size_t problem_count;         /* 0: none was given */
    struct cli_demand *demands;   /* of the first demand_count problems; owned */
    size_t demand_count;          /* see cli_demand_of() */
    int threads[CLI_THREADS_MAX]; /* rising; default those of the suites, else 1 */
    size_t thread_count;
    uint64_t seed;     /* default 1 */
    const char *kind;  /* of core, NULL: all */
    const char *table; /* NULL: none was given */
    const char *json;  /* NULL, or a path, or "-" for standard output */
    const char *db;    /* NULL: see cli_store_path(); or a path, or "none" */
    bool quiet;
    bool foreign; /* --op and --variant may select what this build lacks: set it in the verb's
                     parser at ARGP_KEY_INIT */
};

/*
 * Parses the common options and those of `own` (a verb's own options and arguments; may be
 * NULL, its parser receives own_input as state->input). A bad option prints one line on
 * stderr and exits with CLI_USAGE; --help prints and exits with 0. Also checks DISENTUNE_CPU.
 */
void cli_parse(int argc, char **argv, const char *summary, const struct argp *own, void *own_input,
               struct cli_options *options);
void cli_options_clear(struct cli_options *options);

/* "60", "60s", "1.5m", "1h" in seconds, at most a week; 0 if it is none of these. */
double cli_duration(const char *text);

/* Appends one problem. DT_INVALID (too many), DT_NO_MEMORY. */
enum dt_status cli_problem_add(const struct dt_problem *problem, struct dt_problem **problems,
                               size_t *count, struct dt_error *error);

/* Appends the problems of a standard suite or of a suite file. DT_INVALID names file and line. */
enum dt_status cli_suite_load(const char *name, struct dt_problem **problems, size_t *count,
                              struct dt_error *error);

/* cli_suite_load() of an open file; `name` is for messages. DT_IO too, DT_NO_MEMORY. */
enum dt_status cli_suite_read(FILE *stream, const char *name, struct dt_problem **problems,
                              size_t *count, struct dt_error *error);

/* The same with what the lines demand. */
enum dt_status cli_suite_add(const char *name, struct cli_options *options, struct dt_error *error);

/* What is demanded of a problem; CLI_DEMAND_NONE of one that comes from no suite. */
struct cli_demand cli_demand_of(const struct cli_options *options, size_t problem);

/* Whether `variant` passes --op and --variant. Probes pass only if asked for by --op. */
bool cli_selects(const struct cli_options *options, const struct dt_variant *variant);

/* The path of this program, "" if it is longer than that. Returns `path`. */
enum { CLI_PATH_MAX = 4096 };
const char *cli_own_path(char path[CLI_PATH_MAX]);

/* Prints "disentune: MESSAGE" and returns CLI_USAGE. */
int cli_fail(const struct dt_error *error);
__attribute__((format(printf, 1, 2))) int cli_fail_text(const char *format, ...);

/* Whether to colour what goes to this stream: a terminal and no NO_COLOR. */
bool cli_colour(FILE *stream);

/*
 * A line of progress with the remaining time, on stderr, only if that is a terminal and not
 * --quiet; done and total are any unit. cli_progress_end() wipes it.
 */
void cli_progress(const struct cli_options *options, const char *what, double done, double total);
void cli_progress_end(const struct cli_options *options);

/* Flushes and checks stdout: a full disk or a closed pipe makes CLI_USAGE of `code`, with a line
 * that says so unless `code` is that already. */
int cli_finish(int code);

#endif
