/* SPDX-License-Identifier: MIT */
#include "reports/judge.h"
#include "kernels/error.h"
#include "reports/exact.h"
#include "reports/stats.h"

#include <math.h>
#include <stdlib.h>

const char *dt_judgement_name(enum dt_judgement judgement)
{
    static const char *const names[DT_JUDGEMENT_COUNT] = {
        [DT_SAME_CODE] = "same-code", [DT_EQUIVALENT] = "equivalent", [DT_IMPROVED] = "improved",
        [DT_REGRESSED] = "regressed", [DT_UNDECIDED] = "undecided",   [DT_VOID] = "void",
    };
    return names[judgement];
}

/* What the look may spend of the whole. */
static double share_of_look(const struct dt_judge_options *options)
{
    const double looks = (double)options->looks;
    return (double)options->look / (looks * (looks + 1) / 2);
}

size_t dt_judge_look_pairs(size_t total, const struct dt_judge_options *options)
{
    const size_t pairs = total * options->look / options->looks;
    return pairs > 0 ? pairs : 1;
}

size_t dt_judge_least_pairs(size_t cells, const struct dt_judge_options *options)
{
    const double spent = options->alpha * share_of_look(options) / (double)(cells ? cells : 1);
    size_t n = 1;
    while (dt_sign_least(n, spent) > n)
        n++;
    return n;
}

double dt_judge_band(const double *aa_ratios, size_t n)
{
    const struct dt_exact interval = dt_exact_median(aa_ratios, n, 0.95);
    return fmax(fabs(log(interval.lo)), fabs(log(interval.hi)));
}

/* The ratio that must be exceeded. */
static double threshold_of(const struct dt_cell *cell, double delta)
{
    const double band = isnan(cell->band) ? 0 : cell->band;
    return exp(fmax(log1p(delta), band));
}

double dt_judge_least_effect(const struct dt_cell *cell, size_t cells,
                             const struct dt_judge_options *options)
{
    struct dt_judge_options last = *options;
    last.look = last.looks;
    const double spent = last.alpha * share_of_look(&last) / (double)(cells ? cells : 1);
    double *logs = cell->pairs ? malloc(cell->pairs * sizeof *logs) : NULL;
    if (!logs)
        return NAN;
    for (size_t k = 0; k < cell->pairs; k++)
        logs[k] = log(cell->ratios[k]);
    const double effect = dt_sign_effect(logs, cell->pairs, log(threshold_of(cell, options->delta)),
                                         spent, DT_JUDGE_POWER);
    free(logs);
    return expm1(effect);
}

static bool is_in_family(const struct dt_cell *cell)
{
    return cell->judgement != DT_SAME_CODE && cell->judgement != DT_VOID && cell->pairs > 0;
}

/* The pairs that may make a claim. */
static size_t exploring(const struct dt_cell *cell)
{
    return cell->claimed ? cell->claimed : cell->pairs;
}

static double percent(double ratio) { return 100 * (ratio - 1); }

static bool has_band(const struct dt_cell *cell)
{
    return cell->aa_pairs ? cell->aa_pairs >= DT_JUDGE_AA_LEAST : !isnan(cell->band);
}

/* The figures, which every cell gets whatever its judgement; p is not adjusted yet. */
static void measure(struct dt_cell *cell, const struct dt_judge_options *options)
{
    const struct dt_exact interval =
        dt_exact_median(cell->ratios, cell->pairs, 1 - options->alpha * share_of_look(options));
    cell->ratio = interval.median;
    cell->lo = interval.lo;
    cell->hi = interval.hi;
    cell->delta = options->delta;
    if (cell->aa_pairs)
        cell->band = dt_judge_band(cell->aa_ratios, cell->aa_pairs);
}

static void decide(struct dt_cell *cell, enum dt_judgement judgement, const char *word)
{
    cell->judgement = judgement;
    snprintf(cell->reason, sizeof cell->reason, "%s by %.1f %% (%+.1f to %+.1f), beyond %.1f %%",
             word, fabs(percent(cell->ratio)), percent(cell->lo), percent(cell->hi),
             percent(threshold_of(cell, cell->delta)));
}

static void claim(struct dt_cell *cell)
{
    cell->claimed = cell->pairs;
    snprintf(cell->reason, sizeof cell->reason, "slower by %.1f %% (%+.1f to %+.1f), not confirmed",
             percent(cell->ratio), percent(cell->lo), percent(cell->hi));
}

