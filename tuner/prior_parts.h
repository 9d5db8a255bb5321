/* SPDX-License-Identifier: MIT */
/* What parts of a call cost, in cycles, for tuner/prior.c and prior_attention.c. */
#ifndef DISENTUNE_PRIOR_PARTS_H
#define DISENTUNE_PRIOR_PARTS_H

#include "tuner/prior.h"

/* Cycles of a call by what they are for. */
struct dt_tally {
    const struct dt_prior *prior;
    int32_t team; /* index by log2 of the busy workers */
    double cycles[DT_RESOURCE_COUNT];
};

static inline double dt_ceil_div(double whole, double piece)
{
    const double quotient = whole / piece;
    return quotient > (double)(int64_t)quotient ? (double)(int64_t)quotient + 1 : quotient;
}

/* The row of the instruction set of a level; scalar if there is none. */
const struct dt_prior_set *dt_prior_set_of(const struct dt_prior *prior, uint32_t level);

/* Bytes that are read from where a set of data lies that is used again and again: nothing if that
 * is L1. */
void dt_tally_transfer(struct dt_tally *tally, double bytes, double set);

/* The idea of a variant: what comes after the second dot of its name. */
const char *dt_prior_idea(const struct dt_variant *variant);

/* A product of m x n by sums of k. */
double dt_prior_gemm(const struct dt_prior *prior, const struct dt_variant *gemm, double m,
                     double n, double k, bool accumulate);

/* Passes over rows x cols of scores. */
double dt_prior_softmax(const struct dt_prior *prior, const struct dt_variant *softmax,
                        enum dt_softmax_pass pass, double rows, double cols, bool masked);

/* What the gather-and-add finds in a slot table, as shares of all vectors of scores. */
struct dt_slot_facts {
    double linear;   /* blocks whose slots fall by one all along */
    double constant; /* vectors of one slot */
    double reach;    /* mean number of slots that a strip of `rows` reaches */
};

struct dt_slot_facts dt_prior_slots(const struct dt_delta *delta, int32_t lanes, int32_t rows);

/* The mean number of slots that `width` neighbouring entries reach. */
double dt_prior_reach(const struct dt_delta *delta, int32_t width);

/* The instructions of adding to a tile of rows x cols of scores, all of it in L1. */
double dt_prior_add(const struct dt_prior *prior, const struct dt_variant *bias,
                    const struct dt_problem *problem, const struct dt_slot_facts *facts,
                    double rows, double cols, bool peaks);

/* Everything of a call. */
void dt_prior_tally_bias(struct dt_tally *tally, const struct dt_problem *problem,
                         const struct dt_delta *delta, const struct dt_choice *choice);
void dt_prior_tally_attention(struct dt_tally *tally, const struct dt_problem *problem,
                              const struct dt_delta *delta, const struct dt_choice *choice,
                              int32_t threads);

#endif
