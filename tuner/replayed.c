/* SPDX-License-Identifier: MIT */
/* A recording as an arena. */
#include "tuner/recording.h"

#include <math.h>

/* The least that a sample takes, and the share that runs before it (tuner/sample.h). */
#define SAMPLE_NS 20e3
#define WARM_UP 1.25

static enum dt_status admit(void *context, size_t plan, bool *passed, struct dt_error *error)
{
    (void)error;
    struct dt_replay *replay = context;
    const struct dt_recorded *recorded = &replay->recording->plans[plan];
    *passed = !recorded->failed && recorded->samples > 0;
    replay->left -= replay->recording->trial_ns * 1e-9;
    return DT_OK;
}

static enum dt_status block(void *context, const size_t *plans, size_t count, double *ns,
                            struct dt_error *error)
{
    (void)error;
    struct dt_replay *replay = context;
    for (size_t n = 0; n < count; n++) {
        const struct dt_recorded *plan = &replay->recording->plans[plans[n]];
        const size_t drawn = dt_random_below(&replay->random, plan->samples);
        ns[n] = plan->ns[drawn] / plan->base[drawn] * replay->base_ns;
        replay->left -= WARM_UP * fmax(ns[n], SAMPLE_NS) * 1e-9;
    }
    return DT_OK;
}

static void retire(void *context, size_t plan)
{
    (void)context;
    (void)plan;
}

static double left(void *context) { return ((const struct dt_replay *)context)->left; }

static int compare(void *context, size_t a, size_t b)
{
    const struct dt_recorded *plans = ((const struct dt_replay *)context)->recording->plans;
    return (plans[a].preference > plans[b].preference) -
           (plans[a].preference < plans[b].preference);
}

/* Of the anchor, as far as any plan was timed beside it. */
static double base_of(const struct dt_recording *recording)
{
    double medians[DT_SPACE_MAX];
    size_t count = 0;
    for (size_t n = 0; n < recording->count; n++)
        if (recording->plans[n].samples > 0)
            medians[count++] = dt_median(recording->plans[n].base, recording->plans[n].samples);
    return count ? dt_median(medians, count) : 1;
}

void dt_replay_init(struct dt_replay *replay, const struct dt_recording *recording, double seconds,
                    uint64_t seed, struct dt_arena *arena)
{
    *replay = (struct dt_replay){
        .recording = recording, .base_ns = base_of(recording), .left = seconds, .random = seed};
    *arena = (struct dt_arena){.points = recording->points,
                               .count = recording->count,
                               .known = recording->known,
                               .known_count = recording->known_count,
                               .admit = admit,
                               .block = block,
                               .retire = retire,
                               .left = left,
                               .compare = compare,
                               .context = replay};
}
