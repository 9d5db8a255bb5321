/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"
#include "tuner/check.h"
#include "tuner/golden.h"
#include "tuner/trap.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static enum dt_status no_memory(const struct dt_golden *g, struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory for the golden case %s", g->name);
}

/* Elements of one array against another to DT_GOLDEN_TOLERANCE. */
static void check_close(const struct dt_golden *g, const char *what, const double *got,
                        const double *expected, size_t count, struct dt_verdict *verdict)
{
    for (size_t n = 0; n < count; n++) {
        const double bound = DT_GOLDEN_TOLERANCE * fmax(1, fabs(expected[n]));
        const double error = fabs(got[n] - expected[n]);
        verdict->compared++;
        verdict->worst = fmax(verdict->worst, error / bound);
        if (error <= bound || !verdict->passed)
            continue;
        verdict->passed = false;
        snprintf(verdict->reason, sizeof verdict->reason,
                 "reference on golden case %s: %s[%zu] is %.17g, expected %.17g within %.3g",
                 g->name, what, n, got[n], expected[n], bound);
    }
}

enum dt_status dt_golden_check_reference(const struct dt_golden *g, struct dt_verdict *verdict,
                                         struct dt_error *error)
{
    const size_t outs = g->array[DT_GOLDEN_OUT].count, biases = g->array[DT_GOLDEN_BIAS].count;
    double *out = malloc(outs * sizeof *out);
    double *bias = g->bias ? malloc(biases * sizeof *bias) : NULL;
    enum dt_status status;
    if (!out || (g->bias && !bias))
        status = no_memory(g, error);
    else
        status = dt_reference_attention(&g->problem, &g->io, &g->positions, out, bias, NULL, error);
    if (!status) {
        *verdict = (struct dt_verdict){.passed = true, .calls = 1};
        check_close(g, "out", out, g->out, outs, verdict);
        if (g->bias)
            check_close(g, "bias", bias, g->bias, biases, verdict);
    }
    free(bias);
    free(out);
    return status;
}

static struct dt_check start_check(const struct dt_golden *g, const struct dt_problem *problem,
                                   const struct dt_choice *choice, struct dt_verdict *verdict)
{
    const struct dt_variant *variant = choice->variant;
    struct dt_check check = {.choice = *choice, .problem = problem, .verdict = verdict};
    check.unit = variant->error_eps * dt_error_terms(variant->op, problem) * 0x1p-24;
    snprintf(check.call, sizeof check.call, " (golden case %s)", g->name);
    return check;
}

/* to[row][col] = f * x_row . y_col, rounded to f32. */
static void multiply(const struct dt_golden *g, const float *x, int32_t rows, const float *y,
                     int32_t cols, float *to)
{
    const int32_t dim = g->problem.dim;
    const double f = dt_problem_scale(&g->problem);
    for (int32_t r = 0; r < rows; r++)
        for (int32_t c = 0; c < cols; c++) {
            double sum = 0;
            for (int32_t e = 0; e < dim; e++)
                sum += (double)x[(ptrdiff_t)r * dim + e] * y[(ptrdiff_t)c * dim + e];
            to[(ptrdiff_t)r * cols + c] = (float)(f * sum);
        }
}

struct tables {
    float *c2p, *p2c; /* p2c in the problem's layout */
    float *scores;
};

/* The tables of one head. */
static void fill_tables(const struct dt_golden *g, const struct dt_problem *p, int32_t head,
                        struct tables *t)
{
    const struct dt_reference_positions *x = &g->positions;
    const int32_t slots = g->delta.slots;
    const float *q = g->io.q + head * g->io.q_head, *k = g->io.k + head * g->io.k_head;
    if (x->kr)
        multiply(g, q, p->nq, x->kr + head * x->head, slots, t->c2p);
    if (x->qr && p->layout == DT_KEY_MAJOR)
        multiply(g, k, p->nk, x->qr + head * x->head, slots, t->p2c);
    else if (x->qr)
        multiply(g, x->qr + head * x->head, slots, k, p->nk, t->p2c);
}

