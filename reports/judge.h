/* SPDX-License-Identifier: MIT */
/*
 * Is HEAD slower than BASE? The judgement of cells, by rules that were fixed before anything was
 * measured with them.
 *
 * The replicate is a fresh pair of processes; its value is the median ratio of their times (HEAD /
 * BASE). Layout effects are part of a value and differ from pair to pair, so values are
 * independent, and all that is used of them is whether they lie above or below a threshold: a
 * quarter of them may be wild.
 *
 *     threshold   the greater of delta and the A/A band
 *     p           sign test of "the median is no greater than the threshold", adjusted over all
 *                 cells of the run (Holm) and over the looks (below)
 *     claim       p <= 5 %, and the whole interval lies above the threshold
 *     REGRESSED   claimed, and confirmed: the median of nine more pairs, taken afterwards, goes
 *                 more than half as far, and the interval of all pairs lies above it, too
 *     IMPROVED    the same downwards, without confirmation: nobody is woken up by it
 *     EQUIVALENT  the whole interval lies within delta, and so does the A/A band
 *     UNDECIDED   none of these, or fewer than six A/A pairs
 *     VOID        more than half of the samples failed a gate
 *
 * So a run goes red with at most 5 % even if all cells were slower by exactly delta. For builds
 * that do not differ it is next to never: a value above 1.03 is then an event of the tail, and 11
 * of 11 are needed at best (of 15 cells, at the first look). Confirmation takes from these chances
 * and adds none: whatever goes red was claimed a first time, and that is what the 5 % bound. So a
 * claim that fails may be made again at a later look, of all pairs, and nine pairs need not prove
 * alone what sixty did: they are there to show that it was no passing disturbance.
 *
 * Looks. The data may be judged a fixed number of times, after equal shares of the pairs. Of the
 * 5 % look j of L may spend j / (1 + 2 + ... + L): with three looks a sixth, a third, a half; an
 * early look decides what is plain, and most is kept for the end. The parts sum up to the whole,
 * whatever the data, and intervals hold at all looks together with 95 %.
 *
 * Power. With 15 cells and 60 pairs 42 must lie above 1.03 at the last look (p = 0.0013). If pairs
 * scatter by 2 % (standard deviation), a slow-down of 5 % puts 83 % above, and 42 or more in 99.7
 * of 100 runs; at 2.5 % it is 94, at 3 % 80. So pairs are worth more than samples within a pair.
 * Twenty A/A pairs that scatter by 2 % leave a band of 1.2 %, well within delta.
 */
#ifndef DISENTUNE_JUDGE_H
#define DISENTUNE_JUDGE_H

#include "reports/evidence.h"

/* Chance of one false REGRESSED in a run, over all cells and looks. */
#define DT_JUDGE_ALPHA 0.05

/* More looks would cost power: each spends of the same 5 %. */
#define DT_JUDGE_LOOKS 3

/* What counts as a change. On processors that are shared neighbours alone move medians by 2 %. */
#define DT_JUDGE_DELTA_SHARED 0.03
#define DT_JUDGE_DELTA_QUIET 0.01

/* Odd. Of pairs that scatter by 5 %, as badly as any here, their median lies below half of delta
 * in one of 20 if the truth is 5 %, and above it in one of 4 if there is none. */
#define DT_JUDGE_CONFIRMING 9

/* The least number of values that bounds a median with 95 %. */
#define DT_JUDGE_AA_LEAST 6

/* A median bears less than half of wrong values. */
#define DT_JUDGE_GATED_SHARE 0.5

/* With which the minimum detectable effect is detected. */
#define DT_JUDGE_POWER 0.9

struct dt_judge_options {
    double delta, alpha;
    size_t look, looks; /* this is look 1 ... looks */
};

/* How many pairs of `total` belong to the look: equal shares, at least 1. */
size_t dt_judge_look_pairs(size_t total, const struct dt_judge_options *options);

/* The least number of pairs at which this look could claim a regression of one of so many cells. */
size_t dt_judge_least_pairs(size_t cells, const struct dt_judge_options *options);

/*
 * Judges what is not decided yet: cells that come as DT_UNDECIDED. Others keep their judgement;
 * those that come as DT_SAME_CODE or DT_VOID do not count as cells, those decided at an earlier
 * look do. Reads ratios, aa_ratios, samples and gated; without aa_ratios the band that the cell
 * has, NAN for none. Fills ratio, lo, hi, band, delta, p, judgement, reason, and `claimed` once a
 * regression shows: then the caller takes DT_JUDGE_CONFIRMING more pairs of the cell, after the
 * last look too, and dt_judge_confirm() decides. Undecided cells just get more pairs. DT_NO_MEMORY.
 */
enum dt_status dt_judge_cells(struct dt_cell *cells, size_t count,
                              const struct dt_judge_options *options, struct dt_error *error);

/* Decides a claimed cell as soon as it has enough pairs more. One whose claim is not confirmed is
 * undecided as if there had been none. Other cells it leaves alone. */
void dt_judge_confirm(struct dt_cell *cell, const struct dt_judge_options *options);

/* Whether more pairs can change the judgement. */
bool dt_judge_wants_pairs(const struct dt_cell *cell);

/* How far from 0 the median log ratio of builds that do not differ may lie, as A/A pairs tell: the
 * far end of its exact 95 % interval. n >= 1. */
double dt_judge_band(const double *aa_ratios, size_t n);

/* The least slow-down (0.04: by 4 %) that the last look would find with DT_JUDGE_POWER in a run of
 * so many cells, if pairs scatter as those of this one. NAN if it has too few. */
double dt_judge_least_effect(const struct dt_cell *cell, size_t cells,
                             const struct dt_judge_options *options);

/* "same-code", "equivalent", "improved", "regressed", "undecided", "void". */
const char *dt_judgement_name(enum dt_judgement judgement);

#endif
