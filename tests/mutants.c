/* SPDX-License-Identifier: MIT */
#include "tests/mutants.h"

#include "tests/mutants_attention.h"
#include "tests/mutants_gemm.h"
#include "tests/mutants_slot.h"
#include "tests/mutants_softmax.h"

#include <fenv.h>
#include <math.h>

/*
 * struct dt_bias_block does not name the buckets. A mutant that computes slots by itself learns the
 * problem from accepts(), which is asked before every run.
 */
static struct dt_problem problem;

static bool learn_problem(const struct dt_problem *p, const struct dt_delta *delta)
{
    (void)delta;
    problem = *p;
    return true;
}

static float c2p_at(const struct dt_bias *io, int32_t i, int32_t slot)
{
    return io->c2p[i * io->c2p_row + slot];
}

static float p2c_at(const struct dt_bias_block *b, const struct dt_bias *io, int32_t j,
                    int32_t slot)
{
    return b->layout == DT_KEY_MAJOR ? io->p2c[j * io->p2c_row + slot]
                                     : io->p2c[slot * io->p2c_row + j];
}

static float term_at(const struct dt_bias_block *b, const struct dt_bias *io, int32_t i, int32_t j,
                     int32_t c2p_slot, int32_t p2c_slot)
{
    if (b->terms == DT_P2C)
        return p2c_at(b, io, j, p2c_slot);
    if (b->terms == DT_C2P)
        return c2p_at(io, i, c2p_slot);
    return c2p_at(io, i, c2p_slot) + p2c_at(b, io, j, p2c_slot);
}

static void bias_by_rule(const struct dt_bias_block *b, const struct dt_bias *io,
                         enum slot_rule rule)
{
    for (int32_t i = 0; i < b->nq; i++)
        for (int32_t j = 0; j < b->nk; j++) {
            const int64_t r = (int64_t)b->delta->nq - 1 - (b->origin + j - i);
            io->scores[i * io->scores_row + j] +=
                term_at(b, io, i, j, mutant_slot(&problem, r, rule == PAPER_SIGN ? RIGHT : rule),
                        mutant_slot(&problem, r, rule));
        }
}

#define BIAS_BY_RULE(name, rule)                                                                   \
    static void name(const struct dt_bias_block *b, const struct dt_bias *io)                      \
    {                                                                                              \
        bias_by_rule(b, io, rule);                                                                 \
    }

BIAS_BY_RULE(bias_right, RIGHT)
BIAS_BY_RULE(bias_paper_sign, PAPER_SIGN)
BIAS_BY_RULE(bias_position_is_two_spans, POSITION_IS_TWO_SPANS)
BIAS_BY_RULE(bias_no_span, NO_SPAN)
BIAS_BY_RULE(bias_swapped, SWAPPED)
BIAS_BY_RULE(bias_other_dialect, OTHER_DIALECT)
BIAS_BY_RULE(bias_off_at_last, OFF_AT_LAST)

/* What is right, from the table, for the first `cols` columns. */
static void add_columns(const struct dt_bias_block *b, const struct dt_bias *io, int32_t cols)
{
    for (int32_t i = 0; i < b->nq; i++)
        for (int32_t j = 0; j < cols; j++) {
            const int32_t slot = b->delta->slot[b->origin + j - i];
            io->scores[i * io->scores_row + j] += term_at(b, io, i, j, slot, slot);
        }
}

static void bias_no_tail(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk / 4 * 4);
}

static void bias_nothing(const struct dt_bias_block *b, const struct dt_bias *io)
{
    (void)b, (void)io;
}

static void bias_no_origin(const struct dt_bias_block *b, const struct dt_bias *io)
{
    struct dt_bias_block whole = *b;
    whole.origin = b->nq - 1;
    add_columns(&whole, io, b->nk);
}

static volatile float sink;

static void bias_reads_past_row(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    const volatile float *row = io->scores + (b->nq - 1) * io->scores_row;
    sink = row[b->nk];
}

static void bias_reads_absent_term(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    if (b->terms != (DT_C2P | DT_P2C))
        sink = *(const volatile float *)(b->terms == DT_C2P ? io->p2c : io->c2p);
}

static void bias_reads_before(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    const volatile float *table = b->terms & DT_C2P ? io->c2p : io->p2c;
    sink = table[-1];
}

static void bias_reads_before_slots(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    const volatile int32_t *slot = b->delta->slot;
    sink = (float)slot[-1];
}

static void bias_writes_padding(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    for (int32_t i = 0; i + 1 < b->nq; i++)
        if (io->scores_row > b->nk)
            io->scores[i * io->scores_row + b->nk] += 1;
}

