/* SPDX-License-Identifier: MIT */
#include "kernels/attention.h"

#include "kernels/error.h"

#include <stdlib.h>
#include <string.h>

static void pack_kr(struct dt_positions *to, const float *kr, ptrdiff_t head, ptrdiff_t row)
{
    for (int32_t h = 0; h < to->shape.heads; h++)
        for (int32_t slot = 0; slot < to->shape.slots; slot++) {
            const float *from = kr + h * head + slot * row;
            float *column = to->kr + h * to->kr_head +
                            (ptrdiff_t)(slot / DT_SLOT_BLOCK) * to->shape.dim * DT_SLOT_BLOCK +
                            slot % DT_SLOT_BLOCK;
            for (int32_t c = 0; c < to->shape.dim; c++)
                column[(ptrdiff_t)c * DT_SLOT_BLOCK] = from[c];
        }
}

static void pack_qr(struct dt_positions *to, const float *qr, ptrdiff_t head, ptrdiff_t row,
                    float scale)
{
    for (int32_t h = 0; h < to->shape.heads; h++)
        for (int32_t slot = 0; slot < to->shape.slots; slot++)
            for (int32_t c = 0; c < to->shape.dim; c++)
                to->qr[h * to->qr_head + (ptrdiff_t)slot * to->shape.dim + c] =
                    scale * qr[h * head + slot * row + c];
}

/* Zeros; NULL without memory. A product of sizes that dt_problem_check() allows fits size_t. */
static float *allocate(int32_t heads, ptrdiff_t head)
{
    const size_t bytes = ((size_t)heads * (size_t)head * sizeof(float) + 63) / 64 * 64;
    float *memory = aligned_alloc(64, bytes);
    if (memory)
        memset(memory, 0, bytes);
    return memory;
}

struct dt_positions_shape dt_positions_shape_of(const struct dt_problem *p)
{
    _Static_assert(DT_MAX_HEADS <= UINT16_MAX && DT_MAX_DIM <= UINT16_MAX, "heads, dim");
    _Static_assert(2 * DT_MAX_SPAN < 1 << 30, "slots");
    return (struct dt_positions_shape){
        .heads = (uint16_t)p->heads,
        .dim = (uint16_t)p->dim,
        .slots = 2u * (uint32_t)p->span,
        .terms = p->terms,
    };
}

enum dt_status dt_positions_pack(const struct dt_problem *problem, const float *kr,
                                 ptrdiff_t kr_head, ptrdiff_t kr_row, const float *qr,
                                 ptrdiff_t qr_head, ptrdiff_t qr_row,
                                 struct dt_positions **positions, struct dt_error *error)
{
    enum dt_status status = dt_problem_check(problem, error);
    if (status)
        return status;
    struct dt_positions *made = calloc(1, sizeof *made);
    if (!made)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for positions");
    const struct dt_positions_shape shape = dt_positions_shape_of(problem);
    const int32_t slots = shape.slots;
    const ptrdiff_t blocks = (slots + DT_SLOT_BLOCK - 1) / DT_SLOT_BLOCK;
    *made = (struct dt_positions){
        .shape = shape,
        .kr_head = blocks * DT_SLOT_BLOCK * problem->dim,
        .qr_head = (ptrdiff_t)(slots + DT_SLOT_BLOCK) * problem->dim,
    };
    if (problem->terms & DT_C2P)
        made->kr = allocate(made->shape.heads, made->kr_head);
    if (problem->terms & DT_P2C)
        made->qr = allocate(made->shape.heads, made->qr_head);
    if ((problem->terms & DT_C2P && !made->kr) || (problem->terms & DT_P2C && !made->qr)) {
        dt_positions_free(made);
        return dt_error_set(error, DT_NO_MEMORY, "no memory for the positions of %d heads",
                            problem->heads);
    }
    if (made->kr)
        pack_kr(made, kr, kr_head, kr_row);
    if (made->qr)
        pack_qr(made, qr, qr_head, qr_row, (float)dt_problem_scale(problem));
    *positions = made;
    return DT_OK;
}

void dt_positions_free(struct dt_positions *positions)
{
    if (!positions)
        return;
    free(positions->kr);
    free(positions->qr);
    free(positions);
}
