/* SPDX-License-Identifier: MIT */
/*
 * The validator of `softmax`: nq rows of nk scores, masked by the problem's form (lengths and keys
 * give one row of allowed keys for all, pairs one for each). Masked keys hold NaN, infinities and
 * random numbers. Rows differ in offset and in range, up to where weights vanish. A weight below
 * 2^-126 may be 0 instead.
 */
#include "kernels/error.h"
#include "kernels/reference.h"
#include "reports/stats.h"
#include "tuner/check.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { X, ALLOWED, OPERANDS };
enum { PLAIN, SPECIAL, MASKED, SETS };

struct set {
    const char *name;
    float *x;
    uint8_t *allowed; /* NULL without a mask */
    double *expected, *scale;
};

struct dt_case {
    const struct dt_problem *problem;
    struct dt_validate_options options;
    size_t allowed_rows; /* 0 without a mask */
    struct set set[SETS];
    float *first;
    bool first_known;
    struct dt_operand operands[OPERANDS];
};

static void fill_allowed(const struct dt_case *c, int which, uint8_t *allowed, uint64_t *state)
{
    const size_t nk = (size_t)c->problem->nk;
    for (size_t i = 0; i < c->allowed_rows; i++) {
        const bool none = which == MASKED && i % 2 == 0;
        const size_t length = (size_t)dt_random_below(state, nk) + 1;
        for (size_t j = 0; j < nk; j++) {
            const bool may =
                c->problem->mask == DT_MASK_LENGTHS ? j < length : dt_random(state) % 3 != 0;
            allowed[i * nk + j] = may && !none ? (uint8_t)(1 + dt_random_below(state, 255)) : 0;
        }
    }
}

static void fill_x(const struct dt_case *c, int which, struct set *set, uint64_t *state)
{
    static const float offsets[] = {0, 60, -300, 10000};
    static const float ranges[] = {2, 0.125f, 25};
    const size_t nk = (size_t)c->problem->nk;
    for (size_t i = 0; i < (size_t)c->problem->nq; i++)
        for (size_t j = 0; j < nk; j++) {
            const uint8_t *allowed = set->allowed;
            const bool masked = allowed && !allowed[(c->allowed_rows > 1 ? i * nk : 0) + j];
            float *x = &set->x[i * nk + j];
            *x = offsets[i % 4] + ranges[i % 3] * dt_check_random(state);
            if (masked ? dt_random(state) % 2 : which == SPECIAL && dt_random(state) % 64 == 0)
                *x = dt_check_special(state);
        }
}

static enum dt_status open_set(struct dt_case *c, int which, struct dt_error *error)
{
    static const char *const names[SETS] = {"plain data", "special values", "rows without keys"};
    const struct dt_problem *p = c->problem;
    struct set *set = &c->set[which];
    const size_t area = (size_t)p->nq * (size_t)p->nk;
    uint64_t state = c->options.seed * SETS + (uint64_t)which;
    set->name = names[which];
    set->x = malloc(area * sizeof *set->x);
    set->allowed = c->allowed_rows ? malloc(c->allowed_rows * (size_t)p->nk) : NULL;
    set->expected = malloc(area * sizeof *set->expected);
    set->scale = malloc(area * sizeof *set->scale);
    if (!set->x || (c->allowed_rows && !set->allowed) || !set->expected || !set->scale)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to validate softmax on %dx%d scores",
                            p->nq, p->nk);
    fill_allowed(c, which, set->allowed, &state);
    fill_x(c, which, set, &state);
    const struct dt_softmax_args args = {
        .x = set->x,
        .stride = p->nk,
        .rows = p->nq,
        .cols = p->nk,
        .allowed = set->allowed,
        .allowed_stride = c->allowed_rows > 1 ? p->nk : 0,
        .dialect = p->dialect,
    };
    dt_reference_softmax(&args, set->expected, set->scale);
    return DT_OK;
}

static void close_case(struct dt_case *c)
{
    for (int s = 0; s < SETS; s++) {
        free(c->set[s].x);
        free(c->set[s].allowed);
        free(c->set[s].expected);
        free(c->set[s].scale);
    }
    free(c->first);
    for (int n = 0; n < OPERANDS; n++)
        dt_guard_clear(&c->operands[n].guard);
    free(c);
}

