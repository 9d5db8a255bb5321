/* SPDX-License-Identifier: MIT */
#include "tuner/tune.h"

#include "kernels/error.h"
#include "tuner/race.h"
#include "tuner/session.h"
#include "tuner/space.h"
#include "tuner/validate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    VALIDATE_LENGTH =
        320,            /* past the longest tile, so that the last tile of a row is a short one */
    WAVE_BLOCKS = 2,    /* of the first wave; 1 if that takes a tenth of the time */
    LEAST_BLOCKS = 3,   /* of the second, however late it is */
    TILE_BLOCKS = 5,    /* until each variant is left with its best tile, DT_GOAL_VARIANTS */
    ENOUGH_BLOCKS = 10, /* with fewer samples a search counts as cut short */
    WINNER_BLOCKS = 30, /* enough to separate what the noise floor lets separate */
    VARIANT_BLOCKS = 60,
};

/* Points of reference of a race, by index of the runner; `count` of the race where there is none.
 */
struct references {
    size_t scalar, ceiling;
    struct {
        uint32_t level;
        size_t gather[2]; /* by layout */
        size_t autovec;
    } set[4];
    size_t sets;
};

static struct dt_problem at_most(const struct dt_problem *problem, int32_t length)
{
    struct dt_problem reduced = *problem;
    reduced.nq = reduced.nq < length ? reduced.nq : length;
    reduced.nk = reduced.nk < length ? reduced.nk : length;
    return reduced;
}

static void keep_tile(const struct dt_tuner *tuner, struct dt_space *space)
{
    size_t kept = 0;
    for (size_t n = 0; n < space->count; n++) {
        struct dt_choice choice = space->choices[n];
        choice.tile = tuner->tile;
        const bool seen = kept > 0 && space->choices[kept - 1].variant == choice.variant;
        if (!seen && dt_tile_fits(choice.variant, choice.tile))
            space->choices[kept++] = choice;
    }
    space->count = kept;
}

static enum dt_status add_named(struct dt_race *race, const char *isa, const char *idea,
                                enum dt_layout layout, size_t *index, struct dt_error *error)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s.%s", dt_op_name(race->workload->op), isa, idea);
    struct dt_problem problem = race->workload->problem;
    problem.layout = layout;
    const struct dt_choice choice = {.variant = dt_variant_find(name)};
    *index = SIZE_MAX;
    if (!choice.variant ||
        !dt_variant_applies(choice.variant, race->workload->op, &problem, &race->workload->delta))
        return DT_OK;
    return dt_race_add_reference(race, &choice, layout, index, error);
}

static enum dt_status add_references(struct dt_race *race, struct references *refs,
                                     struct dt_error *error)
{
    static const uint32_t levels[] = {DT_CPU_AVX2, DT_CPU_AVX512, DT_CPU_NEON};
    const enum dt_layout own = race->workload->problem.layout;
    *refs = (struct references){.ceiling = SIZE_MAX};
    enum dt_status status = add_named(race, "scalar", "plain", own, &refs->scalar, error);
    if (race->workload->op != DT_OP_BIAS)
        return status;
    const struct dt_choice probe = {.variant = dt_session_probe()};
    if (!status && probe.variant)
        status = dt_race_add_reference(race, &probe, own, &refs->ceiling, error);
    for (size_t l = 0; l < sizeof levels / sizeof *levels && !status; l++) {
        if (!(dt_cpu_host()->levels & levels[l]))
            continue;
        const char *isa = dt_cpu_level_name(levels[l]);
        const size_t s = refs->sets++;
        refs->set[s].level = levels[l];
        status = add_named(race, isa, "autovec", own, &refs->set[s].autovec, error);
        for (int layout = 0; layout < 2 && !status; layout++)
            status = add_named(race, isa, "gather", (enum dt_layout)layout,
                               &refs->set[s].gather[layout], error);
    }
    return status;
}

/* Lets a runner take part if it passes validation. */
static enum dt_status enter(const struct dt_tuner *tuner, struct dt_validator *validator,
                            struct dt_runner *runner, struct dt_outcome *outcome,
                            struct dt_error *error)
{
    struct dt_verdict verdict;
    enum dt_status status = dt_validate_run(validator, &runner->choice, &verdict, error);
    if (status)
        return status;
    runner->dropped = !verdict.passed;
    outcome->disqualified += !verdict.passed;
    if (!verdict.passed && tuner->complain)
        tuner->complain(verdict.reason, tuner->context);
    return DT_OK;
}

static bool in_first_wave(const struct dt_race *race, size_t r)
{
    static const struct dt_tile tiles[] = {{0, 0}, {64, 0}, {64, 256}};
    const struct dt_choice *choice = &race->runners[r].choice;
    for (size_t t = 0; t < sizeof tiles / sizeof *tiles; t++)
        if (tiles[t].rows == choice->tile.rows && tiles[t].cols == choice->tile.cols)
            return true;
    return r == 0 || race->runners[r - 1].choice.variant != choice->variant;
}

