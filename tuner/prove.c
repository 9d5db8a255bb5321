/* SPDX-License-Identifier: MIT */
#include "tuner/prove.h"

#include "kernels/error.h"
#include "tuner/final.h"
#include "tuner/live.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define FORCE "DISENTUNE_FORCE="

/* Of a comparison at most; where a call is long, what pairs enough for a verdict take. */
#define COMPARE_SECONDS 90.0
#define COMPARE_CALLS 480.0

static bool stopped(const struct dt_tuner *tuner) { return tuner->stop && *tuner->stop; }

/* The plan that the tuner would put into a table, and the time of a call of it. */
static enum dt_status choose(const struct dt_tuner *tuner, enum dt_op op,
                             const struct dt_problem *problem, double seconds,
                             struct dt_proof *proof, bool *found, double *call_ns,
                             struct dt_error *error)
{
    struct dt_records records = {.items = NULL};
    struct dt_outcome outcome;
    const double start = dt_clock_ns();
    enum dt_status status = dt_tune(tuner, op, problem, seconds, &records, &outcome, error);
    for (size_t n = 0; n < records.count && !status; n++)
        if (records.items[n].winner && dt_record_choice(&records.items[n], &proof->chosen)) {
            *found = true;
            *call_ns = records.items[n].ns_median;
        }
    proof->seconds = (dt_clock_ns() - start) * 1e-9;
    proof->samples = outcome.samples;
    proof->plans = outcome.plans;
    dt_records_clear(&records);
    return status;
}

static enum dt_status search_all(const struct dt_tuner *tuner, enum dt_op op,
                                 const struct dt_problem *problem, struct dt_proof *proof,
                                 struct dt_error *error)
{
    struct dt_outcome outcome = {0};
    struct dt_search search = {.board = DT_BOARD_EMPTY};
    struct dt_live live;
    const double start = dt_clock_ns();
    enum dt_status status = dt_live_open(&live, tuner, op, problem, &outcome, error);
    if (status)
        return status;
    status = dt_search_run(&search, dt_policy_find("exhaustive"), dt_live_arena(&live, INFINITY),
                           tuner->session->noise_floor, tuner->session->seed, error);
    const size_t leader = status ? SIZE_MAX : dt_search_leader(&search);
    if (leader < search.board.count)
        proof->best = live.space.choices[search.entries[leader].plan];
    else
        proof->best = proof->chosen;
    proof->exhaustive = search.samples;
    proof->exhaustive_seconds = (dt_clock_ns() - start) * 1e-9;
    proof->cut = search.cut;
    dt_search_clear(&search);
    dt_live_close(&live);
    return status;
}

/* As `disentune regress` compares builds, with the plans forced. Their difference is the same in no
 * two processes: it depends on where operands and the machine code of libxsmm lie. */
enum dt_status dt_prove_compare(const struct dt_prover *prover, enum dt_op op,
                                const struct dt_problem *problem, double call_ns,
                                struct dt_proof *proof, struct dt_error *error)
{
    const struct dt_tuner *tuner = prover->tuner;
    const struct dt_subject subject = {
        .op = op, .problem = *problem, .threads = dt_live_threads(tuner, op)};
    char chosen[sizeof FORCE + DT_CHOICE_TEXT_MAX] = FORCE;
    char best[sizeof FORCE + DT_CHOICE_TEXT_MAX] = FORCE;
    dt_choice_print_forced(&proof->chosen, chosen + strlen(FORCE));
    dt_choice_print_forced(&proof->best, best + strlen(FORCE));
    const double most = prover->seconds > 0 ? prover->seconds
                                            : fmax(COMPARE_SECONDS, COMPARE_CALLS * call_ns * 1e-9);
    const struct dt_compare_options options = {
        .base = prover->program,
        .head = prover->program,
        .base_variables = (const char *const[]){best, NULL},
        .head_variables = (const char *const[]){chosen, NULL},
        .machine = tuner->machine,
        .lockstep = {.budget = most,
                     .delta = DT_PROVE_NEAR - 1,
                     .same_code = true,
                     .seed = tuner->session->seed,
                     .stop = tuner->stop},
    };
    struct dt_comparison comparison;
    enum dt_status status = prover->compare(&options, &subject, 1, &comparison, error);
    const struct dt_cell *cell = comparison.cells;
    if (!status && cell->pairs == 0 && !stopped(tuner))
        status = dt_error_set(error, DT_FAILED, "cannot compare %s with %s: %s",
                              chosen + strlen(FORCE), best + strlen(FORCE), cell->reason);
    if (!status && cell->pairs > 0) {
        proof->ratio = (struct dt_interval){cell->ratio, cell->lo, cell->hi};
        proof->pairs = cell->pairs;
    }
    dt_comparison_clear(&comparison);
    return status;
}

enum dt_status dt_prove(const struct dt_prover *prover, enum dt_op op,
                        const struct dt_problem *problem, double seconds, struct dt_proof *proof,
                        bool *found, struct dt_error *error)
{
    const struct dt_tuner *tuner = prover->tuner;
    double call_ns = 0;
    *proof = (struct dt_proof){.ratio = {1, 1, 1}};
    *found = false;
    enum dt_status status = choose(tuner, op, problem, seconds, proof, found, &call_ns, error);
    if (status || !*found || stopped(tuner))
        return status;
    status = search_all(tuner, op, problem, proof, error);
    if (status || stopped(tuner))
        return status;
    proof->same = dt_choice_equal(&proof->chosen, &proof->best);
    return proof->same ? DT_OK : dt_prove_compare(prover, op, problem, call_ns, proof, error);
}

static enum dt_status open_pair(const struct dt_tuner *tuner, const struct dt_choice choices[2],
                                const struct dt_workload *workload, struct dt_race *race,
                                struct dt_error *error)
{
    enum dt_status status =
        dt_race_init(race, workload, tuner->sampler, choices, 2, tuner->session->seed, error);
    if (status)
        return status;
    for (size_t r = 0; r < 2 && !status; r++) {
        race->runners[r].threads = dt_live_threads(tuner, workload->op);
        status = dt_race_enter(race, r, error);
    }
    if (status)
        dt_race_clear(race);
    return status;
}

enum dt_status dt_prove_same(const struct dt_tuner *tuner, enum dt_op op,
                             const struct dt_problem *problem, double seconds, bool *declared,
                             struct dt_error *error)
{
    struct dt_choice copies[2];
    struct dt_outcome outcome = {0};
    struct dt_workload workload;
    struct dt_race race;
    *declared = false;
    enum dt_status status = dt_workload_init(&workload, op, problem, tuner->session->seed, error);
    if (status)
        return status;
    status = dt_choice_heuristic(op, &workload.problem, &workload.delta, &copies[0], error);
    copies[1] = copies[0];
    if (!status)
        status = open_pair(tuner, copies, &workload, &race, error);
    if (!status) {
        status = dt_final_run(tuner, &race, seconds, &outcome, error);
        *declared = dt_board_apart(&race.board, tuner->session->noise_floor);
        dt_race_clear(&race);
    }
    dt_workload_clear(&workload);
    return status;
}
