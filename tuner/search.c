/* SPDX-License-Identifier: MIT */
#include "tuner/search.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Beyond the tie band, a plan that is ahead of the leader after all is within so much of it. */
#define FINAL_MARGIN 1.02

/* A score of a single sample that is off by more says something in any case. */
#define FAR_BEHIND 4.0

extern const struct dt_policy dt_policy_race, dt_policy_exhaustive, dt_policy_random;

static const struct dt_policy *const policies[] = {
    &dt_policy_race,
    &dt_policy_exhaustive,
    &dt_policy_random,
};

const struct dt_policy *dt_policy_at(size_t n)
{
    return n < sizeof policies / sizeof *policies ? policies[n] : NULL;
}

const struct dt_policy *dt_policy_find(const char *name)
{
    const struct dt_policy *policy;
    for (size_t n = 0; (policy = dt_policy_at(n)); n++)
        if (strcmp(policy->name, name) == 0)
            return policy;
    return NULL;
}

/* ---- A search -------------------------------------------------------------------- */

static enum dt_status no_memory(struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory for a search");
}

enum dt_status dt_search_run(struct dt_search *search, const struct dt_policy *policy,
                             const struct dt_arena *arena, double band, uint64_t seed,
                             struct dt_error *error)
{
    *search = (struct dt_search){
        .arena = arena,
        .board = DT_BOARD_EMPTY,
        .seconds = arena->left(arena->context),
        .band = band,
        .random = seed,
    };
    search->entry_of = malloc(arena->count * sizeof *search->entry_of);
    search->entries = malloc(arena->count * sizeof *search->entries);
    if (!search->entry_of || !search->entries)
        return no_memory(error);
    for (size_t n = 0; n < arena->count; n++)
        search->entry_of[n] = SIZE_MAX;
    return policy->run(search, error);
}

void dt_search_clear(struct dt_search *search)
{
    free(search->entries);
    free(search->entry_of);
    dt_board_clear(&search->board);
    *search = (struct dt_search){.board = DT_BOARD_EMPTY};
}

double dt_search_mark(const struct dt_search *search, double share)
{
    return isinf(search->seconds) ? 0 : search->seconds * (1 - share);
}

bool dt_search_is_over(const struct dt_search *search, double mark)
{
    const double left = search->arena->left(search->arena->context);
    return left <= 0 || left < mark;
}

size_t dt_search_affords(const struct dt_search *search, double mark)
{
    const double left = search->arena->left(search->arena->context);
    const double each = (search->seconds - left) / (double)search->board.count;
    if (isinf(left) || search->board.count == 0 || each <= 0)
        return SIZE_MAX;
    return left > mark ? (size_t)fmin((left - mark) / each, (double)search->arena->count) : 0;
}

static bool stands(const struct dt_search *search, size_t entry)
{
    return !search->entries[entry].failed && !search->entries[entry].out &&
           search->board.lanes[entry].count > 0;
}

size_t dt_search_leader(const struct dt_search *search)
{
    size_t leader = search->board.count;
    double least = INFINITY;
    for (size_t e = 0; e < search->board.count; e++) {
        const double score = stands(search, e) ? dt_board_score(&search->board, e) : INFINITY;
        if (score < least) {
            least = score;
            leader = e;
        }
    }
    return leader;
}

enum dt_status dt_search_expect(struct dt_search *search, const size_t *plans, size_t count,
                                double mark, size_t *tried, struct dt_error *error)
{
    const struct dt_arena *arena = search->arena;
    *tried = 0;
    return arena->expect && count > 0
               ? arena->expect(arena->context, plans, count, mark, tried, error)
               : DT_OK;
}

enum dt_status dt_search_try(struct dt_search *search, size_t plan, size_t *entry,
                             struct dt_error *error)
{
    const struct dt_arena *arena = search->arena;
    bool passed = false;
    *entry = search->entry_of[plan];
    if (*entry != SIZE_MAX) {
        *entry = search->entries[*entry].failed ? SIZE_MAX : *entry;
        return DT_OK;
    }
    enum dt_status status = arena->admit(arena->context, plan, &passed, error);
    if (status)
        return status;
    const size_t added = search->board.count;
    if (!dt_board_add(&search->board, 1))
        return no_memory(error);
    search->entry_of[plan] = added;
    search->entries[added] = (struct dt_entry){.plan = plan, .failed = !passed};
    if (passed && search->board.anchor == SIZE_MAX)
        search->board.anchor = added;
    *entry = passed ? added : SIZE_MAX;
    return DT_OK;
}

