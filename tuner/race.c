/* SPDX-License-Identifier: MIT */
#include "tuner/race.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void fill(struct dt_runner *to, const struct dt_runner *from, bool kept, size_t blocks)
{
    *to = (struct dt_runner){
        .workload = from->workload,
        .choice = from->choice,
        .layout = from->layout,
        .threads = from->threads,
        .most_samples = from->most_samples,
        .kept = kept,
        .dropped = true,
        .error_share = NAN,
        .error_ulp = NAN,
    };
    for (size_t b = 0; b < blocks; b++)
        to->ns[b] = NAN;
}

enum dt_status dt_race_init(struct dt_race *race, const struct dt_workload *workload,
                            struct dt_sampler *sampler, const struct dt_choice *choices,
                            size_t count, uint64_t seed, struct dt_error *error)
{
    *race = (struct dt_race){.workload = workload, .sampler = sampler, .random = seed};
    race->runners = malloc((count + 1) * sizeof *race->runners);
    if (!race->runners)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a race of %zu plans", count);
    for (size_t r = 0; r < count; r++) {
        const struct dt_runner runner = {.workload = workload,
                                         .choice = choices[r],
                                         .layout = workload->problem.layout,
                                         .threads = 1};
        fill(&race->runners[r], &runner, false, 0);
    }
    race->count = count;
    return DT_OK;
}

void dt_race_clear(struct dt_race *race)
{
    for (size_t r = 0; r < race->count; r++)
        if (race->runners[r].entered)
            dt_ready_clear(&race->runners[r].ready);
    free(race->runners);
    race->runners = NULL;
    race->count = 0;
}

enum dt_status dt_race_enter(struct dt_race *race, size_t runner, struct dt_error *error)
{
    struct dt_runner *r = &race->runners[runner];
    enum dt_status status = DT_OK;
    if (!r->entered)
        status = dt_ready_init(&r->ready, r->workload, &r->choice, r->layout, r->threads, error);
    if (status)
        return status;
    r->entered = true;
    r->dropped = false;
    return DT_OK;
}

enum dt_status dt_race_add_reference(struct dt_race *race, const struct dt_runner *runner,
                                     size_t *index, struct dt_error *error)
{
    struct dt_runner *grown = realloc(race->runners, (race->count + 1) * sizeof *grown);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a race of %zu plans", race->count);
    race->runners = grown;
    fill(&grown[race->count], runner, true, race->blocks);
    if (!runner->workload)
        grown[race->count].workload = race->workload;
    *index = race->count++;
    return dt_race_enter(race, *index, error);
}

static void run_calls(void *context, uint64_t calls)
{
    const struct dt_ready *ready = context;
    for (uint64_t c = 0; c < calls; c++)
        dt_ready_run(ready, NULL);
}

static bool runs(const struct dt_runner *runner)
{
    return !runner->dropped && (!runner->most_samples || runner->samples < runner->most_samples);
}

static void time_all(struct dt_race *race, const size_t *order)
{
    for (size_t n = 0; n < race->count; n++) {
        struct dt_runner *runner = &race->runners[order[n]];
        runner->ns[race->blocks] = runs(runner)
                                       ? dt_sample(race->sampler, run_calls, &runner->ready,
                                                   &runner->repeat, &runner->rejected)
                                       : NAN;
    }
}

void dt_race_block(struct dt_race *race)
{
    size_t *order = malloc((race->count + 1) * sizeof *order);
    if (!order || race->blocks == DT_BLOCKS_MAX) {
        free(order);
        return;
    }
    for (size_t n = 0; n < race->count; n++)
        order[n] = n;
    for (int try = 0; try < 2; try++) {
        dt_shuffle(order, race->count, &race->random);
        dt_sampler_begin_block(race->sampler);
        time_all(race, order);
        if (dt_sampler_end_block(race->sampler))
            break;
    }
    for (size_t n = 0; n < race->count; n++)
        race->runners[n].samples += runs(&race->runners[n]);
    race->blocks++;
    free(order);
}

static size_t gather_times(const struct dt_race *race, size_t runner, double *values)
{
    size_t count = 0;
    for (size_t b = 0; b < race->blocks; b++)
        if (!isnan(race->runners[runner].ns[b]))
            values[count++] = race->runners[runner].ns[b];
    return count;
}

double dt_race_median(const struct dt_race *race, size_t runner)
{
    double values[DT_BLOCKS_MAX];
    const size_t count = gather_times(race, runner, values);
    return count ? dt_median(values, count) : INFINITY;
}

struct dt_interval dt_race_time(const struct dt_race *race, size_t runner, double *values,
                                size_t *count)
{
    *count = gather_times(race, runner, values);
    return *count ? dt_bootstrap_median(values, *count, 1) : (struct dt_interval){NAN, NAN, NAN};
}

