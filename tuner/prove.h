/* SPDX-License-Identifier: MIT */
/* Whether a tuner can be trusted: what it finds beside what there is to find. */
#ifndef DISENTUNE_PROVE_H
#define DISENTUNE_PROVE_H

#include "tuner/compare.h"
#include "tuner/tune.h"

/* What the chosen plan's time may be, in times of the best one's. */
#define DT_PROVE_NEAR 1.03

/* One problem and number of threads. */
struct dt_proof {
    struct dt_choice chosen, best; /* by the search that is tried, and by an exhaustive one */
    size_t plans;                  /* of the space */
    size_t samples, exhaustive;    /* that the two took */
    double seconds, exhaustive_seconds;
    struct dt_interval ratio; /* time of the chosen plan / of the best one, side by side: median and
                                 95 % interval; 1 if they are the same */
    size_t pairs;             /* of processes, in which they ran side by side */
    bool same;
    bool cut; /* the exhaustive search was ended by tuner->stop */
};

struct dt_prover {
    const struct dt_tuner *tuner; /* it has validators */
    const char *program;          /* its path: disentune, which serves (tuner/peer.h) */
    dt_compare_fn *compare;
    double seconds; /* of a comparison at most; 0: 90, longer where calls are long */
};

/*
 * Searches the problem in about `seconds` as dt_tune() does, then all of its space without a limit,
 * a few times each plan (tuner/policies.c), and has what the two chose compared as two builds are:
 * in pairs of processes, for up to prover->seconds or until they are told apart by DT_PROVE_NEAR or
 * not.
 * *found is false if no variant applies. Errors of dt_tune() and of the comparison.
 */
enum dt_status dt_prove(const struct dt_prover *prover, enum dt_op op,
                        const struct dt_problem *problem, double seconds, struct dt_proof *proof,
                        bool *found, struct dt_error *error);

/* The comparison alone, of proof->chosen with proof->best; a call takes about `call_ns`. Fills
 * ratio and pairs. */
enum dt_status dt_prove_compare(const struct dt_prover *prover, enum dt_op op,
                                const struct dt_problem *problem, double call_ns,
                                struct dt_proof *proof, struct dt_error *error);

/* Races two copies of the heuristic's plan, as the last race of a search does, in at most about
 * `seconds`. *declared: one of them was told apart from the other. DT_INVALID, DT_NO_MEMORY. */
enum dt_status dt_prove_same(const struct dt_tuner *tuner, enum dt_op op,
                             const struct dt_problem *problem, double seconds, bool *declared,
                             struct dt_error *error);

#endif
