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
 * Kr and Qr are packed once a set; the raw ones go to the reference. Packed positions and the
 * workspace lie in guarded memory as the operands do, but always on a cache line, as their contract
 * says. The workspace is full of NaN before each call.
 *
 * Work items are also run from the last to the first, alone or in two halves, and by two and three
 * threads. Threads run outside the trap: what they touch was touched in it before.
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
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As data, KR and QR are as a model has them; as operands, packed. */
enum { Q, K, V, OUT, KR, QR, DATA, MASK = DATA, SEGMENTS, WORKSPACE, OPERANDS };
enum { PLAIN, SPECIAL, MASKED, PACKED, SETS };

struct set {
    const char *name;  /* NULL: not of this problem */
    bool interleaved;  /* [batch][n][heads][d] */
    float *data[DATA]; /* dense initial values */
    int32_t *lengths, *segments;
    uint8_t *bytes;
    int32_t segment_count;
    struct dt_positions *positions; /* NULL without position terms */
    double *expected, *scale;
    float *first; /* what the first call gave */
    bool first_known;
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
    struct dt_operand operands[OPERANDS]; /* WORKSPACE: of the choice under judgement */
    float *workspace;                     /* what is placed there: NaN */
    struct dt_positions positions;        /* those of the set, in guarded memory */
    struct dt_attention io;               /* of the set, likewise */
    struct dt_guarded_delta guarded;
    struct dt_attention_setup setup; /* the one under judgement, with that slot table */
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

static bool attended(const struct dt_case *c, const struct set *set, int32_t b, int32_t j)
{
    const struct dt_attention mask = {.lengths = set->lengths, .mask = set->bytes};
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

/* The operands at data[], whose rows lie stride[] elements apart. */
static struct dt_attention operands(const struct dt_case *c, const struct set *set,
                                    float *const data[], const ptrdiff_t stride[])
{
    const struct dt_problem *p = c->problem;
    struct dt_attention io = {
        .q = data[Q],
        .k = data[K],
        .v = data[V],
        .out = data[OUT],
        .lengths = set->lengths,
        .mask = set->bytes,
        .segments = set->segments,
        .segment_count = set->segment_count,
    };
    set_strides(c, set, p->nq, stride[Q], &io.q_batch, &io.q_head, &io.q_row);
    set_strides(c, set, p->nk, stride[K], &io.k_batch, &io.k_head, &io.k_row);
    set_strides(c, set, p->nk, stride[V], &io.v_batch, &io.v_head, &io.v_row);
    set_strides(c, set, p->nq, stride[OUT], &io.out_batch, &io.out_head, &io.out_row);
    return io;
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
    for (int n = 0; n < DATA; n++)
        if (e[n].rows)
            whole &= (set->data[n] = malloc(e[n].rows * e[n].cols * sizeof(float))) != NULL;
    if (c->problem->mask == DT_MASK_LENGTHS)
        whole &= (set->lengths = malloc(e[MASK].cols * sizeof *set->lengths)) != NULL;
    else if (e[MASK].rows)
        whole &= (set->bytes = malloc(e[MASK].cols)) != NULL;
    if (which == PACKED)
        whole &= (set->segments = malloc(e[SEGMENTS].cols * sizeof *set->segments)) != NULL;
    set->expected = malloc(e[OUT].rows * e[OUT].cols * sizeof *set->expected);
    set->scale = malloc(e[OUT].rows * sizeof *set->scale);
    set->first = malloc(e[OUT].rows * e[OUT].cols * sizeof *set->first);
    return whole && set->expected && set->scale && set->first;
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
        if (n < DATA && set->data[n])
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
    const struct dt_attention io = operands(c, set, set->data, stride);
    const struct dt_reference_positions x = {set->data[KR], set->data[QR],
                                             c->problem->dim * c->delta->slots, c->problem->dim};
    enum dt_status status = DT_OK;
    if (c->problem->terms)
        status = dt_positions_pack(c->problem, x.kr, x.head, x.row, x.qr, x.head, x.row,
                                   &set->positions, error);
    return status ? status
                  : dt_reference_attention(c->problem, &io, &x, set->expected, NULL, set->scale,
                                           error);
}

static void close_case(struct dt_case *c)
{
    for (int s = 0; s < SETS; s++) {
        for (int n = 0; n < DATA; n++)
            free(c->set[s].data[n]);
        free(c->set[s].lengths);
        free(c->set[s].segments);
        free(c->set[s].bytes);
        free(c->set[s].expected);
        free(c->set[s].scale);
        free(c->set[s].first);
        dt_positions_free(c->set[s].positions);
    }
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
}

static void measure_positions(struct dt_case *c)
{
    const struct dt_positions *x = c->set[PLAIN].positions;
    if (!x)
        return;
    c->extent[KR] = (struct extent){x->kr != NULL, (size_t)(x->shape.heads * x->kr_head)};
    c->extent[QR] = (struct extent){x->qr != NULL, (size_t)(x->shape.heads * x->qr_head)};
}

static enum dt_status open_operands(struct dt_case *c, struct dt_error *error)
{
    static const char *const names[OPERANDS] = {
        "q", "k", "v", "out", "packed kr", "packed qr", "mask", "segments", "workspace",
    };
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
    enum dt_status status = DT_OK;
    for (int which = 0; !status && which < SETS; which++)
        if (has[which])
            status = open_set(c, which, error);
    if (!status) {
        measure_positions(c);
        status = open_operands(c, error);
    }
    if (status)
        close_case(c);
    else
        *opened = c;
    return status;
}

/* The positions of the set in guarded memory. */
static const struct dt_positions *place_positions(struct dt_case *c, const struct set *set,
                                                  enum dt_guard_side side)
{
    const struct dt_placement placement = {.side = side};
    if (!set->positions)
        return NULL;
    c->positions = *set->positions;
    float **const arrays[] = {&c->positions.kr, &c->positions.qr};
    for (int n = 0; n < 2; n++) {
        const size_t floats = c->extent[KR + n].cols;
        if (*arrays[n])
            *arrays[n] = dt_operand_place(&c->operands[KR + n], &placement, 0, *arrays[n], floats,
                                          1, floats);
    }
    return &c->positions;
}

/* The set in guarded memory: c->io, c->guarded and what they point to. */
static void place(struct dt_case *c, const struct set *set, const struct dt_placement *placement)
{
    float *data[OPERANDS] = {NULL};
    ptrdiff_t stride[OPERANDS] = {0};
    for (int n = 0; n < WORKSPACE; n++) {
        const struct extent *e = &c->extent[n];
        const void *source = n == MASK       ? set->lengths ? (void *)set->lengths : set->bytes
                             : n == SEGMENTS ? (void *)set->segments
                                             : set->data[n];
        size_t cols = e->cols;
        if (n == SEGMENTS && source)
            cols = (size_t)set->segment_count + 1;
        if (!e->rows || !source || n == KR || n == QR)
            continue;
        data[n] = dt_operand_place(&c->operands[n], placement, n, source, e->cols, e->rows, cols);
        stride[n] = c->operands[n].stride;
    }
    dt_guarded_delta_place(&c->guarded, c->delta, placement->side);
    c->io = operands(c, set, data, stride);
    c->io.positions = place_positions(c, set, placement->side);
    if (set->lengths)
        c->io.lengths = (const int32_t *)(void *)data[MASK];
    else if (set->bytes)
        c->io.mask = (const uint8_t *)data[MASK];
    if (set->segments)
        c->io.segments = (const int32_t *)(void *)data[SEGMENTS];
}

static bool compare(struct dt_case *c, struct dt_check *check, int which)
{
    const struct dt_problem *p = c->problem;
    const struct dt_attention *io = &c->io;
    struct set *set = &c->set[which];
    size_t at = 0;
    bool changes = false;
    for (int32_t b = 0; b < p->batch; b++)
        for (int32_t h = 0; h < p->heads; h++)
            for (int32_t i = 0; i < p->nq; i++)
                for (int32_t e = 0; e < p->dim; e++, at++) {
                    const float got =
                        io->out[b * io->out_batch + h * io->out_head + i * io->out_row + e];
                    const size_t row = row_of(p, set, p->nq, b, h, i);
                    const double scale = set->scale[at / (size_t)p->dim];
                    const ptrdiff_t line = (ptrdiff_t)(at / (size_t)p->dim);
                    changes |= set->expected[at] !=
                               (double)set->data[OUT][row * (size_t)p->dim + (size_t)e];
                    if (!dt_check_value(check, "out", line, e, got, set->expected[at], scale))
                        return false;
                    if (!set->first_known)
                        set->first[at] = got;
                    else if (!dt_check_same(check, "out", line, e, got, set->first[at]))
                        return false;
                }
    set->first_known = true;
    return changes || dt_check_fail(check, "the expected output equals the initial one");
}

/* Places the operands and returns the workspace. */
static float *prepare(struct dt_case *c, struct dt_check *check, int which, unsigned number,
                      const char *how)
{
    const struct set *set = &c->set[which];
    const struct dt_placement placement = dt_placement_at(number);
    const struct dt_placement aligned = {.side = placement.side};
    const size_t floats = check->setup->workspace;
    char data[48];
    place(c, set, &placement);
    c->setup = *check->setup;
    c->setup.delta = &c->guarded.delta;
    snprintf(data, sizeof data, "%s%s", set->name, how);
    dt_check_name_call(check, data, &placement);
    return dt_operand_place(&c->operands[WORKSPACE], &aligned, 0, c->workspace, floats, 1, floats);
}

static bool run(struct dt_case *c, struct dt_check *check, const struct dt_attention_work *work,
                float *workspace)
{
    const void *const args[DT_ABI_ARGS] = {&c->setup, &c->io, work, workspace};
    const unsigned outputs = 1u << OUT | 1u << WORKSPACE;
    return dt_check_call(check, args, c->operands, OPERANDS, outputs, &c->guarded);
}

static bool call(struct dt_case *c, struct dt_check *check, int which, unsigned number)
{
    if (!c->set[which].name)
        return true;
    float *workspace = prepare(c, check, which, number, "");
    const struct dt_attention_work all = {.last = dt_attention_items(&c->setup, &c->io)};
    return run(c, check, &all, workspace) && compare(c, check, which);
}

/* The items in `parts` calls, the last items first. */
static bool call_backwards(struct dt_case *c, struct dt_check *check, int which, int64_t parts)
{
    if (!c->set[which].name)
        return true;
    float *workspace = prepare(c, check, which, 0, ", items backwards");
    const int64_t items = dt_attention_items(&c->setup, &c->io);
    const int64_t step = (items + parts - 1) / parts;
    for (int64_t last = items; last > 0; last -= step) {
        const struct dt_attention_work work = {.first = last > step ? last - step : 0,
                                               .last = last};
        if (!run(c, check, &work, workspace))
            return false;
    }
    return compare(c, check, which);
}

static bool call_threads(struct dt_case *c, struct dt_check *check, int which, int32_t threads)
{
    if (!c->set[which].name)
        return true;
    char how[32];
    snprintf(how, sizeof how, ", %d threads", threads);
    prepare(c, check, which, 0, how);
    c->setup.threads = threads;
    const size_t bytes = (size_t)threads * c->setup.workspace * sizeof(float);
    float *workspace = aligned_alloc(64, bytes);
    if (!workspace)
        return dt_check_fail(check, "no memory for the workspaces of %d threads", threads);
    memset(workspace, 0xff, bytes);
    check->verdict->calls++;
    dt_attention_run(&c->setup, &c->io, workspace, NULL);
    const bool right = compare(c, check, which);
    free(workspace);
    return right;
}

/* The most calls into which the items are cut, and the threads that share them. */
enum { MOST_PARTS = 16, THREADS = 3 };

static bool call_all(struct dt_case *c, struct dt_check *check)
{
    static const int others[] = {SPECIAL, MASKED, PACKED};
    if (!call(c, check, PLAIN, 0) || !call(c, check, PLAIN, 0) || !call(c, check, SPECIAL, 1) ||
        !call(c, check, MASKED, 0) || !call(c, check, PACKED, 0))
        return false;
    if (c->options.level == DT_VALIDATE_QUICK)
        return true;
    for (unsigned n = 1; n < 7; n++) {
        const unsigned number =
            n < 4 ? n : n + (unsigned)(c->options.seed + (uint64_t)c->problem->nk) % 15;
        if (!call(c, check, PLAIN, number) || !call(c, check, others[n % 3], number))
            return false;
    }
    for (int which = PLAIN; which < SETS; which++)
        if (!call_backwards(c, check, which, MOST_PARTS) || !call_backwards(c, check, which, 2))
            return false;
    /* one set for each choice: waking threads takes longer than what they do */
    const int which = (check->choice.tile.rows / 8 + check->choice.tile.cols / 16) % SETS;
    return call_threads(c, check, c->set[which].name ? which : PLAIN, THREADS);
}

static void run_case(struct dt_case *c, struct dt_check *check)
{
    const size_t floats = check->setup->workspace;
    struct dt_error error;
    for (int which = 0; which < SETS; which++)
        c->set[which].first_known = false;
    c->workspace = malloc(floats * sizeof *c->workspace);
    if (!c->workspace ||
        dt_operand_init(&c->operands[WORKSPACE], "workspace", sizeof(float), 1, floats, &error)) {
        dt_check_fail(check, "no memory for a workspace of %zu floats", floats);
    } else {
        memset(c->workspace, 0xff, floats * sizeof *c->workspace);
        call_all(c, check);
        dt_guard_clear(&c->operands[WORKSPACE].guard);
    }
    free(c->workspace);
    c->workspace = NULL;
    c->operands[WORKSPACE] = (struct dt_operand){0};
}

const struct dt_case_kind dt_attention_case = {open_case, run_case, close_case};