static enum dt_status open_case(const struct dt_problem *p, const struct dt_delta *delta,
                                const struct dt_validate_options *options, struct dt_case **opened,
                                struct dt_error *error)
{
    const size_t rows = (size_t)p->nq, cols = (size_t)p->nk;
    struct dt_case *c = calloc(1, sizeof *c);
    (void)delta;
    if (!c)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to validate softmax");
    c->problem = p;
    c->options = *options;
    c->allowed_rows = p->mask == DT_MASK_NONE ? 0 : p->mask == DT_MASK_PAIRS ? rows : 1;
    c->first = malloc(rows * cols * sizeof *c->first);
    enum dt_status status = DT_OK;
    if (!c->first)
        status = dt_error_set(error, DT_NO_MEMORY, "no memory to validate softmax");
    if (!status)
        status = dt_operand_init(&c->operands[X], "x", sizeof(float), rows, cols, error);
    if (!status && c->allowed_rows)
        status = dt_operand_init(&c->operands[ALLOWED], "allowed", 1, c->allowed_rows, cols, error);
    for (int which = 0; !status && which < SETS; which++)
        if (which != MASKED || c->allowed_rows)
            status = open_set(c, which, error);
    if (status)
        close_case(c);
    else
        *opened = c;
    return status;
}

/* A weight below the normal range may be 0: it costs less than a subnormal one, here and later. */
static bool check_weight(struct dt_check *check, const char *what, int32_t i, int32_t j, float got,
                         double expected, double scale)
{
    const bool flushed = got == 0 && expected < FLT_MIN;
    return dt_check_value(check, what, i, j, got, flushed ? 0 : expected, scale);
}

static bool compare(struct dt_case *c, struct dt_check *check, int which,
                    const struct dt_softmax_args *args)
{
    const struct set *set = &c->set[which];
    bool changes = false;
    for (int32_t i = 0; i < args->rows; i++)
        for (int32_t j = 0; j < args->cols; j++) {
            const size_t at = (size_t)i * (size_t)args->cols + (size_t)j;
            const float got = args->x[i * args->stride + j];
            changes |= set->expected[at] != (double)set->x[at];
            if (!check_weight(check, "x", i, j, got, set->expected[at], set->scale[at]))
                return false;
            if (which == PLAIN && !c->first_known)
                c->first[at] = got;
            else if (which == PLAIN && !dt_check_same(check, "x", i, j, got, c->first[at]))
                return false;
        }
    c->first_known |= which == PLAIN;
    return changes || dt_check_fail(check, "the expected weights equal the initial scores");
}

static bool call(struct dt_case *c, struct dt_check *check, int which, unsigned number)
{
    const struct set *set = &c->set[which];
    const struct dt_placement placement = dt_placement_at(number);
    const size_t rows = (size_t)c->problem->nq, cols = (size_t)c->problem->nk;
    struct dt_softmax_args args = {
        .rows = c->problem->nq,
        .cols = c->problem->nk,
        .dialect = c->problem->dialect,
    };
    if (!set->name)
        return true;
    args.x = dt_operand_place(&c->operands[X], &placement, X, set->x, cols, rows, cols);
    args.stride = c->operands[X].stride;
    if (c->allowed_rows) {
        args.allowed = dt_operand_place(&c->operands[ALLOWED], &placement, ALLOWED, set->allowed,
                                        cols, c->allowed_rows, cols);
        args.allowed_stride = c->allowed_rows > 1 ? c->operands[ALLOWED].stride : 0;
    }
    dt_check_name_call(check, set->name, &placement);
    return dt_check_call(check, &args, c->operands, OPERANDS, 1u << X, NULL) &&
           compare(c, check, which, &args);
}

static void run_case(struct dt_case *c, struct dt_check *check)
{
    c->first_known = false;
    if (!call(c, check, PLAIN, 0) || !call(c, check, PLAIN, 0) || !call(c, check, SPECIAL, 1) ||
        !call(c, check, MASKED, 0) || c->options.level == DT_VALIDATE_QUICK)
        return;
    for (unsigned n = 1; n < 4 + 15; n++)
        if (!call(c, check, PLAIN, n) || !call(c, check, n % 2 ? SPECIAL : MASKED, n))
            return;
}

const struct dt_case_kind dt_softmax_case = {open_case, run_case, close_case};
