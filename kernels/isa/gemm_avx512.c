/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx512.h"

#define ISA "avx512"
#define LEVEL DT_CPU_AVX512
#include "kernels/isa/gemm_ideas.h"

#define LIST(DO) EACH_14(DO, 1) EACH_14(DO, 2) EACH_8(DO, 3) EACH_6(DO, 4)
BLOCKS(LIST)

RESOLVE(14, 2)
RESOLVE(8, 3)
RESOLVE(6, 4)
RESOLVE(12, 2)

static const struct dt_variant rows[] = {
    ROW(14, 2, "blocks of up to 14 rows of 32 columns in registers"),
    ROW(12, 2, "blocks of up to 12 rows of 32 columns in registers"),
    ROW(8, 3, "blocks of up to 8 rows of 48 columns in registers"),
    ROW(6, 4, "blocks of up to 6 rows of 64 columns in registers"),
};

const struct dt_variant_table dt_gemm_avx512 = {rows, sizeof rows / sizeof *rows};
