/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_scalar.h"

#include "kernels/isa/attention_direct.h"
#include "kernels/variant.h"

static const struct dt_variant rows[] = {
    {
        .name = "attention.scalar.plain",
        .idea = "every score by its own dot products, a row at a time; the baseline",
        .op = DT_OP_ATTENTION,
        .error_eps = 0.25f,
        .run.attention = attention_direct,
    },
};

const struct dt_variant_table dt_attention_scalar = {rows, sizeof rows / sizeof *rows};
