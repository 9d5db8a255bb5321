/* SPDX-License-Identifier: MIT */
/*
 * Timing candidates against each other. In every block each running candidate gives one sample, in
 * random order, so that drift of the machine hits all alike; two candidates are compared by the
 * ratio of their samples of the same block, never by times of different blocks.
 */
#ifndef DISENTUNE_RACE_H
#define DISENTUNE_RACE_H

#include "reports/stats.h"
#include "tuner/sample.h"
#include "tuner/workload.h"

#define DT_BLOCKS_MAX 200

struct dt_runner {
    const struct dt_workload *workload;
    struct dt_choice choice;
    enum dt_layout layout; /* bias: which table it reads */
    int32_t threads;
    size_t most_samples; /* 0: as many as there are blocks */
    bool kept;           /* a point of reference: never dropped, cannot win */
    bool dropped;        /* not timed, or no longer */
    bool entered;        /* `ready` is */
    struct dt_ready ready;
    struct dt_repeat repeat;
    size_t rejected;               /* samples */
    double error_share, error_ulp; /* of its trial, as of struct dt_record; NAN without one */
    size_t samples;
    double ns[DT_BLOCKS_MAX]; /* by block; NAN where it did not run */
};

struct dt_race {
    const struct dt_workload *workload;
    struct dt_sampler *sampler;
    struct dt_runner *runners;
    size_t count;
    size_t blocks; /* done */
    uint64_t random;
};

/* Sets up a race of `choices` on one thread, all reading the problem's own layout and all dropped
 * until they enter. DT_NO_MEMORY. */
enum dt_status dt_race_init(struct dt_race *race, const struct dt_workload *workload,
                            struct dt_sampler *sampler, const struct dt_choice *choices,
                            size_t count, uint64_t seed, struct dt_error *error);
void dt_race_clear(struct dt_race *race);

/* Makes a runner ready and lets it run. Errors are those of dt_ready_init(); it stays dropped. */
enum dt_status dt_race_enter(struct dt_race *race, size_t runner, struct dt_error *error);

/* Adds a point of reference, which enters at once, and stores its index. Of `runner` the workload
 * (NULL: the race's), choice, layout, threads and most_samples matter. DT_NO_MEMORY, and the errors
 * of dt_race_enter(). */
enum dt_status dt_race_add_reference(struct dt_race *race, const struct dt_runner *runner,
                                     size_t *index, struct dt_error *error);

/* One block. A block that fails its gates is timed again once. Does nothing after DT_BLOCKS_MAX. */
void dt_race_block(struct dt_race *race);

/* Median time of one runner, INFINITY without a sample. */
double dt_race_median(const struct dt_race *race, size_t runner);

/* Median time with its 95 % interval, the accepted samples in `values` (DT_BLOCKS_MAX). */
struct dt_interval dt_race_time(const struct dt_race *race, size_t runner, double *values,
                                size_t *count);

/*
 * How many times as fast as `base` the runner is: median of the ratios within blocks, 95 %
 * interval. All NAN if they share no block.
 */
struct dt_interval dt_race_ratio(const struct dt_race *race, size_t runner, size_t base);

/* The fastest runner by median that is neither dropped nor a reference; `count` if there is none.
 */
size_t dt_race_leader(const struct dt_race *race);

/* Drops runners that are slower than the leader by more than `factor`, and those whose whole
 * interval of ratios lies beyond the tie band exp(band). */
void dt_race_drop(struct dt_race *race, double factor, double band);

/* Drops of each variant all tiles but the one with the least median. */
void dt_race_drop_tiles(struct dt_race *race);

/*
 * The stable winner: among the runners within max(1 %, band) of the leader that of the narrowest
 * instruction set, then the smallest tile, then the first by names.
 */
size_t dt_race_winner(const struct dt_race *race, double band);

/*
 * Whether the runner stands for its variant: it is the winner, or of a variant that did not win the
 * tile with the most samples, then the least median.
 */
bool dt_race_represents(const struct dt_race *race, size_t runner, size_t winner);

#endif
