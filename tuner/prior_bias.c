/* SPDX-License-Identifier: MIT */
/*
 * The gather-and-add in cycles of throughput: how many loads, stores, shuffles and other vector
 * operations an output vector takes, and which of them the processor starts fewest of in a cycle.
 * Counts are read off kernels/isa/bias_*.h, where the ideas are explained.
 */
#include "tuner/prior_parts.h"

#include <math.h>
#include <string.h>

/* Instructions of any kind in a cycle; scalar code with table look-ups, cycles an element. */
#define ISSUE 5.0
#define PLAIN_CYCLES 3.2

enum { BLOCK_ROWS = 8, POSITIONS = 64, PAGE = 4096 };

/* Instructions of one output vector. */
struct mix {
    double loads, stores, shuffles, vectors, scalars;
    double cycles; /* of instructions that are counted in cycles */
};

static double cycles_of(const struct dt_prior_set *set, const struct mix *m)
{
    const double all = m->loads + m->stores + m->shuffles + m->vectors + m->scalars;
    double most = all / ISSUE;
    most = fmax(most, m->loads / set->loads);
    most = fmax(most, m->stores / set->stores);
    most = fmax(most, m->shuffles / set->shuffles);
    most = fmax(most, (m->shuffles + m->vectors) / set->vectors);
    return most + m->cycles;
}

static struct mix sum_of(struct mix a, struct mix b, double times)
{
    return (struct mix){a.loads + times * b.loads,       a.stores + times * b.stores,
                        a.shuffles + times * b.shuffles, a.vectors + times * b.vectors,
                        a.scalars + times * b.scalars,   a.cycles + times * b.cycles};
}

enum c2p { C2P_PLAIN, C2P_GATHER, C2P_WINDOW, C2P_RUNS, C2P_LANES };
enum p2c { P2C_PLAIN, P2C_GATHER, P2C_SKEW, P2C_BLOCKS, P2C_TRANSPOSE, P2C_STAGE, P2C_STAGGER };

struct idea {
    enum c2p c2p;
    enum p2c p2c;
};

/* Two words, or one for both; plain where a word is not known. */
static struct idea parse_idea(const struct dt_variant *bias)
{
    static const char *const c2ps[] = {"autovec", "gather", "window", "runs", "lanes"};
    static const char *const p2cs[] = {"autovec",   "gather", "skew",   "blocks",
                                       "transpose", "stage",  "stagger"};
    const char *first = dt_prior_idea(bias), *dash = strchr(first, '-');
    const size_t length = dash ? (size_t)(dash - first) : strlen(first);
    const char *second = dash ? dash + 1 : first;
    struct idea found = {C2P_PLAIN, P2C_PLAIN};
    for (size_t n = 0; n < sizeof c2ps / sizeof *c2ps; n++)
        if (strlen(c2ps[n]) == length && strncmp(c2ps[n], first, length) == 0)
            found.c2p = (enum c2p)n;
    for (size_t n = 0; n < sizeof p2cs / sizeof *p2cs; n++)
        if (strcmp(p2cs[n], second) == 0)
            found.p2c = (enum p2c)n;
    return found;
}

double dt_prior_reach(const struct dt_delta *delta, int32_t width)
{
    width = width < delta->length ? width : delta->length;
    const int32_t places = delta->length - width + 1;
    const int32_t step = places / POSITIONS + 1;
    double sum = 0, count = 0;
    for (int32_t t = 0; t < places; t += step, count++)
        sum += delta->slot[t] - delta->slot[t + width - 1] + 1;
    return sum / count;
}

/* Entry t is that of so many (i, j). */
static double weight_of(const struct dt_delta *delta, int32_t t)
{
    const int32_t shorter = delta->nq < delta->nk ? delta->nq : delta->nk;
    const int32_t side = t + 1 < delta->length - t ? t + 1 : delta->length - t;
    return side < shorter ? side : shorter;
}

struct dt_slot_facts dt_prior_slots(const struct dt_delta *delta, int32_t lanes, int32_t rows)
{
    const int32_t step = delta->length / POSITIONS + 1;
    struct dt_slot_facts facts = {.reach = dt_prior_reach(delta, rows + lanes - 1)};
    double all = 0;
    for (int32_t t = 0; t < delta->length; t += step) {
        const double weight = weight_of(delta, t);
        all += weight;
        if (delta->linear_until[t] >= t + lanes + BLOCK_ROWS - 1)
            facts.linear += weight;
        if (t >= delta->last_stretch || t + lanes <= delta->first_stretch)
            facts.constant += weight;
    }
    facts.linear /= all;
    facts.constant /= all;
    return facts;
}

