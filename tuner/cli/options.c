/* SPDX-License-Identifier: MIT */
/*
 * The common options. A verb's own parser comes first, this one takes what it leaves, so that a
 * stray argument is refused here if the verb takes none.
 */
#include "tuner/cli/cli.h"

#include "kernels/error.h"
#include "tuner/machine.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { THREADS_MAX = 1024 };

enum key { SUITE = 0x1000, PROBLEM, OP, VARIANT, THREADS, SEED, KIND, TABLE, JSON, DB, QUIET };

/* A group of its own, after a verb's options (group 0) and before --help (group -1). */
static const struct argp_option common_options[] = {
    {.doc = "Options of every verb:", .group = 1},
    {"suite", SUITE, "NAME|FILE", 0, "add the problems of a standard suite or of a file", 1},
    {"problem", PROBLEM, "TEXT", 0, "add a problem, e.g. 'n512 log:256:512'", 1},
    {"op", OP, "OP", 0, "bias, softmax, gemm or attention (default: all)", 1},
    {"variant", VARIANT, "GLOB", 0, "only variants whose name matches, e.g. '*.avx2.*'", 1},
    {"threads", THREADS, "N,...", 0,
     "threads of a call of attention, e.g. 1,2,all (default: the suites', or 1)", 1},
    {"kind", KIND, "NAME", 0, "the kind of core to measure on, as info names it (default: all)", 1},
    {"seed", SEED, "N", 0, "seed of all random choices (default 1)", 1},
    {"table", TABLE, "FILE", 0, "the dispatch table", 1},
    {"json", JSON, "FILE|-", 0, "write JSON Lines to a file or to standard output", 1},
    {"db", DB, "FILE|none", 0, "the store of results (default: the user's own)", 1},
    {"quiet", QUIET, NULL, 0, "no progress and no summary", 1},
    {0},
};

_Noreturn static void stop(struct cli_options *options, const struct dt_error *error)
{
    cli_options_clear(options);
    exit(cli_fail(error));
}

/* A decimal number without sign or blanks. */
static enum dt_status parse_number(const char *option, const char *text, uint64_t least,
                                   uint64_t most, uint64_t *value, struct dt_error *error)
{
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (errno || *end || *text < '0' || *text > '9' || number < least || number > most)
        return dt_error_set(error, DT_INVALID,
                            "%s is \"%.40s\"; must be a number from %llu to %llu", option, text,
                            (unsigned long long)least, (unsigned long long)most);
    *value = number;
    return DT_OK;
}

double cli_duration(const char *text)
{
    char *end;
    const double value = strtod(text, &end);
    if (end == text || !(value > 0))
        return 0;
    const double unit = *end == 'm' ? 60 : *end == 'h' ? 3600 : 1;
    if (*end && (!strchr("smh", *end) || end[1]))
        return 0;
    return value * unit <= 7 * 24 * 3600.0 ? value * unit : 0;
}

/* Puts a number among those that rise, unless it is there. */
static enum dt_status add_threads(struct cli_options *o, int threads, struct dt_error *error)
{
    size_t at = 0;
    while (at < o->thread_count && o->threads[at] < threads)
        at++;
    if (at < o->thread_count && o->threads[at] == threads)
        return DT_OK;
    if (o->thread_count == CLI_THREADS_MAX)
        return dt_error_set(error, DT_INVALID,
                            "more than %d numbers of threads; choose some by --threads",
                            CLI_THREADS_MAX);
    memmove(&o->threads[at + 1], &o->threads[at], (o->thread_count - at) * sizeof *o->threads);
    o->threads[at] = threads;
    o->thread_count++;
    return DT_OK;
}

/* As many as this machine has cores for this process. */
static enum dt_status add_all_threads(struct cli_options *o, struct dt_error *error)
{
    struct dt_machine machine;
    enum dt_status status = dt_machine_host(&machine, error);
    if (status)
        return status;
    status = add_threads(o, machine.worker_count, error);
    dt_machine_clear(&machine);
    return status;
}

