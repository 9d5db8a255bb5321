/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx2.h"

#define ISA "avx2"
#define LEVEL DT_CPU_AVX2
#include "kernels/isa/gemm_ideas.h"

#define LIST(DO) EACH_12(DO, 1) EACH_6(DO, 2) EACH_4(DO, 3)
BLOCKS(LIST)

RESOLVE(6, 2)
RESOLVE(4, 3)

static const struct dt_variant rows[] = {
    ROW(6, 2, "blocks of up to 6 rows of 16 columns in registers"),
    ROW(4, 3, "blocks of up to 4 rows of 24 columns in registers"),
};

const struct dt_variant_table dt_gemm_avx2 = {rows, sizeof rows / sizeof *rows};
