/* SPDX-License-Identifier: MIT */
/*
 * The space is the product of axes (tuner/axes.h): thousands of choices, of which a call may take a
 * second. But the axes hardly interact. So the search starts from the heuristic choice and races
 * along one axis at a time, going on from the winner; the tile and the form, which do interact, are
 * visited again once the parts are known. About 60 choices are timed.
 *
 * The search works on fewer batch rows and heads where a call is long, and each axis gets a share
 * of the time: when calls are so long that it does not suffice for all choices, those nearest to
 * the best are tried and the others not. The last race is on the problem itself.
 */
#include "tuner/descend.h"

#include "kernels/error.h"
#include "tuner/axes.h"
#include "tuner/describe.h"

#include <math.h>
#include <stdlib.h>

enum {
    VALIDATE_LENGTH = 331, /* two blocks of the longest tile and a short one */
    VALIDATE_HEADS = 2,
    AXIS_BLOCKS = 6,
    CALLS_A_CANDIDATE = 6, /* warm-up and the least samples that tell */
    FINAL_BLOCKS = 40,
    LEAST_BLOCKS = 3,
    ENOUGH_BLOCKS = 10, /* with fewer samples a search counts as cut short */
    BASELINE_SAMPLES = 3,
    VARIANTS_MAX = 64,
};

/* A call of the search does about as much, a few milliseconds. */
#define SEARCH_FLOPS 0x1p28

/* Of the time for a problem: its search, and that without position terms. The rest is for the last
 * race. */
#define SEARCH_SHARE 0.45
#define C2C_SHARE 0.2

/* The scalar loop is measured if a call takes no more of the time than this, at most 0.2 s. */
#define BASELINE_SHARE 0.02

struct descent {
    const struct dt_tuner *tuner;
    struct dt_workload workload;
    struct dt_validator *validator;
    struct dt_axis_scope scope;
    struct dt_outcome *outcome;
    struct dt_choice best;
    double call_ns; /* of the best, 0 if not known */
};

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static bool stopped(const struct dt_tuner *tuner) { return tuner->stop && *tuner->stop; }

static int32_t threads_of(const struct dt_tuner *tuner)
{
    return tuner->threads > 1 ? tuner->threads : 1;
}

static struct dt_problem for_validation(const struct dt_problem *problem)
{
    struct dt_problem p = *problem;
    p.nq = least(p.nq, VALIDATE_LENGTH);
    p.nk = least(p.nk, VALIDATE_LENGTH);
    p.batch = least(p.batch, VALIDATE_HEADS);
    p.heads = least(p.heads, VALIDATE_HEADS);
    return p;
}

/* Heads last: their positions compete for the caches. */
static struct dt_problem for_search(const struct dt_problem *problem, int32_t threads)
{
    struct dt_problem p = *problem;
    const double slots =
        2.0 * p.span * ((p.terms & DT_C2P ? p.nq : 0) + (p.terms & DT_P2C ? p.nk : 0));
    const double head = 2.0 * p.dim * (2.0 * p.nq * p.nk + slots);
    const double row = head * p.heads, flops = SEARCH_FLOPS * threads;
    p.batch = row * p.batch > flops ? (int32_t)fmax(1, flops / row) : p.batch;
    if (row > flops)
        p.heads = least(p.heads, (int32_t)fmax(1, flops / head / threads) * threads);
    return p;
}

static enum dt_status open_descent(struct descent *d, const struct dt_tuner *tuner,
                                   const struct dt_problem *problem, struct dt_outcome *outcome,
                                   struct dt_error *error)
{
    const struct dt_validate_options options = {tuner->session->seed, DT_VALIDATE_QUICK};
    const struct dt_problem searched = for_search(problem, threads_of(tuner));
    const struct dt_problem validated = for_validation(problem);
    *d = (struct descent){.tuner = tuner, .outcome = outcome};
    enum dt_status status =
        dt_validate_open(DT_OP_ATTENTION, &validated, &options, &d->validator, error);
    if (status)
        return status;
    status =
        dt_workload_init(&d->workload, DT_OP_ATTENTION, &searched, tuner->session->seed, error);
    if (status)
        dt_validate_close(d->validator);
    d->scope = (struct dt_axis_scope){.problem = &d->workload.problem,
                                      .delta = &d->workload.delta,
                                      .threads = threads_of(tuner),
                                      .selects = tuner->selects,
                                      .context = tuner->context};
    return status;
}

