/* SPDX-License-Identifier: MIT */
/*
 * Whether a variant computes what it says: every element against the double-precision
 * reference, within the variant's stated bound, and nothing else touched.
 *
 * A verdict is reached by calling the variant many times on one problem with one choice of tile
 * and parts: on plain data and on data with NaN, infinities and subnormals, where every table
 * entry that the formula does not name holds a NaN; on operands that end at an inaccessible page
 * and on operands that begin at one; at misalignments; with rows further apart than they are long;
 * for bias also on blocks of the problem, for softmax also in passes, for attention also on packed
 * batches, on work items in another order and on several threads, for gemm in blocks of the tile
 * and with both ways to begin a sum. Judged are
 *
 *     class      NaN, +Inf, -Inf where the reference has them and nowhere else
 *     value      |result - reference| <= error_eps * dt_error_terms * 2^-24 * scale
 *     repetition the same bits on every call with the same data, wherever the operands lie
 *                softmax may give 0 for weights below 2^-126
 *     bits       bias: those of s + (a + b) in f32, as its contract says; gemm: those of a sum over
 *                rising l, whatever block of the product the element is computed in
 *     memory     no access outside the operands, no change of padding or inputs
 *     state      callee-saved registers and floating-point control as before the call
 *     vacuity    something was compared, and the expected result differs from the initial one
 */
#ifndef DISENTUNE_VALIDATE_H
#define DISENTUNE_VALIDATE_H

#include "kernels/plan.h"

enum dt_validate_level {
    DT_VALIDATE_QUICK, /* a few calls; before a candidate is timed */
    DT_VALIDATE_FULL,
};

struct dt_validate_options {
    uint64_t seed; /* of the data; the same seed gives the same calls */
    enum dt_validate_level level;
};

struct dt_verdict {
    bool passed;
    uint64_t calls;    /* of the variant */
    uint64_t compared; /* elements compared with the reference */
    uint64_t special;  /* of these NaN and infinities, compared by class */
    double worst;      /* the largest error in units of the bound, of all finite elements */
    double worst_ulp;  /* the same in units in the last place of the expected value as f32; without
                          values below 2^-10 of their scale, which are what cancellation left */
    char reason[640];  /* if not passed: choice, problem, seed and what is wrong; one line */
};

/* What is the same for all choices of one problem: data and the reference's results. */
struct dt_validator;

/*
 * Prepares bias, softmax, gemm or attention. The caller frees *validator with dt_validate_close().
 * DT_INVALID for a bad problem, DT_UNSUPPORTED for another operation or bias without terms,
 * DT_NO_MEMORY.
 */
enum dt_status dt_validate_open(enum dt_op op, const struct dt_problem *problem,
                                const struct dt_validate_options *options,
                                struct dt_validator **validator, struct dt_error *error);

/* The slot table of the problem; valid as long as the validator. */
const struct dt_delta *dt_validate_delta(const struct dt_validator *validator);

/*
 * Judges one choice of that operation. While it runs, SIGSEGV, SIGBUS, SIGILL and SIGFPE are
 * caught, so that only one thread of a process may validate at a time. DT_OK with either verdict;
 * DT_UNSUPPORTED if the CPU or accepts() rules the variant or a part out, DT_INVALID for a tile
 * that is no multiple of the variant's and for a part that is missing, DT_NO_MEMORY; then *verdict
 * is untouched.
 */
enum dt_status dt_validate_run(struct dt_validator *validator, const struct dt_choice *choice,
                               struct dt_verdict *verdict, struct dt_error *error);

void dt_validate_close(struct dt_validator *validator);

/* All of the above for a single verdict. */
enum dt_status dt_validate_choice(const struct dt_choice *choice, const struct dt_problem *problem,
                                  const struct dt_validate_options *options,
                                  struct dt_verdict *verdict, struct dt_error *error);

/* Adds one verdict to the sum of several, which starts as {.passed = true}. The reason kept is
 * the first. */
void dt_verdict_add(struct dt_verdict *sum, const struct dt_verdict *verdict);

/*
 * The problems at whose edges variants break: lengths around vector widths, primes, rectangles,
 * distances that clamp, step by two or exceed M, tiny and odd spans, both layouts, both dialects,
 * every mask. *problems is a static array.
 */
size_t dt_validate_edge_problems(enum dt_op op, const struct dt_problem **problems);

#define DT_VALIDATE_CHOICES 8

/*
 * Choices to try of a variant that applies to the problem, all different in what the variant looks
 * at: its tiles and, of an attention made of parts, also chunks and every part that applies, each
 * at least once over a few problems. At most DT_VALIDATE_CHOICES.
 */
size_t dt_validate_choices(const struct dt_variant *variant, const struct dt_problem *problem,
                           const struct dt_delta *delta,
                           struct dt_choice choices[DT_VALIDATE_CHOICES]);

#endif
