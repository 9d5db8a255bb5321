/* SPDX-License-Identifier: MIT */
/* The plans of attention: the product of its forms, parts, tiles and chunks. */
#include "tuner/space.h"

#include "kernels/setup.h"

enum { SIDES_MAX = 8, CHUNKS_MAX = 8 };

/* The parts of one kind that go with a variant. */
static size_t list_parts(const struct dt_space_scope *scope, enum dt_op op,
                         const struct dt_variant *with,
                         const struct dt_variant *parts[DT_AXIS_VALUES])
{
    struct dt_problem class = dt_problem_class(op, scope->problem);
    class.layout = DT_SLOT_MAJOR;
    size_t count = 0;
    for (uint32_t level = with->level; count == 0; level >>= 1) {
        const struct dt_variant *variant;
        for (size_t n = 0; (variant = dt_variant_at(n)) && count < DT_AXIS_VALUES; n++)
            if (variant->level == level && dt_part_fits(with, variant) &&
                dt_variant_applies(variant, op, &class, scope->delta))
                parts[count++] = variant;
        if (level == 0)
            break;
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

/* Queries of a work item, 0 for all, and each number once. `of` tells their values. */
static size_t list_chunks(const struct dt_space_scope *scope, int32_t rows,
                          int32_t chunks[CHUNKS_MAX], size_t of[CHUNKS_MAX])
{
    const int32_t nq = scope->problem->nq;
    const int32_t balanced = scope->threads > 1 ? nq / scope->threads : 0;
    const int32_t queries[] = {0, 256, 1024, balanced, balanced / 2, balanced / 4};
    size_t count = 0;
    for (size_t n = 0; n < sizeof queries / sizeof *queries; n++) {
        const int32_t chunk = rows ? (queries[n] + rows - 1) / rows * rows : 0;
        bool known = n > 0 && (chunk >= nq || chunk < 2 * rows || chunk == 0);
        for (size_t c = 0; c < count && !known; c++)
            known = chunks[c] == chunk;
        if (known)
            continue;
        of[count] = n;
        chunks[count++] = chunk;
    }
    return count;
}

struct parts {
    const struct dt_variant *gemm[DT_AXIS_VALUES], *bias[DT_AXIS_VALUES], *softmax[DT_AXIS_VALUES];
    size_t gemm_count, bias_count, softmax_count;
};

static bool add_parts(struct dt_space_maker *maker, const struct parts *parts,
                      struct dt_choice *choice, size_t rows, size_t cols, size_t chunk)
{
    bool fits = true;
    for (size_t g = 0; g < parts->gemm_count; g++)
        for (size_t b = 0; b < parts->bias_count; b++)
            for (size_t s = 0; s < parts->softmax_count && fits; s++) {
                choice->gemm = parts->gemm[g];
                choice->bias = parts->bias[b];
                choice->softmax = parts->softmax[s];
                fits = dt_space_append(maker, choice, rows, cols, chunk);
            }
    return fits;
}

static bool add_tile(struct dt_space_maker *maker, const struct parts *parts,
                     struct dt_choice *choice, size_t rows, size_t cols)
{
    int32_t chunks[CHUNKS_MAX];
    size_t of[CHUNKS_MAX];
    const size_t count = list_chunks(maker->scope, choice->tile.rows, chunks, of);
    bool fits = dt_tile_fits(choice->variant, choice->tile);
    if (!fits)
        return true;
    for (size_t c = 0; c < count && fits; c++) {
        choice->chunk = chunks[c];
        fits = add_parts(maker, parts, choice, rows, cols, of[c]);
    }
    return fits;
}

static bool add_tiles(struct dt_space_maker *maker, const struct parts *parts,
                      struct dt_choice *choice)
{
    static const int32_t all_rows[] = {16, 32, 64, 96, 128}, all_cols[] = {32, 64, 128};
    const struct dt_space_scope *s = maker->scope;
    int32_t rows[SIDES_MAX], cols[SIDES_MAX];
    size_t row_count =
        sides(all_rows, sizeof all_rows / sizeof *all_rows, s->problem->nq, DT_ROW_STEP, rows);
    size_t col_count =
        sides(all_cols, sizeof all_cols / sizeof *all_cols, s->problem->nk, DT_COLUMN_STEP, cols);
    bool fits = true;
    if (s->tile) {
        row_count = col_count = 1;
        rows[0] = s->tile->rows;
        cols[0] = s->tile->cols;
    }
    for (size_t r = 0; r < row_count; r++)
        for (size_t c = 0; c < col_count && fits; c++) {
            choice->tile = (struct dt_tile){rows[r], cols[c]};
            fits = add_tile(maker, parts, choice, r, c);
        }
    return fits;
}

static bool add_form(struct dt_space_maker *maker, const struct dt_variant *variant)
{
    const struct dt_space_scope *s = maker->scope;
    struct dt_choice choice = {.variant = variant};
    struct parts parts = {.bias_count = 1};
    parts.gemm_count = list_parts(s, DT_OP_GEMM, variant, parts.gemm);
    parts.softmax_count = list_parts(s, DT_OP_SOFTMAX, variant, parts.softmax);
    if (s->problem->terms)
        parts.bias_count = list_parts(s, DT_OP_BIAS, variant, parts.bias);
    return add_tiles(maker, &parts, &choice);
}

static bool is_made(const struct dt_space_maker *maker, const struct dt_variant *variant)
{
    return variant->strategy != DT_DIRECT && dt_space_wants(maker, variant);
}

/* The widest instruction set of a variant that is made of parts, 0 without one. */
static uint32_t widest(const struct dt_space_maker *maker)
{
    const struct dt_variant *variant;
    uint32_t level = 0;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (is_made(maker, variant) && variant->level > level)
            level = variant->level;
    return level;
}

/* Of variants of one instruction set that differ in their strategy alone, which without position
 * terms is no difference: the heuristic's, or the first. */
static bool is_twin(const struct dt_space_maker *maker, const struct dt_variant *variant)
{
    const struct dt_space_scope *s = maker->scope;
    const struct dt_variant *other;
    struct dt_choice heuristic;
    if (s->problem->terms)
        return false;
    if (!dt_choice_heuristic(s->op, s->problem, s->delta, &heuristic, NULL) &&
        is_made(maker, heuristic.variant) && heuristic.variant->level == variant->level)
        return heuristic.variant->strategy != variant->strategy;
    for (size_t n = 0; (other = dt_variant_at(n)) != variant; n++)
        if (is_made(maker, other) && other->level == variant->level)
            return other->strategy != variant->strategy;
    return false;
}

/* Variants that need no parts: those with vectors or the scalar ones. */
static bool add_direct(struct dt_space_maker *maker, bool scalar)
{
    const struct dt_variant *variant;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (variant->strategy == DT_DIRECT && !variant->level == scalar &&
            dt_space_wants(maker, variant) &&
            !dt_space_append(maker, &(struct dt_choice){.variant = variant}, 0, 0, 0))
            return false;
    return true;
}

bool dt_space_add_attention(struct dt_space_maker *maker)
{
    const bool every = maker->scope->every;
    const uint32_t level = widest(maker);
    const struct dt_variant *variant;
    if (!add_direct(maker, false))
        return false;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (is_made(maker, variant) && (every || variant->level == level) &&
            !is_twin(maker, variant) && !add_form(maker, variant))
            return false;
    return maker->space->count > 0 || add_direct(maker, true);
}
