/* SPDX-License-Identifier: MIT */
/* What a comparison of two builds found, in the order and the words that all exports share. */
#ifndef DISENTUNE_VERDICT_H
#define DISENTUNE_VERDICT_H

#include "reports/evidence.h"

/* Room for any text that a function here prints; each returns its `text`. */
#define DT_VERDICT_TEXT_MAX 256

/* The youngest session that compared builds; NULL if none did. */
const struct dt_finding *dt_verdict_latest(const struct dt_evidence *evidence);

/* The same, or DT_UNSUPPORTED with a line that says what makes one. */
enum dt_status dt_verdict_find(const struct dt_evidence *evidence,
                               const struct dt_finding **finding, struct dt_error *error);

/*
 * The cells of a session in an array that the caller frees, worst first: regressed, void,
 * undecided, improved, equivalent, same code; of these the one that takes the most time longer, by
 * ratio, first. DT_NO_MEMORY.
 */
enum dt_status dt_verdict_sort(const struct dt_finding *finding, const struct dt_cell ***sorted,
                               struct dt_error *error);

/* Whether somebody should look at it: regressed, void or undecided. */
bool dt_verdict_stands_out(const struct dt_cell *cell);

/* How many cells have that judgement. */
size_t dt_verdict_count(const struct dt_finding *finding, enum dt_judgement judgement);

/* "1 regressed, 2 undecided, 11 equivalent", worst first; "no cells". */
const char *dt_verdict_tally(const struct dt_finding *finding, char text[DT_VERDICT_TEXT_MAX]);

/* A ratio of times as a change, "+8.1 %"; "-" for NAN. */
const char *dt_verdict_change(double ratio, char text[DT_VERDICT_TEXT_MAX]);

/* "+8.1 % (95 %: +6.2 % to +10.1 %), 78.9 us to 85.3 us, 20 pairs". */
const char *dt_verdict_measured(const struct dt_cell *cell, char text[DT_VERDICT_TEXT_MAX]);

#endif
