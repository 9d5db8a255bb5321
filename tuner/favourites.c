/* SPDX-License-Identifier: MIT */
#include "tuner/favourites.h"

#include "kernels/machine_key.h"
#include "tuner/axes.h"
#include "tuner/space.h"

#include <stdlib.h>
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

struct ranking {
    const struct dt_outlook *outlook;
    struct dt_axis_scope scope;
    struct dt_favourites *found;
};

static void rank(const struct ranking *r, const struct dt_choice *choice)
{
    struct dt_favourite new = {.choice = *choice};
    struct dt_favourites *f = r->found;
    dt_prior_cost(r->outlook->prior, r->scope.problem, r->scope.delta, choice, r->scope.threads,
                  &new.cost);
    f->space++;
    size_t at = f->count;
    while (at > 0 && new.cost.ns < f->best[at - 1].cost.ns)
        at--;
    if (at == DT_FAVOURITES)
        return;
    f->count += f->count < DT_FAVOURITES;
    for (size_t n = f->count - 1; n > at; n--)
        f->best[n] = f->best[n - 1];
    f->best[at] = new;
}

static const enum dt_axis axes[] = {DT_AXIS_FORM,    DT_AXIS_GEMM, DT_AXIS_BIAS,
                                    DT_AXIS_SOFTMAX, DT_AXIS_TILE, DT_AXIS_CHUNK};
enum { AXES = sizeof axes / sizeof *axes };

/* All choices that differ from this one along the axes from `axis` on. */
static void rank_product(const struct ranking *r, size_t axis, const struct dt_choice *from)
{
    struct dt_choice choices[DT_AXIS_MAX];
    if (axis == AXES) {
        rank(r, from);
        return;
    }
    rank_product(r, axis + 1, from);
    const size_t count = dt_axis_choices(axes[axis], &r->scope, from, choices);
    for (size_t n = 0; n < count; n++)
        rank_product(r, axis + 1, &choices[n]);
}

static enum dt_status rank_attention(const struct ranking *r, struct dt_error *error)
{
    const struct dt_outlook *o = r->outlook;
    const struct dt_variant *variant;
    uint32_t done = 0;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++) {
        if (!dt_variant_applies(variant, DT_OP_ATTENTION, r->scope.problem, r->scope.delta) ||
            (o->selects && !o->selects(variant, o->context)))
            continue;
        struct dt_choice start = {.variant = variant};
        if (variant->strategy == DT_DIRECT) {
            rank(r, &start);
        } else if (!(done & variant->level)) {
            done |= variant->level;
            enum dt_status status = dt_axis_start(&r->scope, variant, &start, error);
            if (status)
                return status;
            rank_product(r, 0, &start);
        }
    }
    return DT_OK;
}

static enum dt_status rank_space(const struct ranking *r, struct dt_error *error)
{
    const struct dt_outlook *o = r->outlook;
    struct dt_space space;
    enum dt_status status = dt_space_init(&space, o->op, r->scope.problem, r->scope.delta,
                                          o->machine, o->selects, o->context, error);
    for (size_t n = 0; !status && n < space.count; n++)
        rank(r, &space.choices[n]);
    free(space.choices);
    return status;
}

enum dt_status dt_favourites_find(const struct dt_outlook *o, const struct dt_problem *problem,
                                  struct dt_favourites *favourites, struct dt_error *error)
{
    struct dt_delta delta;
    *favourites = (struct dt_favourites){0};
    enum dt_status status = dt_delta_init(&delta, problem, error);
    if (status)
        return status;
    const struct ranking r = {.outlook = o,
                              .scope = {.problem = problem,
                                        .delta = &delta,
                                        .threads = o->op == DT_OP_ATTENTION ? o->threads : 1,
                                        .selects = o->selects,
                                        .context = o->context},
                              .found = favourites};
    status = o->op == DT_OP_ATTENTION ? rank_attention(&r, error) : rank_space(&r, error);
    dt_delta_clear(&delta);
    return status;
}
