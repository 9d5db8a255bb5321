/* SPDX-License-Identifier: MIT */
/*
 * The validator of `attention`. Sets of data:
 *
 *     plain      random, a third of the queries large enough for scores beyond exp()'s range; keys
 *                that nobody may attend to hold NaN and infinities in K and V
 *     special    NaN, infinities, zeros and subnormals in Q, K and V; NaN in every row of Kr and Qr
 *                that no pair reaches
 *     masked     batch rows (queries, with a pairwise mask) that may attend to nothing
 *     packed     a batch of segments, where the problem's form allows it
 *
 * The first and third lie in memory as [batch][heads][n][d], the others as [batch][n][heads][d].
 * Large finite specials are left out: they make weights that vanish in f32 and not in f64, and so
 * a different class of weight * infinity.
 */
#include "kernels/error.h"
#include "kernels/reference.h"
#include "reports/stats.h"
#include "tuner/check.h"

#include <math.h>
#include <stdlib.h>

enum { Q, K, V, KR, QR, OUT, MASK, SEGMENTS, WORKSPACE, OPERANDS };
enum { PLAIN, SPECIAL, MASKED, PACKED, SETS };

struct set {
    const char *name;           /* NULL: not of this problem */
    bool interleaved;           /* [batch][n][heads][d] */
    float *data[WORKSPACE + 1]; /* Q ... OUT, and WORKSPACE: dense initial values */
    int32_t *lengths, *segments;
    uint8_t *bytes;
    int32_t segment_count;
    double *expected, *scale;
};

/* rows x cols elements of an operand. */
struct extent {
    size_t rows, cols;
};

struct dt_case {
    const struct dt_problem *problem;
    const struct dt_delta *delta;
    struct dt_validate_options options;
    struct extent extent[OPERANDS]; /* rows 0: absent */
    struct set set[SETS];
    float *first;
    bool first_known;
    struct dt_operand operands[OPERANDS];
    struct dt_guarded_delta guarded;
};

static size_t row_of(const struct dt_problem *p, const struct set *set, int32_t n, int32_t b,
                     int32_t h, int32_t i)
{
    return set->interleaved ? ((size_t)b * (size_t)n + (size_t)i) * (size_t)p->heads + (size_t)h
                            : ((size_t)b * (size_t)p->heads + (size_t)h) * (size_t)n + (size_t)i;
}

static void fill_mask(const struct dt_case *c, int which, struct set *set, uint64_t *state)
{
    const struct dt_problem *p = c->problem;
    const size_t rows =
        p->mask == DT_MASK_PAIRS ? (size_t)p->batch * (size_t)p->nq : (size_t)p->batch;
    const size_t nk = (size_t)p->nk;
    for (size_t row = 0; row < rows; row++) {
        const bool none = which == MASKED && row % 2 == 0;
        if (set->lengths)
            set->lengths[row] = none ? 0 : 1 + (int32_t)dt_random_below(state, nk);
        for (size_t j = 0; set->bytes && j < nk; j++)
            set->bytes[row * nk + j] =
                none || dt_random(state) % 3 == 0 ? 0 : (uint8_t)(1 + dt_random_below(state, 255));
    }
}

static void fill_segments(const struct dt_case *c, struct set *set, uint64_t *state)
{
    const int32_t n = c->problem->nk;
    int32_t count = 0, at = 0;
    while (at < n) {
        set->segments[count++] = at;
        at += 1 + (int32_t)dt_random_below(state, (uint64_t)(n / 3 + 1));
    }
    set->segments[count] = n;
    set->segment_count = count;
}

static struct dt_mask_args mask_of(const struct dt_case *c, const struct set *set)
{
    return (struct dt_mask_args){
        .form = c->problem->mask, .lengths = set->lengths, .bytes = set->bytes};
}

static bool attended(const struct dt_case *c, const struct set *set, int32_t b, int32_t j)
{
    const struct dt_mask_args mask = mask_of(c, set);
    for (int32_t i = 0; i < c->problem->nq; i++)
        if (dt_mask_allows(&mask, c->problem, b, i, j))
            return true;
    return false;
}

static float draw_special(uint64_t *state)
{
    static const float specials[] = {NAN, INFINITY, -INFINITY, 0, 0x1p-140f};
    return specials[dt_random_below(state, sizeof specials / sizeof *specials)];
}

/* Overwrites K and V of keys that nobody attends to. A row without keys averages all of V in the
 * dialect hf, so that there V stays. */
