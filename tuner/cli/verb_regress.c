/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"
#include "reports/export.h"
#include "reports/verdict.h"
#include "reports/verdict_table.h"
#include "tuner/cli/cells.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/measure.h"
#include "tuner/cli/output.h"
#include "tuner/cli/terminal.h"
#include "tuner/compare.h"
#include "tuner/environment.h"
#include "tuner/instructions.h"
#include "tuner/session.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

struct own {
    const char *programs[2]; /* BASE, HEAD */
    size_t program_count;
    double budget, delta; /* delta 0: what suits the machine */
    bool strict, same_code, annotations, instructions;
    const char *markdown, *junit;
};

enum key { DELTA = 0x2000, STRICT, SAME_CODE, ANNOTATIONS, INSTRUCTIONS, MARKDOWN, JUNIT };

static const struct argp_option own_options[] = {
    {"budget", 'b', "DURATION", 0, "time to spend at most, e.g. 90s or 5m (default 60s)", 0},
    {"delta", DELTA, "PERCENT", 0,
     "what counts as a change (default 3 on a virtual machine, else 1)", 0},
    {"strict", STRICT, NULL, 0, "exit with 3 if a cell stays undecided, with 4 if one is void", 0},
    {"same-code", SAME_CODE, NULL, 0, "measure cells whose machine code is the same, too", 0},
    {"instructions", INSTRUCTIONS, NULL, 0,
     "count the instructions of a call, too, under valgrind, beyond the budget", 0},
    {"markdown", MARKDOWN, "FILE", 0, "write a summary for a pull request", 0},
    {"junit", JUNIT, "FILE", 0, "write the verdicts as JUnit's XML", 0},
    {"annotations", ANNOTATIONS, NULL, 0,
     "print annotations for GitHub (default where GITHUB_ACTIONS is true)", 0},
    {0},
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

static double parse_percent(const char *text)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || (*end && strcmp(end, "%") != 0) || !(value >= 0.1 && value <= 100))
        exit(cli_fail_text("--delta is \"%.40s\"; use percent from 0.1 to 100", text));
    return value / 100;
}