/* Lets all tiles run of variants of which one is within `factor` of the leader. */
static enum dt_status enter_tiles(const struct dt_tuner *tuner, struct dt_validator *validator,
                                  struct dt_race *race, double factor, struct dt_outcome *outcome,
                                  struct dt_error *error)
{
    const size_t leader = dt_race_leader(race);
    enum dt_status status = DT_OK;
    for (size_t r = 0; r < race->count && leader < race->count; r++) {
        if (race->runners[r].kept || race->runners[r].dropped || race->runners[r].samples == 0 ||
            dt_race_median(race, r) > factor * dt_race_median(race, leader))
            continue;
        const struct dt_variant *variant = race->runners[r].choice.variant;
        for (size_t other = 0; other < race->count && !status; other++) {
            struct dt_runner *runner = &race->runners[other];
            if (!runner->kept && runner->choice.variant == variant && runner->dropped &&
                runner->samples == 0)
                status = enter(tuner, validator, runner, outcome, error);
        }
    }
    return status;
}

static size_t running(const struct dt_race *race)
{
    size_t count = 0;
    for (size_t r = 0; r < race->count; r++)
        count += !race->runners[r].dropped && !race->runners[r].kept;
    return count;
}

static void narrow(const struct dt_tuner *tuner, struct dt_race *race, size_t blocks)
{
    if (tuner->goal == DT_GOAL_WINNER)
        dt_race_drop(race, blocks == 1 ? 1.4 : 1.2, tuner->session->noise_floor);
    else if (blocks == TILE_BLOCKS)
        dt_race_drop_tiles(race);
}

static enum dt_status run(const struct dt_tuner *tuner, struct dt_validator *validator,
                          struct dt_race *race, double seconds, struct dt_outcome *outcome,
                          struct dt_error *error)
{
    const double end = dt_clock_ns() + seconds * 1e9;
    const bool winner = tuner->goal == DT_GOAL_WINNER;
    const size_t most = winner ? WINNER_BLOCKS : VARIANT_BLOCKS;
    enum dt_status status = DT_OK;
    for (size_t r = 0; r < race->count && !status; r++)
        if (!race->runners[r].kept && in_first_wave(race, r))
            status = enter(tuner, validator, &race->runners[r], outcome, error);
    const double start = dt_clock_ns();
    for (size_t b = 0; b < WAVE_BLOCKS && !status && running(race) > 0; b++)
        if (b == 0 || dt_clock_ns() - start < 0.1 * seconds * 1e9)
            dt_race_block(race);
    if (!status)
        status = enter_tiles(tuner, validator, race, winner ? 1.15 : 2, outcome, error);
    for (size_t b = 1; b <= most && !status && running(race) > 0; b++) {
        dt_race_block(race);
        narrow(tuner, race, b);
        outcome->complete = b >= ENOUGH_BLOCKS;
        if ((dt_clock_ns() > end && b >= (winner ? LEAST_BLOCKS : TILE_BLOCKS)) ||
            (tuner->stop && *tuner->stop) || (winner && running(race) == 1 && outcome->complete))
            break;
    }
    outcome->blocks = race->blocks;
    return status;
}

/* The faster of two references by median; either may be absent. */
static size_t faster(const struct dt_race *race, size_t a, size_t b)
{
    if (a == SIZE_MAX || b == SIZE_MAX)
        return a == SIZE_MAX ? b : a;
    return dt_race_median(race, a) <= dt_race_median(race, b) ? a : b;
}

/* The reference, or the same variant at a tile that suits it better. */
static size_t at_best_tile(const struct dt_race *race, size_t reference)
{
    size_t best = reference;
    for (size_t r = 0; r < race->count && reference != SIZE_MAX; r++)
        if (race->runners[r].choice.variant == race->runners[reference].choice.variant)
            best = faster(race, best, r);
    return best;
}

static struct dt_interval ratio_to(const struct dt_race *race, size_t runner, size_t base)
{
    return base == SIZE_MAX ? (struct dt_interval){NAN, NAN, NAN}
                            : dt_race_ratio(race, runner, base);
}

