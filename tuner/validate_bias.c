/* SPDX-License-Identifier: MIT */
/*
 * The validator of `bias`.
 *
 * Two sets of data. "plain": everything random. "special": a used entry of 24 is a NaN, an
 * infinity, a subnormal or the like, and every table entry that the formula does not name is a
 * NaN, so that a vector that is loaded wide and permuted wrongly shows. The expected results are
 * computed once; a call copies the operands of a block of the problem into guarded memory.
 *
 * The contract promises the bits of s + (a + b) in f32, so these are compared too, after the
 * bound, which says the more useful thing of a wrong result.
 */
#include "kernels/error.h"
#include "kernels/reference.h"
#include "reports/stats.h"
#include "tuner/check.h"

#include <math.h>
#include <stdlib.h>

enum { SCORES, C2P, P2C, OPERANDS };
enum { PLAIN, SPECIAL, SETS };

struct set {
    const char *name;
    float *scores, *c2p, *p2c; /* dense */
    float *exact;              /* s + (a + b) in f32 */
    double *expected, *scale;
};

struct dt_case {
    const struct dt_problem *problem;
    const struct dt_delta *delta;
    struct dt_validate_options options;
    size_t p2c_rows, p2c_cols;
    int sets;
    struct set set[SETS];
    float *first; /* [nq][nk]: what the first call with plain data gave */
    bool first_known;
    struct dt_operand operands[OPERANDS];
    struct dt_guarded_delta guarded;
};

/* Queries i0 ... and keys j0 ... of the problem. */
struct block {
    int32_t i0, j0, nq, nk;
};

static size_t p2c_index(const struct dt_case *c, int32_t j, int32_t slot)
{
    return c->problem->layout == DT_KEY_MAJOR ? (size_t)j * c->p2c_cols + (size_t)slot
                                              : (size_t)slot * c->p2c_cols + (size_t)j;
}

static float draw(const struct set *set, const struct dt_case *c, uint64_t *state)
{
    if (set == &c->set[SPECIAL] && dt_random_below(state, 24) == 0)
        return dt_check_special(state);
    return dt_check_random(state);
}

/* Slots of all distances, in the order of dt_delta, from the reference. NULL: no memory. */
static int32_t *reference_slots(const struct dt_problem *p)
{
    int32_t *slots = malloc(((size_t)p->nq + (size_t)p->nk) * sizeof *slots);
    for (int32_t t = 0; slots && t < p->nq + p->nk - 1; t++)
        slots[t] = dt_reference_slot(p, (int64_t)p->nq - 1 - t);
    return slots;
}

static void fill_inputs(struct dt_case *c, struct set *set, const int32_t *slots)
{
    const struct dt_problem *p = c->problem;
    const bool poison = set == &c->set[SPECIAL];
    const size_t c2p_size = (size_t)p->nq * 2 * (size_t)p->span;
    const size_t p2c_size = c->p2c_rows * c->p2c_cols;
    uint64_t state = c->options.seed * 2 + poison;
    for (size_t n = 0; n < c2p_size; n++)
        set->c2p[n] = poison ? NAN : dt_check_random(&state);
    for (size_t n = 0; n < p2c_size; n++)
        set->p2c[n] = poison ? NAN : dt_check_random(&state);
    for (int32_t i = 0; i < p->nq; i++)
        for (int32_t j = 0; j < p->nk; j++) {
            const int32_t slot = slots[p->nq - 1 + j - i];
            set->scores[(size_t)i * (size_t)p->nk + (size_t)j] = draw(set, c, &state);
            if (poison) {
                set->c2p[(size_t)i * 2 * (size_t)p->span + (size_t)slot] = draw(set, c, &state);
                set->p2c[p2c_index(c, j, slot)] = draw(set, c, &state);
            }
        }
}

