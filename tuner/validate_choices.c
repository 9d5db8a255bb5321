/* SPDX-License-Identifier: MIT */
/*
 * Which choices of a variant stand for all of them. An attention made of parts has thousands;
 * here the n-th tile goes with the n-th variant of each part, counted cyclically from a place that
 * differs from problem to problem, so that over a few problems everything meets. Scalar products,
 * which take most of the time where they take part, are for the small problems.
 */
#include "tuner/validate.h"

enum {
    PARTS_MAX = 96,
    LARGE_AREA = 1 << 15, /* scores of a head; beyond, fewer choices */
    LARGE_CHOICES = 2,
    SCALAR_AREA = 1 << 11, /* beyond, no scalar products if there are others */
};

/* A side that the variant ignores becomes 0; false if it is no multiple. */
static bool fit(int32_t *side, int32_t multiple)
{
    if (multiple == 0)
        *side = 0;
    return multiple == 0 || *side % multiple == 0;
}

static size_t choose_tiles(const struct dt_variant *variant,
                           struct dt_choice choices[DT_VALIDATE_CHOICES])
{
    const int32_t rows = variant->rows_multiple, cols = variant->cols_multiple;
    const struct dt_tile candidates[] = {
        {0, 0}, {1, 1}, {3, 5}, {rows, cols}, {3 * rows, 5 * cols}, {16, 16}, {64, 0}, {0, 48},
    };
    size_t count = 0;
    for (size_t n = 0; n < sizeof candidates / sizeof *candidates; n++) {
        struct dt_tile tile = candidates[n];
        if (!fit(&tile.rows, rows) || !fit(&tile.cols, cols))
            continue;
        size_t known = 0;
        while (known < count &&
               (choices[known].tile.rows != tile.rows || choices[known].tile.cols != tile.cols))
            known++;
        if (known == count)
            choices[count++] = (struct dt_choice){.variant = variant, .tile = tile};
    }
    return count;
}

struct parts {
    const struct dt_variant *variants[PARTS_MAX];
    size_t count;
};

static struct parts parts_of(enum dt_op op, const struct dt_variant *user,
                             const struct dt_problem *problem, const struct dt_delta *delta)
{
    struct parts parts = {.count = 0};
    struct dt_problem class = dt_problem_class(op, problem);
    const struct dt_variant *variant;
    class.layout = DT_SLOT_MAJOR;
    for (size_t n = 0; (variant = dt_variant_at(n)) && parts.count < PARTS_MAX; n++)
        if (dt_variant_applies(variant, op, &class, delta) && dt_part_fits(user, variant))
            parts.variants[parts.count++] = variant;
    return parts;
}

static void leave_out_scalar(struct parts *parts)
{
    size_t count = 0;
    for (size_t n = 0; n < parts->count; n++)
        if (parts->variants[n]->level)
            parts->variants[count++] = parts->variants[n];
    if (count)
        parts->count = count;
}

static const struct dt_variant *part_at(const struct parts *parts, size_t n)
{
    return parts->count ? parts->variants[n % parts->count] : NULL;
}

static size_t choose_parts(const struct dt_variant *variant, const struct dt_problem *problem,
                           const struct dt_delta *delta,
                           struct dt_choice choices[DT_VALIDATE_CHOICES])
{
    static const struct dt_tile tiles[] = {
        {0, 0},   {8, 16},   {16, 64},  {64, 16},  {8, 128}, {64, 64},
        {24, 48}, {128, 32}, {16, 112}, {40, 128}, {32, 0},
    };
    struct parts gemm = parts_of(DT_OP_GEMM, variant, problem, delta);
    const struct parts softmax = parts_of(DT_OP_SOFTMAX, variant, problem, delta);
    const struct parts bias = parts_of(DT_OP_BIAS, variant, problem, delta);
    const int64_t area = (int64_t)problem->nq * problem->nk;
    if (area > SCALAR_AREA)
        leave_out_scalar(&gemm);
    const size_t count = area > LARGE_AREA ? LARGE_CHOICES : DT_VALIDATE_CHOICES;
    const size_t turn = (size_t)problem->nq * 5 + (size_t)problem->nk + (size_t)problem->dim;
    for (size_t n = 0; n < count; n++) {
        const struct dt_tile tile = tiles[(n + turn) % (sizeof tiles / sizeof *tiles)];
        const int32_t chunks[] = {0, tile.rows, 3 * tile.rows};
        choices[n] = (struct dt_choice){
            .variant = variant,
            .tile = tile,
            .chunk = chunks[n % 3],
            .gemm = part_at(&gemm, n + turn),
            .softmax = part_at(&softmax, n + turn / 2),
            .bias = problem->terms ? part_at(&bias, n + turn * 7) : NULL,
        };
    }
    return count;
}

size_t dt_validate_choices(const struct dt_variant *variant, const struct dt_problem *problem,
                           const struct dt_delta *delta,
                           struct dt_choice choices[DT_VALIDATE_CHOICES])
{
    if (variant->op == DT_OP_ATTENTION && variant->strategy != DT_DIRECT)
        return choose_parts(variant, problem, delta, choices);
    return choose_tiles(variant, choices);
}
