/* SPDX-License-Identifier: MIT */
/* What is measured, stored in tables and run: a variant and its tile for one problem. */
#ifndef DISENTUNE_PLAN_H
#define DISENTUNE_PLAN_H

#include "kernels/variant.h"

/* Whether the variant takes the tile: sides of 0 to DT_MAX_LENGTH, multiples of those of its row
 * (see struct dt_variant). */
bool dt_tile_fits(const struct dt_variant *variant, struct dt_tile tile);

/*
 * A choice, without a problem: the value that a table stores and the tuner ranks.
 *
 * An attention that is made of parts names them. Its tile is the block of queries (rows) and of
 * keys (cols) whose scores are computed at a time; chunk is how many queries make a work item, a
 * multiple of tile.rows or 0 for all. Other operations leave these NULL and 0.
 */
struct dt_choice {
    const struct dt_variant *variant;
    struct dt_tile tile;
    int32_t chunk;
    const struct dt_variant *gemm, *bias, *softmax;
};

/* Whether it is an attention that is made of parts. */
bool dt_choice_has_parts(const struct dt_choice *choice);

/* Where it names its part of that operation: gemm, bias or softmax; NULL for others. */
const struct dt_variant **dt_choice_part(struct dt_choice *choice, enum dt_op op);

/* Whether its chunk is one: 0 for what is not made of parts. */
bool dt_chunk_fits(const struct dt_choice *choice);

/* Whether an attention can be made of this part: the form DT_FUSED takes its maxima from the
 * gather-and-add. What else a part must do, dt_variant_applies() says. */
bool dt_part_fits(const struct dt_variant *attention, const struct dt_variant *part);

/* Where a choice comes from, nearest first. Everything after EXACT is a guess and says so. */
enum dt_step {
    DT_STEP_FORCED,    /* DISENTUNE_FORCE */
    DT_STEP_EXACT,     /* a record of this very problem class from this kind of machine */
    DT_STEP_SHAPE,     /* same cache geometry, nearest shape */
    DT_STEP_UARCH,     /* same microarchitecture */
    DT_STEP_LEVEL,     /* same instruction sets */
    DT_STEP_HEURISTIC, /* built in */
};

const char *dt_step_name(enum dt_step step);

#define DT_CHOICE_TEXT_MAX 256

/* "bias.avx512.window-skew tile 64x0"; at most DT_CHOICE_TEXT_MAX bytes. Returns `text`. */
const char *dt_choice_print(const struct dt_choice *choice, char text[DT_CHOICE_TEXT_MAX]);

/*
 * The problem as far as `op` can tell it apart: fields that do not matter to the operation are
 * set to a fixed value. Records and table keys use it. For bias, that of one head: batch, heads,
 * dimension, mask are fixed. For gemm, the product of one head's queries and keys: m = nq, n = nk,
 * k = dim, and all else is fixed.
 */
struct dt_problem dt_problem_class(enum dt_op op, const struct dt_problem *problem);

/* The choice without any measurement: the variant of the widest usable instruction set that
 * heads the ranking in plan.c. DT_UNSUPPORTED if nothing applies. */
enum dt_status dt_choice_heuristic(enum dt_op op, const struct dt_problem *problem,
                                   const struct dt_delta *delta, struct dt_choice *choice,
                                   struct dt_error *error);

/* Names the parts that an attention choice lacks, as dt_choice_heuristic() would; other choices
 * stay as they are. DT_UNSUPPORTED. */
enum dt_status dt_choice_fill_parts(const struct dt_problem *problem, const struct dt_delta *delta,
                                    struct dt_choice *choice, struct dt_error *error);

/* The tile that the heuristic has for a variant; all of the problem if it has none. */
struct dt_tile dt_tile_heuristic(const struct dt_variant *variant,
                                 const struct dt_problem *problem);

/*
 * The choice that DISENTUNE_FORCE=OP:VARIANT[:ROWSxCOLS[xCHUNK]][:PART]... in the environment makes
 * for `op`. A part is a variant of gemm, bias or softmax that an attention is made of; a tile or
 * part that is not named is the one that the heuristic would take. *forced is false if the variable
 * is unset, empty or names another operation; then, and after an error, the choice is untouched.
 * DT_INVALID (malformed, unknown variant, tile or part that it does not take), DT_UNSUPPORTED (the
 * CPU lacks it or it does not compute the problem).
 */
enum dt_status dt_choice_forced(enum dt_op op, const struct dt_problem *problem,
                                const struct dt_delta *delta, bool *forced,
                                struct dt_choice *choice, struct dt_error *error);

/* The value of DISENTUNE_FORCE that makes the choice: "bias:bias.avx512.window-skew:64x0". Returns
 * `text`. */
const char *dt_choice_print_forced(const struct dt_choice *choice, char text[DT_CHOICE_TEXT_MAX]);

/* What a plan runs; it has no variant if there is nothing to do. Valid as long as the plan. */
const struct dt_choice *dt_plan_choice(const struct dt_plan *plan);

#endif
