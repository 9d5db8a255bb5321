/* SPDX-License-Identifier: MIT */
/* Searches of recorded spaces: no clock, no machine, the same result for the same seed. */
#include "tuner/cli/cli.h"
#include "tuner/cli/output.h"

#include "kernels/error.h"
#include "reports/subject.h"
#include "tuner/recording.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FINALISTS = 6, FINAL_BLOCKS = 30, SEEDS_MAX = 10000 };

/* Of the seeds, those that must find a plan as good as the best. */
#define GOOD_SHARE 0.9

struct own {
    const char *path;
    const struct dt_policy *policy;
    uint64_t seeds;
    double budget; /* INFINITY: without */
};

static const struct argp_option own_options[] = {
    {"strategy", 's', "NAME", 0, "race, exhaustive or random (default race)", 0},
    {"seeds", 'n', "N", 0, "replay with so many seeds, from --seed on (default 10)", 0},
    {"budget", 'b', "DURATION", 0, "time that trials and samples may take (default: no limit)", 0},
    {0},
};

static error_t parse_own(int key, char *text, struct argp_state *state)
{
    struct own *own = state->input;
    char *end;
    switch (key) {
    case 's':
        own->policy = dt_policy_find(text);
        if (!own->policy)
            exit(cli_fail_text("--strategy is \"%.40s\"; use race, exhaustive or random", text));
        return 0;
    case 'n':
        own->seeds = strtoull(text, &end, 10);
        if (*text < '0' || *text > '9' || *end || own->seeds < 1 || own->seeds > SEEDS_MAX)
            exit(cli_fail_text("--seeds is \"%.40s\"; must be a number from 1 to %d", text,
                               SEEDS_MAX));
        return 0;
    case 'b':
        own->budget = cli_duration(text);
        if (own->budget == 0)
            exit(cli_fail_text("--budget is \"%.40s\"; use e.g. 1.5s, 60s or 5m", text));
        return 0;
    case ARGP_KEY_ARG:
        if (own->path)
            return ARGP_ERR_UNKNOWN;
        own->path = text;
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

/* One replay. */
struct run {
    size_t plan;
    double regret; /* true: time / that of the best - 1 */
    size_t tried, samples;
    bool tied, cut;
};

static enum dt_status replay(const struct dt_recording *recording, const struct own *own,
                             uint64_t seed, struct run *run, struct dt_error *error)
{
    struct dt_replay state;
    struct dt_arena arena;
    struct dt_search search;
    size_t finalists[DT_FINALISTS_MAX], winner = SIZE_MAX;
    dt_replay_init(&state, recording, own->budget, seed, &arena);
    enum dt_status status =
        dt_search_run(&search, own->policy, &arena, recording->noise_floor, seed, error);
    if (!status) {
        const size_t count = dt_search_finalists(&search, FINALISTS, finalists);
        status = dt_search_final(&search, finalists, count, FINAL_BLOCKS, &winner, error);
    }
    *run = (struct run){.plan = recording->count, .regret = INFINITY};
    if (!status && winner != SIZE_MAX) {
        const double best = dt_recorded_score(&recording->plans[dt_recording_best(recording)]);
        run->plan = search.entries[winner].plan;
        run->regret = fmax(0, dt_recorded_score(&recording->plans[run->plan]) / best - 1);
        run->tied = 1 + run->regret <= dt_board_tie(recording->noise_floor);
    }
    run->tried = search.board.count;
    run->samples = search.samples;
    run->cut = search.cut;
    dt_search_clear(&search);
    return status;
}

/* ---- Output ------------------------------------------------------------------ */

struct sum {
    size_t runs, tied, cut;
    double tried, samples, worst;
    size_t recorded; /* samples of the recording */
};

static const char *name_plan(const struct dt_recording *r, size_t plan,
                             char text[DT_SUBJECT_TEXT_MAX])
{
    snprintf(text, DT_SUBJECT_TEXT_MAX, "none");
    return plan < r->count ? dt_subject_choice(&r->plans[plan].subject, text) : text;
}

static bool write_run(FILE *stream, const struct dt_recording *r, const struct own *own,
                      uint64_t seed, const struct run *run)
{
    char text[DT_SUBJECT_TEXT_MAX];
    json_t *line = json_pack(
        "{s:s, s:s, s:i, s:s, s:I, s:s, s:o, s:b, s:I, s:I, s:I, s:b}", "op", dt_op_name(r->op),
        "problem", r->problem, "threads", r->threads, "strategy", own->policy->name, "seed",
        (json_int_t)seed, "plan", name_plan(r, run->plan, text), "regret",
        isfinite(run->regret) ? json_real(run->regret) : json_null(), "tied", run->tied, "tried",
        (json_int_t)run->tried, "plans", (json_int_t)r->count, "samples", (json_int_t)run->samples,
        "cut", run->cut);
    const bool written = line &&
                         json_dumpf(line, stream, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0 &&
                         fputc('\n', stream) != EOF;
    json_decref(line);
    return written;
}

static void print_sum(const struct dt_recording *r, const struct own *own, const struct sum *sum,
                      const struct run *last)
{
    char text[DT_SUBJECT_TEXT_MAX];
    const double runs = (double)sum->runs;
    printf("%s of \"%s\"", dt_op_name(r->op), r->problem);
    if (r->threads > 1)
        printf(", %d threads", r->threads);
    printf(", on %s, %s\n", r->machine, r->date);
    printf("  best      %s\n", name_plan(r, dt_recording_best(r), text));
    printf("  chosen    %s%s\n", name_plan(r, last->plan, text),
           sum->runs > 1 ? " (by the last seed)" : "");
    printf("  %-9s %zu of %zu seeds within %.1f %% of the best, the worst at %+.1f %%%s\n",
           own->policy->name, sum->tied, sum->runs, 100 * (dt_board_tie(r->noise_floor) - 1),
           100 * sum->worst, sum->cut ? "; cut short by --budget" : "");
    printf("  samples   %.0f on average, of %.0f plans; recorded are %zu of %zu plans\n",
           sum->samples / runs, sum->tried / runs, sum->recorded, r->count);
}

static size_t count_samples(const struct dt_recording *r)
{
    size_t count = 0;
    for (size_t n = 0; n < r->count; n++)
        count += r->plans[n].samples;
    return count;
}

static enum dt_status replay_space(const struct dt_recording *r, const struct own *own,
                                   const struct cli_options *options, struct cli_output *json,
                                   bool *good, struct dt_error *error)
{
    struct sum sum = {.recorded = count_samples(r)};
    struct run run = {0};
    enum dt_status status = DT_OK;
    for (; sum.runs < own->seeds && !status; sum.runs++) {
        const uint64_t seed = options->seed + sum.runs;
        status = replay(r, own, seed, &run, error);
        sum.tied += run.tied;
        sum.cut += run.cut;
        sum.tried += (double)run.tried;
        sum.samples += (double)run.samples;
        sum.worst = fmax(sum.worst, run.regret);
        if (!status && json->stream && !write_run(json->stream, r, own, seed, &run))
            status = dt_error_set(error, DT_IO, "cannot write --json");
    }
    *good &= (double)sum.tied >= GOOD_SHARE * (double)sum.runs;
    if (!status && !options->quiet && !(options->json && strcmp(options->json, "-") == 0))
        print_sum(r, own, &sum, &run);
    return status;
}

int verb_replay(int argc, char **argv)
{
    static const struct argp argp = {
        .options = own_options, .parser = parse_own, .args_doc = "FILE"};
    struct own own = {.policy = dt_policy_at(0), .seeds = 10, .budget = INFINITY};
    struct dt_recordings recordings = {0};
    struct cli_output json = {0};
    struct cli_options options;
    struct dt_error error;
    bool good = true;
    cli_parse(argc, argv,
              "Run a search on the spaces that `tune --record` kept, without clock or machine. "
              "Exits with 1 if fewer than nine of ten seeds find a plan that ties with the best.",
              &argp, &own, &options);
    int code = CLI_OK;
    if (!own.path)
        code = cli_fail_text("no recording given; `disentune tune --record FILE` makes one");
    else if (dt_recordings_read(own.path, &recordings, &error) ||
             (options.json && cli_output_open(&json, options.json, &error)))
        code = cli_fail(&error);
    for (size_t n = 0; n < recordings.count && !code; n++)
        if (replay_space(&recordings.items[n], &own, &options, &json, &good, &error))
            code = cli_fail(&error);
    if (json.stream && cli_output_close(&json, !code, &error) && !code)
        code = cli_fail(&error);
    if (!code && !good)
        code = CLI_NEGATIVE;
    dt_recordings_clear(&recordings);
    cli_options_clear(&options);
    return cli_finish(code);
}
