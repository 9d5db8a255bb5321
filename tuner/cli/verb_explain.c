/* SPDX-License-Identifier: MIT */
/*
 * What a program that embeds the library would run, and why: the same table, environment and
 * machine keys as dt_bias_plan(), and the same ranking.
 */
#include "tuner/cli/cli.h"

#include "kernels/error.h"
#include "kernels/lookup.h"
#include "kernels/setup.h"
#include "tuner/cli/output.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Refused records and rejected lines that are listed; the rest is counted. */
enum { LISTED = 8 };

/* One problem, looked up. */
struct finding {
    const struct dt_problem *problem;
    enum dt_op op;
    bool nothing; /* no position term: nothing is run */
    struct dt_answer answer;
    struct dt_candidate *list; /* owned */
    size_t count;
    size_t nearer; /* of them come before the answer, refused although they bear on the problem */
    size_t workspace; /* bytes that one thread of an attention works in */
};

static enum dt_status measure(const struct dt_delta *delta, struct finding *f,
                              struct dt_error *error)
{
    struct dt_attention_setup setup;
    enum dt_status status =
        dt_attention_setup_init(&setup, &f->answer.choice, f->problem, delta, 1, error);
    if (status)
        return status;
    f->workspace = setup.workspace * sizeof(float);
    dt_attention_setup_clear(&setup);
    return DT_OK;
}

static enum dt_status look_up(const struct dt_table *table, const struct dt_query *query,
                              struct finding *f, struct dt_error *error)
{
    enum dt_status status = dt_lookup_find(table, query, &f->answer, error);
    if (!status && table)
        status = dt_lookup_rank(table, query, &f->list, &f->count, error);
    while (f->nearer < f->count && f->list[f->nearer].refusal != DT_USABLE &&
           f->list[f->nearer].step != DT_STEP_HEURISTIC)
        f->nearer++;
    return status;
}

static enum dt_status find(const struct dt_table *table, int threads, struct finding *f,
                           struct dt_error *error)
{
    struct dt_delta delta;
    bool forced;
    enum dt_status status = dt_delta_init(&delta, f->problem, error);
    if (status)
        return status;
    f->nothing = f->op == DT_OP_BIAS && f->problem->terms == 0;
    if (!f->nothing) {
        struct dt_query query = {
            .op = f->op, .problem = f->problem, .delta = &delta, .threads = threads};
        dt_machine_keys_init(&query.machine, dt_cpu_host());
        f->answer.step = DT_STEP_FORCED;
        status = dt_choice_forced(f->op, f->problem, &delta, &forced, &f->answer.choice, error);
        if (!status && !forced)
            status = look_up(table, &query, f, error);
        if (!status && f->op == DT_OP_ATTENTION)
            status = measure(&delta, f, error);
    }
    dt_delta_clear(&delta);
    return status;
}

/* ---- Text ------------------------------------------------------------------- */

static void print_table(const struct dt_table *table, const char *path)
{
    struct dt_machine_keys machine;
    dt_machine_keys_init(&machine, dt_cpu_host());
    printf("machine    %s\n", machine.tier[1]);
    if (!table) {
        printf("table      none; name one by --table or DISENTUNE_TABLE\n");
        return;
    }
    printf("table      %s: %zu usable of %zu records, by disentune %s, %s\n", path,
           dt_table_size(table), table->count, table->header.version, table->header.compiler);
    const char *reason;
    size_t n = 0;
    for (; (reason = dt_table_rejected(table, n)); n++)
        if (n < LISTED)
            printf("rejected   %s\n", reason);
    if (n > LISTED)
        printf("rejected   ... %zu more\n", n - LISTED);
}

static void print_record(const struct dt_table_record *r, enum dt_step step, double distance)
{
    char problem[DT_PROBLEM_TEXT_MAX];
    printf("  record   line %zu, %s, %" PRId64 " samples%s, on %s\n", r->line, r->date, r->samples,
           r->complete ? "" : " of a search cut short", r->machine.tier[3]);
    if (r->plans)
        printf("  search   within %.2f %% of the best of %" PRId64 " plans tried, of %" PRId64
               " (95 %%)\n",
               100 * r->regret, r->tried, r->plans);
    if (step != DT_STEP_EXACT)
        printf("  distance %.2f, from %s\n", distance, dt_problem_print(&r->problem, problem));
    printf("  gain     ");
    if (isnan(r->ratio_to_scalar))
        printf("not measured");
    else
        printf("%.2fx the speed of scalar", r->ratio_to_scalar);
    if (!isnan(r->ratio_lo) && !isnan(r->ratio_hi))
        printf(" (95 %%: %.2f to %.2f)", r->ratio_lo, r->ratio_hi);
    printf("%s; noise floor %.1f %%\n", step == DT_STEP_EXACT ? "" : ", on that record",
           100 * r->noise_floor);
}

