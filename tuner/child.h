/* SPDX-License-Identifier: MIT */
/* Work in a process of its own: it may crash, hang or overwrite its memory and harms nobody. */
#ifndef DISENTUNE_CHILD_H
#define DISENTUNE_CHILD_H

#include "tuner/machine.h"
#include "tuner/race.h"
#include "tuner/validate.h"

enum dt_child_end {
    DT_CHILD_DONE,
    DT_CHILD_KILLED, /* by a signal */
    DT_CHILD_HUNG,   /* ended by force when its time was over */
    DT_CHILD_LEFT,   /* by _exit() or the like */
};

struct dt_child_result {
    enum dt_child_end end;
    int signal; /* DT_CHILD_KILLED */
};

/*
 * Runs work(context, answer) in a copy of this process, at most `seconds` long. What it writes to
 * answer[0 ... size) comes back, however it ends; nothing else does. It runs in a thread of its
 * own, which may use OpenMP, and its process ends with the caller's thread. It must not print.
 * DT_NO_MEMORY if there can be no further process; then answer is untouched.
 */
enum dt_status dt_child_run(void (*work)(void *context, void *answer), void *context, void *answer,
                            size_t size, double seconds, struct dt_child_result *result,
                            struct dt_error *error);

/* In a child: moves what is allocated from now on, by pages and within a page. */
void dt_child_move_memory(uint64_t seed);

/* The trial of a candidate. */
struct dt_attempt {
    struct dt_validator *validator; /* NULL: it passed before, or need not */
    const struct dt_runner *runner;
    enum dt_status status; /* of dt_validate_run() or dt_ready_init(): there is no verdict */
    struct dt_error error;
    struct dt_verdict verdict;
};

/*
 * Tries candidates in a child, one after the other: dt_validate_run() of a runner's choice, and
 * then one call of it on the runner's own workload and number of threads. A crash, a hang or a
 * failed validation is a verdict that is not passed and says so; the others are tried in another
 * child then. None is begun after the time `until`, by dt_clock_ns(), but the first
 * one: *tried is how many were. `machine`: where a team of several threads is bound to; may be
 * NULL. `seconds`: after which one candidate hangs; 0 stands for dt_child_limit(). Errors are those
 * of dt_child_run().
 */
enum dt_status dt_child_try(struct dt_attempt *trials, size_t count,
                            const struct dt_machine *machine, double seconds, double until,
                            size_t *tried, struct dt_error *error);

/* Seconds after which a trial on this workload hangs for sure: many times what the slowest loop
 * takes. */
double dt_child_limit(const struct dt_workload *workload);

#endif
