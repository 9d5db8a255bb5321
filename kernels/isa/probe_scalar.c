/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_scalar.h"

#include "kernels/isa/probe_ideas.h"
#include "kernels/variant.h"

static const struct dt_variant rows[] = {
    {
        .name = "probe.scalar",
        .idea = "multiply and add, load bandwidth and contiguous add, one element at a time",
        .op = DT_OP_PROBE,
        .run.probe = probe_run,
    },
};

const struct dt_variant_table dt_probe_scalar = {rows, sizeof rows / sizeof *rows};
