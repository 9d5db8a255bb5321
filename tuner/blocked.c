/* SPDX-License-Identifier: MIT */
#include "tuner/blocked.h"

static void run_all(const struct dt_gemm *gemm, const float *a, const float *b, float *c)
{
    const struct dt_blocked *p = gemm->code;
    const struct dt_gemm_shape *s = &gemm->shape;
    for (int32_t j = 0; j < s->n; j += p->cols, b += p->b_step)
        for (int32_t i = 0; i < s->m; i += p->rows) {
            const struct dt_gemm *block = &p->block[s->m - i < p->rows][s->n - j < p->cols];
            block->run(block, a + i * s->a_stride, b, c + i * s->c_stride + j);
        }
}

static int32_t side(int32_t tile, int32_t whole) { return tile > 0 && tile < whole ? tile : whole; }

bool dt_blocked_init(struct dt_blocked *p, const struct dt_variant *variant,
                     const struct dt_gemm_shape *shape, struct dt_tile tile, bool packed)
{
    const int32_t rows = side(tile.rows, shape->m), cols = side(tile.cols, shape->n);
    *p = (struct dt_blocked){
        .whole = {run_all, *shape, p},
        .rows = rows,
        .cols = cols,
        .b_step = packed ? (ptrdiff_t)shape->k * cols : cols,
    };
    for (int r = 0; r < 2; r++)
        for (int c = 0; c < 2; c++) {
            struct dt_gemm_shape block = *shape;
            block.m = r ? shape->m % rows : rows;
            block.n = c ? shape->n % cols : cols;
            block.b_stride = packed ? cols : shape->b_stride;
            if (block.m > 0 && block.n > 0 && !variant->run.gemm(&block, &p->block[r][c]))
                return false;
        }
    if (rows == shape->m && cols == shape->n)
        p->whole = p->block[0][0];
    return true;
}
