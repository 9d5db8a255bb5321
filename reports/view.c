/* SPDX-License-Identifier: MIT */
#include "reports/view.h"

#include "kernels/error.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Numbers --------------------------------------------------------------- */

/* Digits after the point that make three significant ones, after rounding. */
static int decimals(double value) { return value < 9.995 ? 2 : value < 99.95 ? 1 : 0; }

const char *dt_view_number(double value, char text[DT_VIEW_TEXT_MAX])
{
    if (isnan(value))
        return strcpy(text, "-");
    if (value >= 1e6)
        snprintf(text, DT_VIEW_TEXT_MAX, "%.2e", value);
    else
        snprintf(text, DT_VIEW_TEXT_MAX, "%.*f", decimals(value), value);
    return text;
}

const char *dt_view_time(double ns, char text[DT_VIEW_TEXT_MAX])
{
    static const char *const units[] = {" ns", " us", " ms", " s"};
    size_t unit = 0;
    for (; ns >= 999.5 && unit < 3; unit++)
        ns /= 1000;
    dt_view_number(ns, text);
    return isnan(ns) ? text : strcat(text, units[unit]);
}

bool dt_view_is_noise(double ratio, double noise_floor) { return fabs(log(ratio)) < noise_floor; }

const char *dt_view_ratio(double ratio, double noise_floor, char text[DT_VIEW_TEXT_MAX])
{
    text[0] = '~';
    dt_view_number(ratio, text + dt_view_is_noise(ratio, noise_floor));
    return text;
}

const char *dt_view_share(double share, char text[DT_VIEW_TEXT_MAX])
{
    if (isnan(share))
        return strcpy(text, "-");
    snprintf(text, DT_VIEW_TEXT_MAX, "%.3g %%", share < 0.0995 ? share * 100 : round(share * 100));
    return text;
}

const char *dt_view_spread(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX])
{
    double below = record->ns_median - record->ns_lo, above = record->ns_hi - record->ns_median;
    double spread = (below > above ? below : above) / record->ns_median;
    if (isnan(below + above) || isnan(spread))
        return strcpy(text, "-");
    snprintf(text, DT_VIEW_TEXT_MAX, "%.*f", spread < 0.0995 ? 1 : 0, spread * 100);
    return text;
}

const char *dt_view_regret(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX])
{
    char share[DT_VIEW_TEXT_MAX];
    *text = '\0';
    if (isnan(record->regret) || record->plans == 0)
        return text;
    snprintf(text, DT_VIEW_TEXT_MAX, "within %.24s %% of the best of %zu plans tried, of %zu%s",
             dt_view_number(100 * record->regret, share), record->tried, record->plans,
             record->complete ? "" : ", cut short");
    return text;
}

const char *dt_view_tile(const struct dt_record *r, char text[DT_VIEW_TEXT_MAX])
{
    const int used =
        snprintf(text, DT_VIEW_TEXT_MAX, "%" PRId32 "x%" PRId32, r->tile.rows, r->tile.cols);
    if (r->chunk)
        snprintf(text + used, DT_VIEW_TEXT_MAX - (size_t)used, "/%" PRId32, r->chunk);
    return text;
}

/* The name without its operation, and without the instruction set if `like` has the same. */
static const char *short_name(const char *name, const char *like)
{
    const char *isa = strchr(name, '.'), *other = strchr(like, '.');
    if (!isa || !other)
        return name;
    const size_t length = strcspn(++isa, ".");
    return isa[length] && strncmp(isa, other + 1, length + 1) == 0 ? isa + length + 1 : isa;
}

const char *dt_view_parts(const struct dt_record *r, char text[DT_VIEW_TEXT_MAX])
{
    const char *const parts[] = {r->gemm, r->bias, r->softmax};
    size_t used = 0;
    text[0] = '\0';
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
        if (*parts[n])
            used += (size_t)snprintf(text + used, DT_VIEW_TEXT_MAX - used, "%s%.40s",
                                     used ? " " : "", short_name(parts[n], r->variant));
    return text;
}

const char *dt_view_cost(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX])
{
    return dt_view_number(1 / record->ratio_to_c2c, text);
}

