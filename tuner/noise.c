/* SPDX-License-Identifier: MIT */
#include "tuner/noise.h"

#include "kernels/error.h"
#include "reports/stats.h"
#include "tuner/board.h"
#include "tuner/copies.h"
#include "tuner/session.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    KEPT_MAX = 1 << 16,
    LEAST_LOOPS = 8,
    RACES_MAX = 1000,
    LEAST_PROCESSES = 8,
    PROCESSES_MAX = 1000,
};

static double clock_cost(void)
{
    enum { READINGS = 10000 };
    const double start = dt_clock_ns();
    for (int n = 0; n < READINGS; n++)
        (void)dt_clock_ns();
    return (dt_clock_ns() - start) / READINGS;
}

/* Times of the loops in their order. When there is no room left every second one goes, and from
 * then on every second one is kept. */
struct times {
    double *ns;
    size_t count;
    uint64_t stride;
};

static void keep(struct times *times, uint64_t loop, double ns)
{
    if (loop % times->stride)
        return;
    if (times->count == KEPT_MAX) {
        for (size_t n = 0; n < KEPT_MAX / 2; n++)
            times->ns[n] = times->ns[2 * n];
        times->count = KEPT_MAX / 2;
        times->stride *= 2;
        if (loop % times->stride)
            return;
    }
    times->ns[times->count++] = ns;
}

/* To |ns / median - 1|. */
static double deviate(double *ns, size_t count)
{
    const double median = dt_median(ns, count);
    for (size_t n = 0; n < count; n++)
        ns[n] = fabs(ns[n] / median - 1);
    return median;
}

static void describe(struct dt_noise *noise, struct times *times)
{
    const size_t quarter = times->count / 4;
    noise->drift =
        dt_median(times->ns + times->count - quarter, quarter) / dt_median(times->ns, quarter) - 1;
    noise->loop_ns = deviate(times->ns, times->count);
    noise->jitter_50 = dt_quantile(times->ns, times->count, 0.5);
    noise->jitter_90 = dt_quantile(times->ns, times->count, 0.9);
    noise->jitter_99 = dt_quantile(times->ns, times->count, 0.99);
}

enum dt_status dt_noise_loops(struct dt_noise *noise, double seconds, struct dt_error *error)
{
    const struct dt_counters *c =
        noise->sampler.counters ? noise->sampler.counters : &dt_counters_host;
    struct times times = {malloc(KEPT_MAX * sizeof *times.ns), 0, 1};
    struct dt_thread_counters first, before, now;
    struct dt_system_counters start, end;
    uint64_t migrations = 0;
    if (!times.ns)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for the times of %d loops", KEPT_MAX);
    for (size_t n = 0; n < KEPT_MAX; n++)
        times.ns[n] = 0; /* so that page faults are not those of this array */
    c->system(c->context, &start);
    c->thread(c->context, &first);
    before = first;
    const double begin = dt_clock_ns();
    for (noise->loops = 0; noise->loops < LEAST_LOOPS || dt_clock_ns() - begin < seconds * 1e9;
         noise->loops++) {
        keep(&times, noise->loops, c->canary(c->context));
        c->thread(c->context, &now);
        migrations += now.processor != before.processor;
        before = now;
    }
    noise->seconds = (dt_clock_ns() - begin) * 1e-9;
    c->system(c->context, &end);
    noise->preemptions = (double)(now.preemptions - first.preemptions) / noise->seconds;
    noise->faults = (double)(now.faults - first.faults) / noise->seconds;
    noise->migrations = (double)migrations / noise->seconds;
    const double ticks =
        noise->seconds * (double)sysconf(_SC_CLK_TCK) * (double)sysconf(_SC_NPROCESSORS_ONLN);
    noise->stolen = end.stolen_known ? (double)(end.stolen - start.stolen) / ticks : NAN;
    noise->throttled =
        end.throttled_known ? (double)(end.throttled - start.throttled) / noise->seconds : NAN;
    describe(noise, &times);
    free(times.ns);
    return DT_OK;
}

static enum dt_status race_copies(struct dt_noise *noise, double seconds, uint64_t seed,
                                  struct dt_error *error)
{
    double floors[RACES_MAX];
    enum dt_status status = DT_OK;
    const double end = dt_clock_ns() + seconds * 1e9;
    do {
        struct dt_session session = {.seed = seed + 2 * noise->races};
        status = dt_session_noise(&session, &noise->sampler, error);
        floors[noise->races] = session.noise_floor;
        noise->floor_worst = fmax(noise->floor_worst, session.noise_floor);
    } while (!status && ++noise->races < RACES_MAX && dt_clock_ns() < end);
    if (!status)
        noise->floor = dt_median(floors, noise->races);
    return status;
}

static enum dt_status time_processes(struct dt_noise *noise, double seconds, uint64_t seed,
                                     struct dt_error *error)
{
    double ns[PROCESSES_MAX];
    size_t count = 0, tries = 0;
    enum dt_status status = DT_OK;
    const double end = dt_clock_ns() + seconds * 1e9;
    do {
        status =
            dt_copies_apart("n512 log:256:512", &noise->sampler, seed + tries, &ns[count], error);
        count += !status && isfinite(ns[count]);
    } while (!status && ++tries < PROCESSES_MAX &&
             (tries < LEAST_PROCESSES || dt_clock_ns() < end));
    if (status)
        return status;
    noise->processes = count;
    if (count > 0)
        deviate(ns, count);
    noise->process_50 = count > 0 ? dt_quantile(ns, count, 0.5) : NAN;
    noise->process_90 = count > 0 ? dt_quantile(ns, count, 0.9) : NAN;
    return DT_OK;
}

enum dt_status dt_noise_measure(const struct dt_machine *machine, double seconds, uint64_t seed,
                                struct dt_noise *noise, struct dt_error *error)
{
    struct dt_binding before;
    *noise = (struct dt_noise){.clock_step = dt_clock_resolution(), .clock_cost = clock_cost()};
    enum dt_status status = dt_noise_loops(noise, seconds / 2, error);
    if (!status)
        status = dt_binding_save(&before, error);
    if (status)
        return status;
    status = dt_machine_pin(machine, 0, error);
    if (!status) {
        dt_sampler_init(&noise->sampler);
        status = race_copies(noise, seconds / 4, seed, error);
        if (!status)
            status = time_processes(noise, seconds / 4, seed, error);
    }
    dt_binding_restore(&before, 1);
    return status;
}

enum dt_noise_verdict dt_noise_judge(const struct dt_noise *noise)
{
    if (dt_sampler_noisy(&noise->sampler))
        return DT_NOISE_NOISY;
    return noise->floor > DT_LEAST_BAND ? DT_NOISE_MODERATE : DT_NOISE_QUIET;
}

double dt_noise_band(const struct dt_noise *noise)
{
    const double floor = noise->floor * (dt_noise_judge(noise) == DT_NOISE_NOISY ? 2 : 1);
    return dt_board_tie(floor) - 1;
}

enum dt_gate dt_noise_worst_gate(const struct dt_sampler *sampler)
{
    enum dt_gate worst = DT_GATE_COUNT;
    for (int g = 0; g < DT_GATE_COUNT; g++)
        if (sampler->fired[g] > (worst == DT_GATE_COUNT ? 0 : sampler->fired[worst]))
            worst = (enum dt_gate)g;
    return worst;
}
