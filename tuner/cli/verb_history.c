/* SPDX-License-Identifier: MIT */
#include "reports/history.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/output.h"
#include "tuner/cli/pick.h"
#include "tuner/cli/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct own {
    const char *file, *base;
    struct cli_options *options;
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
    case ARGP_KEY_INIT:
        own->options->foreign = true; /* a file may be of another machine's build */
        return 0;
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
    int code = options->json ? write_json(options->json, &history) : CLI_OK;
    if (code == CLI_OK && !(options->json && strcmp(options->json, "-") == 0)) {
        const struct dt_terminal terminal = cli_terminal(stdout);
        dt_history_print(stdout, &history, &terminal);
        code = cli_finish(CLI_OK);
    }
    dt_history_clear(&history);
    return code;
}

/* The store, if no file is given. */
static int find_file(struct own *own, const struct cli_options *options, char **store)
{
    struct dt_error error;
    if (own->file && options->db)
        return cli_fail_text("give a file or --db, not both");
    if (own->file)
        return CLI_OK;
    if (cli_store_path(options, store, &error))
        return cli_fail(&error);
    if (!*store)
        return cli_fail_text("history needs a file that `disentune regress --json` wrote, or - for "
                             "standard input, or a store");
    if (access(*store, F_OK) != 0)
        return cli_fail_text("there is no store %.120s; `disentune regress` makes one, or give a "
                             "file",
                             *store);
    own->file = *store;
    return CLI_OK;
}

static int read_and_show(const struct own *own, const struct cli_options *options)
{
    struct dt_evidence evidence;
    struct dt_error error;
    if (cli_evidence_read(own->file, &evidence, &error))
        return cli_fail(&error);
    const size_t found = cli_pick(options, &(const struct dt_store_selection){0}, &evidence);
    const int code =
        found > 0 && evidence.count == 0
            ? cli_fail_text("nothing in %.160s matches --op, --variant and --problem", own->file)
            : show(own, options, &evidence);
    dt_evidence_clear(&evidence);
    return code;
}

int verb_history(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "[FILE]"};
    struct cli_options options;
    struct own own = {.options = &options};
    char *store = NULL;
    cli_parse(argc, argv,
              "Show how builds fared over time against one release, and where that changed: of the "
              "comparisons in FILE, a store or JSON Lines of `disentune regress --json`; - is "
              "standard input. Without a file, of the store.",
              &argp, &own, &options);
    int code = find_file(&own, &options, &store);
    if (code == CLI_OK)
        code = read_and_show(&own, &options);
    free(store);
    cli_options_clear(&options);
    return code;
}
