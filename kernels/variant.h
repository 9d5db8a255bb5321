/* SPDX-License-Identifier: MIT */
/*
 * The registry: every variant of every operation as one row. Whoever lists, verifies,
 * measures, tunes or runs variants walks these rows; to add a variant is to add a row
 * to the table of its instruction set, and nothing else.
 */
#ifndef DISENTUNE_VARIANT_H
#define DISENTUNE_VARIANT_H

#include "kernels/attention.h"
#include "kernels/cpu.h"
#include "kernels/probe.h"

enum dt_op { DT_OP_BIAS, DT_OP_SOFTMAX, DT_OP_GEMM, DT_OP_ATTENTION, DT_OP_PROBE, DT_OP_COUNT };

struct dt_variant {
    const char *name; /* <op>.<isa>.<idea>, unique; idea may carry a suffix: ".u8" */
    const char *idea; /* one line: what it does differently */
    enum dt_op op;
    uint32_t level;  /* DT_CPU_ bit it needs, 0 for none */
    uint32_t quirks; /* DT_QUIRK_ bits under which it is a poor choice; still runnable */

    /* Whether it computes this problem correctly; NULL for every problem. A variant that does
     * not accept a problem must not be called on it. */
    bool (*accepts)(const struct dt_problem *problem, const struct dt_delta *delta);

    /* Tile sizes are multiples of these; 0: the variant ignores that side of its tile. */
    int32_t rows_multiple, cols_multiple;

    /* Of bias: does what run.bias does, and raises block->peaks; NULL if there is no such function.
     */
    dt_bias_fn *run_peaks;

    /* Of attention. But for DT_DIRECT it is made of the gemm, bias and softmax variants that a
     * choice names. */
    enum dt_strategy strategy;
    enum dt_softmax_form form;

    /* The stated accuracy: |result - exact| <= error_eps * K * 2^-24 * scale, with K the number
     * of terms of the longest sum (dt_error_terms) and scale from the reference. */
    float error_eps;

    union {
        dt_bias_fn *bias;
        dt_softmax_fn *softmax;
        dt_gemm_resolve_fn *gemm;
        dt_attention_fn *attention;
        dt_probe_fn *probe;
    } run;
};

/* Rows of one operation for one instruction set; each such table is one exported symbol. */
struct dt_variant_table {
    const struct dt_variant *rows;
    size_t count;
};

/* "bias", "softmax", ... */
const char *dt_op_name(enum dt_op op);

/* The operation of that name, DT_OP_COUNT if there is none. */
enum dt_op dt_op_parse(const char *name);

/* K of error_eps: 1 for bias (its two additions are in error_eps), the keys for softmax,
 * the dimension for gemm, dimension and keys for attention. */
int32_t dt_error_terms(enum dt_op op, const struct dt_problem *problem);

/* The n-th row (0-based) over all tables: by instruction set from scalar up, operations
 * together; NULL past the last. */
const struct dt_variant *dt_variant_at(size_t n);

/* NULL if there is none of that name in this build. */
const struct dt_variant *dt_variant_find(const char *name);

/* The name of the table that the row stands in, "bias_avx2"; NULL if in none of this build. */
const char *dt_variant_table(const struct dt_variant *variant);

/* Whether this CPU can run it, it computes the operation, and it accepts the problem. */
bool dt_variant_applies(const struct dt_variant *variant, enum dt_op op,
                        const struct dt_problem *problem, const struct dt_delta *delta);

/* A hash over the names of all rows: a table tuned with another set of variants is stale. */
uint64_t dt_variant_signature(void);

#endif
