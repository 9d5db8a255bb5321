/* SPDX-License-Identifier: MIT */
/*
 * The default policy. A space holds thousands of plans, of which a call may take a second; about
 * a hundred are timed.
 *
 *     shortlist   the plans that are known (the heuristic's, those of the table), those that
 *                 promise most, and a few at random, against an error of the model of cost
 *     descent     from the leader along one axis after the other, the plans that differ from it by
 *                 one value against it; the winner goes on. The axes interact little, so that a
 *                 value that lost clearly once is not tried again. Ends when no neighbour is better
 *     basins      the same from the best plans of a few other forms, which may want other tiles
 *     settling    of plans that are equally fast the table wants the preferred one
 *                 (dt_search_prefers): untried neighbours that are preferred to it are tried, as
 *                 long as they are equal
 *
 * All of it in heats of interleaved blocks that drop the slow (dt_search_heat). A share of the time
 * is set for each part; a part that needs less leaves it to the next. When the time does not
 * suffice, those that promise most were tried.
 *
 * Tried and rejected: descent from the heuristic's plan alone, which ends in its basin; all
 * neighbours at once instead of one axis at a time, which times three times as many.
 */
#include "tuner/search.h"

#include <math.h>

enum {
    SHORTLIST = 20,
    EXPLORERS = 4,
    SHORTLIST_BLOCKS = 6,
    AXIS_BLOCKS = 6,
    LEAST_TRIED = 2, /* however late it is */
    PASSES_MAX = 8,
    BASINS = 4, /* forms that are descended from */
    STARTS = 4, /* of each variant, in so many blocks at most */
    START_BLOCKS = 3,
    LIST_MAX = SHORTLIST + EXPLORERS + 16,
};

/* Of the whole time: until the shortlist is admitted, and raced; until the descent has ended. */
#define ADMIT_SHARE 0.2
#define SHORTLIST_SHARE 0.4
#define DESCENT_SHARE 0.85

/* Of the time of an axis: for admission. */
#define AXIS_ADMIT_SHARE 0.5

/* A value that was slower by so much is not tried again; a form is descended from if its best plan
 * is slower by less. */
#define CLEARLY 1.25
#define NEARLY 1.25

struct descent {
    struct dt_search *search;
    size_t best;                           /* entry */
    double worst[DT_AXES][DT_AXIS_VALUES]; /* ratio to the best when it was tried; 0: not yet */
    double mark;
};

static size_t add_once(size_t *plans, size_t count, size_t plan)
{
    for (size_t n = 0; n < count; n++)
        if (plans[n] == plan)
            return count;
    if (count < LIST_MAX)
        plans[count++] = plan;
    return count;
}

static size_t list_first(struct dt_search *search, size_t *plans)
{
    const struct dt_arena *arena = search->arena;
    size_t count = 0;
    for (size_t n = 0; n < arena->known_count; n++)
        count = add_once(plans, count, arena->known[n]);
    for (size_t n = 0; n < SHORTLIST && n < arena->count; n++)
        count = add_once(plans, count, n);
    for (size_t n = 0; n < EXPLORERS && arena->count > SHORTLIST; n++)
        count = add_once(plans, count,
                         SHORTLIST + dt_random_below(&search->random, arena->count - SHORTLIST));
    return count;
}

/* Admits plans until the time is over, behind those that are in the list. */
static enum dt_status admit(struct dt_search *search, const size_t *plans, size_t count,
                            double mark, size_t *entries, size_t *admitted, struct dt_error *error)
{
    size_t tried;
    enum dt_status status = dt_search_expect(search, plans, count, mark, &tried, error);
    for (size_t n = 0; n < count && !status; n++) {
        size_t entry;
        if (n >= tried && *admitted >= LEAST_TRIED && dt_search_is_over(search, mark)) {
            search->cut = true;
            break;
        }
        status = dt_search_try(search, plans[n], &entry, error);
        if (!status && entry != SIZE_MAX)
            entries[(*admitted)++] = entry;
    }
    return status;
}