static void bias_writes_input(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    float *table = (float *)(b->terms & DT_C2P ? io->c2p : io->p2c);
    table[0] += 1;
}

/* Weighs what it should not read with 0, as a wide load with an arithmetic mask does. */
static void bias_leaks_neighbour(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    for (int32_t i = 0; b->terms & DT_C2P && i < b->nq; i++)
        io->scores[i * io->scores_row] += 0 * io->c2p[i * io->c2p_row + b->delta->slots - 1];
    if (b->terms == DT_P2C)
        io->scores[0] += 0 * p2c_at(b, io, 0, 0);
}

static void bias_swallows_nan(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    for (int32_t i = 0; i < b->nq; i++)
        for (int32_t j = 0; j < b->nk; j++)
            if (isnan(io->scores[i * io->scores_row + j]))
                io->scores[i * io->scores_row + j] = 0;
}

static void bias_swallows_infinity(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    for (int32_t i = 0; i < b->nq; i++)
        for (int32_t j = 0; j < b->nk; j++)
            if (isinf(io->scores[i * io->scores_row + j]))
                io->scores[i * io->scores_row + j] = NAN;
}

static void bias_other_order(const struct dt_bias_block *b, const struct dt_bias *io)
{
    struct dt_bias_block one = *b;
    for (one.terms = DT_C2P; one.terms <= DT_P2C; one.terms *= 2)
        if (b->terms & one.terms)
            add_columns(&one, io, b->nk);
}

static void bias_changes_with_time(const struct dt_bias_block *b, const struct dt_bias *io)
{
    static unsigned calls;
    add_columns(b, io, b->nk);
    if (calls++ % 2)
        io->scores[0] = nextafterf(io->scores[0], INFINITY);
}

static void bias_changes_rounding(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    fesetround(FE_UPWARD);
}

/* More than one, as the compiler saves those that the function itself uses. */
static void bias_clobbers_register(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
#if defined(__x86_64__)
    __asm__ volatile("movq $1, %rbx\n movq $1, %r12\n movq $1, %r14\n movq $1, %r15");
#elif defined(__aarch64__)
    __asm__ volatile("mov x19, #1\n mov x22, #1\n mov x27, #1\n mov x28, #1");
#endif
}

static void bias_illegal(const struct dt_bias_block *b, const struct dt_bias *io)
{
    (void)b, (void)io;
#if defined(__x86_64__)
    __asm__ volatile("ud2");
#elif defined(__aarch64__)
    __asm__ volatile(".inst 0");
#endif
}

#if defined(__x86_64__)
static void bias_direction(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    __asm__ volatile("std");
}

static void bias_uses_x87(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    __asm__ volatile("fld1");
}

static void bias_needs_alignment(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    __asm__ volatile("movaps (%0), %%xmm0" : : "r"((uintptr_t)io->scores & ~(uintptr_t)7) : "xmm0");
}
#elif defined(__aarch64__)
static void bias_clobbers_vector(const struct dt_bias_block *b, const struct dt_bias *io)
{
    add_columns(b, io, b->nk);
    __asm__ volatile("fmov d9, #1.0");
}
#endif

#define WRONG "expected"
#define OUTSIDE "touched memory outside its operands"

