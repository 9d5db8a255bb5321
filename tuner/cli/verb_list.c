/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"
#include "tuner/cli/output.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static bool runs(const struct dt_variant *variant)
{
    return (variant->level & ~dt_cpu_host()->levels) == 0;
}

/* Empty if the variant is a good choice as far as can be told without measuring. */
static const char *remark(const struct dt_variant *variant)
{
    if (!runs(variant))
        return "not on this CPU";
    return variant->quirks & dt_cpu_host()->quirks ? "slow on this CPU" : "";
}

/* A row shown: the verb's selection and, with --problem, what computes at least one of them. */
static bool shows(const struct cli_options *options, const struct dt_delta *deltas,
                  const struct dt_variant *variant)
{
    if (!cli_selects(options, variant))
        return false;
    bool accepted = options->problem_count == 0 || !variant->accepts;
    for (size_t p = 0; p < options->problem_count && !accepted; p++)
        accepted = variant->accepts(&options->problems[p], &deltas[p]);
    return accepted;
}

static void print_row(const struct dt_variant *variant, int width)
{
    const char *why = remark(variant);
    const bool dim = *why && cli_colour(stdout);
    printf("%s%-*s  %-9s %-7s %s%s%s%s%s\n", dim ? "\033[2m" : "", width, variant->name,
           dt_op_name(variant->op), dt_cpu_level_name(variant->level), variant->idea,
           *why ? " (" : "", why, *why ? ")" : "", dim ? "\033[0m" : "");
}

static bool write_row(const struct dt_variant *variant, FILE *stream)
{
    json_t *row = json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:i, s:i, s:f}", "variant",
                            variant->name, "op", dt_op_name(variant->op), "isa",
                            dt_cpu_level_name(variant->level), "idea", variant->idea, "runs",
                            runs(variant), "slow", (variant->quirks & dt_cpu_host()->quirks) != 0,
                            "rows_multiple", variant->rows_multiple, "cols_multiple",
                            variant->cols_multiple, "error_eps", (double)variant->error_eps);
    bool written =
        row && json_dumpf(row, stream, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9)) == 0;
    json_decref(row);
    return written && fputc('\n', stream) != EOF;
}

static int print_all(const struct cli_options *options, const struct dt_delta *deltas)
{
    const struct dt_variant *variant;
    int width = 0;
    size_t shown = 0, usable = 0;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (shows(options, deltas, variant) && (int)strlen(variant->name) > width)
            width = (int)strlen(variant->name);
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (shows(options, deltas, variant)) {
            print_row(variant, width);
            shown++;
            usable += runs(variant);
        }
    if (!options->quiet)
        printf("variants: %zu, of which %zu run on this CPU\n", shown, usable);
    return cli_finish(CLI_OK);
}

static int write_all(const struct cli_options *options, const struct dt_delta *deltas)
{
    struct cli_output output;
    struct dt_error error;
    const struct dt_variant *variant;
    if (cli_output_open(&output, options->json, &error))
        return cli_fail(&error);
    bool written = true;
    for (size_t n = 0; written && (variant = dt_variant_at(n)); n++)
        if (shows(options, deltas, variant))
            written = write_row(variant, output.stream);
    return cli_output_finish(&output, written);
}

static int list(const struct cli_options *options)
{
    struct dt_error error;
    size_t built = 0;
    int code = CLI_OK;
    struct dt_delta *deltas = calloc(options->problem_count + 1, sizeof *deltas);
    if (!deltas)
        return cli_fail_text("out of memory for %zu problems", options->problem_count);
    for (; code == CLI_OK && built < options->problem_count; built += code == CLI_OK)
        if (dt_delta_init(&deltas[built], &options->problems[built], &error))
            code = cli_fail(&error);
    if (code == CLI_OK)
        code = options->json ? write_all(options, deltas) : print_all(options, deltas);
    while (built > 0)
        dt_delta_clear(&deltas[--built]);
    free(deltas);
    return code;
}

int verb_list(int argc, char **argv)
{
    struct cli_options options;
    cli_parse(argc, argv,
              "List the variants of this build: name, operation, instruction set, idea, and "
              "whether this CPU runs them. With --problem or --suite, only those that compute at "
              "least one of the problems.",
              NULL, NULL, &options);
    int code = list(&options);
    cli_options_clear(&options);
    return code;
}
