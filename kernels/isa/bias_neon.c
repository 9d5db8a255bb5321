/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_neon.h"

#define ISA "neon"
#define LEVEL DT_CPU_NEON
#include "kernels/isa/bias_rows.h"

COMBINE(lanes_skew, C2P_GATHER, P2C_SKEW)

static const struct dt_variant rows[] = {
    ROW_AUTOVEC,
    ROW("lanes-skew", lanes_skew, UNROLL, "c2p loaded lane by lane; p2c skewed, in registers"),
    ROWS_WITHOUT_GATHER,
};

const struct dt_variant_table dt_bias_neon = {rows, sizeof rows / sizeof *rows};
