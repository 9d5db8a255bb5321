/* SPDX-License-Identifier: MIT */
#include "tuner/prior.h"

#include "tuner/prior_parts.h"

#include <math.h>
#include <string.h>

#define USUAL_GHZ 3.0

/* Bytes a cycle. */
#define USUAL_L2 28.0
#define USUAL_MEMORY 4.0

/* Workers that saturate the memory of a node. */
enum { MEMORY_WORKERS = 6, LINE = 64 };

/* Of a team of threads that is woken and waited for. */
enum { TEAM_CYCLES = 6000, THREAD_CYCLES = 300, CALL_CYCLES = 100 };

static const struct dt_prior_set usual_sets[DT_PRIOR_SETS] = {
    {.level = 0, 1, .fmas = 1, .loads = 2, .stores = 1, .shuffles = 2, .vectors = 2, .gather = 1},
    {.level = DT_CPU_AVX2,
     8,
     .fmas = 2,
     .loads = 2,
     .stores = 1,
     .shuffles = 1,
     .vectors = 3,
     .gather = 0.7},
    {.level = DT_CPU_AVX512,
     16,
     .fmas = 2,
     .loads = 2,
     .stores = 1,
     .shuffles = 1,
     .vectors = 2,
     .gather = 0.7},
    {.level = DT_CPU_NEON,
     4,
     .fmas = 2,
     .loads = 2,
     .stores = 1,
     .shuffles = 2,
     .vectors = 2,
     .gather = 1.5},
};

const char *dt_resource_name(enum dt_resource resource)
{
    static const char *const names[DT_RESOURCE_COUNT] = {
        [DT_FOR_PRODUCTS] = "products",
        [DT_FOR_ADDITIONS] = "additions",
        [DT_FOR_SOFTMAX] = "softmax",
        [DT_FOR_COPIES] = "copies",
        [DT_FOR_L2] = "L2",
        [DT_FOR_L3] = "L3",
        [DT_FOR_MEMORY] = "memory",
        [DT_FOR_CALLS] = "calls",
    };
    return names[resource];
}

/* ---- The machine ----------------------------------------------------------------------- */

static struct dt_prior_set *set_of(struct dt_prior *prior, uint32_t level)
{
    for (size_t s = 0; s < DT_PRIOR_SETS; s++)
        if (prior->sets[s].level == level)
            return &prior->sets[s];
    return &prior->sets[0];
}

const struct dt_prior_set *dt_prior_set_of(const struct dt_prior *prior, uint32_t level)
{
    return set_of((struct dt_prior *)prior, level);
}

static void scale(struct dt_prior_set *set, double factor)
{
    set->fmas *= factor;
    set->loads *= factor;
    set->stores *= factor;
    set->shuffles *= factor;
    set->vectors *= factor;
    set->gather /= factor;
}

static bool begins(const char *text, const char *with)
{
    return strncmp(text, with, strlen(with)) == 0;
}

/* What differs from usual: AMD shuffles on two pipes; Zen 4 splits vectors of 512 bits; Gracemont
 * those of 256; the large Arm cores have four vector pipes. */
static void know_core(struct dt_prior *prior, const struct dt_machine *m)
{
    struct dt_prior_set *avx2 = set_of(prior, DT_CPU_AVX2), *neon = set_of(prior, DT_CPU_NEON);
    const char *uarch = m->cpu.uarch;
    if (begins(uarch, "zen")) {
        avx2->shuffles = 2;
        avx2->vectors = 4;
    }
    if (strcmp(uarch, "zen4") == 0)
        scale(set_of(prior, DT_CPU_AVX512), 0.5);
    if (strcmp(m->kinds[0].name, "IntelAtom") == 0)
        scale(avx2, 0.5);
    if (begins(uarch, "neoverse-v") || begins(uarch, "cortex-x"))
        scale(neon, 2);
    if (m->cpu.quirks & DT_QUIRK_SLOW_GATHER)
        avx2->gather = set_of(prior, DT_CPU_AVX512)->gather = 1.6;
}

