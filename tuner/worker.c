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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void dt_machine_clear(struct dt_machine *machine)
{
    free(machine->workers);
    free(machine->caches);
    *machine = (struct dt_machine){0};
}

enum dt_status dt_machine_describe(const char *text, struct dt_machine *machine,
                                   struct dt_error *error)
{
    const size_t length = strlen(text);
    const bool names_file =
        length == 0 || strchr(text, '/') || (length >= 4 && strcmp(text + length - 4, ".xml") == 0);
    return names_file || access(text, F_OK) == 0 ? dt_machine_load(text, machine, error)
                                                 : dt_machine_synthetic(text, machine, error);
}

enum dt_status dt_machine_of_kind(const struct dt_machine *machine, int32_t kind,
                                  struct dt_machine *part, struct dt_error *error)
{
    struct dt_machine m = *machine;
    m.workers = malloc((size_t)machine->worker_count * sizeof *m.workers);
    m.caches = malloc((size_t)machine->cache_count * sizeof *m.caches);
    if (!m.workers || !m.caches) {
        free(m.workers);
        free(m.caches);
        return dt_error_set(error, DT_NO_MEMORY, "no memory to describe %d workers",
                            machine->worker_count);
    }
    memcpy(m.caches, machine->caches, (size_t)machine->cache_count * sizeof *m.caches);
    m.kinds[0] = machine->kinds[kind];
    m.kind_count = 1;
    m.worker_count = 0;
    for (int32_t w = 0; w < machine->worker_count; w++)
        if (machine->workers[w].kind == kind) {
            m.workers[m.worker_count] = machine->workers[w];
            m.workers[m.worker_count++].kind = 0;
        }
    *part = m;
    return DT_OK;
}

enum dt_status dt_machine_find_kind(const struct dt_machine *machine, const char *name,
                                    int32_t *kind, struct dt_error *error)
{
    char names[160] = "";
    size_t length = 0;
    for (int32_t k = 0; k < machine->kind_count; k++) {
        if (strcmp(machine->kinds[k].name, name) == 0) {
            *kind = k;
            return DT_OK;
        }
        length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", k ? ", " : "",
                                   machine->kinds[k].name);
    }
    if (machine->kind_count == 1)
        return dt_error_set(
            error, DT_INVALID,
            "no kind of core is named \"%.20s\": there is but one; leave out --kind", name);
    return dt_error_set(error, DT_INVALID, "no kind of core is named \"%.20s\"; use one of %s",
                        name, names);
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
