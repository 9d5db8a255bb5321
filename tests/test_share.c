/* SPDX-License-Identifier: MIT */
#include "tuner/cli/share.h"

#include <criterion/criterion.h>
#include <math.h>

static bool near(double a, double b) { return fabs(a - b) <= 1e-12 * fabs(b); }

Test(share, without_uses_weights_stay)
{
    struct cli_shares shares = {0};
    cli_shares_add(&shares, 3, 0);
    cr_expect_eq(cli_shares_weight(&shares, 3, 0), 3);
}

Test(share, grows_by_the_root_of_use_and_keeps_the_sum)
{
    struct cli_shares shares = {0};
    const double uses[] = {1, 16, 0, 1e15};
    double sum = 0, weights[4];
    for (int n = 0; n < 4; n++)
        cli_shares_add(&shares, 2, uses[n]);
    for (int n = 0; n < 4; n++)
        sum += weights[n] = cli_shares_weight(&shares, 2, uses[n]);
    cr_expect(near(sum, 8), "%g", sum);
    cr_expect(near(weights[1] / weights[0], 4), "%g", weights[1] / weights[0]);
    cr_expect_eq(weights[2], 2, "of unknown use");
    cr_expect_gt(weights[0], 0);
}

Test(share, a_use_in_proportion_to_the_weight_changes_nothing)
{
    struct cli_shares shares = {0};
    cli_shares_add(&shares, 2, 20);
    cli_shares_add(&shares, 5, 50);
    cr_expect(near(cli_shares_weight(&shares, 5, 50), 5));
}
