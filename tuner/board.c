/* SPDX-License-Identifier: MIT */
#include "tuner/board.h"

#include <math.h>
#include <stdlib.h>

enum { LOOK = 5 };

/* Beyond what a disturbance does. */
#define FAR 2.0

bool dt_board_add(struct dt_board *board, size_t count)
{
    if (board->count + count > board->room) {
        const size_t wanted = 2 * board->count + count;
        struct dt_lane *grown = realloc(board->lanes, wanted * sizeof *grown);
        if (!grown)
            return false;
        board->lanes = grown;
        board->room = wanted;
    }
    for (size_t n = 0; n < count; n++)
        board->lanes[board->count++] = (struct dt_lane){.dropped = true};
    return true;
}

bool dt_board_time(struct dt_board *board, size_t lane, double ns)
{
    struct dt_lane *l = &board->lanes[lane];
    if (l->count == l->room) {
        const size_t wanted = l->room ? 2 * l->room : 8;
        struct dt_time *grown = realloc(l->times, wanted * sizeof *grown);
        if (!grown)
            return false;
        l->times = grown;
        l->room = wanted;
    }
    l->times[l->count++] = (struct dt_time){board->blocks, ns, board->shared};
    return true;
}

void dt_board_clear(struct dt_board *board)
{
    for (size_t n = 0; n < board->count; n++)
        free(board->lanes[n].times);
    free(board->lanes);
    *board = (struct dt_board)DT_BOARD_EMPTY;
}

/* Keeps the values that were not shared, if they are enough; how many are left. */
static size_t leave_out_shared(double *values, const bool *shared, size_t count, bool *alone)
{
    size_t left = 0;
    for (size_t n = 0; n < count; n++)
        left += !shared[n];
    *alone = left == count || left >= DT_BLOCKS_ENOUGH;
    if (!*alone)
        return count;
    left = 0;
    for (size_t n = 0; n < count; n++)
        if (!shared[n])
            values[left++] = values[n];
    return left;
}

static size_t times_since(const struct dt_lane *lane, size_t since, double *values)
{
    bool shared[DT_BLOCKS_MAX], alone;
    size_t count = 0;
    for (size_t n = 0; n < lane->count && count < DT_BLOCKS_MAX; n++)
        if (lane->times[n].block >= since) {
            shared[count] = lane->times[n].shared;
            values[count++] = lane->times[n].ns;
        }
    return leave_out_shared(values, shared, count, &alone);
}

size_t dt_board_times(const struct dt_board *board, size_t lane, double *values)
{
    return times_since(&board->lanes[lane], 0, values);
}

/* log(base / lane) of the blocks that both have. */
struct ratios {
    double logs[DT_BLOCKS_MAX];
    size_t count;
    bool alone; /* of blocks in which the core was not shared */
};

static struct ratios gather_ratios(const struct dt_board *board, size_t lane, size_t base)
{
    const struct dt_lane *a = &board->lanes[lane], *b = &board->lanes[base];
    struct ratios ratios = {.count = 0};
    bool shared[DT_BLOCKS_MAX];
    for (size_t i = 0, j = 0; i < a->count && j < b->count && ratios.count < DT_BLOCKS_MAX;) {
        if (a->times[i].block == b->times[j].block) {
            shared[ratios.count] = a->times[i].shared;
            ratios.logs[ratios.count++] = log(b->times[j++].ns / a->times[i++].ns);
        } else if (a->times[i].block < b->times[j].block)
            i++;
        else
            j++;
    }
    ratios.count = leave_out_shared(ratios.logs, shared, ratios.count, &ratios.alone);
    return ratios;
}

static double tie_of(const struct ratios *ratios, double band)
{
    const double tie = dt_board_tie(band);
    return ratios->alone ? tie : tie * tie;
}

