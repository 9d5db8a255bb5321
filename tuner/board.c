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
    l->times[l->count++] = (struct dt_time){board->blocks, ns};
    return true;
}

void dt_board_clear(struct dt_board *board)
{
    for (size_t n = 0; n < board->count; n++)
        free(board->lanes[n].times);
    free(board->lanes);
    *board = (struct dt_board)DT_BOARD_EMPTY;
}

size_t dt_board_times(const struct dt_board *board, size_t lane, double *values)
{
    const struct dt_lane *l = &board->lanes[lane];
    size_t count = 0;
    for (; count < l->count && count < DT_BLOCKS_MAX; count++)
        values[count] = l->times[count].ns;
    return count;
}

/* log(base / lane) of the blocks that they share. */
static size_t gather_ratios(const struct dt_board *board, size_t lane, size_t base, double *logs)
{
    const struct dt_lane *a = &board->lanes[lane], *b = &board->lanes[base];
    size_t count = 0;
    for (size_t i = 0, j = 0; i < a->count && j < b->count && count < DT_BLOCKS_MAX;) {
        if (a->times[i].block == b->times[j].block)
            logs[count++] = log(b->times[j++].ns / a->times[i++].ns);
        else if (a->times[i].block < b->times[j].block)
            i++;
        else
            j++;
    }
    return count;
}

double dt_board_score(const struct dt_board *board, size_t lane)
{
    double values[DT_BLOCKS_MAX];
    if (board->anchor == SIZE_MAX) {
        const size_t count = dt_board_times(board, lane, values);
        return count ? dt_median(values, count) : INFINITY;
    }
    const size_t count = gather_ratios(board, lane, board->anchor, values);
    return count ? exp(-dt_median(values, count)) : INFINITY;
}

struct dt_interval dt_board_ratio(const struct dt_board *board, size_t lane, size_t base)
{
    double logs[DT_BLOCKS_MAX];
    const size_t count = gather_ratios(board, lane, base, logs);
    if (count == 0)
        return (struct dt_interval){NAN, NAN, NAN};
    const struct dt_interval i = dt_bootstrap_median(logs, count, 1);
    return (struct dt_interval){exp(i.median), exp(i.lo), exp(i.hi)};
}

bool dt_board_competes(const struct dt_board *board, size_t lane)
{
    return !board->lanes[lane].dropped && !board->lanes[lane].kept;
}

/* INFINITY without a time. */
static double recent_median(const struct dt_board *board, size_t lane)
{
    const struct dt_lane *l = &board->lanes[lane];
    double values[DT_BLOCKS_MAX];
    size_t count = 0;
    for (size_t n = 0; n < l->count && count < DT_BLOCKS_MAX; n++)
        if (l->times[n].block >= board->since)
            values[count++] = l->times[n].ns;
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

/* Whether in every block that both took part in the lane took longer, as that multiple at least. */
static bool always_behind(const struct dt_board *board, size_t lane, size_t leader, double factor)
{
    double logs[DT_BLOCKS_MAX];
    const size_t count = gather_ratios(board, lane, leader, logs);
    for (size_t n = 0; n < count; n++)
        if (logs[n] > -log(factor))
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
        lane->dropped =
            (recent_median(board, n) > limit && always_behind(board, n, leader, least)) ||
            (lane->count % LOOK == 0 &&
             dt_board_ratio(board, n, leader).hi * dt_board_tie(band) < 1);
    }
}

bool dt_board_slower(const struct dt_board *board, size_t lane, size_t other, double band)
{
    double logs[DT_BLOCKS_MAX];
    const double tie = dt_board_tie(band);
    const size_t count = gather_ratios(board, lane, other, logs);
    if (count == 0)
        return dt_board_score(board, lane) > tie * dt_board_score(board, other);
    if (count < DT_BLOCKS_ENOUGH)
        return always_behind(board, lane, other, FAR);
    const struct dt_interval ratio = dt_board_ratio(board, lane, other);
    return ratio.median * tie < 1 && ratio.hi < 1;
}

double dt_board_tie(double band) { return exp(fmax(DT_LEAST_BAND, band)); }

bool dt_board_apart(const struct dt_board *pair, double band)
{
    const struct dt_interval ratio = dt_board_ratio(pair, 0, 1);
    return pair->lanes[0].dropped || pair->lanes[1].dropped || ratio.lo > dt_board_tie(band) ||
           ratio.hi * dt_board_tie(band) < 1;
}