static void close_descent(struct descent *d)
{
    dt_workload_clear(&d->workload);
    dt_validate_close(d->validator);
}

static bool selected(const struct descent *d, const struct dt_variant *variant)
{
    return dt_variant_applies(variant, DT_OP_ATTENTION, &d->workload.problem, &d->workload.delta) &&
           (!d->tuner->selects || d->tuner->selects(variant, d->tuner->context));
}

/* A race of choices on this many threads, each validated. */
static enum dt_status open_race(const struct descent *d, const struct dt_workload *workload,
                                const struct dt_choice *choices, size_t count, struct dt_race *race,
                                struct dt_error *error)
{
    const struct dt_tuner *tuner = d->tuner;
    enum dt_status status = dt_race_init(race, workload, tuner->sampler, choices, count,
                                         tuner->session->seed + d->outcome->candidates, error);
    if (status)
        return status;
    for (size_t r = 0; r < count && !status; r++) {
        if (workload == &d->workload && stopped(tuner))
            break;
        race->runners[r].threads = threads_of(tuner);
        status = dt_tune_admit(tuner, d->validator, race, r, d->outcome, error);
    }
    d->outcome->candidates += count;
    if (status)
        dt_race_clear(race);
    return status;
}

static size_t running(const struct dt_race *race)
{
    size_t count = 0;
    for (size_t r = 0; r < race->count; r++)
        count += !race->runners[r].dropped && !race->runners[r].kept;
    return count;
}

/* Races the first choices that the time allows, of which choices[0] is the best so far. */
static enum dt_status race_for_best(struct descent *d, const struct dt_choice *choices,
                                    size_t count, double seconds, struct dt_error *error)
{
    const double end = dt_clock_ns() + seconds * 1e9;
    struct dt_race race;
    if (d->call_ns > 0) {
        const double affordable = seconds * 1e9 / (CALLS_A_CANDIDATE * d->call_ns);
        count = affordable < (double)count ? (size_t)affordable : count;
    }
    if (count < 2)
        return DT_OK;
    enum dt_status status = open_race(d, &d->workload, choices, count, &race, error);
    if (status)
        return status;
    for (size_t b = 0; b < AXIS_BLOCKS && running(&race) > 0 && !stopped(d->tuner); b++) {
        dt_race_block(&race);
        dt_race_drop(&race, b == 0 ? 1.25 : 1.1, d->tuner->session->noise_floor);
        if (running(&race) == 1 || dt_clock_ns() > end)
            break;
    }
    const size_t leader = dt_race_leader(&race);
    if (leader < race.count) {
        d->best = race.runners[leader].choice;
        d->call_ns = dt_race_median(&race, leader);
    }
    dt_race_clear(&race);
    return DT_OK;
}

static enum dt_status race_axis(struct descent *d, enum dt_axis axis, double seconds,
                                struct dt_error *error)
{
    struct dt_choice choices[1 + DT_AXIS_MAX] = {d->best};
    if (axis == DT_AXIS_TILE && d->tuner->fixed_tile)
        return DT_OK;
    const size_t count = dt_axis_choices(axis, &d->scope, &d->best, choices + 1);
    return race_for_best(d, choices, 1 + count, seconds, error);
}

/* From d->best down all axes. */
static enum dt_status descend(struct descent *d, double seconds, struct dt_error *error)
{
    static const enum dt_axis axes[] = {
        DT_AXIS_SOFTMAX, DT_AXIS_GEMM,  DT_AXIS_TILE, DT_AXIS_FORM,
        DT_AXIS_BIAS,    DT_AXIS_CHUNK, DT_AXIS_TILE, DT_AXIS_FORM,
    };
    const size_t count = sizeof axes / sizeof *axes;
    const double end = dt_clock_ns() + seconds * 1e9;
    enum dt_status status = DT_OK;
    if (d->best.variant->strategy == DT_DIRECT)
        return DT_OK;
    for (size_t n = 0; n < count && !status && !stopped(d->tuner); n++) {
        const double left = fmax(0, end - dt_clock_ns()) * 1e-9;
        status = race_axis(d, axes[n], left / (double)(count - n), error);
    }
    return status;
}

/* The first variant made of parts that is selected, of this instruction set; NULL: there is none.
 */
