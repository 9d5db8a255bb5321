/* SPDX-License-Identifier: MIT */
/* A product computed a block of c at a time, as attention does it. */
#ifndef DISENTUNE_BLOCKED_H
#define DISENTUNE_BLOCKED_H

#include "kernels/variant.h"

struct dt_blocked {
    struct dt_gemm whole; /* runs all blocks; its code is this struct, which must stay in place */
    struct dt_gemm block[2][2]; /* [last rows][last columns]; those that do not occur are zeroed */
    int32_t rows, cols;         /* of a block that is not the last */
    ptrdiff_t b_step;           /* from a block's columns of b to the next one's */
};

/*
 * Resolves one product of the variant for each size of block. A side of the tile that is 0 is all.
 * Packed, b is [blocks of columns][k][cols] and shape->b_stride is not used; the elements of the
 * last block beyond n are not read. False if the variant cannot.
 */
bool dt_blocked_init(struct dt_blocked *blocked, const struct dt_variant *variant,
                     const struct dt_gemm_shape *shape, struct dt_tile tile, bool packed);

#endif
