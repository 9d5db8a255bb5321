/* SPDX-License-Identifier: MIT */
/*
 * Everything that reports are made of, in memory: sessions, and what was found in each. A store
 * (reports/store.h) keeps it, JSON Lines carry it, pages and exports are functions of it.
 */
#ifndef DISENTUNE_EVIDENCE_H
#define DISENTUNE_EVIDENCE_H

#include "reports/record.h"

/* What was measured: a choice by its names, which another build may lack, on a problem class. */
struct dt_subject {
    enum dt_op op;
    struct dt_problem problem;
    int threads;
    char variant[64]; /* "" where each build takes its own choice */
    struct dt_tile tile;
    int32_t chunk;
    char gemm[64], bias[64], softmax[64];
};

/* A choice that a search considered. Its times are those of the search, not of the final race. */
enum dt_fate {
    DT_FATE_SKIPPED, /* the model of its cost ranked it too low, or the time was over */
    DT_FATE_FAILED,  /* crashed, hung or computed wrong numbers */
    DT_FATE_DROPPED, /* slower than the leader */
    DT_FATE_TIED,    /* within the band of the leader to the end */
    DT_FATE_WINNER,
    DT_FATE_COUNT
};

const char *dt_fate_name(enum dt_fate fate); /* "skipped", "failed", ... */

struct dt_candidate {
    struct dt_subject subject;
    double predicted_ns;    /* by the model of cost; NAN without one */
    double ns_median;       /* NAN if it was not timed */
    double ratio_to_winner; /* speed; NAN if it was not timed */
    size_t samples;
    size_t round; /* of the search, from 1, in which it was first timed; 0: never */
    enum dt_fate fate;
};

/* One cell of a comparison of two builds, BASE and HEAD: see reports/judge.h. */
enum dt_judgement {
    DT_SAME_CODE,  /* the machine code is the same to the byte */
    DT_EQUIVALENT, /* the whole interval lies within delta */
    DT_IMPROVED,
    DT_REGRESSED,
    DT_UNDECIDED,
    DT_VOID, /* the environment changed, too many samples were gated, or numbers are wrong */
    DT_JUDGEMENT_COUNT
};

struct dt_cell {
    struct dt_subject subject; /* as BASE runs it */
    char head_choice[256];     /* as HEAD runs it, where that differs; else "" */
    double base_ns, head_ns;   /* median of one call */
    double ratio, lo, hi;      /* time of HEAD / time of BASE; exact interval over pairs */
    double boot_lo, boot_hi;   /* hierarchical bootstrap, beside it */
    double band;               /* |log ratio| of the A/A arm: nothing is claimed within */
    double delta;              /* what counts as a change, e.g. 0.03 */
    double p;                  /* of a regression beyond delta and band, adjusted over cells */
    size_t pairs;              /* of processes */
    size_t claimed;            /* the first of them, which showed what the others confirm; or 0 */
    size_t samples, gated;     /* that were taken; those of them that failed a gate */
    double *ratios;            /* [pairs], HEAD / BASE, in the order taken; owned; may be NULL */
    size_t aa_pairs;
    double *aa_ratios;                           /* [aa_pairs] of the A/A arm; owned; may be NULL */
    double base_instructions, head_instructions; /* of one call under valgrind; NAN: not counted */
    char instructions_isa[16];                   /* instruction set that ran there, "avx2"; "" */
    enum dt_judgement judgement;
    char reason[128]; /* one line: why this judgement */
};

/* What the comparison finds when the truth is known: a build against itself, or slowed down. */
struct dt_trial_set {
    struct dt_subject subject; /* variant "" and op DT_OP_COUNT: the whole suite */
    double slowdown;           /* extra work that was injected, 0.05 for 5 %; 0: A/A */
    size_t trials, alarms;     /* runs; runs that judged REGRESSED */
    double rate_lo, rate_hi;   /* Clopper-Pearson, 95 % */
    double seconds;            /* of one run */
    double least_effect;       /* minimum detectable effect; NAN if unknown */
};

/* One session with all that it found. */
struct dt_finding {
    struct dt_records records; /* the session itself, and measurements */
    struct dt_candidate *candidates;
    size_t candidate_count;
    struct dt_cell *cells;
    size_t cell_count;
    struct dt_trial_set *trials;
    size_t trial_count;
};

struct dt_evidence {
    struct dt_finding *sessions; /* by date, then content */
    size_t count;
};

/*
 * JSON Lines, one finding a line: {"kind":"record"|"candidate"|"cell"|"trials", ..., "session":
 * {...}}, and {"kind":"session", "session":{...}} for a session that found nothing. A line without
 * "kind" is a record. Lines of equal sessions make one session, wherever they stand. Reading what
 * was written gives the same evidence, writing it again the same bytes. "-" is standard input. A
 * malformed line fails with its number, and *evidence is empty. DT_INVALID, DT_IO, DT_NO_MEMORY.
 */
enum dt_status dt_evidence_write(FILE *stream, const struct dt_evidence *evidence,
                                 struct dt_error *error);
enum dt_status dt_evidence_read(const char *path, struct dt_evidence *evidence,
                                struct dt_error *error);

/*
 * The session with these values, put in its place if it is not there yet; valid until the next
 * call; NULL without memory. Sessions that differ in `noise_floor` and `noisy` alone are one, seen
 * at different times: the greater noise is kept.
 */
struct dt_finding *dt_evidence_session(struct dt_evidence *evidence,
                                       const struct dt_session *session);

void dt_evidence_clear(struct dt_evidence *evidence);
void dt_finding_clear(struct dt_finding *finding);

/* What the record measured; what a choice is on a problem. */
struct dt_subject dt_record_subject(const struct dt_record *record);
struct dt_subject dt_choice_subject(enum dt_op op, const struct dt_problem *problem, int threads,
                                    const struct dt_choice *choice);

#endif
