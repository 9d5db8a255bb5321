/* SPDX-License-Identifier: MIT */
/*
 * Timing candidates against each other. In every block each running candidate gives one sample, in
 * random order, so that drift of the machine hits all alike; what the samples tell, the board does.
 */
#ifndef DISENTUNE_RACE_H
#define DISENTUNE_RACE_H

#include "tuner/board.h"
#include "tuner/sample.h"
#include "tuner/workload.h"

struct dt_runner {
    const struct dt_workload *workload;
    struct dt_choice choice;
    enum dt_layout layout; /* bias: which table it reads */
    int32_t threads;
    size_t most_samples; /* 0: as many as there are blocks */
    bool entered;        /* `ready` is */
    struct dt_ready ready;
    struct dt_repeat repeat;
    size_t rejected;               /* samples */
    double error_share, error_ulp; /* of its trial, as of struct dt_record; NAN without one */
};

struct dt_race {
    const struct dt_workload *workload;
    struct dt_sampler *sampler;
    struct dt_runner *runners;
    size_t count;
    struct dt_board board; /* a lane for each runner */
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

/* Drops it and frees what it works in; it may enter again. */
void dt_race_leave(struct dt_race *race, size_t runner);

/* Adds a point of reference, which enters at once, and stores its index. Of `runner` the workload
 * (NULL: the race's), choice, layout, threads and most_samples matter. DT_NO_MEMORY, and the errors
 * of dt_race_enter(). */
enum dt_status dt_race_add_reference(struct dt_race *race, const struct dt_runner *runner,
                                     size_t *index, struct dt_error *error);

/* One block. A block that fails its gates is timed again once, unless it lasts a second. Without
 * memory it is lost. */
void dt_race_block(struct dt_race *race);

/* Median time with its 95 % interval, the samples in `values` (DT_BLOCKS_MAX). */
struct dt_interval dt_race_time(const struct dt_race *race, size_t runner, double *values,
                                size_t *count);

/* The stable winner: of the runners that are not slower than the leader by
 * dt_board_slower() the first, as they are in the order of preference. */
size_t dt_race_winner(const struct dt_race *race, double band);

/*
 * Whether the runner stands for its variant: it is the winner, or of a variant that did not win the
 * tile with the most samples, then the least median.
 */
bool dt_race_represents(const struct dt_race *race, size_t runner, size_t winner);

#endif
