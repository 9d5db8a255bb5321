/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"
#include "reports/summary.h"
#include "tuner/cli/dispatch_table.h"
#include "tuner/cli/measure.h"
#include "tuner/cli/phase_table.h"
#include "tuner/cli/terminal.h"

#include <stdlib.h>
#include <string.h>

struct own {
    bool fixed_tile;
    struct dt_tile tile;
    double seconds;
    bool phases, dispatch;
};

static const struct argp_option own_options[] = {
    {"tile", 't', "ROWSxCOLS", 0,
     "measure this tile alone, 0 being all; default: each variant's best", 0},
    {"seconds", 's', "S", 0, "time for each problem (default 2)", 0},
    {"phases", 'p', NULL, 0, "show where the time of each attention goes", 0},
    {"dispatch", 'd', NULL, 0, "measure instead what it costs to look up a plan and to call by one",
     0},
    {0},
};

static bool parse_tile(const char *text, struct dt_tile *tile)
{
    char *end;
    const long rows = strtol(text, &end, 10);
    if (end == text || *end != 'x')
        return false;
    const char *second = end + 1;
    const long cols = strtol(second, &end, 10);
    *tile = (struct dt_tile){(int32_t)rows, (int32_t)cols};
    return end != second && !*end && rows >= 0 && cols >= 0 && rows <= DT_MAX_LENGTH &&
           cols <= DT_MAX_LENGTH;
}

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    char *end;
    switch (key) {
    case 't':
        if (!parse_tile(text, &own->tile))
            exit(cli_fail_text("--tile is \"%.40s\"; use e.g. 64x0", text));
        own->fixed_tile = true;
        return 0;
    case 's':
        own->seconds = strtod(text, &end);
        if (end == text || *end || !(own->seconds > 0 && own->seconds <= 3600))
            exit(cli_fail_text("--seconds is \"%.40s\"; use a number above 0, at most 3600", text));
        return 0;
    case 'p':
        own->phases = true;
        return 0;
    case 'd':
        own->dispatch = true;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* Whether a problem before it is the same to the operation. */
static bool is_repeated(const struct cli_options *options, enum dt_op op, size_t problem)
{
    const struct dt_problem class = dt_problem_class(op, &options->problems[problem]);
    for (size_t p = 0; p < problem; p++) {
        const struct dt_problem other = dt_problem_class(op, &options->problems[p]);
        if (memcmp(&class, &other, sizeof class) == 0)
            return true;
    }
    return false;
}

/* What --phases found, in the order of measuring. */
struct phases {
    struct dt_phase_times *items;
    size_t count;
};

/* The fastest of the records from `first` on that has phases: an attention made of parts, on one
 * thread. */
static struct dt_record *fastest_with_phases(const struct dt_records *records, size_t first,
                                             struct dt_choice *choice)
{
    struct dt_record *fastest = NULL;
    for (size_t r = first; r < records->count; r++) {
        struct dt_record *record = &records->items[r];
        struct dt_choice own;
        if (record->op != DT_OP_ATTENTION || record->threads != 1 || !record->verified ||
            !dt_record_choice(record, &own) || own.variant->strategy == DT_DIRECT ||
            (fastest && fastest->ns_median <= record->ns_median))
            continue;
        fastest = record;
        *choice = own;
    }
    return fastest;
}

static enum dt_status measure_phases(struct cli_measure *m, size_t first, struct phases *phases,
                                     struct dt_error *error)
{
    struct dt_choice choice;
    struct dt_record *record = fastest_with_phases(&m->records, first, &choice);
    if (!record || cli_measure_stopped())
        return DT_OK;
    struct dt_phase_times *grown =
        realloc(phases->items, (phases->count + 1) * sizeof *phases->items);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for the phases of an attention");
    phases->items = grown;
    struct dt_phase_times *times = &grown[phases->count];
    enum dt_status status =
        dt_phases_measure(&m->records.session, &record->problem, &choice, times, error);
    if (status)
        return status;
    for (int p = 0; p < DT_PHASE_COUNT; p++)
        record->phase_ns[p] = times->phase[p].ns;
    phases->count++;
    return DT_OK;
}

static enum dt_status bench_problem(const struct own *own, struct cli_measure *m, enum dt_op op,
                                    const struct dt_problem *problem, struct phases *phases,
                                    struct dt_error *error)
{
    struct dt_outcome outcome;
    const size_t first = m->records.count;
    enum dt_status status = cli_measure_problem(m, op, problem, own->seconds, &outcome, error);
    if (!status && own->phases)
        status = measure_phases(m, first, phases, error);
    return status ? status : cli_measure_write(m, error);
}

/* Measures what is asked for, as far as no signal asks to stop; *done problems. */
static enum dt_status bench_all(const struct own *own, struct cli_measure *m, size_t *done,
                                struct phases *phases, struct dt_error *error)
{
    static const enum dt_op ops[] = {DT_OP_BIAS, DT_OP_SOFTMAX, DT_OP_GEMM, DT_OP_ATTENTION};
    const struct cli_options *options = m->options;
    enum dt_status status = cli_measure_calibrate(m, error);
    for (*done = 0; *done < options->problem_count && !status && !cli_measure_stopped(); ++*done) {
        const struct dt_problem *problem = &options->problems[*done];
        for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
            char text[DT_PROBLEM_TEXT_MAX];
            if (status || cli_measure_stopped() || !cli_measure_wants(m, ops[o], problem) ||
                is_repeated(options, ops[o], *done))
                continue;
            cli_progress(options, dt_problem_print(problem, text), (double)*done,
                         (double)options->problem_count);
            status = bench_problem(own, m, ops[o], problem, phases, error);
        }
    }
    cli_progress_end(options);
    return status;
}

