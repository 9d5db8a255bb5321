/* SPDX-License-Identifier: MIT */
/*
 * The comparison of builds, applied where the truth is known: a program against itself, run after
 * run, or against itself slowed down (kernels/slowdown.h). What it finds is judged by
 * reports/trials.h.
 */
#ifndef DISENTUNE_SELFTEST_H
#define DISENTUNE_SELFTEST_H

#include "reports/trials.h"
#include "tuner/compare.h"

struct dt_selftest_options {
    const char *program; /* both BASE and HEAD */
    double slowdown;     /* of HEAD, 0.05 for 5 %; 0: A/A. Needs a program of -Dslowdown=true */
    size_t runs;
    struct dt_compare_options compare; /* without programs and variables; lockstep.seed is that of
                                          the first run */
    dt_compare_fn *run;
    void (*progress)(void *context, size_t done, size_t alarms); /* after each run; may be NULL */
    void *context;
};

struct dt_selftest {
    struct dt_trial suite;  /* of all cells together: a run is an alarm if any cell is red */
    struct dt_trial *cells; /* one for each subject */
    size_t count;
    struct dt_build build;
    bool stopped; /* before all runs; one that was interrupted does not count */
};

/*
 * Makes the runs one after another. The caller releases *selftest with dt_selftest_clear(), also
 * after an error. Errors are those of the comparison; DT_FAILED too if the program computes wrong
 * numbers.
 */
enum dt_status dt_selftest_run(const struct dt_selftest_options *options,
                               const struct dt_subject *subjects, size_t count,
                               struct dt_selftest *selftest, struct dt_error *error);
void dt_selftest_clear(struct dt_selftest *selftest);

/* Whether DISENTUNE_SLOWDOWN slows the program down. DT_INVALID, which says how to build one that
 * it does. DT_IO, DT_FAILED, DT_NO_MEMORY: it cannot be asked. */
enum dt_status dt_selftest_can_slow(const char *program, struct dt_error *error);

#endif
