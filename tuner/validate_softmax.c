/* SPDX-License-Identifier: MIT */
/*
 * The validator of `softmax`: nq rows of nk scores, masked by the problem's form (lengths and keys
 * give one row of allowed keys for all, pairs one for each). Masked keys hold NaN, infinities and
 * random numbers. Rows differ in offset and in range, up to where weights vanish; among special
 * values some begin with -inf or hold nothing else. A weight below 2^-126 may be 0 instead.
 *
 * Besides at once, rows are computed in passes over blocks of columns, which are cut at random: MAX
 * over all and then EXP, or ONLINE, where earlier weights are multiplied by every later factor.
 * Both divided by the sum are judged like what was computed at once. All rows in one call and rows
 * in two calls, the last ones first, must give the same bits.
 */
#include "kernels/error.h"
#include "kernels/reference.h"
#include "reports/stats.h"
#include "tuner/check.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { X, ALLOWED, MAX, SUM, FACTOR, OPERANDS };
enum { PLAIN, SPECIAL, MASKED, SETS };

struct set {
    const char *name;
    float *x;
    uint8_t *allowed; /* NULL without a mask */
    double *expected, *scale;
};

/* One way to compute a set in passes. */
struct walk {
    int which;
    unsigned placement;
    bool online;
    uint64_t cuts; /* the seed of the blocks */
    int32_t
        split; /* rows before this one go by a call of their own, after the others; 0: one call */
};

