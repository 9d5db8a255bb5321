/* SPDX-License-Identifier: MIT */
/*
 * What the validators of the operations share: guarded operands, the call, and the judgement of
 * a value. Private to tuner/validate*.c. Functions that return false have
 * written the verdict's reason.
 */
#ifndef DISENTUNE_CHECK_H
#define DISENTUNE_CHECK_H

#include "kernels/setup.h"
#include "tuner/abi.h"
#include "tuner/guard.h"
#include "tuner/validate.h"

/* Where the operands of one call lie. */
struct dt_placement {
    enum dt_guard_side side;
    int gap; /* 0 ... 15: 0 at the page; else operand n lies gap * (2n + 1) % 16 elements away */
    int pad; /* 0 ... 15: elements between rows; operand n has pad + n if pad is not 0 */
};

#define DT_MAX_PAD 32

/* Placement of the n-th call, of any number: the first four lie at their pages, the others at
 * every misalignment. */
struct dt_placement dt_placement_at(unsigned n);

/* An operand of a call: rows copied from a dense source into guarded memory. */
struct dt_operand {
    const char *name;
    size_t element; /* bytes */
    struct dt_guard guard;
    const unsigned char *source;
    size_t source_stride; /* bytes */
    ptrdiff_t stride;     /* elements, of the copy */
};

/* Room for any placement of rows x cols elements. Release with dt_guard_clear(&guard). */
enum dt_status dt_operand_init(struct dt_operand *operand, const char *name, size_t element,
                               size_t rows, size_t cols, struct dt_error *error);

/* Copies rows x cols elements, source_stride elements apart, as operand number `index`. */
void *dt_operand_place(struct dt_operand *operand, const struct dt_placement *placement, int index,
                       const void *source, size_t source_stride, size_t rows, size_t cols);

/* The slot table in guarded memory. */
#define DT_DELTA_ARRAYS (3 + DT_WINDOW_WIDTHS)
struct dt_guarded_delta {
    struct dt_delta delta;
    struct dt_operand arrays[DT_DELTA_ARRAYS];
};
enum dt_status dt_guarded_delta_init(struct dt_guarded_delta *guarded, const struct dt_delta *delta,
                                     struct dt_error *error);
void dt_guarded_delta_place(struct dt_guarded_delta *guarded, const struct dt_delta *delta,
                            enum dt_guard_side side);
void dt_guarded_delta_clear(struct dt_guarded_delta *guarded);

/* The judgement of one choice on one problem. */
struct dt_check {
    struct dt_choice choice;
    const struct dt_attention_setup *setup; /* attention: of the choice, for one thread */
    const struct dt_problem *problem;
    uint64_t seed;
    double unit; /* error_eps * dt_error_terms * 2^-24 */
    struct dt_verdict *verdict;
    char call[96]; /* which call it is, for the reason */
};

/* "CHOICE on "PROBLEM" seed N: FORMAT (call)". Returns false. */
__attribute__((format(printf, 2, 3))) bool dt_check_fail(struct dt_check *check, const char *format,
                                                         ...);

/* Says which call comes next, for reasons. */
void dt_check_name_call(struct dt_check *check, const char *data,
                        const struct dt_placement *placement);

/*
 * Calls the variant with the arguments that its operation takes; of gemm, the product that is the
 * first of them. Then every operand but those of `outputs`, a set of bits 1 << index, must be
 * unchanged and the padding of all untouched. Operands never placed are skipped. guarded may be
 * NULL.
 */
bool dt_check_call(struct dt_check *check, const void *const args[DT_ABI_ARGS],
                   const struct dt_operand *operands, int count, unsigned outputs,
                   const struct dt_guarded_delta *guarded);

/* One element: class, then value. `what` names the array. Where scale is not finite a finite value
 * is not judged further than by its class. */
bool dt_check_value(struct dt_check *check, const char *what, ptrdiff_t i, ptrdiff_t j, float got,
                    double expected, double scale);

/* The bits of x, the same for every NaN. */
uint32_t dt_check_bits(float x);

/* Whether `got` has the bits of `first`, which the same data gave before. */
bool dt_check_same(struct dt_check *check, const char *what, ptrdiff_t i, ptrdiff_t j, float got,
                   float first);

/* 2^-3 to 2 with either sign; exponents and mantissas are uniform, so that most sums round. */
float dt_check_random(uint64_t *state);

/* A NaN, an infinity, a subnormal, a signed zero or a large or small normal. */
float dt_check_special(uint64_t *state);

/* ---- The operations ---- */

struct dt_case; /* each operation has its own */

struct dt_case_kind {
    enum dt_status (*open)(const struct dt_problem *problem, const struct dt_delta *delta,
                           const struct dt_validate_options *options, struct dt_case **opened,
                           struct dt_error *error);
    void (*run)(struct dt_case *opened, struct dt_check *check);
    void (*close)(struct dt_case *opened);
};

extern const struct dt_case_kind dt_bias_case, dt_softmax_case, dt_gemm_case, dt_attention_case;

#endif
