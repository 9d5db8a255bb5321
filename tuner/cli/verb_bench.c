/* SPDX-License-Identifier: MIT */
#include "reports/summary.h"
#include "reports/view.h"
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

/* The fastest of some sorted records of one problem that has phases: an attention made of parts, on
 * one thread. */
static const struct dt_record *fastest_with_phases(const struct dt_record *const *sorted,
                                                   size_t count, struct dt_choice *choice)
{
    for (size_t n = 0; n < count; n++)
        if (sorted[n]->op == DT_OP_ATTENTION && sorted[n]->threads == 1 && sorted[n]->verified &&
            dt_record_choice(sorted[n], choice) && choice->variant->strategy != DT_DIRECT)
            return sorted[n];
    return NULL;
}

static enum dt_status print_phases(const struct cli_measure *m, const struct dt_terminal *terminal,
                                   struct dt_error *error)
{
    const struct dt_record **sorted;
    enum dt_status status = dt_view_sort(&m->records, &sorted, error);
    if (status)
        return status;
    for (size_t at = 0, span; at < m->records.count && !status; at += span) {
        struct dt_phase_times times;
        struct dt_choice choice;
        span = dt_view_problem_span(&sorted[at], m->records.count - at);
        const struct dt_record *record = fastest_with_phases(&sorted[at], span, &choice);
        if (!record || cli_measure_stopped())
            continue;
        status = dt_phases_measure(&m->records.session, &record->problem, &choice, &times, error);
        if (!status)
            cli_phases_print(stdout, &times, terminal);
    }
    free(sorted);
    return status;
}

static int bench(const struct own *own, struct cli_measure *m)
{
    static const enum dt_op ops[] = {DT_OP_BIAS, DT_OP_SOFTMAX, DT_OP_GEMM, DT_OP_ATTENTION};
    const struct cli_options *options = m->options;
    struct dt_error error;
    m->tuner.goal = DT_GOAL_VARIANTS;
    m->tuner.fixed_tile = own->fixed_tile;
    m->tuner.tile = own->tile;
    if (cli_measure_calibrate(m, &error))
        return cli_fail(&error);
    size_t p = 0;
    for (; p < options->problem_count && !cli_measure_stopped(); p++)
        for (size_t o = 0; o < sizeof ops / sizeof *ops && !cli_measure_stopped(); o++) {
            struct dt_outcome outcome;
            char text[DT_PROBLEM_TEXT_MAX];
            if (!cli_measure_wants(m, ops[o], &options->problems[p]) ||
                is_repeated(options, ops[o], p))
                continue;
            cli_progress(options, dt_problem_print(&options->problems[p], text), (double)p,
                         (double)options->problem_count);
            if (cli_measure_problem(m, ops[o], &options->problems[p], own->seconds, &outcome,
                                    &error))
                return cli_fail(&error);
        }
    cli_progress_end(options);
    if (m->records.count == 0 && cli_measure_stopped())
        return cli_measure_interrupted(0, options->problem_count, "");
    if (m->records.count == 0)
        return cli_fail_text("nothing to measure: no variant passes --op, --variant, --tile and "
                             "these problems; see `disentune list`");
    const bool to_stdout = options->json && strcmp(options->json, "-") == 0;
    const struct dt_terminal terminal = cli_terminal(stdout);
    const int code =
        cli_measure_stopped() ? cli_measure_interrupted(p, options->problem_count, "") : CLI_OK;
    if (options->quiet || to_stdout)
        return code;
    if (dt_summary_all(stdout, &m->records, &terminal, &error) ||
        (own->phases && print_phases(m, &terminal, &error)))
        return cli_fail(&error);
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
    if (own.dispatch && options.json)
        code = cli_fail_text("--dispatch measures no variants; it has no --json");
    else if (options.problem_count == 0 &&
             cli_suite_load("deberta-v3", &options.problems, &options.problem_count, &error))
        code = cli_fail(&error);
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
