/* SPDX-License-Identifier: MIT */
#include "tuner/workload.h"

#include "kernels/error.h"
#include "reports/stats.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Operands start this far apart beyond their size, so that equal indices of several of them do not
 * fall into one set of a cache. */
enum { APART = 16 * 13 };

struct part {
    float **where;
    size_t floats;
};

static size_t rounded(size_t floats) { return (floats + 63) / 64 * 64 + APART; }

static enum dt_status check_memory(const struct dt_workload *w, size_t floats,
                                   struct dt_error *error)
{
    const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    const double bytes = (double)floats * sizeof(float);
    char text[DT_PROBLEM_TEXT_MAX];
    if (bytes <= 0.75 * memory)
        return DT_OK;
    return dt_error_set(error, DT_NO_MEMORY,
                        "problem \"%s\" needs %.1f GiB, the machine has %.1f; use a shorter one",
                        dt_problem_print(&w->problem, text), bytes / (1 << 30), memory / (1 << 30));
}

static enum dt_status allocate(struct dt_workload *w, const struct part *parts, size_t count,
                               uint64_t seed, struct dt_error *error)
{
    char text[DT_PROBLEM_TEXT_MAX];
    size_t total = 0;
    for (size_t p = 0; p < count; p++)
        total += rounded(parts[p].floats);
    enum dt_status status = check_memory(w, total, error);
    if (status)
        return status;
    w->memory = aligned_alloc(4096, (total * sizeof(float) + 4095) / 4096 * 4096);
    if (!w->memory)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for problem \"%s\"",
                            dt_problem_print(&w->problem, text));
    for (size_t i = 0; i < total; i++)
        w->memory[i] = (float)(int32_t)(dt_random(&seed) >> 32) * 0x1p-31f;
    float *at = w->memory;
    for (size_t p = 0; p < count; p++) {
        *parts[p].where = at;
        at += rounded(parts[p].floats);
    }
    return DT_OK;
}

static enum dt_status init_bias(struct dt_workload *w, uint64_t seed, struct dt_error *error)
{
    const size_t nq = (size_t)w->problem.nq, nk = (size_t)w->problem.nk;
    const size_t slots = (size_t)w->delta.slots;
    const size_t scores = (nq * nk + 63) / 64 * 64;
    const struct part parts[] = {
        {&w->scores, scores},
        {&w->c2p, nq * slots},
        {&w->p2c[0], nk * slots},
        {&w->p2c[1], nk * slots},
    };
    return allocate(w, parts, sizeof parts / sizeof *parts, seed, error);
}

/* A mask of the problem's form in which about one key in eight is forbidden. */
static enum dt_status init_mask(struct dt_workload *w, uint64_t seed, struct dt_error *error)
{
    const struct dt_problem *p = &w->problem;
    const size_t rows = p->mask == DT_MASK_PAIRS ? (size_t)p->nq : 1;
    const size_t bytes = (size_t)p->batch * rows * (size_t)p->nk;
    w->allowed = malloc(bytes);
    w->lengths = malloc((size_t)p->batch * sizeof *w->lengths);
    if (!w->allowed || !w->lengths)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a mask of %zu bytes", bytes);
    for (size_t n = 0; n < bytes; n++)
        w->allowed[n] = dt_random_below(&seed, 8) != 0;
    for (int32_t b = 0; b < p->batch; b++)
        w->lengths[b] = p->nk - p->nk / 8;
    return DT_OK;
}

static enum dt_status init_softmax(struct dt_workload *w, uint64_t seed, struct dt_error *error)
{
    const struct dt_problem *p = &w->problem;
    const struct part parts[] = {{&w->scores, (size_t)p->nq * (size_t)p->nk}};
    w->softmax = (struct dt_softmax_args){
        .stride = p->nk, .rows = p->nq, .cols = p->nk, .dialect = p->dialect};
    if (p->mask != DT_MASK_NONE) {
        w->softmax.allowed = w->allowed;
        w->softmax.allowed_stride = p->mask == DT_MASK_PAIRS ? p->nk : 0;
    }
    enum dt_status status = allocate(w, parts, 1, seed, error);
    w->softmax.x = w->scores;
    return status;
}

/* Room in b for panels of any width, the last one filled up. */
static enum dt_status init_gemm(struct dt_workload *w, uint64_t seed, struct dt_error *error)
{
    const size_t m = (size_t)w->problem.nq, n = (size_t)w->problem.nk, k = (size_t)w->problem.dim;
    const struct part parts[] = {{&w->a, m * k}, {&w->b, k * n * 2}, {&w->c, m * n}};
    return allocate(w, parts, sizeof parts / sizeof *parts, seed, error);
}

