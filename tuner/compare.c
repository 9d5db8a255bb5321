/* SPDX-License-Identifier: MIT */
#include "tuner/compare.h"

#include "kernels/error.h"
#include "reports/stats.h"
#include "tuner/child.h"
#include "tuner/peer.h"
#include "tuner/sample.h"

#include <math.h>
#include <stdlib.h>

/* Seconds after which a process hangs for sure, however slow the machine: until it greets; and what
 * it may take beside what its work takes. */
#define GREETING_SECONDS 60.0
#define PREPARING_SECONDS 300.0

/* A sample may take so many times as long as it should. */
#define PATIENCE 100.0

/* As many bytes as make every alignment of a stack and of its pages likely. */
enum { PADDING_MAX = 8192 };

struct arena {
    const struct dt_compare_options *options;
    struct dt_comparison *comparison;
    struct dt_peer_options peers[DT_SIDE_COUNT];
    struct dt_peer peer[DT_SIDE_COUNT];
    struct dt_subject subject[DT_SIDE_COUNT]; /* prepared last */
    uint64_t random;
};

static enum dt_status start(void *context, enum dt_side side, struct dt_error *error)
{
    struct arena *a = context;
    dt_peer_end(&a->peer[side]);
    a->peers[side].padding = dt_random_below(&a->random, PADDING_MAX);
    enum dt_status status = dt_peer_start(&a->peer[side], &a->peers[side], GREETING_SECONDS, error);
    if (!status && side == DT_SIDE_HEAD)
        a->comparison->head = a->peer[side].build;
    else if (!status)
        a->comparison->base = a->peer[side].build;
    return status;
}

static double limit_of(const struct dt_problem *problem)
{
    return dt_child_limit(&(struct dt_workload){.problem = *problem});
}

static enum dt_status prepare(void *context, enum dt_side side, const struct dt_prepare *wanted,
                              struct dt_prepared *prepared, bool *refused, struct dt_error *error)
{
    struct arena *a = context;
    const struct dt_message request = {.say = DT_SAY_PREPARE, .prepare = *wanted};
    const struct dt_problem *problem = &wanted->subject.problem;
    struct dt_message reply;
    char doing[DT_PROBLEM_TEXT_MAX + 40], text[DT_PROBLEM_TEXT_MAX];
    snprintf(doing, sizeof doing, "while it prepared %s of \"%s\"", dt_op_name(wanted->subject.op),
             dt_problem_print(problem, text));
    a->subject[side] = wanted->subject;
    enum dt_status status = dt_peer_ask(
        &a->peer[side], &request, PREPARING_SECONDS + limit_of(problem), doing, &reply, error);
    *refused = status && a->peer[side].pid > 0;
    if (!status)
        *prepared = reply.prepared;
    return status;
}

static enum dt_status run(void *context, enum dt_side side, const struct dt_run *wanted,
                          double expected, struct dt_ran *ran, struct dt_error *error)
{
    struct arena *a = context;
    const struct dt_message request = {.say = DT_SAY_RUN, .run = *wanted};
    const struct dt_problem *problem = &a->subject[side].problem;
    struct dt_message reply;
    char doing[DT_PROBLEM_TEXT_MAX + 40], text[DT_PROBLEM_TEXT_MAX];
    snprintf(doing, sizeof doing, "while it ran %s of \"%s\"", dt_op_name(a->subject[side].op),
             dt_problem_print(problem, text));
    const double known = isfinite(expected) ? PATIENCE * expected * 1e-9
                                            : limit_of(problem) * (double)(wanted->warm + 1);
    enum dt_status status =
        dt_peer_ask(&a->peer[side], &request, GREETING_SECONDS + known, doing, &reply, error);
    if (!status)
        *ran = reply.ran;
    return status;
}

static double seconds_now(void *context)
{
    (void)context;
    return dt_clock_ns() * 1e-9;
}

static void show_progress(void *context, double seconds)
{
    const struct arena *a = context;
    if (a->options->progress)
        a->options->progress(a->options->context, seconds);
}

static int32_t most_threads(const struct dt_subject *subjects, size_t count)
{
    int32_t most = 1;
    for (size_t n = 0; n < count; n++)
        most = subjects[n].threads > most ? subjects[n].threads : most;
    return most;
}

static void describe_peers(struct arena *a, int32_t threads)
{
    const struct dt_compare_options *o = a->options;
    for (int side = 0; side < DT_SIDE_COUNT; side++) {
        const bool head = side == DT_SIDE_HEAD;
        a->peers[side] = (struct dt_peer_options){
            .name = dt_side_name((enum dt_side)side),
            .program = head ? o->head : o->base,
            .variables = head ? o->head_variables : o->base_variables,
            .machine = o->machine,
            .threads = threads,
            .stop = o->lockstep.stop,
        };
    }
}

enum dt_status dt_compare_builds(const struct dt_compare_options *options,
                                 const struct dt_subject *subjects, size_t count,
                                 struct dt_comparison *comparison, struct dt_error *error)
{
    struct dt_lockstep_sides sides = {start, prepare, run, seconds_now, show_progress, NULL};
    struct arena *a = calloc(1, sizeof *a);
    *comparison = (struct dt_comparison){.cells = calloc(count + 1, sizeof *comparison->cells)};
    if (!a || !comparison->cells) {
        free(a);
        return dt_error_set(error, DT_NO_MEMORY, "no memory to compare %zu cells", count);
    }
    comparison->count = count;
    for (size_t n = 0; n < count; n++)
        comparison->cells[n].subject = subjects[n];
    a->options = options;
    a->comparison = comparison;
    a->random = ~options->lockstep.seed;
    describe_peers(a, most_threads(subjects, count));
    sides.context = a;
    enum dt_status status = dt_lockstep_run(&sides, &options->lockstep, comparison->cells, count,
                                            &comparison->outcome, error);
    for (int side = 0; side < DT_SIDE_COUNT; side++)
        dt_peer_end(&a->peer[side]);
    free(a);
    return status;
}

void dt_comparison_clear(struct dt_comparison *comparison)
{
    for (size_t n = 0; n < comparison->count; n++) {
        free(comparison->cells[n].ratios);
        free(comparison->cells[n].aa_ratios);
    }
    free(comparison->cells);
    comparison->cells = NULL;
    comparison->count = 0;
}

double dt_compare_delta(const struct dt_machine *machine)
{
    return machine->virtual == DT_VIRTUAL_NONE ? DT_JUDGE_DELTA_QUIET : DT_JUDGE_DELTA_SHARED;
}
