/* SPDX-License-Identifier: MIT */
#include "tuner/space.h"

#include "kernels/error.h"

#include <stdlib.h>

#define SIDES_MAX 10

/* 0 for all of it, and from `least`, rounded up to the multiple, each `factor` times the one
 * before, as long as it is at most `most` and less than the length. */
static size_t sides(int32_t multiple, int32_t least, int32_t most, int32_t factor, int32_t length,
                    int32_t found[SIDES_MAX])
{
    size_t count = 0;
    found[count++] = 0;
    if (multiple == 0)
        return count;
    int32_t side = (least + multiple - 1) / multiple * multiple;
    for (; side < length && side <= most && count < SIDES_MAX; side *= factor)
        found[count++] = side;
    return count;
}

/* The longest tile rows of which one strip of the widest vector, and its scores, fit the share. */
static int32_t most_rows(const struct dt_machine *machine)
{
    const int64_t line = 64;
    const int64_t rows = dt_machine_share(machine, DT_L2, machine->worker_count) / (64 * line);
    return rows < 64 ? 64 : rows > 256 ? 256 : (int32_t)rows;
}

/* Columns at which a tile of 16 rows and its tables fill the share of L1d. */
static int32_t most_cols(const struct dt_machine *machine)
{
    const int64_t floats = dt_machine_share(machine, DT_L1D, machine->worker_count) / 4;
    return (int32_t)(floats / (2 * 16));
}

static enum dt_status append(struct dt_space *space, const struct dt_choice *choice,
                             struct dt_error *error)
{
    struct dt_choice *grown = realloc(space->choices, (space->count + 1) * sizeof *grown);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a search space of %zu plans",
                            space->count + 1);
    space->choices = grown;
    grown[space->count++] = *choice;
    return DT_OK;
}

enum dt_status dt_space_init(struct dt_space *space, enum dt_op op,
                             const struct dt_problem *problem, const struct dt_delta *delta,
                             const struct dt_machine *machine,
                             bool (*selects)(const struct dt_variant *, void *), void *context,
                             struct dt_error *error)
{
    const struct dt_variant *variant;
    *space = (struct dt_space){0};
    for (size_t n = 0; (variant = dt_variant_at(n)); n++) {
        int32_t rows[SIDES_MAX], cols[SIDES_MAX];
        if (!dt_variant_applies(variant, op, problem, delta) ||
            (selects && !selects(variant, context)))
            continue;
        const size_t row_count =
            sides(variant->rows_multiple, 16, most_rows(machine), 2, problem->nq, rows);
        const size_t col_count =
            sides(variant->cols_multiple, 64, most_cols(machine), 4, problem->nk, cols);
        for (size_t r = 0; r < row_count; r++)
            for (size_t c = 0; c < col_count; c++) {
                const struct dt_choice choice = {.variant = variant, .tile = {rows[r], cols[c]}};
                enum dt_status status = append(space, &choice, error);
                if (status) {
                    free(space->choices);
                    *space = (struct dt_space){0};
                    return status;
                }
            }
    }
    return DT_OK;
}