const char *dt_view_height(double height, bool unicode)
{
    static const char *const blocks[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static const char *const signs[] = {"_", ".", "-", "~", "=", "+", "*", "#"};
    const size_t highest = sizeof blocks / sizeof *blocks - 1;
    const size_t level = (size_t)(fmax(0, fmin(height, 1)) * (double)highest + 0.5);
    return (unicode ? blocks : signs)[level];
}

/* ---- Problems -------------------------------------------------------------- */

const char *dt_view_lengths(const struct dt_problem *p, char text[DT_VIEW_TEXT_MAX])
{
    if (p->nq == p->nk)
        snprintf(text, DT_VIEW_TEXT_MAX, "n%" PRId32, p->nq);
    else
        snprintf(text, DT_VIEW_TEXT_MAX, "q%" PRId32 " k%" PRId32, p->nq, p->nk);
    return text;
}

/* The canonical text without the lengths and without the tokens that are defaults. */
const char *dt_view_settings(const struct dt_problem *p, char text[DT_VIEW_TEXT_MAX])
{
    static const char defaults[] = " b1 h1 d64 c2p+p2c f32 hf mask:none ";
    char canonical[DT_PROBLEM_TEXT_MAX], *rest = NULL;
    size_t used = 0;
    dt_problem_print(p, canonical);
    text[0] = '\0';
    for (char *token = strtok_r(canonical, " ", &rest); token; token = strtok_r(NULL, " ", &rest)) {
        char spaced[DT_PROBLEM_TEXT_MAX];
        snprintf(spaced, sizeof spaced, " %.150s ", token);
        if (token[0] == 'q' || token[0] == 'k' || strstr(defaults, spaced))
            continue;
        used +=
            (size_t)snprintf(text + used, DT_VIEW_TEXT_MAX - used, "%s%s", used ? " " : "", token);
    }
    return text;
}

const char *dt_view_group(const struct dt_record *record, char text[DT_VIEW_TEXT_MAX])
{
    char settings[DT_VIEW_TEXT_MAX], threads[32] = "";
    if (record->threads != 1)
        snprintf(threads, sizeof threads, "  %d threads", record->threads);
    snprintf(text, DT_VIEW_TEXT_MAX, "%s  %.120s%s", dt_op_name(record->op),
             dt_view_settings(&record->problem, settings), threads);
    return text;
}

/* ---- Order ----------------------------------------------------------------- */

enum { GROUP_KEYS = 13, PROBLEM_KEYS = GROUP_KEYS + 2 };

/* The newer log buckets come first, and the fuller problem before the one with fewer terms. */
static void fill_keys(const struct dt_record *record, int64_t keys[PROBLEM_KEYS])
{
    const struct dt_problem *p = &record->problem;
    const int64_t values[PROBLEM_KEYS] = {
        record->op,      -(int64_t)p->bucket,
        p->span,         p->max_position,
        p->layout,       -(int64_t)p->terms,
        p->dtype,        p->dialect,
        p->mask,         p->batch,
        p->heads,        p->dim,
        record->threads, p->nq,
        p->nk,
    };
    memcpy(keys, values, sizeof values);
}

static int compare_keys(const struct dt_record *a, const struct dt_record *b, int count)
{
    int64_t left[PROBLEM_KEYS], right[PROBLEM_KEYS];
    fill_keys(a, left);
    fill_keys(b, right);
    for (int k = 0; k < count; k++)
        if (left[k] != right[k])
            return left[k] < right[k] ? -1 : 1;
    return 0;
}

static double time_or_never(const struct dt_record *record)
{
    return isnan(record->ns_median) ? INFINITY : record->ns_median;
}

static int compare(const void *left, const void *right)
{
    const struct dt_record *a = *(const struct dt_record *const *)left;
    const struct dt_record *b = *(const struct dt_record *const *)right;
    int order = compare_keys(a, b, PROBLEM_KEYS);
    if (!order)
        order = b->verified - a->verified;
    if (!order)
        order = (time_or_never(a) > time_or_never(b)) - (time_or_never(a) < time_or_never(b));
    if (!order)
        order = strcmp(a->variant, b->variant);
    if (!order)
        order = (a->tile.rows > b->tile.rows) - (a->tile.rows < b->tile.rows);
    if (!order)
        order = (a->tile.cols > b->tile.cols) - (a->tile.cols < b->tile.cols);
    return order ? order : (a > b) - (a < b);
}

enum dt_status dt_view_sort(const struct dt_records *records, const struct dt_record ***sorted,
                            struct dt_error *error)
{
    *sorted = malloc((records->count + 1) * sizeof **sorted);
    if (!*sorted)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to sort %zu records", records->count);
    for (size_t r = 0; r < records->count; r++)
        (*sorted)[r] = &records->items[r];
    qsort(*sorted, records->count, sizeof **sorted, compare);
    return DT_OK;
}

bool dt_view_same_group(const struct dt_record *a, const struct dt_record *b)
{
    return compare_keys(a, b, GROUP_KEYS) == 0;
}

size_t dt_view_problem_span(const struct dt_record *const *sorted, size_t count)
{
    size_t span = 1;
    while (span < count && compare_keys(sorted[0], sorted[span], PROBLEM_KEYS) == 0)
        span++;
    return span;
}

const struct dt_record *dt_view_leader(const struct dt_record *const *sorted, size_t count)
{
    for (size_t r = 0; r < count && sorted[r]->verified; r++)
        if (sorted[r]->winner)
            return sorted[r];
    return sorted[0]->verified && !isnan(sorted[0]->ns_median) ? sorted[0] : NULL;
}
