/* SPDX-License-Identifier: MIT */
#include "reports/formats.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/output.h"
#include "tuner/cli/pick.h"
#include "tuner/cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct own {
    const char *file, *output, *format;
    struct dt_store_selection selection;
    struct cli_options *options;
};

static const struct argp_option own_options[] = {
    {"output", 'o', "FILE", 0, "write there instead of to standard output", 0},
    {"format", 'f', "FORMAT", 0, "default: what the output's name ends in, else terminal", 0},
    {"keep", 'k', "N", 0, "only the newest N sessions", 0},
    {"since", 's', "DATE", 0, "only sessions of that day and later, e.g. 2026-01-31", 0},
    {0},
};

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        own->options->foreign = true; /* a file may be of another machine's build */
        return 0;
    case 'o':
        own->output = text;
        return 0;
    case 'f':
        own->format = text;
        return 0;
    case 'k':
        own->selection.newest = cli_pick_keep(text);
        return 0;
    case 's':
        own->selection.since = cli_pick_since(text);
        return 0;
    case ARGP_KEY_ARG:
        if (own->file)
            return ARGP_ERR_UNKNOWN;
        own->file = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* ---- The report ------------------------------------------------------------ */

static int write_report(const struct own *own, const struct dt_format *format,
                        const struct dt_evidence *evidence)
{
    struct dt_error error;
    struct cli_output output;
    if (cli_output_open(&output, own->output, &error))
        return cli_fail(&error);
    const struct dt_terminal terminal = cli_terminal(output.stream);
    const enum dt_status status =
        dt_format_print(format, output.stream, evidence, &terminal, &error);
    if (status) {
        cli_output_close(&output, false, NULL);
        return status == DT_UNSUPPORTED ? cli_fail_text("%.120s: %s", own->file, error.text)
                                        : cli_fail(&error);
    }
    return cli_output_close(&output, true, &error) ? cli_fail(&error) : CLI_OK;
}

static int unknown_format(const char *name)
{
    char names[256] = "";
    const struct dt_format *format;
    for (size_t n = 0, used = 0; (format = dt_format_at(n)); n++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", n ? ", " : "",
                                 format->name);
    return cli_fail_text("--format is \"%.40s\"; use one of %s", name, names);
}

/* --json is short for the format and the output. */
static int find_format(struct own *own, const struct cli_options *options,
                       const struct dt_format **format)
{
    struct dt_error error;
    if (options->json && (own->output || own->format))
        return cli_fail_text("--json says both output and format; leave out --output and --format");
    if (options->json) {
        own->output = options->json;
        own->format = "jsonl";
    }
    if (!own->output)
        own->output = "-";
    if (!*own->output)
        return cli_fail_text("--output is empty; give a file name");
    if (own->format) {
        *format = dt_format_find(own->format);
        return *format ? CLI_OK : unknown_format(own->format);
    }
    return dt_format_of_path(own->output, format, &error) ? cli_fail(&error) : CLI_OK;
}

/* The store, if no file is given. Of it a terminal gets the newest session alone. */
static int find_store(struct own *own, const struct dt_format *format, char **path)
{
    struct dt_error error;
    if (own->file && own->options->db)
        return cli_fail_text("give a file or --db, not both");
    if (own->file)
        return CLI_OK;
    if (cli_store_path(own->options, path, &error))
        return cli_fail(&error);
    if (!*path)
        return cli_fail_text("report needs a file that `disentune bench --json` wrote, or - for "
                             "standard input, or a store");
    if (access(*path, F_OK) != 0)
        return cli_fail_text("there is no store %.120s; `disentune bench` makes one, or give a "
                             "file",
                             *path);
    if (format == dt_format_at(0) && !own->selection.newest && !own->selection.since)
        own->selection.newest = 1;
    own->file = *path;
    return CLI_OK;
}

static int report(const struct own *own, const struct dt_format *format)
{
    struct dt_evidence evidence;
    struct dt_error error;
    int code;
    if (strcmp(own->file, "-") != 0 && strcmp(own->file, own->output) == 0)
        return cli_fail_text("--output would replace the measurements in %.160s; give another name",
                             own->file);
    if (cli_evidence_read(own->file, &evidence, &error))
        return cli_fail(&error);
    const size_t count = cli_pick(own->options, &own->selection, &evidence);
    if (count == 0)
        code = cli_fail_text("%.160s holds no measurements; write them with `disentune bench "
                             "--json`",
                             own->file);
    else if (evidence.count == 0)
        code = cli_fail_text("none of the %zu findings in %.160s matches --op, --variant, "
                             "--problem and --since",
                             count, own->file);
    else
        code = write_report(own, format, &evidence);
    dt_evidence_clear(&evidence);
    return code;
}

/* The summary, and after the options the formats. */
static const char *describe(char *text, size_t size)
{
    const struct dt_format *format;
    size_t used = (size_t)snprintf(
        text, size,
        "Make a report of what is in FILE: a store, or JSON Lines of `disentune bench`, `disentune "
        "tune` or `disentune regress`; - is standard input. Without a file, of the store; a "
        "terminal gets its newest session.\vFormats, and what names end in:\n");
    for (size_t n = 0; (format = dt_format_at(n)) && used < size; n++)
        used += (size_t)snprintf(text + used, size - used, "  %-17s%-7s%s\n", format->name,
                                 format->ending, format->summary);
    return text;
}

int verb_report(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "[FILE]"};
    struct cli_options options;
    struct own own = {.options = &options};
    char summary[2048];
    cli_parse(argc, argv, describe(summary, sizeof summary), &argp, &own, &options);
    const struct dt_format *format;
    char *store = NULL;
    int code = find_format(&own, &options, &format);
    if (!code)
        code = find_store(&own, format, &store);
    if (!code)
        code = report(&own, format);
    free(store);
    cli_options_clear(&options);
    return code;
}