static void leave_undecided(struct dt_cell *cell)
{
    const size_t room = sizeof cell->reason;
    if (!has_band(cell))
        snprintf(cell->reason, room, "%zu A/A pairs do not tell the noise; %d are needed",
                 cell->aa_pairs, DT_JUDGE_AA_LEAST);
    else if (exp(cell->band) > 1 + cell->delta)
        snprintf(cell->reason, room, "builds that do not differ vary by %.1f %% here, beyond %g %%",
                 percent(exp(cell->band)), percent(1 + cell->delta));
    else
        snprintf(cell->reason, room,
                 "after %zu pairs between %+.1f and %+.1f %%; %g %% is a change", cell->pairs,
                 percent(cell->lo), percent(cell->hi), percent(1 + cell->delta));
}

static bool is_gated(const struct dt_cell *cell)
{
    return (double)cell->gated > DT_JUDGE_GATED_SHARE * (double)cell->samples;
}

/* p_down: of an improvement, adjusted like cell->p. */
static void judge(struct dt_cell *cell, double p_down, const struct dt_judge_options *options)
{
    const double threshold = threshold_of(cell, options->delta), change = 1 + options->delta;
    if (is_gated(cell)) {
        cell->judgement = options->look == options->looks ? DT_VOID : DT_UNDECIDED;
        snprintf(cell->reason, sizeof cell->reason,
                 "%zu of %zu samples were disturbed; try a quieter time", cell->gated,
                 cell->samples);
    } else if (has_band(cell) && cell->p <= options->alpha && cell->lo > threshold) {
        claim(cell);
    } else if (has_band(cell) && p_down <= options->alpha && cell->hi < 1 / threshold) {
        decide(cell, DT_IMPROVED, "faster");
    } else if (has_band(cell) && cell->lo >= 1 / change && cell->hi <= change &&
               exp(cell->band) <= change) {
        cell->judgement = DT_EQUIVALENT;
        snprintf(cell->reason, sizeof cell->reason, "%+.1f %% (%+.1f to %+.1f), within %g %%",
                 percent(cell->ratio), percent(cell->lo), percent(cell->hi), percent(change));
    } else {
        leave_undecided(cell);
    }
}

/* The p of all cells that count, upwards and downwards, adjusted. */
static void test(const struct dt_cell *cells, size_t count, const struct dt_judge_options *options,
                 double *up, double *down)
{
    size_t n = 0;
    for (size_t c = 0; c < count; c++) {
        const struct dt_cell *cell = &cells[c];
        if (!is_in_family(cell))
            continue;
        const double threshold = threshold_of(cell, options->delta);
        up[n] = dt_sign_above(cell->ratios, exploring(cell), threshold);
        down[n++] = dt_sign_below(cell->ratios, exploring(cell), 1 / threshold);
    }
    dt_holm(up, n);
    dt_holm(down, n);
    const double share = share_of_look(options);
    for (size_t i = 0; i < n; i++) {
        up[i] = fmin(up[i] / share, 1);
        down[i] = fmin(down[i] / share, 1);
    }
}

enum dt_status dt_judge_cells(struct dt_cell *cells, size_t count,
                              const struct dt_judge_options *options, struct dt_error *error)
{
    double *p = malloc((2 * count + 1) * sizeof *p), *up = p, *down = p + count;
    if (!p)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to judge %zu cells", count);
    for (size_t c = 0; c < count; c++)
        if (is_in_family(&cells[c]) && cells[c].judgement == DT_UNDECIDED)
            measure(&cells[c], options);
    test(cells, count, options, up, down);
    for (size_t c = 0; c < count; c++) {
        struct dt_cell *cell = &cells[c];
        if (!is_in_family(cell))
            continue;
        if (cell->judgement == DT_UNDECIDED && cell->claimed) {
            dt_judge_confirm(cell, options);
        } else if (cell->judgement == DT_UNDECIDED) {
            cell->p = *up;
            judge(cell, *down, options);
        }
        up++;
        down++;
    }
    free(p);
    return DT_OK;
}

void dt_judge_confirm(struct dt_cell *cell, const struct dt_judge_options *options)
{
    if (cell->judgement != DT_UNDECIDED || !cell->claimed ||
        cell->pairs < cell->claimed + DT_JUDGE_CONFIRMING)
        return;
    const double again = dt_median(cell->ratios + cell->claimed, cell->pairs - cell->claimed);
    measure(cell, options);
    const double threshold = threshold_of(cell, options->delta);
    if (again > sqrt(threshold) && cell->lo > threshold) {
        decide(cell, DT_REGRESSED, "slower");
        return;
    }
    snprintf(cell->reason, sizeof cell->reason,
             "slower in %zu pairs, but %zu more do not confirm it: %+.1f %%, all %+.1f to %+.1f %%",
             cell->claimed, cell->pairs - cell->claimed, percent(again), percent(cell->lo),
             percent(cell->hi));
    cell->claimed = 0;
}

bool dt_judge_wants_pairs(const struct dt_cell *cell)
{
    return cell->judgement == DT_UNDECIDED &&
           (!cell->claimed || cell->pairs < cell->claimed + DT_JUDGE_CONFIRMING);
}
