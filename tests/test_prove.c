/* SPDX-License-Identifier: MIT */
/* What the proof of a choice asks of a comparison, which is made up here, and takes from it. */
#include "tuner/prove.h"

#include "kernels/error.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct dt_cell answer; /* of the comparison */
static enum dt_status answered;
static char base[300], head[300];
static struct dt_lockstep_options asked;
static struct dt_subject compared;

static enum dt_status made_up(const struct dt_compare_options *options,
                              const struct dt_subject *subjects, size_t count,
                              struct dt_comparison *comparison, struct dt_error *error)
{
    *comparison =
        (struct dt_comparison){.cells = calloc(count, sizeof *comparison->cells), .count = count};
    cr_assert(count == 1 && strcmp(options->base, "it") == 0 && strcmp(options->head, "it") == 0);
    cr_assert(!options->base_variables[1] && !options->head_variables[1]);
    snprintf(base, sizeof base, "%s", options->base_variables[0]);
    snprintf(head, sizeof head, "%s", options->head_variables[0]);
    asked = options->lockstep;
    compared = subjects[0];
    comparison->cells[0] = answer;
    return answered ? dt_error_set(error, answered, "it broke") : DT_OK;
}

/* Two tiles of one variant, for `seconds`. */
static enum dt_status compare_for(double seconds, double call_ns, struct dt_proof *proof,
                                  struct dt_error *error)
{
    static const struct dt_session session = {.seed = 7};
    static const struct dt_tuner tuner = {.session = &session, .threads = 2};
    const struct dt_prover prover = {&tuner, "it", made_up, seconds};
    const struct dt_variant *plain = dt_variant_find("bias.scalar.plain");
    struct dt_problem problem;
    cr_assert_eq(dt_problem_parse("n8 linear:4", &problem, NULL), DT_OK);
    *proof = (struct dt_proof){
        .chosen = {.variant = plain, .tile = {16, 0}},
        .best = {.variant = plain},
        .ratio = {1, 1, 1},
    };
    return dt_prove_compare(&prover, DT_OP_BIAS, &problem, call_ns, proof, error);
}

static enum dt_status compare(double call_ns, struct dt_proof *proof, struct dt_error *error)
{
    return compare_for(0, call_ns, proof, error);
}

Test(prove, forces_the_plans_and_takes_the_ratio_of_pairs)
{
    struct dt_proof proof;
    answer = (struct dt_cell){.ratio = 1.02, .lo = 1.01, .hi = 1.04, .pairs = 40};
    cr_assert_eq(compare(1000, &proof, NULL), DT_OK);
    cr_expect_str_eq(head, "DISENTUNE_FORCE=bias:bias.scalar.plain:16x0", "HEAD is the chosen one");
    cr_expect_str_eq(base, "DISENTUNE_FORCE=bias:bias.scalar.plain:0x0");
    cr_expect(proof.ratio.median == 1.02 && proof.ratio.lo == 1.01 && proof.ratio.hi == 1.04);
    cr_expect_eq(proof.pairs, 40);
    cr_expect(compared.op == DT_OP_BIAS && compared.threads == 1 && !*compared.variant);
    cr_expect(asked.same_code && asked.seed == 7 && fabs(asked.delta - 0.03) < 1e-9);
}

Test(prove, long_calls_get_more_time)
{
    struct dt_proof proof;
    answer = (struct dt_cell){.ratio = 1, .pairs = 12};
    cr_assert_eq(compare(1e6, &proof, NULL), DT_OK);
    cr_expect_eq(asked.budget, 90);
    cr_assert_eq(compare(1e9, &proof, NULL), DT_OK);
    cr_expect_float_eq(asked.budget, 480, 1e-6);
    cr_assert_eq(compare_for(3, 1e9, &proof, NULL), DT_OK);
    cr_expect_eq(asked.budget, 3, "more than was asked for");
}

Test(prove, a_comparison_without_a_pair_is_an_error)
{
    struct dt_proof proof;
    struct dt_error error;
    answer = (struct dt_cell){.judgement = DT_VOID, .reason = "HEAD: 2 + 2 = 5"};
    cr_assert_eq(compare(1000, &proof, &error), DT_FAILED);
    cr_expect(strstr(error.text, "bias:bias.scalar.plain:16x0") && strstr(error.text, "2 + 2 = 5"),
              "%s", error.text);
    answered = DT_IO;
    cr_assert_eq(compare(1000, &proof, &error), DT_IO);
    cr_expect_str_eq(error.text, "it broke");
}
