/* SPDX-License-Identifier: MIT */
/*
 * Two sessions that were measured at different times. That is no comparison to decide by: between
 * two runs of one program on one machine a quarter more or less is usual where it is shared. So
 * this is a hint of where to look, and says so; tuner/lockstep.h is what compares.
 */
#ifndef DISENTUNE_UNPAIRED_H
#define DISENTUNE_UNPAIRED_H

#include "reports/evidence.h"
#include "reports/grid.h"
#include "reports/subject.h"

/* What both sessions measured: of a variant its best tile in each. */
struct dt_unpaired_row {
    char name[DT_SUBJECT_TEXT_MAX];
    const struct dt_record *a, *b;
    double ratio, lo, hi; /* time of B / time of A, of the medians' 95 % intervals */
    bool stands_out;      /* beyond its interval and the noise of both sessions */
};

struct dt_unpaired {
    const struct dt_session *a, *b;
    double noise;                 /* |log ratio|: the noise floors of both sessions, added */
    struct dt_unpaired_row *rows; /* by how much longer B takes */
    size_t count, only_a, only_b; /* the latter are of one session alone */
};

/* DT_INVALID, with the difference: the sessions are of different machines. */
enum dt_status dt_unpaired_machines(const struct dt_session *a, const struct dt_session *b,
                                    struct dt_error *error);

/* The findings must outlive the result, which the caller releases with dt_unpaired_clear().
 * DT_INVALID: they measured nothing in common. DT_UNSUPPORTED, DT_NO_MEMORY. */
enum dt_status dt_unpaired_make(const struct dt_finding *a, const struct dt_finding *b,
                                struct dt_unpaired *unpaired, struct dt_error *error);
void dt_unpaired_clear(struct dt_unpaired *unpaired);

/* For a terminal. */
void dt_unpaired_print(FILE *stream, const struct dt_unpaired *unpaired,
                       const struct dt_terminal *terminal);

/* JSON Lines, a line a row. DT_IO, DT_NO_MEMORY. */
enum dt_status dt_unpaired_write(FILE *stream, const struct dt_unpaired *unpaired,
                                 struct dt_error *error);

#endif
