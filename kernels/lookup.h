/* SPDX-License-Identifier: MIT */
/*
 * Which record of a table answers for a problem on a machine, and how near it is.
 *
 * A record bears on a query if it is of the same operation, bucket form, terms, layout, storage
 * type, mask and instruction sets (tier 0 of the machine keys). The steps, nearest first:
 *
 *     DT_STEP_EXACT   same problem class, threads and cache geometry (tier 2)
 *     DT_STEP_SHAPE   same cache geometry
 *     DT_STEP_UARCH   same microarchitecture (tier 1)
 *     DT_STEP_LEVEL   same instruction sets
 *
 * and within a step the nearest shape first, at the distance
 *
 *     sum of |log2(a / b)| over the counts of the problem class and the threads
 *
 * Equals are ordered by same model (tier 3), complete search, later date, order in the table.
 *
 * A program that embeds the library knows tiers 0 and 1 without the kind of core alone. Where
 * tier 2 of the query is empty, tier 1 matches whatever kind of core is named after it, and a
 * record's cache geometry counts as this machine's if no other geometry of the same
 * microarchitecture occurs in the table: so a table tuned on the machine that uses it answers
 * exactly. In a table of several geometries (merged from machines, or of two kinds of core)
 * nothing tells which is this one; all its records of the microarchitecture are DT_STEP_UARCH.
 */
#ifndef DISENTUNE_LOOKUP_H
#define DISENTUNE_LOOKUP_H

#include "kernels/table.h"

struct dt_query {
    enum dt_op op;
    const struct dt_problem *problem;
    const struct dt_delta *delta; /* of the problem */
    int32_t threads;
    struct dt_machine_keys machine; /* empty tiers are unknown; tiers 0 and 1 are known */
};

/* Why the choice of a record is not used. The first three have no bearing at all. */
enum dt_refusal {
    DT_USABLE,
    DT_OTHER_OPERATION,
    DT_OTHER_SETS,
    DT_OTHER_FORM,
    DT_STALE,
    DT_NOT_VALIDATED,
    DT_CPU_LACKS,
    DT_NOT_ACCEPTED, /* dt_variant_applies(), of the variant or a part */
    DT_REFUSAL_COUNT,
};

const char *dt_refusal_name(enum dt_refusal refusal);

/* One record as seen from a query. */
struct dt_candidate {
    const struct dt_table_record *record;
    enum dt_step step; /* DT_STEP_HEURISTIC if the record has no bearing on the query */
    double distance;   /* INFINITY then */
    bool same_model;   /* tier 3 agrees */
    enum dt_refusal refusal;
};

/* All records of the table, nearest first, those without bearing last. The caller frees
 * *candidates, which refer to the table; NULL of an empty one. DT_NO_MEMORY. */
enum dt_status dt_lookup_rank(const struct dt_table *table, const struct dt_query *query,
                              struct dt_candidate **candidates, size_t *count,
                              struct dt_error *error);

/* What is to be run. */
struct dt_answer {
    struct dt_choice choice;
    enum dt_step step;
    double distance;                      /* 0 without a record */
    const struct dt_table_record *record; /* in the table; NULL of the heuristic */
};

/* The first candidate that is not refused, or else dt_choice_heuristic(). `table` may be NULL.
 * DT_NO_MEMORY, DT_UNSUPPORTED. */
enum dt_status dt_lookup_find(const struct dt_table *table, const struct dt_query *query,
                              struct dt_answer *answer, struct dt_error *error);

/* ---- For the index ---- */

#define DT_LOOKUP_COUNTS 8

/* Logarithms of the counts of a problem class and of threads: a distance is the sum of the
 * differences. */
void dt_lookup_coordinates(const struct dt_problem *class, int32_t threads,
                           double at[DT_LOOKUP_COUNTS]);

/* What must be the same for a record to have any bearing, in one number. */
uint64_t dt_lookup_form(enum dt_op op, const struct dt_problem *class);

/* The cache geometry that counts as that of the machine, NULL if none does. */
const char *dt_lookup_geometry(const struct dt_table *table, const struct dt_machine_keys *machine);

/* DT_STEP_SHAPE, or if the record is of another machine DT_STEP_UARCH, DT_STEP_LEVEL or, where it
 * has no bearing, DT_STEP_HEURISTIC. */
enum dt_step dt_lookup_nearness(const struct dt_machine_keys *machine, const char *geometry,
                                const struct dt_table_record *record);

/* DT_STALE, DT_NOT_VALIDATED, DT_CPU_LACKS or DT_USABLE, whatever the query. */
enum dt_refusal dt_lookup_distrust(const struct dt_table_record *record);

/* Whether the record's choice computes the problem. */
bool dt_lookup_computes(const struct dt_table_record *record, const struct dt_query *query);

/* Orders candidates, the nearest first. */
int dt_lookup_compare(const struct dt_candidate *a, const struct dt_candidate *b);

#endif
