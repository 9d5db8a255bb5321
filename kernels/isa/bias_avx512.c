/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx512.h"

#include "kernels/isa/bias_ideas.h"

COMBINE(gather, C2P_GATHER, P2C_GATHER)
COMBINE(window_gather, C2P_WINDOW, P2C_GATHER)
COMBINE(runs_gather, C2P_RUNS, P2C_GATHER)
COMBINE(gather_skew, C2P_GATHER, P2C_SKEW)
COMBINE(window_skew, C2P_WINDOW, P2C_SKEW)
COMBINE(runs_skew, C2P_RUNS, P2C_SKEW)
COMBINE(gather_skewmem, C2P_GATHER, P2C_SKEW_MEMORY)
COMBINE(window_skewmem, C2P_WINDOW, P2C_SKEW_MEMORY)
COMBINE(runs_skewmem, C2P_RUNS, P2C_SKEW_MEMORY)
COMBINE(gather_transpose, C2P_GATHER, P2C_TRANSPOSE)
COMBINE(window_transpose, C2P_WINDOW, P2C_TRANSPOSE)
COMBINE(runs_transpose, C2P_RUNS, P2C_TRANSPOSE)
COMBINE(gather_stage, C2P_GATHER, P2C_STAGE)
COMBINE(window_stage, C2P_WINDOW, P2C_STAGE)
COMBINE(runs_stage, C2P_RUNS, P2C_STAGE)

#define ROW(row_name, function, rows_of, text)                                                     \
    {                                                                                              \
        .name = "bias.avx512." row_name, .idea = text, .op = DT_OP_BIAS, .level = DT_CPU_AVX512,   \
        .accepts = function##_accepts, .rows_multiple = rows_of, .cols_multiple = LANES,           \
        .error_eps = 2, .run.bias = function                                                       \
    }

static const struct dt_variant rows[] = {
    {
        .name = "bias.avx512.autovec",
        .idea = "the plain loop, left to the compiler",
        .op = DT_OP_BIAS,
        .level = DT_CPU_AVX512,
        .error_eps = 2,
        .run.bias = bias_plain,
    },
    ROW("gather", gather, 1, "the hardware's gather for both terms"),
    ROW("window-gather", window_gather, 1, "c2p by one load and a permute; p2c gathered"),
    ROW("runs-gather", runs_gather, 1, "c2p by runs of equal or neighbouring slots; p2c gathered"),
    ROW("gather-skew", gather_skew, UNROLL, "c2p gathered; p2c skewed down a strip, in registers"),
    ROW("window-skew", window_skew, UNROLL, "c2p by load and permute; p2c skewed, in registers"),
    ROW("runs-skew", runs_skew, UNROLL, "c2p by runs; p2c skewed, in registers"),
    ROW("gather-skewmem", gather_skewmem, UNROLL, "c2p gathered; p2c skewed, 8 rows at a time"),
    ROW("window-skewmem", window_skewmem, UNROLL,
        "c2p by load and permute; p2c skewed, 8 rows at a time, rings kept in memory"),
    ROW("runs-skewmem", runs_skewmem, UNROLL, "c2p by runs; p2c skewed, 8 rows at a time"),
    ROW("gather-transpose", gather_transpose, LANES, "c2p gathered; p2c permuted, transposed"),
    ROW("window-transpose", window_transpose, LANES,
        "c2p by load and permute; p2c the same for 16 keys, then transposed"),
    ROW("runs-transpose", runs_transpose, LANES, "c2p by runs; p2c permuted, then transposed"),
    ROW("gather-stage", gather_stage, UNROLL, "c2p gathered; p2c transposed by strips, skewed"),
    ROW("window-stage", window_stage, UNROLL,
        "c2p by load and permute; p2c transposed a strip at a time, then skewed"),
    ROW("runs-stage", runs_stage, UNROLL, "c2p by runs; p2c transposed by strips, then skewed"),
};

const struct dt_variant_table dt_bias_avx512 = {rows, sizeof rows / sizeof *rows};
