/* SPDX-License-Identifier: MIT */
/*
 * How many instructions a call takes, counted by valgrind: a second channel beside the clock, which
 * no neighbour disturbs. It says what was executed, not how long that takes, so that it is shown
 * and never a verdict: a kernel may well be faster with more instructions.
 *
 * A program's `serve` (tuner/protocol.h) makes no call under cachegrind, then some in a new
 * process; the difference belongs to the calls alone, whatever start and preparation take. They are
 * so many that the few hundred instructions that vary from run to run (numbers printed with more or
 * fewer digits) do not count: two runs agree within 0.1 %. Vectors make valgrind slow: a call of 7
 * ms takes half a minute there.
 *
 * Valgrind 3.19 has no AVX-512 and hides it from programs, which then choose another variant. So
 * the instruction set that ran is part of the answer, and must be told wherever the number is.
 */
#ifndef DISENTUNE_INSTRUCTIONS_H
#define DISENTUNE_INSTRUCTIONS_H

#include "tuner/protocol.h"

#include <signal.h>

struct dt_instructions_options {
    const char *program;
    const char *const *variables;      /* "NAME=VALUE" for its environment, ends with NULL; at most
                                          eight;      NULL: none */
    const volatile sig_atomic_t *stop; /* not 0: counting fails; may be NULL */
};

struct dt_instructions {
    double per_call;
    char isa[16];     /* that ran: "avx2" */
    char choice[256]; /* that ran, in words */
};

/*
 * Of a call of what the program prepares for `cell`, which need not check it. DT_UNSUPPORTED:
 * valgrind is missing, or cannot run this program on this machine; the text says which. DT_FAILED:
 * the program crashed or hung there, or was stopped. Other errors are those of its preparation.
 * DT_IO, DT_NO_MEMORY.
 */
enum dt_status dt_instructions_count(const struct dt_instructions_options *options,
                                     const struct dt_prepare *cell,
                                     struct dt_instructions *instructions, struct dt_error *error);

/*
 * Of cells that were compared as subjects[0 ... count): fills base_instructions, head_instructions
 * and instructions_isa, which is "avx2/scalar" if HEAD ran another than BASE. Cells that were
 * not measured are left out. At the first that cannot be counted it ends with that error, and
 * the cells after it have none. `progress` may be NULL.
 */
enum dt_status dt_instructions_compare(const struct dt_instructions_options *base,
                                       const struct dt_instructions_options *head,
                                       const struct dt_subject *subjects, struct dt_cell *cells,
                                       size_t count, uint64_t seed,
                                       void (*progress)(void *context, size_t done), void *context,
                                       struct dt_error *error);

/* The total of valgrind's report, "I   refs: 1,335,901"; NAN if it has none. */
double dt_instructions_total(const char *report);

#endif