static void compute_expected(const struct dt_case *c, struct set *set, const int32_t *slots)
{
    const struct dt_problem *p = c->problem;
    const struct dt_bias io = {
        .scores = set->scores,
        .scores_row = p->nk,
        .c2p = set->c2p,
        .c2p_row = 2 * (ptrdiff_t)p->span,
        .p2c = set->p2c,
        .p2c_row = (ptrdiff_t)c->p2c_cols,
    };
    dt_reference_bias(p, &io, set->expected, set->scale);
    for (int32_t i = 0; i < p->nq; i++)
        for (int32_t j = 0; j < p->nk; j++) {
            const size_t at = (size_t)i * (size_t)p->nk + (size_t)j;
            const int32_t slot = slots[p->nq - 1 + j - i];
            const float a = set->c2p[(size_t)i * 2 * (size_t)p->span + (size_t)slot];
            const float b = set->p2c[p2c_index(c, j, slot)];
            const float term = p->terms == DT_C2P ? a : p->terms == DT_P2C ? b : a + b;
            set->exact[at] = set->scores[at] + term;
        }
}

static enum dt_status open_set(struct dt_case *c, struct set *set, const char *name,
                               const int32_t *slots, struct dt_error *error)
{
    const struct dt_problem *p = c->problem;
    const size_t area = (size_t)p->nq * (size_t)p->nk;
    set->name = name;
    set->scores = malloc(area * sizeof *set->scores);
    set->exact = malloc(area * sizeof *set->exact);
    set->expected = malloc(area * sizeof *set->expected);
    set->scale = malloc(area * sizeof *set->scale);
    set->c2p = malloc((size_t)p->nq * 2 * (size_t)p->span * sizeof *set->c2p);
    set->p2c = malloc(c->p2c_rows * c->p2c_cols * sizeof *set->p2c);
    if (!set->scores || !set->exact || !set->expected || !set->scale || !set->c2p || !set->p2c)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to validate bias on %dx%d scores",
                            p->nq, p->nk);
    fill_inputs(c, set, slots);
    compute_expected(c, set, slots);
    return DT_OK;
}

static void close_case(struct dt_case *c)
{
    for (int s = 0; s < SETS; s++) {
        free(c->set[s].scores);
        free(c->set[s].exact);
        free(c->set[s].expected);
        free(c->set[s].scale);
        free(c->set[s].c2p);
        free(c->set[s].p2c);
    }
    free(c->first);
    for (int n = 0; n < OPERANDS; n++)
        dt_guard_clear(&c->operands[n].guard);
    dt_guarded_delta_clear(&c->guarded);
    free(c);
}

static enum dt_status open_operands(struct dt_case *c, struct dt_error *error)
{
    const struct dt_problem *p = c->problem;
    enum dt_status status = dt_operand_init(&c->operands[SCORES], "scores", sizeof(float),
                                            (size_t)p->nq, (size_t)p->nk, error);
    if (!status && p->terms & DT_C2P)
        status = dt_operand_init(&c->operands[C2P], "c2p", sizeof(float), (size_t)p->nq,
                                 2 * (size_t)p->span, error);
    if (!status && p->terms & DT_P2C)
        status = dt_operand_init(&c->operands[P2C], "p2c", sizeof(float), c->p2c_rows, c->p2c_cols,
                                 error);
    if (!status)
        status = dt_guarded_delta_init(&c->guarded, c->delta, error);
    return status;
}

/* Beyond this many scores a quick validation leaves the special data out. */
#define QUICK_AREA (1 << 20)

