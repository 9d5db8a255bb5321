/* SPDX-License-Identifier: MIT */
#include "tuner/dispatch.h"

#include "kernels/error.h"
#include "kernels/lookup.h"
#include "tuner/workload.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCKS = 1000, QUESTIONS = 64, MACHINES = 100 };

/* ---- Look-ups ---------------------------------------------------------------- */

static uint64_t below(uint64_t *state, uint64_t n) { return dt_random_below(state, n); }

/* The shapes that a fleet asks for: lengths, batches and heads of many models. */
static struct dt_problem random_problem(uint64_t *state, int32_t length)
{
    static const int32_t heads[] = {6, 12, 16, 24};
    struct dt_problem p;
    dt_problem_parse("n16 log:256:512", &p, NULL);
    p.nq = p.nk = length;
    p.batch = (int32_t)(1 + below(state, 32));
    p.heads = heads[below(state, sizeof heads / sizeof *heads)];
    return dt_problem_class(DT_OP_ATTENTION, &p);
}

/* A third of the records is of this machine. */
static void name_machine(struct dt_machine_keys *keys, uint64_t *state)
{
    const int other = below(state, 3) == 0 ? -1 : (int)below(state, MACHINES);
    dt_machine_keys_init(keys, dt_cpu_host());
    const size_t length = strlen(keys->tier[other < 0 ? 1 : 0]);
    const char *base = keys->tier[other < 0 ? 1 : 0];
    char text[DT_MACHINE_KEY_MAX];
    snprintf(text, sizeof text, "%.*s", (int)length, base);
    if (other >= 0)
        snprintf(keys->tier[1], DT_MACHINE_KEY_MAX, "%.64s other%d", text, other);
    snprintf(text, sizeof text, "%.70s", keys->tier[1]);
    snprintf(keys->tier[2], DT_MACHINE_KEY_MAX, "%.72s l2:2M", text);
    snprintf(keys->tier[3], DT_MACHINE_KEY_MAX, "%.72s l2:2M bare", text);
}

static enum dt_status make_table(size_t records, uint64_t *state, struct dt_table **table,
                                 struct dt_error *error)
{
    enum dt_status status = dt_table_create("made up", table, error);
    while (!status && (*table)->count < records) {
        struct dt_table_record r = {
            .op = DT_OP_ATTENTION,
            .problem = random_problem(state, (int32_t)(16 * (1 + below(state, 64)))),
            .threads = (int32_t)(1 + below(state, 4)),
            .choice = {.variant = dt_variant_find("attention.scalar.plain")},
            .origin = (*table)->header,
            .samples = 1,
            .ns_median = 1,
            .ratio_to_scalar = 1,
            .ratio_lo = 1,
            .ratio_hi = 1,
            .validated = true,
            .date = "2026-01-31T12:00:00Z",
        };
        name_machine(&r.machine, state);
        if (!dt_table_append(*table, &r))
            status = dt_table_no_memory(error);
        if (!status && (*table)->count == records)
            status = dt_table_settle(*table, error);
    }
    return status ? status : dt_table_make_index(*table, error);
}

struct questions {
    const struct dt_table *table;
    struct dt_problem problems[QUESTIONS];
    struct dt_delta deltas[QUESTIONS];
    struct dt_query queries[QUESTIONS];
    size_t count;
    double distance; /* of the last answer */
};

static enum dt_status ask_of(struct questions *q, const struct dt_table *table, bool exact,
                             uint64_t *state, struct dt_error *error)
{
    *q = (struct questions){.table = table};
    size_t own = 0;
    struct dt_machine_keys here;
    dt_machine_keys_init(&here, dt_cpu_host());
    for (size_t n = 0; n < table->count; n++)
        own += strcmp(table->records[n].machine.tier[1], here.tier[1]) == 0;
    while (q->count < QUESTIONS) {
        struct dt_problem *p = &q->problems[q->count];
        int32_t threads = (int32_t)(1 + below(state, 4));
        *p = random_problem(state, (int32_t)(16 * (1 + below(state, 64)) + 5));
        if (exact && own > 0) {
            const struct dt_table_record *r;
            do
                r = &table->records[below(state, table->count)];
            while (strcmp(r->machine.tier[1], here.tier[1]) != 0);
            *p = r->problem;
            threads = r->threads;
        }
        enum dt_status status = dt_delta_init(&q->deltas[q->count], p, error);
        if (status)
            return status;
        q->queries[q->count] =
            (struct dt_query){DT_OP_ATTENTION, p, &q->deltas[q->count], threads, here};
        q->count++;
    }
    return DT_OK;
}

