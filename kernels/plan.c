/* SPDX-License-Identifier: MIT */
/*
 * Plans and their calls. A call must cost next to nothing beside its kernel, the shortest of which
 * take 70 ns; what it costs (`disentune bench --dispatch`) is its instructions, up to a quarter of
 * a nanosecond each on Zen 3 before a kernel that waits for its own results. So what is known when
 * a call is planned is laid out then, and kernels take pointers to it and to the caller's operands
 * in registers: a structure of arguments, written for each call, cost 3 ns, and one written in
 * other widths than it was read in 13. A call that is `plain` shares no code with the others, which
 * would have it save registers; its code begins a cache line, or costs 3 ns more in some builds.
 */
#include "kernels/capture.h"
#include "kernels/error.h"
#include "kernels/lookup.h"
#include "kernels/setup.h"
#include "kernels/slowdown.h"
#include "kernels/standing.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE = 64 };

#define ON_A_LINE __attribute__((aligned(LINE)))

#define PLAN_TEXT_MAX (DT_CHOICE_TEXT_MAX + DT_PROBLEM_TEXT_MAX + 64)

struct dt_plan {
    enum dt_op op;
    struct dt_problem problem;
    struct dt_delta delta;
    struct dt_choice choice;    /* no variant if there is nothing to do */
    struct dt_capture *capture; /* NULL: calls are not counted */
    struct dt_slowdown slowdown;
    bool plain; /* position terms, calls not counted; bias: one head; attention: one thread */

    /* Of bias. */
    struct dt_bias_block block;
    dt_bias_fn *add; /* NULL if there is nothing to do */

    /* Of attention. */
    dt_attention_fn *attend;
    struct dt_attention_setup setup;
    struct dt_positions_shape positions;
    float *owned; /* workspaces of `calls` calls, on cache lines of their own */
    atomic_bool *busy;
    int calls;

    char text[PLAN_TEXT_MAX];
};

static void describe(struct dt_plan *plan, const struct dt_answer *answer)
{
    char choice[DT_CHOICE_TEXT_MAX], problem[DT_PROBLEM_TEXT_MAX];
    dt_choice_print(&answer->choice, choice);
    if (answer->record && answer->step != DT_STEP_EXACT)
        snprintf(plan->text, sizeof plan->text, "%s, %s at distance %.2f: %s", choice,
                 dt_step_name(answer->step), answer->distance,
                 dt_problem_print(&answer->record->problem, problem));
    else
        snprintf(plan->text, sizeof plan->text, "%s, %s", choice, dt_step_name(answer->step));
}

static enum dt_status choose(struct dt_plan *plan, const struct dt_table *table, int32_t threads,
                             struct dt_error *error)
{
    struct dt_answer answer = {.step = DT_STEP_FORCED};
    bool forced;
    enum dt_status status =
        dt_choice_forced(plan->op, &plan->problem, &plan->delta, &forced, &answer.choice, error);
    if (!status && !forced) {
        struct dt_query query = {
            .op = plan->op, .problem = &plan->problem, .delta = &plan->delta, .threads = threads};
        dt_machine_keys_init(&query.machine, dt_cpu_host());
        const struct dt_table *standing = NULL;
        if (!table)
            status = dt_standing_take(&standing, error);
        if (!status)
            status = dt_lookup_find(table ? table : standing, &query, &answer, error);
        if (!status)
            describe(plan, &answer);
        if (!table)
            dt_standing_give();
    } else if (!status) {
        describe(plan, &answer);
    }
    plan->choice = answer.choice;
    return status;
}

/* A plan of `op` without a choice. */
static enum dt_status create(enum dt_op op, const struct dt_problem *problem, struct dt_plan **plan,
                             struct dt_error *error)
{
    enum dt_status status = dt_cpu_check(error);
    if (status)
        return status;
    struct dt_plan *made = calloc(1, sizeof *made);
    if (!made)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a plan");
    made->op = op;
    made->problem = *problem;
    status = dt_slowdown_init(&made->slowdown, error);
    if (!status)
        status = dt_delta_init(&made->delta, problem, error);
    if (status)
        free(made);
    else
        *plan = made;
    return status;
}

