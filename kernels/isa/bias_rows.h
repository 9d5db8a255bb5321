/* SPDX-License-Identifier: MIT */
/*
 * The variants of the gather-and-add that instruction sets have in common, over the vector type of
 * vector_<isa>.h. The including file defines ISA, the name in quotes, and LEVEL, its DT_CPU_ bit.
 */
#ifndef DISENTUNE_BIAS_ROWS_H
#define DISENTUNE_BIAS_ROWS_H

#include "kernels/isa/bias_ideas.h"

#define ROW(row_name, function, rows_of, text)                                                     \
    {                                                                                              \
        .name = "bias." ISA "." row_name, .idea = text, .op = DT_OP_BIAS, .level = LEVEL,          \
        .accepts = function##_accepts, .rows_multiple = rows_of, .cols_multiple = LANES,           \
        .error_eps = 2, .run.bias = function                                                       \
    }

/* Of what COMBINE_PEAKS() defined. */
#define ROW_PEAKS(row_name, function, rows_of, text)                                               \
    {                                                                                              \
        .name = "bias." ISA "." row_name, .idea = text, .op = DT_OP_BIAS, .level = LEVEL,          \
        .accepts = function##_accepts, .rows_multiple = rows_of, .cols_multiple = LANES,           \
        .error_eps = 2, .run.bias = function, .run_peaks = function##_peaks                        \
    }

#define ROW_AUTOVEC                                                                                \
    {                                                                                              \
        .name = "bias." ISA ".autovec", .idea = "the plain loop, left to the compiler",            \
        .op = DT_OP_BIAS, .level = LEVEL, .error_eps = 2, .run.bias = bias_plain                   \
    }

COMBINE_PEAKS(window_skew, C2P_WINDOW, P2C_SKEW)
COMBINE(runs_skew, C2P_RUNS, P2C_SKEW)
COMBINE_PEAKS(window_blocks, C2P_WINDOW, P2C_BLOCKS)
COMBINE(runs_blocks, C2P_RUNS, P2C_BLOCKS)
COMBINE(window_transpose, C2P_WINDOW, P2C_TRANSPOSE)
COMBINE(runs_transpose, C2P_RUNS, P2C_TRANSPOSE)
COMBINE(window_stage, C2P_WINDOW, P2C_STAGE)
COMBINE(runs_stage, C2P_RUNS, P2C_STAGE)

#define ROWS_WITHOUT_GATHER                                                                        \
    ROW_PEAKS("window-skew", window_skew, UNROLL,                                                  \
              "c2p by load and permute; p2c skewed, in registers"),                                \
        ROW("runs-skew", runs_skew, UNROLL, "c2p by runs; p2c skewed, in registers"),              \
        ROW_PEAKS("window-blocks", window_blocks, BLOCK,                                           \
                  "c2p by load and permute; p2c skewed a block of rows at once"),                  \
        ROW("runs-blocks", runs_blocks, BLOCK, "c2p by runs; p2c skewed a block of rows at once"), \
        ROW("window-transpose", window_transpose, LANES,                                           \
            "c2p by load and permute; p2c the same for a vector of keys, then transposed"),        \
        ROW("runs-transpose", runs_transpose, LANES, "c2p by runs; p2c permuted, transposed"),     \
        ROW("window-stage", window_stage, UNROLL,                                                  \
            "c2p by load and permute; p2c transposed a strip at a time, then skewed"),             \
        ROW("runs-stage", runs_stage, UNROLL,                                                      \
            "c2p by runs; p2c transposed by strips, then skewed")

/* Only for a vector type with HAS_GATHER. */
#define COMBINE_GATHER                                                                             \
    COMBINE_PEAKS(gather, C2P_GATHER, P2C_GATHER)                                                  \
    COMBINE_PEAKS(window_gather, C2P_WINDOW, P2C_GATHER)                                           \
    COMBINE(runs_gather, C2P_RUNS, P2C_GATHER)                                                     \
    COMBINE_PEAKS(gather_skew, C2P_GATHER, P2C_SKEW)                                               \
    COMBINE(gather_blocks, C2P_GATHER, P2C_BLOCKS)                                                 \
    COMBINE(gather_transpose, C2P_GATHER, P2C_TRANSPOSE)                                           \
    COMBINE(gather_stage, C2P_GATHER, P2C_STAGE)

#define ROWS_WITH_GATHER                                                                           \
    ROW_PEAKS("gather", gather, 1, "the hardware's gather for both terms"),                        \
        ROW_PEAKS("window-gather", window_gather, 1, "c2p by load and permute; p2c gathered"),     \
        ROW("runs-gather", runs_gather, 1,                                                         \
            "c2p by runs of equal or neighbouring slots; p2c gathered"),                           \
        ROW_PEAKS("gather-skew", gather_skew, UNROLL,                                              \
                  "c2p gathered; p2c skewed down a strip, in registers"),                          \
        ROW("gather-blocks", gather_blocks, BLOCK,                                                 \
            "c2p gathered; p2c skewed a block of rows at once"),                                   \
        ROW("gather-transpose", gather_transpose, LANES,                                           \
            "c2p gathered; p2c permuted, transposed"),                                             \
        ROW("gather-stage", gather_stage, UNROLL,                                                  \
            "c2p gathered; p2c transposed by strips, skewed")

#endif
