/* SPDX-License-Identifier: MIT */
/*
 * Each cell is a balanced k-d tree without pointers: points [first, last) are halved until a leaf
 * holds them; none of the first half is greater along the dimension of the split, none of the other
 * less. A search goes down the side of the query first and then into those others that can be as
 * near as the best so far; equals must all be seen, since dates and the like decide between them.
 * With `offset` the differences to the half-spaces that were entered, their sum bounds the distance
 * of every point of a side from below (Arya and Mount, "Algorithms for fast vector quantization",
 * 1993; here in the 1-norm).
 *
 * What a search waits for is memory and mispredicted branches. So coordinates fill a cache line
 * each and lie apart from the records, of which a search sees only what is as near as its best; and
 * a leaf is looked through with a branch for each point that hardly ever turns. Of 10,000 records
 * of a fleet (`disentune bench --dispatch`, Zen 3) a problem that is there took 0.42 us so. A tree
 * of single points took 1.9 times as long, 2.5 times where it touched the records on its way;
 * leaves of 16 points took 1.05 times, of 32 points 1.3 times as long as those of 8.
 */
#include "kernels/index.h"

#include <math.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum { COUNTS = DT_LOOKUP_COUNTS };

/* More than a bound is off after as many additions as a tree is deep. */
#define ROUNDING 1e-9

/* Points of a leaf at most. */
enum { LEAF = 8 };

struct place {
    alignas(64) double at[COUNTS];
};

/* Where points are divided that are more than a leaf's. */
struct split {
    double at;
    int dimension;
};

struct cell {
    uint64_t form;
    enum dt_step step;
    size_t first, last;
};

struct dt_index {
    struct dt_machine_keys machine;
    struct place *places;                   /* of the points */
    const struct dt_table_record **records; /* theirs */
    struct split *splits;                   /* at the first point of the second half */
    struct cell *cells;                     /* by form, then step */
    size_t cell_count;
};

/* ---- Building ---------------------------------------------------------------- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

/* A record that can answer. */
struct member {
    uint64_t form;
    enum dt_step step;
    double at[COUNTS];
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

static int compare_along(const void *x, const void *y, void *context)
{
    const struct member *a = x, *b = y;
    const int d = *(const int *)context;
    const int order = COMPARE(a->at[d], b->at[d]);
    return order ? order : COMPARE(a->record, b->record);
}

/* The dimension in which the members lie farthest apart. */
static int widest(const struct member *members, size_t count)
{
    int best = 0;
    double extent = -1;
    for (int d = 0; d < COUNTS; d++) {
        double low = INFINITY, high = -INFINITY;
        for (size_t n = 0; n < count; n++) {
            low = fmin(low, members[n].at[d]);
            high = fmax(high, members[n].at[d]);
        }
        if (high - low > extent) {
            extent = high - low;
            best = d;
        }
    }
    return best;
}

static void grow(struct member *members, struct split *splits, size_t count)
{
    while (count > LEAF) {
        const size_t half = count / 2;
        int dimension = widest(members, count);
        qsort_r(members, count, sizeof *members, compare_along, &dimension);
        splits[half] = (struct split){members[half].at[dimension], dimension};
        grow(members, splits, half);
        members += half;
        splits += half;
        count -= half;
    }
}

static size_t gather_members(const struct dt_table *table, const struct dt_machine_keys *machine,
                             struct member *members)
{
    const char *geometry = dt_lookup_geometry(table, machine);
    size_t count = 0;
    for (size_t n = 0; n < table->count; n++) {
        const struct dt_table_record *r = &table->records[n];
        const enum dt_step step = dt_lookup_nearness(machine, geometry, r);
        if (step == DT_STEP_HEURISTIC || dt_lookup_distrust(r))
            continue;
        struct member *m = &members[count++];
        *m = (struct member){.form = dt_lookup_form(r->op, &r->problem), .step = step, .record = r};
        dt_lookup_coordinates(&r->problem, r->threads, m->at);
    }
    return count;
}

static void fill(struct dt_index *index, struct member *members, size_t count)
{
    for (size_t n = 0; n < count; n++) {
        const struct member *m = &members[n];
        struct cell *cell = &index->cells[index->cell_count];
        if (index->cell_count == 0 || cell[-1].form != m->form || cell[-1].step != m->step) {
            *cell = (struct cell){m->form, m->step, n, n};
            index->cell_count++;
        }
        index->cells[index->cell_count - 1].last = n + 1;
    }
    for (size_t c = 0; c < index->cell_count; c++) {
        const size_t first = index->cells[c].first;
        grow(members + first, index->splits + first, index->cells[c].last - first);
    }
    for (size_t n = 0; n < count; n++) {
        memcpy(index->places[n].at, members[n].at, sizeof members[n].at);
        index->records[n] = members[n].record;
    }
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
        index->places = aligned_alloc(alignof(struct place), (count + 1) * sizeof *index->places);
        index->records = malloc((count + 1) * sizeof *index->records);
        index->splits = malloc((count + 1) * sizeof *index->splits);
        index->cells = malloc((count + 1) * sizeof *index->cells);
    }
    if (index && index->places && index->records && index->splits && index->cells) {
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
    free(index->places);
    free(index->records);
    free(index->splits);
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
    const struct dt_index *index;
    const struct dt_query *query;
    enum dt_dialect dialect;
    enum dt_step step;
    double at[COUNTS];
    double offset[COUNTS];    /* from the query to the half-spaces entered, along each dimension */
    struct dt_candidate best; /* no record: none yet */
};

static __attribute__((noinline)) void consider(struct search *s, size_t n, double distance)
{
    const struct dt_table_record *r = s->index->records[n];
    struct dt_candidate c = {
        .record = r,
        .step = s->step,
        .distance = distance,
        .same_model = strcmp(r->machine.tier[3], s->query->machine.tier[3]) == 0,
    };
    if (c.step == DT_STEP_SHAPE && distance == 0 && r->problem.dialect == s->dialect)
        c.step = DT_STEP_EXACT;
    if ((!s->best.record || dt_lookup_compare(&c, &s->best) < 0) && dt_lookup_computes(r, s->query))
        s->best = c;
}

static void look_through(struct search *s, size_t first, size_t last)
{
    for (size_t n = first; n < last; n++) {
        double distance = 0;
        for (int d = 0; d < COUNTS; d++)
            distance += fabs(s->at[d] - s->index->places[n].at[d]);
        if (distance <= s->best.distance)
            consider(s, n, distance);
    }
}

/* `bound` is the sum of the offsets. */
static void descend(struct search *s, size_t first, size_t last, double bound)
{
    if (last - first <= LEAF) {
        look_through(s, first, last);
        return;
    }
    const size_t half = first + (last - first) / 2;
    const struct split *split = &s->index->splits[half];
    const int d = split->dimension;
    const double beyond = s->at[d] - split->at, entered = s->offset[d];
    const bool second = beyond >= 0;
    descend(s, second ? half : first, second ? last : half, bound);
    bound += fabs(beyond) - entered;
    if (bound > s->best.distance + ROUNDING)
        return;
    s->offset[d] = fabs(beyond);
    descend(s, second ? first : half, second ? half : last, bound);
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
    struct search s = {.index = index, .query = query, .dialect = class.dialect};
    dt_lookup_coordinates(&class, query->threads, s.at);
    for (const struct cell *c = find_cells(index, form); c < end && c->form == form; c++) {
        s.step = c->step;
        s.best = (struct dt_candidate){.distance = INFINITY};
        descend(&s, c->first, c->last, 0);
        if (s.best.record) {
            *found = s.best;
            return true;
        }
    }
    return false;
}
