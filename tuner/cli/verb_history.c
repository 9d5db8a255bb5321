/* SPDX-License-Identifier: MIT */
#include "reports/history.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/output.h"
#include "tuner/cli/terminal.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

struct own {
    const char *file, *base;
};

static const struct argp_option own_options[] = {
    {"base", 'b', "BUILD", 0,
     "the release that builds were compared with: its version or the start of its commit; default: "
     "the one that most sessions name",
     0},
    {0},
};

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    switch (key) {
    case 'b':
        own->base = text;
        return 0;
    case ARGP_KEY_ARG:
        if (own->file)
            return ARGP_ERR_UNKNOWN;
        own->file = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static bool is_asked_for(const struct cli_options *options, const struct dt_subject *subject)
{
    if (options->op != DT_OP_COUNT && options->op != subject->op)
        return false;
    if (options->variant && fnmatch(options->variant, subject->variant, 0) != 0)
        return false;
    bool found = options->problem_count == 0;
    for (size_t p = 0; p < options->problem_count && !found; p++) {
        const struct dt_problem class = dt_problem_class(subject->op, &options->problems[p]);
        const struct dt_problem own = dt_problem_class(subject->op, &subject->problem);
        found = memcmp(&class, &own, sizeof class) == 0;
    }
    return found;
}

/* Series that --op, --variant, --problem and --suite leave out are not shown. */
static void select_series(const struct cli_options *options, struct dt_history *history)
{
    size_t kept = 0;
    for (size_t s = 0; s < history->count; s++)
        if (is_asked_for(options, &history->series[s].cell->subject)) {
            history->series[kept++] = history->series[s];
        } else {
            free(history->series[s].points);
            free(history->series[s].changes);
        }
    history->count = kept;
}

static int write_json(const char *path, const struct dt_history *history)
{
    struct cli_output output;
    struct dt_error error;
    if (cli_output_open(&output, path, &error))
        return cli_fail(&error);
    if (dt_history_write(output.stream, history, &error)) {
        cli_output_close(&output, false, NULL);
        return cli_fail(&error);
    }
    return cli_output_close(&output, true, &error) ? cli_fail(&error) : CLI_OK;
}

static int show(const struct own *own, const struct cli_options *options,
                const struct dt_evidence *evidence)
{
    struct dt_history history;
    struct dt_error error;
    if (dt_history_make(evidence, own->base, &history, &error))
        return cli_fail_text("%.160s: %s", own->file, error.text);
    select_series(options, &history);
    int code = CLI_OK;
    if (history.count == 0)
        code =
            cli_fail_text("no series in %.160s matches --op, --variant and --problem", own->file);
    else if (options->json)
        code = write_json(options->json, &history);
    if (code == CLI_OK && !(options->json && strcmp(options->json, "-") == 0)) {
        const struct dt_terminal terminal = cli_terminal(stdout);
        dt_history_print(stdout, &history, &terminal);
        code = cli_finish(CLI_OK);
    }
    dt_history_clear(&history);
    return code;
}

int verb_history(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "FILE"};
    struct own own = {0};
    struct cli_options options;
    struct dt_evidence evidence = {0};
    struct dt_error error;
    cli_parse(argc, argv,
              "Show how builds fared over time against one release, and where that changed: of the "
              "comparisons in FILE, JSON Lines of `disentune regress --json`; - is standard input.",
              &argp, &own, &options);
    int code;
    if (!own.file)
        code = cli_fail_text("history needs a file that `disentune regress --json` wrote, or - for "
                             "standard input");
    else if (cli_evidence_read(own.file, &evidence, &error))
        code = cli_fail(&error);
    else
        code = show(&own, &options, &evidence);
    dt_evidence_clear(&evidence);
    cli_options_clear(&options);
    return code;
}
