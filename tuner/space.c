/* SPDX-License-Identifier: MIT */
#include "tuner/space.h"

#include "kernels/error.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SIDES_MAX 10

/* Of each value of an axis so many plans stay in the space, however little they promise. */
enum { LEAST_OF_EACH = 16 };

const char *dt_axis_name(enum dt_axis axis)
{
    static const char *const names[] = {
        [DT_AXIS_FORM] = "variant",    [DT_AXIS_ROWS] = "rows", [DT_AXIS_COLS] = "columns",
        [DT_AXIS_CHUNK] = "chunk",     [DT_AXIS_GEMM] = "gemm", [DT_AXIS_BIAS] = "bias",
        [DT_AXIS_SOFTMAX] = "softmax",
    };
    return names[axis];
}

int dt_point_distance(const struct dt_point *a, const struct dt_point *b, enum dt_axis but)
{
    int count = 0;
    for (enum dt_axis axis = 0; axis < DT_AXES; axis++)
        count += axis != but && a->at[axis] != b->at[axis];
    return count;
}

/* ---- Choices -------------------------------------------------------------------- */

bool dt_choice_equal(const struct dt_choice *a, const struct dt_choice *b)
{
    return a->variant == b->variant && a->tile.rows == b->tile.rows &&
           a->tile.cols == b->tile.cols && a->chunk == b->chunk && a->gemm == b->gemm &&
           a->bias == b->bias && a->softmax == b->softmax;
}

