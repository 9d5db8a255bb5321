/* SPDX-License-Identifier: MIT */
/* Calls that may fault: a memory fault or an illegal instruction becomes a result. */
#ifndef DISENTUNE_TRAP_H
#define DISENTUNE_TRAP_H

#include "tuner/abi.h"

struct dt_trap {
    int signal;          /* 0: the call returned; or SIGSEGV, SIGBUS, SIGILL, SIGFPE */
    const void *address; /* of the fault */
    uint32_t abi;        /* DT_ABI_ bits of a call that returned */
};

/*
 * Between begin and end, dt_trap_call() of the same thread catches the four signals; elsewhere
 * they act as before. One pair at a time in a process. A function that faults is abandoned
 * where it stood: it must own no lock and no memory. The floating-point environment is restored.
 */
void dt_trap_begin(void);
void dt_trap_end(void);

/* Runs dt_abi_call(fn, args). */
struct dt_trap dt_trap_call(dt_abi_fn *fn, const void *const args[DT_ABI_ARGS]);

#endif
