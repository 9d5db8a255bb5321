/* SPDX-License-Identifier: MIT */
/*
 * When which of two builds runs what, so that the difference between them is the only one. Knows
 * neither processes nor clocks: what it commands is a table of functions, so that a test can make
 * up builds and time.
 *
 *     survey   one process of each: what each cell runs, whether it is right, how long a call takes
 *     pair     fresh processes; each cell in turn, in random order: BASE HEAD HEAD BASE, or the
 *              other way round. Every few pairs a second process of BASE in HEAD's place, too (A/A)
 *     look     after a third, two thirds and all of the planned pairs: the judgement of
 *              reports/judge.h; what is decided takes no more pairs
 *     confirm  nine pairs more of what was claimed to be slower; if they do not confirm it, it goes
 *              back to the others
 *
 * One process runs at a time. A sample is so many calls, the same number for both builds, that the
 * faster needs 5 ms for them; they follow on a quarter as many that are not timed. A sample that a
 * gate rejects is taken again, at most twice; its last try is kept.
 *
 * The budget decides the number of pairs; what cells that are decided leave of it goes to the
 * others. Half of what ratios scatter by lies between processes (measured: 3 % of a call that
 * streams through 24 MB, where a round of four samples scatters by 4), so time is spent on pairs
 * first, and only with 240 of them on repeating their samples. If the budget is too short for as
 * many pairs as a verdict needs, samples are shortened, down to 1 ms. No pair begins after its end.
 */
#ifndef DISENTUNE_LOCKSTEP_H
#define DISENTUNE_LOCKSTEP_H

#include "reports/judge.h"
#include "tuner/protocol.h"

#include <signal.h>

/* BASE, HEAD, and BASE in a second process. */
enum dt_side { DT_SIDE_BASE, DT_SIDE_HEAD, DT_SIDE_TWIN, DT_SIDE_COUNT };

/* "BASE", "HEAD", "BASE". */
const char *dt_side_name(enum dt_side side);

/* Errors of these end the comparison, but for those that prepare() has marked with *refused: the
 * build cannot run that cell. */
struct dt_lockstep_sides {
    /* A fresh process in place of the one there was. */
    enum dt_status (*start)(void *context, enum dt_side side, struct dt_error *error);
    enum dt_status (*prepare)(void *context, enum dt_side side, const struct dt_prepare *wanted,
                              struct dt_prepared *prepared, bool *refused, struct dt_error *error);
    /* What was prepared last; it should take `expected` ns, INFINITY: not known. */
    enum dt_status (*run)(void *context, enum dt_side side, const struct dt_run *wanted,
                          double expected, struct dt_ran *ran, struct dt_error *error);
    double (*clock)(void *context); /* seconds */
    /* How much of the budget is spent, now and then; may be NULL. */
    void (*progress)(void *context, double seconds);
    void *context;
};

#define DT_LOCKSTEP_SAMPLE_NS 5e6
#define DT_LOCKSTEP_LEAST_SAMPLE_NS 1e6
#define DT_LOCKSTEP_PAIRS 240

struct dt_lockstep_options {
    double budget; /* seconds, of everything */
    double delta;
    bool same_code; /* cells whose machine code is the same are measured, too */
    uint64_t seed;
    const volatile sig_atomic_t *stop; /* not 0: judge what there is; may be NULL */
};

struct dt_lockstep_outcome {
    size_t pairs, planned; /* of processes; confirmations are beyond the plan */
    size_t rounds;         /* samples of a pair are repeated so often */
    double sample_ns;      /* least length of a sample */
    double enough;    /* seconds that pairs enough for a verdict would take; 0: it was enough */
    size_t wrong;     /* cells with wrong numbers; then nothing was timed */
    char reason[768]; /* the first of them */
    bool stopped;
};

/*
 * Compares cells[0 ... count). Of each, op, problem, threads, and variant and tile if they are
 * forced, are given; all else is filled in, with NAN for what is not known. The caller frees ratios
 * and aa_ratios, also after an error. Errors are those of the sides and DT_NO_MEMORY.
 */
enum dt_status dt_lockstep_run(const struct dt_lockstep_sides *sides,
                               const struct dt_lockstep_options *options, struct dt_cell *cells,
                               size_t count, struct dt_lockstep_outcome *outcome,
                               struct dt_error *error);

#endif
