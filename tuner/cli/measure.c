/* SPDX-License-Identifier: MIT */
#include "tuner/cli/measure.h"

#include "kernels/error.h"
#include "tuner/cli/known.h"

#include <fnmatch.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

/* The draft of --json, to be removed by a signal that ends the process; NULL: there is none. */
static const char *volatile draft;

static void on_signal(int number)
{
    if (stop) {
        if (draft)
            unlink(draft);
        signal(number, SIG_DFL);
        raise(number); /* delivered when the handler returns */
    }
    stop = 1;
}

static void catch_signals(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaddset(&action.sa_mask, SIGINT);
    sigaddset(&action.sa_mask, SIGTERM);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool cli_measure_stopped(void) { return stop != 0; }

static bool selects(const struct dt_variant *variant, void *context)
{
    const struct cli_measure *measure = context;
    return !measure->options->variant || fnmatch(measure->options->variant, variant->name, 0) == 0;
}

static void complain(const char *line, void *context)
{
    const struct cli_measure *measure = context;
    cli_progress_end(measure->options);
    fprintf(stderr, "disentune: not measured: %s\n", line);
}

enum dt_status cli_machine_open(const struct cli_options *options, struct dt_machine *machine,
                                struct dt_error *error)
{
    const char *name = options->kind;
    struct dt_machine whole;
    int32_t kind = 0;
    enum dt_status status = dt_machine_host(name ? &whole : machine, error);
    if (status || !name)
        return status;
    status = dt_machine_find_kind(&whole, name, &kind, error);
    if (!status)
        status = dt_machine_of_kind(&whole, kind, machine, error);
    dt_machine_clear(&whole);
    return status;
}

enum dt_status cli_measure_begin(struct cli_measure *m, const struct cli_options *options, int argc,
                                 char **argv, struct dt_error *error)
{
    *m = (struct cli_measure){.options = options};
    (void)argc;
    enum dt_status status = DT_OK;
    const int threads = options->threads[options->thread_count - 1];
    if (threads > 1 && options->op != DT_OP_ATTENTION && options->op != DT_OP_COUNT)
        return dt_error_set(error, DT_UNSUPPORTED,
                            "--threads %d: %s runs on one thread, only attention on more", threads,
                            dt_op_name(options->op));
    catch_signals();
    if (options->json && (status = cli_output_open(&m->json, options->json, error)))
        return status;
    draft = m->json.draft.temporary;
    status = cli_keep_begin(&m->keeper, options, error);
    if (!status)
        status = dt_binding_save(&m->before, error);
    if (!status)
        status = cli_machine_open(options, &m->machine, error);
    if (!status && m->machine.here)
        status = threads > 1 ? dt_machine_pin_team(&m->machine, threads, error)
                             : dt_machine_pin(&m->machine, 0, error);
    if (!status) {
        dt_session_init(&m->records.session, &m->machine, argv, options->seed);
        dt_sampler_init(&m->sampler);
    }
    m->tuner = (struct dt_tuner){.machine = &m->machine,
                                 .session = &m->records.session,
                                 .sampler = &m->sampler,
                                 .selects = selects,
                                 .complain = complain,
                                 .context = m,
                                 .stop = &stop,
                                 .candidates = &m->candidates,
                                 .validators = &m->validators};
    if (status)
        cli_measure_end(m, false, NULL);
    return status;
}

enum dt_status cli_measure_calibrate(struct cli_measure *m, struct dt_error *error)
{
    cli_progress(m->options, "ceilings and noise floor", 0, 1);
    enum dt_status status =
        dt_session_ceilings(&m->records.session, &m->machine, &m->sampler, error);
    if (!status && !stop)
        status = dt_session_noise(&m->records.session, &m->sampler, error);
    return status;
}

bool cli_measure_wants(const struct cli_measure *m, enum dt_op op, const struct dt_problem *problem)
{
    if (m->options->op != DT_OP_COUNT)
        return m->options->op == op;
    /* a table is for what a program plans */
    if (m->tuner.goal == DT_GOAL_WINNER && op != DT_OP_BIAS && op != DT_OP_ATTENTION)
        return false;
    if (op == DT_OP_BIAS && problem->terms == 0)
        return false;
    size_t variants = 0;
    const struct dt_variant *variant;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        variants += variant->op == op && (variant->level & ~dt_cpu_host()->levels) == 0;
    return op != DT_OP_PROBE && variants > 1;
}

/* The fastest of the records from `first` on. */
static bool find_fastest(const struct dt_records *records, size_t first, struct dt_choice *choice)
{
    const struct dt_record *fastest = NULL;
    for (size_t r = first; r < records->count; r++)
        if (!fastest || records->items[r].ns_median < fastest->ns_median)
            fastest = &records->items[r];
    return fastest && dt_record_choice(fastest, choice);
}

/* dt_tune() with what the table knows. */
static enum dt_status tune(struct cli_measure *m, enum dt_op op, const struct dt_problem *problem,
                           double seconds, struct dt_outcome *outcome, struct dt_error *error)
{
    struct dt_choice known[DT_TUNER_KNOWN_MAX];
    struct dt_machine_keys keys;
    memcpy(keys.tier, m->records.session.machine, sizeof keys.tier);
    m->tuner.known = known;
    m->tuner.known_count =
        cli_known_choices(m->table, op, problem, op == DT_OP_ATTENTION ? m->tuner.threads : 1,
                          &keys, DT_TUNER_KNOWN_MAX, known);
    enum dt_status status = dt_tune(&m->tuner, op, problem, seconds, &m->records, outcome, error);
    m->tuner.known = NULL;
    m->tuner.known_count = 0;
    return status;
}

static enum dt_status measure_threads(struct cli_measure *m, const struct dt_problem *problem,
                                      double seconds, struct dt_outcome *outcome,
                                      struct dt_error *error)
{
    const size_t count = m->options->thread_count;
    enum dt_status status = DT_OK;
    *outcome = (struct dt_outcome){.complete = true};
    m->tuner.one_thread = NULL;
    for (size_t n = 0; n < count && !status && !cli_measure_stopped(); n++) {
        const size_t first = m->records.count;
        struct dt_outcome one;
        m->tuner.threads = m->options->threads[n];
        status = tune(m, DT_OP_ATTENTION, problem, seconds / (double)count, &one, error);
        if (!status && m->tuner.threads == 1 && find_fastest(&m->records, first, &m->one_thread))
            m->tuner.one_thread = &m->one_thread;
        outcome->candidates += one.candidates;
        outcome->disqualified += one.disqualified;
        outcome->blocks += one.blocks;
        outcome->complete &= one.complete;
    }
    return status;
}

enum dt_status cli_measure_problem(struct cli_measure *m, enum dt_op op,
                                   const struct dt_problem *problem, double seconds,
                                   struct dt_outcome *outcome, struct dt_error *error)
{
    if (!m->tuner.prior) {
        dt_prior_init(&m->prior, &m->machine, &m->records.session);
        m->tuner.prior = &m->prior;
    }
    enum dt_status status = op == DT_OP_ATTENTION
                                ? measure_threads(m, problem, seconds, outcome, error)
                                : tune(m, op, problem, seconds, outcome, error);
    dt_session_judge(&m->records.session, &m->sampler);
    return status;
}

enum dt_status cli_measure_write(struct cli_measure *m, struct dt_error *error)
{
    const size_t first = m->written, known = m->candidates_written;
    enum dt_status status = DT_OK;
    for (; !status && m->written < m->records.count; m->written++)
        if (m->json.stream)
            status = dt_record_write(m->json.stream, &m->records.session,
                                     &m->records.items[m->written], error);
    if (status || m->written == first)
        return status;
    const struct dt_finding finding = {.records = {.session = m->records.session,
                                                   .items = &m->records.items[first],
                                                   .count = m->written - first},
                                       .candidates = &m->candidates.items[known],
                                       .candidate_count = m->candidates.count - known};
    m->candidates_written = m->candidates.count;
    return cli_keep(&m->keeper, &finding, error);
}

static enum dt_status write_recording(const struct dt_recording *recording, void *context,
                                      struct dt_error *error)
{
    const struct cli_measure *m = context;
    return dt_recording_write(m->recording.stream, recording, error);
}

enum dt_status cli_measure_record(struct cli_measure *m, const char *path, struct dt_error *error)
{
    enum dt_status status = cli_output_open(&m->recording, path, error);
    if (!status)
        m->tuner.keep = write_recording;
    return status;
}

int cli_measure_interrupted(size_t done, size_t count, const char *more)
{
    fprintf(stderr, "disentune: interrupted: %zu of %zu problems were measured%s\n", done, count,
            more);
    return CLI_NEGATIVE;
}

enum dt_status cli_measure_end(struct cli_measure *m, bool keep, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    cli_progress_end(m->options);
    draft = NULL;
    if (m->json.stream)
        status = cli_output_close(&m->json, keep, error);
    if (m->recording.stream) {
        const enum dt_status recorded =
            cli_output_close(&m->recording, keep, status ? NULL : error);
        status = status ? status : recorded;
    }
    cli_keep_end(&m->keeper);
    dt_candidates_clear(&m->candidates);
    dt_validators_clear(&m->validators);
    dt_records_clear(&m->records);
    dt_machine_clear(&m->machine);
    dt_binding_restore(&m->before, m->options->threads[m->options->thread_count - 1]);
    return status;
}
