/* SPDX-License-Identifier: MIT */
#include "tuner/sample.h"

#include "reports/stats.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

double dt_clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The least step between two different readings: what the clock can tell apart. */
static double clock_resolution(void)
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

/* Multiplications that each wait for the one before, about 30 us. */
static double canary_ns(void)
{
    volatile double seed = 1.0000001;
    const double factor = seed;
    double product = seed;
    const double start = dt_clock_ns();
    for (int n = 0; n < 25000; n++)
        product *= factor;
    seed = product;
    return dt_clock_ns() - start;
}

/* The number after `name` in a file of "name value" lines; 0 if it cannot be had. */
static uint64_t read_counter(const char *path, const char *name, int field)
{
    char line[512];
    uint64_t value[10] = {0};
    FILE *file = fopen(path, "re");
    if (!file)
        return 0;
    while (fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ' ') {
            const char *at = line + strlen(name);
            int used;
            for (int f = 0; f <= field && sscanf(at, "%lu%n", &value[f], &used) == 1; f++)
                at += used;
            break;
        }
    fclose(file);
    return value[field];
}

static uint64_t stolen_ticks(void) { return read_counter("/proc/stat", "cpu", 7); }

static uint64_t throttled_periods(void)
{
    return read_counter("/sys/fs/cgroup/cpu.stat", "nr_throttled", 0);
}

void dt_sampler_init(struct dt_sampler *s)
{
    *s = (struct dt_sampler){.least_ns = fmax(100 * clock_resolution(), 20e3)};
    for (int n = 0; n < 11; n++)
        s->canary[s->canaries++] = canary_ns();
}

bool dt_sampler_noisy(const struct dt_sampler *s)
{
    return s->rejected * 5 > s->accepted + s->rejected || s->disturbed * 5 > s->blocks;
}

void dt_sampler_begin_block(struct dt_sampler *s)
{
    s->stolen = stolen_ticks();
    s->throttled = throttled_periods();
}

bool dt_sampler_end_block(struct dt_sampler *s)
{
    const size_t known = s->canaries < DT_CANARY_HISTORY ? s->canaries : DT_CANARY_HISTORY;
    const double now = canary_ns();
    const bool good = now <= 1.15 * dt_median(s->canary, known) && stolen_ticks() == s->stolen &&
                      throttled_periods() == s->throttled;
    s->canary[s->canaries++ % DT_CANARY_HISTORY] = now;
    s->blocks++;
    s->disturbed += !good;
    return good;
}

struct gate {
    long preemptions, faults;
    int processor;
};

static struct gate read_gate(void)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    return (struct gate){usage.ru_nivcsw, usage.ru_minflt + usage.ru_majflt, sched_getcpu()};
}

static bool undisturbed(const struct gate *before)
{
    const struct gate after = read_gate();
    return after.preemptions == before->preemptions && after.faults == before->faults &&
           after.processor == before->processor;
}

static double time_calls(dt_work_fn *work, void *context, uint64_t calls)
{
    const double start = dt_clock_ns();
    work(context, calls);
    return dt_clock_ns() - start;
}

static struct dt_repeat warm_up(const struct dt_sampler *s, dt_work_fn *work, void *context)
{
    double before = INFINITY, now = time_calls(work, context, 1);
    for (int n = 0; n < 10 && fabs(now - before) > 0.1 * now; n++) {
        before = now;
        const uint64_t calls = now < s->least_ns ? (uint64_t)(s->least_ns / fmax(now, 1)) + 1 : 1;
        now = time_calls(work, context, calls) / (double)calls;
    }
    const double calls = ceil(s->least_ns / fmax(now, 1));
    return (struct dt_repeat){calls > 1 ? (uint64_t)calls : 1, now};
}

/* Work that lasts this long brings itself into its steady state: a cache of some MiB, which others
 * have filled meanwhile, takes half a millisecond to fill again. With 2 ms in place of 30 an
 * attention of 8 ms in a workspace of 6 MiB looked 8 % slower than it is when called again and
 * again. */
#define STEADY_NS 3e7

double dt_sample(struct dt_sampler *s, dt_work_fn *work, void *context, struct dt_repeat *repeat,
                 size_t *rejected)
{
    double ns = 0;
    if (repeat->calls == 0)
        *repeat = warm_up(s, work, context);
    for (int try = 0; try <= DT_SAMPLE_RETRIES; try++) {
        if (repeat->ns < STEADY_NS)
            work(context, 1 + repeat->calls / 4);
        const struct gate gate = read_gate();
        ns = time_calls(work, context, repeat->calls) / (double)repeat->calls;
        if (undisturbed(&gate)) {
            s->accepted++;
            return ns;
        }
        s->rejected++;
        if (rejected)
            ++*rejected;
    }
    return ns;
}