/* ---- Heats ----------------------------------------------------------------------- */

/* Lets the given entries compete, and the anchor take part. */
static void line_up(struct dt_search *search, const size_t *entries, size_t count)
{
    struct dt_board *board = &search->board;
    for (size_t e = 0; e < board->count; e++) {
        board->lanes[e].dropped = true;
        board->lanes[e].kept = false;
    }
    board->lanes[board->anchor].dropped = false;
    board->lanes[board->anchor].kept = true;
    for (size_t n = 0; n < count; n++) {
        board->lanes[entries[n]].dropped = false;
        board->lanes[entries[n]].kept = false;
    }
}

/* One block of those that take part. */
static enum dt_status time_block(struct dt_search *search, size_t *plans, double *ns,
                                 struct dt_error *error)
{
    struct dt_board *board = &search->board;
    const struct dt_arena *arena = search->arena;
    size_t count = 0;
    for (size_t e = 0; e < board->count; e++)
        if (!board->lanes[e].dropped)
            plans[count++] = search->entries[e].plan;
    enum dt_status status = arena->block(arena->context, plans, count, ns, error);
    if (status)
        return status;
    for (size_t n = 0; n < count; n++) {
        const size_t e = search->entry_of[plans[n]];
        if (isnan(ns[n]))
            continue;
        if (!dt_board_time(board, e, ns[n]))
            return no_memory(error);
        if (search->entries[e].round == 0)
            search->entries[e].round = search->rounds;
        search->samples++;
    }
    board->blocks++;
    return DT_OK;
}

/* Those that were dropped are out. The anchor goes on as a reference. How many still compete. */
static size_t note_dropped(struct dt_search *search, const size_t *entries, size_t count)
{
    struct dt_board *board = &search->board;
    size_t left = 0;
    for (size_t n = 0; n < count; n++) {
        const size_t e = entries[n];
        struct dt_entry *entry = &search->entries[e];
        if (!board->lanes[e].dropped) {
            left += !board->lanes[e].kept;
        } else if (!entry->out) {
            entry->out = true;
            if (e == board->anchor) {
                board->lanes[e].dropped = false;
                board->lanes[e].kept = true;
            } else {
                search->arena->retire(search->arena->context, entry->plan);
            }
        }
    }
    return left;
}

/* What a block works in. */
struct scratch {
    size_t *plans;
    double *ns;
};

static enum dt_status open_heat(struct dt_search *search, const size_t *entries, size_t count,
                                struct scratch *scratch, struct dt_error *error)
{
    scratch->plans = malloc((search->board.count + 1) * sizeof *scratch->plans);
    scratch->ns = malloc((search->board.count + 1) * sizeof *scratch->ns);
    search->rounds++;
    search->board.since = search->board.blocks;
    if (count > 0)
        line_up(search, entries, count);
    return scratch->plans && scratch->ns ? DT_OK : no_memory(error);
}

static void close_heat(const struct scratch *scratch)
{
    free(scratch->ns);
    free(scratch->plans);
}

enum dt_status dt_search_heat(struct dt_search *search, const size_t *entries, size_t count,
                              size_t blocks, double mark, struct dt_error *error)
{
    struct scratch scratch;
    enum dt_status status = open_heat(search, entries, count, &scratch, error);
    size_t left = count;
    for (size_t b = 0; b < blocks && !status && left > 0; b++) {
        status = time_block(search, scratch.plans, scratch.ns, error);
        if (status)
            break;
        dt_board_drop(&search->board, dt_board_limit(b + 1), search->band);
        left = note_dropped(search, entries, count);
        if (left <= 1 || b + 1 == blocks)
            break;
        if (dt_search_is_over(search, mark)) {
            search->cut = true;
            break;
        }
    }
    close_heat(&scratch);
    return status;
}

