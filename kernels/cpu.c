/* SPDX-License-Identifier: MIT */
#include "kernels/cpu.h"

#include "kernels/error.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    uint32_t level, allows; /* as a cap it allows these */
} levels[] = {
    {"scalar", 0, 0},
    {"avx2", DT_CPU_AVX2, DT_CPU_AVX2},
    {"avx512", DT_CPU_AVX512, DT_CPU_AVX2 | DT_CPU_AVX512},
    {"neon", DT_CPU_NEON, DT_CPU_NEON},
};

#define LEVELS (sizeof levels / sizeof *levels)

const char *dt_cpu_level_name(uint32_t level)
{
    for (size_t n = 0; n < LEVELS; n++)
        if (levels[n].level == level)
            return levels[n].name;
    return "unknown";
}

bool dt_cpu_level_parse(const char *name, uint32_t *level)
{
    for (size_t n = 0; n < LEVELS; n++)
        if (strcmp(levels[n].name, name) == 0) {
            *level = levels[n].level;
            return true;
        }
    return false;
}

#if defined(__x86_64__)

#include <cpuid.h>

struct leaf {
    uint32_t a, b, c, d;
};

static struct leaf cpuid(uint32_t number, uint32_t sub)
{
    struct leaf l = {0};
    if (!__get_cpuid_count(number, sub, &l.a, &l.b, &l.c, &l.d))
        l = (struct leaf){0};
    return l;
}

