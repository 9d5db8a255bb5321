/* SPDX-License-Identifier: MIT */
/*
 * Evidence in the formats of other programs, one file a group of formats, export_<group>.c; the
 * table is in reports/formats.c. The same evidence gives the same bytes.
 *
 * Three kinds of formats pick from the evidence:
 *
 *   series        what is followed over time: of each operation, problem, variant and number of
 *                 threads the record at its best tile, verified, from the youngest session that
 *                 has it, all on the machine of the youngest (reports/series.h)
 *   verdicts      the youngest session that compared two builds (reports/verdict.h)
 *   tables        all records, or all cells, of all sessions
 *
 * Each fails with DT_UNSUPPORTED and a line that says what brings it where the evidence has none
 * of these, and with DT_NO_MEMORY. Errors of the stream stay in the stream.
 */
#ifndef DISENTUNE_EXPORT_H
#define DISENTUNE_EXPORT_H

#include "reports/evidence.h"

typedef enum dt_status dt_export_fn(FILE *stream, const struct dt_evidence *evidence,
                                    struct dt_error *error);

/* A comment of a pull request can have 65,536 characters. */
#define DT_PULL_REQUEST_BYTES_MAX ((size_t)60 * 1024)

/* Verdicts as GitHub's Markdown of at most DT_PULL_REQUEST_BYTES_MAX bytes: what stands out, worst
 * first, then folded the other cells, the details and where it was measured. */
dt_export_fn dt_export_pull_request;

/* Verdicts as workflow commands of GitHub, "::error title=...::...": regressed and void cells are
 * errors, undecided ones warnings, improved ones notices. Of each kind at most ten lines, since
 * more are not shown; the last then says how many more there are. Nothing where nothing stands
 * out. */
dt_export_fn dt_export_annotations;

/* Verdicts as JUnit's XML, as Ant writes it: a regressed cell is a failure, a void one an error,
 * an undecided one is skipped. Without verdicts the records of the youngest session, of which
 * those that failed validation are failures. */
dt_export_fn dt_export_junit;

/* The same in the Test Anything Protocol, version 13. */
dt_export_fn dt_export_tap;

/* Series as Google Benchmark's JSON, a row a sample; where samples were not kept, the median as an
 * aggregate. The times are of one call by the wall clock; cpu_time repeats them. */
dt_export_fn dt_export_google;

/* Series in the Bencher Metric Format: latency in nanoseconds and speedup-over-scalar, with the
 * bounds of their 95 % intervals. */
dt_export_fn dt_export_bencher;

/* Series as the JSON of github-action-benchmark's customSmallerIsBetter. */
dt_export_fn dt_export_action;

/* Series, ceilings and verdicts as OpenMetrics text. */
dt_export_fn dt_export_openmetrics;

/* Ceilings that were measured and series under them (reports/roofline.h), as JSON of its own; of
 * the youngest session alone, since ceilings are of a session. */
dt_export_fn dt_export_roofline;

/* A row a record or a row a cell; all sessions. */
dt_export_fn dt_export_csv;
dt_export_fn dt_export_comparison_csv;

#endif
