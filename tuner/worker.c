/* SPDX-License-Identifier: MIT */
/* The part of machine.h that uses a description and needs no hwloc. */
#include "tuner/machine.h"

#include "kernels/error.h"

#include <errno.h>
#ifdef _OPENMP
#include <omp.h>
#endif
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

void dt_machine_clear(struct dt_machine *machine)
{
    free(machine->workers);
    free(machine->caches);
    *machine = (struct dt_machine){0};
}

int64_t dt_machine_share(const struct dt_machine *m, enum dt_level level, int32_t busy)
{
    int64_t least = INT64_MAX;
    busy = busy < 1 ? 1 : busy > m->worker_count ? m->worker_count : busy;
    for (int32_t w = 0; w < busy; w++) {
        const int32_t c = m->workers[w].cache[level];
        int32_t sharing = 0;
        for (int32_t other = 0; other < busy; other++)
            sharing += m->workers[other].cache[level] == c;
        const int64_t share = m->caches[c].size / sharing;
        if (share > 0 && share < least)
            least = share;
    }
    return least < INT64_MAX ? least : dt_machine_share(m, DT_L2, busy);
}

enum dt_status dt_binding_save(struct dt_binding *binding, struct dt_error *error)
{
    *binding = (struct dt_binding){0};
    for (int most = CPU_SETSIZE; most <= 1 << 20; most *= 2) {
        cpu_set_t *set = CPU_ALLOC((size_t)most);
        const size_t size = CPU_ALLOC_SIZE((size_t)most);
        if (!set)
            return dt_error_set(error, DT_NO_MEMORY, "no memory for a set of processors");
        if (sched_getaffinity(0, size, set) == 0) {
            *binding = (struct dt_binding){size, set};
            return DT_OK;
        }
        CPU_FREE(set);
    }
    return DT_OK;
}

void dt_binding_restore(struct dt_binding *binding, int32_t threads)
{
    (void)threads;
    if (binding->size > 0) {
#ifdef _OPENMP
#pragma omp parallel num_threads(threads)
#endif
        sched_setaffinity(0, binding->size, binding->processors);
        CPU_FREE(binding->processors);
    }
    *binding = (struct dt_binding){0};
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
    cpu_set_t *set = CPU_ALLOC((size_t)processor + 1);
    const size_t size = CPU_ALLOC_SIZE((size_t)processor + 1);
    if (!set)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to pin a thread");
    CPU_ZERO_S(size, set);
    CPU_SET_S((size_t)processor, size, set);
    const int result = sched_setaffinity(0, size, set);
    CPU_FREE(set);
    if (result != 0)
        return dt_error_set(error, DT_IO, "cannot pin a thread to processor %d: %s", processor,
                            strerror(errno));
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