static uint64_t saved_registers(void)
{
    uint32_t low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool all(uint64_t value, uint64_t bits) { return (value & bits) == bits; }

#define BIT(n) (UINT64_C(1) << (n))

static uint32_t detect_levels(void)
{
    const struct leaf one = cpuid(1, 0), seven = cpuid(7, 0), extended = cpuid(0x80000001u, 0);
    const uint64_t osxsave = BIT(27), avx = BIT(28), fma = BIT(12), f16c = BIT(29);
    if (!all(one.c, osxsave | avx))
        return 0;
    const uint64_t saved = saved_registers();
    const uint64_t ymm = BIT(1) | BIT(2), zmm = ymm | BIT(5) | BIT(6) | BIT(7);
    const uint64_t bmi1 = BIT(3), avx2 = BIT(5), bmi2 = BIT(8), lzcnt = BIT(5);
    uint32_t found = 0;
    if (all(saved, ymm) && all(one.c, fma | f16c) && all(seven.b, bmi1 | avx2 | bmi2) &&
        all(extended.c, lzcnt))
        found |= DT_CPU_AVX2;
    const uint64_t f = BIT(16), dq = BIT(17), cd = BIT(28), bw = BIT(30), vl = BIT(31);
    if (found && all(saved, zmm) && all(seven.b, f | dq | cd | bw | vl))
        found |= DT_CPU_AVX512;
    return found;
}

static void read_brand(char name[64])
{
    struct leaf parts[3];
    if (cpuid(0x80000000u, 0).a < 0x80000004u)
        return;
    for (uint32_t n = 0; n < 3; n++)
        parts[n] = cpuid(0x80000002u + n, 0);
    memcpy(name, parts, sizeof parts);
    size_t end = strlen(name);
    while (end > 0 && name[end - 1] == ' ')
        name[--end] = '\0';
}

/*
 * Virtual machines hide or forge the model number, so the name of the microarchitecture comes
 * from the instructions it introduced; the model is not asked.
 */
static const char *intel_uarch(const struct leaf *seven)
{
    const bool amx = all(seven->d, BIT(24)), fp16 = all(seven->d, BIT(23));
    const bool ifma = all(seven->b, BIT(21)), vnni = all(seven->c, BIT(11));
    const bool avx512 = all(seven->b, BIT(16)), hybrid = all(seven->d, BIT(15));
    const bool avx_vnni = all(cpuid(7, 1).a, BIT(4)), amx_fp16 = all(cpuid(7, 1).a, BIT(21));
    if (amx_fp16)
        return "graniterapids";
    if (amx || fp16)
        return "sapphirerapids";
    if (avx512)
        return ifma ? "icelake" : vnni ? "cascadelake" : "skylake-avx512";
    if (hybrid || avx_vnni)
        return "alderlake";
    return all(seven->b, BIT(18)) ? "skylake" : "haswell";
}

static const char *amd_uarch(int family, const struct leaf *seven)
{
    if (family >= 0x1a)
        return "zen5";
    if (family == 0x19)
        return all(seven->b, BIT(16)) ? "zen4" : "zen3";
    return family == 0x17 ? "zen2" : "unknown";
}

static void detect(struct dt_cpu *cpu)
{
    const struct leaf zero = cpuid(0, 0), one = cpuid(1, 0), seven = cpuid(7, 0);
    memcpy(cpu->vendor, &zero.b, 4);
    memcpy(cpu->vendor + 4, &zero.d, 4);
    memcpy(cpu->vendor + 8, &zero.c, 4);
    cpu->family = (int)(one.a >> 8 & 15);
    cpu->model = (int)(one.a >> 4 & 15);
    cpu->stepping = (int)(one.a & 15);
    if (cpu->family == 6 || cpu->family == 15)
        cpu->model |= (int)(one.a >> 12 & 0xf0);
    if (cpu->family == 15)
        cpu->family += (int)(one.a >> 20 & 0xff);
    cpu->hypervisor = all(one.c, BIT(31));
    read_brand(cpu->name);
    cpu->levels = detect_levels();
    const char *uarch = "unknown";
    if (strcmp(cpu->vendor, "GenuineIntel") == 0)
        uarch = cpu->levels ? intel_uarch(&seven) : "unknown";
    else if (strcmp(cpu->vendor, "AuthenticAMD") == 0) {
        uarch = amd_uarch(cpu->family, &seven);
        if (cpu->family < 0x1a)
            cpu->quirks |= DT_QUIRK_SLOW_GATHER;
    }
    snprintf(cpu->uarch, sizeof cpu->uarch, "%s", uarch);
}

#elif defined(__aarch64__)

#include <sys/auxv.h>

#ifndef HWCAP_CPUID
#define HWCAP_CPUID (1 << 11)
#endif

static const char *arm_uarch(unsigned implementer, unsigned part)
{
    static const struct {
        unsigned part;
        const char *name;
    } cores[] = {
        {0xd08, "cortex-a72"},  {0xd0b, "cortex-a76"},  {0xd0c, "neoverse-n1"},
        {0xd40, "neoverse-v1"}, {0xd49, "neoverse-n2"}, {0xd4f, "neoverse-v2"},
        {0xd84, "neoverse-v3"}, {0xd8e, "neoverse-n3"}, {0xd85, "cortex-x925"},
        {0xd87, "cortex-a725"},
    };
    for (size_t n = 0; implementer == 0x41 && n < sizeof cores / sizeof *cores; n++)
        if (cores[n].part == part)
            return cores[n].name;
    return "unknown";
}

static void detect(struct dt_cpu *cpu)
{
    uint64_t id = 0;
    cpu->levels = DT_CPU_NEON;
    if (getauxval(AT_HWCAP) & HWCAP_CPUID)
        __asm__("mrs %0, midr_el1" : "=r"(id)); /* the kernel emulates the read */
    const unsigned implementer = (unsigned)(id >> 24 & 0xff);
    cpu->family = (int)implementer;
    cpu->model = (int)(id >> 4 & 0xfff);
    cpu->stepping = (int)(id & 15);
    snprintf(cpu->vendor, sizeof cpu->vendor, "%s", implementer == 0x41 ? "arm" : "unknown");
    snprintf(cpu->uarch, sizeof cpu->uarch, "%s", arm_uarch(implementer, (unsigned)cpu->model));
}

#else

static void detect(struct dt_cpu *cpu)
{
    snprintf(cpu->vendor, sizeof cpu->vendor, "unknown");
    snprintf(cpu->uarch, sizeof cpu->uarch, "unknown");
}

#endif

static struct dt_cpu host;
static uint32_t host_levels;          /* before the cap */
static uint32_t allowed = UINT32_MAX; /* by the cap */
static bool cap_known = true;

static void init(void)
{
    detect(&host);
    host_levels = host.levels;
    const char *cap = getenv("DISENTUNE_CPU");
    if (!cap || !*cap)
        return;
    cap_known = false;
    allowed = 0;
    for (size_t n = 0; n < LEVELS; n++)
        if (strcmp(levels[n].name, cap) == 0) {
            cap_known = true;
            allowed = levels[n].allows;
        }
    host.levels &= allowed;
}

const struct dt_cpu *dt_cpu_host(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init);
    return &host;
}

void dt_cpu_assume(const struct dt_cpu *cpu)
{
    dt_cpu_host();
    host = *cpu;
    host.levels &= allowed;
}

enum dt_status dt_cpu_check(struct dt_error *error)
{
    uint32_t level;
    dt_cpu_host();
    const char *cap = getenv("DISENTUNE_CPU");
    if (!cap_known)
        return dt_error_set(error, DT_INVALID,
                            "DISENTUNE_CPU is \"%.40s\"; use scalar, avx2, avx512 or neon", cap);
    if (cap && dt_cpu_level_parse(cap, &level) && (level & ~host_levels))
        return dt_error_set(error, DT_INVALID,
                            "DISENTUNE_CPU is \"%s\", which this CPU lacks; unset it", cap);
    return DT_OK;
}
