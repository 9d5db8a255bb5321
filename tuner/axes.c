/* SPDX-License-Identifier: MIT */
#include "tuner/axes.h"

#include "kernels/error.h"
#include "kernels/setup.h"

#include <math.h>
#include <stdlib.h>

bool dt_choice_equal(const struct dt_choice *a, const struct dt_choice *b)
{
    return a->variant == b->variant && a->tile.rows == b->tile.rows &&
           a->tile.cols == b->tile.cols && a->chunk == b->chunk && a->gemm == b->gemm &&
           a->bias == b->bias && a->softmax == b->softmax;
}

uint32_t dt_choice_level(const struct dt_choice *c)
{
    const struct dt_variant *const parts[] = {c->variant, c->gemm, c->bias, c->softmax};
    uint32_t level = 0;
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
        if (parts[n] && parts[n]->level > level)
            level = parts[n]->level;
    return level;
}

static size_t append(struct dt_choice *choices, size_t count, const struct dt_choice *from,
                     const struct dt_choice *choice)
{
    if (count == DT_AXIS_MAX || dt_choice_equal(from, choice))
        return count;
    for (size_t n = 0; n < count; n++)
        if (dt_choice_equal(&choices[n], choice))
            return count;
    choices[count] = *choice;
    return count + 1;
}

/* The parts of one kind that go with a variant. */
static size_t list_parts(const struct dt_axis_scope *scope, enum dt_op op,
                         const struct dt_variant *with, const struct dt_variant *parts[DT_AXIS_MAX])
{
    struct dt_problem class = dt_problem_class(op, scope->problem);
    class.layout = DT_SLOT_MAJOR;
    size_t count = 0;
    if (op == DT_OP_BIAS && scope->problem->terms == 0)
        return 0;
    for (uint32_t level = with->level; count == 0; level >>= 1) {
        const struct dt_variant *variant;
        for (size_t n = 0; (variant = dt_variant_at(n)) && count < DT_AXIS_MAX; n++)
            if (variant->level == level && dt_part_fits(with, variant) &&
                dt_variant_applies(variant, op, &class, scope->delta))
                parts[count++] = variant;
        if (level == 0)
            break;
    }
    return count;
}

static size_t list_forms(const struct dt_axis_scope *scope, const struct dt_choice *from,
                         struct dt_choice *choices)
{
    const struct dt_variant *variant;
    size_t count = 0;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++) {
        struct dt_choice choice = *from;
        choice.variant = variant;
        if (variant->level != from->variant->level || variant->strategy == DT_DIRECT ||
            !dt_variant_applies(variant, DT_OP_ATTENTION, scope->problem, scope->delta) ||
            (scope->selects && !scope->selects(variant, scope->context)))
            continue;
        const struct dt_variant *parts[DT_AXIS_MAX];
        if (choice.bias && !dt_part_fits(variant, choice.bias) &&
            list_parts(scope, DT_OP_BIAS, variant, parts) > 0)
            choice.bias = parts[0];
        /* without position terms all strategies are one */
        if (scope->problem->terms || variant->strategy == from->variant->strategy)
            count = append(choices, count, from, &choice);
    }
    return count;
}

static const struct dt_variant **part_of(struct dt_choice *choice, enum dt_op op)
{
    return op == DT_OP_GEMM ? &choice->gemm : op == DT_OP_BIAS ? &choice->bias : &choice->softmax;
}

static size_t list_with_parts(const struct dt_axis_scope *scope, enum dt_op op,
                              const struct dt_choice *from, struct dt_choice *choices)
{
    const struct dt_variant *parts[DT_AXIS_MAX];
    const size_t found = list_parts(scope, op, from->variant, parts);
    size_t count = 0;
    for (size_t n = 0; n < found; n++) {
        struct dt_choice choice = *from;
        *part_of(&choice, op) = parts[n];
        count = append(choices, count, from, &choice);
    }
    return count;
}

/* Those of the sizes that a length tells apart. */
static size_t sides(const int32_t *sizes, size_t count, int32_t length, int32_t step,
                    int32_t *found)
{
    const int32_t whole = (length + step - 1) / step * step;
    size_t n = 0, kept = 0;
    do
        found[kept++] = sizes[n];
    while (sizes[n] < whole && ++n < count);
    return kept;
}

