/* SPDX-License-Identifier: MIT */
/*
 * bias and attention are planned and called through the public interface, so that what is compared
 * is what a program gets: look-up, heuristic, table in the environment, and the way from a plan to
 * its kernel. softmax and gemm have no such interface; they run as in `disentune bench`.
 */
#include "tuner/serve.h"

#include "kernels/error.h"
#include "tuner/build.h"
#include "tuner/code.h"
#include "tuner/counters.h"
#include "tuner/protocol.h"
#include "tuner/sample.h"
#include "tuner/validate.h"
#include "tuner/workload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Past the longest tile, so that the last tile of a row is a short one. */
enum { VALIDATE_LENGTH = 320, VALIDATE_HEADS = 2 };

struct served {
    char *forced; /* DISENTUNE_FORCE as it was found; NULL: it was not set; owned */
    struct dt_workload workload;
    struct dt_plan *plan;
    struct dt_ready ready;
    bool is_loaded, is_ready; /* there is a workload; `ready` runs the choice of the plan */
    struct dt_bias bias;
    struct dt_attention attention;
};

static void release(struct served *s)
{
    dt_plan_free(s->plan);
    s->plan = NULL;
    if (s->is_ready)
        dt_ready_clear(&s->ready);
    if (s->is_loaded)
        dt_workload_clear(&s->workload);
    s->is_ready = s->is_loaded = false;
}

/* ---- A plan and its operands --------------------------------------------------- */

static void set_bias(struct served *s)
{
    const struct dt_workload *w = &s->workload;
    const struct dt_problem *p = &w->problem;
    s->bias = (struct dt_bias){
        .scores = w->scores,
        .scores_row = p->nk,
        .c2p = w->c2p,
        .c2p_row = w->delta.slots,
        .p2c = w->p2c[p->layout],
        .p2c_row = p->layout == DT_KEY_MAJOR ? w->delta.slots : p->nk,
    };
}

/* In the environment, since that is where a plan looks. */
static enum dt_status force(const struct served *s, const struct dt_subject *w,
                            struct dt_error *error)
{
    char text[128], tile[32] = "";
    if (w->tile.rows || w->tile.cols)
        snprintf(tile, sizeof tile, ":%dx%d", w->tile.rows, w->tile.cols);
    snprintf(text, sizeof text, "%s:%s%s", dt_op_name(w->op), w->variant, tile);
    const char *value = *w->variant ? text : s->forced;
    const int failed = value ? setenv("DISENTUNE_FORCE", value, 1) : unsetenv("DISENTUNE_FORCE");
    return failed ? dt_error_set(error, DT_NO_MEMORY, "no memory to force a variant") : DT_OK;
}

/* Of an operation without a plan. */
static enum dt_status choose(const struct served *s, struct dt_choice *choice,
                             struct dt_error *error)
{
    const struct dt_workload *w = &s->workload;
    bool forced;
    enum dt_status status = dt_choice_forced(w->op, &w->problem, &w->delta, &forced, choice, error);
    if (!status && !forced)
        status = dt_choice_heuristic(w->op, &w->problem, &w->delta, choice, error);
    return status;
}

static enum dt_status plan(struct served *s, int threads, struct dt_choice *choice,
                           struct dt_error *error)
{
    const struct dt_workload *w = &s->workload;
    enum dt_status status = DT_OK;
    if (w->op == DT_OP_BIAS)
        status = dt_bias_plan(&w->problem, NULL, &s->plan, error);
    else if (w->op == DT_OP_ATTENTION)
        status = dt_attention_plan(&w->problem, NULL, threads, &s->plan, error);
    else
        return choose(s, choice, error);
    if (!status && w->op == DT_OP_ATTENTION)
        status = dt_plan_reserve(s->plan, 1, error);
    if (!status)
        *choice = *dt_plan_choice(s->plan);
    if (!status && !choice->variant)
        status = dt_error_set(error, DT_INVALID, "there is nothing to do: no position term");
    return status;
}

static enum dt_status load(struct served *s, const struct dt_prepare *wanted,
                           struct dt_choice *choice, struct dt_error *error)
{
    const struct dt_subject *subject = &wanted->subject;
    release(s);
    enum dt_status status = force(s, subject, error);
    if (!status && subject->op == DT_OP_PROBE)
        status = dt_error_set(error, DT_INVALID, "probes are not compared");
    if (!status)
        status =
            dt_workload_init(&s->workload, subject->op, &subject->problem, wanted->seed, error);
    if (status)
        return status;
    s->is_loaded = true;
    if (subject->op == DT_OP_BIAS)
        set_bias(s);
    else if (subject->op == DT_OP_ATTENTION)
        s->attention = s->workload.attention;
    status = plan(s, subject->threads, choice, error);
    if (!status && (!s->plan || wanted->check)) {
        status = dt_ready_init(&s->ready, &s->workload, choice, s->workload.problem.layout,
                               subject->threads, error);
        s->is_ready = !status;
    }
    return status;
}

