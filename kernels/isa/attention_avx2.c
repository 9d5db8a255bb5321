/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx2.h"

#define ISA "avx2"
#define LEVEL DT_CPU_AVX2
#include "kernels/isa/attention_direct.h"
#include "kernels/isa/attention_tiles.h"
#include "kernels/variant.h"

static const struct dt_variant rows[] = {TILES_ROWS, DIRECT_ROW};

const struct dt_variant_table dt_attention_avx2 = {rows, sizeof rows / sizeof *rows};
