/* SPDX-License-Identifier: MIT */
/* Operands for one operation on one problem, and choices made ready to run on them. */
#ifndef DISENTUNE_WORKLOAD_H
#define DISENTUNE_WORKLOAD_H

#include "kernels/setup.h"
#include "kernels/slowdown.h"
#include "tuner/blocked.h"

/*
 * For bias the operands of one head, with both layouts of the p2c table, so that variants of
 * either can be compared; rows are dense, as a caller has them. For gemm the queries and keys of
 * one head, the keys packed for the tile. For the others everything that the problem says.
 */
struct dt_workload {
    enum dt_op op;
    struct dt_problem problem; /* the class of the one asked for */
    struct dt_delta delta;
    float *memory;                /* all operands, owned */
    float *scores, *c2p, *p2c[2]; /* bias; p2c by enum dt_layout */
    float *other[2];              /* bias, for the ceiling: see dt_workload_add_other() */
    float *more;                  /* these, owned */
    uint8_t *allowed;             /* softmax and attention: the mask, owned */
    int32_t *lengths;
    struct dt_softmax_args softmax;
    struct dt_attention attention;
    struct dt_positions *positions; /* attention, owned */
    float *a, *b, *c;               /* gemm */
};

/* Random operands from the seed. Refuses what would take more than 3/4 of the machine's memory.
 * The caller releases with dt_workload_clear(). DT_INVALID, DT_NO_MEMORY. */
enum dt_status dt_workload_init(struct dt_workload *workload, enum dt_op op,
                                const struct dt_problem *problem, uint64_t seed,
                                struct dt_error *error);
void dt_workload_clear(struct dt_workload *workload);

/* Two more arrays of the size of scores, which the ceiling of bias adds; once. DT_NO_MEMORY. */
enum dt_status dt_workload_add_other(struct dt_workload *workload, struct dt_error *error);

/*
 * A choice with all that need not be done in a timed call: products resolved, an attention set up
 * and given its workspace. Several may be ready on one workload, but as they share the operands
 * only one runs at a time.
 */
struct dt_ready {
    const struct dt_workload *workload;
    struct dt_choice choice;
    enum dt_layout layout;           /* bias: which of the two p2c tables it reads */
    struct dt_blocked *product;      /* gemm, owned */
    struct dt_attention_setup setup; /* attention */
    float *workspace;                /* attention, owned */
    struct dt_slowdown slowdown;
};

/* The caller releases with dt_ready_clear(). `threads` matters to attention. DT_UNSUPPORTED,
 * DT_INVALID (as of dt_attention_setup_init()), DT_NO_MEMORY. */
enum dt_status dt_ready_init(struct dt_ready *ready, const struct dt_workload *workload,
                             const struct dt_choice *choice, enum dt_layout layout, int32_t threads,
                             struct dt_error *error);
void dt_ready_clear(struct dt_ready *ready);

/* One call. A probe is the ceiling: for bias it adds as many floats as the scores have, for other
 * operations it does dt_probe_flops() of multiply-adds. `phases`: NULL, or where a call of
 * attention on one thread adds what it spent. */
void dt_ready_run(const struct dt_ready *ready, struct dt_phases *phases);
double dt_probe_flops(const struct dt_variant *probe);

/* FLOPs of a product or of the products of an attention (table strategy), 0 for other operations.
 */
double dt_workload_flops(const struct dt_workload *workload);

#endif
