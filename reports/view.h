/* SPDX-License-Identifier: MIT */
/* What every report shares: the order of records, short texts of numbers, problems and plans. */
#ifndef DISENTUNE_VIEW_H
#define DISENTUNE_VIEW_H

#include "reports/record.h"

/* Room for any text that a function here prints; each returns its `text`. */
#define DT_VIEW_TEXT_MAX 160

/* Three significant digits, "1.72", "94.2", "260"; "-" for NAN. */
const char *dt_view_number(double value, char text[DT_VIEW_TEXT_MAX]);

/* A time in the unit that suits it, "94.2 us"; "-" for NAN. */
const char *dt_view_time(double ns, char text[DT_VIEW_TEXT_MAX]);

/* A speed-up; "~1.01" if it lies within the noise floor, where no difference is claimed. */
const char *dt_view_ratio(double ratio, double noise_floor, char text[DT_VIEW_TEXT_MAX]);
bool dt_view_is_noise(double ratio, double noise_floor);

/* A share in percent, "93 %"; "-" for NAN. */
const char *dt_view_share(double share, char text[DT_VIEW_TEXT_MAX]);

/* The greater distance of the interval's ends from the median, in percent: "0.6". */
const char *dt_view_spread(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX]);

/* The parts of an attention, of the variant's instruction set unless one is named: "14x2
 * window-skew avx2.poly"; "" without parts. */
const char *dt_view_parts(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX]);

/* How many times as long the call takes as without position terms, "2.08"; "-" for NAN. */
const char *dt_view_cost(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX]);

/* "64x0", with a chunk "64x64/256". */
const char *dt_view_tile(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX]);

/* What the search left open: "within 0.8 % of the best of 96 plans tried, of 2310", and ", cut
 * short" if it was; "" if that is not known. */
const char *dt_view_regret(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX]);

/* One character of a line of them that shows heights of 0 to 1: "_" to "#", or blocks. */
const char *dt_view_height(double height, bool unicode);

/*
 * A problem in two halves that dt_problem_parse() reads back when joined: its lengths ("n512",
 * "q128 k512") and its settings ("log:256:512 p2c:key"), without what the text form defaults to.
 */
const char *dt_view_lengths(const struct dt_problem *problem, char text[DT_VIEW_TEXT_MAX]);
const char *dt_view_settings(const struct dt_problem *problem, char text[DT_VIEW_TEXT_MAX]);

/* Operation, settings and threads (if not 1): the title of a group of problems. */
const char *dt_view_group(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX]);

/*
 * The records in the order of reports: by operation, settings, threads, lengths; within a problem
 * the verified ones first, then by time, variant and tile. The caller frees *sorted.
 * DT_NO_MEMORY.
 */
enum dt_status dt_view_sort(const struct dt_records *records, const struct dt_record ***sorted,
                            struct dt_error *error);

/* Whether two records differ in lengths, variant and results at most. */
bool dt_view_same_group(const struct dt_record *a, const struct dt_record *b);

/* How many of sorted[0 ... count), count >= 1, are of the first one's problem and threads. */
size_t dt_view_problem_span(const struct dt_record *const *sorted, size_t count);

/* Of one problem, sorted: the tuner's winner, else the fastest; NULL if none is verified. */
const struct dt_record *dt_view_leader(const struct dt_record *const *sorted, size_t count);

#endif
