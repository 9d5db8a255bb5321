/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"
#include "kernels/table.h"
#include "reports/summary.h"
#include "tuner/cli/dry_run.h"
#include "tuner/cli/measure.h"
#include "tuner/cli/noise_table.h"
#include "tuner/cli/page_files.h"
#include "tuner/cli/proofs.h"
#include "tuner/cli/terminal.h"
#include "tuner/journal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct own {
    double budget;
    struct cli_page_files reports;
    bool resume;
    bool dry_run;
    const char *topology;
    const struct dt_policy *policy; /* NULL: the default */
    const char *recording;
    bool prove;
    double comparing; /* seconds, 0: the default */
    size_t copies;    /* races of two copies, 0: none */
};

enum {
    OPTION_DRY_RUN = 0x200,
    OPTION_TOPOLOGY,
    OPTION_STRATEGY,
    OPTION_RECORD,
    OPTION_PROVE,
    OPTION_PROVE_AA,
};

enum { RACES_MAX = 100000 };

static const struct argp_option own_options[] = {
    {"budget", 'b', "DURATION", 0, "time to spend, e.g. 90s or 5m (default 60s)", 0},
    {"report", 'r', "FILE", 0, "write a report there, as its name ends: .md, .html, ...", 0},
    {"resume", 'R', NULL, 0, "go on with a run that was interrupted or killed, if there is one", 0},
    {"dry-run", OPTION_DRY_RUN, NULL, 0, "measure nothing; show the plans that promise most", 0},
    {"topology", OPTION_TOPOLOGY, "FILE|TEXT", 0,
     "with --dry-run: for the machine of an hwloc file or text", 0},
    {"strategy", OPTION_STRATEGY, "NAME", 0, "how to search: race (default), exhaustive or random",
     0},
    {"record", OPTION_RECORD, "FILE", 0, "keep the spaces, for `disentune replay`; searches all",
     0},
    {"prove", OPTION_PROVE, "DURATION", OPTION_ARG_OPTIONAL,
     "compare what is chosen with what an exhaustive search finds, each time for at most 90s or "
     "DURATION",
     0},
    {"prove-aa", OPTION_PROVE_AA, "N", 0, "race two copies of one plan N times", 0},
    {0},
};

static size_t parse_races(const char *text)
{
    char *end;
    const unsigned long races = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || races < 1 || races > RACES_MAX)
        exit(cli_fail_text("--prove-aa is \"%.40s\"; must be a number from 1 to %d", text,
                           RACES_MAX));
    return races;
}

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    switch (key) {
    case 'b':
        own->budget = cli_duration(text);
        if (own->budget == 0)
            exit(cli_fail_text("--budget is \"%.40s\"; use e.g. 60s, 5m or 1h", text));
        return 0;
    case 'r':
        cli_page_files_add(&own->reports, text);
        return 0;
    case 'R':
        own->resume = true;
        return 0;
    case OPTION_DRY_RUN:
        own->dry_run = true;
        return 0;
    case OPTION_TOPOLOGY:
        own->topology = text;
        return 0;
    case OPTION_STRATEGY:
        own->policy = dt_policy_find(text);
        if (!own->policy)
            exit(cli_fail_text("--strategy is \"%.40s\"; use race, exhaustive or random", text));
        return 0;
    case OPTION_RECORD:
        own->recording = text;
        return 0;
    case OPTION_PROVE:
        own->prove = true;
        own->comparing = text ? cli_duration(text) : 0;
        if (text && own->comparing == 0)
            exit(cli_fail_text("--prove is \"%.40s\"; use e.g. 60s, 5m or 1h", text));
        return 0;
    case OPTION_PROVE_AA:
        own->copies = parse_races(text);
        return 0;
    case ARGP_KEY_END:
        if ((own->prove || own->copies) && (own->resume || own->dry_run || own->recording))
            exit(cli_fail_text("--prove writes no table; leave out %s", own->resume ? "--resume"
                                                                        : own->dry_run
                                                                            ? "--dry-run"
                                                                            : "--record"));
        if (own->recording && own->dry_run)
            exit(cli_fail_text("--dry-run measures nothing; leave out --record"));
        if (own->topology && !own->dry_run)
            exit(cli_fail_text("--topology is of a machine to plan for; give --dry-run too"));
        if (own->dry_run && (own->resume || own->reports.count))
            exit(cli_fail_text("--dry-run measures nothing; leave out %s",
                               own->resume ? "--resume" : "--report"));
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* The table to add to: that of the file if there is one of this build, else a new one; *before is
 * what the file held. It is written at once, so that a path that cannot be written to is known
 * before anything is measured. */
static enum dt_status open_table(const char *path, const struct dt_session *session,
                                 struct dt_table **table, struct dt_table **before,
                                 struct dt_error *error)
{
    enum dt_status status = DT_OK;
    *table = *before = NULL;
    if (path && access(path, F_OK) == 0)
        status = dt_table_load(path, before, error);
    if (!status && *before && !(*before)->stale)
        status = dt_table_load(path, table, error);
    else if (!status)
        status = dt_table_create(session->build.compiler, table, error);
    if (!status && path)
        status = dt_table_write(*table, path, error);
    if (status) {
        dt_table_free(*table);
        dt_table_free(*before);
        *table = *before = NULL;
    }
    return status;
}

/* Whether the table has the result of a search that was not cut short for the same key. */
static bool has_complete(const struct dt_table *table, const struct dt_table_record *record)
{
    for (size_t n = 0; n < table->count; n++)
        if (dt_table_compare(&table->records[n], record) == 0)
            return table->records[n].complete;
    return false;
}

/* A search that a signal cut short replaces none that was not. */
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
        .regret = isnan(r->regret) ? 0 : r->regret,
        .tried = isnan(r->regret) ? 0 : (int64_t)r->tried,
        .plans = isnan(r->regret) ? 0 : (int64_t)r->plans,
    };
    if (!dt_record_choice(r, &record.choice))
        return dt_error_set(error, DT_FAILED, "%s was measured, but is not in this build",
                            r->variant);
    memcpy(record.machine.tier, session->machine, sizeof record.machine.tier);
    memcpy(record.date, session->date, sizeof record.date);
    if (!complete && cli_measure_stopped() && has_complete(table, &record))
        return DT_OK;
    return dt_table_put(table, &record, error);
}

