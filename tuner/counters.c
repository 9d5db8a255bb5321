/* SPDX-License-Identifier: MIT */
#include "tuner/counters.h"

#include "tuner/sample.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

enum { PATH_BYTES = 1024 };

bool dt_counters_field(const char *path, const char *name, int field, uint64_t *value)
{
    char line[512];
    bool found = false;
    FILE *file = fopen(path, "re");
    if (!file)
        return false;
    while (!found && fgets(line, sizeof line, file)) {
        if (strncmp(line, name, strlen(name)) != 0 || line[strlen(name)] != ' ')
            continue;
        const char *at = line + strlen(name);
        int used, f = 0;
        for (; f <= field && sscanf(at, "%" SCNu64 "%n", value, &used) == 1; f++)
            at += used;
        found = f > field;
        break;
    }
    fclose(file);
    return found;
}

static void visit_groups(const char *root, const char *hierarchy, const char *group,
                         dt_group_fn *visit, void *context)
{
    char folder[PATH_BYTES];
    size_t length = strlen(group);
    for (;;) {
        while (length > 0 && group[length - 1] == '/')
            length--;
        const int size = snprintf(folder, sizeof folder, "%s/sys/fs/cgroup%s%.*s", root, hierarchy,
                                  (int)length, group);
        if (size < (int)sizeof folder)
            visit(folder, context);
        if (length == 0)
            return;
        while (length > 0 && group[length - 1] != '/')
            length--;
    }
}

static bool lists_cpu(const char *controllers)
{
    for (const char *at = controllers; (at = strstr(at, "cpu")); at += 3)
        if ((at == controllers || at[-1] == ',') && (at[3] == ',' || at[3] == '\0'))
            return true;
    return false;
}

/* Lines are "number:controllers:group"; the hierarchy of version 2 lists no controllers. */
void dt_counters_groups(const char *root, dt_group_fn *visit, void *context)
{
    char line[PATH_BYTES];
    snprintf(line, sizeof line, "%s/proc/self/cgroup", root);
    FILE *file = fopen(line, "re");
    if (!file)
        return;
    while (fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':');
        char *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group || group[1] != '/')
            continue;
        *group++ = '\0';
        if (controllers[1] == '\0')
            visit_groups(root, "", group, visit, context);
        else if (lists_cpu(controllers + 1))
            visit_groups(root, "/cpu", group, visit, context);
    }
    fclose(file);
}

static void add_throttled(const char *folder, void *context)
{
    struct dt_system_counters *counters = context;
    char path[PATH_BYTES];
    uint64_t periods = 0;
    const int size = snprintf(path, sizeof path, "%s/cpu.stat", folder);
    if (size < (int)sizeof path && dt_counters_field(path, "nr_throttled", 0, &periods)) {
        counters->throttled += periods;
        counters->throttled_known = true;
    }
}

void dt_counters_system(const char *root, struct dt_system_counters *counters)
{
    enum { STEAL = 7 };
    char path[PATH_BYTES];
    *counters = (struct dt_system_counters){0};
    snprintf(path, sizeof path, "%s/proc/stat", root);
    counters->stolen_known = dt_counters_field(path, "cpu", STEAL, &counters->stolen);
    if (!counters->stolen_known)
        counters->stolen = 0;
    dt_counters_groups(root, add_throttled, counters);
}

static void host_thread(void *context, struct dt_thread_counters *counters)
{
    struct rusage usage;
    (void)context;
    getrusage(RUSAGE_THREAD, &usage);
    *counters = (struct dt_thread_counters){usage.ru_nivcsw, usage.ru_minflt + usage.ru_majflt,
                                            sched_getcpu()};
}

static void host_system(void *context, struct dt_system_counters *counters)
{
    (void)context;
    dt_counters_system("", counters);
}

/* Multiplications that each wait for the one before. */
static double host_canary(void *context)
{
    volatile double seed = 1.0000001;
    const double factor = seed;
    double product = seed;
    (void)context;
    const double start = dt_clock_ns();
    for (int n = 0; n < 25000; n++)
        product *= factor;
    seed = product;
    return dt_clock_ns() - start;
}

/* Independent chains, as many as registers hold: there is work for each unit in each cycle. */
static double host_wide_canary(void *context)
{
    enum { CHAINS = 6, STEPS = 4000 };
    volatile uint64_t seed = 88172645463325252u;
    uint64_t chains[CHAINS], all = 0;
    (void)context;
    for (int c = 0; c < CHAINS; c++)
        chains[c] = seed + (uint64_t)c;
    const double start = dt_clock_ns();
    for (int n = 0; n < STEPS; n++)
        for (int c = 0; c < CHAINS; c++) {
            chains[c] ^= chains[c] << 13;
            chains[c] ^= chains[c] >> 7;
        }
    const double ns = dt_clock_ns() - start;
    for (int c = 0; c < CHAINS; c++)
        all ^= chains[c];
    seed = all;
    return ns;
}

const struct dt_counters dt_counters_host = {host_thread, host_system, host_canary,
                                             host_wide_canary, NULL};
