/* SPDX-License-Identifier: MIT */
#include "tuner/cache.h"
#include "tuner/identify.h"

#include <criterion/criterion.h>
#include <string.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)

Test(cache, believes_real_processors_and_clamps_impossible_ones)
{
    static const struct {
        const char *what;
        enum dt_level level;
        enum dt_virtual virtual;
        int64_t stated;
        int32_t cores, workers;
        enum dt_trust trust;
        int64_t size, share;
    } cases[] = {
        {"virtual machine with the host's L3", DT_L3, DT_VIRTUAL_MACHINE, 480 * MIB, 2, 2,
         DT_TRUST_CLAMPED, 4 * MIB, 2 * MIB},
        {"eight cores of it", DT_L3, DT_VIRTUAL_MACHINE, 480 * MIB, 8, 8, DT_TRUST_CLAMPED,
         16 * MIB, 2 * MIB},
        {"the first, one core allowed", DT_L3, DT_VIRTUAL_MACHINE, 480 * MIB, 2, 1,
         DT_TRUST_CLAMPED, 2 * MIB, 2 * MIB},
        {"V-cache", DT_L3, DT_VIRTUAL_NONE, 96 * MIB, 8, 8, DT_TRUST_MEASURED, 96 * MIB, 12 * MIB},
        {"V-cache in a virtual machine", DT_L3, DT_VIRTUAL_MACHINE, 96 * MIB, 8, 8,
         DT_TRUST_PLAUSIBLE, 96 * MIB, 12 * MIB},
        {"EPYC 7373X", DT_L3, DT_VIRTUAL_NONE, 96 * MIB, 2, 2, DT_TRUST_MEASURED, 96 * MIB,
         48 * MIB},
        {"Xeon Max 9460", DT_L3, DT_VIRTUAL_UNKNOWN, 102236160, 40, 40, DT_TRUST_PLAUSIBLE,
         102236160, 2555904},
        {"a core of a large L3", DT_L3, DT_VIRTUAL_NONE, 504 * MIB, 128, 1, DT_TRUST_MEASURED,
         504 * MIB, 504 * MIB},
        {"no L3", DT_L3, DT_VIRTUAL_NONE, 0, 1, 1, DT_TRUST_DEFAULT, 0, 1000},
        {"tiny L3", DT_L3, DT_VIRTUAL_NONE, 4 * KIB, 1, 1, DT_TRUST_CLAMPED, 2 * MIB, 2 * MIB},
        {"no L2", DT_L2, DT_VIRTUAL_NONE, 0, 1, 1, DT_TRUST_DEFAULT, 512 * KIB, 512 * KIB},
        {"L2 of four Atoms", DT_L2, DT_VIRTUAL_NONE, 2 * MIB, 4, 4, DT_TRUST_MEASURED, 2 * MIB,
         512 * KIB},
        {"huge L2", DT_L2, DT_VIRTUAL_NONE, 16 * MIB + 1, 2, 2, DT_TRUST_CLAMPED, MIB, 512 * KIB},
        {"largest L2", DT_L2, DT_VIRTUAL_NONE, 16 * MIB, 4, 4, DT_TRUST_MEASURED, 16 * MIB,
         4 * MIB},
        {"tiny L1d", DT_L1D, DT_VIRTUAL_NONE, 4 * KIB, 1, 1, DT_TRUST_CLAMPED, 32 * KIB, 32 * KIB},
        {"largest L1d", DT_L1D, DT_VIRTUAL_NONE, 192 * KIB, 1, 1, DT_TRUST_MEASURED, 192 * KIB,
         192 * KIB},
        {"huge L1d", DT_L1D, DT_VIRTUAL_MACHINE, INT64_MAX, 1, 1, DT_TRUST_CLAMPED, 32 * KIB,
         32 * KIB},
        {"no L1d", DT_L1D, DT_VIRTUAL_MACHINE, 0, 1, 1, DT_TRUST_DEFAULT, 32 * KIB, 32 * KIB},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_cache cache = {.stated = cases[n].stated, .workers = cases[n].workers};
        dt_cache_judge(&cache, cases[n].level, cases[n].cores, cases[n].virtual, 1000);
        cr_expect(cache.trust == cases[n].trust && cache.size == cases[n].size &&
                      cache.share == cases[n].share && cache.line == 64,
                  "%s: %s, size %jd, share %jd, line %d", cases[n].what, dt_trust_name(cache.trust),
                  (intmax_t)cache.size, (intmax_t)cache.share, cache.line);
    }
}

Test(cache, keeps_a_sensible_line_and_says_why_a_size_is_clamped)
{
    struct dt_cache cache = {.stated = 480 * MIB, .line = 128, .workers = 2};
    dt_cache_judge(&cache, DT_L3, 2, DT_VIRTUAL_MACHINE, 0);
    cr_expect_eq(cache.line, 128);
    cr_expect_str_eq(cache.reason, "480 MiB stated for 2 cores, at most 16 MiB a core is believed");
    cache.line = 48;
    dt_cache_judge(&cache, DT_L3, 2, DT_VIRTUAL_MACHINE, 0);
    cr_expect_eq(cache.line, 64);
}

Test(cache, prints_sizes)
{
    char text[DT_SIZE_TEXT_MAX];
    cr_expect_str_eq(dt_size_print(100, text), "100 B");
    cr_expect_str_eq(dt_size_print(48 * KIB, text), "48 KiB");
    cr_expect_str_eq(dt_size_print(1280 * KIB, text), "1.25 MiB");
}

Test(identify, knows_models_by_number)
{
    static const struct {
        struct dt_cpu cpu;
        const char *uarch; /* NULL: unknown */
        uint32_t levels;
    } cases[] = {
        {{.vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 7}, "cascadelake", 3},
        {{.vendor = "GenuineIntel", .family = 6, .model = 85, .stepping = 4}, "skylake-avx512", 3},
        {{.vendor = "GenuineIntel", .family = 6, .model = 186, .stepping = 2}, "alderlake", 1},
        {{.vendor = "GenuineIntel", .family = 15, .model = 85}, NULL, 0},
        {{.vendor = "GenuineIntel", .family = 6, .model = 0}, NULL, 0},
        {{.vendor = "AuthenticAMD", .family = 25, .model = 17, .stepping = 1}, "zen4", 3},
        {{.vendor = "AuthenticAMD", .family = 25, .model = 33}, "zen3", 1},
        {{.vendor = "", .family = 25, .model = 17}, NULL, 0},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_cpu cpu = cases[n].cpu;
        const bool known = dt_identify_x86(&cpu);
        cr_expect(known == (cases[n].uarch != NULL) && cpu.levels == cases[n].levels &&
                      strcmp(cpu.uarch, known ? cases[n].uarch : "") == 0,
                  "%s %d.%d is \"%s\", levels %u", cpu.vendor, cpu.family, cpu.model, cpu.uarch,
                  cpu.levels);
    }
}
