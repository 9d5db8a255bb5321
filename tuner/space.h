/* SPDX-License-Identifier: MIT */
/*
 * The search space of one problem: every plan that is worth timing on this machine, as a list. A
 * plan is an index into it, and a point: a value on each of the axes along which plans differ.
 */
#ifndef DISENTUNE_SPACE_H
#define DISENTUNE_SPACE_H

#include "kernels/plan.h"
#include "tuner/prior.h"

enum dt_axis {
    DT_AXIS_FORM, /* the variant; of attention: strategy and form of softmax */
    DT_AXIS_ROWS, /* of the tile */
    DT_AXIS_COLS,
    DT_AXIS_CHUNK, /* queries of a work item of attention */
    DT_AXIS_GEMM,  /* the parts of attention */
    DT_AXIS_BIAS,
    DT_AXIS_SOFTMAX,
    DT_AXES
};

/* "variant", "rows", "columns", "chunk", "gemm", "bias", "softmax". */
const char *dt_axis_name(enum dt_axis axis);

#define DT_AXIS_VALUES 96
#define DT_SPACE_MAX 4096

/* Where a plan lies: the number of its value on each axis, 0 ... DT_AXIS_VALUES - 1. */
struct dt_point {
    int16_t at[DT_AXES];
};

/* On how many axes but `but` two plans differ. */
int dt_point_distance(const struct dt_point *a, const struct dt_point *b, enum dt_axis but);

struct dt_space {
    struct dt_choice *choices; /* the most promising first; owned */
    struct dt_point *points;   /* owned */
    double *predicted;         /* ns of a call, NAN without a model of cost; owned */
    size_t count;              /* at most DT_SPACE_MAX */
    size_t considered;         /* before the least promising were left out */
};

/* What a space is for. */
struct dt_space_scope {
    enum dt_op op;
    const struct dt_problem *problem;
    const struct dt_delta *delta;
    const struct dt_machine *machine;
    int32_t threads;            /* of attention */
    bool every;                 /* of all instruction sets; see below */
    const struct dt_tile *tile; /* the only one; NULL: those that suit */
    bool (*selects)(const struct dt_variant *, void *context); /* NULL: every variant */
    void *context;
    /* The model of cost. NULL: plans promise the less, the more axes there are on which they differ
     * from the heuristic choice. */
    const struct dt_prior *prior;
};

/*
 * Every plan that this CPU runs, whose variant accepts the problem and passes `selects`: the
 * product of its variants, tiles, chunks and parts, without what is the same or cannot apply.
 *
 *     tiles   A side is all of the problem or less, and a multiple of the variant's. Of attention
 *             it is 16 to 128 rows and 32 to 128 columns; otherwise rows from 16 in steps of 2, up
 *             to what keeps one strip and its scores in a worker's share of L2, at least 64, at
 *             most 256, and columns from 64 in steps of 4, up to what keeps 16 rows and their
 *             tables in its share of L1d. A side that the variant ignores is 0. Sides that the
 *             problem is too short to tell apart are there once.
 *     chunks  All queries, few that keep what they share in a cache, and with several threads those
 *             that give each the same number of items.
 *     parts   Of the attention's instruction set or, if there is none, of a narrower one. Without
 *             position terms all strategies are one.
 *
 * Unless `every` is set, attention is of the widest instruction set alone. Its scalar loop is there
 * only if nothing else is. Of more than DT_SPACE_MAX plans
 * the least promising are left out, but not the best few of each value of an axis.
 *
 * The caller releases with dt_space_clear(). No plan at all is no error. DT_NO_MEMORY.
 */
enum dt_status dt_space_init(struct dt_space *space, const struct dt_space_scope *scope,
                             struct dt_error *error);
void dt_space_clear(struct dt_space *space);

/* The index of a choice, space->count if it is not in the space. */
size_t dt_space_find(const struct dt_space *space, const struct dt_choice *choice);

/* The plan of the choice's variant that is nearest to it, its parts before its tile and chunk:
 * which of the sides that a problem is too short to tell apart is in the space, others need not
 * know. space->count without one. */
size_t dt_space_nearest(const struct dt_space *space, const struct dt_choice *choice);

bool dt_choice_equal(const struct dt_choice *a, const struct dt_choice *b);

/* The widest instruction set that the variant or a part of it uses. */
uint32_t dt_choice_level(const struct dt_choice *choice);

/* Orders plans that are equally fast, the preferred one first: that of the narrowest instruction
 * set, then the one that promises most. */
int dt_space_compare(const struct dt_space *space, size_t a, size_t b);

/* ---- For the files that make spaces ---- */

/* A space while it grows. */
struct dt_space_maker {
    const struct dt_space_scope *scope;
    struct dt_space *space;
    size_t room;
    const struct dt_variant *parts[DT_AXES][DT_AXIS_VALUES]; /* values that are variants */
    size_t part_count[DT_AXES];
};

/* Whether the variant is to be in the space. */
bool dt_space_wants(const struct dt_space_maker *maker, const struct dt_variant *variant);

/* Appends a plan; sides and chunk tell their values, the variants are numbered here. False without
 * memory. */
bool dt_space_append(struct dt_space_maker *maker, const struct dt_choice *choice, size_t rows,
                     size_t cols, size_t chunk);

/* Appends every attention. False without memory. */
bool dt_space_add_attention(struct dt_space_maker *maker);

#endif
