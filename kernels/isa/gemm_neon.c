/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_neon.h"

#define ISA "neon"
#define LEVEL DT_CPU_NEON
#include "kernels/isa/gemm_ideas.h"

#define LIST(DO) EACH_12(DO, 1) EACH_12(DO, 2) EACH_8(DO, 3) EACH_6(DO, 4)
BLOCKS(LIST)

RESOLVE(8, 3)
RESOLVE(6, 4)
RESOLVE(12, 2)

static const struct dt_variant rows[] = {
    ROW(8, 3, "blocks of up to 8 rows of 12 columns in registers"),
    ROW(6, 4, "blocks of up to 6 rows of 16 columns in registers"),
    ROW(12, 2, "blocks of up to 12 rows of 8 columns in registers"),
};

const struct dt_variant_table dt_gemm_neon = {rows, sizeof rows / sizeof *rows};
