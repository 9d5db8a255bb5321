/* SPDX-License-Identifier: MIT */
/*
 * What a search left in a last race: decided, measured with points of reference beside the winner,
 * and told as records and candidates.
 */
#ifndef DISENTUNE_CONTEST_H
#define DISENTUNE_CONTEST_H

#include "tuner/live.h"
#include "tuner/search.h"

/* The problem without position terms and its best choice, on a workload of its own. */
struct dt_plain {
    bool there;
    struct dt_workload workload;
    struct dt_choice choice;
};

struct dt_contest {
    struct dt_live *live;
    const struct dt_search *search;
    size_t finalists[DT_FINALISTS_MAX], count; /* entries, in the order of preference; runners of
                                                  the race in this order */
    const struct dt_race *race;                /* NULL: not decided yet */
    size_t winner;                             /* runner; not less than `count`: none */
};

/* Which of the finalists wins, on the workload of the search, where a call of an attention takes a
 * few milliseconds. contest->race is then *race, which the caller clears. */
enum dt_status dt_contest_decide(struct dt_contest *contest, double seconds, struct dt_race *race,
                                 struct dt_error *error);

/* The winner, or where it is not decided yet the finalists, timed until `end` (dt_clock_ns()) on
 * the workload, which is that of the problem itself, with points of reference. Appends records, and
 * candidates to those of the tuner. */
enum dt_status dt_contest_measure(struct dt_contest *contest, const struct dt_plain *plain,
                                  double end, const struct dt_workload *workload,
                                  struct dt_records *records, struct dt_error *error);

#endif