static enum dt_status put_winners(const struct cli_measure *m, const struct dt_journal_entry *entry,
                                  struct dt_table *table, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t n = 0; n < entry->count && !status; n++) {
        const struct dt_record *record = &m->records.items[entry->first + n];
        if (record->winner)
            status = put_winner(table, &m->records.session, record, entry->complete, error);
    }
    return status;
}

/* ---- The run ------------------------------------------------------------------- */

struct run {
    const struct own *own;
    struct cli_measure *m;
    struct dt_table *table;
    struct dt_table *before;   /* as it was, which suggests plans */
    struct dt_journal journal; /* open if there is --table */
    struct cli_task *tasks;
    size_t count;
    bool begun; /* the journal is of this run */
    bool kept;  /* the table was written after the last change */
};

/* A digest (FNV-1a) of what decides which problems are tuned and how. */
static uint64_t job_of(const struct run *run)
{
    const struct cli_options *options = run->m->options;
    uint64_t hash = 0xcbf29ce484222325u;
    char text[DT_PROBLEM_TEXT_MAX + 32];
    for (size_t n = 0; n < run->count + options->thread_count + 1; n++) {
        char problem[DT_PROBLEM_TEXT_MAX];
        const char *word = text;
        if (n < run->count)
            snprintf(text, sizeof text, "%s %s", dt_op_name(run->tasks[n].op),
                     dt_problem_print(&run->tasks[n].problem, problem));
        else if (n < run->count + options->thread_count)
            snprintf(text, sizeof text, "%d", options->threads[n - run->count]);
        else
            word = options->variant ? options->variant : "";
        do
            hash = (hash ^ (unsigned char)*word) * 0x100000001b3u;
        while (*word++);
    }
    return hash;
}

static enum dt_status write_table(struct run *run, struct dt_error *error)
{
    const char *path = run->m->options->table;
    run->kept = false;
    enum dt_status status = path ? dt_table_write(run->table, path, error) : DT_OK;
    run->kept = path && !status;
    return status;
}

/* Puts what was tuned before into the table. */
static enum dt_status take_up(struct run *run, const struct dt_journal_entry *entries, size_t count,
                              struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t e = 0; e < count && !status; e++) {
        for (size_t t = 0; t < run->count; t++)
            if (run->tasks[t].op == entries[e].op &&
                memcmp(&run->tasks[t].problem, &entries[e].problem, sizeof entries[e].problem) == 0)
                run->tasks[t].done = true;
        status = put_winners(run->m, &entries[e], run->table, error);
    }
    if (!status && count > 0)
        status = write_table(run, error);
    return status ? status : cli_measure_write(run->m, error);
}

/* Everything before the first measurement: a file that cannot be written to, or that another
 * process has, is known before time is spent. */
