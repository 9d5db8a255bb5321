/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_neon.h"

#include "kernels/isa/probe_ideas.h"
#include "kernels/variant.h"

static const struct dt_variant rows[] = {
    {
        .name = "probe.neon",
        .idea = "peak multiply-add, load bandwidth and contiguous add with 4 lanes",
        .op = DT_OP_PROBE,
        .level = DT_CPU_NEON,
        .run.probe = probe_run,
    },
};

const struct dt_variant_table dt_probe_neon = {rows, sizeof rows / sizeof *rows};
