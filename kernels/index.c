/* SPDX-License-Identifier: MIT */
/*
 * Each cell is a balanced k-d tree without pointers: of points [first, last) the middle one is the
 * root, what lies before it is not greater along its dimension, what lies behind not less. A search
 * goes down the side of the query first and then into those others that can be as near as the best
 * so far; equals must all be seen, since dates and the like decide between them. With `offset` the
 * differences to the half-spaces that were entered, their sum bounds the distance of every point of
 * a side from below (Arya and Mount, "Algorithms for fast vector quantization", 1993; here in the
 * 1-norm).
 *
 * 10,000 records of a fleet take about 30 nodes for a problem that is there and some 100 for one
 * that is not: `disentune bench --dispatch`.
 */
#include "kernels/index.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTS = DT_LOOKUP_COUNTS };

/* More than a bound is off after as many additions as a tree is deep. */
#define ROUNDING 1e-9

struct point {
    double at[COUNTS];
    int dimension; /* along which it divides the points that it is the middle of */
    const struct dt_table_record *record;
};

struct cell {
    uint64_t form;
    enum dt_step step;
    size_t first, last;
};

struct dt_index {
    struct dt_machine_keys machine;
    struct point *points;
    struct cell *cells; /* by form, then step */
    size_t cell_count;
};

/* ---- Building ---------------------------------------------------------------- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_along(const void *x, const void *y, void *context)
{
    const struct point *a = x, *b = y;
    const int d = *(const int *)context;
    const int order = COMPARE(a->at[d], b->at[d]);
    return order ? order : COMPARE(a->record, b->record);
}

/* The dimension in which the points lie farthest apart. */
static int widest(const struct point *points, size_t count)
{
    int best = 0;
    double extent = -1;
    for (int d = 0; d < COUNTS; d++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t n = 0; n < count; n++) {
            low = fmin(low, points[n].at[d]);
            high = fmax(high, points[n].at[d]);
        }
        if (high - low > extent) {
            extent = high - low;
            best = d;
        }
    }
    return best;
}

static void grow(struct point *points, size_t count)
{
    while (count > 1) {
        const size_t middle = count / 2;
        int dimension = widest(points, count);
        qsort_r(points, count, sizeof *points, compare_along, &dimension);
        points[middle].dimension = dimension;
        grow(points, middle);
        points += middle + 1;
        count -= middle + 1;
    }
}

/* What is known of a record before its point is made. */
struct member {
    uint64_t form;
    enum dt_step step;
    const struct dt_table_record *record;
};

static int compare_members(const void *x, const void *y)
{
    const struct member *a = x, *b = y;
    int order = COMPARE(a->form, b->form);
    if (!order)
        order = COMPARE(a->step, b->step);
    return order ? order : COMPARE(a->record, b->record);
}

static size_t gather_members(const struct dt_table *table, const struct dt_machine_keys *machine,
                             struct member *members)
{
    const char *geometry = dt_lookup_geometry(table, machine);
    size_t count = 0;
    for (size_t n = 0; n < table->count; n++) {
        const struct dt_table_record *r = &table->records[n];
        const enum dt_step step = dt_lookup_nearness(machine, geometry, r);
        if (step != DT_STEP_HEURISTIC && !dt_lookup_distrust(r))
            members[count++] = (struct member){dt_lookup_form(r->op, &r->problem), step, r};
    }
    return count;
}

static void fill(struct dt_index *index, const struct member *members, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const struct member *m = &members[n];
        struct cell *cell = &index->cells[index->cell_count];
        if (index->cell_count == 0 || cell[-1].form != m->form || cell[-1].step != m->step) {
            *cell = (struct cell){m->form, m->step, n, n};
            index->cell_count++;
        }
        index->cells[index->cell_count - 1].last = n + 1;
        index->points[n] = (struct point){.record = m->record};
        dt_lookup_coordinates(&m->record->problem, m->record->threads, index->points[n].at);
    }
    for (size_t c = 0; c < index->cell_count; c++)
        grow(index->points + index->cells[c].first, index->cells[c].last - index->cells[c].first);
}

