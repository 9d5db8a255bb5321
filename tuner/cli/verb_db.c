/* SPDX-License-Identifier: MIT */
#include "reports/store.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/output.h"
#include "tuner/cli/pick.h"

#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 256 };

struct own {
    const char *action, *output;
    const char *files[FILES_MAX];
    size_t count;
    struct dt_store_selection selection;
    bool selects; /* by --keep or --since */
};

static const struct argp_option own_options[] = {
    {"output", 'o', "FILE", 0, "export: write there instead of to standard output", 0},
    {"keep", 'k', "N", 0, "export, gc: the newest N sessions", 0},
    {"since", 's', "DATE", 0, "export, gc: sessions of that day and later, e.g. 2026-01-31", 0},
    {0},
};

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    switch (key) {
    case 'o':
        own->output = text;
        return 0;
    case 'k':
        own->selection.newest = cli_pick_keep(text);
        own->selects = true;
        return 0;
    case 's':
        own->selection.since = cli_pick_since(text);
        own->selects = true;
        return 0;
    case ARGP_KEY_ARG:
        if (!own->action)
            own->action = text;
        else if (own->count == FILES_MAX)
            exit(cli_fail_text("more than %d files; give them in turn", FILES_MAX));
        else
            own->files[own->count++] = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

static const char *plural(size_t count) { return count == 1 ? "" : "s"; }

static size_t count_findings(const struct dt_evidence *evidence)
{
    size_t count = 0;
    for (size_t s = 0; s < evidence->count; s++)
        count += evidence->sessions[s].records.count + evidence->sessions[s].candidate_count +
                 evidence->sessions[s].cell_count + evidence->sessions[s].trial_count;
    return count;
}

/* ---- Actions --------------------------------------------------------------- */

/* Each takes the path of the store and returns the exit code. */
struct action {
    const char *name;
    int (*run)(const struct own *own, const char *path, const struct cli_options *options);
    bool files, output, selection; /* what it takes */
};

static int load(const char *path, const struct dt_store_selection *selection,
                struct dt_evidence *evidence)
{
    struct dt_store *store;
    struct dt_error error;
    enum dt_status status = dt_store_open(path, DT_STORE_READ, &store, &error);
    if (!status)
        status = dt_store_load(store, selection, evidence, &error);
    dt_store_close(store);
    return status ? cli_fail(&error) : CLI_OK;
}

/* A file is appended whole or not at all. */
static int append_file(const char *file, struct dt_store *store, bool stores,
                       const struct cli_options *options)
{
    struct dt_evidence evidence;
    struct dt_error error;
    size_t added;
    if (stores && load(file, NULL, &evidence))
        return CLI_USAGE;
    if (!stores && dt_evidence_read(file, &evidence, &error))
        return cli_fail(&error);
    const size_t count = count_findings(&evidence);
    const enum dt_status status =
        dt_store_append(store, evidence.sessions, evidence.count, &added, &error);
    if (!status && !options->quiet)
        printf("%s: %zu session%s, %zu finding%s, of which %zu %s new\n", file, evidence.count,
               plural(evidence.count), count, plural(count), added, added == 1 ? "is" : "are");
    dt_evidence_clear(&evidence);
    return status ? cli_fail(&error) : CLI_OK;
}

static int append_files(const struct own *own, const char *path, bool stores,
                        const struct cli_options *options)
{
    struct dt_store *store;
    struct dt_error error;
    int code = CLI_OK;
    if (dt_store_open(path, DT_STORE_WRITE, &store, &error))
        return cli_fail(&error);
    for (size_t n = 0; n < own->count && !code; n++)
        code = append_file(own->files[n], store, stores, options);
    dt_store_close(store);
    return code;
}

static int merge(const struct own *own, const char *path, const struct cli_options *options)
{
    return append_files(own, path, true, options);
}

static int import(const struct own *own, const char *path, const struct cli_options *options)
{
    return append_files(own, path, false, options);
}

static int export(const struct own *own, const char *path, const struct cli_options *options)
{
    struct dt_evidence evidence;
    struct dt_error error;
    struct cli_output output;
    (void)options;
    if (load(path, &own->selection, &evidence))
        return CLI_USAGE;
    enum dt_status status = cli_output_open(&output, own->output ? own->output : "-", &error);
    if (!status) {
        status = dt_evidence_write(output.stream, &evidence, &error);
        if (status)
            cli_output_close(&output, false, NULL);
        else
            status = cli_output_close(&output, true, &error);
    }
    dt_evidence_clear(&evidence);
    return status ? cli_fail(&error) : CLI_OK;
}

static int collect(const struct own *own, const char *path, const struct cli_options *options)
{
    struct dt_store *store;
    struct dt_error error;
    size_t dropped;
    if (!own->selects)
        return cli_fail_text("db gc drops what --keep N or --since DATE leaves out; give one");
    enum dt_status status = dt_store_open(path, DT_STORE_READ, &store, &error);
    if (!status)
        status = dt_store_drop_others(store, &own->selection, &dropped, &error);
    dt_store_close(store);
    if (status)
        return cli_fail(&error);
    if (!options->quiet)
        printf("%zu session%s dropped\n", dropped, plural(dropped));
    return CLI_OK;
}

static int check(const struct own *own, const char *path, const struct cli_options *options)
{
    struct dt_store *store;
    struct dt_error error;
    (void)own;
    enum dt_status status = dt_store_open(path, DT_STORE_READ, &store, &error);
    if (!status)
        status = dt_store_check(store, &error);
    dt_store_close(store);
    if (status)
        return cli_fail(&error);
    if (!options->quiet)
        printf("%s: sound, schema %d\n", path, dt_store_schema());
    return CLI_OK;
}

static const struct action actions[] = {
    {.name = "merge", .run = merge, .files = true},
    {.name = "export", .run = export, .output = true, .selection = true},
    {.name = "import", .run = import, .files = true},
    {.name = "gc", .run = collect, .selection = true},
    {.name = "check", .run = check},
};

static const struct action *find_action(const char *name)
{
    for (size_t n = 0; name && n < sizeof actions / sizeof *actions; n++)
        if (strcmp(actions[n].name, name) == 0)
            return &actions[n];
    return NULL;
}

static int run(const struct own *own, const struct cli_options *options)
{
    const struct action *action = find_action(own->action);
    struct dt_error error;
    char *path;
    if (!action)
        return cli_fail_text("db is to do \"%.40s\"; use merge, export, import, gc or check",
                             own->action ? own->action : "");
    if (!action->files && own->count > 0)
        return cli_fail_text("unexpected argument \"%.80s\"; db %s takes no files, the store is "
                             "that of --db",
                             own->files[0], action->name);
    if (action->files && own->count == 0)
        return cli_fail_text("db %s needs a file", action->name);
    if (!action->output && own->output)
        return cli_fail_text("db %s writes no file; leave out --output", action->name);
    if (!action->selection && own->selects)
        return cli_fail_text("db %s takes all sessions; leave out --keep and --since",
                             action->name);
    if (own->output && !*own->output)
        return cli_fail_text("--output is empty; give a file name");
    if (cli_store_path(options, &path, &error))
        return cli_fail(&error);
    if (!path)
        return cli_fail_text("--db none is no store; give a file");
    const int code = action->run(own, path, options);
    free(path);
    return code;
}

int verb_db(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "ACTION [FILE...]"};
    struct own own = {0};
    struct cli_options options;
    cli_parse(argc, argv,
              "Look after the store of results, that of --db or the user's own. ACTION is merge "
              "(add other stores), export (as JSON Lines), import (JSON Lines), gc (drop old "
              "sessions) or check (whether it is sound).",
              &argp, &own, &options);
    const int code = run(&own, &options);
    cli_options_clear(&options);
    return cli_finish(code);
}
