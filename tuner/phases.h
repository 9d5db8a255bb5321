/* SPDX-License-Identifier: MIT */
/* Where the time of one call of attention goes. */
#ifndef DISENTUNE_PHASES_H
#define DISENTUNE_PHASES_H

#include "reports/record.h"
#include "tuner/workload.h"

struct dt_phase_time {
    double ns;
    double gflops;           /* of the products as they were done; NAN for other phases */
    double share_of_ceiling; /* NAN without one */
    const char *ceiling;     /* "" without one */
};

struct dt_phase_times {
    struct dt_problem problem;
    struct dt_choice choice;
    double call_ns; /* of a call that is not instrumented; the phases add up to it */
    struct dt_phase_time phase[DT_PHASE_COUNT];
};

/*
 * Runs instrumented calls of an attention on one thread and takes the median of each phase; what
 * the clock adds is taken off in proportion. The ceiling of a product is the session's FMA peak of
 * the choice's instruction set; that of add and of softmax, which both read 2 and write 1 number a
 * score at least, is a contiguous x += a + b of as many numbers as there are scores, all in L1.
 * A choice without parts gives no phases: their times are 0. Errors as of dt_workload_init() and
 * dt_ready_init().
 */
enum dt_status dt_phases_measure(const struct dt_session *session, const struct dt_problem *problem,
                                 const struct dt_choice *choice, struct dt_phase_times *times,
                                 struct dt_error *error);

#endif