enum dt_status dt_bias_plan(const struct dt_problem *problem, const struct dt_table *table,
                            struct dt_plan **plan, struct dt_error *error)
{
    struct dt_plan *made = NULL;
    enum dt_status status = create(DT_OP_BIAS, problem, &made, error);
    if (status)
        return status;
    if (problem->terms == 0)
        snprintf(made->text, sizeof made->text, "nothing to add: the problem has no position term");
    else
        status = choose(made, table, 1, error);
    if (status) {
        dt_plan_free(made);
        return status;
    }
    made->block = (struct dt_bias_block){
        .terms = problem->terms,
        .layout = problem->layout,
        .nq = problem->nq,
        .nk = problem->nk,
        .delta = &made->delta,
        .origin = problem->nq - 1,
        .tile = made->choice.tile,
    };
    if (problem->terms) {
        made->add = made->choice.variant->run.bias;
        made->capture = dt_capture_begin(DT_OP_BIAS, problem, 1);
    }
    made->plain = problem->batch == 1 && problem->heads == 1 && made->add && !made->capture;
    *plan = made;
    return DT_OK;
}

static __attribute__((noinline)) void add_heads(const struct dt_plan *plan, const struct dt_bias *o)
{
    const struct dt_problem *p = &plan->problem;
    if (!plan->add)
        return;
    dt_capture_call(plan->capture);
    for (int32_t b = 0; b < p->batch; b++)
        for (int32_t h = 0; h < p->heads; h++) {
            struct dt_bias io = *o;
            io.scores += b * o->scores_batch + h * o->scores_head;
            if (p->terms & DT_C2P)
                io.c2p += b * o->c2p_batch + h * o->c2p_head;
            if (p->terms & DT_P2C)
                io.p2c += b * o->p2c_batch + h * o->p2c_head;
            plan->add(&plan->block, &io);
        }
}

ON_A_LINE void dt_bias_add(const struct dt_plan *plan, const struct dt_bias *o)
{
    const double begun = dt_slowdown_begin(&plan->slowdown);
    if (plan->plain)
        plan->add(&plan->block, o);
    else
        add_heads(plan, o);
    dt_slowdown_end(&plan->slowdown, begun);
}

/* ---- Attention ---- */

static int32_t usable_threads(int threads)
{
#ifdef _OPENMP
    return threads ? threads : omp_get_max_threads();
#else
    (void)threads;
    return 1;
#endif
}

enum dt_status dt_attention_plan(const struct dt_problem *problem, const struct dt_table *table,
                                 int threads, struct dt_plan **plan, struct dt_error *error)
{
    struct dt_plan *made = NULL;
    if (threads < 0 || threads > DT_TABLE_THREADS_MAX)
        return dt_error_set(error, DT_INVALID, "%d threads; use 0 for all, or 1 to %d", threads,
                            DT_TABLE_THREADS_MAX);
    enum dt_status status = create(DT_OP_ATTENTION, problem, &made, error);
    if (status)
        return status;
    const int32_t count = usable_threads(threads);
    status = choose(made, table, count, error);
    if (!status)
        status = dt_attention_setup_init(&made->setup, &made->choice, &made->problem, &made->delta,
                                         count, error);
    if (status) {
        dt_plan_free(made);
        return status;
    }
    made->positions = dt_positions_shape_of(problem);
    made->capture = dt_capture_begin(DT_OP_ATTENTION, problem, count);
    made->attend = made->choice.variant->run.attention;
    made->plain = problem->terms && made->setup.threads == 1 && !made->capture;
    *plan = made;
    return DT_OK;
}

static size_t floats_of_call(const struct dt_plan *plan)
{
    return plan->setup.workspace * (size_t)plan->setup.threads;
}

size_t dt_plan_workspace(const struct dt_plan *plan)
{
    return plan->op == DT_OP_ATTENTION ? floats_of_call(plan) * sizeof(float) + LINE : 0;
}

