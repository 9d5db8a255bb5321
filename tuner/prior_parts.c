/* SPDX-License-Identifier: MIT */
#include "tuner/prior_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FMA_LATENCY = 4 };

const char *dt_prior_idea(const struct dt_variant *variant)
{
    const char *dot = strchr(variant->name, '.');
    dot = dot ? strchr(dot + 1, '.') : NULL;
    return dot ? dot + 1 : "";
}

/* ---- Products -------------------------------------------------------------------------- */

/* A block of R rows and V vectors that stays in registers. */
static double block_cycles(const struct dt_prior_set *set, double rows, double vectors, double k,
                           bool accumulate)
{
    const double sums = rows * vectors;
    const double each =
        fmax(fmax(sums / set->fmas, (rows + vectors) / set->loads), (double)FMA_LATENCY);
    const double stores = sums / set->stores + (accumulate ? sums / set->loads : 0);
    return k * each + stores + 8;
}

/* As run_blocks() of kernels/isa/gemm_ideas.h cuts it. */
static double blocks_cycles(const struct dt_prior_set *set, int32_t rows, int32_t width, double m,
                            double n, double k, bool accumulate)
{
    const double down = dt_ceil_div(m, rows), tall = dt_ceil_div(m, down);
    const double low = down * tall - m, high = down - low;
    const double vectors = dt_ceil_div(n, set->lanes), across = dt_ceil_div(vectors, width);
    const double wide = dt_ceil_div(vectors, across), narrow = across * wide - vectors;
    double cycles = 0;
    for (int r = 0; r < 2; r++)
        for (int v = 0; v < 2; v++) {
            const double count = (r ? low : high) * (v ? narrow : across - narrow);
            if (count > 0)
                cycles += count * block_cycles(set, tall - r, wide - v, k, accumulate);
        }
    return cycles;
}

double dt_prior_gemm(const struct dt_prior *prior, const struct dt_variant *gemm, double m,
                     double n, double k, bool accumulate)
{
    const struct dt_prior_set *set = dt_prior_set_of(prior, gemm->level);
    const char *idea = dt_prior_idea(gemm);
    if (set->lanes == 1)
        return m * n * k * FMA_LATENCY;
    char *end;
    const long rows = strtol(idea, &end, 10), vectors = *end == 'x' ? strtol(end + 1, NULL, 10) : 0;
    if (rows > 0 && vectors > 0)
        return blocks_cycles(set, (int32_t)rows, (int32_t)vectors, m, n, k, accumulate);
    /* machine code for the very shape */
    const double made = strcmp(idea, "libxsmm") == 0 ? 0.96 : 1;
    const double usual = set->lanes > 8 ? blocks_cycles(set, 6, 4, m, n, k, accumulate)
                                        : blocks_cycles(set, 6, 2, m, n, k, accumulate);
    return made * usual;
}

/* ---- Softmax --------------------------------------------------------------------------- */

static double exp_operations(const struct dt_variant *softmax)
{
    static const struct {
        const char *idea;
        double operations;
    } exps[] = {{"poly", 17}, {"table", 15.5}, {"sleef", 36}};
    for (size_t n = 0; n < sizeof exps / sizeof *exps; n++)
        if (strcmp(dt_prior_idea(softmax), exps[n].idea) == 0)
            return exps[n].operations;
    return 20;
}

double dt_prior_softmax(const struct dt_prior *prior, const struct dt_variant *softmax,
                        enum dt_softmax_pass pass, double rows, double cols, bool masked)
{
    const struct dt_prior_set *set = dt_prior_set_of(prior, softmax->level);
    const double vectors = rows * dt_ceil_div(cols, set->lanes);
    const bool vectorised = set->lanes > 1;
    const double maximum = vectorised ? 4 / set->loads : 3.3;
    const double exponential = vectorised ? exp_operations(softmax) / set->fmas : 10;
    /* the reduction of as many rows as a vector has lanes, which are taken together */
    const double reduction = vectorised ? 15 * dt_ceil_div(rows, set->lanes) : 0;
    const double mask = masked && vectorised ? 1.5 * vectors / set->shuffles : 0;
    switch (pass) {
    case DT_SOFTMAX_MAX:
        return vectors * maximum + reduction + mask;
    case DT_SOFTMAX_EXP:
        return vectors * exponential + reduction + mask;
    case DT_SOFTMAX_ONLINE:
        return vectors * (maximum + exponential) + 3 * reduction + 2 * mask;
    case DT_SOFTMAX_WHOLE:
        break;
    }
    return vectors * (maximum + exponential + 2 / set->stores) + 2 * reduction + 3 * mask;
}
