/* SPDX-License-Identifier: MIT */
#include "kernels/plan.h"

#include "kernels/error.h"

#include <stdio.h>
#include <string.h>

const char *dt_step_name(enum dt_step step)
{
    static const char *const names[] = {
        [DT_STEP_FORCED] = "forced",      [DT_STEP_EXACT] = "exact record",
        [DT_STEP_SHAPE] = "nearest shape", [DT_STEP_UARCH] = "same microarchitecture",
        [DT_STEP_LEVEL] = "same instruction sets", [DT_STEP_HEURISTIC] = "built-in heuristic",
    };
    return names[step];
}

static bool side_fits(int32_t side, int32_t multiple)
{
    return side >= 0 && side <= DT_MAX_LENGTH && (multiple == 0 || side % multiple == 0);
}

bool dt_tile_fits(const struct dt_variant *variant, struct dt_tile tile)
{
    return side_fits(tile.rows, variant->rows_multiple) &&
           side_fits(tile.cols, variant->cols_multiple);
}

const char *dt_choice_print(const struct dt_choice *choice, char text[DT_CHOICE_TEXT_MAX])
{
    snprintf(text, DT_CHOICE_TEXT_MAX, "%s tile %dx%d", choice->variant->name, choice->tile.rows,
             choice->tile.cols);
    return text;
}

struct dt_problem dt_problem_class(enum dt_op op, const struct dt_problem *problem)
{
    struct dt_problem class = *problem;
    if (op == DT_OP_BIAS) {
        class.batch = class.heads = 1;
        class.dim = 64;
        class.mask = DT_MASK_NONE;
    } else {
        class.layout = DT_SLOT_MAJOR;
    }
    return class;
}

/* Ideas from best to worst where nothing was measured, and the rows of their tile. */
static const struct {
    const char *idea;
    struct dt_tile tile;
} ranking[] = {
    {"window-skew", {64, 0}},
    {"gather-skew", {64, 0}},
    {"window-transpose", {64, 0}},
    {"gather", {0, 0}},
    {"plain", {0, 0}},
};

enum dt_status dt_choice_heuristic(enum dt_op op, const struct dt_problem *problem,
                                   const struct dt_delta *delta, struct dt_choice *choice,
                                   struct dt_error *error)
{
    static const uint32_t levels[] = {DT_CPU_AVX512, DT_CPU_AVX2, DT_CPU_NEON, 0};
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)
        for (size_t r = 0; r < sizeof ranking / sizeof *ranking; r++) {
            char name[64];
            snprintf(name, sizeof name, "%s.%s.%s", dt_op_name(op), dt_cpu_level_name(levels[l]),
                     ranking[r].idea);
            const struct dt_variant *variant = dt_variant_find(name);
            if (variant && dt_variant_applies(variant, op, problem, delta)) {
                *choice = (struct dt_choice){variant, ranking[r].tile};
                return DT_OK;
            }
        }
    char text[DT_PROBLEM_TEXT_MAX];
    return dt_error_set(error, DT_UNSUPPORTED, "no variant of %s in this build computes \"%s\"",
                        dt_op_name(op), dt_problem_print(problem, text));
}

void dt_bias_run(const struct dt_choice *choice, const struct dt_problem *p,
                 const struct dt_delta *delta, const struct dt_bias *o)
{
    if (p->terms == 0)
        return;
    struct dt_bias_args args = {
        .scores_stride = o->scores_row,
        .c2p_stride = o->c2p_row,
        .p2c_stride = o->p2c_row,
        .layout = p->layout,
        .nq = p->nq,
        .nk = p->nk,
        .delta = delta,
        .origin = p->nq - 1,
        .tile = choice->tile,
    };
    for (int32_t b = 0; b < p->batch; b++)
        for (int32_t h = 0; h < p->heads; h++) {
            args.scores = o->scores + b * o->scores_batch + h * o->scores_head;
            if (p->terms & DT_C2P)
                args.c2p = o->c2p + b * o->c2p_batch + h * o->c2p_head;
            if (p->terms & DT_P2C)
                args.p2c = o->p2c + b * o->p2c_batch + h * o->p2c_head;
            choice->variant->run.bias(&args);
        }
}
