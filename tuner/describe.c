/* SPDX-License-Identifier: MIT */
#include "tuner/describe.h"

#include "kernels/error.h"
#include "tuner/session.h"
#include "tuner/space.h"

#include <math.h>
#include <stdlib.h>

static enum dt_status add_named(struct dt_race *race, const char *isa, const char *idea,
                                enum dt_layout layout, size_t *index, struct dt_error *error)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s.%s", dt_op_name(race->workload->op), isa, idea);
    struct dt_problem problem = race->workload->problem;
    problem.layout = layout;
    const struct dt_runner runner = {
        .choice = {.variant = dt_variant_find(name)}, .layout = layout, .threads = 1};
    *index = SIZE_MAX;
    if (!runner.choice.variant || !dt_variant_applies(runner.choice.variant, race->workload->op,
                                                      &problem, &race->workload->delta))
        return DT_OK;
    return dt_race_add_reference(race, &runner, index, error);
}

/* The multiply-adds of one instruction set, or of none if there is no such probe. */
static enum dt_status add_peak(struct dt_race *race, const char *isa, size_t *index,
                               struct dt_error *error)
{
    char name[32];
    snprintf(name, sizeof name, "probe.%s", isa);
    const struct dt_runner runner = {.choice = {.variant = dt_variant_find(name)}, .threads = 1};
    *index = SIZE_MAX;
    return runner.choice.variant ? dt_race_add_reference(race, &runner, index, error) : DT_OK;
}

/* A scalar loop does about one multiplication in two or three cycles. */
#define SCALAR_FLOPS 1e9

enum dt_status dt_references_add(struct dt_race *race, double most_seconds,
                                 struct dt_references *refs, struct dt_error *error)
{
    static const uint32_t levels[] = {DT_CPU_AVX2, DT_CPU_AVX512, DT_CPU_NEON};
    const enum dt_layout own = race->workload->problem.layout;
    const bool bias = race->workload->op == DT_OP_BIAS;
    const bool products = dt_workload_flops(race->workload) > 0;
    enum dt_status status = DT_OK;
    *refs = (struct dt_references)DT_REFERENCES_NONE;
    if (dt_workload_flops(race->workload) <= most_seconds * SCALAR_FLOPS)
        status = add_named(race, "scalar", "plain", own, &refs->scalar, error);
    const struct dt_runner probe = {
        .choice = {.variant = dt_session_probe()}, .layout = own, .threads = 1};
    if (!status && bias && probe.choice.variant)
        status = dt_race_add_reference(race, &probe, &refs->ceiling, error);
    for (size_t l = 0; l < sizeof levels / sizeof *levels && !status; l++) {
        if (!(dt_cpu_host()->levels & levels[l]))
            continue;
        const char *isa = dt_cpu_level_name(levels[l]);
        const size_t s = refs->sets++;
        refs->set[s].level = levels[l];
        refs->set[s].peak = refs->set[s].autovec = SIZE_MAX;
        refs->set[s].gather[0] = refs->set[s].gather[1] = SIZE_MAX;
        if (products)
            status = add_peak(race, isa, &refs->set[s].peak, error);
        if (bias)
            status = add_named(race, isa, "autovec", own, &refs->set[s].autovec, error);
        for (int layout = 0; layout < 2 && bias && !status; layout++)
            status = add_named(race, isa, "gather", (enum dt_layout)layout,
                               &refs->set[s].gather[layout], error);
    }
    return status;
}

/* The faster of two references by median; either may be absent. */
static size_t faster(const struct dt_race *race, size_t a, size_t b)
{
    if (a == SIZE_MAX || b == SIZE_MAX)
        return a == SIZE_MAX ? b : a;
    return dt_board_score(&race->board, a) <= dt_board_score(&race->board, b) ? a : b;
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
                            : dt_board_ratio(&race->board, runner, base);
}

/* The ceiling of products: multiply-adds at the peak of the choice's instruction set, on as many
 * cores as it has threads. They ran in the same blocks, at the same clock frequency. */
static void compare_with_peak(const struct dt_race *race, const struct dt_references *refs,
                              size_t r, struct dt_record *record)
{
    const struct dt_runner *runner = &race->runners[r];
    const uint32_t level = dt_choice_level(&runner->choice);
    for (size_t s = 0; s < refs->sets; s++) {
        const size_t peak = refs->set[s].peak;
        if (refs->set[s].level != level || peak == SIZE_MAX)
            continue;
        const double times = dt_workload_flops(runner->workload) /
                             dt_probe_flops(race->runners[peak].choice.variant) / runner->threads;
        record->ceiling_ns = dt_board_score(&race->board, peak) * times;
        record->share_of_ceiling = ratio_to(race, r, peak).median * times;
    }
}

static enum dt_status describe(const struct dt_race *race, const struct dt_references *refs,
                               size_t r, struct dt_record *record, struct dt_error *error)
{
    const struct dt_runner *runner = &race->runners[r];
    const struct dt_workload *w = race->workload;
    dt_record_unknown(record);
    record->problem = w->problem;
    record->op = w->op;
    record->threads = runner->threads;
    record->rejected = runner->rejected;
    record->ratio_to_c2c = ratio_to(race, r, refs->c2c).median;
    record->ratio_to_one_thread = ratio_to(race, r, refs->one_thread).median;
    record->error_share = runner->error_share;
    record->error_ulp = runner->error_ulp;
    record->verified = true;
    record->ns = malloc(DT_BLOCKS_MAX * sizeof *record->ns);
    if (!record->ns)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a record");
    dt_record_set_choice(record, &runner->choice);
    const struct dt_interval time = dt_race_time(race, r, record->ns, &record->samples);
    record->ns_median = time.median;
    record->ns_lo = time.lo;
    record->ns_hi = time.hi;
    if (dt_workload_flops(w) > 0)
        record->gflops = dt_workload_flops(w) / record->ns_median;
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
        record->ceiling_ns = dt_board_score(&race->board, refs->ceiling);
        record->share_of_ceiling = ratio_to(race, r, refs->ceiling).median;
    } else {
        compare_with_peak(race, refs, r, record);
    }
    return DT_OK;
}

enum dt_status dt_describe_all(const struct dt_tuner *tuner, const struct dt_race *race,
                               const struct dt_references *refs, struct dt_records *records,
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
        enum dt_status status = describe(race, refs, r, &grown[records->count], error);
        if (status) {
            while (records->count > before)
                free(grown[--records->count].ns);
            return status;
        }
        grown[records->count++].winner = r == winner;
    }
    return DT_OK;
}
