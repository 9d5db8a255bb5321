/* SPDX-License-Identifier: MIT */
#include "reports/changes.h"

#include "reports/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SHUFFLES 999

struct search {
    const double *x;
    double *ranks;    /* of the part that is searched */
    double *shuffled; /* likewise */
    struct dt_change *changes;
    size_t count;
    uint64_t seed;
};

/* Average ranks, less their mean: sums of them are 0. */
static void rank(const double *x, size_t n, double *ranks)
{
    for (size_t i = 0; i < n; i++) {
        double balance = 0;
        for (size_t k = 0; k < n; k++)
            balance += (x[k] < x[i]) - (x[k] > x[i]);
        ranks[i] = balance / 2;
    }
}

/* The best cut and how good it is: the squared sum of the ranks before it, over what that would be
 * on average of shuffled ranks. */
static double best_cut(const double *ranks, size_t n, size_t *at)
{
    double sum = 0, best = -1;
    for (size_t k = 1; k <= n - DT_CHANGE_SIDE; k++) {
        sum += ranks[k - 1];
        const double quality = sum * sum / ((double)k * (double)(n - k));
        if (k >= DT_CHANGE_SIDE && quality > best) {
            best = quality;
            *at = k;
        }
    }
    return best;
}

static void shuffle(double *x, size_t n, uint64_t *seed)
{
    for (size_t last = n; last > 1; last--) {
        const size_t other = dt_random_below(seed, last);
        const double kept = x[last - 1];
        x[last - 1] = x[other];
        x[other] = kept;
    }
}

/* Cuts x[begin ... end) and its parts. */
static void search(struct search *s, size_t begin, size_t end)
{
    const size_t n = end - begin;
    size_t at = 0, other, as_good = 1;
    if (n < 2 * DT_CHANGE_SIDE)
        return;
    rank(s->x + begin, n, s->ranks);
    const double quality = best_cut(s->ranks, n, &at);
    memcpy(s->shuffled, s->ranks, n * sizeof *s->ranks);
    for (int k = 0; k < SHUFFLES; k++) {
        shuffle(s->shuffled, n, &s->seed);
        as_good += best_cut(s->shuffled, n, &other) >= quality * (1 - 1e-12);
    }
    const double p = (double)as_good / (SHUFFLES + 1);
    if (p > DT_CHANGE_ALPHA)
        return;
    search(s, begin, begin + at);
    s->changes[s->count++] = (struct dt_change){.at = begin + at, .p = p};
    search(s, begin + at, end);
}

static void fill_levels(const double *x, size_t n, struct dt_change *changes, size_t count)
{
    for (size_t c = 0; c < count; c++) {
        const size_t from = c ? changes[c - 1].at : 0, at = changes[c].at;
        const size_t to = c + 1 < count ? changes[c + 1].at : n;
        changes[c].before = dt_median(x + from, at - from);
        changes[c].after = dt_median(x + at, to - at);
    }
}

enum dt_status dt_changes_find(const double *x, size_t n, uint64_t seed, struct dt_change **changes,
                               size_t *count, struct dt_error *error)
{
    struct search s = {.x = x, .seed = seed};
    *changes = NULL;
    *count = 0;
    s.ranks = malloc((n + 1) * sizeof *s.ranks);
    s.shuffled = malloc((n + 1) * sizeof *s.shuffled);
    s.changes = malloc((n / DT_CHANGE_SIDE + 1) * sizeof *s.changes);
    const bool room = s.ranks && s.shuffled && s.changes;
    if (room)
        search(&s, 0, n);
    free(s.ranks);
    free(s.shuffled);
    if (!room || s.count == 0) {
        free(s.changes);
        return room ? DT_OK
                    : dt_error_set(error, DT_NO_MEMORY, "no memory to search %zu values", n);
    }
    fill_levels(x, n, s.changes, s.count);
    *changes = s.changes;
    *count = s.count;
    return DT_OK;
}
