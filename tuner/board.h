/* SPDX-License-Identifier: MIT */
/*
 * Times of what runs side by side. In a block each lane that takes part is timed once; two lanes
 * are compared by the ratio of their times of the same block, never by times of different blocks.
 * Where not all lanes share their blocks, one of them, the anchor, takes part in every block, and
 * the score of a lane is its time as a multiple of the anchor's.
 *
 * Blocks in which another hyperthread shared the core tell of another machine, on which another
 * plan may be the fastest. So those are left out where at least DT_BLOCKS_ENOUGH others are there.
 * Where they are not, all count, and a difference must be twice as large: the next run may meet the
 * core alone.
 */
#ifndef DISENTUNE_BOARD_H
#define DISENTUNE_BOARD_H

#include "kernels/disentune.h"
#include "reports/stats.h"

#include <stdbool.h>

/* Statistics of a lane are over at most so many of its first times. */
#define DT_BLOCKS_MAX 200

/* An interval of fewer blocks means nothing, as on a shared processor a sample takes half as long
 * again every now and then. */
enum { DT_BLOCKS_ENOUGH = 6 };

struct dt_time {
    size_t block;
    double ns;
    bool shared; /* the core was, with another hyperthread */
};

struct dt_lane {
    bool kept;             /* a point of reference: never dropped, leads nobody */
    bool dropped;          /* does not take part, or no longer */
    struct dt_time *times; /* by rising block; owned */
    size_t count, room;
};

struct dt_board {
    struct dt_lane *lanes; /* owned */
    size_t count, room;
    size_t blocks; /* of all lanes */
    bool shared;   /* whether the core is in the block that is being added */
    size_t anchor; /* a lane; SIZE_MAX: there is none, all lanes share their blocks */
    size_t since;  /* block from which on those that take part share their blocks */
};

/* Without lanes and anchor. */
#define DT_BOARD_EMPTY                                                                             \
    {                                                                                              \
        .anchor = SIZE_MAX                                                                         \
    }

/* Appends `count` lanes without times, all dropped. False without memory. */
bool dt_board_add(struct dt_board *board, size_t count);

/* Appends a time of the block after the last; board->blocks is for the caller to raise. False
 * without memory. */
bool dt_board_time(struct dt_board *board, size_t lane, double ns);

void dt_board_clear(struct dt_board *board);

/* The times of one lane that count into values[DT_BLOCKS_MAX]; how many there are. */
size_t dt_board_times(const struct dt_board *board, size_t lane, double *values);

/* What lanes are ranked by, less being better: median time, or with an anchor the median multiple
 * of its time. INFINITY without a time. */
double dt_board_score(const struct dt_board *board, size_t lane);

/*
 * How many times as fast as `base` the lane is: median of the ratios within blocks, 95 % interval.
 * All NAN if they share no block.
 */
struct dt_interval dt_board_ratio(const struct dt_board *board, size_t lane, size_t base);

/* Whether the lane may lead: it takes part and is no reference. */
bool dt_board_competes(const struct dt_board *board, size_t lane);

/* The lane that competes and has the least median time since board->since; `count` if there is
 * none. */
size_t dt_board_leader(const struct dt_board *board);

/* How far a lane may be behind the leader after so many blocks, as a multiple of its median: a
 * single time may be off by much, the median of three hardly. */
double dt_board_limit(size_t blocks);

/* Drops lanes whose median since board->since is more than `factor` times the leader's and that
 * were slower in every block, since half of three samples may be disturbed; and at every fifth of
 * their times, so that chance is asked seldom, the ones whose whole interval of ratios to the
 * leader lies beyond dt_board_tie(band). */
void dt_board_drop(struct dt_board *board, double factor, double band);

/*
 * Whether a lane is slower than another by more than dt_board_tie(band), and this is no chance: the
 * whole interval of their ratio is of slower ones. Of fewer than DT_BLOCKS_ENOUGH blocks each must
 * say that it takes twice as long. Without any block of both, by their scores.
 */
bool dt_board_slower(const struct dt_board *board, size_t lane, size_t other, double band);

/* Whether of two lanes one was dropped, or they are told apart at the end: the whole interval of
 * their ratio lies beyond dt_board_tie(band). */
bool dt_board_apart(const struct dt_board *pair, double band);

#define DT_LEAST_BAND 0.025

/*
 * What a lane's score may be, as a multiple of the leader's, to count as equal: exp of the band, or
 * of the least one. Less is no difference, however quiet the machine: copies of one plan in one
 * process, which its noise floor tells of, share their memory and the state of the caches, and from
 * one process to the next a plan's time moves by some per cent.
 */
double dt_board_tie(double band);

#endif