static const struct dt_variant *first_of(const struct descent *d, uint32_t level)
{
    const struct dt_variant *variant, *found = NULL;
    for (size_t n = 0; (variant = dt_variant_at(n)) && !found; n++)
        if (variant->level == level && selected(d, variant) && variant->strategy != DT_DIRECT)
            found = variant;
    return found;
}

/* The heuristic choice if it is selected, else the first variant of the instruction set. */
static enum dt_status start(struct descent *d, uint32_t level, bool *found, struct dt_error *error)
{
    const struct dt_variant *variant = first_of(d, level);
    struct dt_choice choice;
    *found = variant != NULL;
    if (!variant)
        return DT_OK;
    if (!dt_choice_heuristic(DT_OP_ATTENTION, d->scope.problem, d->scope.delta, &choice, NULL) &&
        selected(d, choice.variant) && dt_choice_level(&choice) == level &&
        choice.variant->level == level && choice.variant->strategy != DT_DIRECT) {
        d->best = choice;
    } else {
        enum dt_status status = dt_axis_start(&d->scope, variant, &d->best, error);
        if (status)
            return status;
    }
    if (d->tuner->fixed_tile)
        d->best.tile = d->tuner->tile;
    *found = dt_tile_fits(variant, d->best.tile);
    return DT_OK;
}

/* ---- The last race ---- */

struct finalists {
    struct dt_choice choices[VARIANTS_MAX];
    size_t count;
};

static void add_finalist(struct finalists *f, const struct dt_choice *choice)
{
    for (size_t n = 0; n < f->count; n++)
        if (dt_choice_equal(&f->choices[n], choice))
            return;
    if (f->count < VARIANTS_MAX)
        f->choices[f->count++] = *choice;
}

/* Variants that need no parts are no search: those with vectors or the scalar ones. */
static void add_direct(const struct descent *d, struct finalists *f, bool scalar)
{
    const struct dt_variant *variant;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (selected(d, variant) && variant->strategy == DT_DIRECT && !variant->level == scalar)
            add_finalist(f, &(struct dt_choice){.variant = variant});
}

/* The other variants of the instruction set with the parts of the best, each at its best tile. */
static enum dt_status add_variants(struct descent *d, struct finalists *f, double seconds,
                                   struct dt_error *error)
{
    const struct dt_choice best = d->best;
    const double call_ns = d->call_ns;
    struct dt_choice forms[DT_AXIS_MAX];
    const size_t count = dt_axis_choices(DT_AXIS_FORM, &d->scope, &best, forms);
    enum dt_status status = DT_OK;
    for (size_t n = 0; n < count && !status && !stopped(d->tuner); n++) {
        d->best = forms[n];
        status = race_axis(d, DT_AXIS_TILE, seconds / (double)count, error);
        add_finalist(f, &d->best);
    }
    d->best = best;
    d->call_ns = call_ns;
    return status;
}

/* Searches each instruction set of which a variant is selected; only the widest for a winner. */
static enum dt_status search(struct descent *d, struct finalists *f, double seconds,
                             struct dt_error *error)
{
    static const uint32_t levels[] = {DT_CPU_AVX512, DT_CPU_AVX2, DT_CPU_NEON, 0};
    const size_t count = sizeof levels / sizeof *levels;
    const bool variants = d->tuner->goal == DT_GOAL_VARIANTS;
    size_t present = 0;
    enum dt_status status = DT_OK;
    for (size_t l = 0; l < count; l++)
        present += first_of(d, levels[l]) != NULL;
    add_direct(d, f, false);
    for (size_t l = 0; l < count && !status; l++) {
        bool found;
        status = start(d, levels[l], &found, error);
        if (status || !found)
            continue;
        const double share = variants ? seconds / (double)present : seconds;
        d->call_ns = 0;
        status = descend(d, variants ? 0.6 * share : share, error);
        add_finalist(f, &d->best);
        if (!status && variants)
            status = add_variants(d, f, 0.4 * share, error);
        if (!variants)
            break;
    }
    if (f->count == 0)
        add_direct(d, f, true);
    return status;
}

