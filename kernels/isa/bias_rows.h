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

#define ROW_AUTOVEC                                                                                \
    {                                                                                              \
        .name = "bias." ISA ".autovec", .idea = "the plain loop, left to the compiler",            \
        .op = DT_OP_BIAS, .level = LEVEL, .error_eps = 2, .run.bias = bias_plain                   \
    }

COMBINE(window_skew, C2P_WINDOW, P2C_SKEW)
COMBINE(runs_skew, C2P_RUNS, P2C_SKEW)
COMBINE(window_skewmem, C2P_WINDOW, P2C_SKEW_MEMORY)
COMBINE(runs_skewmem, C2P_RUNS, P2C_SKEW_MEMORY)
COMBINE(window_transpose, C2P_WINDOW, P2C_TRANSPOSE)
COMBINE(runs_transpose, C2P_RUNS, P2C_TRANSPOSE)
COMBINE(window_stage, C2P_WINDOW, P2C_STAGE)
COMBINE(runs_stage, C2P_RUNS, P2C_STAGE)

#define ROWS_WITHOUT_GATHER                                                                        \
    ROW("window-skew", window_skew, UNROLL, "c2p by load and permute; p2c skewed, in registers"),  \
        ROW("runs-skew", runs_skew, UNROLL, "c2p by runs; p2c skewed, in registers"),              \
        ROW("window-skewmem", window_skewmem, UNROLL,                                              \
            "c2p by load and permute; p2c skewed a few rows at a time, rings kept in memory"),     \
        ROW("runs-skewmem", runs_skewmem, UNROLL, "c2p by runs; p2c skewed a few rows at a time"), \
        ROW("window-transpose", window_transpose, LANES,                                           \
            "c2p by load and permute; p2c the same for a vector of keys, then transposed"),        \
        ROW("runs-transpose", runs_transpose, LANES, "c2p by runs; p2c permuted, transposed"),     \
        ROW("window-stage", window_stage, UNROLL,                                                  \
            "c2p by load and permute; p2c transposed a strip at a time, then skewed"),             \
        ROW("runs-stage", runs_stage, UNROLL,                                                      \
            "c2p by runs; p2c transposed by strips, then skewed")

#endif