static void print_refused(const struct finding *f)
{
    size_t apart[DT_REFUSAL_COUNT] = {0};
    char choice[DT_CHOICE_TEXT_MAX];
    for (size_t n = 0; n < f->nearer && n < LISTED; n++) {
        const struct dt_candidate *c = &f->list[n];
        printf("  refused  line %zu, %s at distance %.2f, %s: %s\n", c->record->line,
               dt_step_name(c->step), c->distance, dt_choice_print(&c->record->choice, choice),
               dt_refusal_name(c->refusal));
    }
    if (f->nearer > LISTED)
        printf("  refused  ... %zu more\n", f->nearer - LISTED);
    for (size_t n = 0; n < f->count; n++)
        if (f->list[n].step == DT_STEP_HEURISTIC)
            apart[f->list[n].refusal]++;
    for (enum dt_refusal r = DT_USABLE; r < DT_REFUSAL_COUNT; r++)
        if (apart[r])
            printf("  no use   %zu of %zu records: %s\n", apart[r], f->count, dt_refusal_name(r));
}

static void print_finding(const struct finding *f)
{
    char text[DT_PROBLEM_TEXT_MAX], choice[DT_CHOICE_TEXT_MAX];
    puts(dt_problem_print(f->problem, text));
    if (f->nothing) {
        printf("  choice   none: the problem has no position term, nothing is added\n");
        return;
    }
    printf("  choice   %s\n", dt_choice_print(&f->answer.choice, choice));
    printf("  step     %s\n", dt_step_name(f->answer.step));
    if (f->workspace)
        printf("  works in %.2f MiB a thread\n", (double)f->workspace * 0x1p-20);
    if (f->answer.record)
        print_record(f->answer.record, f->answer.step, f->answer.distance);
    print_refused(f);
}

/* ---- JSON ------------------------------------------------------------------- */

static json_t *number(double x) { return isfinite(x) ? json_real(x) : json_null(); }

static json_t *pack_choice(const struct dt_choice *choice)
{
    return json_pack("{s:s, s:[ii], s:o*, s:s*, s:s*, s:s*}", "variant", choice->variant->name,
                     "tile", choice->tile.rows, choice->tile.cols, "chunk",
                     choice->gemm ? json_integer(choice->chunk) : NULL, "gemm",
                     choice->gemm ? choice->gemm->name : NULL, "bias",
                     choice->bias ? choice->bias->name : NULL, "softmax",
                     choice->softmax ? choice->softmax->name : NULL);
}

/* Why records were not used: those that bear on the problem and come before the answer. */
static json_t *pack_refused(const struct finding *f)
{
    json_t *list = json_array();
    for (size_t n = 0; n < f->nearer; n++) {
        const struct dt_candidate *c = &f->list[n];
        json_array_append_new(list, json_pack("{s:I, s:s, s:f, s:o, s:s}", "line",
                                              (json_int_t)c->record->line, "step",
                                              dt_step_name(c->step), "distance", c->distance,
                                              "choice", pack_choice(&c->record->choice), "reason",
                                              dt_refusal_name(c->refusal)));
    }
    return list;
}

static json_t *pack_rejected(const struct dt_table *table)
{
    json_t *list = json_array();
    const char *reason;
    for (size_t n = 0; table && (reason = dt_table_rejected(table, n)); n++)
        json_array_append_new(list, json_string(reason));
    return list;
}

static json_t *pack_record(const struct dt_table_record *r)
{
    char problem[DT_PROBLEM_TEXT_MAX];
    const char(*key)[DT_MACHINE_KEY_MAX] = r->machine.tier;
    json_t *tried =
        r->plans ? json_pack("[II]", (json_int_t)r->tried, (json_int_t)r->plans) : json_null();
    return json_pack("{s:I, s:s, s:i, s:[ssss], s:I, s:f, s:o, s:o, s:o, s:f, s:b, s:o, s:o, s:s}",
                     "line", (json_int_t)r->line, "problem", dt_problem_print(&r->problem, problem),
                     "threads", r->threads, "machine", key[0], key[1], key[2], key[3], "samples",
                     (json_int_t)r->samples, "ns_median", r->ns_median, "ratio_to_scalar",
                     number(r->ratio_to_scalar), "ratio_lo", number(r->ratio_lo), "ratio_hi",
                     number(r->ratio_hi), "noise_floor", r->noise_floor, "complete", r->complete,
                     "regret", number(r->plans ? r->regret : (double)NAN), "tried", tried, "date",
                     r->date);
}

