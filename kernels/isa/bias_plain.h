/* SPDX-License-Identifier: MIT */
/*
 * The gather-and-add as anyone would write it. Compiled without vectorisation it is the
 * variant `bias.scalar.plain`, the baseline of every speed-up; compiled at -O3 with the flags
 * of an instruction set it is `bias.<isa>.autovec`, what the compiler makes of it unaided.
 */
#ifndef DISENTUNE_BIAS_PLAIN_H
#define DISENTUNE_BIAS_PLAIN_H

#include "kernels/bias.h"

static void bias_plain(const struct dt_bias_args *a)
{
    const int32_t *const slots = a->delta->slot + a->origin;
    const int32_t nk = a->nk;
    for (int32_t i = 0; i < a->nq; i++) {
        const int32_t *restrict slot = slots - i;
        float *restrict s = a->scores + i * a->scores_stride;
        const float *restrict c2p = a->c2p + (a->c2p ? i * a->c2p_stride : 0);
        const float *restrict p2c = a->p2c;
        const ptrdiff_t stride = a->p2c_stride;
        if (!p2c)
            for (int32_t j = 0; j < nk; j++)
                s[j] += c2p[slot[j]];
        else if (a->layout == DT_KEY_MAJOR)
            if (c2p)
                for (int32_t j = 0; j < nk; j++)
                    s[j] += c2p[slot[j]] + p2c[j * stride + slot[j]];
            else
                for (int32_t j = 0; j < nk; j++)
                    s[j] += p2c[j * stride + slot[j]];
        else if (c2p)
            for (int32_t j = 0; j < nk; j++)
                s[j] += c2p[slot[j]] + p2c[slot[j] * stride + j];
        else
            for (int32_t j = 0; j < nk; j++)
                s[j] += p2c[slot[j] * stride + j];
    }
}

#endif
