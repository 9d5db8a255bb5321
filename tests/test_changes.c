/* SPDX-License-Identifier: MIT */
#include "reports/changes.h"
#include "reports/stats.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

/* Student's t of two degrees of freedom. */
static double heavy(uint64_t *state)
{
    const double u = ((double)(dt_random(state) >> 11) + 0.5) / 9007199254740992.0;
    return (2 * u - 1) / sqrt(2 * u * (1 - u));
}

static size_t find(const double *x, size_t n, uint64_t seed, struct dt_change **changes)
{
    size_t count;
    cr_assert_eq(dt_changes_find(x, n, seed, changes, &count, NULL), DT_OK);
    return count;
}

Test(changes, a_step_is_found_with_its_levels)
{
    const double x[] = {1.01, 0.99, 1, 1.02, 0.98, 1, 1.06, 1.05, 1.04, 1.05, 1.07, 1.03};
    struct dt_change *changes;
    cr_assert_eq(find(x, 12, 1, &changes), 1);
    cr_expect_eq(changes[0].at, 6);
    cr_expect(changes[0].before == 1 && changes[0].after == 1.05);
    cr_expect(changes[0].p >= 0.001 && changes[0].p <= DT_CHANGE_ALPHA);
    free(changes);
}

static bool is_near(const struct dt_change *change, int at)
{
    return abs((int)change->at - at) <= 4;
}

/* Up by 5 % at 40, down again at 70; and the same from its end. One of the two is found in the part
 * before the other, one in that after it. */
Test(changes, there_and_back)
{
    double x[110], reversed[110];
    uint64_t state = 11;
    for (size_t i = 0; i < 110; i++) {
        x[i] = (i >= 40 && i < 70 ? 1.05 : 1.0) + 0.005 * heavy(&state);
        reversed[109 - i] = x[i];
    }
    struct dt_change *changes, *again, *back;
    cr_assert_eq(find(x, 110, 1, &changes), 2);
    cr_expect(is_near(&changes[0], 40) && is_near(&changes[1], 70), "%zu, %zu", changes[0].at,
              changes[1].at);
    cr_expect(fabs(changes[0].after - 1.05) < 0.005 && fabs(changes[1].after - 1) < 0.005);
    cr_expect(changes[0].after == changes[1].before);
    cr_assert_eq(find(x, 110, 1, &again), 2);
    cr_expect(again[0].p == changes[0].p && again[1].at == changes[1].at);
    cr_assert_eq(find(reversed, 110, 1, &back), 2);
    cr_expect(is_near(&back[0], 40) && is_near(&back[1], 70), "%zu, %zu", back[0].at, back[1].at);
    free(changes);
    free(again);
    free(back);
}

Test(changes, wild_values_are_no_level)
{
    double x[30];
    uint64_t state = 5;
    for (size_t i = 0; i < 30; i++)
        x[i] = 1 + 0.002 * heavy(&state);
    x[28] = 40;
    x[29] = 50;
    struct dt_change *changes;
    cr_expect_eq(find(x, 30, 1, &changes), 0);
    cr_expect_null(changes);
}

/* 600 series at 1 %: more than 15 with a chance of 0.05 %. */
Test(changes, noise_alone_changes_in_one_of_a_hundred)
{
    int found = 0;
    uint64_t state = 3;
    for (uint64_t trial = 0; trial < 600; trial++) {
        double x[25];
        for (size_t i = 0; i < 25; i++)
            x[i] = heavy(&state);
        struct dt_change *changes;
        found += find(x, 25, trial, &changes) > 0;
        free(changes);
    }
    cr_expect_leq(found, 15, "%d of 600", found);
}

Test(changes, steps_in_heavy_noise_are_mostly_found)
{
    int found = 0;
    uint64_t state = 4;
    for (uint64_t trial = 0; trial < 50; trial++) {
        double x[40];
        for (size_t i = 0; i < 40; i++)
            x[i] = (i >= 25 ? 0.05 : 0) + 0.015 * heavy(&state);
        struct dt_change *changes;
        const size_t count = find(x, 40, trial, &changes);
        found += count == 1 && changes[0].at >= 23 && changes[0].at <= 27;
        free(changes);
    }
    cr_expect_geq(found, 40, "%d of 50", found);
}

Test(changes, few_or_equal_values_have_none)
{
    const double few[] = {1, 1, 2, 2, 2}, equal[20] = {0};
    struct dt_change *changes;
    cr_expect_eq(find(NULL, 0, 1, &changes), 0);
    cr_expect_eq(find(few, 5, 1, &changes), 0);
    cr_expect_eq(find(equal, 20, 1, &changes), 0);
}
