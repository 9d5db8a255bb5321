/* SPDX-License-Identifier: MIT */
#include "tuner/cache.h"

#include <stdbool.h>
#include <stdio.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)

static const struct {
    const char *name;
    int64_t least, most; /* of an instance; `most` of L3 is for each core */
    int64_t fallback;    /* for each worker */
} levels[DT_LEVEL_COUNT] = {
    [DT_L1D] = {"L1d", 8 * KIB, 192 * KIB, 32 * KIB},
    [DT_L2] = {"L2", 64 * KIB, 16 * MIB, 512 * KIB},
    [DT_L3] = {"L3", 256 * KIB, 64 * MIB, 2 * MIB},
};

static const int64_t most_virtual_l3 = 16 * MIB;

const char *dt_level_name(enum dt_level level) { return levels[level].name; }

const char *dt_trust_name(enum dt_trust trust)
{
    static const char *const names[] = {"measured", "plausible", "clamped", "default"};
    return names[trust];
}

const char *dt_size_print(int64_t bytes, char text[DT_SIZE_TEXT_MAX])
{
    if (bytes >= MIB)
        snprintf(text, DT_SIZE_TEXT_MAX, "%.4g MiB", (double)bytes / (double)MIB);
    else if (bytes >= KIB)
        snprintf(text, DT_SIZE_TEXT_MAX, "%.4g KiB", (double)bytes / (double)KIB);
    else
        snprintf(text, DT_SIZE_TEXT_MAX, "%lld B", (long long)bytes);
    return text;
}

static bool is_line(int32_t line) { return line >= 16 && line <= 256 && !(line & (line - 1)); }

static void clamp(struct dt_cache *cache, enum dt_level level, int32_t cores, int64_t most)
{
    char stated[DT_SIZE_TEXT_MAX], limit[DT_SIZE_TEXT_MAX];
    const bool small = cache->stated < levels[level].least;
    dt_size_print(cache->stated, stated);
    dt_size_print(small ? levels[level].least : most, limit);
    if (small)
        snprintf(cache->reason, sizeof cache->reason, "%s stated, at least %s is believed", stated,
                 limit);
    else if (level == DT_L3)
        snprintf(cache->reason, sizeof cache->reason,
                 "%s stated for %d core%s, at most %s a core is believed", stated, cores,
                 cores == 1 ? "" : "s", limit);
    else
        snprintf(cache->reason, sizeof cache->reason, "%s stated, at most %s is believed", stated,
                 limit);
    cache->trust = DT_TRUST_CLAMPED;
    cache->size = levels[level].fallback * cache->workers;
}

static void supply(struct dt_cache *cache, enum dt_level level, int64_t below)
{
    cache->trust = DT_TRUST_DEFAULT;
    cache->size = level == DT_L3 ? 0 : levels[level].fallback * cache->workers;
    cache->share = level == DT_L3 ? below : levels[level].fallback;
    snprintf(cache->reason, sizeof cache->reason, "%s",
             level == DT_L3 ? "none is stated; the share of L2 stands in" : "not stated");
}

static void believe(struct dt_cache *cache, enum dt_virtual virtual)
{
    static const char *const reasons[] = {
        [DT_VIRTUAL_UNKNOWN] = "stated, within the limits",
        [DT_VIRTUAL_NONE] = "the processor states it",
        [DT_VIRTUAL_MACHINE] = "the virtual machine states it, within the limits",
    };
    cache->trust = virtual == DT_VIRTUAL_NONE ? DT_TRUST_MEASURED : DT_TRUST_PLAUSIBLE;
    cache->size = cache->stated;
    snprintf(cache->reason, sizeof cache->reason, "%s", reasons[virtual]);
}

void dt_cache_judge(struct dt_cache *cache, enum dt_level level, int32_t cores,
                    enum dt_virtual virtual, int64_t below)
{
    if (!is_line(cache->line))
        cache->line = 64;
    if (cache->stated <= 0) {
        supply(cache, level, below);
        return;
    }
    int64_t most = levels[level].most;
    if (level == DT_L3 && virtual == DT_VIRTUAL_MACHINE)
        most = most_virtual_l3;
    const int64_t each = level == DT_L3 ? cache->stated / cores : cache->stated;
    if (cache->stated < levels[level].least || each > most)
        clamp(cache, level, cores, most);
    else
        believe(cache, virtual);
    cache->share = cache->size / cache->workers;
}
