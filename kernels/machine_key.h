/* SPDX-License-Identifier: MIT */
/* Names for kinds of machine, from coarse to fine: by them a table finds its records again. */
#ifndef DISENTUNE_MACHINE_KEY_H
#define DISENTUNE_MACHINE_KEY_H

#include "kernels/cpu.h"

#define DT_MACHINE_TIERS 4
#define DT_MACHINE_KEY_MAX 96

/*
 * Tier 0: architecture and usable instruction sets, "x86_64 avx2+avx512" ("x86_64 scalar").
 * Tier 1: and the microarchitecture, with the kind of core if there are several,
 *         "... sapphirerapids".
 * Tier 2: and what a worker has of each cache, threads of a core, "... l1:48K l2:2M l3:2M smt:1".
 * Tier 3: and exact model, stepping, hypervisor, "... 6.143.8 bare".
 *
 * Each begins with the one before. dt_machine_keys_init() gives tiers 0 and 1, without the kind of
 * core, to whoever embeds the library; struct dt_machine has all, from the topology.
 *
 * Printable ASCII. An empty tier is unknown.
 */
struct dt_machine_keys {
    char tier[DT_MACHINE_TIERS][DT_MACHINE_KEY_MAX];
};

/* Tiers 0 and 1 of the processor; 2 and 3 are left empty. */
void dt_machine_keys_init(struct dt_machine_keys *keys, const struct dt_cpu *cpu);

#endif