/* One plan that can be timed, and how long that takes. */
static enum dt_status try_first(struct dt_search *search, const size_t *plans, size_t count,
                                size_t *entry, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    *entry = SIZE_MAX;
    for (size_t n = 0; n < count && *entry == SIZE_MAX && !status; n++)
        status = dt_search_try(search, plans[n], entry, error);
    for (size_t p = 0; p < search->arena->count && *entry == SIZE_MAX && !status; p++)
        status = dt_search_try(search, p, entry, error);
    return status || *entry == SIZE_MAX ? status : dt_search_survey(search, entry, 1, 1, error);
}

static enum dt_status race_shortlist(struct dt_search *search, struct dt_error *error)
{
    const double mark = dt_search_mark(search, SHORTLIST_SHARE);
    size_t plans[LIST_MAX], entries[LIST_MAX], admitted = 0;
    size_t count = list_first(search, plans);
    enum dt_status status = try_first(search, plans, count, &entries[0], error);
    if (status || entries[0] == SIZE_MAX)
        return status;
    size_t most = dt_search_affords(search, mark);
    most = most < LEAST_TRIED ? LEAST_TRIED : most;
    search->cut |= most < count;
    count = most < count ? most : count;
    status =
        admit(search, plans, count, dt_search_mark(search, ADMIT_SHARE), entries, &admitted, error);
    return status ? status
                  : dt_search_heat(search, entries, admitted, SHORTLIST_BLOCKS, mark, error);
}

/* ---- Descent --------------------------------------------------------------------- */

static int16_t value_of(const struct descent *d, size_t plan, enum dt_axis axis)
{
    return d->search->arena->points[plan].at[axis];
}

/* The neighbours that are worth a try. */
static size_t list_axis(const struct descent *d, enum dt_axis axis, size_t *plans)
{
    const struct dt_search *search = d->search;
    const size_t found = dt_search_neighbours(search, axis, search->entries[d->best].plan, plans);
    size_t count = 0;
    for (size_t n = 0; n < found; n++)
        if (search->entry_of[plans[n]] == SIZE_MAX &&
            d->worst[axis][value_of(d, plans[n], axis)] < CLEARLY)
            plans[count++] = plans[n];
    return count;
}

/* After a heat of entries, of which the first is the best so far: the fastest that is not out. */
static void go_on(struct descent *d, enum dt_axis axis, const size_t *entries, size_t count)
{
    const struct dt_search *search = d->search;
    double most = search->entries[d->best].out ? 0 : 1;
    for (size_t n = 1; n < count; n++) {
        const size_t e = entries[n];
        const double gain = dt_board_ratio(&search->board, e, entries[0]).median;
        d->worst[axis][value_of(d, search->entries[e].plan, axis)] = 1 / gain;
        if (!search->entries[e].out && gain > most) {
            most = gain;
            d->best = e;
        }
    }
}

/* Races the neighbours along one axis against the best, which the fastest of them becomes. */
static enum dt_status race_axis(struct descent *d, enum dt_axis axis, double share,
                                struct dt_error *error)
{
    struct dt_search *search = d->search;
    size_t plans[DT_AXIS_VALUES], entries[1 + DT_AXIS_VALUES] = {d->best}, admitted = 1;
    const double left = search->arena->left(search->arena->context);
    const double end = isinf(left) ? 0 : d->mark + (left - d->mark) * (1 - share);
    const double admit_end = isinf(left) ? 0 : left - (left - end) * AXIS_ADMIT_SHARE;
    const size_t most = dt_search_affords(search, end);
    size_t count = list_axis(d, axis, plans);
    enum dt_status status = DT_OK;
    search->cut |= most < count;
    count = most < count ? most : count;
    if (count > 0 && dt_search_is_over(search, admit_end))
        search->cut = true;
    else
        status = admit(search, plans, count, admit_end, entries, &admitted, error);
    if (status || admitted == 1)
        return status;
    status = dt_search_heat(search, entries, admitted, AXIS_BLOCKS, end, error);
    if (!status)
        go_on(d, axis, entries, admitted);
    return status;
}