static bool compare_bias(struct dt_check *check, const struct dt_golden *g, int32_t head,
                         const struct dt_bias *io)
{
    const struct dt_problem *p = check->problem;
    for (int32_t i = 0; i < p->nq; i++)
        for (int32_t j = 0; j < p->nk; j++) {
            const int32_t slot = dt_reference_slot(p, (int64_t)i - j);
            const ptrdiff_t at = ((ptrdiff_t)head * p->nq + i) * p->nk + j;
            const double expected = g->bias[at];
            double magnitude = 0;
            if (p->terms & DT_C2P)
                magnitude += fabs(io->c2p[i * io->c2p_row + slot]);
            if (p->terms & DT_P2C)
                magnitude += fabs(io->p2c[p->layout == DT_KEY_MAJOR ? j * io->p2c_row + slot
                                                                    : slot * io->p2c_row + j]);
            /* the tables' rounding, and the golden value's own */
            const double rounding =
                0x1p-24 * magnitude + DT_GOLDEN_TOLERANCE * fmax(1, fabs(expected));
            if (!dt_check_value(check, "bias", i, j, io->scores[(ptrdiff_t)i * p->nk + j], expected,
                                magnitude + rounding / check->unit))
                return false;
        }
    return true;
}

/* All tiles and heads with the tables of one layout. */
static void check_bias_layout(const struct dt_golden *g, const struct dt_problem *p,
                              const struct dt_variant *variant, struct tables *t,
                              struct dt_verdict *verdict)
{
    struct dt_choice choices[DT_VALIDATE_CHOICES];
    const size_t choice_count = dt_validate_choices(variant, p, &g->delta, choices);
    const size_t area = (size_t)p->nq * (size_t)p->nk;
    for (int32_t head = 0; head < p->heads && verdict->passed; head++) {
        fill_tables(g, p, head, t);
        const struct dt_bias io = {
            .scores = t->scores,
            .scores_row = p->nk,
            .c2p = t->c2p,
            .c2p_row = g->delta.slots,
            .p2c = t->p2c,
            .p2c_row = p->layout == DT_KEY_MAJOR ? g->delta.slots : p->nk,
        };
        for (size_t n = 0; n < choice_count && verdict->passed; n++) {
            struct dt_check check = start_check(g, p, &choices[n], verdict);
            const struct dt_bias_block block = {
                .terms = p->terms,
                .layout = p->layout,
                .nq = p->nq,
                .nk = p->nk,
                .delta = &g->delta,
                .origin = (ptrdiff_t)p->nq - 1,
                .tile = choices[n].tile,
            };
            for (size_t at = 0; at < area; at++)
                t->scores[at] = 0;
            const void *const args[DT_ABI_ARGS] = {&block, &io};
            if (dt_check_call(&check, args, NULL, 0, 0, NULL))
                compare_bias(&check, g, head, &io);
        }
    }
}

static enum dt_status check_bias(const struct dt_golden *g, const struct dt_variant *variant,
                                 struct dt_verdict *verdict, struct dt_error *error)
{
    const size_t nq = (size_t)g->problem.nq, nk = (size_t)g->problem.nk;
    const size_t slots = (size_t)g->delta.slots;
    struct tables t = {
        .c2p = malloc(nq * slots * sizeof(float)),
        .p2c = malloc(nk * slots * sizeof(float)),
        .scores = malloc(nq * nk * sizeof(float)),
    };
    enum dt_status status = DT_OK;
    if (!t.c2p || !t.p2c || !t.scores)
        status = no_memory(g, error);
    for (int layout = DT_SLOT_MAJOR; !status && layout <= DT_KEY_MAJOR; layout++) {
        struct dt_problem p = g->problem;
        p.layout = (enum dt_layout)layout;
        if (dt_variant_applies(variant, DT_OP_BIAS, &p, &g->delta))
            check_bias_layout(g, &p, variant, &t, verdict);
    }
    free(t.scores);
    free(t.p2c);
    free(t.c2p);
    return status;
}

