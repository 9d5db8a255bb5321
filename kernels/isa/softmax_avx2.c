/* SPDX-License-Identifier: MIT */
#include "kernels/isa/vector_avx2.h"

#define V_SLEEF_EXP Sleef_expf8_u10avx2
#include "kernels/isa/softmax_ideas.h"

SOFTMAX(poly, EXP_POLY)
SOFTMAX(table, EXP_TABLE)
#ifdef DT_HAVE_SLEEF
SOFTMAX(sleef, EXP_SLEEF)
#endif

#define ROW(row_name, function, text)                                                              \
    {                                                                                              \
        .name = "softmax.avx2." row_name, .idea = text, .op = DT_OP_SOFTMAX, .level = DT_CPU_AVX2, \
        .error_eps = 4, .run.softmax = function                                                    \
    }

static const struct dt_variant rows[] = {
    ROW("poly", poly, "exp by a polynomial of degree 6"),
    ROW("table", table, "exp by 8 powers in a register and a polynomial of degree 3"),
#ifdef DT_HAVE_SLEEF
    ROW("sleef", sleef, "exp by SLEEF, within 1 ULP"),
#endif
};

const struct dt_variant_table dt_softmax_avx2 = {rows, sizeof rows / sizeof *rows};