/* Numbers that rise, with commas between them; "all" may be the last. */
static enum dt_status parse_threads(struct cli_options *o, const char *text, struct dt_error *error)
{
    uint64_t least = 1;
    o->thread_count = 0;
    for (const char *at = text;; at++) {
        char number[16];
        uint64_t value = 0;
        const size_t length = strcspn(at, ",");
        if (strcmp(at, "all") == 0)
            return add_all_threads(o, error);
        snprintf(number, sizeof number, "%.*s", (int)(length < sizeof number ? length : 0), at);
        if (o->thread_count == CLI_THREADS_MAX ||
            parse_number("--threads", number, least, THREADS_MAX, &value, NULL))
            return dt_error_set(error, DT_INVALID,
                                "--threads is \"%.40s\"; use a number from 1 to %d, or at most %d "
                                "that rise, e.g. 1,2,4 or 1,all",
                                text, THREADS_MAX, CLI_THREADS_MAX);
        o->threads[o->thread_count++] = (int)value;
        least = value + 1;
        at += length;
        if (!*at)
            return DT_OK;
    }
}

/* Without --threads those that the lines of suites name, or 1. */
static enum dt_status default_threads(struct cli_options *o, struct dt_error *error)
{
    const bool teams = o->op == DT_OP_COUNT || o->op == DT_OP_ATTENTION;
    for (size_t d = 0; d < o->demand_count && teams; d++) {
        enum dt_status status =
            o->demands[d].threads ? add_threads(o, o->demands[d].threads, error) : DT_OK;
        if (status)
            return status;
    }
    if (o->thread_count == 0)
        o->threads[o->thread_count++] = 1;
    return DT_OK;
}

static enum dt_status add_problem(struct cli_options *o, const char *text, struct dt_error *error)
{
    struct dt_problem problem;
    enum dt_status status = dt_problem_parse(text, &problem, error);
    return status ? status : cli_problem_add(&problem, &o->problems, &o->problem_count, error);
}

static enum dt_status set_op(struct cli_options *o, const char *text, struct dt_error *error)
{
    enum dt_op op = dt_op_parse(text);
    if (op == DT_OP_COUNT)
        return dt_error_set(error, DT_INVALID,
                            "--op is \"%.40s\"; use bias, softmax, gemm, attention or probe", text);
    o->op = op;
    return DT_OK;
}

static enum dt_status set_path(const char **path, const char *option, char *text,
                               struct dt_error *error)
{
    if (!*text)
        return dt_error_set(error, DT_INVALID, "%s is empty; give a file name", option);
    *path = text;
    return DT_OK;
}

/* An operation or a pattern that selects nothing is a mistake of the caller, not an empty job. */
static enum dt_status check_selection(const struct cli_options *o, struct dt_error *error)
{
    const struct dt_variant *variant;
    if (o->foreign)
        return DT_OK;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (cli_selects(o, variant))
            return DT_OK;
    if (!o->variant)
        return dt_error_set(error, DT_UNSUPPORTED,
                            "no variant of %s in this build; see `disentune list`",
                            dt_op_name(o->op));
    return dt_error_set(error, DT_INVALID, "no variant matches \"%.80s\"%s%s; see `disentune list`",
                        o->variant, o->op == DT_OP_COUNT ? "" : " for --op ",
                        o->op == DT_OP_COUNT ? "" : dt_op_name(o->op));
}

