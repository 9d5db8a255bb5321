/* SPDX-License-Identifier: MIT */
/* The search space of an attention made of parts, as the axes along which two choices differ. */
#ifndef DISENTUNE_AXES_H
#define DISENTUNE_AXES_H

#include "kernels/plan.h"

enum dt_axis {
    DT_AXIS_FORM,  /* the variant, of the same instruction set: strategy and form of softmax */
    DT_AXIS_TILE,  /* rows x columns of a block of scores */
    DT_AXIS_CHUNK, /* queries of a work item */
    DT_AXIS_GEMM,  /* the parts, of the variant's instruction set or, if there is none, of */
    DT_AXIS_BIAS,  /* a narrower one */
    DT_AXIS_SOFTMAX,
};

#define DT_AXIS_MAX 32

/* What choices are for. */
struct dt_axis_scope {
    const struct dt_problem *problem;
    const struct dt_delta *delta;
    int32_t threads;
    bool (*selects)(const struct dt_variant *, void *); /* of attention; NULL: every variant */
    void *context;
};

/*
 * The choices that differ from *from along one axis and apply, the nearest first; at most
 * DT_AXIS_MAX. Tiles and chunks that the problem is too short to tell apart are there once.
 */
size_t dt_axis_choices(enum dt_axis axis, const struct dt_axis_scope *scope,
                       const struct dt_choice *from, struct dt_choice choices[DT_AXIS_MAX]);

/* The variant with the first part of each kind, tile 64x64. DT_UNSUPPORTED if a part is missing. */
enum dt_status dt_axis_start(const struct dt_axis_scope *scope, const struct dt_variant *variant,
                             struct dt_choice *choice, struct dt_error *error);

bool dt_choice_equal(const struct dt_choice *a, const struct dt_choice *b);

/* The widest instruction set that the variant or a part of it uses. */
uint32_t dt_choice_level(const struct dt_choice *choice);

#endif