static enum dt_status prepare(struct run *run, struct dt_error *error)
{
    struct cli_measure *m = run->m;
    const char *path = m->options->table;
    struct dt_journal_entry *entries = NULL;
    size_t count = 0;
    enum dt_status status = path ? dt_journal_open(&run->journal, path, error) : DT_OK;
    if (!status && run->own->resume)
        status =
            dt_journal_resume(&run->journal, job_of(run), &m->records, &entries, &count, error);
    if (!status)
        status = open_table(path, &m->records.session, &run->table, &run->before, error);
    m->table = run->before;
    run->kept = path && !status;
    if (!status)
        status = take_up(run, entries, count, error);
    free(entries);
    run->begun = !status;
    if (!status && m->records.session.ceiling_count == 0)
        status = cli_measure_calibrate(m, error);
    if (!status && path && count == 0)
        status = dt_journal_begin(&run->journal, &m->records.session, job_of(run), error);
    return status;
}

/* Tunes one task. So that a kill loses no more than the problem under way, table and journal are
 * written. An interrupted one counts in the table, but is done again by --resume. */
static enum dt_status tune_task(struct run *run, struct cli_task *task, double seconds,
                                struct dt_error *error)
{
    struct cli_measure *m = run->m;
    struct dt_outcome outcome;
    struct dt_journal_entry entry = {
        .op = task->op, .problem = task->problem, .first = m->records.count};
    enum dt_status status =
        cli_measure_problem(m, task->op, &task->problem, seconds, &outcome, error);
    if (!status)
        status = cli_measure_write(m, error);
    if (status)
        return status;
    entry.count = m->records.count - entry.first;
    entry.complete = outcome.complete;
    task->done = outcome.complete || !cli_measure_stopped();
    status = put_winners(m, &entry, run->table, error);
    if (!status)
        status = write_table(run, error);
    if (!status && m->options->table && task->done)
        status = dt_journal_add(&run->journal, &entry, &m->records, error);
    return status;
}

static double weight_of(const struct run *run, bool all)
{
    double weight = 0;
    for (size_t t = 0; t < run->count; t++)
        weight += all || !run->tasks[t].done ? run->tasks[t].weight : 0;
    return weight;
}

/* The task of the longest calls that is left. Few samples of it may take longer than its share of
 * the budget, which those after it make good; the last task's lateness would be the run's. */
static struct cli_task *next_task(struct run *run)
{
    struct cli_task *next = NULL;
    for (size_t t = 0; t < run->count; t++)
        if (!run->tasks[t].done &&
            (!next || cli_task_length(&run->tasks[t]) > cli_task_length(next)))
            next = &run->tasks[t];
    return next;
}

/* What --resume has left takes the share of the budget that it had. */
static enum dt_status tune_all(struct run *run, double end, struct dt_error *error)
{
    struct cli_measure *m = run->m;
    enum dt_status status = DT_OK;
    const double start = dt_clock_ns();
    double weight = weight_of(run, false);
    end = start + (end - start) * weight / weight_of(run, true);
    struct cli_task *task;
    while (!status && !cli_measure_stopped() && (task = next_task(run))) {
        char text[DT_PROBLEM_TEXT_MAX];
        const double now = dt_clock_ns();
        const double left = fmax(0, end - now) * 1e-9;
        cli_progress(m->options, dt_problem_print(&task->problem, text), now - start, end - start);
        status = tune_task(run, task, left * task->weight / weight, error);
        weight -= task->weight;
    }
    cli_progress_end(m->options);
    return status;
}

static bool is_of(const struct dt_record *record, const struct cli_task *task)
{
    return record->op == task->op &&
           memcmp(&record->problem, &task->problem, sizeof task->problem) == 0;
}

/* From the order in which they were tuned back to that of the suites. */
static void sort_records(const struct run *run)
{
    struct dt_record *items = run->m->records.items;
    size_t sorted = 0;
    for (size_t t = 0; t < run->count; t++)
        for (size_t r = sorted; r < run->m->records.count; r++)
            if (is_of(&items[r], &run->tasks[t])) {
                const struct dt_record record = items[r];
                memmove(&items[sorted + 1], &items[sorted], (r - sorted) * sizeof *items);
                items[sorted++] = record;
            }
}

static void print_summary(const struct run *run, bool reported)
{
    const struct cli_measure *m = run->m;
    const struct cli_options *options = m->options;
    const struct dt_terminal terminal = cli_terminal(stdout);
    if (options->quiet || (options->json && strcmp(options->json, "-") == 0))
        return;
    struct dt_error error;
    if (dt_summary_winners(stdout, &m->records, &terminal, &error))
        cli_fail(&error);
    printf("\n");
    char gates[CLI_NOISE_TEXT_MAX];
    if (m->records.session.noisy)
        printf("rejected by   %s\n", cli_gates_text(&m->sampler, gates));
    if (run->kept)
        printf("table         %s (%zu records)\n", options->table, dt_table_size(run->table));
    else if (options->table)
        printf("table         not written\n");
    else
        printf("table         not written; give --table FILE to keep it\n");
    if (m->machine.kind_count > 1)
        printf("kind          %s; for the others of this machine see --kind\n",
               m->machine.kinds[0].name);
    for (size_t f = 0; f < run->own->reports.count && reported; f++)
        printf("report        %s\n", run->own->reports.path[f]);
    if (options->json)
        printf("measurements  %s\n", options->json);
    if (m->keeper.path)
        printf("store         %s\n", m->keeper.path);
    if (run->kept)
        printf(
            "\nUse it with DISENTUNE_TABLE=%s; `disentune explain PROBLEM --table %s` tells why.\n",
            options->table, options->table);
}

