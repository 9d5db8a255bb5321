/* SPDX-License-Identifier: MIT */
/*
 * The ceilings of one instruction set, written over the vector type of vector_<isa>.h, which
 * must be included first.
 *
 * FMA: 12 chains hide a latency of 4 to 5 cycles on two ports and of 4 on four pipes. Chains
 * that start equal are one chain to the compiler, which then computes one and reports the time
 * of twelve; so every chain starts at its own value. LOAD keeps eight sums: with four it is bound
 * by the latency of addition at one vector a cycle, half of what L1 delivers. ADD is unrolled by
 * four: one vector an iteration is bound by the loop's own instructions on a narrow core.
 */
#ifndef DISENTUNE_ISA_PROBE_H
#define DISENTUNE_ISA_PROBE_H

#include "kernels/probe.h"

enum { CHAINS = 12, SUMS = 8 };

static float probe_sum(vec v)
{
    float lanes[LANES], sum = 0;
    v_store(lanes, v);
    for (int l = 0; l < LANES; l++)
        sum += lanes[l];
    return sum;
}

static void probe_fma(struct dt_probe_args *p)
{
    const vec factor = v_set(0.999f), term = v_set(1e-3f);
    vec chain[CHAINS];
    for (int c = 0; c < CHAINS; c++)
        chain[c] = v_set(1 + (float)c / CHAINS);
    for (size_t n = 0; n < p->n; n++)
        for (int c = 0; c < CHAINS; c++)
            chain[c] = v_fma(chain[c], factor, term);
    for (int c = 1; c < CHAINS; c++)
        chain[0] = v_add(chain[0], chain[c]);
    p->sink = probe_sum(chain[0]);
    p->amount = 2.0 * LANES * CHAINS * (double)p->n;
}

static void probe_load(struct dt_probe_args *p)
{
    vec sum[SUMS];
    for (int u = 0; u < SUMS; u++)
        sum[u] = v_set(0);
    for (size_t i = 0; i < p->n; i += SUMS * LANES)
        for (int u = 0; u < SUMS; u++)
            sum[u] = v_add(sum[u], v_load(p->x + i + u * LANES));
    for (int u = 1; u < SUMS; u++)
        sum[0] = v_add(sum[0], sum[u]);
    p->sink = probe_sum(sum[0]);
    p->amount = (double)p->n * sizeof(float);
}

static void probe_add(struct dt_probe_args *p)
{
    for (size_t i = 0; i < p->n; i += 4 * LANES)
        for (int u = 0; u < 4; u++) {
            const size_t at = i + (size_t)u * LANES;
            const vec term = v_add(v_load(p->a + at), v_load(p->b + at));
            v_store(p->x + at, v_add(v_load(p->x + at), term));
        }
    p->amount = 3.0 * (double)p->n * sizeof(float);
}

static void probe_run(struct dt_probe_args *p)
{
    switch (p->kind) {
    case DT_PROBE_FMA:
        probe_fma(p);
        break;
    case DT_PROBE_LOAD:
        probe_load(p);
        break;
    case DT_PROBE_ADD:
        probe_add(p);
        break;
    }
}

#endif
