/* SPDX-License-Identifier: MIT */
#include "tuner/cli/share.h"

#include <math.h>

void cli_shares_add(struct cli_shares *shares, double weight, double use)
{
    if (use <= 0)
        return;
    shares->plain += weight;
    shares->used += sqrt(use * weight);
}

double cli_shares_weight(const struct cli_shares *shares, double weight, double use)
{
    return use > 0 ? sqrt(use * weight) * shares->plain / shares->used : weight;
}
