/* SPDX-License-Identifier: MIT */
#include "tuner/selftest.h"

#include "kernels/error.h"
#include "reports/stats.h"
#include "tuner/peer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Seconds in which a program answers that does not hang. */
#define ANSWER_SECONDS 60.0

/* What the runs found of one cell, run by run. */
struct found {
    double *ns, *ratio, *effect; /* [runs]; effect counts those that are known */
    size_t runs, effects;
};

struct runs {
    const struct dt_selftest_options *options;
    const struct dt_subject *subjects;
    struct found *found; /* [count] */
    struct dt_selftest *selftest;
    double seconds;
};

static bool allocate(struct runs *r, size_t count)
{
    bool complete = true;
    r->found = calloc(count + 1, sizeof *r->found);
    r->selftest->cells = calloc(count + 1, sizeof *r->selftest->cells);
    for (size_t c = 0; c < count && r->found && complete; c++) {
        struct found *f = &r->found[c];
        f->ns = calloc(r->options->runs + 1, sizeof *f->ns);
        f->ratio = calloc(r->options->runs + 1, sizeof *f->ratio);
        f->effect = calloc(r->options->runs + 1, sizeof *f->effect);
        complete = f->ns && f->ratio && f->effect;
    }
    return r->found && r->selftest->cells && complete;
}

static void clear_found(struct runs *r, size_t count)
{
    for (size_t c = 0; c < count && r->found; c++) {
        free(r->found[c].ns);
        free(r->found[c].ratio);
        free(r->found[c].effect);
    }
    free(r->found);
}

static void note_cell(struct runs *r, size_t c, const struct dt_cell *cell)
{
    const struct dt_judge_options judge = {.delta = cell->delta,
                                           .alpha = DT_JUDGE_ALPHA,
                                           .look = DT_JUDGE_LOOKS,
                                           .looks = DT_JUDGE_LOOKS};
    struct found *f = &r->found[c];
    struct dt_trial_set *set = &r->selftest->cells[c].set;
    set->trials++;
    set->alarms += cell->judgement == DT_REGRESSED;
    r->selftest->cells[c].voided += cell->judgement == DT_VOID;
    if (cell->pairs == 0)
        return;
    const double effect = dt_judge_least_effect(cell, r->selftest->count, &judge);
    f->ns[f->runs] = cell->base_ns;
    f->ratio[f->runs++] = cell->ratio;
    if (!isnan(effect))
        f->effect[f->effects++] = effect;
}

static void note_run(struct runs *r, const struct dt_comparison *comparison)
{
    bool red = false;
    for (size_t c = 0; c < comparison->count; c++) {
        note_cell(r, c, &comparison->cells[c]);
        red |= comparison->cells[c].judgement == DT_REGRESSED;
    }
    r->selftest->suite.set.trials++;
    r->selftest->suite.set.alarms += red;
    r->selftest->build = comparison->head;
}

static enum dt_status run_once(struct runs *r, size_t run, struct dt_error *error)
{
    const struct dt_selftest_options *o = r->options;
    char slowed[64];
    const char *const base[] = {"DISENTUNE_SLOWDOWN=0", NULL}, *const head[] = {slowed, NULL};
    struct dt_compare_options compare = o->compare;
    struct dt_comparison comparison;
    snprintf(slowed, sizeof slowed, "DISENTUNE_SLOWDOWN=%.6g", 100 * o->slowdown);
    compare.base = compare.head = o->program;
    compare.base_variables = base;
    compare.head_variables = head;
    compare.lockstep.same_code = true;
    compare.lockstep.seed += run;
    enum dt_status status = o->run(&compare, r->subjects, r->selftest->count, &comparison, error);
    if (!status && comparison.outcome.stopped)
        r->selftest->stopped = true;
    else if (!status && comparison.outcome.wrong > 0)
        status = dt_error_set(error, DT_FAILED, "%.240s", comparison.outcome.reason);
    else if (!status)
        note_run(r, &comparison);
    dt_comparison_clear(&comparison);
    return status;
}

static double median_or_nan(const double *x, size_t n) { return n > 0 ? dt_median(x, n) : NAN; }

static void finish(struct runs *r, size_t count)
{
    struct dt_selftest *s = r->selftest;
    for (size_t c = 0; c < count; c++) {
        const struct found *f = &r->found[c];
        struct dt_trial *trial = &s->cells[c];
        trial->ns = median_or_nan(f->ns, f->runs);
        trial->ratio = median_or_nan(f->ratio, f->runs);
        trial->set.least_effect = median_or_nan(f->effect, f->effects);
        dt_trials_bound(&trial->set);
    }
    dt_trials_bound(&s->suite.set);
}

static struct dt_trial start_trial(const struct dt_selftest_options *o,
                                   const struct dt_subject *subject)
{
    return (struct dt_trial){.set = {.subject = *subject,
                                     .slowdown = o->slowdown,
                                     .seconds = o->compare.lockstep.budget,
                                     .least_effect = NAN},
                             .ns = NAN,
                             .ratio = NAN};
}

enum dt_status dt_selftest_run(const struct dt_selftest_options *options,
                               const struct dt_subject *subjects, size_t count,
                               struct dt_selftest *selftest, struct dt_error *error)
{
    const struct dt_subject whole = {.op = DT_OP_COUNT};
    struct runs r = {.options = options, .subjects = subjects, .selftest = selftest};
    *selftest = (struct dt_selftest){.suite = start_trial(options, &whole), .count = count};
    enum dt_status status = DT_OK;
    if (!allocate(&r, count))
        status = dt_error_set(error, DT_NO_MEMORY, "no memory for %zu runs", options->runs);
    for (size_t c = 0; c < count && !status; c++)
        selftest->cells[c] = start_trial(options, &subjects[c]);
    for (size_t run = 0; run < options->runs && !status && !selftest->stopped; run++) {
        status = run_once(&r, run, error);
        if (!status && options->progress)
            options->progress(options->context, selftest->suite.set.trials,
                              selftest->suite.set.alarms);
    }
    if (!status)
        finish(&r, count);
    clear_found(&r, count);
    return status;
}

void dt_selftest_clear(struct dt_selftest *selftest)
{
    free(selftest->cells);
    selftest->cells = NULL;
    selftest->count = 0;
}

/* A build that knows the variable refuses this value of it. */
enum dt_status dt_selftest_can_slow(const char *program, struct dt_error *error)
{
    const char *const variables[] = {"DISENTUNE_SLOWDOWN=?", NULL};
    const struct dt_peer_options options = {
        .name = "it", .program = program, .variables = variables};
    struct dt_message reply, request = {.say = DT_SAY_PREPARE};
    struct dt_peer peer;
    enum dt_status status = dt_peer_start(&peer, &options, ANSWER_SECONDS, error);
    if (status)
        return status;
    request.prepare.subject.op = DT_OP_BIAS;
    request.prepare.subject.threads = 1;
    status = dt_problem_parse("n8 linear:4", &request.prepare.subject.problem, error);
    struct dt_error answer = {0};
    if (!status)
        status = dt_peer_ask(&peer, &request, ANSWER_SECONDS, "when asked for DISENTUNE_SLOWDOWN",
                             &reply, &answer);
    const bool alive = peer.pid > 0;
    dt_peer_end(&peer);
    if (status && alive && strstr(answer.text, "DISENTUNE_SLOWDOWN"))
        return DT_OK;
    if (status)
        return dt_error_set(error, status, "%s", answer.text);
    return dt_error_set(
        error, DT_INVALID,
        "%.100s cannot be slowed down; build one with `meson setup -Dslowdown=true` "
        "and give its path",
        program);
}