static void fill_garbage(const struct dt_case *c, int which, struct set *set, uint64_t *state)
{
    const struct dt_problem *p = c->problem;
    const bool keep_v = which == MASKED && p->dialect == DT_HF;
    for (int32_t b = 0; b < p->batch; b++)
        for (int32_t j = 0; j < p->nk; j++) {
            if (attended(c, set, b, j))
                continue;
            for (int32_t h = 0; h < p->heads; h++)
                for (size_t e = 0; e < (size_t)p->dim; e++) {
                    const size_t at = row_of(p, set, p->nk, b, h, j) * (size_t)p->dim + e;
                    set->data[K][at] = draw_special(state);
                    if (!keep_v)
                        set->data[V][at] = draw_special(state);
                }
        }
}

/* At most one special element in a row of Q, few in V, one in K; see the top of the file. */
static void fill_specials(const struct dt_case *c, struct set *set, uint64_t *state)
{
    const size_t dim = (size_t)c->problem->dim;
    for (size_t row = 0; row < c->extent[Q].rows; row++)
        if (dt_random_below(state, 6) == 0)
            set->data[Q][row * dim + dt_random_below(state, dim)] = draw_special(state);
    for (size_t row = 0; row < c->extent[V].rows; row++)
        if (dt_random_below(state, 4 + c->extent[V].rows / 4) == 0)
            set->data[V][row * dim + dt_random_below(state, dim)] = draw_special(state);
    set->data[K][dt_random_below(state, c->extent[K].rows * dim)] = draw_special(state);
    for (int which = KR; which <= QR; which++)
        for (size_t row = 0; row < c->extent[which].rows; row++) {
            const size_t slot = row % (size_t)c->delta->slots;
            if (slot < (size_t)c->delta->first_slot || slot > (size_t)c->delta->last_slot)
                for (size_t e = 0; e < dim; e++)
                    set->data[which][row * dim + e] = NAN;
        }
}

/* Strides of an operand of n rows a head, `stride` elements apart. */
static void set_strides(const struct dt_case *c, const struct set *set, int32_t n, ptrdiff_t stride,
                        ptrdiff_t *batch, ptrdiff_t *head, ptrdiff_t *row)
{
    *batch = (ptrdiff_t)n * c->problem->heads * stride;
    *head = set->interleaved ? stride : n * stride;
    *row = set->interleaved ? c->problem->heads * stride : stride;
}

/* Arguments on the operands' data[], whose rows lie stride[] elements apart. */
static struct dt_attention_args arguments(const struct dt_case *c, const struct set *set,
                                          float *const data[], const ptrdiff_t stride[])
{
    const struct dt_problem *p = c->problem;
    struct dt_attention_args args = {
        .problem = p,
        .delta = c->delta,
        .q = data[Q],
        .k = data[K],
        .v = data[V],
        .kr = data[KR],
        .qr = data[QR],
        .out = data[OUT],
        .workspace = data[WORKSPACE],
        .mask = mask_of(c, set),
        .segments = set->segments,
        .segment_count = set->segment_count,
    };
    args.position_row = c->extent[KR].rows ? stride[KR] : stride[QR];
    args.position_head = args.position_row * c->delta->slots;
    set_strides(c, set, p->nq, stride[Q], &args.q_batch, &args.q_head, &args.q_row);
    set_strides(c, set, p->nk, stride[K], &args.k_batch, &args.k_head, &args.k_row);
    set_strides(c, set, p->nk, stride[V], &args.v_batch, &args.v_head, &args.v_row);
    set_strides(c, set, p->nq, stride[OUT], &args.out_batch, &args.out_head, &args.out_row);
    return args;
}

static enum dt_status no_memory(const struct dt_problem *p, struct dt_error *error)
{
    char text[DT_PROBLEM_TEXT_MAX];
    return dt_error_set(error, DT_NO_MEMORY, "no memory to validate attention on \"%s\"",
                        dt_problem_print(p, text));
}

static bool allocate_set(const struct dt_case *c, int which, struct set *set)
{
    const struct extent *e = c->extent;
    bool whole = true;
    for (int n = 0; n <= WORKSPACE; n++)
        if (n != MASK && n != SEGMENTS && e[n].rows)
            whole &= (set->data[n] = malloc(e[n].rows * e[n].cols * sizeof(float))) != NULL;
    if (c->problem->mask == DT_MASK_LENGTHS)
        whole &= (set->lengths = malloc(e[MASK].cols * sizeof *set->lengths)) != NULL;
    else if (e[MASK].rows)
        whole &= (set->bytes = malloc(e[MASK].cols)) != NULL;
    if (which == PACKED)
        whole &= (set->segments = malloc(e[SEGMENTS].cols * sizeof *set->segments)) != NULL;
    set->expected = malloc(e[OUT].rows * e[OUT].cols * sizeof *set->expected);
    set->scale = malloc(e[OUT].rows * sizeof *set->scale);
    return whole && set->expected && set->scale;
}

