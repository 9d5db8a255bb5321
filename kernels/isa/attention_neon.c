/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_neon.h"

#define ISA "neon"
#define LEVEL DT_CPU_NEON
#include "kernels/isa/attention_direct.h"
#include "kernels/isa/attention_tiles.h"
#include "kernels/variant.h"

static const struct dt_variant rows[] = {TILES_ROWS, DIRECT_ROW};

const struct dt_variant_table dt_attention_neon = {rows, sizeof rows / sizeof *rows};
