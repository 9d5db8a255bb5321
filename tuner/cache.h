/* SPDX-License-Identifier: MIT */
/*
 * One data cache as a worker sees it, and the rules by which a stated size is believed.
 *
 * A worker is one core: the threads of a core (SMT) share all its caches and count once. Its
 * share of a cache is the size divided by the workers that use that instance.
 */
#ifndef DISENTUNE_CACHE_H
#define DISENTUNE_CACHE_H

#include <stdint.h>

enum dt_level { DT_L1D, DT_L2, DT_L3, DT_LEVEL_COUNT };

enum dt_trust {
    DT_TRUST_MEASURED,  /* read from this machine with no hypervisor in between */
    DT_TRUST_PLAUSIBLE, /* stated by a virtual machine or by a file, and within the limits */
    DT_TRUST_CLAMPED,   /* stated, but beyond the limits; the default stands in */
    DT_TRUST_DEFAULT,   /* not stated */
};

/* What stands between the machine and its description. */
enum dt_virtual {
    DT_VIRTUAL_UNKNOWN, /* a file, or an architecture that does not tell */
    DT_VIRTUAL_NONE,
    DT_VIRTUAL_MACHINE,
};

struct dt_cache {
    int64_t stated;     /* bytes of one instance, as found; 0 if nothing was found */
    int64_t size;       /* bytes of one instance, as believed; 0: there is no such cache */
    int64_t share;      /* bytes per worker with all allowed workers busy; always > 0 */
    int32_t line;       /* bytes */
    int32_t ways;       /* 0: unknown, -1: fully associative */
    int32_t processors; /* allowed processors that share the instance, threads counted */
    int32_t workers;    /* allowed cores that share it */
    enum dt_trust trust;
    char reason[96]; /* why this trust */
};

/*
 * Decides on size, share, line, trust and reason from stated, line, processors and workers >= 1.
 * `cores` >= 1 is the number of cores that share the instance in hardware, allowed or not. The
 * limits:
 *
 *     L1d  8 ... 192 KiB           (Zen 32, Golden Cove 48, Apple 128)
 *     L2   64 KiB ... 16 MiB       (A55 64 KiB, Redwood Cove 2 MiB, Apple 16 MiB a cluster)
 *     L3   256 KiB ... 64 MiB for each core that shares it; 16 MiB in a virtual machine
 *
 * The most that a shipped processor has is 48 MiB of L3 for a core: 96 MiB with V-cache for the
 * two active cores of a die, EPYC 7373X. With all eight it is 12 MiB, on a Xeon Max 2.8 MiB. A
 * virtual machine often states the L3 of the whole host for the few cores it was given.
 *
 * Beyond a limit, or where nothing is stated, each worker gets 32 KiB of L1d and 512 KiB of L2,
 * and 2 MiB of an L3 that is beyond its limits. Without a stated L3 there is none: size is 0, and
 * its share is `below`, the share of L2. `below` is ignored at other levels.
 */
void dt_cache_judge(struct dt_cache *cache, enum dt_level level, int32_t cores,
                    enum dt_virtual virtual, int64_t below);

/* "L1d", "L2", "L3"; "measured", "plausible", "clamped", "default". */
const char *dt_level_name(enum dt_level level);
const char *dt_trust_name(enum dt_trust trust);

#define DT_SIZE_TEXT_MAX 24

/* "48 KiB", "1.25 MiB", "480 MiB", "100 B"; returns `text`. */
const char *dt_size_print(int64_t bytes, char text[DT_SIZE_TEXT_MAX]);

#endif