static enum dt_status open_set(struct dt_case *c, int which, struct dt_error *error)
{
    static const char *const names[SETS] = {"plain data", "special values", "rows without keys",
                                            "packed segments"};
    struct set *set = &c->set[which];
    uint64_t state = c->options.seed * SETS + (uint64_t)which;
    ptrdiff_t stride[OPERANDS];
    set->name = names[which];
    set->interleaved = which == SPECIAL || which == PACKED;
    if (!allocate_set(c, which, set))
        return no_memory(c->problem, error);
    for (int n = 0; n < OPERANDS; n++) {
        stride[n] = (ptrdiff_t)c->extent[n].cols;
        if (n <= WORKSPACE && set->data[n])
            for (size_t at = 0; at < c->extent[n].rows * c->extent[n].cols; at++)
                set->data[n][at] = dt_check_random(&state);
    }
    for (size_t at = 0; which == PLAIN && at < c->extent[Q].rows * c->extent[Q].cols; at++)
        if (at / c->extent[Q].cols % 3 == 0)
            set->data[Q][at] *= 100;
    fill_mask(c, which, set, &state);
    if (which == PACKED)
        fill_segments(c, set, &state);
    if (which == SPECIAL)
        fill_specials(c, set, &state);
    fill_garbage(c, which, set, &state);
    const struct dt_attention_args args = arguments(c, set, set->data, stride);
    return dt_reference_attention(&args, set->expected, NULL, set->scale, error);
}

static void close_case(struct dt_case *c)
{
    for (int s = 0; s < SETS; s++) {
        for (int n = 0; n <= WORKSPACE; n++)
            free(c->set[s].data[n]);
        free(c->set[s].lengths);
        free(c->set[s].segments);
        free(c->set[s].bytes);
        free(c->set[s].expected);
        free(c->set[s].scale);
    }
    free(c->first);
    for (int n = 0; n < OPERANDS; n++)
        dt_guard_clear(&c->operands[n].guard);
    dt_guarded_delta_clear(&c->guarded);
    free(c);
}

static void measure(struct dt_case *c, bool packed)
{
    const struct dt_problem *p = c->problem;
    const size_t batch = (size_t)p->batch, heads = (size_t)p->heads, dim = (size_t)p->dim;
    const size_t nq = (size_t)p->nq, nk = (size_t)p->nk, slots = (size_t)c->delta->slots;
    const size_t mask[] = {[DT_MASK_NONE] = 0,
                           [DT_MASK_LENGTHS] = batch,
                           [DT_MASK_KEYS] = batch * nk,
                           [DT_MASK_PAIRS] = batch * nq * nk};
    c->extent[Q] = c->extent[OUT] = (struct extent){batch * heads * nq, dim};
    c->extent[K] = c->extent[V] = (struct extent){batch * heads * nk, dim};
    c->extent[KR] = (struct extent){p->terms & DT_C2P ? heads * slots : 0, dim};
    c->extent[QR] = (struct extent){p->terms & DT_P2C ? heads * slots : 0, dim};
    c->extent[MASK] = (struct extent){mask[p->mask] > 0, mask[p->mask]};
    c->extent[SEGMENTS] = (struct extent){packed, nk + 1};
    c->extent[WORKSPACE] = (struct extent){1, 2 * nk};
}

static enum dt_status open_operands(struct dt_case *c, struct dt_error *error)
{
    static const char *const names[OPERANDS] = {"q",   "k",    "v",        "kr",       "qr",
                                                "out", "mask", "segments", "workspace"};
    enum dt_status status = dt_guarded_delta_init(&c->guarded, c->delta, error);
    for (int n = 0; !status && n < OPERANDS; n++) {
        const bool bytes = n == MASK && c->problem->mask != DT_MASK_LENGTHS;
        if (c->extent[n].rows)
            status = dt_operand_init(&c->operands[n], names[n], bytes ? 1 : sizeof(float),
                                     c->extent[n].rows, c->extent[n].cols, error);
    }
    return status;
}

static enum dt_status open_case(const struct dt_problem *p, const struct dt_delta *delta,
                                const struct dt_validate_options *options, struct dt_case **opened,
                                struct dt_error *error)
{
    const bool has[SETS] = {true, true, p->mask != DT_MASK_NONE,
                            p->mask == DT_MASK_NONE && p->batch == 1 && p->nq == p->nk};
    struct dt_case *c = calloc(1, sizeof *c);
    if (!c)
        return no_memory(p, error);
    c->problem = p;
    c->delta = delta;
    c->options = *options;
    measure(c, has[PACKED]);
    c->first = malloc(c->extent[OUT].rows * c->extent[OUT].cols * sizeof *c->first);
    enum dt_status status = c->first ? open_operands(c, error) : no_memory(p, error);
    for (int which = 0; !status && which < SETS; which++)
        if (has[which])
            status = open_set(c, which, error);
    if (status)
        close_case(c);
    else
        *opened = c;
    return status;
}

