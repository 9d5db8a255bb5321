/* SPDX-License-Identifier: MIT */
/*
 * DISENTUNE_CAPTURE=FILE: what a program asks of the library, as a suite that `disentune tune`
 * reads (tuner/cli/suite.c). For each plan that was called one line is appended to the file, when
 * the plan is freed or, if it still lives, when the program ends by exit() or by returning from
 * main():
 *
 *     b8 h12 q128 k128 d64 log:256:512 c2p+p2c f32 hf mask:lengths \
 *         op:attention threads:2 count:31250
 *
 * Each line is one write to a file opened with O_APPEND: any number of processes may share the
 * file, and whoever reads it sums the lines of one problem. A process that dies of a signal, or
 * leaves by _exit() or exec(), loses what its living plans counted, never a part of a line. A child
 * of fork() counts from 0, so that nothing is written twice. Calls of other threads after exit()
 * has begun may be lost, too. A program that runs with more rights than its caller captures
 * nothing.
 */
#ifndef DISENTUNE_CAPTURE_H
#define DISENTUNE_CAPTURE_H

#include "kernels/variant.h"

#include <stdalign.h>
#include <stdatomic.h>

/*
 * The counters of one plan, each on a cache line of its own. The first threads of the process have
 * one each, to which nobody else writes: a load, an addition and a store, where a locked addition
 * takes several times as long, on a line that others write to as well many times. All later threads
 * share the last.
 */
enum { DT_CAPTURE_OWN = 31, DT_CAPTURE_LINE = 64 };

struct dt_capture {
    struct {
        alignas(DT_CAPTURE_LINE) _Atomic uint64_t calls;
    } slot[DT_CAPTURE_OWN + 1];
    struct dt_capture *next, *previous; /* of all that live */
    uint64_t written;
    enum dt_op op;
    int32_t threads; /* of a call */
    struct dt_problem problem;
};

/* The slot of the calling thread, counted from 1; 0 before its first call. */
extern _Thread_local unsigned dt_capture_thread __attribute__((tls_model("initial-exec")));

/* Numbers the calling thread. */
unsigned dt_capture_number(void);

/*
 * Starts the count of a plan; NULL if DISENTUNE_CAPTURE is unset or empty. The first call settles
 * which file it is. One that cannot be written to is reported on standard error, once, and gives
 * NULL: the program runs on.
 */
struct dt_capture *dt_capture_begin(enum dt_op op, const struct dt_problem *problem,
                                    int32_t threads);

/* Writes the count and frees it. No call may be under way. */
void dt_capture_end(struct dt_capture *capture);

/* One call. Neither allocates nor locks; any number of threads may count at once. */
static inline void dt_capture_call(struct dt_capture *capture)
{
    if (!capture)
        return;
    const unsigned thread = dt_capture_thread ? dt_capture_thread : dt_capture_number();
    _Atomic uint64_t *calls = &capture->slot[thread - 1].calls;
    if (thread <= DT_CAPTURE_OWN)
        atomic_store_explicit(calls, atomic_load_explicit(calls, memory_order_relaxed) + 1,
                              memory_order_relaxed);
    else
        atomic_fetch_add_explicit(calls, 1, memory_order_relaxed);
}

#endif