#define BIAS(function, text)                                                                       \
    {                                                                                              \
        .variant = {.name = "bias.mutant." #function,                                              \
                    .op = DT_OP_BIAS,                                                              \
                    .accepts = learn_problem,                                                      \
                    .error_eps = 4,                                                                \
                    .run.bias = bias_##function},                                                  \
        .symptom = text                                                                            \
    }
#define SOFTMAX(function, text)                                                                    \
    {                                                                                              \
        .variant = {.name = "softmax.mutant." #function,                                           \
                    .op = DT_OP_SOFTMAX,                                                           \
                    .error_eps = 4,                                                                \
                    .run.softmax = mutant_softmax_##function},                                     \
        .symptom = text                                                                            \
    }
#define GEMM(function, text)                                                                       \
    {                                                                                              \
        .variant = {.name = "gemm.mutant." #function,                                              \
                    .op = DT_OP_GEMM,                                                              \
                    .rows_multiple = 1,                                                            \
                    .cols_multiple = 1,                                                            \
                    .error_eps = 2,                                                                \
                    .run.gemm = mutant_gemm_##function},                                           \
        .symptom = text                                                                            \
    }
#define ATTENTION(function, text)                                                                  \
    {                                                                                              \
        .variant = {.name = "attention.mutant." #function,                                         \
                    .op = DT_OP_ATTENTION,                                                         \
                    .error_eps = 4,                                                                \
                    .run.attention = mutant_attention_##function},                                 \
        .symptom = text                                                                            \
    }

static const struct mutant mutants[] = {
    BIAS(right, NULL),
    BIAS(paper_sign, WRONG),
    BIAS(position_is_two_spans, WRONG),
    BIAS(no_span, WRONG),
    BIAS(swapped, WRONG),
    BIAS(other_dialect, WRONG),
    BIAS(off_at_last, WRONG),
    BIAS(no_tail, WRONG),
    BIAS(nothing, WRONG),
    BIAS(no_origin, WRONG),
    BIAS(reads_past_row, OUTSIDE),
    BIAS(reads_absent_term, OUTSIDE),
    BIAS(reads_before, OUTSIDE),
    BIAS(reads_before_slots, OUTSIDE),
    BIAS(writes_padding, "wrote outside the elements of scores"),
    BIAS(writes_input, "wrote to its input"),
    BIAS(leaks_neighbour, WRONG),
    BIAS(swallows_nan, "expected nan"),
    BIAS(swallows_infinity, "is nan, expected"),
    BIAS(other_order, "not s + (a + b)"),
    BIAS(changes_with_time, "on another call with equal data"),
    BIAS(changes_rounding, "floating-point control state"),
    BIAS(clobbers_register, "callee-saved register"),
    BIAS(illegal, "instruction that this CPU lacks"),
#if defined(__x86_64__)
    BIAS(direction, "direction flag"),
    BIAS(uses_x87, "x87 register stack"),
    BIAS(needs_alignment, OUTSIDE),
#elif defined(__aarch64__)
    BIAS(clobbers_vector, "callee-saved register"),
#endif
    SOFTMAX(right, NULL),
    SOFTMAX(no_maximum, WRONG),
    SOFTMAX(no_zero, WRONG),
    SOFTMAX(no_tail, WRONG),
    SOFTMAX(other_dialect, WRONG),
    SOFTMAX(scaled_leak, WRONG),
    GEMM(right, NULL),
    GEMM(unresolved, "cannot be resolved"),
    GEMM(no_column_tail, WRONG),
    GEMM(no_row_tail, WRONG),
    GEMM(short_sum, WRONG),
    GEMM(never_accumulates, WRONG),
    GEMM(always_accumulates, WRONG),
    GEMM(scales_old, WRONG),
    GEMM(transposed, WRONG),
    GEMM(dense_b, WRONG),
    GEMM(two_sums, "its sum over rising l"),
    GEMM(falling, "its sum over rising l"),
    GEMM(old_last, "its sum over rising l"),
    GEMM(tail_by_size, "its sum over rising l"),
    GEMM(padded_sum, WRONG),
    GEMM(writes_past, "wrote outside the elements of c"),
    GEMM(reads_past, OUTSIDE),
    GEMM(writes_input, "wrote to its input b"),
    GEMM(clobbers_register, "callee-saved register"),
    SOFTMAX(no_factor, WRONG),
    SOFTMAX(factor_of_first_block, WRONG),
    SOFTMAX(forgets_max, WRONG),
    SOFTMAX(masked_max, WRONG),
    SOFTMAX(masked_sum, WRONG),
    SOFTMAX(no_block_tail, WRONG),
    SOFTMAX(infinity_less_infinity, WRONG),
    SOFTMAX(sum_starts_anew, WRONG),
    SOFTMAX(first_row_shift, WRONG),
    SOFTMAX(swallows_nan, WRONG),
    SOFTMAX(bits_of_row, "on another call with equal data"),
    SOFTMAX(writes_factor, "wrote to its input factor"),
    SOFTMAX(writes_past_sum, "touched memory outside"),
    ATTENTION(right, NULL),
    ATTENTION(paper_sign, WRONG),
    ATTENTION(position_is_two_spans, WRONG),
    ATTENTION(no_span, WRONG),
    ATTENTION(swapped, WRONG),
    ATTENTION(other_dialect, WRONG),
    ATTENTION(off_at_last, WRONG),
    ATTENTION(no_root, WRONG),
    ATTENTION(no_row_offset, WRONG),
    ATTENTION(no_position_offset, WRONG),
    ATTENTION(masked_leak, WRONG),
    ATTENTION(no_maximum, WRONG),
    ATTENTION(other_empty_row, WRONG),
    ATTENTION(mask_of_first_row, WRONG),
    ATTENTION(order, "on another call with equal data"),
    ATTENTION(threads, "on another call with equal data"),
    ATTENTION(last_item, WRONG),
    ATTENTION(beyond_workspace, OUTSIDE),
    ATTENTION(unset_workspace, WRONG),
    ATTENTION(beyond_positions, OUTSIDE),
};

const struct mutant *mutant_at(size_t n)
{
    return n < sizeof mutants / sizeof *mutants ? &mutants[n] : NULL;
}
