/* SPDX-License-Identifier: MIT */
/*
 * Threads are bound by hwloc, which knows how each system does it. For that it wants a tree of the
 * machine, of which it needs no more than the numbers of processors. So this is a tree of nothing
 * else: it is made in no time, and also where the real one cannot be read.
 */
#include "tuner/machine.h"

#include "kernels/error.h"

#include <errno.h>
#include <hwloc.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Processors may be numbered beyond how many there are. */
enum { LEAST_NUMBERS = 1024 };

static hwloc_topology_t numbers; /* NULL without memory */

static void make_numbers(void)
{
    const long count = sysconf(_SC_NPROCESSORS_CONF);
    hwloc_topology_t tree;
    char text[32];
    snprintf(text, sizeof text, "pu:%ld", count > LEAST_NUMBERS ? count : LEAST_NUMBERS);
    if (hwloc_topology_init(&tree) != 0)
        return;
    if (hwloc_topology_set_synthetic(tree, text) == 0 &&
        hwloc_topology_set_flags(tree, HWLOC_TOPOLOGY_FLAG_IS_THISSYSTEM) == 0 &&
        hwloc_topology_load(tree) == 0)
        numbers = tree;
    else
        hwloc_topology_destroy(tree);
}

static hwloc_topology_t known_numbers(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_numbers);
    return numbers;
}

static bool bind_thread(hwloc_const_bitmap_t processors)
{
    return hwloc_set_cpubind(known_numbers(), processors, HWLOC_CPUBIND_THREAD) == 0;
}

enum dt_status dt_binding_save(struct dt_binding *binding, struct dt_error *error)
{
    hwloc_bitmap_t processors = hwloc_bitmap_alloc();
    *binding = (struct dt_binding){NULL};
    if (!processors || !known_numbers()) {
        hwloc_bitmap_free(processors);
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a set of processors");
    }
    if (hwloc_get_cpubind(known_numbers(), processors, HWLOC_CPUBIND_THREAD) == 0)
        binding->processors = processors;
    else
        hwloc_bitmap_free(processors);
    return DT_OK;
}

void dt_binding_restore(struct dt_binding *binding, int32_t threads)
{
    (void)threads;
    if (binding->processors) {
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
#endif
        bind_thread(binding->processors);
        hwloc_bitmap_free(binding->processors);
    }
    *binding = (struct dt_binding){NULL};
}

enum dt_status dt_machine_pin(const struct dt_machine *machine, int32_t worker,
                              struct dt_error *error)
{
    if (!machine->here)
        return dt_error_set(error, DT_INVALID, "cannot pin a thread: \"%s\" is not this machine",
                            machine->source);
    if (worker < 0 || worker >= machine->worker_count)
        return dt_error_set(error, DT_INVALID, "cannot pin to worker %d of %d", worker,
                            machine->worker_count);
    const int32_t processor = machine->workers[worker].processor;
    hwloc_bitmap_t set = hwloc_bitmap_alloc();
    if (!set || !known_numbers() || hwloc_bitmap_only(set, (unsigned)processor) != 0) {
        hwloc_bitmap_free(set);
        return dt_error_set(error, DT_NO_MEMORY, "no memory to pin a thread");
    }
    const int reason = bind_thread(set) ? 0 : errno;
    hwloc_bitmap_free(set);
    if (reason)
        return dt_error_set(error, DT_IO, "cannot pin a thread to processor %d: %s", processor,
                            strerror(reason));
    return DT_OK;
}

enum dt_status dt_machine_pin_team(const struct dt_machine *machine, int32_t threads,
                                   struct dt_error *error)
{
    if (threads > machine->worker_count)
        return dt_error_set(error, DT_INVALID,
                            "%d threads are more than this process may use processors, which is %d",
                            threads, machine->worker_count);
#ifdef _OPENMP
    atomic_int failed = DT_OK;
#pragma omp parallel num_threads(threads)
    {
        const enum dt_status status = dt_machine_pin(machine, omp_get_thread_num(), NULL);
        if (status)
            atomic_store(&failed, (int)status);
    }
    if (!failed)
        return DT_OK;
    return dt_error_set(error, (enum dt_status)failed, "cannot bind %d threads to processors",
                        threads);
#else
    return dt_error_set(error, DT_UNSUPPORTED,
                        "%d threads: this build has no OpenMP; configure it with -Dopenmp=enabled",
                        threads);
#endif
}