/* "fma.avx2", "load.avx2.l1"; 0 if it was not measured. */
static double ceiling(const struct dt_session *session, const char *kind, uint32_t level,
                      const char *place)
{
    char name[sizeof session->ceilings[0].name];
    snprintf(name, sizeof name, "%s.%s%s", kind, dt_cpu_level_name(level), place);
    for (size_t c = 0; session && c < session->ceiling_count; c++)
        if (strcmp(session->ceilings[c].name, name) == 0 && session->ceilings[c].value > 0)
            return session->ceilings[c].value;
    return 0;
}

/* The clock from the narrowest vectors, of which the multiply-adds a cycle are known best. */
static void know_clock(struct dt_prior *prior, const struct dt_session *session)
{
    prior->ghz = 0;
    for (size_t s = 1; s < DT_PRIOR_SETS; s++) {
        struct dt_prior_set *set = &prior->sets[s];
        const double flops = ceiling(session, "fma", set->level, "") * 1e-9;
        if (flops > 0 && prior->ghz == 0)
            prior->ghz = flops / (2 * set->lanes * set->fmas);
        else if (flops > 0)
            set->fmas = fmax(0.5, 0.5 * round(2 * flops / (2 * set->lanes * prior->ghz)));
    }
    if (prior->ghz == 0)
        prior->ghz = USUAL_GHZ;
}

/* What was measured, in steps of a factor of four from the usual value: a noisy machine measures
 * half or twice as much from one session to the next, and the same plans shall come first. */
static double in_steps(double measured, double usual)
{
    return measured > 0 ? usual * exp2(2 * round(log2(measured / usual) / 2)) : usual;
}

static void know_bandwidth(struct dt_prior *prior, const struct dt_session *session, double nodes)
{
    double measured_l2 = 0, measured_memory = 0;
    for (size_t s = 0; s < DT_PRIOR_SETS; s++) {
        const uint32_t level = prior->sets[s].level;
        measured_l2 = fmax(measured_l2, ceiling(session, "load", level, ".l2"));
        measured_memory = fmax(measured_memory, ceiling(session, "load", level, ".mem"));
    }
    const double l2 = in_steps(measured_l2 * 1e-9 / prior->ghz, USUAL_L2);
    const double memory = in_steps(measured_memory * 1e-9 / prior->ghz, USUAL_MEMORY);
    for (int32_t team = 0; team < DT_PRIOR_TEAMS; team++) {
        const double busy = ldexp(1, team) / (MEMORY_WORKERS * nodes);
        prior->bandwidth[team][DT_L1D] = l2;
        prior->bandwidth[team][DT_L2] = sqrt(l2 * memory);
        prior->bandwidth[team][DT_L3] = busy > 1 ? memory / busy : memory;
    }
}

void dt_prior_init(struct dt_prior *prior, const struct dt_machine *m,
                   const struct dt_session *session)
{
    const struct dt_cache *l1 = &m->kinds[0].cache[DT_L1D];
    *prior = (struct dt_prior){.ways = l1->ways > 0 ? l1->ways : 8};
    memcpy(prior->sets, usual_sets, sizeof usual_sets);
    know_core(prior, m);
    know_clock(prior, session);
    know_bandwidth(prior, session, m->nodes);
    for (int32_t team = 0; team < DT_PRIOR_TEAMS; team++)
        for (int level = 0; level < DT_LEVEL_COUNT; level++)
            prior->share[team][level] = (double)dt_machine_share(m, level, 1 << team);
    prior->lines = prior->share[0][DT_L1D] / LINE;
}

/* ---- A call ---------------------------------------------------------------------------- */

void dt_tally_transfer(struct dt_tally *t, double bytes, double set)
{
    static const enum dt_resource beyond[] = {DT_FOR_L2, DT_FOR_L3, DT_FOR_MEMORY};
    int level = 0;
    while (level < DT_LEVEL_COUNT && set > t->prior->share[t->team][level])
        level++;
    if (level > 0)
        t->cycles[beyond[level - 1]] += bytes / t->prior->bandwidth[t->team][level - 1];
}

