/* SPDX-License-Identifier: MIT */
/*
 * Look-ups in a large table without looking at every record.
 *
 * A process asks from one machine. So of the records only those are kept that could answer it
 * there: of its instruction sets, validated, of this build's variants. They lie in cells of one
 * operation, form and step; in a cell they are points in the space of the logarithms of their
 * counts, in the leaves of a k-d tree. A look-up goes through the steps from near to far and stops
 * at the first in which there is a point whose choice computes the problem.
 */
#ifndef DISENTUNE_INDEX_H
#define DISENTUNE_INDEX_H

#include "kernels/lookup.h"

/* Refers to the table, whose records must not change. NULL for lack of memory. */
struct dt_index *dt_index_create(const struct dt_table *table,
                                 const struct dt_machine_keys *machine);
void dt_index_free(struct dt_index *index);

/* Whether the index answers for this machine. */
bool dt_index_is_of(const struct dt_index *index, const struct dt_machine_keys *machine);

/* The first candidate that is not refused, the same as of dt_lookup_rank(); false if there is none.
 */
bool dt_index_find(const struct dt_index *index, const struct dt_query *query,
                   struct dt_candidate *found);

#endif