static enum dt_status init_attention(struct dt_workload *w, uint64_t seed, struct dt_error *error)
{
    const struct dt_problem *p = &w->problem;
    const ptrdiff_t dim = p->dim, heads = p->heads;
    const size_t queries = (size_t)p->batch * (size_t)(heads * p->nq * dim);
    const size_t keys = (size_t)p->batch * (size_t)(heads * p->nk * dim);
    const size_t positions = (size_t)(heads * w->delta.slots * dim);
    float *q = NULL, *k = NULL, *v = NULL, *kr = NULL, *qr = NULL, *out = NULL;
    const struct part parts[] = {
        {&q, queries}, {&k, keys}, {&v, keys}, {&kr, positions}, {&qr, positions}, {&out, queries},
    };
    enum dt_status status = allocate(w, parts, sizeof parts / sizeof *parts, seed, error);
    if (status)
        return status;
    w->attention = (struct dt_attention){
        .q = q,
        .q_batch = heads * p->nq * dim,
        .q_head = p->nq * dim,
        .q_row = dim,
        .k = k,
        .k_batch = heads * p->nk * dim,
        .k_head = p->nk * dim,
        .k_row = dim,
        .v = v,
        .v_batch = heads * p->nk * dim,
        .v_head = p->nk * dim,
        .v_row = dim,
        .out = out,
        .out_batch = heads * p->nq * dim,
        .out_head = p->nq * dim,
        .out_row = dim,
        .lengths = w->lengths,
        .mask = w->allowed,
    };
    if (p->terms)
        status = dt_positions_pack(p, kr, w->delta.slots * dim, dim, qr, w->delta.slots * dim, dim,
                                   &w->positions, error);
    w->attention.positions = w->positions;
    return status;
}

enum dt_status dt_workload_init(struct dt_workload *w, enum dt_op op,
                                const struct dt_problem *problem, uint64_t seed,
                                struct dt_error *error)
{
    *w = (struct dt_workload){.op = op, .problem = dt_problem_class(op, problem)};
    enum dt_status status = dt_delta_init(&w->delta, &w->problem, error);
    if (!status && op != DT_OP_BIAS)
        status = init_mask(w, seed, error);
    if (!status)
        status = op == DT_OP_BIAS      ? init_bias(w, seed, error)
                 : op == DT_OP_SOFTMAX ? init_softmax(w, seed, error)
                 : op == DT_OP_GEMM    ? init_gemm(w, seed, error)
                                       : init_attention(w, seed, error);
    if (status)
        dt_workload_clear(w);
    return status;
}

void dt_workload_clear(struct dt_workload *w)
{
    free(w->memory);
    free(w->more);
    free(w->allowed);
    free(w->lengths);
    dt_positions_free(w->positions);
    dt_delta_clear(&w->delta);
    w->memory = NULL;
    w->other[0] = w->other[1] = w->more = NULL;
    w->allowed = NULL;
    w->lengths = NULL;
    w->positions = NULL;
}

enum dt_status dt_workload_add_other(struct dt_workload *w, struct dt_error *error)
{
    const size_t floats = rounded((size_t)w->problem.nq * (size_t)w->problem.nk);
    enum dt_status status = w->more ? DT_OK : check_memory(w, 4 * floats, error);
    if (w->more || status)
        return status;
    w->more = aligned_alloc(4096, ((2 * floats + APART) * sizeof *w->more + 4095) / 4096 * 4096);
    if (!w->more)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for the ceiling of bias");
    for (size_t at = 0; at < 2 * floats + APART; at++)
        w->more[at] = (float)(at % 64);
    w->other[0] = w->more + APART;
    w->other[1] = w->other[0] + floats;
    return DT_OK;
}

static enum dt_status ready_product(struct dt_ready *r, struct dt_error *error)
{
    const struct dt_problem *p = &r->workload->problem;
    const struct dt_gemm_shape shape = {
        .m = p->nq,
        .n = p->nk,
        .k = p->dim,
        .a_stride = p->dim,
        .b_stride = p->nk,
        .c_stride = p->nk,
    };
    r->product = malloc(sizeof *r->product);
    if (!r->product)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a product");
    if (!dt_blocked_init(r->product, r->choice.variant, &shape, r->choice.tile, true))
        return dt_error_set(error, DT_UNSUPPORTED, "%s cannot make the product",
                            r->choice.variant->name);
    return DT_OK;
}

