/* SPDX-License-Identifier: MIT */
#include "reports/unpaired.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/output.h"
#include "tuner/cli/terminal.h"

#include "kernels/error.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A session: of a file, the youngest with measurements or that of a date. */
struct wanted {
    const char *text;
    char *path;
    const char *date; /* the start of it; NULL: the youngest */
    struct dt_evidence evidence;
    const struct dt_finding *finding;
};

struct own {
    struct wanted sides[2];
    size_t count;
    bool other_machine;
};

enum key { OTHER_MACHINE = 0x2000 };

static const struct argp_option own_options[] = {
    {"other-machine", OTHER_MACHINE, NULL, 0, "compare sessions of different machines, too", 0},
    {0},
};

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    switch (key) {
    case OTHER_MACHINE:
        own->other_machine = true;
        return 0;
    case ARGP_KEY_ARG:
        if (own->count == 2)
            return ARGP_ERR_UNKNOWN;
        own->sides[own->count++].text = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* "FILE" or "FILE@DATE", unless a file has that name. */
static enum dt_status split(struct wanted *side, struct dt_error *error)
{
    char *at;
    side->path = strdup(side->text);
    if (!side->path)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a file's name");
    at = strrchr(side->path, '@');
    if (at && access(side->path, F_OK) != 0) {
        *at = '\0';
        side->date = at + 1;
    }
    return DT_OK;
}

static enum dt_status select_session(struct wanted *side, struct dt_error *error)
{
    size_t fitting = 0;
    for (size_t s = 0; s < side->evidence.count; s++) {
        const struct dt_finding *finding = &side->evidence.sessions[s];
        const char *date = finding->records.session.date;
        if (finding->records.count == 0 ||
            (side->date && strncmp(date, side->date, strlen(side->date)) != 0))
            continue;
        side->finding = finding;
        fitting++;
    }
    if (!side->finding && side->date)
        return dt_error_set(error, DT_INVALID,
                            "%.120s: no session with measurements begins with "
                            "\"%.40s\"",
                            side->path, side->date);
    if (!side->finding)
        return dt_error_set(error, DT_INVALID, "%.120s: no session with measurements", side->path);
    if (fitting > 1 && side->date)
        return dt_error_set(error, DT_INVALID,
                            "%.120s: %zu sessions begin with \"%.40s\"; give more of the date",
                            side->path, fitting, side->date);
    return DT_OK;
}

static enum dt_status load(struct wanted *side, struct dt_error *error)
{
    enum dt_status status = split(side, error);
    if (!status)
        status = cli_evidence_read(side->path, &side->evidence, error);
    return status ? status : select_session(side, error);
}

static int write_json(const char *path, const struct dt_unpaired *unpaired)
{
    struct cli_output output;
    struct dt_error error;
    if (cli_output_open(&output, path, &error))
        return cli_fail(&error);
    if (dt_unpaired_write(output.stream, unpaired, &error)) {
        cli_output_close(&output, false, NULL);
        return cli_fail(&error);
    }
    return cli_output_close(&output, true, &error) ? cli_fail(&error) : CLI_OK;
}

static int show(const struct own *own, const struct cli_options *options)
{
    const struct dt_finding *a = own->sides[0].finding, *b = own->sides[1].finding;
    struct dt_unpaired unpaired;
    struct dt_error error;
    if (!own->other_machine &&
        dt_unpaired_machines(&a->records.session, &b->records.session, &error))
        return cli_fail(&error);
    if (dt_unpaired_make(a, b, &unpaired, &error))
        return cli_fail(&error);
    const struct dt_terminal terminal = cli_terminal(stdout);
    const int code = options->json ? write_json(options->json, &unpaired) : CLI_OK;
    if (!code && !options->quiet && !(options->json && strcmp(options->json, "-") == 0))
        dt_unpaired_print(stdout, &unpaired, &terminal);
    dt_unpaired_clear(&unpaired);
    return code;
}

int verb_compare(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "A B"};
    struct own own = {0};
    struct cli_options options;
    struct dt_error error;
    cli_parse(argc, argv,
              "Compare two sessions that were measured at different times, which gives hints and "
              "no verdicts. A and B are files of `--json`, of which the youngest session is "
              "taken, or FILE@DATE, the session that began then.",
              &argp, &own, &options);
    int code = CLI_OK;
    if (own.count < 2)
        code = cli_fail_text("compare needs two sessions; e.g. `disentune compare old.jsonl "
                             "new.jsonl`");
    for (size_t n = 0; n < own.count && !code; n++)
        if (load(&own.sides[n], &error))
            code = cli_fail(&error);
    if (!code)
        code = show(&own, &options);
    for (size_t n = 0; n < own.count; n++) {
        dt_evidence_clear(&own.sides[n].evidence);
        free(own.sides[n].path);
    }
    cli_options_clear(&options);
    return cli_finish(code);
}