static enum dt_status open_case(const struct dt_problem *p, const struct dt_delta *delta,
                                const struct dt_validate_options *options, struct dt_case **opened,
                                struct dt_error *error)
{
    const size_t area = (size_t)p->nq * (size_t)p->nk, slots = 2 * (size_t)p->span;
    int32_t *slot = reference_slots(p);
    struct dt_case *c = calloc(1, sizeof *c);
    enum dt_status status = DT_NO_MEMORY;
    if (c)
        *c = (struct dt_case){
            .problem = p,
            .delta = delta,
            .options = *options,
            .p2c_rows = p->layout == DT_KEY_MAJOR ? (size_t)p->nk : slots,
            .p2c_cols = p->layout == DT_KEY_MAJOR ? slots : (size_t)p->nk,
            .sets = options->level == DT_VALIDATE_QUICK && area > QUICK_AREA ? SPECIAL : SETS,
            .first = malloc(area * sizeof(float)),
        };
    if (!slot || !c || !c->first)
        dt_error_set(error, DT_NO_MEMORY, "no memory to validate bias on %dx%d scores", p->nq,
                     p->nk);
    else
        status = open_operands(c, error);
    if (!status)
        status = open_set(c, &c->set[PLAIN], "plain data", slot, error);
    if (!status && c->sets == SETS)
        status = open_set(c, &c->set[SPECIAL], "special values", slot, error);
    free(slot);
    if (!status)
        *opened = c;
    else if (c)
        close_case(c);
    return status;
}

static void place(struct dt_case *c, const struct set *set, const struct block *b,
                  const struct dt_placement *placement, struct dt_bias *io)
{
    const struct dt_problem *p = c->problem;
    const bool key_major = p->layout == DT_KEY_MAJOR;
    const size_t slots = 2 * (size_t)p->span, nk = (size_t)p->nk;
    const float *const forbidden = (const void *)c->operands[SCORES].guard.map;
    *io = (struct dt_bias){.c2p = forbidden, .c2p_row = 1, .p2c = forbidden, .p2c_row = 1};
    io->scores = dt_operand_place(&c->operands[SCORES], placement, SCORES,
                                  set->scores + (size_t)b->i0 * nk + (size_t)b->j0, nk,
                                  (size_t)b->nq, (size_t)b->nk);
    io->scores_row = c->operands[SCORES].stride;
    if (p->terms & DT_C2P) {
        io->c2p = dt_operand_place(&c->operands[C2P], placement, C2P,
                                   set->c2p + (size_t)b->i0 * slots, slots, (size_t)b->nq, slots);
        io->c2p_row = c->operands[C2P].stride;
    }
    if (p->terms & DT_P2C) {
        io->p2c = dt_operand_place(
            &c->operands[P2C], placement, P2C, set->p2c + (size_t)b->j0 * (key_major ? slots : 1),
            c->p2c_cols, key_major ? (size_t)b->nk : slots, key_major ? slots : (size_t)b->nk);
        io->p2c_row = c->operands[P2C].stride;
    }
    dt_guarded_delta_place(&c->guarded, c->delta, placement->side);
}

static bool compare(struct dt_case *c, struct dt_check *check, const struct set *set,
                    const struct block *b, const struct dt_bias *io)
{
    const bool plain = set == &c->set[PLAIN];
    bool changes = false;
    for (int32_t i = 0; i < b->nq; i++)
        for (int32_t j = 0; j < b->nk; j++) {
            const size_t at = (size_t)(b->i0 + i) * (size_t)c->problem->nk + (size_t)(b->j0 + j);
            const float got = io->scores[i * io->scores_row + j];
            changes |= dt_check_bits(set->exact[at]) != dt_check_bits(set->scores[at]);
            if (!dt_check_value(check, "scores", b->i0 + i, b->j0 + j, got, set->expected[at],
                                set->scale[at]))
                return false;
            if (plain && !c->first_known)
                c->first[at] = got;
            else if (plain &&
                     !dt_check_same(check, "scores", b->i0 + i, b->j0 + j, got, c->first[at]))
                return false;
        }
    for (int32_t i = 0; i < b->nq; i++)
        for (int32_t j = 0; j < b->nk; j++) {
            const size_t at = (size_t)(b->i0 + i) * (size_t)c->problem->nk + (size_t)(b->j0 + j);
            const float got = io->scores[i * io->scores_row + j];
            if (dt_check_bits(got) != dt_check_bits(set->exact[at]))
                return dt_check_fail(check,
                                     "scores[%d][%d] is %.9g, within the bound but not s + (a + b) "
                                     "in f32, %.9g",
                                     b->i0 + i, b->j0 + j, (double)got, (double)set->exact[at]);
        }
    if (plain)
        c->first_known = true;
    if (!changes && plain && b->nq == c->problem->nq && b->nk == c->problem->nk)
        return dt_check_fail(check, "the expected scores equal the initial ones");
    return true;
}

