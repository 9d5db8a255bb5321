/* SPDX-License-Identifier: MIT */
#include "tuner/environment.h"

#include "tuner/counters.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>

enum { PATH_BYTES = 1024, WORD_BYTES = 64 };

/* The first line of a file, "" without one. What is not a plain character becomes '?'. */
static const char *read_line(const char *root, const char *name, char line[WORD_BYTES])
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", root, name);
    FILE *file = fopen(path, "re");
    *line = '\0';
    if (!file)
        return line;
    if (!fgets(line, WORD_BYTES, file))
        *line = '\0';
    fclose(file);
    line[strcspn(line, "\n")] = '\0';
    for (char *c = line; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    return line;
}

static void add(char text[DT_ENVIRONMENT_MAX], const char *name, const char *value)
{
    const size_t used = strlen(text);
    if (*value)
        snprintf(text + used, DT_ENVIRONMENT_MAX - used, "%s%s:%s", used ? " " : "", name, value);
}

static void add_turbo(const char *root, char text[DT_ENVIRONMENT_MAX])
{
    char line[WORD_BYTES];
    if (*read_line(root, "sys/devices/system/cpu/intel_pstate/no_turbo", line))
        add(text, "turbo", *line == '0' ? "on" : "off");
    else if (*read_line(root, "sys/devices/system/cpu/cpufreq/boost", line))
        add(text, "turbo", *line == '0' ? "off" : "on");
}

static void add_aslr(const char *root, char text[DT_ENVIRONMENT_MAX])
{
    char line[WORD_BYTES];
    const int persona = personality(0xffffffff);
    read_line(root, "proc/sys/kernel/randomize_va_space", line);
    add(text, "aslr", persona != -1 && (persona & ADDR_NO_RANDOMIZE) ? "0" : line);
}

/* "always [madvise] never": what is in brackets holds. */
static void add_pages(const char *root, char text[DT_ENVIRONMENT_MAX])
{
    char line[WORD_BYTES];
    read_line(root, "sys/kernel/mm/transparent_hugepage/enabled", line);
    char *word = strchr(line, '[');
    char *end = word ? strchr(word, ']') : NULL;
    if (!end)
        return;
    *end = '\0';
    add(text, "thp", word + 1);
}

/* Version 2: cpu.max is "QUOTA PERIOD", with "max" for none. Version 1: two files, -1 for none. */
static void least_quota(const char *folder, void *context)
{
    double *least = context, quota = 0, period = 0;
    char line[WORD_BYTES];
    if (sscanf(read_line(folder, "cpu.max", line), "%lf %lf", &quota, &period) != 2) {
        quota = strtod(read_line(folder, "cpu.cfs_quota_us", line), NULL);
        period = strtod(read_line(folder, "cpu.cfs_period_us", line), NULL);
    }
    if (quota > 0 && period > 0)
        *least = fmin(*least, quota / period);
}

static void add_quota(const char *root, char text[DT_ENVIRONMENT_MAX])
{
    double quota = INFINITY;
    char value[WORD_BYTES] = "none";
    dt_counters_groups(root, least_quota, &quota);
    if (quota < INFINITY)
        snprintf(value, sizeof value, "%.4g", quota);
    add(text, "quota", value);
}

const char *dt_environment_read(const char *root, const struct dt_machine *machine,
                                char text[DT_ENVIRONMENT_MAX])
{
    static const char *const hypervisors[] = {
        [DT_VIRTUAL_UNKNOWN] = "unknown", [DT_VIRTUAL_NONE] = "bare", [DT_VIRTUAL_MACHINE] = "vm"};
    char line[WORD_BYTES];
    *text = '\0';
    add(text, "governor",
        read_line(root, "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", line));
    add_turbo(root, text);
    add_aslr(root, text);
    add_pages(root, text);
    snprintf(line, sizeof line, "%d/%d", (int)machine->processors,
             (int)machine->processors_present);
    add(text, "processors", line);
    add_quota(root, text);
    add(text, "hypervisor", hypervisors[machine->virtual]);
    add(text, "kernel", read_line(root, "proc/sys/kernel/osrelease", line));
    return text;
}