struct dt_index *dt_index_create(const struct dt_table *table,
                                 const struct dt_machine_keys *machine)
{
    struct member *members = malloc((table->count + 1) * sizeof *members);
    struct dt_index *index = calloc(1, sizeof *index);
    size_t count = 0;
    if (members && index) {
        count = gather_members(table, machine, members);
        qsort(members, count, sizeof *members, compare_members);
        index->machine = *machine;
        index->points = malloc((count + 1) * sizeof *index->points);
        index->cells = malloc((count + 1) * sizeof *index->cells);
    }
    if (index && index->points && index->cells) {
        fill(index, members, count);
    } else {
        dt_index_free(index);
        index = NULL;
    }
    free(members);
    return index;
}

void dt_index_free(struct dt_index *index)
{
    if (!index)
        return;
    free(index->points);
    free(index->cells);
    free(index);
}

bool dt_index_is_of(const struct dt_index *index, const struct dt_machine_keys *machine)
{
    for (int tier = 0; tier < DT_MACHINE_TIERS; tier++)
        if (strcmp(index->machine.tier[tier], machine->tier[tier]) != 0)
            return false;
    return true;
}

/* ---- Searching ---------------------------------------------------------------- */

struct search {
    const struct dt_query *query;
    enum dt_dialect dialect;
    enum dt_step step;
    double at[COUNTS];
    double offset[COUNTS];    /* from the query to the half-spaces entered, along each dimension */
    struct dt_candidate best; /* no record: none yet */
};

static void look_at(struct search *s, const struct point *point)
{
    const struct dt_table_record *r = point->record;
    struct dt_candidate c = {
        .record = r,
        .step = s->step,
        .same_model = strcmp(r->machine.tier[3], s->query->machine.tier[3]) == 0,
    };
    for (int n = 0; n < COUNTS; n++)
        c.distance += fabs(s->at[n] - point->at[n]);
    if (c.step == DT_STEP_SHAPE && c.distance == 0 && r->problem.dialect == s->dialect)
        c.step = DT_STEP_EXACT;
    if (c.distance <= s->best.distance &&
        (!s->best.record || dt_lookup_compare(&c, &s->best) < 0) && dt_lookup_computes(r, s->query))
        s->best = c;
}

/* `bound` is the sum of the offsets. */
static void descend(struct search *s, const struct point *points, size_t count, double bound)
{
    if (count == 0)
        return;
    const struct point *root = &points[count / 2];
    const struct point *sides[] = {points, root + 1};
    const size_t counts[] = {count / 2, count - count / 2 - 1};
    const int d = root->dimension;
    const double beyond = s->at[d] - root->at[d], entered = s->offset[d];
    const int near = beyond >= 0;
    look_at(s, root);
    descend(s, sides[near], counts[near], bound);
    bound += fabs(beyond) - entered;
    if (bound > s->best.distance + ROUNDING)
        return;
    s->offset[d] = fabs(beyond);
    descend(s, sides[!near], counts[!near], bound);
    s->offset[d] = entered;
}

static const struct cell *find_cells(const struct dt_index *index, uint64_t form)
{
    size_t low = 0, high = index->cell_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (index->cells[middle].form < form)
            low = middle + 1;
        else
            high = middle;
    }
    return &index->cells[low];
}

bool dt_index_find(const struct dt_index *index, const struct dt_query *query,
                   struct dt_candidate *found)
{
    const struct dt_problem class = dt_problem_class(query->op, query->problem);
    const uint64_t form = dt_lookup_form(query->op, &class);
    const struct cell *end = index->cells + index->cell_count;
    struct search s = {.query = query, .dialect = class.dialect};
    dt_lookup_coordinates(&class, query->threads, s.at);
    for (const struct cell *c = find_cells(index, form); c < end && c->form == form; c++) {
        s.step = c->step;
        s.best = (struct dt_candidate){.distance = INFINITY};
        descend(&s, index->points + c->first, c->last - c->first, 0);
        if (s.best.record) {
            *found = s.best;
            return true;
        }
    }
    return false;
}
