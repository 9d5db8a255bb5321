/* SPDX-License-Identifier: MIT */
/* Two built programs against each other: tuner/lockstep.h on real processes. */
#ifndef DISENTUNE_COMPARE_H
#define DISENTUNE_COMPARE_H

#include "tuner/lockstep.h"
#include "tuner/machine.h"

struct dt_compare_options {
    const char *base, *head; /* paths of the programs */
    /* "NAME=VALUE" for their environments, end with NULL; NULL: none. */
    const char *const *base_variables, *const *head_variables;
    const struct dt_machine *machine; /* this one: they are bound to its first workers; NULL: they
                                         are not bound */
    struct dt_lockstep_options lockstep;
    void (*progress)(void *context, double seconds); /* spent of the budget; may be NULL */
    void *context;
};

struct dt_comparison {
    struct dt_cell *cells; /* one for each subject, in their order */
    size_t count;
    struct dt_build base, head;
    struct dt_lockstep_outcome outcome;
};

/*
 * Compares the programs on each subject: an operation on a problem, by its number of threads; with
 * a variant, which may have a tile, where it is forced. The caller releases *comparison with
 * dt_comparison_clear(), also after an error. DT_INVALID and DT_IO: a program cannot be compared
 * (tuner/peer.h). DT_FAILED: one crashed, hung or answered nonsense. DT_NO_MEMORY. No process
 * remains.
 */
enum dt_status dt_compare_builds(const struct dt_compare_options *options,
                                 const struct dt_subject *subjects, size_t count,
                                 struct dt_comparison *comparison, struct dt_error *error);

/* dt_compare_builds(), or what a test puts in its place. */
typedef enum dt_status dt_compare_fn(const struct dt_compare_options *options,
                                     const struct dt_subject *subjects, size_t count,
                                     struct dt_comparison *comparison, struct dt_error *error);

void dt_comparison_clear(struct dt_comparison *comparison);

/* What counts as a change on a machine like this: DT_JUDGE_DELTA_QUIET, or _SHARED where it may be
 * virtual. */
double dt_compare_delta(const struct dt_machine *machine);

#endif
