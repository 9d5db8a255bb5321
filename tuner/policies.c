/* SPDX-License-Identifier: MIT */
/* Policies that need no idea of the space: every plan, or some at random. */
#include "tuner/search.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>

enum {
    GROUP = 12,       /* plans of a block, beside the anchor */
    FIRST_BLOCKS = 3, /* of each plan, */
    LONG_BLOCKS = 1,  /* or, where a call takes long, so many */
    NEAR_MAX = 48,    /* plans that are near the leader then, and */
    NEAR_BLOCKS = 7,  /* their blocks */
    LAST_MAX = 12,    /* those that are left */
    LAST_BLOCKS = 20,
    RANDOM_SHARE = 7,  /* one plan of so many is tried at random, */
    RANDOM_LEAST = 32, /* or so many */
};

/* After three samples a score is not to be relied on: so many of the best go on, however far they
 * seem to be behind the leader. */
#define NEAR INFINITY
#define LAST 1.05

#define LONG_NS 5e7

static size_t blocks_of(const struct dt_search *search)
{
    const struct dt_board *board = &search->board;
    if (board->anchor == SIZE_MAX || board->lanes[board->anchor].count == 0)
        return FIRST_BLOCKS;
    return board->lanes[board->anchor].times[0].ns > LONG_NS ? LONG_BLOCKS : FIRST_BLOCKS;
}

/* Admits, times and lets rest. */
static enum dt_status survey_group(struct dt_search *search, const size_t *plans, size_t count,
                                   struct dt_error *error)
{
    size_t entries[GROUP], admitted = 0, tried;
    enum dt_status status = dt_search_expect(search, plans, count, 0, &tried, error);
    for (size_t n = 0; n < count && !status; n++) {
        status = dt_search_try(search, plans[n], &entries[admitted], error);
        admitted += !status && entries[admitted] != SIZE_MAX;
    }
    if (!status)
        status = dt_search_survey(search, entries, admitted, blocks_of(search), error);
    for (size_t n = 0; n < admitted; n++)
        dt_search_rest(search, entries[n]);
    return status;
}

/* Races those that are near the leader; all others are out. */
static enum dt_status race_nearest(struct dt_search *search, double factor, size_t most,
                                   size_t blocks, struct dt_error *error)
{
    size_t near[NEAR_MAX], admitted = 0;
    const size_t count = dt_search_near(search, factor, most, near);
    enum dt_status status = DT_OK;
    for (size_t e = 0; e < search->board.count; e++)
        search->entries[e].out = true;
    for (size_t n = 0; n < count && !status; n++) {
        status = dt_search_return(search, near[n], error);
        search->entries[near[n]].out = false;
        if (!status && !search->entries[near[n]].failed)
            near[admitted++] = near[n];
    }
    return status ? status : dt_search_heat(search, near, admitted, blocks, 0, error);
}

static enum dt_status narrow(struct dt_search *search, struct dt_error *error)
{
    enum dt_status status = race_nearest(search, NEAR, NEAR_MAX, NEAR_BLOCKS, error);
    if (!status && !dt_search_is_over(search, 0))
        status = race_nearest(search, LAST, LAST_MAX, LAST_BLOCKS, error);
    return status;
}

static enum dt_status survey(struct dt_search *search, const size_t *plans, size_t count,
                             struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t n = 0; n < count && !status; n += GROUP) {
        if (n > 0 && dt_search_is_over(search, dt_search_mark(search, 0.8))) {
            search->cut = true;
            break;
        }
        status = survey_group(search, plans + n, count - n < GROUP ? count - n : GROUP, error);
    }
    return status ? status : narrow(search, error);
}

/* The plans in the order to try them: the known ones, then the others. */
static size_t *list_all(const struct dt_search *search, struct dt_error *error)
{
    const struct dt_arena *arena = search->arena;
    size_t *plans = malloc(arena->count * sizeof *plans), count = 0;
    if (!plans) {
        dt_error_set(error, DT_NO_MEMORY, "no memory for a list of %zu plans", arena->count);
        return NULL;
    }
    for (size_t n = 0; n < arena->count; n++)
        plans[n] = n;
    for (size_t n = 0; n < arena->known_count; n++)
        for (size_t at = count; at < arena->count; at++)
            if (plans[at] == arena->known[n]) {
                plans[at] = plans[count];
                plans[count++] = arena->known[n];
                break;
            }
    return plans;
}

static enum dt_status search_all(struct dt_search *search, struct dt_error *error)
{
    size_t *plans = list_all(search, error);
    enum dt_status status =
        plans ? survey(search, plans, search->arena->count, error) : DT_NO_MEMORY;
    free(plans);
    return status;
}

static enum dt_status search_some(struct dt_search *search, struct dt_error *error)
{
    const struct dt_arena *arena = search->arena;
    const size_t known = arena->known_count < arena->count ? arena->known_count : arena->count;
    size_t *plans = list_all(search, error);
    size_t wanted = arena->count / RANDOM_SHARE;
    if (!plans)
        return DT_NO_MEMORY;
    wanted = wanted < RANDOM_LEAST ? RANDOM_LEAST : wanted;
    dt_shuffle(plans + known, arena->count - known, &search->random);
    enum dt_status status =
        survey(search, plans, wanted < arena->count ? wanted : arena->count, error);
    free(plans);
    return status;
}

const struct dt_policy dt_policy_exhaustive = {
    "exhaustive", "every plan of the space a few times, the best of them more often", search_all};
const struct dt_policy dt_policy_random = {"random", "some plans of the space, at random",
                                           search_some};
