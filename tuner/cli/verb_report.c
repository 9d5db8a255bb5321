/* SPDX-License-Identifier: MIT */
#include "reports/formats.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/output.h"
#include "tuner/cli/terminal.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct own {
    const char *file, *output, *format;
    struct cli_options *options;
};

static const struct argp_option own_options[] = {
    {"output", 'o', "FILE", 0, "write there instead of to standard output", 0},
    {"format", 'f', "FORMAT", 0, "default: what the output's name ends in, else terminal", 0},
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
    case ARGP_KEY_ARG:
        if (own->file)
            return ARGP_ERR_UNKNOWN;
        own->file = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* ---- Selection ------------------------------------------------------------- */

static bool is_asked_for(const struct cli_options *options, const struct dt_subject *subject)
{
    if (options->op != DT_OP_COUNT && options->op != subject->op)
        return false;
    if (options->variant && fnmatch(options->variant, subject->variant, 0) != 0)
        return false;
    bool found = options->problem_count == 0;
    for (size_t p = 0; p < options->problem_count && !found; p++) {
        const struct dt_problem class = dt_problem_class(subject->op, &options->problems[p]);
        found = memcmp(&class, &subject->problem, sizeof class) == 0;
    }
    return found;
}

static void select_records(const struct cli_options *options, struct dt_records *records)
{
    size_t kept = 0;
    for (size_t r = 0; r < records->count; r++) {
        const struct dt_subject subject = dt_record_subject(&records->items[r]);
        if (is_asked_for(options, &subject))
            records->items[kept++] = records->items[r];
        else
            free(records->items[r].ns);
    }
    records->count = kept;
}

static void select_cells(const struct cli_options *options, struct dt_finding *finding)
{
    size_t kept = 0;
    for (size_t c = 0; c < finding->cell_count; c++) {
        struct dt_cell *cell = &finding->cells[c];
        if (is_asked_for(options, &cell->subject)) {
            finding->cells[kept++] = *cell;
        } else {
            free(cell->ratios);
            free(cell->aa_ratios);
        }
    }
    finding->cell_count = kept;
}

/* What is said of a whole suite is asked for unless something narrower is. */
static void select_others(const struct cli_options *options, struct dt_finding *finding)
{
    const bool all = options->op == DT_OP_COUNT && !options->variant && !options->problem_count;
    size_t kept = 0;
    for (size_t c = 0; c < finding->candidate_count; c++)
        if (is_asked_for(options, &finding->candidates[c].subject))
            finding->candidates[kept++] = finding->candidates[c];
    finding->candidate_count = kept;
    kept = 0;
    for (size_t t = 0; t < finding->trial_count; t++) {
        const struct dt_subject *subject = &finding->trials[t].subject;
        if (all || (subject->op != DT_OP_COUNT && is_asked_for(options, subject)))
            finding->trials[kept++] = finding->trials[t];
    }
    finding->trial_count = kept;
}

static size_t count_items(const struct dt_finding *finding)
{
    return finding->records.count + finding->cell_count + finding->candidate_count +
           finding->trial_count;
}

/* Removes what --op, --variant, --problem and --suite leave out, and sessions of which nothing is
 * left. Returns how many findings there were. */
static size_t select_evidence(const struct cli_options *options, struct dt_evidence *evidence)
{
    size_t count = 0, kept = 0;
    for (size_t s = 0; s < evidence->count; s++) {
        struct dt_finding *finding = &evidence->sessions[s];
        count += count_items(finding);
        select_records(options, &finding->records);
        select_cells(options, finding);
        select_others(options, finding);
        if (count_items(finding))
            evidence->sessions[kept++] = *finding;
        else
            dt_finding_clear(finding);
    }
    evidence->count = kept;
    return count;
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

static int report(struct own *own, const struct cli_options *options)
{
    struct dt_evidence evidence;
    const struct dt_format *format;
    struct dt_error error;
    int code = find_format(own, options, &format);
    if (code)
        return code;
    if (!own->file)
        return cli_fail_text("report needs a file that `disentune bench --json` or `disentune "
                             "tune --json` wrote, or - for standard input");
    if (strcmp(own->file, "-") != 0 && strcmp(own->file, own->output) == 0)
        return cli_fail_text("--output would replace the measurements in %.160s; give another name",
                             own->file);
    if (cli_evidence_read(own->file, &evidence, &error))
        return cli_fail(&error);
    const size_t count = select_evidence(options, &evidence);
    if (count == 0)
        code = cli_fail_text("%.160s holds no measurements; write them with `disentune bench "
                             "--json`",
                             own->file);
    else if (evidence.count == 0)
        code = cli_fail_text("none of the %zu findings in %.160s matches --op, --variant and "
                             "--problem",
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
        "Make a report of the measurements in FILE, JSON Lines of `disentune bench`, `disentune "
        "tune` or `disentune regress`; - is standard input.\vFormats, and what names end in:\n");
    for (size_t n = 0; (format = dt_format_at(n)) && used < size; n++)
        used += (size_t)snprintf(text + used, size - used, "  %-17s%-7s%s\n", format->name,
                                 format->ending, format->summary);
    return text;
}

int verb_report(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "FILE"};
    struct cli_options options;
    struct own own = {.options = &options};
    char summary[2048];
    cli_parse(argc, argv, describe(summary, sizeof summary), &argp, &own, &options);
    int code = report(&own, &options);
    cli_options_clear(&options);
    return code;
}