enum dt_status dt_search_survey(struct dt_search *search, const size_t *entries, size_t count,
                                size_t blocks, struct dt_error *error)
{
    struct scratch scratch;
    enum dt_status status = open_heat(search, entries, count, &scratch, error);
    for (size_t b = 0; b < blocks && count > 0 && !status; b++)
        status = time_block(search, scratch.plans, scratch.ns, error);
    close_heat(&scratch);
    return status;
}

void dt_search_rest(struct dt_search *search, size_t entry)
{
    if (entry != search->board.anchor)
        search->arena->retire(search->arena->context, search->entries[entry].plan);
}

enum dt_status dt_search_return(struct dt_search *search, size_t entry, struct dt_error *error)
{
    bool passed = true;
    struct dt_entry *e = &search->entries[entry];
    enum dt_status status =
        entry == search->board.anchor
            ? DT_OK
            : search->arena->admit(search->arena->context, e->plan, &passed, error);
    if (!status)
        e->failed = !passed;
    return status;
}

/* ---- Neighbours ------------------------------------------------------------------ */

size_t dt_search_neighbours(const struct dt_search *search, enum dt_axis axis, size_t from,
                            size_t *plans)
{
    const struct dt_arena *arena = search->arena;
    const struct dt_point *origin = &arena->points[from];
    size_t nearest[DT_AXIS_VALUES], count = 0;
    int away[DT_AXIS_VALUES];
    for (size_t v = 0; v < DT_AXIS_VALUES; v++)
        nearest[v] = SIZE_MAX;
    for (size_t p = 0; p < arena->count; p++) {
        const int16_t value = arena->points[p].at[axis];
        const int far = dt_point_distance(&arena->points[p], origin, axis);
        if (value != origin->at[axis] && (nearest[value] == SIZE_MAX || far < away[value])) {
            nearest[value] = p;
            away[value] = far;
        }
    }
    for (size_t v = 0; v < DT_AXIS_VALUES; v++) {
        size_t at = count;
        if (nearest[v] == SIZE_MAX)
            continue;
        for (count++; at > 0 && plans[at - 1] > nearest[v]; at--)
            plans[at] = plans[at - 1];
        plans[at] = nearest[v];
    }
    return count;
}

/* ---- The result ------------------------------------------------------------------ */

/* Adds an entry to a list in the order of scores; of a full list the last one goes. */
static size_t insert(const struct dt_search *search, size_t *entries, size_t count, size_t most,
                     size_t entry)
{
    size_t at = count;
    if (count == most && (most == 0 || dt_board_score(&search->board, entries[count - 1]) <=
                                           dt_board_score(&search->board, entry)))
        return count;
    for (at = count < most ? count : most - 1;
         at > 0 &&
         dt_board_score(&search->board, entries[at - 1]) > dt_board_score(&search->board, entry);
         at--)
        entries[at] = entries[at - 1];
    entries[at] = entry;
    return count < most ? count + 1 : count;
}

size_t dt_search_near(const struct dt_search *search, double factor, size_t most, size_t *entries)
{
    const size_t leader = dt_search_leader(search);
    size_t count = 0;
    if (leader == search->board.count)
        return 0;
    const double limit = factor * dt_board_score(&search->board, leader);
    for (size_t e = 0; e < search->board.count; e++)
        if (stands(search, e) && dt_board_score(&search->board, e) <= limit)
            count = insert(search, entries, count, most, e);
    return count;
}

bool dt_search_prefers(const struct dt_search *search, size_t plan, size_t other)
{
    const struct dt_arena *arena = search->arena;
    if (arena->known_count > 0 && (plan == arena->known[0] || other == arena->known[0]))
        return plan == arena->known[0] && plan != other;
    return arena->compare(arena->context, plan, other) < 0;
}

size_t dt_search_settled(const struct dt_search *search)
{
    const size_t leader = dt_search_leader(search);
    size_t first = leader;
    for (size_t e = 0; e < search->board.count; e++)
        if (stands(search, e) && !dt_board_slower(&search->board, e, leader, search->band) &&
            dt_search_prefers(search, search->entries[e].plan, search->entries[first].plan))
            first = e;
    return first;
}

