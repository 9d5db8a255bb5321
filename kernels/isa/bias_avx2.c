/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx2.h"

#define ISA "avx2"
#define LEVEL DT_CPU_AVX2
#include "kernels/isa/bias_rows.h"

COMBINE(gather, C2P_GATHER, P2C_GATHER)
COMBINE(window_gather, C2P_WINDOW, P2C_GATHER)
COMBINE(runs_gather, C2P_RUNS, P2C_GATHER)
COMBINE(gather_skew, C2P_GATHER, P2C_SKEW)
COMBINE(gather_skewmem, C2P_GATHER, P2C_SKEW_MEMORY)
COMBINE(gather_transpose, C2P_GATHER, P2C_TRANSPOSE)
COMBINE(gather_stage, C2P_GATHER, P2C_STAGE)

static const struct dt_variant rows[] = {
    ROW_AUTOVEC,
    ROW("gather", gather, 1, "the hardware's gather for both terms"),
    ROW("window-gather", window_gather, 1, "c2p by one load and a permute; p2c gathered"),
    ROW("runs-gather", runs_gather, 1, "c2p by runs of equal or neighbouring slots; p2c gathered"),
    ROW("gather-skew", gather_skew, UNROLL, "c2p gathered; p2c skewed down a strip, in registers"),
    ROW("gather-skewmem", gather_skewmem, UNROLL, "c2p gathered; p2c skewed a few rows at a time"),
    ROW("gather-transpose", gather_transpose, LANES, "c2p gathered; p2c permuted, transposed"),
    ROW("gather-stage", gather_stage, UNROLL, "c2p gathered; p2c transposed by strips, skewed"),
    ROWS_WITHOUT_GATHER,
};

const struct dt_variant_table dt_bias_avx2 = {rows, sizeof rows / sizeof *rows};
