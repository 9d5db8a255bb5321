/* SPDX-License-Identifier: MIT */
#include "kernels/slowdown.h"
#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

/* Calls that are timed; multiply-adds of a piece; the largest slow-down in percent. */
enum { TIMED_CALLS = 5, PIECE = 16, MOST = 1000 };

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void work(uint64_t pieces)
{
    volatile double kept = 1;
    const double factor = kept;
    double x = factor;
    for (uint64_t n = 0; n < pieces * PIECE; n++)
        x = x * factor + 0x1p-60;
    kept = x;
}

/* Nanoseconds of a piece. Threads that find it unknown at the same time find the same. */
static double piece_ns(void)
{
    static _Atomic double known = 0;
    double least = known;
    if (least > 0)
        return least;
    least = INFINITY;
    for (int n = 0; n < 40; n++) {
        const double start = now_ns();
        work(1000);
        least = fmin(least, (now_ns() - start) / 1000);
    }
    known = least;
    return least;
}

enum dt_status dt_slowdown_init(struct dt_slowdown *s, struct dt_error *error)
{
    const char *text = getenv("DISENTUNE_SLOWDOWN");
    char *end = NULL;
    const double percent = text && *text ? strtod(text, &end) : 0;
    if (end && (*end || !(percent >= 0 && percent <= MOST)))
        return dt_error_set(error, DT_INVALID,
                            "DISENTUNE_SLOWDOWN is \"%.40s\"; use percent from 0 to %d", text,
                            MOST);
    s->share = percent / 100;
    s->call_ns = INFINITY;
    s->timed = 0;
    s->owed_ns = 0;
    s->pieces = 0;
    if (percent > 0)
        piece_ns();
    return DT_OK;
}

double dt_slowdown_begin(const struct dt_slowdown *s)
{
    return s->share > 0 && s->timed < TIMED_CALLS ? now_ns() : 0;
}

void dt_slowdown_end(const struct dt_slowdown *constant, double begun)
{
    struct dt_slowdown *s = (struct dt_slowdown *)constant;
    if (s->share <= 0)
        return;
    if (begun > 0) {
        s->call_ns = fmin(s->call_ns, now_ns() - begun);
        s->timed++;
    }
    const double piece = piece_ns(), owed = s->owed_ns + s->share * s->call_ns;
    const uint64_t pieces = (uint64_t)(owed / piece);
    s->owed_ns = owed - (double)pieces * piece;
    s->pieces += pieces;
    work(pieces);
}
