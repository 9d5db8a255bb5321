/* SPDX-License-Identifier: MIT */
#include "tuner/sample.h"

#include "reports/stats.h"

#include <math.h>
#include <time.h>

double dt_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

double dt_clock_resolution(void)
{
    double least = INFINITY;
    for (int n = 0; n < 200; n++) {
        const double start = dt_clock_ns();
        double now;
        while ((now = dt_clock_ns()) == start)
            continue;
        least = fmin(least, now - start);
    }
    return least;
}

const char *dt_gate_name(enum dt_gate gate)
{
    static const char *const names[] = {
        [DT_GATE_PREEMPTION] = "preemption", [DT_GATE_FAULT] = "page-fault",
        [DT_GATE_MIGRATION] = "migration",   [DT_GATE_STEAL] = "steal",
        [DT_GATE_THROTTLING] = "throttling", [DT_GATE_CANARY] = "slow-canary",
    };
    return names[gate];
}

static const struct dt_counters *counters_of(const struct dt_sampler *s)
{
    return s->counters ? s->counters : &dt_counters_host;
}

static double canary_ns(const struct dt_sampler *s)
{
    return counters_of(s)->canary(counters_of(s)->context);
}

static double wide_canary_ns(const struct dt_sampler *s)
{
    return counters_of(s)->wide_canary(counters_of(s)->context);
}

static struct dt_system_counters read_system(const struct dt_sampler *s)
{
    struct dt_system_counters counters;
    counters_of(s)->system(counters_of(s)->context, &counters);
    return counters;
}

static struct dt_thread_counters read_thread(const struct dt_sampler *s)
{
    struct dt_thread_counters counters;
    counters_of(s)->thread(counters_of(s)->context, &counters);
    return counters;
}

/* Counts each gate that fired; false if any did. */
static bool pass(struct dt_sampler *s, enum dt_gate first, const bool fired[3])
{
    for (int n = 0; n < 3; n++)
        s->fired[first + n] += fired[n];
    return !fired[0] && !fired[1] && !fired[2];
}

/* A reading of the wide canary as a multiple of the canary's. */
static void know_wide(struct dt_sampler *s, double wide)
{
    for (int n = 0; n < DT_WIDE_LEAST; n++)
        if (s->wide[n] == 0 || wide < s->wide[n]) {
            const double next = s->wide[n];
            s->wide[n] = wide;
            wide = next;
            if (wide == 0)
                break;
        }
}

void dt_sampler_init(struct dt_sampler *s)
{
    enum { READINGS = 11 };
    double wide[READINGS], least = INFINITY;
    *s = (struct dt_sampler){.least_ns = fmax(100 * dt_clock_resolution(), 20e3)};
    for (int n = 0; n < READINGS; n++) {
        s->canary[s->canaries++] = canary_ns(s);
        least = fmin(least, s->canary[n]);
        wide[n] = wide_canary_ns(s);
    }
    for (int n = 0; n < READINGS; n++)
        know_wide(s, wide[n] / least);
}

bool dt_sampler_noisy(const struct dt_sampler *s)
{
    return s->rejected * 5 > s->accepted + s->rejected || s->disturbed * 5 > s->blocks;
}

void dt_sampler_begin_block(struct dt_sampler *s)
{
    s->before = read_system(s);
    s->wide_before = wide_canary_ns(s);
}

/* As a multiple of what is known of the wide canary. */
#define SHARED 1.06

/* The chain's time is the lesser of the last one's and of the median: one that was disturbed would
 * make another least for ever, and the median comes late when the clock's frequency rises. */
static bool core_is_shared(struct dt_sampler *s, double canary, double median)
{
    const double chain = fmin(canary, median);
    const double before = s->wide_before / chain, after = wide_canary_ns(s) / chain;
    know_wide(s, before);
    know_wide(s, after);
    const double least = s->wide[DT_WIDE_LEAST - 1];
    return least > 0 && fmax(before, after) > SHARED * least;
}

bool dt_sampler_end_block(struct dt_sampler *s)
{
    const size_t known = s->canaries < DT_CANARY_HISTORY ? s->canaries : DT_CANARY_HISTORY;
    const double canary = canary_ns(s), median = known ? dt_median(s->canary, known) : canary;
    const struct dt_system_counters after = read_system(s);
    const bool fired[] = {after.stolen != s->before.stolen, after.throttled != s->before.throttled,
                          canary > 1.15 * median};
    s->shared = core_is_shared(s, canary, median);
    const bool good = pass(s, DT_GATE_STEAL, fired);
    s->canary[s->canaries++ % DT_CANARY_HISTORY] = canary;
    s->blocks++;
    s->disturbed += !good;
    s->shared_blocks += s->shared;
    return good;
}

static bool undisturbed(struct dt_sampler *s, const struct dt_thread_counters *before)
{
    const struct dt_thread_counters after = read_thread(s);
    const bool fired[] = {after.preemptions != before->preemptions, after.faults != before->faults,
                          after.processor != before->processor};
    return pass(s, DT_GATE_PREEMPTION, fired);
}

static double time_calls(dt_work_fn *work, void *context, uint64_t calls)
{
    const double start = dt_clock_ns();
    work(context, calls);
    return dt_clock_ns() - start;
}

/* Work that lasts this long brings itself into its steady state: a cache of some MiB, which others
 * have filled meanwhile, takes half a millisecond to fill again. With 2 ms in place of 30 an
 * attention of 8 ms in a workspace of 6 MiB looked 8 % slower than it is when called again and
 * again. */
#define STEADY_NS 3e7

enum { WARM_UPS_MAX = 10 };

static struct dt_repeat warm_up(const struct dt_sampler *s, dt_work_fn *work, void *context)
{
    double before = INFINITY, now = time_calls(work, context, 1), spent = now;
    while (spent < STEADY_NS && fabs(now - before) > 0.1 * now) {
        before = now;
        const uint64_t calls = now < s->least_ns ? (uint64_t)(s->least_ns / fmax(now, 1)) + 1 : 1;
        now = time_calls(work, context, calls) / (double)calls;
        spent += fmax(now * (double)calls, STEADY_NS / WARM_UPS_MAX);
    }
    const double calls = ceil(s->least_ns / fmax(now, 1));
    return (struct dt_repeat){calls > 1 ? (uint64_t)calls : 1, now};
}

/* A sample that lasts longer is not taken again: on a machine on which it is disturbed the next one
 * would be, too, and it is the mean of much undisturbed time. */
#define REPEATED_NS 1e8

/* Of what lasts longer the first call is a sample: memory that is touched for the first time is a
 * matter of milliseconds. */
#define COLD_NS 5e8

double dt_sample(struct dt_sampler *s, dt_work_fn *work, void *context, struct dt_repeat *repeat,
                 size_t *rejected)
{
    double ns = 0;
    if (repeat->calls == 0) {
        *repeat = warm_up(s, work, context);
        s->accepted += repeat->ns > COLD_NS;
        if (repeat->ns > COLD_NS)
            return repeat->ns;
    }
    const int retries = repeat->ns * (double)repeat->calls < REPEATED_NS ? DT_SAMPLE_RETRIES : 0;
    for (int try = 0; try <= retries; try++) {
        if (repeat->ns < STEADY_NS)
            work(context, 1 + repeat->calls / 4);
        const struct dt_thread_counters before = read_thread(s);
        ns = time_calls(work, context, repeat->calls) / (double)repeat->calls;
        if (undisturbed(s, &before)) {
            s->accepted++;
            return ns;
        }
        s->rejected++;
        if (rejected)
            ++*rejected;
    }
    return ns;
}