/* Puts an entry first, instead of the last one if there is no more room. */
static size_t put_first(size_t *entries, size_t count, size_t most, size_t entry)
{
    size_t at = 0;
    while (at < count && entries[at] != entry)
        at++;
    if (at == count) {
        count += count < most;
        at = count - 1;
    }
    memmove(entries + 1, entries, at * sizeof *entries);
    entries[0] = entry;
    return count;
}

/* What would run anyway, unless it is far behind; board.count if it was not timed. */
static size_t standing(const struct dt_search *search)
{
    const struct dt_board *board = &search->board;
    const size_t entry =
        search->arena->known_count > 0 ? search->entry_of[search->arena->known[0]] : SIZE_MAX;
    if (entry == SIZE_MAX || search->entries[entry].failed || board->lanes[entry].count == 0)
        return board->count;
    return dt_board_score(board, entry) <=
                   FAR_BEHIND * dt_board_score(board, dt_search_leader(search))
               ? entry
               : board->count;
}

size_t dt_search_finalists(const struct dt_search *search, size_t most, size_t *entries)
{
    size_t count = dt_search_near(search, FINAL_MARGIN * dt_board_tie(search->band), most, entries);
    if (count == 0)
        return 0;
    count = put_first(entries, count, most, dt_search_settled(search));
    const size_t stands = standing(search);
    return stands < search->board.count ? put_first(entries, count, most, stands) : count;
}

void dt_search_order(const struct dt_search *search, size_t *entries, size_t count)
{
    for (size_t n = 1; n < count; n++) {
        const size_t entry = entries[n];
        size_t at = n;
        for (; at > 0 && dt_search_prefers(search, search->entries[entry].plan,
                                           search->entries[entries[at - 1]].plan);
             at--)
            entries[at] = entries[at - 1];
        entries[at] = entry;
    }
}

size_t dt_search_of_variants(const struct dt_search *search, size_t most, size_t *entries)
{
    const struct dt_point *points = search->arena->points;
    size_t best[DT_AXIS_VALUES], count = 0;
    for (size_t v = 0; v < DT_AXIS_VALUES; v++)
        best[v] = SIZE_MAX;
    for (size_t e = 0; e < search->board.count; e++) {
        const int16_t v = points[search->entries[e].plan].at[DT_AXIS_FORM];
        if (search->board.lanes[e].count > 0 &&
            (best[v] == SIZE_MAX ||
             dt_board_score(&search->board, e) < dt_board_score(&search->board, best[v])))
            best[v] = e;
    }
    for (size_t v = 0; v < DT_AXIS_VALUES; v++)
        if (best[v] != SIZE_MAX)
            count = insert(search, entries, count, most, best[v]);
    return count;
}

static size_t stable_winner(const struct dt_search *search, const size_t *entries, size_t count)
{
    const struct dt_board *board = &search->board;
    size_t winner = SIZE_MAX, leader = SIZE_MAX;
    for (size_t n = 0; n < count; n++)
        if (stands(search, entries[n]) && (leader == SIZE_MAX || dt_board_score(board, entries[n]) <
                                                                     dt_board_score(board, leader)))
            leader = entries[n];
    for (size_t n = 0; n < count; n++)
        if (stands(search, entries[n]) &&
            !dt_board_slower(board, entries[n], leader, search->band) &&
            (winner == SIZE_MAX || dt_search_prefers(search, search->entries[entries[n]].plan,
                                                     search->entries[winner].plan)))
            winner = entries[n];
    return winner;
}

enum dt_status dt_search_final(struct dt_search *search, const size_t *entries, size_t count,
                               size_t blocks, size_t *winner, struct dt_error *error)
{
    enum dt_status status = dt_search_heat(search, entries, count, blocks, 0, error);
    *winner = status ? SIZE_MAX : stable_winner(search, entries, count);
    return status;
}

double dt_search_regret(const struct dt_search *search, size_t winner)
{
    double most = 1;
    for (size_t e = 0; e < search->board.count; e++) {
        if (e == winner || !stands(search, e))
            continue;
        const struct dt_interval ratio = dt_board_ratio(&search->board, e, winner);
        most = isnan(ratio.hi) ? most : fmax(most, ratio.hi);
    }
    return most - 1;
}