static void clear_questions(struct questions *q)
{
    for (size_t n = 0; n < q->count; n++)
        dt_delta_clear(&q->deltas[n]);
}

static void look_up(void *context, uint64_t calls)
{
    struct questions *q = context;
    struct dt_answer answer;
    for (uint64_t c = 0; c < calls; c++)
        for (size_t n = 0; n < q->count; n++)
            if (!dt_lookup_find(q->table, &q->queries[n], &answer, NULL))
                q->distance = answer.distance;
}

static enum dt_status measure_lookup(struct dt_sampler *sampler, size_t records, uint64_t *state,
                                     struct dt_dispatch_lookup *result, struct dt_error *error)
{
    struct dt_table *table = NULL;
    struct questions questions[2] = {{.count = 0}, {.count = 0}};
    double ns[2][BLOCKS];
    enum dt_status status = make_table(records, state, &table, error);
    for (int kind = 0; kind < 2 && !status; kind++)
        status = ask_of(&questions[kind], table, kind == 0, state, error);
    if (!status) {
        struct dt_repeat repeat[2] = {{0}, {0}};
        for (int b = 0; b < BLOCKS; b++)
            for (int kind = 0; kind < 2; kind++)
                ns[kind][b] =
                    dt_sample(sampler, look_up, &questions[kind], &repeat[kind], NULL) / QUESTIONS;
        *result = (struct dt_dispatch_lookup){table->count, dt_bootstrap_median(ns[0], BLOCKS, 1),
                                              dt_bootstrap_median(ns[1], BLOCKS, 1)};
    }
    clear_questions(&questions[0]);
    clear_questions(&questions[1]);
    dt_table_free(table);
    return status;
}

/* ---- Calls ---------------------------------------------------------------- */

/*
 * Where the stack lies decides on more than what is measured: the frames of a kernel fall on the
 * sets and banks of its operands or not, and below a plan they fall elsewhere. So each block has
 * its stack elsewhere, for both sides the same.
 */
enum { STACK_STEP = 16, STACK_STEPS = 256 };

struct calls {
    dt_work_fn *work;
    size_t stack; /* bytes that are skipped */
    struct dt_workload workload;
    struct dt_plan *plan;
    struct dt_bias bias;
    struct dt_bias_block block;
    struct dt_attention attention;
    struct dt_ready ready;
    dt_bias_fn *bias_fn;
    dt_attention_fn *attention_fn;
};

static void bias_planned(void *context, uint64_t count)
{
    const struct calls *c = context;
    for (uint64_t n = 0; n < count; n++)
        dt_bias_add(c->plan, &c->bias);
}

static void bias_direct(void *context, uint64_t count)
{
    const struct calls *c = context;
    for (uint64_t n = 0; n < count; n++)
        c->bias_fn(&c->block, &c->bias);
}

static void attention_planned(void *context, uint64_t count)
{
    const struct calls *c = context;
    for (uint64_t n = 0; n < count; n++)
        dt_attention(c->plan, &c->attention);
}

static void attention_direct(void *context, uint64_t count)
{
    const struct calls *c = context;
    for (uint64_t n = 0; n < count; n++)
        c->attention_fn(&c->ready.setup, &c->attention, &c->ready.setup.all, c->ready.workspace);
}

static void elsewhere(void *context, uint64_t count)
{
    struct calls *c = context;
    char *skipped = __builtin_alloca(c->stack + 1);
    __asm__ volatile("" : : "r"(skipped) : "memory");
    c->work(context, count);
}