static void call(const struct served *s, uint64_t calls)
{
    const enum dt_op op = s->workload.op;
    for (uint64_t n = 0; n < calls; n++)
        if (op == DT_OP_BIAS)
            dt_bias_add(s->plan, &s->bias);
        else if (op == DT_OP_ATTENTION)
            dt_attention(s->plan, &s->attention);
        else
            dt_ready_run(&s->ready, NULL);
}

/* ---- Whether it computes the right thing ------------------------------------------- */

/* The result of a plan's call, all that it writes; NULL for other operations. */
static float *result_of(const struct served *s, size_t *floats)
{
    const struct dt_problem *p = &s->workload.problem;
    const size_t heads = (size_t)p->batch * (size_t)p->heads;
    if (s->workload.op == DT_OP_BIAS) {
        *floats = (size_t)p->nq * (size_t)p->nk;
        return s->workload.scores;
    }
    *floats = heads * (size_t)p->nq * (size_t)p->dim;
    return s->workload.op == DT_OP_ATTENTION ? s->workload.attention.out : NULL;
}

/* Validation calls the variant; this makes sure that a call by plan does nothing else. */
static enum dt_status compare_ways(const struct served *s, bool *same, struct dt_error *error)
{
    size_t floats;
    float *result = result_of(s, &floats);
    *same = true;
    if (!result)
        return DT_OK;
    const size_t bytes = floats * sizeof *result;
    float *before = malloc(bytes), *by_plan = malloc(bytes);
    if (before && by_plan) {
        memcpy(before, result, bytes);
        call(s, 1);
        memcpy(by_plan, result, bytes);
        memcpy(result, before, bytes);
        dt_ready_run(&s->ready, NULL);
        *same = memcmp(result, by_plan, bytes) == 0;
    }
    const bool done = before && by_plan;
    free(by_plan);
    free(before);
    return done ? DT_OK : dt_error_set(error, DT_NO_MEMORY, "no memory for two results");
}

static int32_t at_most(int32_t value, int32_t most) { return value < most ? value : most; }

static enum dt_status check(const struct served *s, const struct dt_choice *choice, uint64_t seed,
                            struct dt_prepared *prepared, struct dt_error *error)
{
    const struct dt_validate_options options = {seed, DT_VALIDATE_QUICK};
    struct dt_problem problem = s->workload.problem;
    struct dt_verdict verdict;
    bool same;
    problem.nq = at_most(problem.nq, VALIDATE_LENGTH);
    problem.nk = at_most(problem.nk, VALIDATE_LENGTH);
    problem.batch = at_most(problem.batch, VALIDATE_HEADS);
    problem.heads = at_most(problem.heads, VALIDATE_HEADS);
    enum dt_status status = dt_validate_choice(choice, &problem, &options, &verdict, error);
    if (!status)
        status = compare_ways(s, &same, error);
    if (status)
        return status;
    prepared->right = verdict.passed && same;
    if (!verdict.passed)
        snprintf(prepared->reason, sizeof prepared->reason, "%s", verdict.reason);
    else if (!same)
        snprintf(prepared->reason, sizeof prepared->reason,
                 "%s: a call by plan gives other numbers than the variant", prepared->choice);
    return DT_OK;
}

/* FNV-1a, a number at a time: of what tells whether two builds work on the same. */
static void digest_operands(const struct dt_workload *w, char text[20])
{
    const struct dt_problem *p = &w->problem;
    const float *first = w->op == DT_OP_BIAS        ? w->c2p
                         : w->op == DT_OP_ATTENTION ? w->attention.q
                         : w->op == DT_OP_GEMM      ? w->a
                                                    : w->scores;
    const size_t floats = w->op == DT_OP_BIAS      ? (size_t)p->nq * (size_t)w->delta.slots
                          : w->op == DT_OP_SOFTMAX ? (size_t)p->nq * (size_t)p->nk
                                                   : (size_t)p->nq * (size_t)p->dim;
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t n = 0; n < floats; n++) {
        uint32_t bits;
        memcpy(&bits, &first[n], sizeof bits);
        hash = (hash ^ bits) * 0x100000001b3u;
    }
    snprintf(text, 20, "%016" PRIx64, hash);
}