static double far_from(const struct dt_choice *choice, struct dt_tile tile)
{
    const double rows = choice->tile.rows ? choice->tile.rows : 64;
    const double cols = choice->tile.cols ? choice->tile.cols : 64;
    return fabs(log2(rows / tile.rows)) + fabs(log2(cols / tile.cols));
}

/* A chunk is a multiple of the rows. */
static int32_t chunk_of(int32_t queries, int32_t rows)
{
    return rows ? (queries + rows - 1) / rows * rows : 0;
}

static size_t list_tiles(const struct dt_axis_scope *scope, const struct dt_choice *from,
                         struct dt_choice *choices)
{
    static const int32_t all_rows[] = {16, 32, 64, 96, 128}, all_cols[] = {32, 64, 128};
    int32_t rows[8], cols[8];
    const size_t row_count =
        sides(all_rows, sizeof all_rows / sizeof *all_rows, scope->problem->nq, DT_ROW_STEP, rows);
    const size_t col_count = sides(all_cols, sizeof all_cols / sizeof *all_cols, scope->problem->nk,
                                   DT_COLUMN_STEP, cols);
    size_t count = 0;
    for (size_t r = 0; r < row_count; r++)
        for (size_t c = 0; c < col_count; c++) {
            struct dt_choice choice = *from;
            choice.tile = (struct dt_tile){rows[r], cols[c]};
            choice.chunk = chunk_of(from->chunk, rows[r]);
            count = append(choices, count, from, &choice);
        }
    for (size_t n = 1; n < count; n++)
        for (size_t at = n;
             at > 0 && far_from(from, choices[at].tile) < far_from(from, choices[at - 1].tile);
             at--) {
            const struct dt_choice nearer = choices[at];
            choices[at] = choices[at - 1];
            choices[at - 1] = nearer;
        }
    return count;
}

/* All, short ones that keep what a chunk shares in a cache, and those that give each thread the
 * same number of items. */
static size_t list_chunks(const struct dt_axis_scope *scope, const struct dt_choice *from,
                          struct dt_choice *choices)
{
    const struct dt_problem *p = scope->problem;
    const int32_t balanced = p->nq / scope->threads;
    const int32_t queries[] = {0, 256, 512, 1024, balanced, balanced / 2, balanced / 4};
    size_t count = 0;
    for (size_t n = 0; n < sizeof queries / sizeof *queries; n++) {
        struct dt_choice choice = *from;
        choice.chunk = chunk_of(queries[n], from->tile.rows);
        if (choice.chunk < p->nq && (queries[n] == 0 || choice.chunk >= 2 * from->tile.rows))
            count = append(choices, count, from, &choice);
    }
    return count;
}

size_t dt_axis_choices(enum dt_axis axis, const struct dt_axis_scope *scope,
                       const struct dt_choice *from, struct dt_choice choices[DT_AXIS_MAX])
{
    switch (axis) {
    case DT_AXIS_FORM:
        return list_forms(scope, from, choices);
    case DT_AXIS_TILE:
        return list_tiles(scope, from, choices);
    case DT_AXIS_CHUNK:
        return list_chunks(scope, from, choices);
    case DT_AXIS_GEMM:
        return list_with_parts(scope, DT_OP_GEMM, from, choices);
    case DT_AXIS_BIAS:
        return list_with_parts(scope, DT_OP_BIAS, from, choices);
    case DT_AXIS_SOFTMAX:
        return list_with_parts(scope, DT_OP_SOFTMAX, from, choices);
    }
    return 0;
}

enum dt_status dt_axis_start(const struct dt_axis_scope *scope, const struct dt_variant *variant,
                             struct dt_choice *choice, struct dt_error *error)
{
    static const enum dt_op ops[] = {DT_OP_GEMM, DT_OP_BIAS, DT_OP_SOFTMAX};
    *choice = (struct dt_choice){.variant = variant};
    if (variant->strategy == DT_DIRECT)
        return DT_OK;
    choice->tile = (struct dt_tile){64, 64};
    for (size_t n = 0; n < sizeof ops / sizeof *ops; n++) {
        const struct dt_variant *parts[DT_AXIS_MAX];
        const size_t count = list_parts(scope, ops[n], variant, parts);
        if (count > 0)
            *part_of(choice, ops[n]) = parts[0];
        else if (ops[n] != DT_OP_BIAS || scope->problem->terms)
            return dt_error_set(error, DT_UNSUPPORTED, "%s finds no variant of %s", variant->name,
                                dt_op_name(ops[n]));
    }
    return DT_OK;
}
