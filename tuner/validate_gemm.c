/* SPDX-License-Identifier: MIT */
/*
 * The validator of `gemm`: m = nq, n = nk, k = dim. Without accumulation c begins as NaN,
 * infinities and large numbers, of which nothing may remain.
 *
 * With special values, those of a stand at even l and those of b at odd l, so that each meets a
 * normal number and no sum of finite products overflows; they are so rare that most elements see
 * none or one.
 *
 * A tile cuts c into blocks, each computed by a product of its own. Bits are compared with those of
 * the chain that the contract states, which knows no blocks.
 */
#include "kernels/error.h"
#include "kernels/reference.h"
#include "reports/stats.h"
#include "tuner/blocked.h"
#include "tuner/check.h"

#include <math.h>
#include <stdlib.h>

enum { A, B, C, OPERANDS };
enum { PLAIN, PLAIN_ADD, SPECIAL, SPECIAL_ADD, SETS };

struct set {
    const char *name;
    struct dt_gemm_shape shape; /* dense */
    float *data[OPERANDS];
    double *expected, *scale;
    float *once, *twice; /* the chain with one and with two roundings a step */
};

struct dt_case {
    struct dt_validate_options options;
    size_t rows[OPERANDS], cols[OPERANDS];
    struct set set[SETS];
    struct dt_operand operands[OPERANDS];
};

static void fill(const struct dt_case *c, int which, struct set *set)
{
    uint64_t state = c->options.seed * SETS + (uint64_t)which;
    const bool special = which >= SPECIAL;
    const uint64_t rarity = 16 * (uint64_t)set->shape.k;
    for (int n = 0; n < OPERANDS; n++)
        for (size_t i = 0; i < c->rows[n]; i++)
            for (size_t j = 0; j < c->cols[n]; j++) {
                const bool may = n == A ? j % 2 == 0 : n == B ? i % 2 == 1 : set->shape.accumulate;
                const bool is = special && may && dt_random_below(&state, rarity) == 0;
                const bool overwritten = n == C && !set->shape.accumulate;
                set->data[n][i * c->cols[n] + j] =
                    is || overwritten ? dt_check_special(&state) : dt_check_random(&state);
            }
}

/* The product rounded before it is added is a statement of its own: nothing contracts the two. */
static void chain(struct set *set)
{
    const struct dt_gemm_shape *s = &set->shape;
    for (int32_t i = 0; i < s->m; i++)
        for (int32_t j = 0; j < s->n; j++) {
            const ptrdiff_t at = i * s->c_stride + j;
            float once = s->accumulate ? set->data[C][at] : 0, twice = once;
            for (int32_t l = 0; l < s->k; l++) {
                const float x = set->data[A][i * s->a_stride + l];
                const float y = set->data[B][l * s->b_stride + j];
                const float product = x * y;
                once = fmaf(x, y, once);
                twice += product;
            }
            set->once[at] = once;
            set->twice[at] = twice;
        }
}

static enum dt_status open_set(struct dt_case *c, int which, const struct dt_problem *p,
                               struct dt_error *error)
{
    static const char *const names[SETS] = {"plain data", "plain data, accumulated",
                                            "special values", "special values, accumulated"};
    struct set *set = &c->set[which];
    const size_t area = c->rows[C] * c->cols[C];
    set->name = names[which];
    set->shape = (struct dt_gemm_shape){
        .m = p->nq,
        .n = p->nk,
        .k = p->dim,
        .a_stride = p->dim,
        .b_stride = p->nk,
        .c_stride = p->nk,
        .accumulate = which == PLAIN_ADD || which == SPECIAL_ADD,
    };
    bool whole = true;
    for (int n = 0; n < OPERANDS; n++)
        whole &= (set->data[n] = malloc(c->rows[n] * c->cols[n] * sizeof(float))) != NULL;
    set->expected = malloc(area * sizeof *set->expected);
    set->scale = malloc(area * sizeof *set->scale);
    set->once = malloc(area * sizeof *set->once);
    set->twice = malloc(area * sizeof *set->twice);
    if (!whole || !set->expected || !set->scale || !set->once || !set->twice)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to validate a product of %dx%dx%d",
                            p->nq, p->nk, p->dim);
    fill(c, which, set);
    dt_reference_gemm(&set->shape, set->data[A], set->data[B], set->data[C], set->expected,
                      set->scale);
    chain(set);
    return DT_OK;
}

