/* SPDX-License-Identifier: MIT */
#include "tuner/favourites.h"

#include "kernels/machine_key.h"
#include "tuner/space.h"

#include <string.h>

bool dt_favourites_assume(struct dt_machine *m)
{
    const struct dt_cpu *here = dt_cpu_host();
    struct dt_machine_keys keys;
    dt_machine_keys_init(&keys, here);
    const size_t length = strlen(m->architecture);
    const bool same =
        strcmp(m->architecture, "unknown") == 0 ||
        (strncmp(keys.tier[0], m->architecture, length) == 0 && keys.tier[0][length] == ' ');
    if (!m->levels_known && same) {
        m->cpu.levels = here->levels;
        m->cpu.quirks = here->quirks;
        memcpy(m->cpu.uarch, here->uarch, sizeof m->cpu.uarch);
    }
    dt_cpu_assume(&m->cpu);
    m->cpu = *dt_cpu_host();
    return m->levels_known;
}

enum dt_status dt_favourites_find(const struct dt_outlook *o, const struct dt_problem *problem,
                                  struct dt_favourites *favourites, struct dt_error *error)
{
    struct dt_delta delta;
    struct dt_space space;
    *favourites = (struct dt_favourites){0};
    enum dt_status status = dt_delta_init(&delta, problem, error);
    if (status)
        return status;
    const struct dt_space_scope scope = {
        .op = o->op,
        .problem = problem,
        .delta = &delta,
        .machine = o->machine,
        .threads = o->op == DT_OP_ATTENTION ? o->threads : 1,
        .selects = o->selects,
        .context = o->context,
        .prior = o->prior,
    };
    status = dt_space_init(&space, &scope, error);
    if (!status) {
        favourites->space = space.considered;
        for (size_t n = 0; n < space.count && n < DT_FAVOURITES; n++) {
            struct dt_favourite *best = &favourites->best[favourites->count++];
            best->choice = space.choices[n];
            dt_prior_cost(o->prior, problem, &delta, &best->choice, scope.threads, &best->cost);
        }
        dt_space_clear(&space);
    }
    dt_delta_clear(&delta);
    return status;
}
