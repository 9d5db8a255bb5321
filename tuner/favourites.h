/* SPDX-License-Identifier: MIT */
/* The plans of a problem that the prior ranks first, on a machine that need not be here. */
#ifndef DISENTUNE_FAVOURITES_H
#define DISENTUNE_FAVOURITES_H

#include "tuner/prior.h"

enum { DT_FAVOURITES = 5 };

struct dt_favourite {
    struct dt_choice choice;
    struct dt_cost cost;
};

struct dt_favourites {
    size_t space; /* plans that were compared */
    size_t count; /* of them kept, the best first; at most DT_FAVOURITES */
    struct dt_favourite best[DT_FAVOURITES];
};

/*
 * Makes this process plan for the machine's processor, by dt_cpu_assume(). A processor of which
 * nobody knows the instruction sets gets those of this CPU, or if it is of another architecture
 * none; false then. machine->cpu becomes what is planned for.
 */
bool dt_favourites_assume(struct dt_machine *machine);

/* What is planned for. */
struct dt_outlook {
    const struct dt_machine *machine; /* of one kind of core */
    const struct dt_prior *prior;     /* of the machine */
    enum dt_op op;
    int32_t threads;                                    /* of attention */
    bool (*selects)(const struct dt_variant *, void *); /* NULL: every variant */
    void *context;
};

/*
 * Ranks all plans that a search would have for the processor of dt_cpu_host(), which
 * dt_cpu_assume() changes. Equals keep the order of the registry. None is no error. DT_NO_MEMORY,
 * DT_INVALID.
 */
enum dt_status dt_favourites_find(const struct dt_outlook *outlook,
                                  const struct dt_problem *problem,
                                  struct dt_favourites *favourites, struct dt_error *error);

#endif
