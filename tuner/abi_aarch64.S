/* SPDX-License-Identifier: MIT */
/* uint32_t dt_abi_call(dt_abi_fn *fn, const void *const args[4]); see abi.h. */

    .text
    .globl dt_abi_call
    .hidden dt_abi_call
    .type dt_abi_call, %function
    .p2align 4
dt_abi_call:
    .cfi_startproc
    hint #34 /* bti c */
    stp x29, x30, [sp, #-176]!
    .cfi_def_cfa_offset 176
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    .macro save first, second, at
    stp \first, \second, [sp, #\at]
    .cfi_rel_offset \first, \at
    .cfi_rel_offset \second, \at + 8
    .endm
    save x19, x20, 16
    save x21, x22, 32
    save x23, x24, 48
    save x25, x26, 64
    save x27, x28, 80
    save d8, d9, 96
    save d10, d11, 112
    save d12, d13, 128
    save d14, d15, 144
    mrs x2, fpcr
    str x2, [sp, #160]

    /* register n of x19 ... x29 holds the seed + n, d8 ... d15 the seed + n as bits */
    .macro seed to
    movz \to, #0xf648
    movk \to, #0x90b2, lsl #16
    movk \to, #0x5c3e, lsl #32
    movk \to, #0x7d1a, lsl #48
    .endm
    seed x9
    .irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    add x\n, x9, #\n
    .endr
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    add x10, x9, #\n
    fmov d\n, x10
    .endr
    mov x9, x0
    ldp x2, x3, [x1, #16]
    ldp x0, x1, [x1]
    blr x9

    /* x11 collects differing bits */
    seed x9
    mov x11, #0
    .irp n, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29
    add x10, x9, #\n
    eor x10, x10, x\n
    orr x11, x11, x10
    .endr
    .irp n, 8, 9, 10, 11, 12, 13, 14, 15
    add x10, x9, #\n
    fmov x12, d\n
    eor x10, x10, x12
    orr x11, x11, x10
    .endr
    cmp x11, #0
    cset w0, ne
    ldr x2, [sp, #160]
    mrs x3, fpcr
    cmp x2, x3
    cset w4, ne
    orr w0, w0, w4, lsl #1
    msr fpcr, x2

    .macro load first, second, at
    ldp \first, \second, [sp, #\at]
    .cfi_restore \first
    .cfi_restore \second
    .endm
    load d14, d15, 144
    load d12, d13, 128
    load d10, d11, 112
    load d8, d9, 96
    load x27, x28, 80
    load x25, x26, 64
    load x23, x24, 48
    load x21, x22, 32
    load x19, x20, 16
    ldp x29, x30, [sp], #176
    .cfi_restore x29
    .cfi_restore x30
    .cfi_def_cfa_offset 0
    ret
    .cfi_endproc
    .size dt_abi_call, . - dt_abi_call

/* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI; return addresses are not signed, as in any leaf. */
#if defined(__ARM_FEATURE_BTI_DEFAULT)
    .section .note.gnu.property, "a"
    .p2align 3
    .word 4, 16, 5
    .asciz "GNU"
    .word 0xc0000000, 4, 1, 0
#endif

    .section .note.GNU-stack, "", %progbits