uint32_t dt_choice_level(const struct dt_choice *c)
{
    const struct dt_variant *const parts[] = {c->variant, c->gemm, c->bias, c->softmax};
    uint32_t level = 0;
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
        if (parts[n] && parts[n]->level > level)
            level = parts[n]->level;
    return level;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

int dt_space_compare(const struct dt_space *space, size_t a, size_t b)
{
    const int order =
        COMPARE(dt_choice_level(&space->choices[a]), dt_choice_level(&space->choices[b]));
    return order ? order : COMPARE(a, b);
}

/* ---- Making ---------------------------------------------------------------------- */

bool dt_space_wants(const struct dt_space_maker *maker, const struct dt_variant *variant)
{
    const struct dt_space_scope *s = maker->scope;
    return dt_variant_applies(variant, s->op, s->problem, s->delta) &&
           (!s->selects || s->selects(variant, s->context));
}

/* The number of a variant on its axis; new ones get the next. */
static size_t number_of(struct dt_space_maker *maker, enum dt_axis axis,
                        const struct dt_variant *variant)
{
    size_t n = 0;
    while (n < maker->part_count[axis] && maker->parts[axis][n] != variant)
        n++;
    if (n == maker->part_count[axis] && n < DT_AXIS_VALUES - 1)
        maker->parts[axis][maker->part_count[axis]++] = variant;
    return n;
}

static bool reserve(struct dt_space_maker *maker)
{
    struct dt_space *space = maker->space;
    if (space->count < maker->room)
        return true;
    const size_t room = 2 * maker->room + 64;
    struct dt_choice *choices = realloc(space->choices, room * sizeof *choices);
    space->choices = choices ? choices : space->choices;
    struct dt_point *points = realloc(space->points, room * sizeof *points);
    space->points = points ? points : space->points;
    maker->room = choices && points ? room : maker->room;
    return choices && points;
}

bool dt_space_append(struct dt_space_maker *maker, const struct dt_choice *c, size_t rows,
                     size_t cols, size_t chunk)
{
    struct dt_space *space = maker->space;
    if (!reserve(maker))
        return false;
    const size_t at[DT_AXES] = {
        [DT_AXIS_FORM] = number_of(maker, DT_AXIS_FORM, c->variant),
        [DT_AXIS_ROWS] = rows,
        [DT_AXIS_COLS] = cols,
        [DT_AXIS_CHUNK] = chunk,
        [DT_AXIS_GEMM] = number_of(maker, DT_AXIS_GEMM, c->gemm),
        [DT_AXIS_BIAS] = number_of(maker, DT_AXIS_BIAS, c->bias),
        [DT_AXIS_SOFTMAX] = number_of(maker, DT_AXIS_SOFTMAX, c->softmax),
    };
    for (size_t a = 0; a < DT_AXES; a++)
        space->points[space->count].at[a] = (int16_t)at[a];
    space->choices[space->count++] = *c;
    return true;
}

/* 0 for all of it, and from `least`, rounded up to the multiple, each `factor` times the one
 * before, as long as it is at most `most` and less than the length. */
static size_t sides(int32_t multiple, int32_t least, int32_t most, int32_t factor, int32_t length,
                    int32_t found[SIDES_MAX])
{
    size_t count = 0;
    found[count++] = 0;
    if (multiple == 0)
        return count;
    int32_t side = (least + multiple - 1) / multiple * multiple;
    for (; side < length && side <= most && count < SIDES_MAX; side *= factor)
        found[count++] = side;
    return count;
}

/* The longest tile rows of which one strip of the widest vector, and its scores, fit the share. */
static int32_t most_rows(const struct dt_machine *machine)
{
    const int64_t line = 64;
    const int64_t rows = dt_machine_share(machine, DT_L2, machine->worker_count) / (64 * line);
    return rows < 64 ? 64 : rows > 256 ? 256 : (int32_t)rows;
}

/* Columns at which a tile of 16 rows and its tables fill the share of L1d. */
static int32_t most_cols(const struct dt_machine *machine)
{
    const int64_t floats = dt_machine_share(machine, DT_L1D, machine->worker_count) / 4;
    return (int32_t)(floats / (2 * 16));
}

/* A variant with each of its tiles. */
static bool add_tiles(struct dt_space_maker *maker, const struct dt_variant *variant)
{
    const struct dt_space_scope *s = maker->scope;
    int32_t rows[SIDES_MAX], cols[SIDES_MAX];
    size_t row_count = 1, col_count = 1;
    if (s->tile) {
        if (!dt_tile_fits(variant, *s->tile))
            return true;
        rows[0] = s->tile->rows;
        cols[0] = s->tile->cols;
    } else {
        row_count =
            sides(variant->rows_multiple, 16, most_rows(s->machine), 2, s->problem->nq, rows);
        col_count =
            sides(variant->cols_multiple, 64, most_cols(s->machine), 4, s->problem->nk, cols);
    }
    for (size_t r = 0; r < row_count; r++)
        for (size_t c = 0; c < col_count; c++)
            if (!dt_space_append(
                    maker, &(struct dt_choice){.variant = variant, .tile = {rows[r], cols[c]}}, r,
                    c, 0))
                return false;
    return true;
}

static bool add_variants(struct dt_space_maker *maker)
{
    const struct dt_variant *variant;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (dt_space_wants(maker, variant) && !add_tiles(maker, variant))
            return false;
    return true;
}

/* ---- Order ----------------------------------------------------------------------- */

struct ranked {
    double cost;
    size_t index;
};

static int compare_ranked(const void *x, const void *y)
{
    const struct ranked *a = x, *b = y;
    const int order = COMPARE(a->cost, b->cost);
    return order ? order : COMPARE(a->index, b->index);
}

/* On how many axes two choices differ. */
static double distance(const struct dt_choice *a, const struct dt_choice *b)
{
    return (a->variant != b->variant) + (a->tile.rows != b->tile.rows) +
           (a->tile.cols != b->tile.cols) + (a->chunk != b->chunk) + (a->gemm != b->gemm) +
           (a->bias != b->bias) + (a->softmax != b->softmax);
}

static void rank(const struct dt_space_maker *maker, struct ranked *ranked)
{
    const struct dt_space_scope *s = maker->scope;
    const struct dt_space *space = maker->space;
    struct dt_choice heuristic = {.variant = NULL};
    dt_choice_heuristic(s->op, s->problem, s->delta, &heuristic, NULL);
    for (size_t n = 0; n < space->count; n++) {
        const struct dt_choice *choice = &space->choices[n];
        const double cost = s->prior
                                ? dt_prior_ns(s->prior, s->problem, s->delta, choice, s->threads)
                                : distance(choice, &heuristic);
        ranked[n] = (struct ranked){cost, n};
    }
    qsort(ranked, space->count, sizeof *ranked, compare_ranked);
}

/* Which of the ranked plans stay: in order, but some of each value of an axis in any case. */
static void mark_kept(const struct dt_space *space, const struct ranked *ranked, bool *kept)
{
    size_t found[DT_AXES][DT_AXIS_VALUES] = {{0}}, count = 0;
    for (size_t n = 0; n < space->count; n++) {
        const struct dt_point *point = &space->points[ranked[n].index];
        for (size_t a = 0; a < DT_AXES; a++)
            kept[n] |= found[a][point->at[a]]++ < LEAST_OF_EACH;
        count += kept[n];
    }
    for (size_t n = 0; n < space->count && count < DT_SPACE_MAX; n++) {
        count += !kept[n];
        kept[n] = true;
    }
}

/* Puts the most promising first and leaves out the others. */
static bool settle(struct dt_space_maker *maker)
{
    struct dt_space *space = maker->space;
    const size_t count = space->count;
    struct ranked *ranked = malloc((count + 1) * sizeof *ranked);
    bool *kept = calloc(count + 1, sizeof *kept);
    struct dt_space ordered = {
        .choices = malloc((count + 1) * sizeof *ordered.choices),
        .points = malloc((count + 1) * sizeof *ordered.points),
        .predicted = malloc((count + 1) * sizeof *ordered.predicted),
        .considered = count,
    };
    const bool fits = ranked && kept && ordered.choices && ordered.points && ordered.predicted;
    if (fits) {
        rank(maker, ranked);
        mark_kept(space, ranked, kept);
        for (size_t n = 0; n < count; n++) {
            if (!kept[n] || ordered.count == DT_SPACE_MAX)
                continue;
            ordered.choices[ordered.count] = space->choices[ranked[n].index];
            ordered.points[ordered.count] = space->points[ranked[n].index];
            ordered.predicted[ordered.count++] = maker->scope->prior ? ranked[n].cost : NAN;
        }
    }
    dt_space_clear(space);
    *space = ordered;
    free(kept);
    free(ranked);
    return fits;
}

enum dt_status dt_space_init(struct dt_space *space, const struct dt_space_scope *scope,
                             struct dt_error *error)
{
    struct dt_space_maker maker = {.scope = scope, .space = space};
    *space = (struct dt_space){0};
    const bool made =
        scope->op == DT_OP_ATTENTION ? dt_space_add_attention(&maker) : add_variants(&maker);
    if (made && settle(&maker))
        return DT_OK;
    dt_space_clear(space);
    return dt_error_set(error, DT_NO_MEMORY, "no memory for a search space");
}

void dt_space_clear(struct dt_space *space)
{
    free(space->choices);
    free(space->points);
    free(space->predicted);
    *space = (struct dt_space){0};
}

size_t dt_space_nearest(const struct dt_space *space, const struct dt_choice *choice)
{
    enum { PART = DT_AXES };
    size_t nearest = space->count;
    int least = INT_MAX;
    for (size_t n = 0; n < space->count; n++) {
        const struct dt_choice *c = &space->choices[n];
        const int far = PART * ((c->gemm != choice->gemm) + (c->bias != choice->bias) +
                                (c->softmax != choice->softmax)) +
                        (c->tile.rows != choice->tile.rows) + (c->tile.cols != choice->tile.cols) +
                        (c->chunk != choice->chunk);
        if (c->variant == choice->variant && far < least) {
            least = far;
            nearest = n;
        }
    }
    return nearest;
}

size_t dt_space_find(const struct dt_space *space, const struct dt_choice *choice)
{
    size_t n = 0;
    while (n < space->count && !dt_choice_equal(&space->choices[n], choice))
        n++;
    return n;
}