static struct mix c2p_mix(const struct dt_prior_set *set, enum c2p c2p, double linear, bool shared)
{
    const bool neon = set->level == DT_CPU_NEON;
    struct mix window = {.loads = 3, .shuffles = 1, .vectors = neon ? 4 : 2};
    const struct mix run = {.loads = 1, .shuffles = 1, .vectors = 1};
    const struct mix none = {0};
    if (shared) /* by the strips along a diagonal */
        window = (struct mix){.loads = 1.5, .shuffles = 1, .vectors = 1.75};
    switch (c2p) {
    case C2P_GATHER:
        if (neon)
            return (struct mix){.loads = 2 * set->lanes, .vectors = set->lanes + 1};
        return (struct mix){.loads = 1, .vectors = 1, .cycles = set->gather * set->lanes};
    case C2P_LANES:
        return (struct mix){.loads = 2 * set->lanes, .vectors = set->lanes + 1};
    case C2P_RUNS:
        return sum_of(sum_of(none, run, linear), window, 1 - linear);
    default:
        return window;
    }
}

/* The blends of a block: stages of half the lanes, a quarter, ... over the rows that are left. */
static double blends_of_block(int32_t lanes)
{
    double blends = 0, left = BLOCK_ROWS + lanes - 1;
    for (int32_t shift = lanes / 2; shift > 0; shift /= 2) {
        left -= shift;
        blends += left;
    }
    return blends;
}

/* Of a tile of so many rows, which a strip begins a vector's lanes of rows early. */
static struct mix p2c_mix(const struct dt_prior_set *set, enum p2c p2c, double linear, double rows,
                          double reach)
{
    const double lanes = set->lanes, stages = log2(lanes);
    const struct mix skewed = {.loads = 1 + (1 - linear), .vectors = stages, .scalars = 2 - linear};
    const struct mix none = {0};
    const struct mix skew = sum_of(none, skewed, 1 + lanes / rows);
    switch (p2c) {
    case P2C_GATHER:
        return (struct mix){.loads = 1, .vectors = 3, .cycles = 1.3 * set->gather * lanes};
    case P2C_BLOCKS: {
        const double span = (BLOCK_ROWS + lanes - 1) / BLOCK_ROWS;
        return (struct mix){.loads = span * (2 - linear),
                            .vectors = blends_of_block(set->lanes) / BLOCK_ROWS,
                            .scalars = span * (1 - linear)};
    }
    case P2C_TRANSPOSE:
        return (struct mix){.loads = 3 - 2 * linear,
                            .shuffles = stages + 1 - linear,
                            .vectors = 1 - linear,
                            .scalars = 1};
    case P2C_STAGE: {
        const struct mix staged = {.loads = 1, .stores = 1, .shuffles = stages};
        return sum_of(skew, staged, (reach + lanes) / rows);
    }
    default:
        return skew;
    }
}

/* A full vector of scores. */
static double vector_cycles(const struct dt_prior_set *set, struct idea idea,
                            const struct dt_problem *p, const struct dt_slot_facts *facts,
                            double rows, bool peaks)
{
    const double terms = (p->terms & DT_C2P ? 1 : 0) + (p->terms & DT_P2C ? 1 : 0);
    const double linear = idea.c2p == C2P_RUNS ? facts->linear : 0;
    struct mix all = {.loads = 1, .stores = 1, .vectors = terms, .scalars = 1};
    const struct mix peak = {.loads = 1, .stores = 1, .vectors = 1};
    struct mix constant = all;
    constant.loads += p->terms & DT_C2P ? 1 : 0;
    if (p->terms & DT_C2P)
        all = sum_of(all, c2p_mix(set, idea.c2p, linear, idea.p2c == P2C_STAGGER), 1);
    if (p->terms & DT_P2C)
        all = sum_of(all, p2c_mix(set, idea.p2c, linear, rows, facts->reach), 1);
    all = sum_of(all, peak, peaks);
    constant = sum_of(constant, peak, peaks);
    const double share = idea.p2c == P2C_GATHER || !(p->terms & DT_P2C) ? 0 : facts->constant;
    return share * cycles_of(set, &constant) + (1 - share) * cycles_of(set, &all);
}

double dt_prior_add(const struct dt_prior *prior, const struct dt_variant *bias,
                    const struct dt_problem *p, const struct dt_slot_facts *facts, double rows,
                    double cols, bool peaks)
{
    const struct dt_prior_set *set = dt_prior_set_of(prior, bias->level);
    const struct idea idea = parse_idea(bias);
    if (set->lanes == 1 || idea.c2p == C2P_PLAIN || idea.p2c == P2C_PLAIN)
        return PLAIN_CYCLES * rows * cols;
    const double whole = floor(cols / set->lanes), rest = cols > whole * set->lanes;
    const double partial = 2.5 * rest; /* loads and stores of some lanes only */
    double rows_of_blocks = rows;
    double cycles = 0;
    if (idea.p2c == P2C_BLOCKS) { /* the others are strips */
        rows_of_blocks = floor(rows / BLOCK_ROWS) * BLOCK_ROWS;
        const struct idea strip = {idea.c2p, P2C_SKEW};
        if (rows > rows_of_blocks)
            cycles += (rows - rows_of_blocks) * whole *
                      vector_cycles(set, strip, p, facts, rows - rows_of_blocks, peaks);
        if (rest > 0)
            cycles += rows * partial * vector_cycles(set, strip, p, facts, rows, peaks);
        if (rows_of_blocks == 0)
            return cycles;
        return cycles + rows_of_blocks * whole * vector_cycles(set, idea, p, facts, rows, peaks);
    }
    if (idea.p2c == P2C_TRANSPOSE) /* a block is transposed whole, however few rows it has */
        rows_of_blocks = dt_ceil_div(rows, set->lanes) * set->lanes;
    return rows_of_blocks * (whole + partial) * vector_cycles(set, idea, p, facts, rows, peaks);
}

