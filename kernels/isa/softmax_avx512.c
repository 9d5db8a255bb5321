/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx512.h"

#include "kernels/isa/softmax_ideas.h"

SOFTMAX(poly, EXP_POLY)

static const struct dt_variant rows[] = {
    {
        .name = "softmax.avx512.poly",
        .idea = "exp by a polynomial, inlined; 16 rows' maxima and sums reduced together",
        .op = DT_OP_SOFTMAX,
        .level = DT_CPU_AVX512,
        .error_eps = 4,
        .run.softmax = poly,
    },
};

const struct dt_variant_table dt_softmax_avx512 = {rows, sizeof rows / sizeof *rows};