struct dt_interval dt_race_ratio(const struct dt_race *race, size_t runner, size_t base)
{
    double logs[DT_BLOCKS_MAX];
    size_t count = 0;
    for (size_t b = 0; b < race->blocks; b++) {
        const double ratio = race->runners[base].ns[b] / race->runners[runner].ns[b];
        if (!isnan(ratio))
            logs[count++] = log(ratio);
    }
    if (count == 0)
        return (struct dt_interval){NAN, NAN, NAN};
    const struct dt_interval i = dt_bootstrap_median(logs, count, 1);
    return (struct dt_interval){exp(i.median), exp(i.lo), exp(i.hi)};
}

static bool competes(const struct dt_runner *runner) { return !runner->dropped && !runner->kept; }

size_t dt_race_leader(const struct dt_race *race)
{
    size_t leader = race->count;
    double least = INFINITY;
    for (size_t r = 0; r < race->count; r++)
        if (competes(&race->runners[r]) && dt_race_median(race, r) < least) {
            least = dt_race_median(race, r);
            leader = r;
        }
    return leader;
}

void dt_race_drop(struct dt_race *race, double factor, double band)
{
    const size_t leader = dt_race_leader(race);
    for (size_t r = 0; r < race->count && leader < race->count; r++) {
        if (!competes(&race->runners[r]) || r == leader)
            continue;
        if (dt_race_median(race, r) > factor * dt_race_median(race, leader)) {
            race->runners[r].dropped = true;
            continue;
        }
        const struct dt_interval ratio = dt_race_ratio(race, r, leader);
        race->runners[r].dropped = race->runners[r].samples >= 5 && ratio.hi < exp(-band);
    }
}

/* Between tiles of one variant. */
static bool ahead(const struct dt_race *race, size_t a, size_t b)
{
    const double x = dt_race_median(race, a), y = dt_race_median(race, b);
    return x < y || (x == y && a < b);
}

void dt_race_drop_tiles(struct dt_race *race)
{
    for (size_t r = 0; r < race->count; r++)
        for (size_t other = 0; other < race->count; other++) {
            struct dt_runner *a = &race->runners[r];
            const struct dt_runner *b = &race->runners[other];
            if (a->kept || b->kept || a->choice.variant != b->choice.variant || b->dropped)
                continue;
            if (ahead(race, other, r))
                a->dropped = true;
        }
}

/* Elements of one tile, a side of 0 being the whole. */
static double tile_area(const struct dt_race *race, const struct dt_tile *tile)
{
    const struct dt_problem *p = &race->workload->problem;
    return (double)(tile->rows ? tile->rows : p->nq) * (tile->cols ? tile->cols : p->nk);
}

static bool preferred(const struct dt_race *race, size_t a, size_t b)
{
    const struct dt_choice *x = &race->runners[a].choice, *y = &race->runners[b].choice;
    if (x->variant->level != y->variant->level)
        return x->variant->level < y->variant->level;
    const double size_x = tile_area(race, &x->tile), size_y = tile_area(race, &y->tile);
    if (size_x != size_y)
        return size_x < size_y;
    const struct dt_variant *const parts[][2] = {
        {x->variant, y->variant}, {x->gemm, y->gemm}, {x->bias, y->bias}, {x->softmax, y->softmax}};
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
        if (parts[n][0] != parts[n][1] && parts[n][0] && parts[n][1])
            return strcmp(parts[n][0]->name, parts[n][1]->name) < 0;
    return false;
}

size_t dt_race_winner(const struct dt_race *race, double band)
{
    const size_t leader = dt_race_leader(race);
    const double tie = exp(fmax(0.01, band));
    size_t winner = leader;
    for (size_t r = 0; r < race->count && leader < race->count; r++)
        if (competes(&race->runners[r]) && r != leader &&
            dt_race_median(race, r) <= tie * dt_race_median(race, leader) &&
            preferred(race, r, winner))
            winner = r;
    return winner;
}

bool dt_race_represents(const struct dt_race *race, size_t r, size_t winner)
{
    const struct dt_variant *variant = race->runners[r].choice.variant;
    if (race->runners[r].kept || race->runners[r].samples == 0)
        return false;
    if (winner < race->count && race->runners[winner].choice.variant == variant)
        return r == winner;
    for (size_t other = 0; other < race->count; other++) {
        const struct dt_runner *rival = &race->runners[other];
        if (rival->kept || rival->choice.variant != variant || other == r)
            continue;
        if (rival->samples > race->runners[r].samples)
            return false;
        if (rival->samples == race->runners[r].samples && ahead(race, other, r))
            return false;
    }
    return true;
}