static bool compare_out(struct dt_check *check, const struct dt_golden *g, const float *out,
                        const double *scale)
{
    const struct dt_problem *p = check->problem;
    for (int32_t row = 0; row < p->heads * p->nq; row++)
        for (int32_t e = 0; e < p->dim; e++) {
            const ptrdiff_t at = (ptrdiff_t)row * p->dim + e;
            const double rounding = DT_GOLDEN_TOLERANCE * fmax(1, fabs(g->out[at]));
            if (!dt_check_value(check, "out", row, e, out[at], g->out[at],
                                scale[row] + rounding / check->unit))
                return false;
        }
    return true;
}

struct expected {
    struct dt_positions *positions; /* NULL without position terms */
    double *out, *scale;
    float *got;
};

static enum dt_status expect(const struct dt_golden *g, struct expected *x, struct dt_error *error)
{
    const struct dt_reference_positions *raw = &g->positions;
    const size_t outs = g->array[DT_GOLDEN_OUT].count;
    *x = (struct expected){
        .out = malloc(outs * sizeof *x->out),
        .scale = malloc(outs / (size_t)g->problem.dim * sizeof *x->scale),
        .got = malloc(outs * sizeof *x->got),
    };
    enum dt_status status = x->out && x->scale && x->got ? DT_OK : no_memory(g, error);
    if (!status && g->problem.terms)
        status = dt_positions_pack(&g->problem, raw->kr, raw->head, raw->row, raw->qr, raw->head,
                                   raw->row, &x->positions, error);
    return status ? status
                  : dt_reference_attention(&g->problem, &g->io, raw, x->out, NULL, x->scale, error);
}

static void release(struct expected *x)
{
    dt_positions_free(x->positions);
    free(x->got);
    free(x->scale);
    free(x->out);
}

static enum dt_status check_attention_choice(const struct dt_golden *g,
                                             const struct dt_choice *choice,
                                             const struct expected *x, struct dt_verdict *verdict,
                                             struct dt_error *error)
{
    const size_t outs = g->array[DT_GOLDEN_OUT].count;
    struct dt_check check = start_check(g, &g->problem, choice, verdict);
    struct dt_attention io = g->io;
    struct dt_attention_setup setup;
    enum dt_status status =
        dt_attention_setup_init(&setup, choice, &g->problem, &g->delta, 1, error);
    if (status)
        return status;
    float *workspace = aligned_alloc(64, setup.workspace * sizeof *workspace);
    if (workspace) {
        const void *const args[DT_ABI_ARGS] = {&setup, &io, &setup.all, workspace};
        io.out = x->got;
        io.positions = x->positions;
        for (size_t at = 0; at < outs; at++)
            x->got[at] = NAN;
        if (dt_check_call(&check, args, NULL, 0, 0, NULL))
            compare_out(&check, g, x->got, x->scale);
    } else {
        status = no_memory(g, error);
    }
    free(workspace);
    dt_attention_setup_clear(&setup);
    return status;
}

static enum dt_status check_attention(const struct dt_golden *g, const struct dt_variant *variant,
                                      struct dt_verdict *verdict, struct dt_error *error)
{
    struct dt_choice choices[DT_VALIDATE_CHOICES];
    const size_t count = dt_validate_choices(variant, &g->problem, &g->delta, choices);
    struct expected expected;
    enum dt_status status = expect(g, &expected, error);
    for (size_t n = 0; !status && n < count && verdict->passed; n++)
        status = check_attention_choice(g, &choices[n], &expected, verdict, error);
    release(&expected);
    return status;
}

enum dt_status dt_golden_check_variant(const struct dt_golden *g, const struct dt_variant *variant,
                                       struct dt_verdict *verdict, struct dt_error *error)
{
    struct dt_verdict sum = {.passed = true};
    enum dt_status status = DT_OK;
    dt_trap_begin();
    if (variant->op == DT_OP_BIAS && g->bias && g->problem.terms)
        status = check_bias(g, variant, &sum, error);
    else if (dt_variant_applies(variant, DT_OP_ATTENTION, &g->problem, &g->delta))
        status = check_attention(g, variant, &sum, error);
    dt_trap_end();
    if (!status && sum.calls == 0)
        return dt_error_set(error, DT_UNSUPPORTED, "%s has nothing to compute in golden case %s",
                            variant->name, g->name);
    if (!status)
        *verdict = sum;
    return status;
}
