/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"

#include "kernels/table.h"
#include "tuner/cli/output.h"

#include <stdlib.h>
#include <string.h>

/* What is listed of each table that was not used; the rest is counted. */
enum { LISTED = 8 };

struct own {
    const char *output;
    bool c;
    const char *name; /* of the variable in C */
    const char **paths;
    struct dt_table **tables; /* as many */
    size_t count;
};

static const struct argp_option own_options[] = {
    {"output", 'o', "FILE|-", 0, "write the merged table there", 0},
    {"format", 'f', "jsonl|c", 0,
     "the table itself, by default, or C source with the table as constants of a program", 0},
    {"name", 'n', "NAME", 0, "the variable in C; default: disentune_table", 0},
    {0},
};

static void clear(struct own *own)
{
    for (size_t n = 0; n < own->count; n++)
        dt_table_free(own->tables[n]);
    free(own->tables);
    free(own->paths);
}

static enum dt_status add(struct own *own, const char *path, struct dt_error *error)
{
    const char **paths = realloc(own->paths, (own->count + 1) * sizeof *paths);
    if (paths)
        own->paths = paths;
    struct dt_table **tables = realloc(own->tables, (own->count + 1) * sizeof *tables);
    if (tables)
        own->tables = tables;
    if (!paths || !tables)
        return dt_table_no_memory(error);
    own->paths[own->count] = path;
    enum dt_status status = dt_table_load(path, &own->tables[own->count], error);
    own->count += !status;
    return status;
}

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    struct dt_error error;
    if (key == 'o') {
        if (!*text) {
            clear(own);
            exit(cli_fail_text("--output is empty; give a file name"));
        }
        own->output = text;
        return 0;
    }
    if (key == 'n') {
        own->name = text;
        return 0;
    }
    if (key == 'f') {
        own->c = strcmp(text, "c") == 0;
        if (!own->c && strcmp(text, "jsonl") != 0) {
            clear(own);
            exit(cli_fail_text("--format is \"%.40s\"; use jsonl or c", text));
        }
        return 0;
    }
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    if (add(own, text, &error)) {
        clear(own);
        exit(cli_fail(&error));
    }
    return 0;
}

static int write_table(const struct dt_table *table, const struct own *own)
{
    struct dt_error error;
    struct cli_output output;
    char *text;
    size_t size;
    enum dt_status status = own->c ? dt_table_print_c(table, own->name, &text, &size, &error)
                                   : dt_table_print(table, &text, &size, &error);
    if (status)
        return cli_fail(&error);
    status = cli_output_open(&output, own->output, &error);
    if (!status) {
        fwrite(text, 1, size, output.stream);
        status = cli_output_close(&output, true, &error);
    }
    free(text);
    return status ? cli_fail(&error) : CLI_OK;
}

static void print_summary(const struct own *own, const struct dt_table *merged)
{
    for (size_t t = 0; t < own->count; t++) {
        const char *reason;
        size_t n = 0;
        printf("read     %s: %zu records\n", own->paths[t], own->tables[t]->count);
        for (; (reason = dt_table_rejected(own->tables[t], n)); n++)
            if (n < LISTED)
                printf("  note   %s\n", reason);
        if (n > LISTED)
            printf("  note   ... %zu more\n", n - LISTED);
    }
    printf("written  %s: %zu records, %zu of them usable with this build\n", own->output,
           merged->count, dt_table_size(merged));
}

static int merge(const struct own *own, bool quiet)
{
    struct dt_error error;
    struct dt_table *merged;
    if (dt_table_merge((const struct dt_table *const *)own->tables, own->count, &merged, &error))
        return cli_fail(&error);
    const int code = write_table(merged, own);
    if (!code && !quiet && strcmp(own->output, "-") != 0)
        print_summary(own, merged);
    dt_table_free(merged);
    return code;
}

int verb_merge(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "TABLE..."};
    struct own own = {.name = "disentune_table"};
    struct cli_options options;
    cli_parse(
        argc, argv,
        "Make one dispatch table of several: of each key the best record, with the build that "
        "it comes from. The result does not depend on the order of the tables. Records that "
        "were tuned with another set of variants are kept as suggestions.",
        &argp, &own, &options);
    int code;
    if (own.count == 0)
        code = cli_fail_text("merge needs tables; e.g. `disentune merge one.jsonl two.jsonl -o "
                             "all.jsonl`");
    else if (!own.output)
        code = cli_fail_text("merge needs a file to write; give -o FILE");
    else
        code = merge(&own, options.quiet);
    clear(&own);
    cli_options_clear(&options);
    return cli_finish(code);
}