/* Down all axes, again and again, until the best stays. */
static enum dt_status descend(struct descent *d, struct dt_error *error)
{
    static const enum dt_axis axes[] = {
        DT_AXIS_ROWS, DT_AXIS_BIAS,  DT_AXIS_COLS,    DT_AXIS_GEMM,
        DT_AXIS_FORM, DT_AXIS_CHUNK, DT_AXIS_SOFTMAX,
    };
    const size_t count = sizeof axes / sizeof *axes;
    enum dt_status status = DT_OK;
    for (size_t pass = 0, before = SIZE_MAX; pass < PASSES_MAX && before != d->best; pass++) {
        before = d->best;
        for (size_t n = 0; n < count && !status; n++) {
            if (dt_search_is_over(d->search, d->mark)) {
                d->search->cut = true;
                return DT_OK;
            }
            status = race_axis(d, axes[n], 1 / (double)(count - n), error);
        }
        if (status)
            break;
    }
    return status;
}

/* The best entry of a form that was not descended from, also one that was dropped; SIZE_MAX if all
 * are far behind. */
static size_t best_of_other_form(const struct dt_search *search, const bool *seen)
{
    const struct dt_point *points = search->arena->points;
    double limit = NEARLY * dt_board_score(&search->board, dt_search_leader(search));
    size_t best = SIZE_MAX;
    for (size_t e = 0; e < search->board.count; e++) {
        const double score = dt_board_score(&search->board, e);
        if (!seen[points[search->entries[e].plan].at[DT_AXIS_FORM]] && score < limit) {
            limit = score;
            best = e;
        }
    }
    return best;
}

static enum dt_status descend_from(struct dt_search *search, size_t entry, struct dt_error *error)
{
    struct descent d = {
        .search = search, .best = entry, .mark = dt_search_mark(search, DESCENT_SHARE)};
    if (search->entries[entry].out) {
        enum dt_status status = dt_search_return(search, entry, error);
        if (status || search->entries[entry].failed)
            return status;
        search->entries[entry].out = false;
    }
    return descend(&d, error);
}

/* ---- Settling -------------------------------------------------------------------- */

static enum dt_status settle_axis(struct dt_search *search, enum dt_axis axis, size_t from,
                                  struct dt_error *error)
{
    const size_t leader = dt_search_leader(search);
    size_t plans[DT_AXIS_VALUES], entries[2 + DT_AXIS_VALUES] = {leader, from};
    size_t admitted = from == leader ? 1 : 2;
    const size_t before = admitted;
    const size_t found = dt_search_neighbours(search, axis, search->entries[from].plan, plans);
    size_t count = 0;
    for (size_t n = 0; n < found; n++)
        if (search->entry_of[plans[n]] == SIZE_MAX &&
            dt_search_prefers(search, plans[n], search->entries[from].plan))
            plans[count++] = plans[n];
    enum dt_status status = DT_OK;
    if (!dt_search_is_over(search, 0))
        status = admit(search, plans, count, 0, entries, &admitted, error);
    if (status || admitted == before)
        return status;
    return dt_search_heat(search, entries, admitted, AXIS_BLOCKS, 0, error);
}

static enum dt_status settle(struct dt_search *search, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    size_t before = SIZE_MAX, now = dt_search_settled(search);
    for (int pass = 0; pass < PASSES_MAX && now != before && !status; pass++) {
        before = now;
        for (enum dt_axis axis = 0; axis < DT_AXES && !status; axis++) {
            if (dt_search_is_over(search, 0)) {
                search->cut = true;
                return DT_OK;
            }
            status = settle_axis(search, axis, now, error);
            now = dt_search_settled(search);
        }
    }
    return status;
}

/* From the leader, and then from the best plans of some other forms. */
static enum dt_status descend_all(struct dt_search *search, struct dt_error *error)
{
    const struct dt_point *points = search->arena->points;
    bool seen[DT_AXIS_VALUES] = {false};
    size_t from = dt_search_leader(search);
    enum dt_status status = DT_OK;
    for (size_t n = 0; n < BASINS && from != SIZE_MAX && !status; n++) {
        seen[points[search->entries[from].plan].at[DT_AXIS_FORM]] = true;
        status = descend_from(search, from, error);
        seen[points[search->entries[dt_search_leader(search)].plan].at[DT_AXIS_FORM]] = true;
        from = best_of_other_form(search, seen);
    }
    return status;
}

