/* SPDX-License-Identifier: MIT */
/*
 * Sorting the workers of a machine into kinds of core, and naming those.
 *
 * hwloc's kinds are not used as they are: it also separates cores by clock, such as favoured
 * cores on Intel or two clusters of one Arm design, where one plan serves all. On a DGX Spark it
 * gives five kinds where there are two designs.
 */
#ifndef DISENTUNE_KINDS_H
#define DISENTUNE_KINDS_H

#include "tuner/machine.h"

/* What is known of a worker beyond its description, while that is made. */
struct dt_site {
    struct dt_worker worker;
    int32_t order; /* among all workers, in the topology */
    int32_t threads;
    int32_t rank;     /* greater is faster; 0 if unknown */
    int32_t capacity; /* of Linux, at most 1024; 0 if unknown */
    char type[12];    /* CoreType, "" if unknown */
};

/*
 * From sites[0 ... worker_count), which it reorders, and the judged caches: fills kinds (without
 * keys), kind_count and workers.
 */
void dt_kinds_sort(struct dt_machine *machine, struct dt_site *sites);

/* Fills the keys of all kinds; everything else is in place. */
void dt_kinds_write_keys(struct dt_machine *machine);

#endif