struct dt_case {
    const struct dt_problem *problem;
    struct dt_validate_options options;
    size_t allowed_rows; /* 0 without a mask */
    struct set set[SETS];
    float *first;
    bool first_known;
    float *carried[OPERANDS]; /* max, sum and factor, as they are before a call */
    float *first_walk;        /* x, max and sum after the first of equal walks */
    double *weight;           /* of ONLINE: with the factors so far */
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
    for (size_t i = 0; i < (size_t)c->problem->nq; i++) {
        const size_t lowest = which == SPECIAL && i % 5 == 3 ? dt_random_below(state, 2 * nk) : 0;
        for (size_t j = 0; j < nk; j++) {
            const uint8_t *allowed = set->allowed;
            const bool masked = allowed && !allowed[(c->allowed_rows > 1 ? i * nk : 0) + j];
            float *x = &set->x[i * nk + j];
            *x = offsets[i % 4] + ranges[i % 3] * dt_check_random(state);
            if (masked ? dt_random(state) % 2 : which == SPECIAL && dt_random(state) % 64 == 0)
                *x = dt_check_special(state);
            else if (j < lowest)
                *x = -INFINITY;
        }
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

static const char *const carried_names[OPERANDS] = {
    [MAX] = "max", [SUM] = "sum", [FACTOR] = "factor"};

static void close_case(struct dt_case *c)
{
    for (int s = 0; s < SETS; s++) {
        free(c->set[s].x);
        free(c->set[s].allowed);
        free(c->set[s].expected);
        free(c->set[s].scale);
    }
    for (int n = MAX; n <= FACTOR; n++)
        free(c->carried[n]);
    free(c->weight);
    free(c->first_walk);
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
    c->first_walk = malloc((rows * cols + 2 * rows) * sizeof *c->first_walk);
    c->weight = malloc(rows * cols * sizeof *c->weight);
    bool complete = c->first && c->first_walk && c->weight;
    for (int n = MAX; n <= FACTOR; n++)
        complete &= (c->carried[n] = malloc(rows * sizeof *c->carried[n])) != NULL;
    enum dt_status status = DT_OK;
    if (!complete)
        status = dt_error_set(error, DT_NO_MEMORY, "no memory to validate softmax");
    if (!status)
        status = dt_operand_init(&c->operands[X], "x", sizeof(float), rows, cols, error);
    if (!status && c->allowed_rows)
        status = dt_operand_init(&c->operands[ALLOWED], "allowed", 1, c->allowed_rows, cols, error);
    for (int n = MAX; !status && n <= FACTOR; n++)
        status = dt_operand_init(&c->operands[n], carried_names[n], sizeof(float), 1, rows, error);
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

static struct dt_softmax_args place(struct dt_case *c, const struct set *set,
                                    const struct dt_placement *placement)
{
    const size_t rows = (size_t)c->problem->nq, cols = (size_t)c->problem->nk;
    struct dt_softmax_args args = {
        .rows = c->problem->nq,
        .cols = c->problem->nk,
        .dialect = c->problem->dialect,
    };
    args.x = dt_operand_place(&c->operands[X], placement, X, set->x, cols, rows, cols);
    args.stride = c->operands[X].stride;
    if (c->allowed_rows) {
        args.allowed = dt_operand_place(&c->operands[ALLOWED], placement, ALLOWED, set->allowed,
                                        cols, c->allowed_rows, cols);
        args.allowed_stride = c->allowed_rows > 1 ? c->operands[ALLOWED].stride : 0;
    }
    return args;
}

static bool call(struct dt_case *c, struct dt_check *check, int which, unsigned number)
{
    const struct set *set = &c->set[which];
    const struct dt_placement placement = dt_placement_at(number);
    if (!set->name)
        return true;
    const struct dt_softmax_args args = place(c, set, &placement);
    dt_check_name_call(check, set->name, &placement);
    return dt_check_call(check, (const void *[DT_ABI_ARGS]){&args}, c->operands, OPERANDS, 1u << X,
                         NULL) &&
           compare(c, check, which, &args);
}

/* ---- In passes ---- */

static bool is_key(const struct dt_case *c, const struct set *set, int32_t i, int32_t j)
{
    const ptrdiff_t row = c->allowed_rows > 1 ? (ptrdiff_t)i * c->problem->nk : 0;
    return !set->allowed || set->allowed[row + j];
}

static struct dt_softmax_args place_walk(struct dt_case *c, const struct walk *walk)
{
    static const float initial[OPERANDS] = {[MAX] = -INFINITY, [SUM] = 0, [FACTOR] = 7};
    const struct dt_placement placement = dt_placement_at(walk->placement);
    const size_t rows = (size_t)c->problem->nq;
    struct dt_softmax_args args = place(c, &c->set[walk->which], &placement);
    float *placed[OPERANDS];
    for (int n = MAX; n <= FACTOR; n++) {
        for (size_t i = 0; i < rows; i++)
            c->carried[n][i] = initial[n];
        placed[n] = dt_operand_place(&c->operands[n], &placement, n, c->carried[n], rows, 1, rows);
    }
    args.max = placed[MAX];
    args.sum = placed[SUM];
    args.factor = placed[FACTOR];
    return args;
}

/* One pass over columns j ... j + cols - 1, in one call or two. */
static bool pass(struct dt_case *c, struct dt_check *check, const struct walk *walk,
                 const struct dt_softmax_args *whole, enum dt_softmax_pass which, int32_t j,
                 int32_t cols)
{
    static const unsigned outputs[] = {
        [DT_SOFTMAX_MAX] = 1u << MAX,
        [DT_SOFTMAX_EXP] = 1u << X | 1u << SUM,
        [DT_SOFTMAX_ONLINE] = 1u << X | 1u << MAX | 1u << SUM | 1u << FACTOR,
    };
    for (int part = walk->split ? 0 : 1; part < 2; part++) {
        const int32_t first = part == 0 ? walk->split : 0;
        struct dt_softmax_args args = *whole;
        args.pass = which;
        args.x += first * args.stride + j;
        args.cols = cols;
        args.rows = part == 0 || !walk->split ? args.rows - first : walk->split;
        if (args.allowed)
            args.allowed += first * args.allowed_stride + j;
        args.max += first;
        args.sum += first;
        args.factor += first;
        if (!dt_check_call(check, (const void *[DT_ABI_ARGS]){&args}, c->operands, OPERANDS,
                           outputs[which], NULL))
            return false;
        for (int n = MAX; n <= FACTOR; n++)
            memcpy(c->carried[n], c->operands[n].guard.data,
                   (size_t)whole->rows * sizeof *c->carried[n]);
    }
    return true;
}

/* Columns of the block at j: one, a vector, a tile, or anything. */
static int32_t block_at(const struct dt_case *c, int32_t j, uint64_t *state)
{
    static const int32_t widths[] = {1, 16, 32, 64, 0, 0};
    const int32_t left = c->problem->nk - j;
    const int32_t width = widths[dt_random_below(state, 6)];
    const int32_t any = 1 + (int32_t)dt_random_below(state, (uint64_t)left);
    return width == 0 || width > left ? any : width;
}

/* The factor of a block, and what it makes of earlier weights. */
static bool apply_factor(struct dt_case *c, struct dt_check *check, const struct walk *walk,
                         const struct dt_softmax_args *args, const float *old, int32_t j,
                         int32_t cols)
{
    for (int32_t i = 0; i < args->rows; i++) {
        double *weight = c->weight + (ptrdiff_t)i * args->cols;
        const double step = (double)old[i] - args->max[i];
        const double factor = args->max[i] == -INFINITY ? 1 : exp(step);
        const double scale = factor * (1 + (isfinite(step) ? -step : 0)) + 0x1p-126;
        if (!check_weight(check, "factor", i, j, args->factor[i], factor, scale))
            return false;
        for (int32_t k = 0; k < j; k++)
            if (is_key(c, &c->set[walk->which], i, k))
                weight[k] *= (double)args->factor[i];
        for (int32_t k = j; k < j + cols; k++)
            weight[k] = (double)args->x[i * args->stride + k];
    }
    return true;
}

static bool walk_online(struct dt_case *c, struct dt_check *check, const struct walk *walk,
                        const struct dt_softmax_args *args)
{
    float *old = malloc((size_t)args->rows * sizeof *old);
    uint64_t state = walk->cuts;
    bool right = old || dt_check_fail(check, "no memory to validate");
    for (int32_t j = 0, cols; right && j < args->cols; j += cols) {
        cols = block_at(c, j, &state);
        memcpy(old, args->max, (size_t)args->rows * sizeof *old);
        right = pass(c, check, walk, args, DT_SOFTMAX_ONLINE, j, cols) &&
                apply_factor(c, check, walk, args, old, j, cols);
    }
    free(old);
    return right;
}

static bool walk_twice(struct dt_case *c, struct dt_check *check, const struct walk *walk,
                       const struct dt_softmax_args *args)
{
    for (enum dt_softmax_pass which = DT_SOFTMAX_MAX; which <= DT_SOFTMAX_EXP; which++) {
        uint64_t state = walk->cuts + which;
        for (int32_t j = 0, cols; j < args->cols; j += cols) {
            cols = block_at(c, j, &state);
            if (!pass(c, check, walk, args, which, j, cols))
                return false;
        }
    }
    for (int32_t i = 0; i < args->rows; i++)
        for (int32_t j = 0; j < args->cols; j++)
            c->weight[(ptrdiff_t)i * args->cols + j] = (double)args->x[i * args->stride + j];
    return true;
}

static bool compare_row(struct dt_case *c, struct dt_check *check, const struct walk *walk,
                        const struct dt_softmax_args *args, int32_t i)
{
    const struct set *set = &c->set[walk->which];
    const size_t row = (size_t)i * (size_t)args->cols;
    double max = -INFINITY;
    bool any = false;
    for (int32_t j = 0; j < args->cols; j++)
        if (is_key(c, set, i, j)) {
            const double x = (double)set->x[row + (size_t)j];
            max = isnan(x) || x > max ? (isnan(max) ? max : x) : max;
            any = true;
        }
    if (!dt_check_value(check, "max", i, 0, args->max[i], max, 0))
        return false;
    for (int32_t j = 0; j < args->cols; j++) {
        const size_t at = row + (size_t)j;
        const double weight = c->weight[at];
        const double step = (double)set->x[at] - max, distance = isfinite(step) ? fabs(step) : 0;
        if (!is_key(c, set, i, j)) {
            if (!dt_check_value(check, "x", i, j, (float)weight, 0, 0))
                return false;
            continue;
        }
        const float share = (float)(weight / (double)args->sum[i]);
        if (!check_weight(check, "x / sum", i, j, share, set->expected[at], set->scale[at]))
            return false;
        const double alone = max == -INFINITY ? 0 : exp(step);
        if (!walk->online && !check_weight(check, "x", i, j, (float)weight, alone,
                                           alone * (1 + distance) + 0x1p-126))
            return false;
    }
    return any || dt_check_value(check, "sum", i, 0, args->sum[i], 0, 0);
}

/* Bits of x, max and sum, those of the first of equal walks or to be equal to them. */
static bool compare_walks(struct dt_case *c, struct dt_check *check,
                          const struct dt_softmax_args *args, bool first)
{
    float *known = c->first_walk;
    for (int32_t i = 0; i < args->rows; i++)
        for (int32_t j = -2; j < args->cols; j++, known++) {
            const float got = j == -2   ? args->max[i]
                              : j == -1 ? args->sum[i]
                                        : args->x[i * args->stride + j];
            if (first)
                *known = got;
            else if (!dt_check_same(check,
                                    j == -2   ? "max"
                                    : j == -1 ? "sum"
                                              : "x",
                                    i, j < 0 ? 0 : j, got, *known))
                return false;
        }
    return true;
}

static bool take_walk(struct dt_case *c, struct dt_check *check, const struct walk *walk)
{
    char name[64];
    const struct set *set = &c->set[walk->which];
    const struct dt_placement placement = dt_placement_at(walk->placement);
    if (!set->name)
        return true;
    snprintf(name, sizeof name, "%s, %s%s", set->name, walk->online ? "online" : "two passes",
             walk->split ? ", rows in two calls" : "");
    const struct dt_softmax_args args = place_walk(c, walk);
    dt_check_name_call(check, name, &placement);
    if (!(walk->online ? walk_online : walk_twice)(c, check, walk, &args))
        return false;
    for (int32_t i = 0; i < args.rows; i++)
        if (!compare_row(c, check, walk, &args, i))
            return false;
    return walk->which != PLAIN || compare_walks(c, check, &args, walk->split == 0);
}

/* All sets, cut at random. */
static bool take_walks(struct dt_case *c, struct dt_check *check, unsigned number)
{
    uint64_t state = c->options.seed + number;
    for (int online = 0; online < 2; online++) {
        struct walk walk = {.placement = number, .online = online, .cuts = dt_random(&state)};
        if (!take_walk(c, check, &walk))
            return false;
        walk.placement = number + 1;
        walk.split = (int32_t)dt_random_below(&state, (uint64_t)c->problem->nq);
        if (!take_walk(c, check, &walk))
            return false;
        for (walk.which = SPECIAL; walk.which < SETS; walk.which++)
            if (!take_walk(c, check, &walk))
                return false;
    }
    return true;
}

static void run_case(struct dt_case *c, struct dt_check *check)
{
    c->first_known = false;
    if (!call(c, check, PLAIN, 0) || !call(c, check, PLAIN, 0) || !call(c, check, SPECIAL, 1) ||
        !call(c, check, MASKED, 0) || !take_walks(c, check, 0) ||
        c->options.level == DT_VALIDATE_QUICK)
        return;
    for (unsigned n = 1; n < 4 + 15; n++)
        if (!call(c, check, PLAIN, n) || !call(c, check, n % 2 ? SPECIAL : MASKED, n) ||
            !take_walks(c, check, n))
            return;
}

const struct dt_case_kind dt_softmax_case = {open_case, run_case, close_case};
