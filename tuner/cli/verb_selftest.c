/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cells.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/measure.h"
#include "tuner/cli/output.h"
#include "tuner/cli/terminal.h"
#include "tuner/selftest.h"
#include "tuner/session.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SLOWDOWNS_MAX 8

/* Runs without a red one that bound false alarms by 5 %; and those that a power is told by. */
enum { AA_RUNS = 59, POWER_RUNS = 20, RUNS_MAX = 10000 };

struct own {
    const char *kind, *program;
    double budget;
    double delta; /* 0: what suits the machine */
    size_t runs;  /* 0: the default of the kind */
    double slowdowns[SLOWDOWNS_MAX];
    size_t slowdown_count;
};

enum key { DELTA = 0x2000, RUNS, SLOWDOWN };

static const struct argp_option own_options[] = {
    {"runs", RUNS, "N", 0, "runs, of each slow-down (default: aa 59, power 20)", 0},
    {"budget", 'b', "DURATION", 0, "time of a run at most, e.g. 90s or 5m (default 60s)", 0},
    {"slowdown", SLOWDOWN, "PERCENT,...", 0,
     "of power: what to slow down by, rising (default 1,2,3,5,10,20)", 0},
    {"delta", DELTA, "PERCENT", 0,
     "what counts as a change (default 3 on a virtual machine, else 1)", 0},
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

/* Percent from `least` to 100 as a share; *end is where the number ends. */
static double parse_percent(const char *option, const char *text, double least, const char **end)
{
    char *after;
    const double value = strtod(text, &after);
    if (after == text || !(value >= least && value <= 100))
        exit(cli_fail_text("%s is \"%.40s\"; use percent from %g to 100", option, text, least));
    *end = after + (*after == '%');
    return value / 100;
}

static double parse_delta(const char *text)
{
    const char *end;
    const double delta = parse_percent("--delta", text, 0.1, &end);
    if (*end)
        exit(cli_fail_text("--delta is \"%.40s\"; use percent from 0.1 to 100", text));
    return delta;
}

static void parse_slowdowns(struct own *own, const char *text)
{
    const char *end = text;
    own->slowdown_count = 0;
    do {
        const size_t n = own->slowdown_count;
        if (n == SLOWDOWNS_MAX)
            exit(cli_fail_text("--slowdown has more than %d values", SLOWDOWNS_MAX));
        own->slowdowns[n] = parse_percent("--slowdown", end, 0.1, &end);
        if ((*end && *end != ',') || (n > 0 && own->slowdowns[n] <= own->slowdowns[n - 1]))
            exit(cli_fail_text("--slowdown is \"%.40s\"; use rising percent, e.g. 5,10", text));
        own->slowdown_count++;
    } while (*end++);
}

static size_t parse_runs(const char *text)
{
    char *end;
    errno = 0;
    const unsigned long runs = strtoul(text, &end, 10);
    if (*text < '0' || *text > '9' || *end || errno || runs < 1 || runs > RUNS_MAX)
        exit(cli_fail_text("--runs is \"%.40s\"; use 1 to %d", text, RUNS_MAX));
    return runs;
}

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    switch (key) {
    case RUNS:
        own->runs = parse_runs(text);
        return 0;
    case 'b':
        own->budget = cli_duration(text);
        if (own->budget == 0)
            exit(cli_fail_text("--budget is \"%.40s\"; use e.g. 60s, 5m or 1h", text));
        return 0;
    case SLOWDOWN:
        parse_slowdowns(own, text);
        return 0;
    case DELTA:
        own->delta = parse_delta(text);
        return 0;
    case ARGP_KEY_ARG:
        if (own->program)
            return ARGP_ERR_UNKNOWN;
        *(own->kind ? &own->program : &own->kind) = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* ---- Runs ------------------------------------------------------------------------- */

struct work {
    const struct own *own;
    const struct cli_options *options;
    struct dt_machine machine;
    struct dt_subject *subjects;
    size_t count;
    struct dt_finding finding;
    struct dt_trial *trials; /* [slow-downs][count] */
    struct dt_trial_set *sets;
    size_t set_count;
    size_t slowdowns; /* that were finished */
    size_t runs_before, runs_in_all;
    struct cli_keeper keeper;
};

static void show_run(void *context, size_t done, size_t alarms)
{
    const struct work *w = context;
    char what[64];
    snprintf(what, sizeof what, "%zu of %zu runs red", alarms, done);
    cli_progress(w->options, what, (double)(w->runs_before + done), (double)w->runs_in_all);
}

/* Sets of one slow-down: the whole suite, then each cell. */
static enum dt_status keep(struct work *w, const struct dt_selftest *selftest,
                           struct dt_error *error)
{
    struct dt_finding *finding = &w->finding;
    finding->trials = &w->sets[w->set_count];
    finding->trial_count = w->count + 1;
    w->sets[w->set_count++] = selftest->suite.set;
    for (size_t c = 0; c < w->count; c++) {
        w->trials[w->slowdowns * w->count + c] = selftest->cells[c];
        w->sets[w->set_count++] = selftest->cells[c].set;
    }
    w->slowdowns++;
    finding->records.session.build = finding->records.session.base = selftest->build;
    return cli_keep(&w->keeper, finding, error);
}

static int run(struct work *w, double slowdown, size_t runs)
{
    const struct dt_selftest_options options = {
        .program = w->own->program,
        .slowdown = slowdown,
        .runs = runs,
        .compare = {.machine = &w->machine,
                    .lockstep = {.budget = w->own->budget,
                                 .delta = w->own->delta > 0 ? w->own->delta
                                                            : dt_compare_delta(&w->machine),
                                 .seed = w->options->seed + w->runs_before,
                                 .stop = &stop}},
        .run = dt_compare_builds,
        .progress = show_run,
        .context = w,
    };
    struct dt_selftest selftest;
    struct dt_error error;
    enum dt_status status = dt_selftest_run(&options, w->subjects, w->count, &selftest, &error);
    if (!status && selftest.suite.set.trials > 0)
        status = keep(w, &selftest, &error);
    dt_selftest_clear(&selftest);
    w->runs_before += runs;
    if (!status)
        return CLI_OK;
    cli_progress_end(w->options);
    cli_fail(&error);
    return status == DT_FAILED ? CLI_DEFECT : CLI_USAGE;
}

/* ---- Findings ------------------------------------------------------------------------ */

static bool prints(const struct work *w)
{
    return !w->options->quiet && !(w->options->json && strcmp(w->options->json, "-") == 0);
}

static int conclude_aa(const struct work *w)
{
    const struct dt_trial_set *suite = &w->sets[0];
    const double limit = dt_trials_false_alarms(suite);
    if (prints(w))
        printf("%zu of %zu runs of a build against itself went red: false alarms are at most "
               "%.2f %%, with %.0f %% confidence\n",
               suite->alarms, suite->trials, 100 * limit, 100 * DT_TRIALS_CONFIDENCE);
    if (limit <= DT_TRIALS_ALARMS)
        return CLI_OK;
    if (suite->alarms == 0)
        cli_fail_text("that is not shown to be %g %% at most: %d runs without a red one would",
                      100 * DT_TRIALS_ALARMS, AA_RUNS);
    return CLI_NEGATIVE;
}

static int conclude_power(const struct work *w)
{
    size_t claimed = 0, failed = 0;
    for (size_t t = 0; t < w->slowdowns * w->count; t++) {
        claimed += dt_trial_is_claimed(&w->trials[t]);
        failed += !dt_trial_holds(&w->trials[t]);
    }
    for (size_t c = 0; c < w->count; c++)
        failed += !dt_trial_moves(&w->trials[(w->slowdowns - 1) * w->count + c]);
    if (claimed == 0)
        cli_fail_text("nothing is claimed of calls below a millisecond and of less than 5 %%");
    return claimed > 0 && failed == 0 ? CLI_OK : CLI_NEGATIVE;
}

static int write_json(struct work *w)
{
    const struct dt_evidence evidence = {.sessions = &w->finding, .count = 1};
    struct cli_output output;
    struct dt_error error;
    w->finding.trials = w->sets;
    w->finding.trial_count = w->set_count;
    if (!w->options->json)
        return CLI_OK;
    if (cli_output_open(&output, w->options->json, &error))
        return cli_fail(&error);
    if (dt_evidence_write(output.stream, &evidence, &error)) {
        cli_output_close(&output, false, NULL);
        return cli_fail(&error);
    }
    return cli_output_close(&output, true, &error) ? cli_fail(&error) : CLI_OK;
}

static int conclude(struct work *w, bool power)
{
    const struct dt_terminal terminal = cli_terminal(stdout);
    int code = write_json(w);
    if (code)
        return code;
    if (w->slowdowns == 0)
        return cli_fail_text("interrupted before the first run was over");
    if (prints(w))
        dt_trials_print(stdout, w->trials, w->slowdowns, w->count, &terminal);
    code = power ? conclude_power(w) : conclude_aa(w);
    fflush(stdout);
    if (stop)
        cli_fail_text("interrupted: this is what the runs before found");
    return code;
}

static int make_runs(struct work *w, bool power)
{
    const struct own *own = w->own;
    const size_t runs = own->runs ? own->runs : power ? POWER_RUNS : AA_RUNS;
    const size_t slowdowns = power ? own->slowdown_count : 1;
    int code = CLI_OK;
    w->trials = calloc(slowdowns * w->count + 1, sizeof *w->trials);
    w->sets = calloc(slowdowns * (w->count + 1), sizeof *w->sets);
    w->runs_in_all = slowdowns * runs;
    if (!w->trials || !w->sets)
        return cli_fail_text("no memory for %zu cells", w->count);
    catch_signals();
    for (size_t s = 0; s < slowdowns && code == CLI_OK && !stop; s++)
        code = run(w, power ? own->slowdowns[s] : 0, runs);
    cli_progress_end(w->options);
    return code == CLI_OK ? conclude(w, power) : code;
}

static int begin(struct work *w, bool power, char **argv)
{
    struct dt_error error;
    if (power && dt_selftest_can_slow(w->own->program, &error))
        return cli_fail(&error);
    if (cli_cells_collect(w->options, &w->subjects, &w->count, &error))
        return cli_fail(&error);
    if (w->count == 0)
        return cli_fail_text("nothing that --op and --variant select computes these problems");
    if (cli_machine_open(w->options, &w->machine, &error) ||
        cli_keep_begin(&w->keeper, w->options, &error))
        return cli_fail(&error);
    dt_session_init(&w->finding.records.session, &w->machine, argv, w->options->seed);
    return make_runs(w, power);
}

int verb_selftest(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "aa|power [PROGRAM]"};
    struct own own = {
        .budget = 60, .slowdowns = {0.01, 0.02, 0.03, 0.05, 0.10, 0.20}, .slowdown_count = 6};
    struct cli_options options;
    struct dt_error error;
    char path[CLI_PATH_MAX];
    cli_parse(argc, argv,
              "Tell what `disentune regress` is worth on this machine. aa compares a program with "
              "itself, run after run, and counts the runs that go red: a minute each, 59 by "
              "default. power compares one that was built with -Dslowdown=true with itself slowed "
              "down, and tells how often that is found. PROGRAM is by default this one. Exits with "
              "1 if what is claimed does not hold.",
              &argp, &own, &options);
    struct work work = {.own = &own, .options = &options};
    const bool power = own.kind && strcmp(own.kind, "power") == 0;
    int code;
    if (!own.program)
        own.program = cli_own_path(path);
    if (!own.kind || (!power && strcmp(own.kind, "aa") != 0))
        code = cli_fail_text("selftest needs to know what to test: aa or power");
    else if (options.problem_count == 0 &&
             cli_suite_add(power ? "power" : "smoke", &options, &error))
        code = cli_fail(&error);
    else
        code = begin(&work, power, argv);
    cli_keep_end(&work.keeper);
    free(work.sets);
    free(work.trials);
    free(work.subjects);
    dt_machine_clear(&work.machine);
    cli_options_clear(&options);
    return cli_finish(code);
}
