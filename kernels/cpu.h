/* SPDX-License-Identifier: MIT */
/* What this processor and operating system can run. */
#ifndef DISENTUNE_CPU_H
#define DISENTUNE_CPU_H

#include "kernels/disentune.h"

/* Instruction-set levels: what one set of variants may use. A level is present only if the
 * processor has all of it and the operating system saves its registers. */
#define DT_CPU_AVX2 (1u << 0)   /* AVX2, FMA, F16C, BMI1, BMI2 */
#define DT_CPU_AVX512 (1u << 1) /* AVX2 level and AVX-512 F, BW, DQ, VL */
#define DT_CPU_NEON (1u << 2)   /* AArch64 baseline */

/* Quirks: traits that make an instruction a bad idea, not an impossible one. */
#define DT_QUIRK_SLOW_GATHER (1u << 0) /* AMD before Zen 5: gathers are microcoded */

struct dt_cpu {
    uint32_t levels;
    uint32_t quirks;
    int family, model, stepping; /* 0 where unknown; may lie in a virtual machine */
    bool hypervisor;
    char vendor[16]; /* "GenuineIntel", "AuthenticAMD", "arm", ... */
    char name[64];   /* brand string, "" where there is none */
    char uarch[24];  /* "sapphirerapids", "zen4", "neoverse-v2", "unknown" */
};

/*
 * The processor that runs this, capped by DISENTUNE_CPU=scalar|avx2|avx512|neon in the
 * environment, read once, thread-safe. An unknown value of DISENTUNE_CPU caps to scalar;
 * dt_cpu_check() reports it.
 */
const struct dt_cpu *dt_cpu_host(void);

/*
 * Makes dt_cpu_host() answer with another processor from now on, capped in the same way: for a
 * process that plans for a machine that is not here. It must run nothing by such a plan. Not while
 * another thread uses the library.
 */
void dt_cpu_assume(const struct dt_cpu *cpu);

/* DT_INVALID if DISENTUNE_CPU is set to something unknown or to a level that this CPU lacks. */
enum dt_status dt_cpu_check(struct dt_error *error);

/* The level's name ("avx2"), or "scalar" for 0. `level` has at most one bit. */
const char *dt_cpu_level_name(uint32_t level);

/* The level of that name in *level. False if there is none. */
bool dt_cpu_level_parse(const char *name, uint32_t *level);

#endif