static enum dt_status describe(const struct dt_tuner *tuner, const struct dt_race *race,
                               const struct references *refs, size_t r, struct dt_record *record,
                               struct dt_error *error)
{
    const struct dt_runner *runner = &race->runners[r];
    const struct dt_workload *w = race->workload;
    *record = (struct dt_record){
        .problem = w->problem,
        .op = w->op,
        .tile = runner->choice.tile,
        .threads = 1,
        .rejected = runner->rejected,
        .ratio_to_gather = NAN,
        .ratio_to_autovec = NAN,
        .ceiling_ns = NAN,
        .verified = true,
    };
    record->ns = malloc(DT_BLOCKS_MAX * sizeof *record->ns);
    if (!record->ns)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a record");
    snprintf(record->variant, sizeof record->variant, "%s", runner->choice.variant->name);
    const struct dt_interval time = dt_race_time(race, r, record->ns, &record->samples);
    record->ns_median = time.median;
    record->ns_lo = time.lo;
    record->ns_hi = time.hi;
    const struct dt_interval scalar = ratio_to(race, r, refs->scalar);
    record->ratio_to_scalar = scalar.median;
    record->ratio_lo = scalar.lo;
    record->ratio_hi = scalar.hi;
    for (size_t s = 0; s < refs->sets; s++)
        if (refs->set[s].level == runner->choice.variant->level) {
            const size_t gather =
                at_best_tile(race, faster(race, refs->set[s].gather[0], refs->set[s].gather[1]));
            record->ratio_to_gather = ratio_to(race, r, gather).median;
            record->ratio_to_autovec = ratio_to(race, r, refs->set[s].autovec).median;
        }
    if (refs->ceiling != SIZE_MAX) {
        record->ceiling_ns = dt_race_median(race, refs->ceiling);
        record->share_of_ceiling = ratio_to(race, r, refs->ceiling).median;
    } else {
        char name[32];
        snprintf(name, sizeof name, "fma.%s", dt_cpu_level_name(dt_session_probe()->level));
        if (dt_workload_flops(w) > 0)
            record->ceiling_ns =
                dt_workload_flops(w) / dt_session_ceiling(tuner->session, name) * 1e9;
        record->share_of_ceiling = record->ceiling_ns / record->ns_median;
    }
    return DT_OK;
}

static enum dt_status append_records(const struct dt_tuner *tuner, const struct dt_race *race,
                                     const struct references *refs, struct dt_records *records,
                                     struct dt_error *error)
{
    const size_t before = records->count;
    const size_t winner = tuner->goal == DT_GOAL_WINNER
                              ? dt_race_winner(race, tuner->session->noise_floor)
                              : race->count;
    struct dt_record *grown =
        realloc(records->items, (records->count + race->count + 1) * sizeof *grown);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu records", race->count);
    records->items = grown;
    for (size_t r = 0; r < race->count; r++) {
        if (!dt_race_represents(race, r, winner))
            continue;
        enum dt_status status = describe(tuner, race, refs, r, &grown[records->count], error);
        if (status) {
            while (records->count > before)
                free(grown[--records->count].ns);
            return status;
        }
        grown[records->count++].winner = r == winner;
    }
    return DT_OK;
}

static enum dt_status tune_space(const struct dt_tuner *tuner, const struct dt_workload *workload,
                                 const struct dt_space *space, double seconds,
                                 struct dt_records *records, struct dt_outcome *outcome,
                                 struct dt_error *error)
{
    const struct dt_problem problem = at_most(&workload->problem, VALIDATE_LENGTH);
    const struct dt_validate_options options = {tuner->session->seed, DT_VALIDATE_QUICK};
    struct dt_validator *validator;
    struct dt_race race;
    struct references refs;
    enum dt_status status = dt_validate_open(workload->op, &problem, &options, &validator, error);
    if (status)
        return status;
    status = dt_race_init(&race, workload, tuner->sampler, space->choices, space->count,
                          tuner->session->seed, error);
    if (!status) {
        status = add_references(&race, &refs, error);
        if (!status)
            status = run(tuner, validator, &race, seconds, outcome, error);
        if (!status)
            status = append_records(tuner, &race, &refs, records, error);
        dt_race_clear(&race);
    }
    dt_validate_close(validator);
    return status;
}

enum dt_status dt_tune(const struct dt_tuner *tuner, enum dt_op op,
                       const struct dt_problem *problem, double seconds, struct dt_records *records,
                       struct dt_outcome *outcome, struct dt_error *error)
{
    struct dt_workload workload;
    struct dt_space space;
    *outcome = (struct dt_outcome){0};
    if (op == DT_OP_BIAS && problem->terms == 0)
        return DT_OK;
    enum dt_status status = dt_workload_init(&workload, op, problem, tuner->session->seed, error);
    if (status)
        return status;
    status = dt_space_init(&space, op, &workload.problem, &workload.delta, tuner->machine,
                           tuner->selects, tuner->context, error);
    if (!status && tuner->fixed_tile)
        keep_tile(tuner, &space);
    outcome->candidates = space.count;
    if (!status && space.count > 0)
        status = tune_space(tuner, &workload, &space, seconds, records, outcome, error);
    free(space.choices);
    dt_workload_clear(&workload);
    return status;
}
