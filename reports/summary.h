/* SPDX-License-Identifier: MIT */
/* What a person reads on the terminal after a run: functions of records alone. */
#ifndef DISENTUNE_SUMMARY_H
#define DISENTUNE_SUMMARY_H

#include "reports/grid.h"
#include "reports/record.h"

/*
 * Machine, session, ceilings, then one row for each problem: the tuner's winner, or the fastest
 * verified one where none is marked; with time, speed-ups and share of the ceiling. For the end of
 * `tune`. Errors of the stream stay in the stream. DT_NO_MEMORY.
 */
enum dt_status dt_summary_winners(FILE *stream, const struct dt_records *records,
                                  const struct dt_terminal *terminal, struct dt_error *error);

/* The same with all records of each problem, fastest first. For the end of `bench`. */
enum dt_status dt_summary_all(FILE *stream, const struct dt_records *records,
                              const struct dt_terminal *terminal, struct dt_error *error);

/* Winners if the records have any, else all. */
enum dt_status dt_summary_print(FILE *stream, const struct dt_records *records,
                                const struct dt_terminal *terminal, struct dt_error *error);

#endif
