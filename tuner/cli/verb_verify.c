/* SPDX-License-Identifier: MIT */
/*
 * `disentune verify`. One entry a variant, and with --golden one for the reference, collects the
 * verdicts of all problems and choices. Problems are the outer loop, since the data and the
 * reference's results of a problem serve every choice.
 */
#include "kernels/error.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/output.h"
#include "tuner/golden.h"
#include "tuner/session.h"
#include "tuner/validate.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    const struct dt_variant *variant; /* NULL: the reference */
    struct dt_verdict verdict;
    size_t cases;         /* pairs of problem and choice, or golden cases */
    const char *obstacle; /* why it cannot be verified here; NULL if it can */
};

struct run {
    struct cli_options options;
    const char *golden; /* folder, NULL: none */
    struct entry *entries;
    size_t count;
    double done, total; /* of progress */
    struct cli_keeper keeper;
    struct dt_records records; /* of the problem under way, to be kept */
};

static const char *name_of(const struct entry *entry)
{
    return entry->variant ? entry->variant->name : "reference";
}

static const char *obstacle_of(const struct run *run, const struct dt_variant *variant)
{
    if (variant->level & ~dt_cpu_host()->levels)
        return "not on this CPU";
    if (run->golden) {
        if (variant->op != DT_OP_BIAS && variant->op != DT_OP_ATTENTION)
            return "golden cases hold nothing for its operation";
        return NULL;
    }
    const struct dt_problem *problems;
    return dt_validate_edge_problems(variant->op, &problems) ? NULL
                                                             : "no reference for its operation";
}

static bool add_entry(struct run *run, const struct dt_variant *variant)
{
    struct entry *grown = realloc(run->entries, (run->count + 1) * sizeof *grown);
    if (!grown)
        return false;
    run->entries = grown;
    run->entries[run->count++] = (struct entry){
        .variant = variant,
        .verdict = {.passed = true},
        .obstacle = variant ? obstacle_of(run, variant) : NULL,
    };
    return true;
}

static bool select_entries(struct run *run)
{
    const struct dt_variant *variant;
    bool whole = !run->golden || add_entry(run, NULL);
    for (size_t n = 0; whole && (variant = dt_variant_at(n)); n++)
        if (cli_selects(&run->options, variant))
            whole = add_entry(run, variant);
    return whole;
}

static void add_verdict(struct entry *entry, const struct dt_verdict *verdict)
{
    dt_verdict_add(&entry->verdict, verdict);
    entry->cases++;
}

/* ---- What is kept ---------------------------------------------------------- */

/* A record for a variant on one problem: that of the choice with the worst error. */
static enum dt_status add_record(struct run *run, const struct dt_problem *problem,
                                 const struct dt_choice *choice, const struct dt_verdict *verdict,
                                 struct dt_error *error)
{
    struct dt_record *grown =
        realloc(run->records.items, (run->records.count + 1) * sizeof *run->records.items);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu records", run->records.count);
    run->records.items = grown;
    struct dt_record *record = &grown[run->records.count++];
    dt_record_unknown(record);
    record->op = choice->variant->op;
    record->problem = dt_problem_class(record->op, problem);
    record->threads = 1;
    record->error_share = verdict->worst;
    record->error_ulp = verdict->worst_ulp;
    record->verified = verdict->passed;
    dt_record_set_choice(record, choice);
    return DT_OK;
}

static enum dt_status keep_records(struct run *run, struct dt_error *error)
{
    const struct dt_finding finding = {.records = run->records};
    enum dt_status status =
        run->records.count > 0 ? cli_keep(&run->keeper, &finding, error) : DT_OK;
    run->records.count = 0;
    return status;
}

