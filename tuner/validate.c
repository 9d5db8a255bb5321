/* SPDX-License-Identifier: MIT */
#include "tuner/validate.h"

#include "kernels/error.h"
#include "kernels/setup.h"
#include "tuner/check.h"
#include "tuner/trap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct dt_validator {
    enum dt_op op;
    struct dt_problem problem;
    struct dt_delta delta;
    struct dt_validate_options options;
    const struct dt_case_kind *kind;
    struct dt_case *opened;
};

static const struct dt_case_kind *kind_of(enum dt_op op)
{
    switch (op) {
    case DT_OP_BIAS:
        return &dt_bias_case;
    case DT_OP_SOFTMAX:
        return &dt_softmax_case;
    case DT_OP_GEMM:
        return &dt_gemm_case;
    case DT_OP_ATTENTION:
        return &dt_attention_case;
    default:
        return NULL;
    }
}

/* Bytes that a validator takes, roughly: data, results and guarded copies of all its sets. */
static double memory_needed(enum dt_op op, const struct dt_problem *p)
{
    const double nq = p->nq, nk = p->nk, slots = 2.0 * p->span;
    const double rows = (double)p->batch * p->heads * p->dim;
    switch (op) {
    case DT_OP_BIAS:
        return nq * nk * 60 + (nq + nk) * slots * 12;
    case DT_OP_SOFTMAX:
        return nq * nk * 80;
    case DT_OP_GEMM:
        return nq * nk * 120 + (nq + nk) * p->dim * 20;
    default:
        return rows * (nq * 100 + nk * 50) + (double)p->heads * p->dim * slots * 90 +
               (double)p->batch * nq * nk * 3 + (nk + 64) * (slots + 2 * p->dim) * 16;
    }
}

static enum dt_status check_memory(enum dt_op op, const struct dt_problem *p,
                                   struct dt_error *error)
{
    char text[DT_PROBLEM_TEXT_MAX];
    const double memory = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    const double needed = memory_needed(op, p);
    if (needed < memory * 0.75)
        return DT_OK;
    return dt_error_set(error, DT_NO_MEMORY,
                        "to validate \"%s\" takes %.1f GiB, this machine has %.1f; use shorter "
                        "lengths or fewer heads",
                        dt_problem_print(p, text), needed * 0x1p-30, memory * 0x1p-30);
}

enum dt_status dt_validate_open(enum dt_op op, const struct dt_problem *problem,
                                const struct dt_validate_options *options,
                                struct dt_validator **validator, struct dt_error *error)
{
    char text[DT_PROBLEM_TEXT_MAX];
    const struct dt_case_kind *kind = kind_of(op);
    enum dt_status status = dt_problem_check(problem, error);
    if (status)
        return status;
    if (!kind)
        return dt_error_set(error, DT_UNSUPPORTED, "no reference exists for the operation %s",
                            dt_op_name(op));
    if (op == DT_OP_BIAS && problem->terms == 0)
        return dt_error_set(error, DT_UNSUPPORTED, "problem \"%s\" has no position term to add",
                            dt_problem_print(problem, text));
    status = check_memory(op, problem, error);
    if (status)
        return status;
    struct dt_validator *v = malloc(sizeof *v);
    if (!v)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a validator");
    *v = (struct dt_validator){.op = op, .problem = *problem, .options = *options, .kind = kind};
    status = dt_delta_init(&v->delta, problem, error);
    if (status)
        goto free_validator;
    status = kind->open(&v->problem, &v->delta, &v->options, &v->opened, error);
    if (status)
        goto clear_delta;
    *validator = v;
    return DT_OK;

clear_delta:
    dt_delta_clear(&v->delta);
free_validator:
    free(v);
    return status;
}

const struct dt_delta *dt_validate_delta(const struct dt_validator *validator)
{
    return &validator->delta;
}

static bool divides(int32_t multiple, int32_t side)
{
    return multiple == 0 || (side >= 0 && side % multiple == 0);
}

enum dt_status dt_validate_run(struct dt_validator *v, const struct dt_choice *choice,
                               struct dt_verdict *verdict, struct dt_error *error)
{
    const struct dt_variant *variant = choice->variant;
    const struct dt_tile tile = choice->tile;
    char text[DT_PROBLEM_TEXT_MAX];
    if (!dt_variant_applies(variant, v->op, &v->problem, &v->delta))
        return dt_error_set(error, DT_UNSUPPORTED, "%s does not compute \"%s\" on this CPU",
                            variant->name, dt_problem_print(&v->problem, text));
    if (!divides(variant->rows_multiple, tile.rows) || !divides(variant->cols_multiple, tile.cols))
        return dt_error_set(error, DT_INVALID, "tile %dx%d of %s; its sides are multiples of %dx%d",
                            tile.rows, tile.cols, variant->name, variant->rows_multiple,
                            variant->cols_multiple);
    struct dt_attention_setup setup = {0};
    enum dt_status status = DT_OK;
    if (v->op == DT_OP_ATTENTION)
        status = dt_attention_setup_init(&setup, choice, &v->problem, &v->delta, 1, error);
    if (status)
        return status;
    *verdict = (struct dt_verdict){.passed = true};
    struct dt_check check = {
        .choice = *choice,
        .setup = &setup,
        .problem = &v->problem,
        .seed = v->options.seed,
        .unit = (double)variant->error_eps * dt_error_terms(v->op, &v->problem) * 0x1p-24,
        .verdict = verdict,
    };
    dt_trap_begin();
    v->kind->run(v->opened, &check);
    dt_trap_end();
    if (verdict->passed && verdict->compared == 0) {
        check.call[0] = '\0';
        dt_check_fail(&check, "nothing was compared");
    }
    dt_attention_setup_clear(&setup);
    return DT_OK;
}

void dt_validate_close(struct dt_validator *v)
{
    if (!v)
        return;
    v->kind->close(v->opened);
    dt_delta_clear(&v->delta);
    free(v);
}

enum dt_status dt_validate_choice(const struct dt_choice *choice, const struct dt_problem *problem,
                                  const struct dt_validate_options *options,
                                  struct dt_verdict *verdict, struct dt_error *error)
{
    struct dt_validator *validator;
    enum dt_status status =
        dt_validate_open(choice->variant->op, problem, options, &validator, error);
    if (status)
        return status;
    status = dt_validate_run(validator, choice, verdict, error);
    dt_validate_close(validator);
    return status;
}

void dt_verdict_add(struct dt_verdict *sum, const struct dt_verdict *verdict)
{
    if (sum->passed && !verdict->passed) {
        sum->passed = false;
        memcpy(sum->reason, verdict->reason, sizeof sum->reason);
    }
    sum->calls += verdict->calls;
    sum->compared += verdict->compared;
    sum->special += verdict->special;
    sum->worst = fmax(sum->worst, verdict->worst);
    sum->worst_ulp = fmax(sum->worst_ulp, verdict->worst_ulp);
}
