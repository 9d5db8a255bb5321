/* SPDX-License-Identifier: MIT */
#include "kernels/setup.h"

#ifdef _OPENMP
#include <omp.h>
#endif
#include <stdatomic.h>

const char *dt_phase_name(enum dt_phase phase)
{
    static const char *const names[DT_PHASE_COUNT] = {
        [DT_PHASE_PACK] = "pack", [DT_PHASE_C2C] = "c2c", [DT_PHASE_C2P] = "c2p",
        [DT_PHASE_P2C] = "p2c",   [DT_PHASE_ADD] = "add", [DT_PHASE_SOFTMAX] = "softmax",
        [DT_PHASE_PV] = "PV",     [DT_PHASE_OUT] = "out",
    };
    return names[phase];
}

struct dt_attention_item dt_attention_item_at(const struct dt_attention_setup *s,
                                              const struct dt_attention *io, int64_t item)
{
    const struct dt_problem *p = s->problem;
    if (io->segments) {
        const int64_t segment = item / p->heads;
        const int32_t first = io->segments[segment], length = io->segments[segment + 1] - first;
        return (struct dt_attention_item){.h = (int32_t)(item % p->heads),
                                          .first = first,
                                          .nq = length,
                                          .nk = length,
                                          .query_end = length};
    }
    const int64_t head = item / s->chunks;
    const int32_t begin = (int32_t)(item % s->chunks) * s->chunk;
    return (struct dt_attention_item){
        .b = (int32_t)(head / p->heads),
        .h = (int32_t)(head % p->heads),
        .nq = p->nq,
        .nk = p->nk,
        .query_begin = begin,
        .query_end = begin + s->chunk < p->nq ? begin + s->chunk : p->nq,
    };
}

/* Threads take a few items at a time, in order, so that chunks of a head stay together. */
static void share(const struct dt_attention_setup *setup, const struct dt_attention *io,
                  int64_t items, float *workspace)
{
    dt_attention_fn *const run = setup->choice.variant->run.attention;
    const int64_t share = items / (8 * (int64_t)setup->threads);
    const int64_t grain = share ? share : 1;
    atomic_int_fast64_t next = 0;
#ifdef _OPENMP
#pragma omp parallel num_threads(setup->threads)
#endif
    {
        float *mine = workspace;
#ifdef _OPENMP
        mine += (size_t)omp_get_thread_num() * setup->workspace;
#endif
        for (;;) {
            struct dt_attention_work work = {
                .first = atomic_fetch_add_explicit(&next, grain, memory_order_relaxed)};
            if (work.first >= items)
                break;
            work.last = work.first + grain < items ? work.first + grain : items;
            run(setup, io, &work, mine);
        }
    }
}

void dt_attention_run(const struct dt_attention_setup *setup, const struct dt_attention *io,
                      float *workspace, struct dt_phases *phases)
{
    const struct dt_attention_work all = {.last = dt_attention_items(setup, io), .phases = phases};
    if (setup->threads <= 1 || all.last <= 1)
        setup->choice.variant->run.attention(setup, io, &all, workspace);
    else
        share(setup, io, all.last, workspace);
}