/* Golden cases have errors of another kind, in units of the value; they are not kept. */
static enum dt_status begin_keeping(struct run *run, char *const *arguments, struct dt_error *error)
{
    struct dt_machine machine;
    if (run->golden)
        return DT_OK;
    enum dt_status status = cli_keep_begin(&run->keeper, &run->options, error);
    if (status || !run->keeper.path)
        return status;
    status = dt_machine_host(&machine, error);
    if (status)
        return status;
    dt_session_init(&run->records.session, &machine, arguments, run->options.seed);
    run->records.session.noise_floor = NAN;
    dt_machine_clear(&machine);
    return DT_OK;
}

/* ---- Verifying ------------------------------------------------------------- */

static enum dt_status verify_choices(struct run *run, struct entry *entry,
                                     const struct dt_problem *problem,
                                     struct dt_validator *validator, struct dt_error *error)
{
    const struct dt_delta *delta = dt_validate_delta(validator);
    struct dt_choice choices[DT_VALIDATE_CHOICES];
    struct dt_verdict sum = {.passed = true};
    size_t worst = 0;
    if (!dt_variant_applies(entry->variant, entry->variant->op, problem, delta))
        return DT_OK; /* not its kind of problem */
    const size_t count = dt_validate_choices(entry->variant, problem, delta, choices);
    for (size_t n = 0; n < count; n++) {
        struct dt_verdict verdict;
        enum dt_status status = dt_validate_run(validator, &choices[n], &verdict, error);
        if (status)
            return status;
        if ((sum.passed && !verdict.passed) || verdict.worst > sum.worst)
            worst = n;
        dt_verdict_add(&sum, &verdict);
        add_verdict(entry, &verdict);
    }
    return run->keeper.path && count > 0 ? add_record(run, problem, &choices[worst], &sum, error)
                                         : DT_OK;
}

static bool concerns(const struct entry *entry, enum dt_op op)
{
    return !entry->obstacle && entry->variant && entry->variant->op == op;
}

static bool concerns_any(const struct run *run, enum dt_op op)
{
    bool any = false;
    for (size_t n = 0; n < run->count; n++)
        any |= concerns(&run->entries[n], op);
    return any;
}

static enum dt_status verify_problem(struct run *run, enum dt_op op,
                                     const struct dt_problem *problem, struct dt_error *error)
{
    const struct dt_validate_options options = {run->options.seed, DT_VALIDATE_FULL};
    struct dt_validator *validator;
    enum dt_status status = dt_validate_open(op, problem, &options, &validator, error);
    if (status)
        return status == DT_UNSUPPORTED ? DT_OK : status;
    for (size_t n = 0; !status && n < run->count; n++)
        if (concerns(&run->entries[n], op))
            status = verify_choices(run, &run->entries[n], problem, validator, error);
    dt_validate_close(validator);
    return status ? status : keep_records(run, error);
}

static size_t problems_of(const struct run *run, enum dt_op op, const struct dt_problem **problems)
{
    if (!concerns_any(run, op))
        return 0;
    *problems = run->options.problems;
    return run->options.problem_count ? run->options.problem_count
                                      : dt_validate_edge_problems(op, problems);
}

static enum dt_status verify_problems(struct run *run, struct dt_error *error)
{
    const struct dt_problem *problems;
    enum dt_status status = DT_OK;
    for (enum dt_op op = 0; op < DT_OP_COUNT; op++)
        run->total += (double)problems_of(run, op, &problems);
    for (enum dt_op op = 0; op < DT_OP_COUNT; op++) {
        const size_t count = problems_of(run, op, &problems);
        for (size_t p = 0; !status && p < count; p++) {
            cli_progress(&run->options, "verify", run->done++, run->total);
            status = verify_problem(run, op, &problems[p], error);
        }
    }
    return status;
}

static enum dt_status verify_case(struct run *run, const char *folder, struct dt_error *error)
{
    struct dt_golden golden;
    enum dt_status status = dt_golden_load(folder, &golden, error);
    if (status)
        return status;
    for (size_t n = 0; !status && n < run->count; n++) {
        struct entry *entry = &run->entries[n];
        struct dt_verdict verdict;
        if (entry->obstacle)
            continue;
        status = entry->variant ? dt_golden_check_variant(&golden, entry->variant, &verdict, error)
                                : dt_golden_check_reference(&golden, &verdict, error);
        if (!status)
            add_verdict(entry, &verdict);
        else if (status == DT_UNSUPPORTED)
            status = DT_OK;
    }
    dt_golden_clear(&golden);
    return status;
}