static bool call(struct dt_case *c, struct dt_check *check, int which, const struct block *b,
                 unsigned placement_number)
{
    const struct set *set = &c->set[which];
    const struct dt_placement placement = dt_placement_at(placement_number);
    struct dt_bias io;
    const struct dt_bias_block block = {
        .terms = c->problem->terms,
        .layout = c->problem->layout,
        .nq = b->nq,
        .nk = b->nk,
        .delta = &c->guarded.delta,
        .origin = (ptrdiff_t)c->problem->nq - 1 - b->i0 + b->j0,
        .tile = check->choice.tile,
    };
    if (which >= c->sets)
        return true;
    const void *const args[DT_ABI_ARGS] = {&block, &io};
    place(c, set, b, &placement, &io);
    dt_check_name_call(check, set->name, &placement);
    return dt_check_call(check, args, c->operands, OPERANDS, 1u << SCORES, &c->guarded) &&
           compare(c, check, set, b, &io);
}

/* Blocks that begin and end inside the problem, with origins other than nq - 1. */
static bool call_blocks(struct dt_case *c, struct dt_check *check)
{
    const struct dt_problem *p = c->problem;
    uint64_t state = c->options.seed + (uint64_t)check->choice.tile.rows;
    for (unsigned n = 0; n < 4 && p->nq * (int64_t)p->nk > 1; n++) {
        const int32_t i0 = (int32_t)dt_random_below(&state, (uint64_t)p->nq);
        const int32_t j0 = (int32_t)dt_random_below(&state, (uint64_t)p->nk);
        const struct block block = {
            .i0 = i0,
            .j0 = j0,
            .nq = 1 + (int32_t)dt_random_below(&state, (uint64_t)(p->nq - i0)),
            .nk = 1 + (int32_t)dt_random_below(&state, (uint64_t)(p->nk - j0)),
        };
        if (!call(c, check, n % 2 ? SPECIAL : PLAIN, &block, n))
            return false;
    }
    return true;
}

/* Problems of at most this many scores and table entries are called at every misalignment. */
#define SMALL_AREA 8192

static void run_case(struct dt_case *c, struct dt_check *check)
{
    const struct dt_problem *p = c->problem;
    const struct block whole = {0, 0, p->nq, p->nk};
    const int64_t n = p->nq > p->nk ? p->nq : p->nk;
    const int64_t slots = 2 * (int64_t)p->span;
    const bool small = n * (n > slots ? n : slots) <= SMALL_AREA;
    c->first_known = false;
    if (!call(c, check, PLAIN, &whole, 0) || !call(c, check, PLAIN, &whole, 0) ||
        !call(c, check, SPECIAL, &whole, 1))
        return;
    if (c->options.level == DT_VALIDATE_QUICK)
        return;
    for (unsigned m = 1; m < 4; m++)
        if (!call(c, check, PLAIN, &whole, m))
            return;
    if (!call(c, check, SPECIAL, &whole, 0))
        return;
    const unsigned shift = (unsigned)(c->options.seed + (uint64_t)n) % 15;
    for (unsigned m = 0; m < (small ? 15 : 2); m++)
        if (!call(c, check, m % 4 == 3 ? SPECIAL : PLAIN, &whole, 4 + shift + m))
            return;
    call_blocks(c, check);
}

const struct dt_case_kind dt_bias_case = {open_case, run_case, close_case};
