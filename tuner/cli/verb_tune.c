/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"
#include "kernels/table.h"
#include "reports/markdown.h"
#include "reports/summary.h"
#include "tuner/cli/measure.h"
#include "tuner/cli/terminal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct own {
    double budget;
    const char *report;
};

static const struct argp_option own_options[] = {
    {"budget", 'b', "DURATION", 0, "time to spend, e.g. 90s or 5m (default 60s)", 0},
    {"report", 'r', "FILE", 0, "write a Markdown report there", 0},
    {0},
};

/* "60", "60s", "1.5m", "1h" in seconds; 0 if it is none of these. */
static double parse_duration(const char *text)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || !(value > 0))
        return 0;
    const double unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : 1;
    if (*end && (!strchr("smh", *end) || end[1]))
        return 0;
    return value * unit <= 7 * 24 * 3600.0 ? value * unit : 0;
}

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    switch (key) {
    case 'b':
        own->budget = parse_duration(text);
        if (own->budget == 0)
            exit(cli_fail_text("--budget is \"%.40s\"; use e.g. 60s, 5m or 1h", text));
        return 0;
    case 'r':
        own->report = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* The space of attention is larger and its calls are longer. */
enum { ATTENTION_WEIGHT = 8 };

/* One problem to tune, each class once. */
struct task {
    enum dt_op op;
    struct dt_problem problem;
    double weight; /* share of the budget */
};

static size_t collect(const struct cli_measure *m, struct task *tasks)
{
    static const enum dt_op ops[] = {DT_OP_BIAS, DT_OP_SOFTMAX, DT_OP_GEMM, DT_OP_ATTENTION};
    size_t count = 0;
    for (size_t p = 0; p < m->options->problem_count; p++)
        for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
            struct task task = {ops[o], dt_problem_class(ops[o], &m->options->problems[p]), 0};
            bool known = !cli_measure_wants(m, ops[o], &task.problem);
            for (size_t t = 0; t < count && !known; t++)
                known = tasks[t].op == task.op &&
                        memcmp(&tasks[t].problem, &task.problem, sizeof task.problem) == 0;
            task.weight = 256 + sqrt((double)task.problem.nq * task.problem.nk);
            task.weight *= ops[o] == DT_OP_ATTENTION ? ATTENTION_WEIGHT : 1;
            if (!known)
                tasks[count++] = task;
        }
    return count;
}

/* The table to add to: that of the file if there is one of this build, else a new one. It is
 * written at once, so that a path that cannot be written to is known before anything is measured.
 */
static enum dt_status open_table(const char *path, const struct dt_session *session,
                                 struct dt_table **table, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    *table = NULL;
    if (path && access(path, F_OK) == 0)
        status = dt_table_load(path, table, error);
    if (status)
        return status;
    if (!*table || (*table)->stale) {
        dt_table_free(*table);
        *table = NULL;
        status = dt_table_create(session->compiler, table, error);
    }
    if (!status && path)
        status = dt_table_write(*table, path, error);
    if (status) {
        dt_table_free(*table);
        *table = NULL;
    }
    return status;
}

static enum dt_status put_winner(struct dt_table *table, const struct dt_session *session,
                                 const struct dt_record *r, bool complete, struct dt_error *error)
{
    struct dt_table_record record = {
        .op = r->op,
        .problem = r->problem,
        .threads = r->threads,
        .samples = (int64_t)r->samples,
        .ns_median = r->ns_median,
        .ratio_to_scalar = r->ratio_to_scalar,
        .ratio_lo = r->ratio_lo,
        .ratio_hi = r->ratio_hi,
        .noise_floor = session->noise_floor,
        .validated = r->verified,
        .complete = complete,
    };
    if (!dt_record_choice(r, &record.choice))
        return dt_error_set(error, DT_FAILED, "%s was measured, but is not in this build",
                            r->variant);
    memcpy(record.machine.tier, session->machine, sizeof record.machine.tier);
    memcpy(record.date, session->date, sizeof record.date);
    return dt_table_put(table, &record, error);
}

/* Tunes one task and, so that a kill loses no more than the problem under way, writes the table. */
static enum dt_status tune_task(struct cli_measure *m, const struct task *task, double seconds,
                                struct dt_table *table, struct dt_error *error)
{
    struct dt_outcome outcome;
    const size_t before = m->records.count;
    enum dt_status status =
        cli_measure_problem(m, task->op, &task->problem, seconds, &outcome, error);
    for (size_t r = before; r < m->records.count && !status; r++)
        if (m->records.items[r].winner)
            status = put_winner(table, &m->records.session, &m->records.items[r], outcome.complete,
                                error);
    if (!status && m->options->table)
        status = dt_table_write(table, m->options->table, error);
    return status;
}

