/* SPDX-License-Identifier: MIT */
#include "reports/divisor.h"
#include "reports/stats.h"

#include <criterion/criterion.h>
#include <math.h>

/* Times of so many calls, as they are sampled: whole nanoseconds over calls. */
Test(divisor, samples_are_quotients)
{
    uint64_t state = 3;
    for (int round = 0; round < 2000; round++) {
        const uint64_t calls = 1 + dt_random_below(&state, 200000);
        const uint64_t usual = 1000000 + dt_random_below(&state, 100000000);
        double values[24];
        for (size_t n = 0; n < 24; n++)
            values[n] = (double)(usual + dt_random_below(&state, usual / 50)) / (double)calls;
        const uint64_t divisor = dt_divisor_find(values, 24);
        cr_assert(divisor > 0 && divisor <= calls, "%d: %lu calls, divisor %lu", round,
                  (unsigned long)calls, (unsigned long)divisor);
        for (size_t n = 0; n < 24; n++)
            cr_assert_eq((double)dt_divisor_whole(values[n], divisor) / (double)divisor, values[n]);
    }
}

Test(divisor, of_known_values)
{
    static const struct {
        double values[3];
        uint64_t divisor;
    } cases[] = {
        {{27071 / 3.0, 26570 / 3.0, 8000}, 3},
        {{0.5, 1.25, 7}, 4},
        {{1, 2, 3}, 1},
        {{1e15, 2e15, 1}, 1},
        {{123456.0 / 7, 654322.0 / 9, 4}, 63},
        {{0.1, 0.2, 0.3}, 10},
        {{3.141592653589793, 2.718281828459045, 1}, 0},
        {{1e11 + 0.5, 1, 2}, 0},
        {{NAN, 1, 2}, 0},
        {{-1, 1, 2}, 0},
        {{INFINITY, 1, 2}, 0},
        {{0, 1, 2}, 1},
        {{1e-300, 1, 2}, 0},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        cr_expect_eq(dt_divisor_find(cases[c].values, 3), cases[c].divisor, "case %zu: %lu", c,
                     (unsigned long)dt_divisor_find(cases[c].values, 3));
    cr_expect_eq(dt_divisor_find(NULL, 0), 0);
}
