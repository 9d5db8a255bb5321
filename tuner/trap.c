/* SPDX-License-Identifier: MIT */
#include "tuner/trap.h"

#include "tuner/abi.h"

#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>

static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
enum { SIGNALS = sizeof signals / sizeof *signals };

static struct sigaction before[SIGNALS];
static _Thread_local sigjmp_buf *volatile landing; /* NULL outside dt_trap_call() */
static _Thread_local volatile struct dt_trap caught;

static void on_signal(int signal, siginfo_t *info, void *context)
{
    (void)context;
    if (!landing) {
        for (int n = 0; n < SIGNALS; n++)
            if (signals[n] == signal)
                sigaction(signal, &before[n], NULL);
        return; /* the instruction faults again, now with the handler from before */
    }
    caught.signal = signal;
    caught.address = info->si_addr;
    siglongjmp(*landing, 1);
}

void dt_trap_begin(void)
{
    /* SA_NODEFER: the handler leaves by a jump that does not restore the signal mask */
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigemptyset(&action.sa_mask);
    for (int n = 0; n < SIGNALS; n++)
        sigaction(signals[n], &action, &before[n]);
}

void dt_trap_end(void)
{
    for (int n = 0; n < SIGNALS; n++)
        sigaction(signals[n], &before[n], NULL);
}

struct dt_trap dt_trap_call(dt_abi_fn *fn, const void *const args[DT_ABI_ARGS])
{
    sigjmp_buf here;
    fenv_t environment;
    fegetenv(&environment);
    if (sigsetjmp(here, 0) == 0) {
        landing = &here;
        const uint32_t abi = dt_abi_call(fn, args);
        landing = NULL;
        return (struct dt_trap){.abi = abi};
    }
    landing = NULL;
    fesetenv(&environment);
    return (struct dt_trap){.signal = caught.signal, .address = caught.address};
}