/* The problem without position terms at its best choice, which becomes a reference. */
static enum dt_status search_c2c(const struct dt_tuner *tuner, const struct dt_problem *problem,
                                 double seconds, struct dt_workload *workload,
                                 struct dt_choice *best, struct dt_error *error)
{
    struct dt_tuner plain = *tuner;
    struct dt_problem c2c = *problem;
    struct dt_outcome ignored = {0};
    struct finalists finalists = {.count = 0};
    struct descent d;
    c2c.terms = 0;
    plain.goal = DT_GOAL_WINNER;
    enum dt_status status = open_descent(&d, &plain, &c2c, &ignored, error);
    if (status)
        return status;
    status = search(&d, &finalists, seconds * 0.8, error);
    if (!status && finalists.count > 1)
        status = race_for_best(&d, finalists.choices, finalists.count, seconds * 0.2, error);
    *best = finalists.count > 1 ? d.best : finalists.choices[0];
    close_descent(&d);
    return status ? status
                  : dt_workload_init(workload, DT_OP_ATTENTION, &c2c, tuner->session->seed, error);
}

static enum dt_status add_references(const struct dt_tuner *tuner, struct dt_race *race,
                                     double seconds, const struct dt_workload *c2c,
                                     const struct dt_choice *c2c_best,
                                     struct dt_references *references, struct dt_error *error)
{
    const int32_t threads = threads_of(tuner);
    enum dt_status status =
        dt_references_add(race, fmin(0.2, BASELINE_SHARE * seconds), references, error);
    if (references->scalar != SIZE_MAX)
        race->runners[references->scalar].most_samples = BASELINE_SAMPLES;
    if (!status && c2c) {
        const struct dt_runner runner = {.workload = c2c, .choice = *c2c_best, .threads = threads};
        status = dt_race_add_reference(race, &runner, &references->c2c, error);
    }
    if (!status && threads > 1) {
        const struct dt_runner runner = {
            .choice = tuner->one_thread ? *tuner->one_thread : race->runners[0].choice,
            .threads = 1,
        };
        status = dt_race_add_reference(race, &runner, &references->one_thread, error);
    }
    return status;
}

/* All on the problem itself. */
static enum dt_status final(struct descent *d, const struct finalists *f,
                            const struct dt_problem *problem, double seconds,
                            const struct dt_workload *c2c, const struct dt_choice *c2c_best,
                            struct dt_records *records, struct dt_error *error)
{
    const struct dt_tuner *tuner = d->tuner;
    const bool winner = tuner->goal == DT_GOAL_WINNER;
    const double end = dt_clock_ns() + seconds * 1e9;
    struct dt_references references;
    struct dt_workload workload;
    struct dt_race race;
    enum dt_status status =
        dt_workload_init(&workload, DT_OP_ATTENTION, problem, tuner->session->seed, error);
    if (status)
        return status;
    status = open_race(d, &workload, f->choices, f->count, &race, error);
    if (status)
        goto clear_workload;
    status = add_references(tuner, &race, seconds, c2c, c2c_best, &references, error);
    for (size_t b = 1; !status && b <= FINAL_BLOCKS && running(&race) > 0; b++) {
        dt_race_block(&race);
        if (winner)
            dt_race_drop(&race, 1.2, tuner->session->noise_floor);
        d->outcome->complete = b >= ENOUGH_BLOCKS;
        if ((dt_clock_ns() > end && b >= LEAST_BLOCKS) || stopped(tuner))
            break;
    }
    d->outcome->blocks = race.blocks;
    if (!status)
        status = dt_describe_all(tuner, &race, &references, records, error);
    dt_race_clear(&race);
clear_workload:
    dt_workload_clear(&workload);
    return status;
}

enum dt_status dt_descend(const struct dt_tuner *tuner, const struct dt_problem *problem,
                          double seconds, struct dt_records *records, struct dt_outcome *outcome,
                          struct dt_error *error)
{
    const double end = dt_clock_ns() + seconds * 1e9;
    const bool positions = problem->terms != 0;
    struct finalists finalists = {.count = 0};
    struct dt_workload c2c = {0};
    struct dt_choice c2c_best;
    struct descent d;
    enum dt_status status = open_descent(&d, tuner, problem, outcome, error);
    if (status)
        return status;
    status = search(&d, &finalists, (positions ? SEARCH_SHARE : SEARCH_SHARE + C2C_SHARE) * seconds,
                    error);
    if (!status && finalists.count > 0 && positions)
        status = search_c2c(tuner, problem, C2C_SHARE * seconds, &c2c, &c2c_best, error);
    if (!status && finalists.count > 0)
        status = final(&d, &finalists, problem, fmax(0, end - dt_clock_ns()) * 1e-9,
                       positions ? &c2c : NULL, &c2c_best, records, error);
    dt_workload_clear(&c2c);
    close_descent(&d);
    return status;
}
