/* SPDX-License-Identifier: MIT */
/*
 * How a budget is shared among problems of which a program told how often it calls them.
 *
 * A problem's weight w is about the time in which a search of its space gets as far as another's;
 * its use u is the time that the program spends on it, calls x the nominal length of a call. What a
 * search leaves unfound falls about as w / t with its time t, and costs the program u w / t. The
 * sum over all problems is least if t is in proportion to sqrt(u w): what matters gets more, by the
 * square root only, and nothing gets nothing.
 *
 * Problems of unknown use (0) keep the share that they would have without counts; those of known
 * use share the rest. Only the proportions of uses matter.
 */
#ifndef DISENTUNE_SHARE_H
#define DISENTUNE_SHARE_H

struct cli_shares {
    double plain, used; /* sums over problems of known use: w, sqrt(u w) */
};

void cli_shares_add(struct cli_shares *shares, double weight, double use);

/* The weight by use, after all problems were added. */
double cli_shares_weight(const struct cli_shares *shares, double weight, double use);

#endif
