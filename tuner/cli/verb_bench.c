/* SPDX-License-Identifier: MIT */
#include "reports/summary.h"
#include "tuner/cli/measure.h"
#include "tuner/cli/terminal.h"

#include <stdlib.h>
#include <string.h>

struct own {
    bool fixed_tile;
    struct dt_tile tile;
    double seconds;
};

static const struct argp_option own_options[] = {
    {"tile", 't', "ROWSxCOLS", 0,
     "measure this tile alone, 0 being all; default: each variant's best", 0},
    {"seconds", 's', "S", 0, "time for each problem (default 2)", 0},
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
    }
    return ARGP_ERR_UNKNOWN;
}

static int bench(const struct own *own, struct cli_measure *m)
{
    static const enum dt_op ops[] = {DT_OP_BIAS, DT_OP_SOFTMAX, DT_OP_GEMM, DT_OP_ATTENTION};
    const struct cli_options *options = m->options;
    struct dt_error error;
    m->tuner.goal = DT_GOAL_VARIANTS;
    m->tuner.fixed_tile = own->fixed_tile;
    m->tuner.tile = own->tile;
    for (size_t p = 0; p < options->problem_count; p++)
        for (size_t o = 0; o < sizeof ops / sizeof *ops && !cli_measure_stopped(); o++) {
            struct dt_outcome outcome;
            char text[DT_PROBLEM_TEXT_MAX];
            if (!cli_measure_wants(m, ops[o], &options->problems[p]))
                continue;
            cli_progress(options, dt_problem_print(&options->problems[p], text), (double)p,
                         (double)options->problem_count);
            if (cli_measure_problem(m, ops[o], &options->problems[p], own->seconds, &outcome,
                                    &error))
                return cli_fail(&error);
        }
    cli_progress_end(options);
    if (m->records.count == 0)
        return cli_fail_text("nothing to measure: no variant passes --op, --variant, --tile and "
                             "these problems; see `disentune list`");
    const bool to_stdout = options->json && strcmp(options->json, "-") == 0;
    const struct dt_terminal terminal = cli_terminal(stdout);
    if (!options->quiet && !to_stdout && dt_summary_all(stdout, &m->records, &terminal, &error))
        return cli_fail(&error);
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
    if (options.problem_count == 0 &&
        cli_suite_load("deberta-v3", &options.problems, &options.problem_count, &error))
        code = cli_fail(&error);
    if (!code && cli_measure_begin(&measure, &options, argc, argv, &error))
        code = cli_fail(&error);
    else if (!code) {
        code = bench(&own, &measure);
        if (cli_measure_end(&measure, code == CLI_OK, &error))
            code = cli_fail(&error);
    }
    cli_options_clear(&options);
    return cli_finish(code);
}