static enum dt_status ready_attention(struct dt_ready *r, int32_t threads, struct dt_error *error)
{
    const struct dt_workload *w = r->workload;
    enum dt_status status =
        dt_attention_setup_init(&r->setup, &r->choice, &w->problem, &w->delta, threads, error);
    if (status)
        return status;
    const size_t bytes = (size_t)threads * r->setup.workspace * sizeof(float);
    r->workspace = aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    return r->workspace
               ? DT_OK
               : dt_error_set(error, DT_NO_MEMORY, "no memory for a workspace of %zu bytes", bytes);
}

enum dt_status dt_ready_init(struct dt_ready *r, const struct dt_workload *w,
                             const struct dt_choice *choice, enum dt_layout layout, int32_t threads,
                             struct dt_error *error)
{
    *r = (struct dt_ready){.workload = w, .choice = *choice, .layout = layout};
    enum dt_status status = dt_slowdown_init(&r->slowdown, error);
    if (!status)
        status = choice->variant->op == DT_OP_GEMM        ? ready_product(r, error)
                 : choice->variant->op == DT_OP_ATTENTION ? ready_attention(r, threads, error)
                                                          : DT_OK;
    if (status)
        dt_ready_clear(r);
    return status;
}

void dt_ready_clear(struct dt_ready *r)
{
    dt_attention_setup_clear(&r->setup);
    free(r->workspace);
    free(r->product);
    r->workspace = NULL;
    r->product = NULL;
}

static void run_bias(const struct dt_ready *r)
{
    const struct dt_workload *w = r->workload;
    const struct dt_problem *p = &w->problem;
    const struct dt_bias io = {
        .scores = w->scores,
        .scores_row = p->nk,
        .c2p = w->c2p,
        .c2p_row = w->delta.slots,
        .p2c = w->p2c[r->layout],
        .p2c_row = r->layout == DT_KEY_MAJOR ? w->delta.slots : p->nk,
    };
    const struct dt_bias_block block = {
        .terms = p->terms,
        .layout = r->layout,
        .nq = p->nq,
        .nk = p->nk,
        .delta = &w->delta,
        .origin = p->nq - 1,
        .tile = r->choice.tile,
    };
    r->choice.variant->run.bias(&block, &io);
}

static void run_attention(const struct dt_ready *r, struct dt_phases *phases)
{
    dt_attention_run(&r->setup, &r->workload->attention, r->workspace, phases);
}

/* Rounds of the loop of multiply-adds: some microseconds. */
enum { PEAK_ROUNDS = 2000 };

static void run_probe(const struct dt_ready *r)
{
    const struct dt_workload *w = r->workload;
    const size_t scores = (size_t)w->problem.nq * (size_t)w->problem.nk;
    struct dt_probe_args add = {.kind = DT_PROBE_ADD,
                                .x = w->scores,
                                .a = w->other[0],
                                .b = w->other[1],
                                .n = (scores + 63) / 64 * 64};
    struct dt_probe_args fma = {.kind = DT_PROBE_FMA, .n = PEAK_ROUNDS};
    r->choice.variant->run.probe(w->op == DT_OP_BIAS ? &add : &fma);
}

double dt_probe_flops(const struct dt_variant *probe)
{
    struct dt_probe_args fma = {.kind = DT_PROBE_FMA, .n = PEAK_ROUNDS};
    probe->run.probe(&fma);
    return fma.amount;
}

void dt_ready_run(const struct dt_ready *r, struct dt_phases *phases)
{
    const struct dt_workload *w = r->workload;
    const double begun = dt_slowdown_begin(&r->slowdown);
    switch (r->choice.variant->op) {
    case DT_OP_BIAS:
        run_bias(r);
        break;
    case DT_OP_SOFTMAX:
        r->choice.variant->run.softmax(&w->softmax);
        break;
    case DT_OP_GEMM:
        r->product->whole.run(&r->product->whole, w->a, w->b, w->c);
        break;
    case DT_OP_ATTENTION:
        run_attention(r, phases);
        break;
    case DT_OP_PROBE:
        run_probe(r);
        return;
    case DT_OP_COUNT:
        return;
    }
    dt_slowdown_end(&r->slowdown, begun);
}

double dt_workload_flops(const struct dt_workload *w)
{
    const struct dt_problem *p = &w->problem;
    const double nq = p->nq, nk = p->nk, slots = w->delta.slots, dim = p->dim;
    if (w->op == DT_OP_GEMM)
        return 2 * nq * nk * dim;
    if (w->op != DT_OP_ATTENTION)
        return 0;
    const double positions =
        (p->terms & DT_C2P ? nq * slots : 0) + (p->terms & DT_P2C ? nk * slots : 0);
    return 2 * dim * (2 * nq * nk + positions) * p->batch * p->heads;
}
