/* SPDX-License-Identifier: MIT */
/*
 * Measurements as data: what a benchmark or a tuning run found, independent of how. Reports are
 * functions of records alone: the same records give the same bytes.
 */
#ifndef DISENTUNE_RECORD_H
#define DISENTUNE_RECORD_H

#include "kernels/plan.h"

#include <stdio.h>

/* One measured ceiling of the machine. */
struct dt_ceiling {
    char name[32]; /* "fma.avx512", "load.avx512.l1", "add.avx512.l2", ... */
    double value;  /* FLOP/s or bytes/s */
    char unit[8];  /* "FLOP/s" or "B/s" */
};

#define DT_CEILINGS_MAX 32

/* What was built. A fact that the build does not know is "". */
struct dt_build {
    char version[16];   /* of disentune */
    char commit[48];    /* hexadecimal */
    bool dirty;         /* the tree differed from the commit */
    char compiler[64];  /* name, version and optimisation flags */
    char flags[128];    /* that the user added */
    char libraries[96]; /* "libxsmm 1.17 sleef 3.6", what is linked to compute */
    char signature[20]; /* of the registry of variants, hexadecimal */
    char digest[20];    /* of the program's machine code, hexadecimal */
};

/*
 * Where and when: shared by all records of one session. Machine keys are tiers from coarse to
 * fine: [0] usable instruction sets, [1] + microarchitecture and core kind, [2] + cache
 * geometry per worker and SMT, [3] + exact model, stepping, hypervisor.
 */
struct dt_session {
    char machine[4][96];
    char cpu[64];                /* the processor's name as it states it */
    struct dt_build build, base; /* base: what `build` is compared with; all "" if nothing */
    char environment[256];       /* "governor:performance turbo:on aslr:2 thp:madvise ..." */
    char date[24];               /* UTC, ISO 8601 */
    char run[20];                /* tells sessions of one second apart; "" in older files */
    char command[256];           /* the command line that reproduces it */
    uint64_t seed;
    double noise_floor; /* A/A: |log ratio| below which nothing is claimed, e.g. 0.012 */
    bool noisy;         /* too many samples were rejected */
    struct dt_ceiling ceilings[DT_CEILINGS_MAX];
    size_t ceiling_count;
};

/*
 * One plan on one problem. Ratios are speeds: 2 means twice as fast as what it is compared to.
 * They are medians of ratios paired within blocks, not quotients of the medians. A ratio, a
 * ceiling or an interval that was not measured is NAN, and null in JSON.
 */
struct dt_record {
    struct dt_problem problem; /* a problem class, see dt_problem_class */
    enum dt_op op;
    char variant[64];
    struct dt_tile tile;
    int32_t chunk;                        /* queries of a work item of attention, 0 for all */
    char gemm[64], bias[64], softmax[64]; /* parts of an attention, "" without */
    int threads;
    double ns_median, ns_lo, ns_hi; /* of one call; lo and hi bound the median with 95 % */
    size_t samples;                 /* accepted; `rejected` more failed a gate */
    size_t rejected;
    double *ns; /* [samples], in the order taken; owned by the record; may be NULL */
    double ratio_to_scalar, ratio_lo, ratio_hi; /* to <op>.scalar.plain, with 95 % interval */
    double ratio_to_gather;  /* to the best hardware gather of the same instruction set */
    double ratio_to_autovec; /* to <op>.<isa>.autovec of the same instruction set */
    double ratio_to_c2c; /* attention: to the same without position terms, at its own best choice */
    double ratio_to_one_thread; /* to the best choice for one thread */
    double gflops;              /* of the products, those of an attention by the table strategy */
    double ceiling_ns;          /* time of the same call at the ceiling */
    double share_of_ceiling;    /* ceiling_ns / time; may exceed 1 */
    double error_share;         /* worst error as a share of the stated bound; NAN: not known */
    double error_ulp;           /* worst error in units in the last place */
    double phase_ns[DT_PHASE_COUNT]; /* of attention: where a call's time goes; NAN: not known */
    bool verified;                   /* the variant passed validation on this problem and tile */
    bool winner;                     /* a tuning run chose it for this problem */

    /* Of a winner: no other of the `tried` plans, of all `plans` of its space, is with 95 % faster
     * by more than `regret`, 0.01 for 1 %. NAN and 0 if that is not known. */
    double regret;
    size_t tried, plans;
    bool complete; /* its search was not cut short */
};

struct dt_records {
    struct dt_session session;
    struct dt_record *items;
    size_t count;
};

/*
 * Writes one line of JSON: the record, and the session nested in it, so that every line stands
 * alone. Doubles keep 17 significant digits: reading gives back the same values. DT_IO, with the
 * operating system's reason; the stream is not closed.
 */
enum dt_status dt_record_write(FILE *stream, const struct dt_session *session,
                               const struct dt_record *record, struct dt_error *error);

/*
 * Reads JSON Lines as dt_record_write() makes them; "-" is standard input. A malformed line fails
 * with its number. The session is that of the last record. The caller releases with
 * dt_records_clear(). DT_INVALID, DT_IO, DT_NO_MEMORY.
 */
enum dt_status dt_records_read(const char *path, struct dt_records *records,
                               struct dt_error *error);
void dt_records_clear(struct dt_records *records);

/* One such line without its end. The caller frees record->ns, which on failure is NULL. DT_INVALID,
 * DT_NO_MEMORY. */
enum dt_status dt_record_parse(const char *line, size_t length, struct dt_session *session,
                               struct dt_record *record, struct dt_error *error);

/* Makes it a record of nothing: what can be unknown is NAN, all else is 0. */
void dt_record_unknown(struct dt_record *record);

/* The choice that the record names; false if this build lacks a variant of it. */
bool dt_record_choice(const struct dt_record *record, struct dt_choice *choice);

/* Puts a choice into the record. */
void dt_record_set_choice(struct dt_record *record, const struct dt_choice *choice);

#endif
