/* SPDX-License-Identifier: MIT */
/* Spaces that were never measured: times by a formula, with noise as machines have it. */
#ifndef RECORDING_FIXTURE_H
#define RECORDING_FIXTURE_H

#include "tuner/recording.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct made_space {
    size_t values[DT_AXES]; /* on each axis */
    double noise;           /* of a sample, as a share */
    double prior_error;     /* factor by which predictions err, as a logarithm */
    size_t samples;         /* of each plan */
    uint64_t seed;
};

/* In [0, 1). */
static inline double uniform(uint64_t *state) { return (double)(dt_random(state) >> 11) * 0x1p-53; }

/* About normal. */
static inline double bell(uint64_t *state)
{
    double sum = -6;
    for (int n = 0; n < 12; n++)
        sum += uniform(state);
    return sum;
}

struct made_plan {
    struct dt_point point;
    double ns, predicted;
};

static inline int compare_made(const void *x, const void *y)
{
    const struct made_plan *a = x, *b = y;
    return (a->predicted > b->predicted) - (a->predicted < b->predicted);
}

/*
 * Each value of an axis takes a factor of up to 1.6; the tile and the bias also depend on the form.
 * The first plan in the order of predictions is known, as the heuristic's.
 */
static inline struct dt_recording make_recording(const struct made_space *m)
{
    struct dt_recording r = {.op = DT_OP_ATTENTION,
                             .problem = "b1 h1 q512 k512 d64 log:256:512 c2p+p2c f32 hf mask:none",
                             .threads = 1,
                             .machine = "made up",
                             .version = "0",
                             .date = "2026-01-31T12:00:00Z",
                             .noise_floor = 0.01,
                             .trial_ns = 5e6,
                             .known_count = 1};
    uint64_t random = m->seed;
    double factor[DT_AXES][16], twist[16][16];
    size_t count = 1, index[DT_AXES] = {0};
    for (size_t a = 0; a < DT_AXES; a++) {
        count *= m->values[a];
        for (size_t v = 0; v < 16; v++)
            factor[a][v] = 0.5 * uniform(&random) * uniform(&random);
    }
    for (size_t f = 0; f < 16; f++)
        for (size_t v = 0; v < 16; v++)
            twist[f][v] = 0.15 * uniform(&random);
    struct made_plan *plans = calloc(count, sizeof *plans);
    r.plans = calloc(count, sizeof *r.plans);
    r.points = calloc(count, sizeof *r.points);
    cr_assert(plans && r.plans && r.points);
    for (size_t n = 0; n < count; n++) {
        double cost = 0;
        for (size_t a = 0, rest = n; a < DT_AXES; rest /= m->values[a++]) {
            index[a] = rest % m->values[a];
            plans[n].point.at[a] = (int16_t)index[a];
            cost += factor[a][index[a]];
        }
        cost += twist[index[DT_AXIS_FORM]][index[DT_AXIS_ROWS]] +
                twist[15 - index[DT_AXIS_FORM]][index[DT_AXIS_BIAS]];
        plans[n].ns = 1e5 * exp(cost);
        plans[n].predicted = plans[n].ns * exp(m->prior_error * bell(&random));
    }
    qsort(plans, count, sizeof *plans, compare_made);
    for (size_t n = 0; n < count; n++) {
        struct dt_recorded *plan = &r.plans[n];
        *plan = (struct dt_recorded){
            .subject = {.op = r.op, .threads = 1, .tile = {16, 32}},
            .point = plans[n].point,
            .preference = (n * 7919) % count,
            .predicted_ns = plans[n].predicted,
            .samples = m->samples,
            .ns = malloc(m->samples * sizeof(double)),
            .base = malloc(m->samples * sizeof(double)),
        };
        cr_assert(plan->ns && plan->base);
        cr_assert_eq(dt_problem_parse(r.problem, &plan->subject.problem, NULL), DT_OK);
        snprintf(plan->subject.variant, sizeof plan->subject.variant, "attention.made.form%d",
                 plan->point.at[DT_AXIS_FORM]);
        for (size_t s = 0; s < m->samples; s++) {
            /* one sample in fifty is disturbed */
            const double burst = uniform(&random) < 0.02 ? 1 + uniform(&random) : 1;
            plan->base[s] = plans[0].ns;
            plan->ns[s] = plans[n].ns * exp(m->noise * bell(&random)) * burst;
        }
        r.points[r.count++] = plan->point;
    }
    free(plans);
    return r;
}

#endif
