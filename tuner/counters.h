/* SPDX-License-Identifier: MIT */
/*
 * What the operating system tells about disturbances, where there are no hardware counters. Read
 * through a table of functions, so that tests can make up a machine.
 */
#ifndef DISENTUNE_COUNTERS_H
#define DISENTUNE_COUNTERS_H

#include <stdbool.h>
#include <stdint.h>

/* Of the calling thread. */
struct dt_thread_counters {
    long preemptions, faults; /* so far; page faults of both kinds */
    int processor;            /* it runs on now */
};

/* Of the system, so far. What is not known stays 0. */
struct dt_system_counters {
    uint64_t stolen;    /* ticks of all processors that the hypervisor gave to others */
    uint64_t throttled; /* periods in which a control group used up its quota */
    bool stolen_known, throttled_known;
};

struct dt_counters {
    void (*thread)(void *context, struct dt_thread_counters *counters);
    void (*system)(void *context, struct dt_system_counters *counters);
    double (*canary)(void *context);      /* ns of a fixed chain of multiplications, about 30 us */
    double (*wide_canary)(void *context); /* ns of fixed work that fills the core, about 10 us */
    void *context;
};

/* Those of this system. */
extern const struct dt_counters dt_counters_host;

/* The value of field `field` after `name` in a file of "name value ..." lines. False if it cannot
 * be had. */
bool dt_counters_field(const char *path, const char *name, int field, uint64_t *value);

/*
 * The system's counters from the files below `root`, "" for those of this system: proc/stat,
 * proc/self/cgroup and cpu.stat of each control group from the process's own to the root, in the
 * hierarchies of version 1 and 2.
 */
void dt_counters_system(const char *root, struct dt_system_counters *counters);

/* Visits the folder of each control group of processor time that this process is in, from its own
 * to the root, in either version of the hierarchy. */
typedef void dt_group_fn(const char *folder, void *context);
void dt_counters_groups(const char *root, dt_group_fn *visit, void *context);

#endif