static struct dt_interval interval_of(const struct ratios *ratios)
{
    if (ratios->count == 0)
        return (struct dt_interval){NAN, NAN, NAN};
    const struct dt_interval i = dt_bootstrap_median(ratios->logs, ratios->count, 1);
    return (struct dt_interval){exp(i.median), exp(i.lo), exp(i.hi)};
}

double dt_board_score(const struct dt_board *board, size_t lane)
{
    if (board->anchor == SIZE_MAX) {
        double values[DT_BLOCKS_MAX];
        const size_t count = dt_board_times(board, lane, values);
        return count ? dt_median(values, count) : INFINITY;
    }
    const struct ratios ratios = gather_ratios(board, lane, board->anchor);
    return ratios.count ? exp(-dt_median(ratios.logs, ratios.count)) : INFINITY;
}

struct dt_interval dt_board_ratio(const struct dt_board *board, size_t lane, size_t base)
{
    const struct ratios ratios = gather_ratios(board, lane, base);
    return interval_of(&ratios);
}

bool dt_board_competes(const struct dt_board *board, size_t lane)
{
    return !board->lanes[lane].dropped && !board->lanes[lane].kept;
}

/* INFINITY without a time. */
static double recent_median(const struct dt_board *board, size_t lane)
{
    double values[DT_BLOCKS_MAX];
    const size_t count = times_since(&board->lanes[lane], board->since, values);
    return count ? dt_median(values, count) : INFINITY;
}

size_t dt_board_leader(const struct dt_board *board)
{
    size_t leader = board->count;
    double least = INFINITY;
    for (size_t n = 0; n < board->count; n++) {
        const double ns = dt_board_competes(board, n) ? recent_median(board, n) : INFINITY;
        if (ns < least) {
            least = ns;
            leader = n;
        }
    }
    return leader;
}

double dt_board_limit(size_t blocks) { return blocks <= 1 ? 2.5 : blocks == 2 ? 1.5 : 1.2; }

/* Whether in every block the lane took longer, as that multiple at least. */
static bool always_behind(const struct ratios *ratios, double factor)
{
    for (size_t n = 0; n < ratios->count; n++)
        if (ratios->logs[n] > -log(factor))
            return false;
    return true;
}

void dt_board_drop(struct dt_board *board, double factor, double band)
{
    const size_t leader = dt_board_leader(board);
    if (leader == board->count)
        return;
    const double limit = factor * recent_median(board, leader);
    const double least = fmax(pow(factor, 0.8), dt_board_tie(band));
    for (size_t n = 0; n < board->count; n++) {
        struct dt_lane *lane = &board->lanes[n];
        if (!dt_board_competes(board, n) || n == leader)
            continue;
        const struct ratios ratios = gather_ratios(board, n, leader);
        lane->dropped =
            (recent_median(board, n) > limit && always_behind(&ratios, least)) ||
            (lane->count % LOOK == 0 && interval_of(&ratios).hi * tie_of(&ratios, band) < 1);
    }
}

bool dt_board_slower(const struct dt_board *board, size_t lane, size_t other, double band)
{
    const struct ratios ratios = gather_ratios(board, lane, other);
    const double tie = tie_of(&ratios, band);
    if (ratios.count == 0)
        return dt_board_score(board, lane) > tie * dt_board_score(board, other);
    if (ratios.count < DT_BLOCKS_ENOUGH)
        return always_behind(&ratios, FAR);
    const struct dt_interval ratio = interval_of(&ratios);
    return ratio.median * tie < 1 && ratio.hi < 1;
}

double dt_board_tie(double band) { return exp(fmax(DT_LEAST_BAND, band)); }

bool dt_board_apart(const struct dt_board *pair, double band)
{
    const struct ratios ratios = gather_ratios(pair, 0, 1);
    const struct dt_interval ratio = interval_of(&ratios);
    const double tie = tie_of(&ratios, band);
    return pair->lanes[0].dropped || pair->lanes[1].dropped || ratio.lo > tie || ratio.hi * tie < 1;
}