enum dt_status dt_plan_reserve(struct dt_plan *plan, int calls, struct dt_error *error)
{
    const size_t bytes = floats_of_call(plan) * sizeof(float);
    float *owned = NULL;
    atomic_bool *busy = NULL;
    if (calls < 0 || plan->op != DT_OP_ATTENTION)
        return dt_error_set(error, DT_INVALID,
                            calls < 0 ? "workspaces for %d calls"
                                      : "%d workspaces for a plan that uses none",
                            calls);
    if (calls > 0 && bytes <= SIZE_MAX / 2 / (size_t)calls) {
        owned = aligned_alloc(LINE, bytes * (size_t)calls);
        busy = calloc((size_t)calls, sizeof *busy);
    }
    if (calls > 0 && (!owned || !busy)) {
        free(owned);
        free(busy);
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %d workspaces of %zu bytes", calls,
                            bytes);
    }
    free(plan->owned);
    free(plan->busy);
    plan->owned = owned;
    plan->busy = busy;
    plan->calls = calls;
    return DT_OK;
}

/* The number of a workspace that no other call uses, now busy; -1 if there is none. */
static int claim(const struct dt_plan *plan)
{
    for (int n = 0; n < plan->calls; n++)
        if (!atomic_exchange_explicit(&plan->busy[n], true, memory_order_acquire))
            return n;
    return -1;
}

static inline bool positions_fit(const struct dt_positions *positions, const struct dt_plan *plan)
{
    return positions && memcmp(&positions->shape, &plan->positions, sizeof plan->positions) == 0;
}

static __attribute__((noinline)) bool segments_fit(const struct dt_attention *o,
                                                   const struct dt_problem *p)
{
    if (p->batch != 1 || p->nq != p->nk || p->mask != DT_MASK_NONE || o->segment_count < 1 ||
        o->segments[0] != 0 || o->segments[o->segment_count] != p->nk)
        return false;
    for (int32_t s = 0; s < o->segment_count; s++)
        if (o->segments[s + 1] < o->segments[s])
            return false;
    return true;
}

static inline float *aligned(void *workspace)
{
    return (float *)(((uintptr_t)workspace + LINE - 1) & ~(uintptr_t)(LINE - 1));
}

/* Any call, of the operands' workspace or one of the plan's. */
static __attribute__((noinline)) enum dt_status attend(const struct dt_plan *plan,
                                                       const struct dt_attention *o)
{
    if (plan->problem.terms && !positions_fit(o->positions, plan))
        return DT_INVALID;
    if (o->segments && !segments_fit(o, &plan->problem))
        return DT_INVALID;
    const int claimed = o->workspace ? -1 : claim(plan);
    if (!o->workspace && claimed < 0)
        return DT_NO_MEMORY;
    dt_capture_call(plan->capture);
    dt_attention_run(&plan->setup, o,
                     o->workspace ? aligned(o->workspace)
                                  : plan->owned + (size_t)claimed * floats_of_call(plan),
                     NULL);
    if (!o->workspace)
        atomic_store_explicit(&plan->busy[claimed], false, memory_order_release);
    return DT_OK;
}

ON_A_LINE enum dt_status dt_attention(const struct dt_plan *plan, const struct dt_attention *o)
{
    const double begun = dt_slowdown_begin(&plan->slowdown);
    enum dt_status status = DT_OK;
    if (plan->plain && o->workspace && !o->segments && positions_fit(o->positions, plan))
        plan->attend(&plan->setup, o, &plan->setup.all, aligned(o->workspace));
    else
        status = attend(plan, o);
    dt_slowdown_end(&plan->slowdown, begun);
    return status;
}

/* ---- All plans ---- */

void dt_plan_free(struct dt_plan *plan)
{
    if (!plan)
        return;
    dt_capture_end(plan->capture);
    free(plan->owned);
    free(plan->busy);
    dt_attention_setup_clear(&plan->setup);
    dt_delta_clear(&plan->delta);
    free(plan);
}

const char *dt_plan_text(const struct dt_plan *plan) { return plan->text; }

const struct dt_choice *dt_plan_choice(const struct dt_plan *plan) { return &plan->choice; }