static enum dt_status tune_all(struct cli_measure *m, double end, struct task *tasks, size_t count,
                               struct dt_table *table, struct dt_error *error)
{
    double weight = 0;
    enum dt_status status = DT_OK;
    for (size_t t = 0; t < count; t++)
        weight += tasks[t].weight;
    const double start = dt_clock_ns();
    for (size_t t = 0; t < count && !status && !cli_measure_stopped(); t++) {
        char text[DT_PROBLEM_TEXT_MAX];
        const double now = dt_clock_ns();
        const double left = fmax(0, end - now) * 1e-9;
        cli_progress(m->options, dt_problem_print(&tasks[t].problem, text), now - start,
                     end - start);
        status = tune_task(m, &tasks[t], left * tasks[t].weight / weight, table, error);
        weight -= tasks[t].weight;
    }
    cli_progress_end(m->options);
    return status;
}

static enum dt_status write_report(const char *path, const struct dt_records *records,
                                   struct dt_error *error)
{
    struct cli_output output;
    enum dt_status status = cli_output_open(&output, path, error);
    if (status)
        return status;
    status = dt_markdown_print(output.stream, records, error);
    if (status) {
        cli_output_close(&output, false, NULL);
        return status;
    }
    return cli_output_close(&output, true, error);
}

static void print_summary(const struct own *own, const struct cli_measure *m,
                          const struct dt_table *table)
{
    const struct cli_options *options = m->options;
    const struct dt_terminal terminal = cli_terminal(stdout);
    if (options->quiet || (options->json && strcmp(options->json, "-") == 0))
        return;
    struct dt_error error;
    if (dt_summary_winners(stdout, &m->records, &terminal, &error))
        cli_fail(&error);
    printf("\n");
    if (options->table)
        printf("table         %s (%zu records)\n", options->table, dt_table_size(table));
    else
        printf("table         not written; give --table FILE to keep it\n");
    if (own->report)
        printf("report        %s\n", own->report);
    if (options->json)
        printf("measurements  %s\n", options->json);
    if (options->table)
        printf(
            "\nUse it with DISENTUNE_TABLE=%s; `disentune explain PROBLEM --table %s` tells why.\n",
            options->table, options->table);
}

static int tune(const struct own *own, struct cli_measure *m, double end)
{
    struct dt_error error;
    struct dt_table *table;
    m->tuner.goal = DT_GOAL_WINNER;
    if (open_table(m->options->table, &m->records.session, &table, &error))
        return cli_fail(&error);
    struct task *tasks = malloc((m->options->problem_count * 4 + 1) * sizeof *tasks);
    int code =
        tasks ? CLI_OK : cli_fail_text("no memory for %zu problems", m->options->problem_count);
    const size_t count = tasks ? collect(m, tasks) : 0;
    if (!code && tune_all(m, end, tasks, count, table, &error))
        code = cli_fail(&error);
    if (!code && m->records.count == 0)
        code = cli_fail_text("nothing to tune: no variant passes --op, --variant and these "
                             "problems; see `disentune list`");
    if (!code && own->report && write_report(own->report, &m->records, &error))
        code = cli_fail(&error);
    if (!code)
        print_summary(own, m, table);
    free(tasks);
    dt_table_free(table);
    return code;
}

int verb_tune(int argc, char **argv)
{
    static const struct argp argp = {.options = own_options, .parser = parse_own};
    struct own own = {.budget = 60};
    struct cli_options options;
    struct cli_measure measure;
    struct dt_error error;
    const double start = dt_clock_ns();
    cli_parse(argc, argv,
              "Find the fastest plan for each problem on this machine and write the dispatch "
              "table. Default: --suite deberta-v3 --suite deberta-v1.",
              &argp, &own, &options);
    int code = CLI_OK;
    if (options.problem_count == 0 &&
        (cli_suite_load("deberta-v3", &options.problems, &options.problem_count, &error) ||
         cli_suite_load("deberta-v1", &options.problems, &options.problem_count, &error)))
        code = cli_fail(&error);
    if (!code && cli_measure_begin(&measure, &options, argc, argv, &error))
        code = cli_fail(&error);
    else if (!code) {
        code = tune(&own, &measure, start + own.budget * 1e9);
        if (cli_measure_end(&measure, measure.records.count > 0, &error))
            code = cli_fail(&error);
    }
    cli_options_clear(&options);
    return cli_finish(code);
}