/* ---- A call of bias -------------------------------------------------------------------- */

/* Rows a stride apart of which an L1 cache holds a line each: a stride that is a multiple of a
 * power of two uses some of its sets alone. */
static double rows_in_l1(const struct dt_prior *prior, double stride_bytes)
{
    const double sets = prior->lines / prior->ways;
    double step = stride_bytes / 64, used = sets;
    if (step != floor(step))
        return prior->lines;
    for (; used > 1 && step / 2 == floor(step / 2); step /= 2)
        used /= 2;
    return used * prior->ways;
}

/* What a walk over the tile brings in from beyond L1: strips fetch a line again for each of its
 * vectors unless their rows stay; gathers, for each element. */
static void tally_bias_transfers(struct dt_tally *t, const struct dt_problem *p,
                                 const struct dt_delta *delta, const struct dt_choice *c,
                                 const struct dt_slot_facts *facts, double rows, double cols)
{
    const struct dt_prior *prior = t->prior;
    const struct dt_prior_set *set = dt_prior_set_of(prior, c->variant->level);
    const struct idea idea = parse_idea(c->variant);
    const double nq = p->nq, nk = p->nk, l1 = prior->share[t->team][DT_L1D], line = 64;
    const double width = set->lanes > 1 ? 4 * set->lanes : line;
    const double c2p = p->terms & DT_C2P ? 4 * nq * dt_prior_reach(delta, p->nk) : 0;
    const double p2c = p->terms & DT_P2C ? 4 * nk * dt_prior_reach(delta, p->nq) : 0;
    const double all = 4 * nq * nk + c2p + p2c;
    const double tile = 4 * rows * cols + c2p * rows / nq + p2c * cols / nk;
    const bool blocks = idea.p2c == P2C_BLOCKS, gather = idea.p2c <= P2C_GATHER;

    /* Prefetchers follow a walk down rows badly, and not at all from page to page. */
    const bool strips = idea.p2c >= P2C_SKEW && !blocks;
    const double followed = !strips ? 1 : 4 * nk < PAGE ? 1.12 : 1.45;
    dt_tally_transfer(t, followed * (8 * nq * nk + c2p + p2c), all);
    if (p2c > 0 && gather && cols * line > l1) {
        dt_tally_transfer(t, nq * nk * line / 2, tile);
    } else if (p2c > 0 && blocks) {
        const double bands = fmax(0, nq / BLOCK_ROWS - 1), of_band = BLOCK_ROWS + set->lanes - 1;
        dt_tally_transfer(t, bands * nk * 4 * fmin(of_band, facts->reach),
                          4 * cols * (of_band + 2 * BLOCK_ROWS));
    } else if (p2c > 0 && !gather) {
        const double strip = line * (2 * rows + facts->reach);
        const bool stays = strip <= l1 && rows <= rows_in_l1(prior, 4 * nk);
        const double again =
            8 * nq * nk * (line / width - 1) + (c2p > 0 ? nq * nk / set->lanes * line : 0);
        if (!stays)
            dt_tally_transfer(t, again, fmax(strip, l1 + 1));
        dt_tally_transfer(t, (nq / rows - 1) * 4 * nk * facts->reach, p2c);
    }
}

void dt_prior_tally_bias(struct dt_tally *t, const struct dt_problem *p,
                         const struct dt_delta *delta, const struct dt_choice *c)
{
    const struct dt_prior_set *set = dt_prior_set_of(t->prior, c->variant->level);
    const int32_t rows = c->tile.rows && c->tile.rows < p->nq ? c->tile.rows : p->nq;
    const int32_t cols = c->tile.cols && c->tile.cols < p->nk ? c->tile.cols : p->nk;
    const double heads = (double)p->batch * p->heads;
    const double tiles = dt_ceil_div(p->nq, rows) * dt_ceil_div(p->nk, cols);
    const struct dt_slot_facts facts = dt_prior_slots(delta, set->lanes, rows);
    const double last_rows = p->nq % rows ? p->nq % rows : rows;
    const double last_cols = p->nk % cols ? p->nk % cols : cols;
    const double down = dt_ceil_div(p->nq, rows), across = dt_ceil_div(p->nk, cols);
    for (int r = 0; r < 2; r++)
        for (int k = 0; k < 2; k++)
            t->cycles[DT_FOR_ADDITIONS] +=
                heads * (r ? 1 : down - 1) * (k ? 1 : across - 1) *
                dt_prior_add(t->prior, c->variant, p, &facts, r ? last_rows : rows,
                             k ? last_cols : cols, false);
    tally_bias_transfers(t, p, delta, c, &facts, rows, cols);
    for (int n = DT_FOR_L2; n < DT_FOR_CALLS; n++)
        t->cycles[n] *= heads;
    t->cycles[DT_FOR_CALLS] = heads * (30 + 20 * tiles);
}
