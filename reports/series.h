/* SPDX-License-Identifier: MIT */
/* What is followed over time: the records of a variant at its best, under a name that stays. */
#ifndef DISENTUNE_SERIES_H
#define DISENTUNE_SERIES_H

#include "reports/subject.h"

struct dt_series {
    const struct dt_session *session;
    const struct dt_record *record;
    char name[DT_SUBJECT_TEXT_MAX]; /* dt_subject_name(), unique in a list */
    size_t place;                   /* in the list */
};

struct dt_series_list {
    struct dt_series *items;
    size_t count;
    const struct dt_session *session; /* the youngest that timed something */
};

/*
 * Of each operation, problem, variant and number of threads one record: verified and timed, the
 * winner or else the one with the fastest tile, of the youngest session that has one. Sessions of
 * other machines than the youngest's are left out. The youngest session comes first, its records
 * in the order of dt_view_sort(). The caller clears the list. DT_UNSUPPORTED if there is none,
 * DT_NO_MEMORY.
 */
enum dt_status dt_series_collect(const struct dt_evidence *evidence, struct dt_series_list *list,
                                 struct dt_error *error);
void dt_series_clear(struct dt_series_list *list);

#endif
