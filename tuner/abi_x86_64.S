/* SPDX-License-Identifier: MIT */
/* uint32_t dt_abi_call(dt_abi_fn *fn, const void *const args[4]); see abi.h. */
#ifdef __CET__
#include <cet.h>
#else
#define _CET_ENDBR
#endif

/* The frame: MXCSR and x87 control word before, the same after, the x87 environment. */
#define MXCSR_BEFORE 0
#define X87_BEFORE 4
#define MXCSR_AFTER 8
#define X87_AFTER 12
#define ENVIRONMENT 16
#define FRAME 56

#define MXCSR_CONTROL 0xffc0

    .text
    .globl dt_abi_call
    .hidden dt_abi_call
    .type dt_abi_call, @function
    .p2align 4
dt_abi_call:
    .cfi_startproc
    _CET_ENDBR
    .irp register, rbx, rbp, r12, r13, r14, r15
    push %\register
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \register, 0
    .endr
    sub $FRAME, %rsp
    .cfi_adjust_cfa_offset FRAME
    stmxcsr MXCSR_BEFORE(%rsp)
    fnstcw X87_BEFORE(%rsp)

    mov %rdi, %rax
    mov (%rsi), %rdi
    mov 16(%rsi), %rdx
    mov 24(%rsi), %rcx
    mov 8(%rsi), %rsi
    movabs $0x7d1a5c3e90b2f648, %rbx
    lea 1(%rbx), %rbp
    lea 2(%rbx), %r12
    lea 3(%rbx), %r13
    lea 4(%rbx), %r14
    lea 5(%rbx), %r15
    call *%rax

    /* ecx collects what went wrong */
    movabs $0x7d1a5c3e90b2f648, %rdx
    xor %rdx, %rbx
    mov %rbx, %rcx
    inc %rdx
    .irp register, rbp, r12, r13, r14, r15
    xor %rdx, %\register
    or %\register, %rcx
    inc %rdx
    .endr
    neg %rcx
    sbb %ecx, %ecx
    and $1, %ecx

    stmxcsr MXCSR_AFTER(%rsp)
    fnstcw X87_AFTER(%rsp)
    mov MXCSR_AFTER(%rsp), %eax
    xor MXCSR_BEFORE(%rsp), %eax
    and $MXCSR_CONTROL, %eax
    movzwl X87_AFTER(%rsp), %edx
    movzwl X87_BEFORE(%rsp), %esi
    xor %esi, %edx
    or %edx, %eax
    jz 1f
    or $2, %ecx
1:
    pushfq
    .cfi_adjust_cfa_offset 8
    pop %rax
    .cfi_adjust_cfa_offset -8
    test $0x400, %eax
    jz 2f
    or $4, %ecx
    cld
2:
    /* the tag word, at byte 8, has two set bits for an empty register */
    fnstenv ENVIRONMENT(%rsp)
    cmpw $0xffff, ENVIRONMENT + 8(%rsp)
    je 3f
    or $8, %ecx
    fninit
3:
    fldcw X87_BEFORE(%rsp)
    ldmxcsr MXCSR_BEFORE(%rsp)
    mov %ecx, %eax
    add $FRAME, %rsp
    .cfi_adjust_cfa_offset -FRAME
    .irp register, r15, r14, r13, r12, rbp, rbx
    pop %\register
    .cfi_adjust_cfa_offset -8
    .cfi_restore \register
    .endr
    ret
    .cfi_endproc
    .size dt_abi_call, . - dt_abi_call

    .section .note.GNU-stack, "", @progbits
