/* SPDX-License-Identifier: MIT */
#include "reports/verdict.h"

#include "kernels/error.h"
#include "reports/judge.h"
#include "reports/subject.h"
#include "reports/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const enum dt_judgement worst_first[] = {DT_REGRESSED, DT_VOID,       DT_UNDECIDED,
                                                DT_IMPROVED,  DT_EQUIVALENT, DT_SAME_CODE};

#define JUDGEMENTS (sizeof worst_first / sizeof *worst_first)

const struct dt_finding *dt_verdict_latest(const struct dt_evidence *evidence)
{
    for (size_t s = evidence->count; s-- > 0;)
        if (evidence->sessions[s].cell_count > 0)
            return &evidence->sessions[s];
    return NULL;
}

enum dt_status dt_verdict_find(const struct dt_evidence *evidence,
                               const struct dt_finding **finding, struct dt_error *error)
{
    *finding = dt_verdict_latest(evidence);
    return *finding ? DT_OK
                    : dt_error_set(error, DT_UNSUPPORTED,
                                   "no comparison of two builds; `disentune regress` makes one");
}

static size_t rank_of(const struct dt_cell *cell)
{
    size_t rank = 0;
    while (rank < JUDGEMENTS && worst_first[rank] != cell->judgement)
        rank++;
    return rank;
}

/* A ratio that is not known comes last. */
static double badness(const struct dt_cell *cell)
{
    return isnan(cell->ratio) ? -INFINITY : cell->ratio;
}

static int compare(const void *left, const void *right)
{
    const struct dt_cell *a = *(const struct dt_cell *const *)left;
    const struct dt_cell *b = *(const struct dt_cell *const *)right;
    char names[2][DT_SUBJECT_TEXT_MAX];
    const size_t ranks[] = {rank_of(a), rank_of(b)};
    if (ranks[0] != ranks[1])
        return ranks[0] < ranks[1] ? -1 : 1;
    if (badness(a) != badness(b))
        return badness(a) > badness(b) ? -1 : 1;
    const int order =
        strcmp(dt_subject_name(&a->subject, names[0]), dt_subject_name(&b->subject, names[1]));
    return order ? order : (a > b) - (a < b);
}

enum dt_status dt_verdict_sort(const struct dt_finding *finding, const struct dt_cell ***sorted,
                               struct dt_error *error)
{
    *sorted = malloc((finding->cell_count + 1) * sizeof **sorted);
    if (!*sorted)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to sort %zu cells",
                            finding->cell_count);
    for (size_t c = 0; c < finding->cell_count; c++)
        (*sorted)[c] = &finding->cells[c];
    qsort(*sorted, finding->cell_count, sizeof **sorted, compare);
    return DT_OK;
}

bool dt_verdict_stands_out(const struct dt_cell *cell)
{
    return cell->judgement == DT_REGRESSED || cell->judgement == DT_VOID ||
           cell->judgement == DT_UNDECIDED;
}

size_t dt_verdict_count(const struct dt_finding *finding, enum dt_judgement judgement)
{
    size_t count = 0;
    for (size_t c = 0; c < finding->cell_count; c++)
        count += finding->cells[c].judgement == judgement;
    return count;
}

const char *dt_verdict_tally(const struct dt_finding *finding, char text[DT_VERDICT_TEXT_MAX])
{
    size_t used = 0;
    strcpy(text, "no cells");
    for (size_t j = 0; j < JUDGEMENTS; j++) {
        const size_t count = dt_verdict_count(finding, worst_first[j]);
        if (count)
            used += (size_t)snprintf(text + used, DT_VERDICT_TEXT_MAX - used, "%s%zu %s",
                                     used ? ", " : "", count, dt_judgement_name(worst_first[j]));
    }
    return text;
}

const char *dt_verdict_change(double ratio, char text[DT_VERDICT_TEXT_MAX])
{
    const double percent = (ratio - 1) * 100;
    if (isnan(ratio))
        return strcpy(text, "-");
    snprintf(text, DT_VERDICT_TEXT_MAX, "%+.*f %%", fabs(percent) < 99.95 ? 1 : 0, percent);
    return text;
}

const char *dt_verdict_measured(const struct dt_cell *cell, char text[DT_VERDICT_TEXT_MAX])
{
    char ratio[DT_VERDICT_TEXT_MAX], lo[DT_VERDICT_TEXT_MAX], hi[DT_VERDICT_TEXT_MAX];
    char base[DT_VIEW_TEXT_MAX], head[DT_VIEW_TEXT_MAX];
    if (isnan(cell->ratio))
        return strcpy(text, "not measured");
    snprintf(text, DT_VERDICT_TEXT_MAX, "%.20s (95 %%: %.20s to %.20s), %.20s to %.20s, %zu pair%s",
             dt_verdict_change(cell->ratio, ratio), dt_verdict_change(cell->lo, lo),
             dt_verdict_change(cell->hi, hi), dt_view_time(cell->base_ns, base),
             dt_view_time(cell->head_ns, head), cell->pairs, cell->pairs == 1 ? "" : "s");
    return text;
}
