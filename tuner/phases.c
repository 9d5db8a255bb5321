/* SPDX-License-Identifier: MIT */
#include "tuner/phases.h"

#include "reports/stats.h"
#include "tuner/sample.h"
#include "tuner/session.h"
#include "tuner/space.h"

#include <math.h>

/* At least two calls, at most CALLS or about CALLS_NS. */
enum { CALLS = 25 };
#define CALLS_NS 1e9

static uint64_t ticks(void) { return (uint64_t)dt_clock_ns(); }

struct runs {
    double call[CALLS];
    double phase[DT_PHASE_COUNT][CALLS];
    double flops[DT_PHASE_COUNT];
    size_t count;
};

static void run(const struct dt_ready *ready, struct runs *runs)
{
    const double start = dt_clock_ns();
    dt_ready_run(ready, NULL);
    for (runs->count = 0; runs->count < CALLS; runs->count++) {
        struct dt_phases phases = {.clock = ticks};
        const double before = dt_clock_ns();
        if (runs->count >= 2 && before - start > CALLS_NS)
            break;
        dt_ready_run(ready, NULL);
        runs->call[runs->count] = dt_clock_ns() - before;
        dt_ready_run(ready, &phases);
        for (int p = 0; p < DT_PHASE_COUNT; p++) {
            runs->phase[p][runs->count] = (double)phases.spent[p];
            runs->flops[p] = phases.flops[p];
        }
    }
}

/* Nanoseconds of x += a + b over all scores of the call. */
static double add_ns(const struct dt_session *session, const struct dt_problem *p)
{
    char name[32];
    const double scores = (double)p->batch * p->heads * p->nq * p->nk;
    snprintf(name, sizeof name, "add.%s.l1", dt_cpu_level_name(dt_session_probe()->level));
    return 3 * sizeof(float) * scores / dt_session_ceiling(session, name) * 1e9;
}

static void judge(const struct dt_session *session, struct runs *runs, struct dt_phase_times *t)
{
    char peak[32];
    double sum = 0, median[DT_PHASE_COUNT];
    snprintf(peak, sizeof peak, "fma.%s", dt_cpu_level_name(dt_choice_level(&t->choice)));
    t->call_ns = dt_median(runs->call, runs->count);
    for (int p = 0; p < DT_PHASE_COUNT; p++)
        sum += median[p] = dt_median(runs->phase[p], runs->count);
    for (int p = 0; p < DT_PHASE_COUNT; p++) {
        struct dt_phase_time *phase = &t->phase[p];
        *phase = (struct dt_phase_time){
            .ns = sum > 0 ? median[p] / sum * t->call_ns : 0,
            .gflops = NAN,
            .share_of_ceiling = NAN,
            .ceiling = "",
        };
        if (phase->ns == 0)
            continue;
        if (runs->flops[p] > 0) {
            phase->gflops = runs->flops[p] / phase->ns;
            phase->share_of_ceiling = phase->gflops * 1e9 / dt_session_ceiling(session, peak);
            phase->ceiling = "FMA peak";
        } else if (p == DT_PHASE_ADD || p == DT_PHASE_SOFTMAX) {
            phase->share_of_ceiling = add_ns(session, &t->problem) / phase->ns;
            phase->ceiling = "contiguous add in L1";
        }
    }
}

enum dt_status dt_phases_measure(const struct dt_session *session, const struct dt_problem *problem,
                                 const struct dt_choice *choice, struct dt_phase_times *times,
                                 struct dt_error *error)
{
    struct dt_workload workload;
    struct dt_ready ready;
    struct runs runs;
    enum dt_status status =
        dt_workload_init(&workload, DT_OP_ATTENTION, problem, session->seed, error);
    if (status)
        return status;
    status = dt_ready_init(&ready, &workload, choice, DT_SLOT_MAJOR, 1, error);
    if (!status) {
        *times = (struct dt_phase_times){.problem = workload.problem, .choice = *choice};
        run(&ready, &runs);
        judge(session, &runs, times);
        dt_ready_clear(&ready);
    }
    dt_workload_clear(&workload);
    return status;
}
