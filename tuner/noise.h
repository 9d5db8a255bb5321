/* SPDX-License-Identifier: MIT */
/*
 * How well this machine can be measured on. A fixed chain of multiplications runs again and again,
 * on any processor, as a program does; then two copies of one plan race on one processor, as in a
 * tuning run; then the plan is timed in processes of its own. What disturbs loops and races is
 * counted.
 */
#ifndef DISENTUNE_NOISE_H
#define DISENTUNE_NOISE_H

#include "tuner/machine.h"
#include "tuner/sample.h"

enum dt_noise_verdict {
    DT_NOISE_QUIET,    /* the floor is within DT_LEAST_BAND */
    DT_NOISE_MODERATE, /* only larger ones, those above the floor */
    DT_NOISE_NOISY,    /* more than a fifth of samples or blocks were rejected */
};

struct dt_noise {
    double clock_step, clock_cost; /* ns: least difference of two readings, time of one */

    /* The loops. Rates are per second. */
    double seconds;
    uint64_t loops;
    double loop_ns;                         /* median */
    double jitter_50, jitter_90, jitter_99; /* quantiles of |time / median - 1| */
    double drift;                           /* median of the last quarter / of the first - 1 */
    double preemptions, migrations, faults;
    double stolen;    /* share of the time of all processors; NAN: the system does not tell */
    double throttled; /* periods per second; NAN: no control group tells */

    /* The races of a plan with itself. */
    double floor, floor_worst; /* |log ratio|: the median of all races and the largest */
    size_t races;
    struct dt_sampler sampler; /* how many samples were rejected and why */

    /* The plan in processes of its own: |time / median - 1|, half of them and 90 % of them; NAN if
     * none came to its end. */
    double process_50, process_90;
    size_t processes;
};

/* The loops alone, for `seconds` by the monotonic clock; the counters are the sampler's. At least
 * eight loops. DT_NO_MEMORY. */
enum dt_status dt_noise_loops(struct dt_noise *noise, double seconds, struct dt_error *error);

/* All of it: half of the time for the loops, a quarter each for the races, of which there is one at
 * least, and for processes, of which there are eight at least. Needs the machine that this is;
 * leaves the calling thread bound as it was. DT_NO_MEMORY, DT_IO, DT_UNSUPPORTED. */
enum dt_status dt_noise_measure(const struct dt_machine *machine, double seconds, uint64_t seed,
                                struct dt_noise *noise, struct dt_error *error);

enum dt_noise_verdict dt_noise_judge(const struct dt_noise *noise);

/* What can be told apart: dt_board_tie() of the floor, as a factor less 1; the floor is twice as
 * wide on a noisy machine (dt_session_judge). */
double dt_noise_band(const struct dt_noise *noise);

/* The gate that rejected most; DT_GATE_COUNT if none did. */
enum dt_gate dt_noise_worst_gate(const struct dt_sampler *sampler);

#endif