static void tally_gemm(struct dt_tally *t, const struct dt_problem *p, const struct dt_choice *c)
{
    const double rows = c->tile.rows && c->tile.rows < p->nq ? c->tile.rows : p->nq;
    const double cols = c->tile.cols && c->tile.cols < p->nk ? c->tile.cols : p->nk;
    const double tiles = dt_ceil_div(p->nq, rows) * dt_ceil_div(p->nk, cols);
    const double a = 4 * rows * p->dim, b = 4 * cols * p->dim, to = 4 * rows * cols;
    t->cycles[DT_FOR_PRODUCTS] =
        tiles * dt_prior_gemm(t->prior, c->variant, rows, cols, p->dim, false);
    dt_tally_transfer(t, tiles * (a + b + 2 * to), a + b + to);
    t->cycles[DT_FOR_CALLS] = CALL_CYCLES * tiles;
}

static void tally_softmax(struct dt_tally *t, const struct dt_problem *p, const struct dt_choice *c)
{
    const double rows = (double)p->batch * p->heads * p->nq, bytes = 4 * rows * p->nk;
    t->cycles[DT_FOR_SOFTMAX] = dt_prior_softmax(t->prior, c->variant, DT_SOFTMAX_WHOLE, rows,
                                                 p->nk, p->mask > DT_MASK_LENGTHS);
    dt_tally_transfer(t, 2 * bytes, bytes);
    t->cycles[DT_FOR_CALLS] = CALL_CYCLES;
}

static int32_t team_of(int32_t threads)
{
    int32_t team = 0;
    while (team + 1 < DT_PRIOR_TEAMS && 1 << team < threads)
        team++;
    return team;
}

void dt_prior_cost(const struct dt_prior *prior, const struct dt_problem *problem,
                   const struct dt_delta *delta, const struct dt_choice *choice, int32_t threads,
                   struct dt_cost *cost)
{
    const enum dt_op op = choice->variant->op;
    struct dt_tally t = {.prior = prior};
    if (op == DT_OP_ATTENTION) {
        t.team = team_of(threads);
        dt_prior_tally_attention(&t, problem, delta, choice, threads > 1 ? threads : 1);
    } else if (op == DT_OP_BIAS) {
        dt_prior_tally_bias(&t, problem, delta, choice);
    } else if (op == DT_OP_SOFTMAX) {
        tally_softmax(&t, problem, choice);
    } else if (op == DT_OP_GEMM) {
        tally_gemm(&t, problem, choice);
    }
    if (t.team > 0)
        t.cycles[DT_FOR_CALLS] += TEAM_CYCLES + THREAD_CYCLES * threads;
    double work = 0, transfers = 0;
    for (int n = 0; n < DT_RESOURCE_COUNT; n++) {
        cost->part_ns[n] = t.cycles[n] / prior->ghz;
        work += n < DT_FOR_L2 ? cost->part_ns[n] : 0;
        transfers += n >= DT_FOR_L2 && n < DT_FOR_CALLS ? cost->part_ns[n] : 0;
    }
    cost->ns = fmax(work, transfers) + fmin(work, transfers) / 2 + cost->part_ns[DT_FOR_CALLS];
}

double dt_prior_ns(const struct dt_prior *prior, const struct dt_problem *problem,
                   const struct dt_delta *delta, const struct dt_choice *choice, int32_t threads)
{
    struct dt_cost cost;
    dt_prior_cost(prior, problem, delta, choice, threads, &cost);
    return cost.ns;
}

enum dt_resource dt_cost_bound(const struct dt_cost *cost)
{
    enum dt_resource most = 0;
    for (int n = 1; n < DT_RESOURCE_COUNT; n++)
        if (cost->part_ns[n] > cost->part_ns[most])
            most = n;
    return most;
}
