/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx512.h"

#include "kernels/isa/bias_ideas.h"
#include "kernels/isa/bias_plain.h"
#include "kernels/variant.h"

static void gather(const struct dt_bias_args *a) { add(C2P_GATHER, P2C_GATHER, a); }
static void window_gather(const struct dt_bias_args *a) { add(C2P_WINDOW, P2C_GATHER, a); }
static void gather_skew(const struct dt_bias_args *a) { add(C2P_GATHER, P2C_SKEW, a); }
static void window_skew(const struct dt_bias_args *a) { add(C2P_WINDOW, P2C_SKEW, a); }
static void runs_skew(const struct dt_bias_args *a) { add(C2P_RUNS, P2C_SKEW, a); }

#define ROW(n, f) {.name = "bias.avx512." n, .idea = n, .op = DT_OP_BIAS, .level = DT_CPU_AVX512, .error_eps = 2, .run.bias = f}
static const struct dt_variant rows[] = {
    ROW("autovec", bias_plain), ROW("gather", gather), ROW("window-gather", window_gather),
    ROW("gather-skew", gather_skew), ROW("window-skew", window_skew), ROW("runs-skew", runs_skew),
};

const struct dt_variant_table dt_bias_avx512 = {rows, sizeof rows / sizeof *rows};
