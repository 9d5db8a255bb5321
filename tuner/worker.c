/* SPDX-License-Identifier: MIT */
/* The part of machine.h that uses a description and needs no hwloc. */
#include "tuner/machine.h"

#include "kernels/error.h"

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
