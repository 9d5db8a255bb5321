/* SPDX-License-Identifier: MIT */
/*
 * The least denominator of one value is that of the first convergent of its continued fraction that
 * rounds to it; the common one is their least common multiple, which is then tried on all.
 */
#include "reports/divisor.h"

#include <math.h>
#include <stdbool.h>

/* Products with any denominator fit 64 bits. */
#define VALUE_MAX 1e10

static bool fits(double value, uint64_t divisor)
{
    const double whole = round(value * (double)divisor);
    return value >= 0 && whole < 9007199254740992.0 && whole / (double)divisor == value;
}

/* 0 if there is none. */
static uint64_t denominator(double value)
{
    int exponent;
    if (!(value >= 0x1p-10))
        return 0;
    if (value == floor(value))
        return fits(value, 1);
    if (value > VALUE_MAX)
        return 0;
    /* value = a / b exactly */
    uint64_t a = (uint64_t)ldexp(frexp(value, &exponent), 53), b;
    for (exponent -= 53; a % 2 == 0; exponent++)
        a /= 2;
    b = (uint64_t)1 << -exponent;
    for (uint64_t q0 = 1, q1 = 0; b;) {
        const uint64_t n = a / b, q = n * q1 + q0, rest = a % b;
        if (q > DT_DIVISOR_MAX)
            return 0;
        if (fits(value, q))
            return q;
        q0 = q1;
        q1 = q;
        a = b;
        b = rest;
    }
    return 0;
}

static uint64_t common(uint64_t a, uint64_t b)
{
    while (b) {
        const uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

uint64_t dt_divisor_find(const double *values, size_t count)
{
    uint64_t divisor = count > 0;
    for (size_t n = 0; n < count && divisor; n++) {
        if (fits(values[n], divisor))
            continue;
        const uint64_t own = denominator(values[n]);
        divisor = own ? divisor / common(divisor, own) * own : 0;
        if (divisor > DT_DIVISOR_MAX)
            divisor = 0;
    }
    for (size_t n = 0; n < count && divisor; n++)
        if (!fits(values[n], divisor))
            divisor = 0;
    return divisor;
}

uint64_t dt_divisor_whole(double value, uint64_t divisor)
{
    return (uint64_t)round(value * (double)divisor);
}
