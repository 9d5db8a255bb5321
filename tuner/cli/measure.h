/* SPDX-License-Identifier: MIT */
/* What `bench` and `tune` share: a session on this machine and its records. */
#ifndef DISENTUNE_MEASURE_H
#define DISENTUNE_MEASURE_H

#include "kernels/table.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/keep.h"
#include "tuner/cli/output.h"
#include "tuner/session.h"
#include "tuner/tune.h"

struct cli_measure {
    const struct cli_options *options;
    struct dt_machine machine;
    struct dt_binding before; /* of the calling thread */
    struct dt_sampler sampler;
    struct dt_tuner tuner;
    struct dt_prior prior;
    struct dt_records records;       /* of all problems so far; holds the session */
    struct cli_output json;          /* open if options->json */
    const struct dt_table *table;    /* whose plans are tried in any case; NULL: none */
    struct cli_output recording;     /* open after cli_measure_record() */
    struct dt_candidates candidates; /* of all searches */
    size_t candidates_written;       /* in the store */
    struct dt_validators validators;
    struct cli_keeper keeper;
    size_t written; /* records in json and in the store */
    struct dt_choice one_thread;
};

/* This machine, or of it the kind of core that --kind names. The caller clears it. DT_INVALID,
 * DT_NO_MEMORY. */
enum dt_status cli_machine_open(const struct cli_options *options, struct dt_machine *machine,
                                struct dt_error *error);

/*
 * Pins this thread to the first worker and those of its teams to others, opens --json and --db, and
 * catches SIGINT and SIGTERM. The first ends the measurement after the block under way; the second
 * ends the process at once, of which no half-written file remains. Until cli_measure_calibrate()
 * nothing is measured.
 */
enum dt_status cli_measure_begin(struct cli_measure *measure, const struct cli_options *options,
                                 int argc, char **argv, struct dt_error *error);

/* Measures ceilings and the noise floor, as far as no signal asks to stop. DT_NO_MEMORY. */
enum dt_status cli_measure_calibrate(struct cli_measure *measure, struct dt_error *error);

/* Whether `op` is to be measured: asked for by --op, or there is a choice between variants. */
bool cli_measure_wants(const struct cli_measure *measure, enum dt_op op,
                       const struct dt_problem *problem);

/* Measures one problem, attention for each number of --threads in turn. The outcome is that of all
 * numbers. */
enum dt_status cli_measure_problem(struct cli_measure *measure, enum dt_op op,
                                   const struct dt_problem *problem, double seconds,
                                   struct dt_outcome *outcome, struct dt_error *error);

/* Writes to --json and the store what records they lack. Errors of cli_keep(). */
enum dt_status cli_measure_write(struct cli_measure *measure, struct dt_error *error);

/* Has the spaces that are searched from now on written to a file, which appears when the
 * measurement ends. Errors of cli_output_open(). */
enum dt_status cli_measure_record(struct cli_measure *measure, const char *path,
                                  struct dt_error *error);

/* Whether a signal asked to stop. */
bool cli_measure_stopped(void);

/* Says that a signal ended the run, of which `done` of `count` problems were measured; returns
 * CLI_NEGATIVE. `more` completes the line. */
int cli_measure_interrupted(size_t done, size_t count, const char *more);

/* Closes --json, keeping it if `keep`, frees everything and lets the threads run where they could
 * before. */
enum dt_status cli_measure_end(struct cli_measure *measure, bool keep, struct dt_error *error);

#endif
