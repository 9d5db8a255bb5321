/* SPDX-License-Identifier: MIT */
/*
 * Validators for the trials of plans, each made once: all long problems of the same settings are
 * validated alike, and the reference of one takes a third of a second.
 */
#ifndef DISENTUNE_VALIDATORS_H
#define DISENTUNE_VALIDATORS_H

#include "tuner/validate.h"

/* More than one problem uses at a time. */
enum { DT_VALIDATORS_MAX = 8 };

struct dt_validators {
    struct {
        enum dt_op op;
        struct dt_problem problem;
        uint64_t seed;
        struct dt_validator *validator; /* NULL: a free place; owned */
    } kept[DT_VALIDATORS_MAX];
    size_t next; /* place that is given up */
};

/*
 * A validator of the problem, of which lengths, batch and heads are cut: of attention to a block of
 * the longest tile and a short one or, with `closely`, to two such blocks, of other operations past
 * the longest tile. It stays until DT_VALIDATORS_MAX others were asked for. Errors of
 * dt_validate_open().
 */
enum dt_status dt_validators_get(struct dt_validators *validators, enum dt_op op,
                                 const struct dt_problem *problem, bool closely, uint64_t seed,
                                 struct dt_validator **validator, struct dt_error *error);

void dt_validators_clear(struct dt_validators *validators);

#endif