/* Whatever goes wrong, what was measured until then is shown. */
static int finish(const struct run *run, int code)
{
    const struct cli_measure *m = run->m;
    struct dt_error error;
    size_t done = 0;
    for (size_t t = 0; t < run->count; t++)
        done += run->tasks[t].done;
    if (!code && cli_measure_stopped() && done < run->count)
        code = cli_measure_interrupted(
            done, run->count,
            m->options->table && done > 0 ? "; tune --resume goes on from here" : "");
    else if (!code && m->records.count == 0)
        return cli_fail_text("nothing to tune: no variant passes --op, --variant and these "
                             "problems; see `disentune list`");
    if (m->records.count == 0)
        return code;
    sort_records(run);
    const struct dt_finding finding = {.records = m->records,
                                       .candidates = m->candidates.items,
                                       .candidate_count = m->candidates.count};
    const bool report_fails =
        code != CLI_USAGE && cli_page_files_write(&run->own->reports, &finding, &error);
    print_summary(run, code != CLI_USAGE && !report_fails);
    return report_fails ? cli_fail(&error) : code;
}

static int tune(const struct own *own, struct cli_measure *m, double end)
{
    struct run run = {.own = own, .m = m};
    struct dt_error error;
    run.tasks = malloc((m->options->problem_count * 4 + 1) * sizeof *run.tasks);
    if (!run.tasks)
        return cli_fail_text("no memory for %zu problems", m->options->problem_count);
    run.count = cli_tasks_collect(m, run.tasks);
    int code = CLI_OK;
    if (prepare(&run, &error) || tune_all(&run, end, &error))
        code = cli_fail(&error);
    code = finish(&run, code);
    dt_journal_close(&run.journal, code == CLI_OK || (run.begun && m->records.count == 0));
    free(run.tasks);
    dt_table_free(run.table);
    dt_table_free(run.before);
    m->table = NULL;
    return code;
}

/* Everything that measures. */
static int measure_all(const struct own *own, const struct cli_options *options, int argc,
                       char **argv, double start)
{
    struct cli_measure measure;
    struct dt_error error;
    int code = CLI_OK;
    if (cli_measure_begin(&measure, options, argc, argv, &error))
        return cli_fail(&error);
    measure.tuner.goal = DT_GOAL_WINNER;
    measure.tuner.policy = own->policy;
    if (own->recording && !own->policy)
        measure.tuner.policy = dt_policy_find("exhaustive");
    if (own->recording && cli_measure_record(&measure, own->recording, &error))
        code = cli_fail(&error);
    else if (own->copies)
        code = cli_prove_same(&measure, own->copies);
    else if (own->prove)
        code = cli_prove(&measure, own->budget, own->comparing);
    else
        code = tune(own, &measure, start + own->budget * 1e9);
    const bool keep = measure.records.count > 0 || (own->prove && code != CLI_USAGE);
    if (cli_measure_end(&measure, keep, &error))
        code = cli_fail(&error);
    return code;
}

int verb_tune(int argc, char **argv)
{
    static const struct argp argp = {.options = own_options, .parser = parse_own};
    struct own own = {.budget = 60};
    struct cli_options options;
    struct dt_error error;
    const double start = dt_clock_ns();
    cli_parse(argc, argv,
              "Find the fastest plan for each problem on this machine and write the dispatch "
              "table. Default: --suite deberta-v3 --suite deberta-v1, bias and attention.",
              &argp, &own, &options);
    int code;
    if (own.resume && !options.table)
        code = cli_fail_text("--resume needs --table: the journal of a run lies beside its table");
    else if (options.problem_count == 0 &&
             (cli_suite_load("deberta-v3", &options.problems, &options.problem_count, &error) ||
              cli_suite_load("deberta-v1", &options.problems, &options.problem_count, &error)))
        code = cli_fail(&error);
    else
        code = own.dry_run ? cli_dry_run(&options, own.topology)
                           : measure_all(&own, &options, argc, argv, start);
    cli_options_clear(&options);
    return cli_finish(code);
}
