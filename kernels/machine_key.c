/* SPDX-License-Identifier: MIT */
#include "kernels/machine_key.h"

#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#define ARCHITECTURE "x86_64"
#elif defined(__aarch64__)
#define ARCHITECTURE "aarch64"
#else
#define ARCHITECTURE "unknown"
#endif

void dt_machine_keys_init(struct dt_machine_keys *keys, const struct dt_cpu *cpu)
{
    char sets[64] = "";
    for (uint32_t bit = 1; bit && bit <= cpu->levels; bit <<= 1)
        if (cpu->levels & bit) {
            size_t used = strlen(sets);
            snprintf(sets + used, sizeof sets - used, "%s%s", used ? "+" : "",
                     dt_cpu_level_name(bit));
        }
    *keys = (struct dt_machine_keys){0};
    snprintf(keys->tier[0], DT_MACHINE_KEY_MAX, ARCHITECTURE " %s",
             *sets ? sets : dt_cpu_level_name(0));
    snprintf(keys->tier[1], DT_MACHINE_KEY_MAX, "%.64s %s", keys->tier[0], cpu->uarch);
}