/* ---- Requests -------------------------------------------------------------------------- */

static void name_part(char name[64], const struct dt_variant *variant)
{
    snprintf(name, 64, "%s", variant ? variant->name : "");
}

static enum dt_status prepare(struct served *s, const struct dt_prepare *wanted,
                              struct dt_prepared *prepared, struct dt_error *error)
{
    struct dt_choice choice = {0};
    enum dt_status status = load(s, wanted, &choice, error);
    if (status)
        return status;
    *prepared = (struct dt_prepared){.subject = wanted->subject};
    struct dt_subject *subject = &prepared->subject;
    subject->tile = choice.tile;
    subject->chunk = choice.chunk;
    name_part(subject->variant, choice.variant);
    name_part(subject->gemm, choice.gemm);
    name_part(subject->bias, choice.bias);
    name_part(subject->softmax, choice.softmax);
    dt_choice_print(&choice, prepared->choice);
    dt_code_of_choice(&choice, prepared->code);
    if (!wanted->check)
        return DT_OK;
    digest_operands(&s->workload, prepared->operands);
    return check(s, &choice, wanted->seed, prepared, error);
}

static enum dt_status run(const struct served *s, const struct dt_run *wanted, struct dt_ran *ran,
                          struct dt_error *error)
{
    const struct dt_counters *c = &dt_counters_host;
    struct dt_system_counters system[2];
    struct dt_thread_counters thread[2];
    if (!s->plan && !s->is_ready)
        return dt_error_set(error, DT_INVALID, "nothing is prepared to be run");
    c->system(c->context, &system[0]);
    call(s, wanted->warm);
    c->thread(c->context, &thread[0]);
    const double start = dt_clock_ns();
    call(s, wanted->calls);
    ran->ns = dt_clock_ns() - start;
    c->thread(c->context, &thread[1]);
    c->system(c->context, &system[1]);
    ran->gates = (unsigned)(thread[1].preemptions != thread[0].preemptions) << DT_GATE_PREEMPTION |
                 (unsigned)(thread[1].faults != thread[0].faults) << DT_GATE_FAULT |
                 (unsigned)(thread[1].processor != thread[0].processor) << DT_GATE_MIGRATION |
                 (unsigned)(system[1].stolen != system[0].stolen) << DT_GATE_STEAL |
                 (unsigned)(system[1].throttled != system[0].throttled) << DT_GATE_THROTTLING;
    return DT_OK;
}

static void answer(struct served *s, const char *line, size_t length, struct dt_message *reply)
{
    struct dt_message request;
    struct dt_error error;
    enum dt_status status = dt_message_parse(line, length, &request, &error);
    *reply = (struct dt_message){.say = DT_SAY_ERROR};
    if (!status && request.say == DT_SAY_PREPARE) {
        status = prepare(s, &request.prepare, &reply->prepared, &error);
        reply->say = DT_SAY_PREPARED;
    } else if (!status && request.say == DT_SAY_RUN) {
        status = run(s, &request.run, &reply->ran, &error);
        reply->say = DT_SAY_RAN;
    } else if (!status) {
        status = dt_error_set(&error, DT_INVALID, "a line that nobody sends to serve");
    }
    if (!status)
        return;
    release(s);
    *reply = (struct dt_message){.say = DT_SAY_ERROR, .error = error};
}

static enum dt_status say(FILE *out, const struct dt_message *message, struct dt_error *error)
{
    char line[DT_PROTOCOL_LINE];
    const size_t length = dt_message_print(message, line);
    if (length == 0)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for an answer");
    if (fwrite(line, 1, length, out) != length || fflush(out) != 0)
        return dt_error_set(error, DT_IO, "cannot answer: %s", strerror(errno));
    return DT_OK;
}

enum dt_status dt_serve(FILE *in, FILE *out, struct dt_error *error)
{
    const char *forced = getenv("DISENTUNE_FORCE");
    struct served served = {.forced = forced ? strdup(forced) : NULL};
    struct dt_message message = {.say = DT_SAY_HELLO, .hello.protocol = DT_PROTOCOL};
    char line[DT_PROTOCOL_LINE];
    if (forced && !served.forced)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for DISENTUNE_FORCE");
    dt_build_here(&message.hello.build);
    enum dt_status status = say(out, &message, error);
    while (!status && fgets(line, sizeof line, in)) {
        answer(&served, line, strlen(line), &message);
        status = say(out, &message, error);
    }
    if (!status && ferror(in))
        status = dt_error_set(error, DT_IO, "cannot read a request: %s", strerror(errno));
    release(&served);
    free(served.forced);
    return status;
}
