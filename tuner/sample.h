/* SPDX-License-Identifier: MIT */
/*
 * One sample of a piece of work on a machine that is shared, noisy and lies.
 *
 * A sample repeats the work until it lasts max(100 x the clock's resolution, 20 us) and is the
 * mean time of one repetition. Right before it some untimed repetitions bring caches and
 * predictors back into the state of steady work: without them whoever comes first in a block, after
 * the gates have read their files, looks 7 % slower than itself. There are no hardware counters, so
 * whether to believe it is judged by what the operating system tells (tuner/counters.h), by gates
 * in two groups:
 *
 *     each sample   the thread was not preempted, took no page fault, stayed on its processor
 *     each block    no time was stolen by the hypervisor, the control group was not throttled, and
 *                   a fixed chain of multiplications ("canary") took no more than 1.15 times
 *                   its median of the session
 *
 * A rejected sample is taken again, at most DT_SAMPLE_RETRIES times, or never if it lasts a tenth
 * of a second, and counted, also under each gate that rejected it. The last try is kept even if it
 * failed: a loaded machine makes wide intervals, not missing numbers.
 *
 * Another hyperthread on the core is seen by none of these: a chain of multiplications leaves it
 * room enough. Measured on a shared Zen 3 host, where it comes and goes within seconds: plans take
 * half as long again, and of two the other is the faster by 4 %. Work that fills the core tells it:
 * it takes 1.0 or 1.1 to 1.5 times its least time, as a multiple of the canary's, which takes the
 * clock's frequency out. So each block is told as shared or not; what follows from it, the board
 * says.
 */
#ifndef DISENTUNE_SAMPLE_H
#define DISENTUNE_SAMPLE_H

#include "tuner/counters.h"

#include <stddef.h>

#define DT_SAMPLE_RETRIES 3
#define DT_CANARY_HISTORY 101
#define DT_WIDE_LEAST 3 /* of the least readings one or two may be wrong */

/* Nanoseconds since some fixed time; monotonic. */
double dt_clock_ns(void);

enum dt_gate {
    DT_GATE_PREEMPTION, /* of a sample */
    DT_GATE_FAULT,
    DT_GATE_MIGRATION,
    DT_GATE_STEAL, /* of a block */
    DT_GATE_THROTTLING,
    DT_GATE_CANARY,
    DT_GATE_COUNT
};

/* "preemption", "page-fault", "migration", "steal", "throttling", "slow-canary". */
const char *dt_gate_name(enum dt_gate gate);

struct dt_sampler {
    const struct dt_counters *counters; /* NULL: those of this system */
    double least_ns;                    /* shortest time of a sample */
    uint64_t accepted, rejected;
    uint64_t blocks, disturbed;       /* blocks that failed their gates, of all */
    uint64_t fired[DT_GATE_COUNT];    /* samples or blocks that each gate rejected */
    double canary[DT_CANARY_HISTORY]; /* ns of the latest canaries, a ring */
    size_t canaries;
    uint64_t shared_blocks;     /* of all */
    bool shared;                /* the latest block's core, with another hyperthread */
    double wide[DT_WIDE_LEAST]; /* the least of the wide canary, as multiples of the canary's */
    double wide_before;         /* ns of the wide canary, before the block */
    struct dt_system_counters before; /* the block */
};

/* What is timed: `calls` repetitions of the work. */
typedef void dt_work_fn(void *context, uint64_t calls);

void dt_sampler_init(struct dt_sampler *sampler);

/* The least step between two different readings of the clock: what it can tell apart. */
double dt_clock_resolution(void);

/* Whether more than a fifth of the samples or of the blocks were rejected. */
bool dt_sampler_noisy(const struct dt_sampler *sampler);

void dt_sampler_begin_block(struct dt_sampler *sampler);

/* False if the block failed a gate; its samples had better be taken again. */
bool dt_sampler_end_block(struct dt_sampler *sampler);

/* How often one piece of work is repeated: zero at first, then kept from sample to sample. */
struct dt_repeat {
    uint64_t calls; /* in a sample; found by warming up until two timings agree within 10 %; long
                       calls are warm after one, and of the longest that is a sample */
    double ns;      /* of one, about */
};

/* Nanoseconds of one repetition. *rejected, if not NULL, is increased by the number of rejected
 * tries. */
double dt_sample(struct dt_sampler *sampler, dt_work_fn *work, void *context,
                 struct dt_repeat *repeat, size_t *rejected);

#endif
