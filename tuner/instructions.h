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

struct dt_instructions {
    double per_call;
    char isa[16];     /* that ran: "avx2" */
    char choice[256]; /* that ran, in words */
};

/*
 * Of a call of what the program prepares for `cell`, which need not check it. DT_UNSUPPORTED:
 * valgrind is missing, or cannot run this program on this machine; the text says which. DT_FAILED:
 * the program crashed or hung there. Other errors are those of its preparation. DT_IO,
 * DT_NO_MEMORY.
 */
enum dt_status dt_instructions_count(const char *program, const struct dt_prepare *cell,
                                     struct dt_instructions *instructions, struct dt_error *error);

/* The total of valgrind's report, "I   refs: 1,335,901"; NAN if it has none. */
double dt_instructions_total(const char *report);

#endif
