/* SPDX-License-Identifier: MIT */
/* Names for kinds of machine, from coarse to fine: by them a table finds its records again. */
#ifndef DISENTUNE_MACHINE_KEY_H
#define DISENTUNE_MACHINE_KEY_H

#include "kernels/cpu.h"

#define DT_MACHINE_TIERS 4
#define DT_MACHINE_KEY_MAX 96

/*
 * Tier 0: architecture and usable instruction sets, "x86_64 avx2+avx512" ("x86_64 scalar").
 * Tier 1: tier 0 and the microarchitecture, "x86_64 avx2+avx512 sapphirerapids".
 * Tier 2: tier 1 and what a worker has of each cache, SMT and kind of core:
 *         "... l1d:48K l2:2048K l3:8192K".
 * Tier 3: tier 2 and exact model, stepping, hypervisor.
 *
 * Printable ASCII. An empty tier is unknown.
 */
struct dt_machine_keys {
    char tier[DT_MACHINE_TIERS][DT_MACHINE_KEY_MAX];
};

/* Tiers 0 and 1 of this processor; 2 and 3 are left empty, for they need the topology, which
 * the library does not know. */
void dt_machine_keys_init(struct dt_machine_keys *keys, const struct dt_cpu *cpu);

#endif
