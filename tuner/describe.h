/* SPDX-License-Identifier: MIT */
/* Points of reference of a race, and what a runner becomes in a record. */
#ifndef DISENTUNE_DESCRIBE_H
#define DISENTUNE_DESCRIBE_H

#include "tuner/race.h"
#include "tuner/tune.h"

/* Indices of runners; SIZE_MAX where there is none. */
struct dt_references {
    size_t scalar;
    size_t ceiling;         /* bias: the probe */
    size_t c2c, one_thread; /* attention: see dt_record */
    struct {
        uint32_t level;
        size_t gather[2]; /* bias, by layout */
        size_t autovec;   /* bias */
        size_t peak;      /* operations with products: multiply-adds */
    } set[4];
    size_t sets;
};

#define DT_REFERENCES_NONE                                                                         \
    {                                                                                              \
        .scalar = SIZE_MAX, .ceiling = SIZE_MAX, .c2c = SIZE_MAX, .one_thread = SIZE_MAX           \
    }

/* Lets the scalar loop enter, unless a call of it would take more than `most_seconds`, and the
 * ceilings; for bias also the gather and the loop left to the compiler of each instruction set.
 * Errors of dt_race_add_reference(). */
enum dt_status dt_references_add(struct dt_race *race, double most_seconds,
                                 struct dt_references *references, struct dt_error *error);

/* Appends a record of each variant at its best choice; with DT_GOAL_WINNER one is the winner.
 * DT_NO_MEMORY; then records are as they were. */
enum dt_status dt_describe_all(const struct dt_tuner *tuner, const struct dt_race *race,
                               const struct dt_references *references, struct dt_records *records,
                               struct dt_error *error);

#endif