static error_t parse_common(int key, char *text, struct argp_state *state)
{
    struct cli_options *o = state->input;
    struct dt_error error = {0};
    enum dt_status status = DT_OK;
    switch (key) {
    case SUITE:
        status = cli_suite_add(text, o, &error);
        break;
    case PROBLEM:
        status = add_problem(o, text, &error);
        break;
    case OP:
        status = set_op(o, text, &error);
        break;
    case VARIANT:
        o->variant = text;
        break;
    case THREADS:
        status = parse_threads(o, text, &error);
        break;
    case SEED:
        status = parse_number("--seed", text, 0, UINT64_MAX, &o->seed, &error);
        break;
    case KIND:
        o->kind = text;
        break;
    case TABLE:
        status = set_path(&o->table, "--table", text, &error);
        break;
    case JSON:
        status = set_path(&o->json, "--json", text, &error);
        break;
    case DB:
        status = set_path(&o->db, "--db", text, &error);
        break;
    case QUIET:
        o->quiet = true;
        break;
    case ARGP_KEY_ARG:
        status = dt_error_set(&error, DT_INVALID, "unexpected argument \"%.80s\"; see `%s --help`",
                              text, state->name);
        break;
    case ARGP_KEY_END:
        if (!(status = dt_cpu_check(&error)))
            status = check_selection(o, &error);
        if (!status && o->thread_count == 0)
            status = default_threads(o, &error);
        break;
    default:
        return ARGP_ERR_UNKNOWN;
    }
    if (status)
        stop(o, &error);
    return 0;
}

struct inputs {
    struct cli_options *options;
    void *own;
    FILE *messages;
    bool advice; /* argp has begun its advice to try --help, which may take several lines */
};

static error_t parse_root(int key, char *text, struct argp_state *state)
{
    (void)text;
    const struct inputs *inputs = state->input;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = inputs->own;
    state->child_inputs[1] = inputs->options;
    if (inputs->messages)
        state->err_stream = inputs->messages;
    return 0;
}

/* argp follows every message with a line that points to --help: an error is one line here. */
static ssize_t write_message(void *cookie, const char *text, size_t size)
{
    struct inputs *inputs = cookie;
    inputs->advice = inputs->advice || (size >= 4 && memcmp(text, "Try ", 4) == 0);
    if (!inputs->advice)
        fwrite(text, 1, size, stderr);
    return (ssize_t)size;
}

void cli_parse(int argc, char **argv, const char *summary, const struct argp *own, void *own_input,
               struct cli_options *options)
{
    static const struct argp nothing = {0};
    static const struct argp common = {.options = common_options, .parser = parse_common};
    const struct argp_child children[] = {{.argp = own ? own : &nothing}, {.argp = &common}, {0}};
    const struct argp root = {.parser = parse_root, .doc = summary, .children = children};
    const cookie_io_functions_t io = {.write = write_message};
    struct inputs inputs = {.options = options, .own = own_input};
    inputs.messages = fopencookie(&inputs, "w", io);
    if (inputs.messages)
        setvbuf(inputs.messages, NULL, _IOLBF, 0);
    *options = (struct cli_options){.op = DT_OP_COUNT, .seed = 1};
    argp_program_version = "disentune " DT_VERSION;
    argp_err_exit_status = CLI_USAGE;

    /* A copy: argp moves options before arguments, and argv[0] is the name it gives itself. */
    char name[64];
    char **words = calloc((size_t)argc + 1, sizeof *words);
    snprintf(name, sizeof name, "disentune %s", argv[0]);
    error_t failed = ENOMEM;
    if (words) {
        memcpy(words, argv, (size_t)argc * sizeof *words);
        words[0] = name;
        failed = argp_parse(&root, argc, words, 0, NULL, &inputs);
    }
    free(words);
    if (inputs.messages)
        fclose(inputs.messages);
    if (failed)
        stop(options, &(struct dt_error){.text = "cannot read the command line: out of memory"});
}

void cli_options_clear(struct cli_options *options)
{
    free(options->problems);
    free(options->demands);
    options->problems = NULL;
    options->demands = NULL;
    options->problem_count = options->demand_count = 0;
}

bool cli_selects(const struct cli_options *options, const struct dt_variant *variant)
{
    if (options->op == DT_OP_COUNT ? variant->op == DT_OP_PROBE : variant->op != options->op)
        return false;
    return !options->variant || fnmatch(options->variant, variant->name, 0) == 0;
}

const char *cli_own_path(char path[CLI_PATH_MAX])
{
    const ssize_t length = readlink("/proc/self/exe", path, CLI_PATH_MAX);
    path[length > 0 && length < CLI_PATH_MAX ? length : 0] = '\0';
    return path;
}