static void prepare_bias(struct calls *c, const struct dt_choice *choice)
{
    const struct dt_workload *w = &c->workload;
    const struct dt_problem *p = &w->problem;
    c->bias = (struct dt_bias){.scores = w->scores,
                               .scores_row = p->nk,
                               .c2p = w->c2p,
                               .c2p_row = 2 * p->span,
                               .p2c = w->p2c[p->layout],
                               .p2c_row = p->nk};
    c->block = (struct dt_bias_block){.terms = p->terms,
                                      .layout = p->layout,
                                      .nq = p->nq,
                                      .nk = p->nk,
                                      .delta = &w->delta,
                                      .origin = p->nq - 1,
                                      .tile = choice->tile};
    c->bias_fn = choice->variant->run.bias;
}

static void prepare_attention(struct calls *c, const struct dt_choice *choice)
{
    c->attention = c->workload.attention;
    c->attention.workspace = c->ready.workspace;
    c->attention_fn = choice->variant->run.attention;
}

static void time_calls(struct dt_sampler *sampler, struct calls *c, bool bias, uint64_t *state,
                       struct dt_dispatch_call *result)
{
    dt_work_fn *const work[] = {bias ? bias_planned : attention_planned,
                                bias ? bias_direct : attention_direct};
    struct dt_repeat repeat[2] = {{0}, {0}};
    double ns[3][BLOCKS];
    for (int b = 0; b < BLOCKS; b++) {
        const int first = (int)below(state, 2);
        c->stack = STACK_STEP * (size_t)below(state, STACK_STEPS);
        for (int turn = 0; turn < 2; turn++) {
            const int side = first ^ turn;
            c->work = work[side];
            ns[side][b] = dt_sample(sampler, elsewhere, c, &repeat[side], NULL);
        }
        ns[2][b] = ns[0][b] - ns[1][b];
    }
    result->planned = dt_bootstrap_median(ns[0], BLOCKS, 1);
    result->direct = dt_bootstrap_median(ns[1], BLOCKS, 1);
    result->over = dt_bootstrap_median(ns[2], BLOCKS, 1);
}

static enum dt_status measure_call(struct dt_sampler *sampler, enum dt_op op, const char *text,
                                   uint64_t *state, struct dt_dispatch_call *result,
                                   struct dt_error *error)
{
    const bool bias = op == DT_OP_BIAS;
    struct calls c = {.plan = NULL};
    struct dt_choice choice;
    enum dt_status status = dt_problem_parse(text, &result->problem, error);
    if (!status)
        status = dt_workload_init(&c.workload, op, &result->problem, *state, error);
    if (status)
        return status;
    result->op = op;
    struct dt_table *none = NULL;
    status = dt_table_create("none", &none, error);
    if (!status)
        status = dt_choice_heuristic(op, &c.workload.problem, &c.workload.delta, &choice, error);
    if (!status && !bias)
        status = dt_choice_fill_parts(&c.workload.problem, &c.workload.delta, &choice, error);
    if (!status)
        status = bias ? dt_bias_plan(&c.workload.problem, none, &c.plan, error)
                      : dt_attention_plan(&c.workload.problem, none, 1, &c.plan, error);
    if (!status)
        status = dt_ready_init(&c.ready, &c.workload, &choice, c.workload.problem.layout, 1, error);
    if (!status) {
        if (bias)
            prepare_bias(&c, &choice);
        else
            prepare_attention(&c, &choice);
        time_calls(sampler, &c, bias, state, result);
        dt_ready_clear(&c.ready);
    }
    dt_plan_free(c.plan);
    dt_table_free(none);
    dt_workload_clear(&c.workload);
    return status;
}

enum dt_status dt_dispatch_measure(struct dt_sampler *sampler, uint64_t seed, struct dt_dispatch *d,
                                   struct dt_error *error)
{
    static const size_t records[DT_DISPATCH_TABLES] = {10, 1000, 10000};
    uint64_t state = seed;
    enum dt_status status = DT_OK;
    *d = (struct dt_dispatch){0};
    for (int t = 0; t < DT_DISPATCH_TABLES && !status; t++)
        status = measure_lookup(sampler, records[t], &state, &d->lookup[t], error);
    if (!status)
        status = measure_call(sampler, DT_OP_BIAS, "n16 log:256:512", &state, &d->call[0], error);
    if (!status)
        status =
            measure_call(sampler, DT_OP_ATTENTION, "h1 n1 d8 linear:1", &state, &d->call[1], error);
    return status;
}
