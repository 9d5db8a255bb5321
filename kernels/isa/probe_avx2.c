/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx2.h"

#include "kernels/isa/probe_ideas.h"
#include "kernels/variant.h"

static const struct dt_variant rows[] = {
    {
        .name = "probe.avx2",
        .idea = "peak multiply-add, load bandwidth and contiguous add with 8 lanes",
        .op = DT_OP_PROBE,
        .level = DT_CPU_AVX2,
        .run.probe = probe_run,
    },
};

const struct dt_variant_table dt_probe_avx2 = {rows, sizeof rows / sizeof *rows};