static enum dt_status race(struct dt_search *search, struct dt_error *error)
{
    enum dt_status status = race_shortlist(search, error);
    if (status || dt_search_leader(search) == search->board.count)
        return status;
    status = descend_all(search, error);
    return status ? status : settle(search, error);
}

const struct dt_policy dt_policy_race = {
    "race", "a shortlist by the model of cost, then from the leader along one axis at a time",
    race};

/* ---- Variants -------------------------------------------------------------------- */

/* The plan of a form that is nearest to one that is the best of its form, the most promising of
 * several, and was not tried; SIZE_MAX if there is none. */
static size_t nearest_of_form(const struct dt_search *search, int16_t form)
{
    const struct dt_arena *arena = search->arena;
    size_t bests[DT_AXIS_VALUES], nearest = SIZE_MAX;
    const size_t count = dt_search_of_variants(search, DT_AXIS_VALUES, bests);
    int least = DT_AXES + 1;
    for (size_t p = 0; p < arena->count; p++) {
        const struct dt_point *point = &arena->points[p];
        int away = DT_AXES;
        if (point->at[DT_AXIS_FORM] != form || search->entry_of[p] != SIZE_MAX)
            continue;
        for (size_t b = 0; b < count; b++) {
            const struct dt_point *best = &arena->points[search->entries[bests[b]].plan];
            const int far = dt_point_distance(point, best, DT_AXIS_FORM);
            away = far < away ? far : away;
        }
        if (away < least) {
            least = away;
            nearest = p;
        }
    }
    return nearest;
}

/* Where the search of a form starts: what is nearest to the bests of others, and what promises most
 * of its own. */
static enum dt_status try_starts(struct dt_search *search, int16_t form, double mark,
                                 size_t *entries, size_t *count, struct dt_error *error)
{
    const struct dt_arena *arena = search->arena;
    enum dt_status status = DT_OK;
    size_t plan;
    while (*count == 0 && !status && (plan = nearest_of_form(search, form)) != SIZE_MAX)
        status = admit(search, &plan, 1, 0, entries, count, error);
    for (size_t p = 0; p < arena->count && *count < STARTS && !status; p++)
        if (arena->points[p].at[DT_AXIS_FORM] == form && search->entry_of[p] == SIZE_MAX) {
            if (dt_search_is_over(search, mark))
                break;
            status = admit(search, &p, 1, 0, entries, count, error);
        }
    return status;
}

/* The best of one form, in a share of the time that is left. At least one plan is timed. */
static enum dt_status search_form(struct dt_search *search, int16_t form, double share,
                                  struct dt_error *error)
{
    const double left = search->arena->left(search->arena->context);
    struct descent d = {.search = search, .mark = isinf(left) ? 0 : left * (1 - share)};
    size_t entries[STARTS], count = 0;
    enum dt_status status = try_starts(search, form, d.mark, entries, &count, error);
    if (!status && count > 0)
        status = dt_search_heat(search, entries, count, START_BLOCKS, d.mark, error);
    if (status || count == 0)
        return status;
    d.best = entries[0];
    for (size_t n = 1; n < count; n++)
        if (search->entries[d.best].out ||
            dt_board_ratio(&search->board, entries[n], d.best).median > 1)
            d.best = entries[n];
    for (size_t v = 0; v < DT_AXIS_VALUES; v++)
        d.worst[DT_AXIS_FORM][v] = INFINITY;
    return descend(&d, error);
}

static enum dt_status search_variants(struct dt_search *search, struct dt_error *error)
{
    const struct dt_arena *arena = search->arena;
    bool seen[DT_AXIS_VALUES] = {false};
    size_t left = 0;
    enum dt_status status = DT_OK;
    for (size_t p = 0; p < arena->count; p++) {
        bool *form = &seen[arena->points[p].at[DT_AXIS_FORM]];
        left += !*form;
        *form = true;
    }
    for (size_t p = 0; p < arena->count && !status; p++) {
        bool *form = &seen[arena->points[p].at[DT_AXIS_FORM]];
        if (*form)
            status =
                search_form(search, arena->points[p].at[DT_AXIS_FORM], 1 / (double)left--, error);
        *form = false;
    }
    return status;
}

const struct dt_policy dt_policy_variants = {
    "variants", "the best plan of each variant, from what is best of the others", search_variants};