static struct dt_attention_args place(struct dt_case *c, const struct set *set,
                                      const struct dt_placement *placement)
{
    float *data[OPERANDS] = {NULL};
    ptrdiff_t stride[OPERANDS] = {0};
    for (int n = 0; n < OPERANDS; n++) {
        const struct extent *e = &c->extent[n];
        const void *source = n == MASK       ? set->lengths ? (void *)set->lengths : set->bytes
                             : n == SEGMENTS ? (void *)set->segments
                                             : set->data[n];
        /* kr and qr share their stride, masks and the like are dense */
        const int index = n == QR ? KR : n;
        size_t cols = e->cols;
        if (n == SEGMENTS && source)
            cols = (size_t)set->segment_count + 1;
        if (!e->rows || !source)
            continue;
        data[n] =
            dt_operand_place(&c->operands[n], placement, index, source, e->cols, e->rows, cols);
        stride[n] = c->operands[n].stride;
    }
    dt_guarded_delta_place(&c->guarded, c->delta, placement->side);
    struct dt_attention_args args = arguments(c, set, data, stride);
    args.delta = &c->guarded.delta;
    if (set->lengths)
        args.mask.lengths = (const int32_t *)(void *)data[MASK];
    else if (set->bytes)
        args.mask.bytes = (const uint8_t *)data[MASK];
    if (set->segments)
        args.segments = (const int32_t *)(void *)data[SEGMENTS];
    return args;
}

static bool compare(struct dt_case *c, struct dt_check *check, int which,
                    const struct dt_attention_args *a)
{
    const struct dt_problem *p = c->problem;
    const struct set *set = &c->set[which];
    size_t at = 0;
    bool changes = false;
    for (int32_t b = 0; b < p->batch; b++)
        for (int32_t h = 0; h < p->heads; h++)
            for (int32_t i = 0; i < p->nq; i++)
                for (int32_t e = 0; e < p->dim; e++, at++) {
                    const float got =
                        a->out[b * a->out_batch + h * a->out_head + i * a->out_row + e];
                    const size_t row = row_of(p, set, p->nq, b, h, i);
                    const double scale = set->scale[at / (size_t)p->dim];
                    const ptrdiff_t line = (ptrdiff_t)(at / (size_t)p->dim);
                    changes |= set->expected[at] !=
                               (double)set->data[OUT][row * (size_t)p->dim + (size_t)e];
                    if (!dt_check_value(check, "out", line, e, got, set->expected[at], scale))
                        return false;
                    if (which == PLAIN && !c->first_known)
                        c->first[at] = got;
                    else if (which == PLAIN &&
                             !dt_check_same(check, "out", line, e, got, c->first[at]))
                        return false;
                }
    c->first_known |= which == PLAIN;
    return changes || dt_check_fail(check, "the expected output equals the initial one");
}

static bool call(struct dt_case *c, struct dt_check *check, int which, unsigned number)
{
    const struct set *set = &c->set[which];
    const struct dt_placement placement = dt_placement_at(number);
    const unsigned outputs = 1u << OUT | 1u << WORKSPACE;
    if (!set->name)
        return true;
    struct dt_attention_args args = place(c, set, &placement);
    args.tile = check->tile;
    dt_check_name_call(check, set->name, &placement);
    return dt_check_call(check, &args, c->operands, OPERANDS, outputs, &c->guarded) &&
           compare(c, check, which, &args);
}

static void run_case(struct dt_case *c, struct dt_check *check)
{
    c->first_known = false;
    if (!call(c, check, PLAIN, 0) || !call(c, check, PLAIN, 0) || !call(c, check, SPECIAL, 1) ||
        !call(c, check, MASKED, 0) || !call(c, check, PACKED, 0) ||
        c->options.level == DT_VALIDATE_QUICK)
        return;
    for (unsigned n = 1; n < 7; n++) {
        static const int others[] = {SPECIAL, MASKED, PACKED};
        const unsigned number =
            n < 4 ? n : n + (unsigned)(c->options.seed + (uint64_t)c->problem->nk) % 15;
        if (!call(c, check, PLAIN, number) || !call(c, check, others[n % 3], number))
            return;
    }
}

const struct dt_case_kind dt_attention_case = {open_case, run_case, close_case};
