/* SPDX-License-Identifier: MIT */
#include "tuner/identify.h"

#include <stdio.h>
#include <string.h>

#define AVX512 (DT_CPU_AVX2 | DT_CPU_AVX512)

/* Model numbers from Linux, arch/x86/include/asm/intel-family.h (family 6) and
 * arch/x86/kernel/cpu/amd.c. The names are those of kernels/cpu.c, which puts generations with
 * equal instructions together. The first match counts. */
static const struct {
    const char *uarch;
    uint32_t levels;
    uint8_t models[12]; /* ends with 0 */
    int stepping;       /* this one or later */
} intel[] = {
    {"haswell", DT_CPU_AVX2, {0x3c, 0x3f, 0x45, 0x46}, 0},
    {"skylake", DT_CPU_AVX2, {0x3d, 0x47, 0x4e, 0x4f, 0x56, 0x5e, 0x8e, 0x9e, 0xa5, 0xa6}, 0},
    {"cascadelake", AVX512, {0x55}, 5},
    {"skylake-avx512", AVX512, {0x55}, 0},
    {"icelake", AVX512, {0x6a, 0x6c, 0x7d, 0x7e, 0x8c, 0x8d, 0xa7}, 0},
    {"sapphirerapids", AVX512, {0x8f, 0xcf}, 0},
    {"graniterapids", AVX512, {0xad, 0xae}, 0},
    {"alderlake", DT_CPU_AVX2, {0x97, 0x9a, 0xaa, 0xb7, 0xba, 0xbe, 0xbf}, 0},
};

static const struct {
    const char *uarch;
    uint32_t levels, quirks;
    int family, first, last; /* models */
} amd[] = {
    {"zen2", DT_CPU_AVX2, DT_QUIRK_SLOW_GATHER, 0x17, 0x00, 0xff},
    {"zen4", AVX512, DT_QUIRK_SLOW_GATHER, 0x19, 0x10, 0x1f},
    {"zen4", AVX512, DT_QUIRK_SLOW_GATHER, 0x19, 0x60, 0x7f},
    {"zen4", AVX512, DT_QUIRK_SLOW_GATHER, 0x19, 0xa0, 0xaf},
    {"zen3", DT_CPU_AVX2, DT_QUIRK_SLOW_GATHER, 0x19, 0x00, 0xff},
    {"zen5", AVX512, 0, 0x1a, 0x00, 0xff},
};

static bool found(struct dt_cpu *cpu, const char *uarch, uint32_t levels, uint32_t quirks)
{
    snprintf(cpu->uarch, sizeof cpu->uarch, "%s", uarch);
    cpu->levels = levels;
    cpu->quirks = quirks;
    return true;
}

bool dt_identify_x86(struct dt_cpu *cpu)
{
    if (strcmp(cpu->vendor, "GenuineIntel") == 0 && cpu->family == 6)
        for (size_t n = 0; n < sizeof intel / sizeof *intel; n++)
            for (const uint8_t *model = intel[n].models; *model; model++)
                if (*model == cpu->model && cpu->stepping >= intel[n].stepping)
                    return found(cpu, intel[n].uarch, intel[n].levels, 0);
    if (strcmp(cpu->vendor, "AuthenticAMD") == 0)
        for (size_t n = 0; n < sizeof amd / sizeof *amd; n++)
            if (amd[n].family == cpu->family && amd[n].first <= cpu->model &&
                cpu->model <= amd[n].last)
                return found(cpu, amd[n].uarch, amd[n].levels, amd[n].quirks);
    return false;
}
