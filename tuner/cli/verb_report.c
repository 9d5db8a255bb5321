/* SPDX-License-Identifier: MIT */
#include "reports/markdown.h"
#include "reports/summary.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/output.h"
#include "tuner/cli/terminal.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

enum format { AUTOMATIC, TERMINAL, MARKDOWN };

struct own {
    const char *file, *output;
    enum format format;
    const char *unknown_format;
};

static const struct argp_option own_options[] = {
    {"output", 'o', "FILE", 0, "write there instead of to standard output", 0},
    {"format", 'f', "terminal|markdown", 0,
     "default: markdown if the output's name ends in .md, else terminal", 0},
    {0},
};

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    switch (key) {
    case 'o':
        own->output = text;
        return 0;
    case 'f':
        if (strcmp(text, "terminal") == 0)
            own->format = TERMINAL;
        else if (strcmp(text, "markdown") == 0)
            own->format = MARKDOWN;
        else
            own->unknown_format = text;
        return 0;
    case ARGP_KEY_ARG:
        if (own->file)
            return ARGP_ERR_UNKNOWN;
        own->file = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static bool ends_in(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

static bool is_asked_for(const struct cli_options *options, const struct dt_record *record)
{
    if (options->op != DT_OP_COUNT && options->op != record->op)
        return false;
    if (options->variant && fnmatch(options->variant, record->variant, 0) != 0)
        return false;
    bool found = options->problem_count == 0;
    for (size_t p = 0; p < options->problem_count && !found; p++) {
        const struct dt_problem class = dt_problem_class(record->op, &options->problems[p]);
        found = memcmp(&class, &record->problem, sizeof class) == 0;
    }
    return found;
}

/* Removes the records that --op, --variant, --problem and --suite leave out. */
static void select_records(const struct cli_options *options, struct dt_records *records)
{
    size_t kept = 0;
    for (size_t r = 0; r < records->count; r++)
        if (is_asked_for(options, &records->items[r]))
            records->items[kept++] = records->items[r];
        else
            free(records->items[r].ns);
    records->count = kept;
}

static int write_report(const struct own *own, const struct dt_records *records)
{
    struct dt_error error;
    struct cli_output output;
    if (cli_output_open(&output, own->output, &error))
        return cli_fail(&error);
    const struct dt_terminal terminal = cli_terminal(output.stream);
    enum dt_status status;
    if (own->format == MARKDOWN || (own->format == AUTOMATIC && ends_in(own->output, ".md")))
        status = dt_markdown_print(output.stream, records, &error);
    else
        status = dt_summary_print(output.stream, records, &terminal, &error);
    if (status) {
        cli_output_close(&output, false, NULL);
        return cli_fail(&error);
    }
    return cli_output_close(&output, true, &error) ? cli_fail(&error) : CLI_OK;
}

static int report(const struct own *own, const struct cli_options *options)
{
    struct dt_records records;
    struct dt_error error;
    int code;
    if (!own->file)
        return cli_fail_text("report needs a file that `disentune bench --json` or `disentune "
                             "tune --json` wrote, or - for standard input");
    if (own->unknown_format)
        return cli_fail_text("--format is \"%.40s\"; use terminal or markdown",
                             own->unknown_format);
    if (!*own->output)
        return cli_fail_text("--output is empty; give a file name");
    if (strcmp(own->file, "-") != 0 && strcmp(own->file, own->output) == 0)
        return cli_fail_text("--output would replace the measurements in %.160s; give another name",
                             own->file);
    if (dt_records_read(own->file, &records, &error))
        return cli_fail(&error);
    const size_t count = records.count;
    select_records(options, &records);
    if (count == 0)
        code = cli_fail_text("%.160s holds no measurements; write them with `disentune bench "
                             "--json`",
                             own->file);
    else if (records.count == 0)
        code = cli_fail_text("none of the %zu measurements in %.160s matches --op, --variant and "
                             "--problem",
                             count, own->file);
    else
        code = write_report(own, &records);
    dt_records_clear(&records);
    return code;
}

int verb_report(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "FILE"};
    struct own own = {.output = "-"};
    struct cli_options options;
    cli_parse(argc, argv,
              "Make a report of the measurements in FILE, JSON Lines of `disentune bench` or "
              "`disentune tune`; - is standard input.",
              &argp, &own, &options);
    int code = report(&own, &options);
    cli_options_clear(&options);
    return code;
}