static enum dt_status verify_golden(struct run *run, struct dt_error *error)
{
    char **folders;
    size_t count;
    enum dt_status status = dt_golden_list(run->golden, &folders, &count, error);
    if (status)
        return status;
    for (size_t n = 0; !status && n < count; n++) {
        cli_progress(&run->options, "verify", (double)n, (double)count);
        status = verify_case(run, folders[n], error);
    }
    dt_golden_list_free(folders, count);
    return status;
}

/* 0 failed, 1 passed, 2 skipped. */
static int rank(const struct entry *entry)
{
    return entry->obstacle || entry->cases == 0 ? 2 : entry->verdict.passed;
}

/* Failures first, the worst of them at the top; the rest in the registry's order. */
static int compare(const void *a, const void *b)
{
    const struct entry *x = *(const struct entry *const *)a, *y = *(const struct entry *const *)b;
    if (rank(x) != rank(y))
        return rank(x) - rank(y);
    if (rank(x) == 0 && x->verdict.worst != y->verdict.worst)
        return x->verdict.worst < y->verdict.worst ? 1 : -1;
    return x < y ? -1 : x > y;
}

static const char *const words[] = {"FAIL", "PASS", "SKIP"};
static const char *const names[] = {"fail", "pass", "skip"};
static const char *const colours[] = {"\033[31m", "\033[32m", "\033[2m"};

static const char *obstacle_text(const struct entry *entry)
{
    return entry->obstacle ? entry->obstacle : "accepts none of the problems";
}

static const char *plural(size_t count) { return count == 1 ? "" : "s"; }

static void print_entry(const struct entry *entry, int width)
{
    const struct dt_verdict *v = &entry->verdict;
    const int r = rank(entry);
    const bool colour = cli_colour(stdout);
    printf("%s%s%s  %-*s  ", colour ? colours[r] : "", words[r], colour ? "\033[0m" : "", width,
           name_of(entry));
    if (r == 2)
        printf("%s\n", obstacle_text(entry));
    else if (!entry->variant)
        printf("%zu case%s, %llu elements, worst error %.2g of max(1, |value|)\n", entry->cases,
               plural(entry->cases), (unsigned long long)v->compared,
               v->worst * DT_GOLDEN_TOLERANCE);
    else
        printf("%zu case%s, %llu elements, worst error %.3f of its bound, %.1f ULP\n", entry->cases,
               plural(entry->cases), (unsigned long long)v->compared, v->worst, v->worst_ulp);
    if (r == 0)
        printf("      %s\n", v->reason);
}

static void print_entries(const struct run *run, struct entry *const *sorted)
{
    int width = 0;
    size_t counts[3] = {0};
    for (size_t n = 0; n < run->count; n++) {
        const int length = (int)strlen(name_of(sorted[n]));
        width = length > width ? length : width;
        counts[rank(sorted[n])]++;
    }
    for (size_t n = 0; n < run->count; n++)
        if (!run->options.quiet || rank(sorted[n]) == 0)
            print_entry(sorted[n], width);
    if (run->options.quiet)
        return;
    printf("%zu passed, %zu failed", counts[1], counts[0]);
    printf(counts[2] ? ", %zu skipped\n" : "\n", counts[2]);
}

/* JSON knows no infinity; an error without a finite ratio to its bound is null. */
static json_t *number(double x) { return x <= 1e300 ? json_real(x) : json_null(); }

