/* SPDX-License-Identifier: MIT */
/*
 * Calls a function as the platform's calling convention demands and looks whether the function
 * kept its side: the System V x86-64 psABI 1.0, section 3.2.1 and 3.2.3, and the Procedure Call
 * Standard for the Arm 64-bit Architecture (2022Q3), sections 6.1.1 and 6.1.2.
 */
#ifndef DISENTUNE_ABI_H
#define DISENTUNE_ABI_H

#include <stdint.h>

#define DT_ABI_REGISTERS 1u /* a callee-saved register: rbx rbp r12-r15; x19-x29, d8-d15 */
#define DT_ABI_CONTROL 2u   /* control bits of MXCSR or the x87 control word; FPCR */
#define DT_ABI_DIRECTION 4u /* the direction flag is set */
#define DT_ABI_X87 8u       /* the x87 register stack is not empty: a missing emms */

enum { DT_ABI_ARGS = 4 };

typedef void dt_abi_fn(void); /* any function of up to DT_ABI_ARGS pointers, cast */

/*
 * Calls fn(args[0], ...) with known values in every callee-saved register, restores what fn did
 * not, and returns the DT_ABI_ bits of what that was. All pointers are passed, in registers,
 * whether fn wants them or not.
 * Where no check is written for the processor this is a plain call.
 */
#if defined(__x86_64__) || defined(__aarch64__)
uint32_t dt_abi_call(dt_abi_fn *fn, const void *const args[DT_ABI_ARGS]);
#else
static inline uint32_t dt_abi_call(dt_abi_fn *fn, const void *const args[DT_ABI_ARGS])
{
    ((void (*)(const void *, const void *, const void *, const void *))fn)(args[0], args[1],
                                                                           args[2], args[3]);
    return 0;
}
#endif

#endif
