/* SPDX-License-Identifier: MIT */
/*
 * Validators for the trials of plans, each made once: all long problems of the same settings are
 * validated alike, and the reference of one takes a third of a second. What passed is remembered,
 * for the same plan is tried for each of these problems and again before the last race.
 */
#ifndef DISENTUNE_VALIDATORS_H
#define DISENTUNE_VALIDATORS_H

#include "tuner/validate.h"

/* More than one problem uses at a time. */
enum { DT_VALIDATORS_MAX = 8 };

struct dt_passed {
    struct dt_choice choice;
    double worst, worst_ulp; /* as of struct dt_verdict */
};

struct dt_validators {
    struct {
        enum dt_op op;
        struct dt_problem problem;
        uint64_t seed;
        struct dt_validator *validator; /* NULL: a free place; owned */
        struct dt_passed *passed;       /* owned */
        size_t count, room;
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

/* What the validator, if it is one of these, found of a choice that passed; NULL if it did not
 * judge it yet. Valid until the next note. */
const struct dt_passed *dt_validators_passed(const struct dt_validators *validators,
                                             const struct dt_validator *validator,
                                             const struct dt_choice *choice);

/* Notes one that passed, unless there is no memory. */
void dt_validators_note(struct dt_validators *validators, const struct dt_validator *validator,
                        const struct dt_choice *choice, const struct dt_verdict *verdict);

void dt_validators_clear(struct dt_validators *validators);

#endif
