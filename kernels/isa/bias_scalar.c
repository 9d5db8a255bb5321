/* SPDX-License-Identifier: MIT */
#include "kernels/isa/bias_plain.h"
#include "kernels/variant.h"

static const struct dt_variant rows[] = {
    {
        .name = "bias.scalar.plain",
        .idea = "one element at a time; the baseline",
        .op = DT_OP_BIAS,
        .error_eps = 2,
        .run.bias = bias_plain,
    },
};

const struct dt_variant_table dt_bias_scalar = {rows, sizeof rows / sizeof *rows};
