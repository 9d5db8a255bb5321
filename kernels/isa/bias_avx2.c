/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx2.h"

#define ISA "avx2"
#define LEVEL DT_CPU_AVX2
#include "kernels/isa/bias_rows.h"

COMBINE_GATHER

static const struct dt_variant rows[] = {ROW_AUTOVEC, ROWS_WITH_GATHER, ROWS_WITHOUT_GATHER};

const struct dt_variant_table dt_bias_avx2 = {rows, sizeof rows / sizeof *rows};