static bool write_entry(const struct run *run, const struct entry *entry, FILE *stream)
{
    const struct dt_verdict *v = &entry->verdict;
    const int r = rank(entry);
    json_t *row = json_pack(
        "{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:o, s:o, s:I, s:s*}", "variant", name_of(entry), "op",
        entry->variant ? dt_op_name(entry->variant->op) : "reference", "verdict", names[r], "cases",
        (json_int_t)entry->cases, "calls", (json_int_t)v->calls, "compared",
        (json_int_t)v->compared, "special", (json_int_t)v->special, "worst_bound", number(v->worst),
        "worst_ulp", number(v->worst_ulp), "seed", (json_int_t)run->options.seed, "reason",
        r == 0   ? v->reason
        : r == 2 ? obstacle_text(entry)
                 : NULL);
    const bool written =
        row && json_dumpf(row, stream, JSON_PRESERVE_ORDER | JSON_REAL_PRECISION(9)) == 0;
    json_decref(row);
    return written && fputc('\n', stream) != EOF;
}

static int write_entries(const struct run *run, struct entry *const *sorted)
{
    struct cli_output output;
    struct dt_error error;
    if (cli_output_open(&output, run->options.json, &error))
        return cli_fail(&error);
    bool written = true;
    for (size_t n = 0; written && n < run->count; n++)
        written = write_entry(run, sorted[n], output.stream);
    return cli_output_finish(&output, written);
}

static int report(const struct run *run)
{
    size_t judged = 0, failed = 0;
    struct entry **sorted = malloc((run->count + 1) * sizeof *sorted);
    if (!sorted)
        return cli_fail_text("no memory for %zu variants", run->count);
    for (size_t n = 0; n < run->count; n++) {
        sorted[n] = &run->entries[n];
        judged += rank(sorted[n]) != 2;
        failed += rank(sorted[n]) == 0;
    }
    qsort(sorted, run->count, sizeof *sorted, compare);
    int code = run->options.json ? write_entries(run, sorted) : CLI_OK;
    const bool only_json = run->options.json && strcmp(run->options.json, "-") == 0;
    if (code == CLI_OK && !only_json)
        print_entries(run, sorted);
    free(sorted);
    if (code == CLI_OK && judged == 0)
        code = cli_fail_text("nothing was verified; `disentune list` shows the variants and which "
                             "of them this CPU runs");
    if (code == CLI_OK && failed > 0)
        code = CLI_NEGATIVE;
    return cli_finish(code);
}

static int verify(struct run *run, char *const *arguments)
{
    struct dt_error error;
    if (!select_entries(run))
        return cli_fail_text("no memory for the list of variants");
    if (run->golden && run->options.problem_count)
        return cli_fail_text("--golden brings its own problems; leave --problem and --suite out");
    enum dt_status status = begin_keeping(run, arguments, &error);
    if (!status)
        status = run->golden ? verify_golden(run, &error) : verify_problems(run, &error);
    cli_progress_end(&run->options);
    return status ? cli_fail(&error) : report(run);
}

static error_t parse_option(int key, char *value, struct argp_state *state)
{
    struct run *run = state->input;
    if (key != 'g')
        return ARGP_ERR_UNKNOWN;
    run->golden = value;
    return 0;
}

int verb_verify(int argc, char **argv)
{
    static const struct argp_option own_options[] = {
        {"golden", 'g', "DIR", 0,
         "Check the reference and the variants against the golden cases in DIR", 0},
        {0},
    };
    static const struct argp own = {.options = own_options, .parser = parse_option};
    struct run run = {0};
    cli_parse(argc, argv,
              "Check variants against the double-precision reference: values within the stated "
              "bound, special values, guard pages on both sides, misalignment, padding, registers, "
              "repetition. Without --problem and --suite, on the problems at whose edges variants "
              "break, with every kind of tile; a case is one problem with one tile. Ends "
              "with 1 if a variant failed.",
              &own, &run, &run.options);
    int code = verify(&run, argv);
    cli_keep_end(&run.keeper);
    dt_records_clear(&run.records);
    free(run.entries);
    cli_options_clear(&run.options);
    return code;
}