static json_t *pack_finding(const struct finding *f, const struct dt_table *table, const char *path)
{
    char problem[DT_PROBLEM_TEXT_MAX];
    const struct dt_table_record *r = f->answer.record;
    return json_pack("{s:s, s:s, s:s?, s:o, s:s?, s:f, s:I, s:o, s:o, s:o}", "problem",
                     dt_problem_print(f->problem, problem), "op", dt_op_name(f->op), "table", path,
                     "choice", f->nothing ? json_null() : pack_choice(&f->answer.choice), "step",
                     f->nothing ? NULL : dt_step_name(f->answer.step), "distance",
                     f->answer.distance, "workspace_bytes", (json_int_t)f->workspace, "record",
                     r ? pack_record(r) : json_null(), "refused", pack_refused(f), "rejected",
                     pack_rejected(table));
}

static bool write_finding(FILE *stream, const struct finding *f, const struct dt_table *table,
                          const char *path)
{
    json_t *value = pack_finding(f, table, path);
    bool written = value &&
                   json_dumpf(value, stream, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0 &&
                   fputc('\n', stream) != EOF;
    json_decref(value);
    return written;
}

static int write_json(const struct finding *findings, size_t count, const struct dt_table *table,
                      const char *path, const char *to)
{
    struct cli_output output;
    struct dt_error error;
    if (cli_output_open(&output, to, &error))
        return cli_fail(&error);
    bool written = true;
    for (size_t n = 0; written && n < count; n++)
        written = write_finding(output.stream, &findings[n], table, path);
    return cli_output_finish(&output, written);
}

/* ---- The verb --------------------------------------------------------------- */

static int print_all(const struct finding *findings, size_t count, const struct dt_table *table,
                     const char *path, bool quiet)
{
    if (!quiet)
        print_table(table, path);
    for (size_t n = 0; n < count; n++) {
        if (n > 0 || !quiet)
            putchar('\n');
        print_finding(&findings[n]);
    }
    return cli_finish(CLI_OK);
}

static int explain(const struct cli_options *options, const struct dt_problem *problems,
                   size_t count)
{
    struct dt_error error;
    struct dt_table *table = NULL;
    const char *named = getenv("DISENTUNE_TABLE");
    const char *path = options->table ? options->table : named && *named ? named : NULL;
    if (path && dt_table_load(path, &table, &error))
        return cli_fail(&error);
    struct finding *findings = calloc(count, sizeof *findings);
    int code = findings ? CLI_OK : cli_fail_text("out of memory for %zu problems", count);
    for (size_t n = 0; code == CLI_OK && n < count; n++) {
        findings[n].problem = &problems[n];
        findings[n].op = options->op == DT_OP_COUNT ? DT_OP_BIAS : options->op;
        if (find(table, options->threads[0], &findings[n], &error))
            code = cli_fail(&error);
    }
    if (code == CLI_OK && options->json)
        code = write_json(findings, count, table, path, options->json);
    else if (code == CLI_OK)
        code = print_all(findings, count, table, path, options->quiet);
    for (size_t n = 0; findings && n < count; n++)
        free(findings[n].list);
    free(findings);
    dt_table_free(table);
    return code;
}

/* The problems given as arguments. */
struct arguments {
    struct dt_problem *problems;
    size_t count;
};

static error_t parse_argument(int key, char *text, struct argp_state *state)
{
    struct arguments *a = state->input;
    struct dt_error error;
    if (key != ARGP_KEY_ARG)
        return ARGP_ERR_UNKNOWN;
    struct dt_problem *grown = realloc(a->problems, (a->count + 1) * sizeof *grown);
    if (!grown)
        return ENOMEM;
    a->problems = grown;
    if (dt_problem_parse(text, &a->problems[a->count], &error)) {
        free(a->problems);
        exit(cli_fail(&error));
    }
    a->count++;
    return 0;
}

int verb_explain(int argc, char **argv)
{
    static const struct argp own = {.parser = parse_argument, .args_doc = "'PROBLEM'..."};
    struct cli_options options;
    struct arguments given = {0};
    cli_parse(argc, argv,
              "Show what a program that uses the library would run for each problem, and why: the "
              "record of the dispatch table, how near it is, the gain measured there, and which "
              "records were refused. Without a table (--table, DISENTUNE_TABLE) it is the built-in "
              "heuristic. The operation is bias unless --op names another.",
              &own, &given, &options);
    int code;
    if (given.count + options.problem_count == 0)
        code = cli_fail_text("no problem given; e.g. `disentune explain 'n512 log:256:512'`");
    else if (given.count && options.problem_count)
        code = cli_fail_text("give problems as arguments or by --problem and --suite, not both");
    else
        code = explain(&options, given.count ? given.problems : options.problems,
                       given.count + options.problem_count);
    free(given.problems);
    cli_options_clear(&options);
    return code;
}