static void close_case(struct dt_case *c)
{
    for (int s = 0; s < SETS; s++) {
        for (int n = 0; n < OPERANDS; n++)
            free(c->set[s].data[n]);
        free(c->set[s].expected);
        free(c->set[s].scale);
        free(c->set[s].once);
        free(c->set[s].twice);
    }
    for (int n = 0; n < OPERANDS; n++)
        dt_guard_clear(&c->operands[n].guard);
    free(c);
}

static enum dt_status open_case(const struct dt_problem *p, const struct dt_delta *delta,
                                const struct dt_validate_options *options, struct dt_case **opened,
                                struct dt_error *error)
{
    static const char *const names[OPERANDS] = {"a", "b", "c"};
    const size_t m = (size_t)p->nq, n = (size_t)p->nk, k = (size_t)p->dim;
    struct dt_case *c = malloc(sizeof *c);
    (void)delta;
    if (!c)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to validate a product");
    *c = (struct dt_case){.options = *options, .rows = {m, k, m}, .cols = {k, n, n}};
    enum dt_status status = DT_OK;
    for (int o = 0; !status && o < OPERANDS; o++)
        status = dt_operand_init(&c->operands[o], names[o], sizeof(float), c->rows[o], c->cols[o],
                                 error);
    for (int which = 0; !status && which < SETS; which++)
        status = open_set(c, which, p, error);
    if (status)
        close_case(c);
    else
        *opened = c;
    return status;
}

static bool compare(struct dt_check *check, const struct set *set, const float *c, ptrdiff_t stride)
{
    bool changes = false;
    for (int32_t i = 0; i < set->shape.m; i++)
        for (int32_t j = 0; j < set->shape.n; j++) {
            const ptrdiff_t at = i * set->shape.c_stride + j;
            const float got = c[i * stride + j];
            changes |= set->expected[at] != (double)set->data[C][at];
            if (!dt_check_value(check, "c", i, j, got, set->expected[at], set->scale[at]))
                return false;
            const uint32_t bits = dt_check_bits(got);
            if (bits != dt_check_bits(set->once[at]) &&
                (check->choice.variant->level || bits != dt_check_bits(set->twice[at])))
                return dt_check_fail(check,
                                     "c[%d][%d] is %.9g, but its sum over rising l is %.9g; "
                                     "they must have the same bits",
                                     i, j, (double)got, (double)set->once[at]);
        }
    return changes || dt_check_fail(check, "the expected product equals what c held before");
}

static bool call(struct dt_case *c, struct dt_check *check, int which, unsigned number)
{
    const struct set *set = &c->set[which];
    const struct dt_placement placement = dt_placement_at(number);
    struct dt_gemm_shape shape = set->shape;
    struct dt_blocked blocked;
    float *data[OPERANDS];
    dt_check_name_call(check, set->name, &placement);
    for (int n = 0; n < OPERANDS; n++)
        data[n] = dt_operand_place(&c->operands[n], &placement, n, set->data[n], c->cols[n],
                                   c->rows[n], c->cols[n]);
    shape.a_stride = c->operands[A].stride;
    shape.b_stride = c->operands[B].stride;
    shape.c_stride = c->operands[C].stride;
    if (!dt_blocked_init(&blocked, check->choice.variant, &shape, check->choice.tile, false))
        return dt_check_fail(check, "cannot be resolved");
    const bool one = blocked.rows == shape.m && blocked.cols == shape.n;
    const void *const args[DT_ABI_ARGS] = {one ? &blocked.block[0][0] : &blocked.whole, data[A],
                                           data[B], data[C]};
    return dt_check_call(check, args, c->operands, OPERANDS, 1u << C, NULL) &&
           compare(check, set, data[C], shape.c_stride);
}

static void run_case(struct dt_case *c, struct dt_check *check)
{
    for (int which = 0; which < SETS; which++)
        if (!call(c, check, which, (unsigned)which % 2))
            return;
    if (!call(c, check, PLAIN, 0) || c->options.level == DT_VALIDATE_QUICK)
        return;
    for (unsigned n = 0; n < 4 + 15; n++)
        if (!call(c, check, (int)(n % SETS), n) || !call(c, check, (int)((n + 1) % SETS), n))
            return;
}

const struct dt_case_kind dt_gemm_case = {open_case, run_case, close_case};
