/* SPDX-License-Identifier: MIT */
#include "kernels/plan.h"

#include "kernels/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *dt_step_name(enum dt_step step)
{
    static const char *const names[] = {
        [DT_STEP_FORCED] = "forced",
        [DT_STEP_EXACT] = "exact record",
        [DT_STEP_SHAPE] = "nearest shape",
        [DT_STEP_UARCH] = "same microarchitecture",
        [DT_STEP_LEVEL] = "same instruction sets",
        [DT_STEP_HEURISTIC] = "built-in heuristic",
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

bool dt_choice_has_parts(const struct dt_choice *choice)
{
    return choice->variant->op == DT_OP_ATTENTION && choice->variant->strategy != DT_DIRECT;
}

const struct dt_variant **dt_choice_part(struct dt_choice *choice, enum dt_op op)
{
    return op == DT_OP_GEMM      ? &choice->gemm
           : op == DT_OP_BIAS    ? &choice->bias
           : op == DT_OP_SOFTMAX ? &choice->softmax
                                 : NULL;
}

bool dt_chunk_fits(const struct dt_choice *choice)
{
    const int32_t chunk = choice->chunk, rows = choice->tile.rows;
    return chunk == 0 || (dt_choice_has_parts(choice) && chunk > 0 && chunk <= DT_MAX_LENGTH &&
                          (rows == 0 || chunk % rows == 0));
}

const char *dt_choice_print(const struct dt_choice *choice, char text[DT_CHOICE_TEXT_MAX])
{
    const struct dt_variant *const parts[] = {choice->gemm, choice->bias, choice->softmax};
    int length = snprintf(text, DT_CHOICE_TEXT_MAX, "%s tile %dx%d", choice->variant->name,
                          choice->tile.rows, choice->tile.cols);
    if (choice->chunk)
        length += snprintf(text + length, DT_CHOICE_TEXT_MAX - (size_t)length, " chunk %d",
                           choice->chunk);
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
        if (parts[n])
            length +=
                snprintf(text + length, DT_CHOICE_TEXT_MAX - (size_t)length, " %s", parts[n]->name);
    return text;
}

struct dt_problem dt_problem_class(enum dt_op op, const struct dt_problem *problem)
{
    struct dt_problem class = *problem;
    if (op == DT_OP_BIAS) {
        class.batch = class.heads = 1;
        class.dim = 64;
        class.mask = DT_MASK_NONE;
    } else if (op == DT_OP_GEMM) {
        class = (struct dt_problem){.batch = 1,
                                    .heads = 1,
                                    .nq = problem->nq,
                                    .nk = problem->nk,
                                    .dim = problem->dim,
                                    .bucket = DT_LINEAR,
                                    .span = 1};
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
    {"direct", {0, 0}},
    {"active-rows", {64, 64}},
    {"window-stagger", {64, 0}},
    {"window-skew", {64, 0}},
    {"window-transpose", {64, 0}},
    {"gather-skew", {64, 0}},
    {"gather-transpose", {64, 0}},
    {"lanes-skew", {64, 0}},
    {"window-gather", {0, 0}},
    {"gather", {0, 0}},
    {"libxsmm", {64, 64}},
    {"6x4", {64, 64}},
    {"8x3", {64, 64}},
    {"14x2", {64, 64}},
    {"12x2", {64, 64}},
    {"6x2", {64, 64}},
    {"4x3", {64, 64}},
    {"table", {0, 0}},
    {"poly", {0, 0}},
    {"sleef", {0, 0}},
    {"plain", {0, 0}},
};

bool dt_part_fits(const struct dt_variant *attention, const struct dt_variant *part)
{
    return attention->form != DT_FUSED || part->op != DT_OP_BIAS || part->run_peaks;
}

/* What a choice can ask of a problem. */
enum { IS_SPREAD = 1 << 0, IS_LINEAR = 1 << 1, IS_LONG = 1 << 2 };

enum { LONG = 2048 };

/* Strips walk down the rows of scores and tables. Rows of a multiple of 2 KiB lie in two sets of a
 * first level of 64, where a strip evicts what it has just read. */
static bool is_spread(const struct dt_problem *problem)
{
    return (size_t)problem->nk * sizeof(float) % 2048 != 0;
}

/*
 * What comes before these, for up to so many keys: with AVX-512, and on processors of a quirk. The
 * first that holds counts.
 *
 * AVX-512: measured on Zen 5 for 16 to 4096 queries and keys. Most are within 4 % of the best
 * there, all within 8 % but key-major with linear buckets (18 %); what the ranking has is 10 to 35
 * % behind, and more than twice as slow for 1024 keys and multiples of it. On Sapphire Rapids they
 * are what won (see bias_ideas.h). Attention of 4096 is 2 % faster in blocks of 128 x 128 than by
 * rows, of 2200 less than 1 %.
 *
 * Slow gathers: measured on Zen 3 (log:256:512), where each is within some 3 % of the best plan of
 * the lengths that were tried, and what the ranking has up to 40 % behind for short problems, twice
 * as long beyond 700 keys. Of an attention that goes for products alone, since the best
 * gather-and-add is another within it: libxsmm's are 5 to 10 % slower for 16 keys, but from 24 on
 * 20 to 30 % faster.
 */
static const struct {
    const char *name;
    struct dt_tile tile;
    uint32_t quirk;
    int32_t longest;
    unsigned when;
} exceptions[] = {
    {"bias.avx512.runs-skew", {0, 0}, 0, 24, 0},
    {"bias.avx512.runs-blocks", {128, 256}, 0, 1024, IS_LINEAR},
    {"bias.avx512.runs-blocks", {0, 0}, 0, DT_MAX_LENGTH, IS_LINEAR},
    {"bias.avx512.runs-skew", {0, 0}, 0, 1024, IS_SPREAD},
    {"bias.avx512.runs-blocks", {128, 256}, 0, 600, 0},
    {"bias.avx512.window-blocks", {0, 0}, 0, DT_MAX_LENGTH, 0},
    {"bias.avx512.runs-transpose", {0, 0}, 0, 320, 0},
    {"bias.avx512.runs-stage", {0, 0}, 0, DT_MAX_LENGTH, IS_SPREAD},
    {"bias.avx512.runs-transpose", {64, 0}, 0, 600, 0},
    {"bias.avx512.window-transpose", {16, 0}, 0, DT_MAX_LENGTH, 0},
    {"attention.avx512.active-online", {128, 128}, 0, DT_MAX_LENGTH, IS_LONG},
    {"bias.avx2.runs-skew", {64, 0}, DT_QUIRK_SLOW_GATHER, 20, 0},
    {"bias.avx2.runs-blocks", {64, 0}, DT_QUIRK_SLOW_GATHER, 900, 0},
    {"bias.avx2.window-blocks", {64, 0}, DT_QUIRK_SLOW_GATHER, DT_MAX_LENGTH, 0},
    {"bias.avx2.runs-transpose", {64, 0}, DT_QUIRK_SLOW_GATHER, 320, 0},
    {"bias.avx2.window-stage", {0, 64}, DT_QUIRK_SLOW_GATHER, 1100, 0},
    {"bias.avx2.runs-stage", {128, 0}, DT_QUIRK_SLOW_GATHER, DT_MAX_LENGTH, 0},
    {"gemm.avx2.6x2", {64, 64}, DT_QUIRK_SLOW_GATHER, 16, 0},
};

enum { EXCEPTIONS = sizeof exceptions / sizeof *exceptions };

static bool holds(size_t e, const struct dt_problem *problem)
{
    const uint32_t quirk = exceptions[e].quirk;
    const unsigned is = (is_spread(problem) ? IS_SPREAD : 0u) |
                        (problem->bucket == DT_LINEAR ? IS_LINEAR : 0u) |
                        (problem->nq > LONG && problem->nk > LONG ? IS_LONG : 0u);
    return (dt_cpu_host()->quirks & quirk) == quirk && problem->nk <= exceptions[e].longest &&
           (is & exceptions[e].when) == exceptions[e].when;
}

/* Of few queries attention takes smaller tiles: more slots are reached from 64 of them than from
 * 32, and there is no saving by larger blocks. By 3 to 10 % on Zen 3 for 64 to 128 queries, by 2 to
 * 4 % on Zen 5 for 32. */
enum { FEW_QUERIES = 128, VERY_FEW_QUERIES = 32 };

static struct dt_tile ranked_tile(size_t rank, const struct dt_problem *problem)
{
    if (strcmp(ranking[rank].idea, "active-rows") != 0 || problem->nq > FEW_QUERIES)
        return ranking[rank].tile;
    return problem->nq > VERY_FEW_QUERIES ? (struct dt_tile){32, 32} : (struct dt_tile){16, 32};
}

static bool applies(const struct dt_variant *variant, enum dt_op op, const struct dt_variant *user,
                    const struct dt_problem *problem, const struct dt_delta *delta)
{
    return variant && dt_variant_applies(variant, op, problem, delta) &&
           (!user || dt_part_fits(user, variant));
}

/* The first exception of an operation and an instruction set. */
static bool best_exception(enum dt_op op, uint32_t level, const struct dt_problem *problem,
                           const struct dt_delta *delta, struct dt_choice *choice)
{
    for (size_t e = 0; e < EXCEPTIONS; e++) {
        const struct dt_variant *variant = dt_variant_find(exceptions[e].name);
        if (holds(e, problem) && variant && variant->level == level &&
            applies(variant, op, NULL, problem, delta)) {
            *choice = (struct dt_choice){.variant = variant, .tile = exceptions[e].tile};
            return true;
        }
    }
    return false;
}

/* The best of an operation; `user`, if not NULL, is the attention that it shall be a part of. */
static enum dt_status best_ranked(enum dt_op op, const struct dt_variant *user,
                                  const struct dt_problem *problem, const struct dt_delta *delta,
                                  struct dt_choice *choice, struct dt_error *error)
{
    static const uint32_t levels[] = {DT_CPU_AVX512, DT_CPU_AVX2, DT_CPU_NEON, 0};
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++) {
        if ((!user || op == DT_OP_GEMM) && best_exception(op, levels[l], problem, delta, choice))
            return DT_OK;
        for (size_t r = 0; r < sizeof ranking / sizeof *ranking; r++) {
            char name[64];
            snprintf(name, sizeof name, "%s.%s.%s", dt_op_name(op), dt_cpu_level_name(levels[l]),
                     ranking[r].idea);
            const struct dt_variant *variant = dt_variant_find(name);
            if (applies(variant, op, user, problem, delta)) {
                *choice = (struct dt_choice){.variant = variant, .tile = ranked_tile(r, problem)};
                return DT_OK;
            }
        }
    }
    char text[DT_PROBLEM_TEXT_MAX];
    return dt_error_set(error, DT_UNSUPPORTED, "no variant of %s in this build computes \"%s\"",
                        dt_op_name(op), dt_problem_print(problem, text));
}

enum dt_status dt_choice_fill_parts(const struct dt_problem *problem, const struct dt_delta *delta,
                                    struct dt_choice *choice, struct dt_error *error)
{
    static const enum dt_op parts[] = {DT_OP_GEMM, DT_OP_BIAS, DT_OP_SOFTMAX};
    if (!dt_choice_has_parts(choice))
        return DT_OK;
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++) {
        struct dt_choice part;
        const struct dt_variant **place = dt_choice_part(choice, parts[n]);
        struct dt_problem class = dt_problem_class(parts[n], problem);
        class.layout = DT_SLOT_MAJOR;
        if (*place || (parts[n] == DT_OP_BIAS && problem->terms == 0))
            continue;
        enum dt_status status = best_ranked(parts[n], choice->variant, &class, delta, &part, error);
        if (status)
            return status;
        *place = part.variant;
    }
    return DT_OK;
}

enum dt_status dt_choice_heuristic(enum dt_op op, const struct dt_problem *problem,
                                   const struct dt_delta *delta, struct dt_choice *choice,
                                   struct dt_error *error)
{
    enum dt_status status = best_ranked(op, NULL, problem, delta, choice, error);
    return status ? status : dt_choice_fill_parts(problem, delta, choice, error);
}

struct dt_tile dt_tile_heuristic(const struct dt_variant *variant, const struct dt_problem *problem)
{
    const char *name = variant->name;
    for (size_t e = 0; e < EXCEPTIONS; e++)
        if (strcmp(name, exceptions[e].name) == 0 && holds(e, problem))
            return exceptions[e].tile;
    const char *idea = strchr(name, '.');
    idea = idea ? strchr(idea + 1, '.') : NULL;
    for (size_t r = 0; idea && r < sizeof ranking / sizeof *ranking; r++)
        if (strcmp(idea + 1, ranking[r].idea) == 0)
            return ranked_tile(r, problem);
    return (struct dt_tile){0, 0};
}
