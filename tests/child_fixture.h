/* SPDX-License-Identifier: MIT */
#ifndef CHILD_FIXTURE_H
#define CHILD_FIXTURE_H

#include "tests/emulated.h"

#include <criterion/criterion.h>

/*
 * For tests that try candidates in child processes. Criterion gives a test process threads of its
 * own, and qemu-user 7.2 aborts when a process that was forked beside other threads starts one
 * (qemu_plugin_vcpu_init_hook finds its number taken). The program has no such threads,
 * so that tests/program/tune-captured covers children under qemu.
 */
static inline void need_children(void)
{
    if (is_emulated())
        cr_skip_test("qemu-user cannot start a thread in a forked process");
}

#endif
