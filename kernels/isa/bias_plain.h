/* SPDX-License-Identifier: MIT */
/*
 * The gather-and-add as anyone would write it. Compiled without vectorisation it is the
 * variant `bias.scalar.plain`, the baseline of every speed-up; compiled at -O3 with the flags
 * of an instruction set it is `bias.<isa>.autovec`, what the compiler makes of it unaided.
 */
#ifndef DISENTUNE_BIAS_PLAIN_H
#define DISENTUNE_BIAS_PLAIN_H

#include "kernels/bias.h"

static void bias_plain(const struct dt_bias_block *b, const struct dt_bias *io)
{
    const int32_t *const slots = b->delta->slot + b->origin;
    const int32_t nk = b->nk;
    const bool with_c2p = b->terms & DT_C2P, with_p2c = b->terms & DT_P2C;
    for (int32_t i = 0; i < b->nq; i++) {
        const int32_t *restrict slot = slots - i;
        float *restrict s = io->scores + i * io->scores_row;
        const float *restrict c2p = with_c2p ? io->c2p + i * io->c2p_row : NULL;
        const float *restrict p2c = io->p2c;
        const ptrdiff_t stride = io->p2c_row;
        if (!with_p2c)
            for (int32_t j = 0; j < nk; j++)
                s[j] += c2p[slot[j]];
        else if (b->layout == DT_KEY_MAJOR)
            if (with_c2p)
                for (int32_t j = 0; j < nk; j++)
                    s[j] += c2p[slot[j]] + p2c[j * stride + slot[j]];
            else
                for (int32_t j = 0; j < nk; j++)
                    s[j] += p2c[j * stride + slot[j]];
        else if (with_c2p)
            for (int32_t j = 0; j < nk; j++)
                s[j] += c2p[slot[j]] + p2c[slot[j] * stride + j];
        else
            for (int32_t j = 0; j < nk; j++)
                s[j] += p2c[slot[j] * stride + j];
    }
}

#endif