static int report(struct cli_measure *m, size_t done, const struct phases *phases)
{
    const struct cli_options *options = m->options;
    struct dt_error error;
    if (m->records.count == 0 && cli_measure_stopped())
        return cli_measure_interrupted(0, options->problem_count, "");
    if (m->records.count == 0)
        return cli_fail_text("nothing to measure: no variant passes --op, --variant, --tile and "
                             "these problems; see `disentune list`");
    const bool to_stdout = options->json && strcmp(options->json, "-") == 0;
    const struct dt_terminal terminal = cli_terminal(stdout);
    const int code =
        cli_measure_stopped() ? cli_measure_interrupted(done, options->problem_count, "") : CLI_OK;
    if (options->quiet || to_stdout)
        return code;
    if (dt_summary_all(stdout, &m->records, &terminal, &error))
        return cli_fail(&error);
    for (size_t p = 0; p < phases->count; p++)
        cli_phases_print(stdout, &phases->items[p], &terminal);
    return code;
}

static int bench(const struct own *own, struct cli_measure *m)
{
    struct phases phases = {0};
    struct dt_error error;
    size_t done;
    m->tuner.goal = DT_GOAL_VARIANTS;
    m->tuner.fixed_tile = own->fixed_tile;
    m->tuner.tile = own->tile;
    const int code =
        bench_all(own, m, &done, &phases, &error) ? cli_fail(&error) : report(m, done, &phases);
    free(phases.items);
    return code;
}

static int bench_dispatch(struct cli_measure *m)
{
    const struct dt_terminal terminal = cli_terminal(stdout);
    struct dt_dispatch dispatch;
    struct dt_error error;
    if (dt_dispatch_measure(&m->sampler, m->options->seed, &dispatch, &error))
        return cli_fail(&error);
    if (!m->options->quiet)
        cli_dispatch_print(stdout, &dispatch, &terminal);
    return CLI_OK;
}

int verb_bench(int argc, char **argv)
{
    static const struct argp argp = {.options = own_options, .parser = parse_own};
    struct own own = {.seconds = 2};
    struct cli_options options;
    struct cli_measure measure;
    struct dt_error error;
    cli_parse(argc, argv,
              "Measure each variant at its best tile, interleaved with the scalar loop, the "
              "hardware gather and the ceiling. Default: --suite deberta-v3.",
              &argp, &own, &options);
    int code = CLI_OK;
    if (own.dispatch && (options.json || options.db))
        code = cli_fail_text("--dispatch measures no variants; it has no --json and no --db");
    else if (options.problem_count == 0 &&
             cli_suite_load("deberta-v3", &options.problems, &options.problem_count, &error))
        code = cli_fail(&error);
    if (own.dispatch)
        options.db = "none";
    if (!code && cli_measure_begin(&measure, &options, argc, argv, &error))
        code = cli_fail(&error);
    else if (!code) {
        code = own.dispatch ? bench_dispatch(&measure) : bench(&own, &measure);
        if (cli_measure_end(&measure, code != CLI_USAGE, &error))
            code = cli_fail(&error);
    }
    cli_options_clear(&options);
    return cli_finish(code);
}