static const char *path_of(const char *option, const char *text)
{
    if (!*text)
        exit(cli_fail_text("%s is empty; give a file name", option));
    return text;
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
    case DELTA:
        own->delta = parse_percent(text);
        return 0;
    case STRICT:
        own->strict = true;
        return 0;
    case SAME_CODE:
        own->same_code = true;
        return 0;
    case ANNOTATIONS:
        own->annotations = true;
        return 0;
    case INSTRUCTIONS:
        own->instructions = true;
        return 0;
    case MARKDOWN:
        own->markdown = path_of("--markdown", text);
        return 0;
    case JUNIT:
        own->junit = path_of("--junit", text);
        return 0;
    case ARGP_KEY_ARG:
        if (own->program_count == 2)
            return ARGP_ERR_UNKNOWN;
        own->programs[own->program_count++] = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* ---- Where the findings go ------------------------------------------------------ */

enum { JSON_FILE, MARKDOWN_FILE, JUNIT_FILE, FILES };

struct files {
    struct cli_output output[FILES]; /* open if it has a stream */
};

/* Those that were not written leave nothing. */
static void drop_files(struct files *files)
{
    for (int f = 0; f < FILES; f++) {
        if (files->output[f].stream)
            cli_output_close(&files->output[f], false, NULL);
        files->output[f].stream = NULL;
    }
}

/* Before anything is measured, so that a path that cannot be written to costs no time. */
static enum dt_status open_files(struct files *files, const struct own *own, const char *json,
                                 struct dt_error *error)
{
    const char *const paths[FILES] = {json, own->markdown, own->junit};
    enum dt_status status = DT_OK;
    *files = (struct files){0};
    for (int f = 0; f < FILES && !status; f++)
        if (paths[f])
            status = cli_output_open(&files->output[f], paths[f], error);
    return status;
}

static enum dt_status write_files(struct files *files, const struct dt_evidence *evidence,
                                  struct dt_error *error)
{
    static dt_export_fn *const formats[FILES] = {
        [JSON_FILE] = dt_evidence_write,
        [MARKDOWN_FILE] = dt_export_pull_request,
        [JUNIT_FILE] = dt_export_junit,
    };
    enum dt_status status = DT_OK;
    for (int f = 0; f < FILES && !status; f++) {
        struct cli_output *output = &files->output[f];
        if (!output->stream)
            continue;
        status = formats[f](output->stream, evidence, error);
        enum dt_status closed = cli_output_close(output, !status, status ? NULL : error);
        output->stream = NULL;
        status = status ? status : closed;
    }
    return status;
}

/* ---- The comparison --------------------------------------------------------------- */

struct run {
    const struct own *own;
    const struct cli_options *options;
    struct dt_machine machine;
    struct dt_subject *subjects;
    size_t count;
    struct files files;
    struct cli_keeper keeper;
    char table[PATH_MAX + 32]; /* DISENTUNE_TABLE of both builds, if there is --table */
    struct dt_comparison comparison;
    struct dt_finding finding; /* its cells are those of the comparison */
};

static void show_progress(void *context, double seconds)
{
    const struct run *run = context;
    cli_progress(run->options, "comparing", fmin(seconds, run->own->budget), run->own->budget);
}

static void show_counting(void *context, size_t done)
{
    const struct run *run = context;
    cli_progress(run->options, "counting instructions", (double)done, (double)run->count);
}

/* A second channel, and no reason to fail. */
static void count_instructions(struct run *run, const struct dt_compare_options *compare)
{
    const struct dt_instructions_options base = {compare->base, compare->base_variables, &stop};
    const struct dt_instructions_options head = {compare->head, compare->head_variables, &stop};
    struct dt_error error;
    const enum dt_status status =
        dt_instructions_compare(&base, &head, run->subjects, run->comparison.cells, run->count,
                                run->options->seed, show_counting, run, &error);
    cli_progress_end(run->options);
    if (status)
        cli_fail_text("skipped: instructions are not counted: %.200s", error.text);
}

static void note_environment(struct run *run)
{
    struct dt_session *session = &run->finding.records.session;
    char now[DT_ENVIRONMENT_MAX];
    dt_environment_read("", &run->machine, now);
    if (strcmp(now, session->environment) == 0)
        return;
    for (size_t c = 0; c < run->comparison.count; c++) {
        struct dt_cell *cell = &run->comparison.cells[c];
        if (cell->judgement == DT_SAME_CODE)
            continue;
        cell->judgement = DT_VOID;
        snprintf(cell->reason, sizeof cell->reason, "the machine's settings changed meanwhile");
    }
}

/* What reports know of the comparison. */
static void describe(struct run *run)
{
    struct dt_session *session = &run->finding.records.session;
    const struct dt_comparison *comparison = &run->comparison;
    session->build = comparison->head;
    session->base = comparison->base;
    session->noise_floor = 0;
    size_t samples = 0, gated = 0;
    for (size_t c = 0; c < comparison->count; c++) {
        session->noise_floor = fmax(session->noise_floor, comparison->cells[c].band);
        samples += comparison->cells[c].samples;
        gated += comparison->cells[c].gated;
    }
    session->noisy = gated * 5 > samples;
    run->finding.cells = comparison->cells;
    run->finding.cell_count = comparison->count;
}

static int exit_code(const struct run *run)
{
    const struct dt_finding *finding = &run->finding;
    const size_t gone = dt_verdict_count(finding, DT_VOID);
    if (run->comparison.outcome.wrong > 0)
        return CLI_DEFECT;
    if (dt_verdict_count(finding, DT_REGRESSED) > 0)
        return CLI_NEGATIVE;
    if (run->comparison.outcome.stopped || 2 * gone > finding->cell_count ||
        (run->own->strict && gone > 0))
        return CLI_ENVIRONMENT;
    return run->own->strict && dt_verdict_count(finding, DT_UNDECIDED) > 0 ? CLI_UNDECIDED : CLI_OK;
}

/* What the table does not say, each on a line of stderr. */
static void print_notes(const struct run *run)
{
    const struct dt_lockstep_outcome *outcome = &run->comparison.outcome;
    if (outcome->wrong > 0)
        cli_fail_text("%s", outcome->reason);
    else if (outcome->stopped)
        cli_fail_text("interrupted after %zu pairs; verdicts are of what was measured",
                      outcome->pairs);
    else if (outcome->enough > 0)
        cli_fail_text("the budget allows %zu pairs of processes, too few for all verdicts; use "
                      "--budget %.0fs or fewer problems",
                      outcome->planned, ceil(outcome->enough));
}

static int present(struct run *run)
{
    struct dt_evidence evidence = {.sessions = &run->finding, .count = 1};
    const char *github = getenv("GITHUB_ACTIONS");
    const bool annotate = run->own->annotations || (github && strcmp(github, "true") == 0);
    const bool to_stdout = run->options->json && strcmp(run->options->json, "-") == 0;
    const struct dt_terminal terminal = cli_terminal(stdout);
    struct dt_error error;
    enum dt_status status = DT_OK;
    note_environment(run);
    describe(run);
    if (!run->options->quiet && !to_stdout)
        status = dt_verdict_table(stdout, &run->finding, &terminal, &error);
    if (!status && annotate)
        status = dt_export_annotations(to_stdout ? stderr : stdout, &evidence, &error);
    if (!status)
        status = write_files(&run->files, &evidence, &error);
    if (!status)
        status = cli_keep(&run->keeper, &run->finding, &error);
    if (status)
        return cli_fail(&error);
    fflush(stdout);
    print_notes(run);
    return exit_code(run);
}

static int compare(struct run *run)
{
    const struct own *own = run->own;
    const bool table = run->options->table != NULL;
    const char *const variables[] = {run->table, NULL};
    struct dt_error error;
    const struct dt_compare_options options = {
        .base = own->programs[0],
        .head = own->programs[1],
        .base_variables = table ? variables : NULL,
        .head_variables = table ? variables : NULL,
        .machine = &run->machine,
        .lockstep = {.budget = own->budget,
                     .delta = own->delta > 0 ? own->delta : dt_compare_delta(&run->machine),
                     .same_code = own->same_code,
                     .seed = run->options->seed,
                     .stop = &stop},
        .progress = show_progress,
        .context = run,
    };
    catch_signals();
    enum dt_status status =
        dt_compare_builds(&options, run->subjects, run->count, &run->comparison, &error);
    cli_progress_end(run->options);
    if (status) {
        cli_fail(&error);
        return status == DT_FAILED ? CLI_DEFECT : CLI_USAGE;
    }
    if (own->instructions && run->comparison.outcome.wrong == 0 && !stop)
        count_instructions(run, &options);
    return present(run);
}

/* A table that cannot be read is a mistake here, not one of the builds. */
static enum dt_status take_table(struct run *run, struct dt_error *error)
{
    const char *path = run->options->table;
    struct dt_table *table;
    if (!path)
        return DT_OK;
    enum dt_status status = dt_table_load(path, &table, error);
    if (status)
        return status;
    dt_table_free(table);
    snprintf(run->table, sizeof run->table, "DISENTUNE_TABLE=%.*s", PATH_MAX, path);
    return DT_OK;
}

static int begin(struct run *run, char **argv)
{
    struct dt_error error;
    enum dt_status status = take_table(run, &error);
    if (!status)
        status = cli_cells_collect(run->options, &run->subjects, &run->count, &error);
    if (status)
        return cli_fail(&error);
    if (run->count == 0) {
        cli_fail_text("skipped: nothing that --op and --variant select computes these problems on "
                      "this processor");
        return CLI_SKIPPED;
    }
    if (cli_machine_open(run->options, &run->machine, &error) ||
        open_files(&run->files, run->own, run->options->json, &error) ||
        cli_keep_begin(&run->keeper, run->options, &error))
        return cli_fail(&error);
    dt_session_init(&run->finding.records.session, &run->machine, argv, run->options->seed);
    return compare(run);
}

int verb_regress(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "BASE HEAD"};
    struct own own = {.budget = 60};
    struct cli_options options;
    struct dt_error error;
    cli_parse(argc, argv,
              "Tell whether the program HEAD is slower than the program BASE, two builds of "
              "disentune, by running both in turns. Default: --suite smoke, bias and attention, "
              "each build's own choices. Exits with 1 if a cell is slower, 2 if there is nothing "
              "to compare, 4 if the machine lets nothing be told, 77 if no variant that is asked "
              "for runs here, 99 if a build computes wrong numbers or fails.",
              &argp, &own, &options);
    struct run run = {.own = &own, .options = &options};
    int code;
    if (own.program_count < 2)
        code = cli_fail_text("regress needs two programs; e.g. `disentune regress old/disentune "
                             "new/disentune`");
    else if (options.problem_count == 0 && cli_suite_add("smoke", &options, &error))
        code = cli_fail(&error);
    else
        code = begin(&run, argv);
    drop_files(&run.files);
    cli_keep_end(&run.keeper);
    dt_comparison_clear(&run.comparison);
    dt_machine_clear(&run.machine);
    free(run.subjects);
    cli_options_clear(&options);
    return cli_finish(code);
}
