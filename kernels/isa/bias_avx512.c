/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx512.h"

#define ISA "avx512"
#define LEVEL DT_CPU_AVX512
#include "kernels/isa/bias_rows.h"

COMBINE_GATHER

static const struct dt_variant rows[] = {ROW_AUTOVEC, ROWS_WITH_GATHER, ROWS_WITHOUT_GATHER};

const struct dt_variant_table dt_bias_avx512 = {rows, sizeof rows / sizeof *rows};
