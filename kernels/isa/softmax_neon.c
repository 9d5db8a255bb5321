/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_neon.h"

#define V_SLEEF_EXP Sleef_expf4_u10advsimd
#include "kernels/isa/softmax_ideas.h"

SOFTMAX(poly, EXP_POLY)
#ifdef DT_HAVE_SLEEF
SOFTMAX(sleef, EXP_SLEEF)
#endif

#define ROW(row_name, function, text)                                                              \
    {                                                                                              \
        .name = "softmax.neon." row_name, .idea = text, .op = DT_OP_SOFTMAX, .level = DT_CPU_NEON, \
        .error_eps = 4, .run.softmax = function                                                    \
    }

static const struct dt_variant rows[] = {
    ROW("poly", poly, "exp by a polynomial of degree 6"),
#ifdef DT_HAVE_SLEEF
    ROW("sleef", sleef, "exp by SLEEF, within 1 ULP"),
#endif
};

const struct dt_variant_table dt_softmax_neon = {rows, sizeof rows / sizeof *rows};
