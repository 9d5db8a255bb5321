/* SPDX-License-Identifier: MIT */
#include "reports/scale.h"

#include <math.h>

struct dt_scale dt_scale_empty(int base, double from, double to)
{
    return (struct dt_scale){INFINITY, -INFINITY, from, to, base};
}

void dt_scale_cover(struct dt_scale *s, double value)
{
    if (!isfinite(value) || (s->base && value <= 0))
        return;
    s->lo = fmin(s->lo, value);
    s->hi = fmax(s->hi, value);
}

void dt_scale_pad(struct dt_scale *s, double share)
{
    if (s->lo > s->hi) {
        s->lo = 1;
        s->hi = s->base ? s->base : 2;
    }
    if (s->base) {
        const double factor = s->lo < s->hi ? pow(s->hi / s->lo, share) : sqrt(s->base);
        s->lo /= factor;
        s->hi *= factor;
    } else {
        const double least = fmax(fabs(s->lo), fabs(s->hi)) * 1e-9;
        const double span = s->hi - s->lo;
        const double margin = span > least ? span * share : fmax(0.5, least);
        s->lo -= margin;
        s->hi += margin;
    }
}

double dt_scale_at(const struct dt_scale *s, double value)
{
    const double inside = fmin(fmax(value, s->lo), s->hi);
    const double share =
        s->base ? log(inside / s->lo) / log(s->hi / s->lo) : (inside - s->lo) / (s->hi - s->lo);
    return s->from + share * (s->to - s->from);
}

/* ---- Ticks ----------------------------------------------------------------- */

/* Digits after the point of a round value. */
static int decimals_of(double value)
{
    int decimals = 0;
    for (double v = fabs(value); decimals < 9 && fabs(v - round(v)) > 1e-6 * fmax(v, 1e-3); v *= 10)
        decimals++;
    return decimals;
}

static void add(struct dt_ticks *ticks, double value)
{
    if (ticks->count == DT_TICKS_MAX)
        return;
    ticks->decimals[ticks->count] = decimals_of(value);
    ticks->at[ticks->count++] = value;
}

/* All with the digits of the one that needs most. */
static void add_linear(const struct dt_scale *s, int want, struct dt_ticks *ticks)
{
    const double raw = (s->hi - s->lo) / want, power = pow(10, floor(log10(raw)));
    const double lead = raw / power;
    const double step = (lead < 1.5 ? 1 : lead < 3.5 ? 2 : lead < 7.5 ? 5 : 10) * power;
    const double first = ceil(s->lo / step - 1e-9), last = floor(s->hi / step + 1e-9);
    for (double k = first; k <= last; k++)
        add(ticks, k == 0 ? 0 : k * step);
    const double places = -floor(log10(step) + 1e-9);
    for (size_t t = 0; t < ticks->count; t++)
        ticks->decimals[t] = places > 0 ? (int)fmin(places, 9) : 0;
}

/* Powers of the base, each or every second, third, ... so that there are not too many. */
static void add_powers(const struct dt_scale *s, int want, struct dt_ticks *ticks)
{
    const double unit = log(s->base);
    const double first = ceil(log(s->lo) / unit - 1e-9), last = floor(log(s->hi) / unit + 1e-9);
    const double stride = fmax(1, ceil((last - first + 1) / want));
    for (double k = first; k <= last; k += stride)
        add(ticks, pow(s->base, k));
}

static void add_decades(const struct dt_scale *s, struct dt_ticks *ticks)
{
    static const double leads[] = {1, 2, 5};
    const double end = floor(log10(s->hi) + 1e-9);
    for (double k = floor(log10(s->lo)); k <= end; k++)
        for (size_t l = 0; l < sizeof leads / sizeof *leads; l++) {
            const double value = leads[l] * pow(10, k);
            if (value >= s->lo * (1 - 1e-9) && value <= s->hi * (1 + 1e-9))
                add(ticks, value);
        }
}

void dt_scale_ticks(const struct dt_scale *s, int want, struct dt_ticks *ticks)
{
    const double factor = s->base ? s->hi / s->lo : 0;
    ticks->count = 0;
    if (factor < (s->base == 10 ? 5 : 2.1))
        add_linear(s, want, ticks);
    else if (s->base == 10 && factor < 400)
        add_decades(s, ticks);
    else
        add_powers(s, want, ticks);
}
