/* SPDX-License-Identifier: MIT */
#include "tests/problem_fixture.h"
#include "tuner/prior.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- A machine that is not here, a problem and the parts of its plans -------------------------
 */

#define LARGE "pack:1 l3:1(size=33554432) l2:16(size=2097152) l1d:1(size=49152) core:1 pu:1"
#define ZEN3 "pack:1 l3:1(size=16777216) l2:2(size=524288) l1d:1(size=32768) core:1 pu:1"
#define SMALL "pack:1 l3:1(size=4194304) l2:16(size=262144) l1d:1(size=32768) core:1 pu:1"

static struct dt_prior prior_of(const char *topology, const char *uarch, uint32_t quirks,
                                const struct dt_session *session)
{
    struct dt_machine machine;
    struct dt_error error = {0};
    struct dt_prior prior;
    cr_assert_eq(dt_machine_synthetic(topology, &machine, &error), DT_OK, "%s", error.text);
    snprintf(machine.cpu.uarch, sizeof machine.cpu.uarch, "%s", uarch);
    machine.cpu.quirks = quirks;
    dt_prior_init(&prior, &machine, session);
    dt_machine_clear(&machine);
    return prior;
}

/* The widest instruction set of this build, whatever this CPU runs. */
static const char *widest(void)
{
    static const char *const sets[] = {"avx512", "avx2", "neon"};
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        char name[64];
        snprintf(name, sizeof name, "attention.%s.active-rows", sets[s]);
        if (dt_variant_find(name))
            return sets[s];
    }
    return "scalar";
}

static const struct dt_variant *variant(const char *op, const char *set, const char *idea)
{
    char name[64];
    snprintf(name, sizeof name, "%s.%s.%s", op, set, idea);
    const struct dt_variant *found = dt_variant_find(name);
    cr_assert_not_null(found, "%s", name);
    return found;
}

static struct dt_choice attention(const char *set, const char *idea, int32_t rows, int32_t cols)
{
    const char *gemm = strcmp(set, "avx2") == 0 ? "6x2" : "6x4";
    return (struct dt_choice){.variant = variant("attention", set, idea),
                              .tile = {rows, cols},
                              .gemm = variant("gemm", set, gemm),
                              .bias = variant("bias", set, "window-skew"),
                              .softmax = variant("softmax", set, "poly")};
}

static double ns_of(const struct dt_prior *prior, const char *text, const struct dt_choice *choice,
                    int32_t threads)
{
    const struct dt_problem problem = problem_of(text);
    struct dt_delta delta;
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    const double ns = dt_prior_ns(prior, &problem, &delta, choice, threads);
    dt_delta_clear(&delta);
    return ns;
}

/* ---- What must hold of any machine ------------------------------------------------------------
 */

Test(prior, every_variant_has_a_time_made_of_parts)
{
    static const char *const problems[] = {"n1 linear:4", "q3 k700 log:256:512 c2p mask:pairs",
                                           "b2 h3 n130 d40 log:16:64 p2c", "q3 k3000 log:256:512",
                                           "n64 log:8:32 none"};
    const struct dt_prior prior = prior_of(SMALL, "unknown", 0, NULL);
    const char *set = widest();
    size_t compared = 0;
    for (size_t p = 0; p < sizeof problems / sizeof *problems; p++) {
        const struct dt_problem problem = problem_of(problems[p]);
        const struct dt_variant *row;
        struct dt_delta delta;
        cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
        for (size_t n = 0; (row = dt_variant_at(n)); n++) {
            struct dt_choice choice = {.variant = row};
            struct dt_cost cost;
            if (row->op == DT_OP_PROBE || (row->op == DT_OP_BIAS && !problem.terms))
                continue;
            if (row->strategy != DT_DIRECT) {
                choice = attention(set, "active-rows", 32, 64);
                choice.variant = row;
            }
            dt_prior_cost(&prior, &problem, &delta, &choice, 2, &cost);
            double most = 0, sum = 0;
            for (int r = 0; r < DT_RESOURCE_COUNT; r++) {
                cr_assert(cost.part_ns[r] >= 0, "%s", row->name);
                sum += cost.part_ns[r];
                most = fmax(most, cost.part_ns[r]);
            }
            cr_assert(isfinite(cost.ns) && cost.ns > 0 && cost.ns >= most && cost.ns <= sum * 1.001,
                      "%s on %s: %g ns of %g", row->name, problems[p], cost.ns, sum);
            cr_assert_eq(cost.part_ns[dt_cost_bound(&cost)], most);
            compared++;
        }
        dt_delta_clear(&delta);
    }
    cr_assert_gt(compared, 30);
}

Test(prior, blocks_that_do_not_fit_rank_behind_those_that_do)
{
    const struct dt_prior prior = prior_of(SMALL, "unknown", 0, NULL);
    const char *set = widest();
    if (strcmp(set, "scalar") == 0)
        cr_skip_test("this build has no attention made of parts");
    static const char *const ideas[] = {"active-online", "active-rows", "table-online"};
    for (size_t n = 0; n < sizeof ideas / sizeof *ideas; n++) {
        const struct dt_choice fits = attention(set, ideas[n], 64, 64);
        const struct dt_choice spills = attention(set, ideas[n], 1024, 1024);
        cr_expect_lt(ns_of(&prior, "n2048 log:256:512", &fits, 1),
                     ns_of(&prior, "n2048 log:256:512", &spills, 1), "%s", ideas[n]);
    }
    const struct dt_choice block = {.variant = attention(set, "active-rows", 0, 0).gemm,
                                    .tile = {64, 64}};
    const struct dt_choice whole = {.variant = block.variant};
    cr_expect_lt(ns_of(&prior, "n2048 d256 linear:1", &block, 1),
                 ns_of(&prior, "n2048 d256 linear:1", &whole, 1));
}

Test(prior, larger_caches_never_cost_time)
{
    const struct dt_prior small = prior_of(SMALL, "unknown", 0, NULL);
    const struct dt_prior large = prior_of(LARGE, "unknown", 0, NULL);
    const char *set = widest();
    for (int32_t rows = 16; rows <= 512; rows *= 2)
        for (int32_t cols = 32; cols <= 512; cols *= 2) {
            const struct dt_choice choice = attention(set, "active-rows", rows, cols);
            cr_expect_leq(ns_of(&large, "h4 n1024 log:256:512", &choice, 4),
                          ns_of(&small, "h4 n1024 log:256:512", &choice, 4), "%dx%d", rows, cols);
        }
}

/* What a worker has of an L3 may be less than its L2 holds. */
Test(prior, what_fits_into_l2_does_not_come_from_beyond)
{
    const struct dt_prior with =
        prior_of("l3:1(size=4194304) l2:16(size=1048576) core:1 pu:1", "unknown", 0, NULL);
    const struct dt_prior without = prior_of("l2:16(size=1048576) core:1 pu:1", "unknown", 0, NULL);
    const struct dt_choice choice = attention(widest(), "active-online", 64, 64);
    const char *problem = "b4 h4 n256 log:64:128";
    cr_assert_lt(with.share[4][DT_L3], with.share[4][DT_L2]);
    cr_expect_eq(ns_of(&with, problem, &choice, 16), ns_of(&without, problem, &choice, 16));
}

Test(prior, slots_of_a_block_pay_for_short_sequences_only)
{
    const struct dt_prior prior = prior_of(LARGE, "unknown", 0, NULL);
    const char *set = widest();
    const struct dt_choice banded = attention(set, "banded-online", 32, 32);
    const struct dt_choice table = attention(set, "table-online", 32, 32);
    cr_expect_lt(ns_of(&prior, "h12 n32 log:256:512", &banded, 1),
                 ns_of(&prior, "h12 n32 log:256:512", &table, 1) / 2);
    cr_expect_gt(ns_of(&prior, "n2048 log:256:512", &banded, 1),
                 ns_of(&prior, "n2048 log:256:512", &table, 1));
}

Test(prior, direct_wins_for_one_token_and_no_more)
{
    const struct dt_prior prior = prior_of(LARGE, "unknown", 0, NULL);
    const char *set = widest();
    const struct dt_choice direct = {.variant = variant("attention", set, "direct")};
    const struct dt_choice blocks = attention(set, "active-online", 16, 32);
    cr_expect_lt(ns_of(&prior, "h12 n1 log:256:512", &direct, 1),
                 ns_of(&prior, "h12 n1 log:256:512", &blocks, 1));
    cr_expect_gt(ns_of(&prior, "h12 n32 log:256:512", &direct, 1),
                 ns_of(&prior, "h12 n32 log:256:512", &blocks, 1));
}

Test(prior, wider_instruction_sets_are_faster)
{
    static const char *const sets[] = {"avx2", "avx512", "neon"};
    const struct dt_prior prior = prior_of(LARGE, "unknown", 0, NULL);
    const struct dt_choice scalar = {.variant = variant("attention", "scalar", "plain")};
    const struct dt_choice loop = {.variant = variant("bias", "scalar", "plain")};
    double attends = ns_of(&prior, "n512 log:256:512", &scalar, 1);
    double adds = ns_of(&prior, "n128 log:256:512", &loop, 1);
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++) {
        char name[64];
        snprintf(name, sizeof name, "attention.%s.active-rows", sets[s]);
        if (!dt_variant_find(name))
            continue;
        const struct dt_choice wider = attention(sets[s], "active-rows", 64, 64);
        const struct dt_choice bias = {.variant = wider.bias, .tile = {64, 0}};
        const double ns = ns_of(&prior, "n512 log:256:512", &wider, 1);
        const double added = ns_of(&prior, "n128 log:256:512", &bias, 1);
        cr_expect_lt(ns, attends, "%s", sets[s]);
        cr_expect_lt(added, adds, "%s", sets[s]);
        attends = ns;
        adds = added;
    }
}

Test(prior, threads_help_as_far_as_there_are_items)
{
    const struct dt_prior prior = prior_of(LARGE, "unknown", 0, NULL);
    const struct dt_choice choice = attention(widest(), "active-rows", 64, 64);
    const char *many = "b4 h12 n512 log:256:512", *one = "n64 log:256:512";
    double before = INFINITY;
    for (int32_t threads = 1; threads <= 16; threads *= 2) {
        const double ns = ns_of(&prior, many, &choice, threads);
        cr_expect_lt(ns, before, "%d threads", threads);
        before = ns;
    }
    cr_expect_lt(before, ns_of(&prior, many, &choice, 1) / 6);
    cr_expect_geq(ns_of(&prior, one, &choice, 4), ns_of(&prior, one, &choice, 1));

    struct dt_choice chunks = choice;
    chunks.chunk = 512;
    cr_expect_lt(ns_of(&prior, "n4096 log:256:512", &chunks, 8),
                 ns_of(&prior, "n4096 log:256:512", &choice, 8) / 3, "items of one head");
}

/* ---- What is known of a machine changes the prediction ----------------------------------------
 */

static void measure(struct dt_session *session, const char *name, double value)
{
    struct dt_ceiling *ceiling = &session->ceilings[session->ceiling_count++];
    *ceiling = (struct dt_ceiling){.value = value};
    snprintf(ceiling->name, sizeof ceiling->name, "%s", name);
}

/* That of a plan on a small machine of which a session measured so many GFLOP/s, and GB/s. */
static double measured_ns(const char *text, const struct dt_choice *choice, double peak, double l2,
                          double memory)
{
    const char *set = widest();
    struct dt_session session = {0};
    char name[32];
    snprintf(name, sizeof name, "fma.%s", set);
    measure(&session, name, peak * 1e9);
    snprintf(name, sizeof name, "load.%s.l2", set);
    measure(&session, name, l2 * 1e9);
    snprintf(name, sizeof name, "load.%s.mem", set);
    measure(&session, name, memory * 1e9);
    const struct dt_prior prior = prior_of(SMALL, "unknown", 0, &session);
    return ns_of(&prior, text, choice, 1);
}

Test(prior, measured_ceilings_are_used)
{
    const struct dt_choice choice = attention(widest(), "active-rows", 64, 64);
    const double slow = measured_ns("n1024 log:256:512", &choice, 100, 60, 10);
    const double twice = measured_ns("n1024 log:256:512", &choice, 200, 120, 20);
    const double faster_memory = measured_ns("n1024 log:256:512", &choice, 100, 60, 20);
    cr_expect(fabs(slow / twice - 2) < 1e-9, "all twice as fast: %g", slow / twice);
    cr_expect_lt(faster_memory, slow);
    cr_expect_gt(faster_memory, twice);
}

/* So the same plans come first in each session of a noisy machine. */
Test(prior, a_bandwidth_that_is_measured_a_little_otherwise_changes_nothing)
{
    const char *set = widest();
    if (strcmp(set, "scalar") == 0)
        cr_skip_test("no bandwidth is measured for scalar code");
    const struct dt_choice choice = attention(set, "table-rows", 64, 64);
    cr_expect_eq(measured_ns("n2048 log:256:512", &choice, 100, 80, 12),
                 measured_ns("n2048 log:256:512", &choice, 100, 60, 9));
}

Test(prior, slow_gathers_rank_behind)
{
    const char *set = widest();
    if (strcmp(set, "neon") == 0)
        cr_skip_test("NEON has no gather");
    const struct dt_choice gather = {.variant = variant("bias", set, "gather")};
    const struct dt_prior fast = prior_of(LARGE, "unknown", 0, NULL);
    const struct dt_prior slow = prior_of(LARGE, "unknown", DT_QUIRK_SLOW_GATHER, NULL);
    cr_expect_gt(ns_of(&slow, "n128 log:256:512", &gather, 1),
                 1.5 * ns_of(&fast, "n128 log:256:512", &gather, 1));
}

/* ---- Against measurements ---------------------------------------------------------------------
 */

static double rank_of(const double *x, int count, int n)
{
    double rank = 0;
    for (int k = 0; k < count; k++)
        rank += (x[k] < x[n]) + 0.5 * (x[k] == x[n]);
    return rank;
}

/* Spearman's coefficient. */
static double rank_correlation(const double *x, const double *y, int count)
{
    const double mean = count / 2.0;
    double xy = 0, xx = 0, yy = 0;
    for (int n = 0; n < count; n++) {
        const double a = rank_of(x, count, n) - mean, b = rank_of(y, count, n) - mean;
        xy += a * b;
        xx += a * a;
        yy += b * b;
    }
    return xy / sqrt(xx * yy);
}

/* The best of the tiles that tuning tries. */
static double best_tile(const struct dt_prior *prior, const char *problem,
                        const struct dt_variant *bias)
{
    static const int32_t rows[] = {0, 16, 32, 64, 128, 256}, cols[] = {0, 64, 256};
    double best = INFINITY;
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++)
        for (size_t c = 0; c < sizeof cols / sizeof *cols; c++) {
            const struct dt_choice choice = {.variant = bias, .tile = {rows[r], cols[c]}};
            best = fmin(best, ns_of(prior, problem, &choice, 1));
        }
    return best;
}

static const char *const slot_major[] = {"autovec",     "gather",        "window-gather",
                                         "window-skew", "window-blocks", "runs-blocks"};
static const char *const key_major[] = {"gather",           "gather-transpose", "window-gather",
                                        "window-transpose", "window-stage",     "runs-stage"};
enum { SPR, ZEN };

/* Microseconds of the best tile: the table of kernels/isa/bias_ideas.h, of a Sapphire Rapids; and a
 * Zen 3 in a virtual machine that was busy with other work. */
static const struct {
    int machine;
    const char *set, *problem, *const *ideas;
    double us[6];
} additions[] = {
    {SPR, "avx512", "n128 log:256:512", slot_major, {11.4, 6.81, 4.87, 2.97, 3.17, 2.73}},
    {SPR, "avx512", "n512 log:256:512", slot_major, {226, 153, 104, 92, 82, 81}},
    {SPR, "avx512", "n2048 log:256:512", slot_major, {2860, 1980, 1550, 1420, 948, 942}},
    {SPR, "avx512", "n512 linear:512", slot_major, {266, 171, 116, 129, 103, 98}},
    {SPR, "avx2", "n128 log:256:512", slot_major, {10.2, 6.24, 4.62, 3.56, 3.60, 2.90}},
    {SPR, "avx2", "n512 log:256:512", slot_major, {232, 149, 122, 107, 90, 92}},
    {SPR, "avx2", "n2048 log:256:512", slot_major, {2830, 1900, 1490, 1780, 1010, 1020}},
    {SPR, "avx2", "n512 linear:512", slot_major, {266, 164, 127, 145, 114, 102}},
    {ZEN, "avx2", "n128 log:256:512", slot_major, {26.1, 27.2, 18.9, 9.92, 9.83, 7.42}},
    {ZEN, "avx2", "n512 log:256:512", slot_major, {388, 493, 263, 167, 115, 121}},
    {ZEN, "avx2", "n512 log:256:512 p2c:key", key_major, {610, 431, 460, 269, 324, 252}},
};

Test(prior, orders_the_gather_and_add_as_it_was_measured)
{
    const struct dt_prior intel = prior_of(LARGE, "sapphirerapids", 0, NULL);
    const struct dt_prior amd = prior_of(ZEN3, "zen3", DT_QUIRK_SLOW_GATHER, NULL);
    if (!dt_variant_find("bias.avx512.gather"))
        cr_skip_test("measured on x86-64");
    for (size_t m = 0; m < sizeof additions / sizeof *additions; m++) {
        const struct dt_prior *prior = additions[m].machine == ZEN ? &amd : &intel;
        double predicted[6];
        for (int n = 0; n < 6; n++)
            predicted[n] = best_tile(prior, additions[m].problem,
                                     variant("bias", additions[m].set, additions[m].ideas[n]));
        const double agreement = rank_correlation(predicted, additions[m].us, 6);
        cr_expect_geq(agreement, 0.8, "%s, %s: %.2f", additions[m].set, additions[m].problem,
                      agreement);
    }
}

/* Plans and times of the README, of the same machine: each within 1.5 of the prediction once the
 * clock is known, though they span from 1 us to 29 ms. */
Test(prior, predicts_attention_as_it_was_measured)
{
    static const struct {
        const char *problem, *idea, *gemm, *bias;
        int32_t rows, cols;
        double us;
    } measured[] = {
        {"n512 log:256:512", "active-rows", "14x2", "runs-skew", 32, 128, 619},
        {"n512 log:256:512 none", "active-rows", "14x2", NULL, 32, 128, 375},
        {"n2048 log:256:512", "active-online", "14x2", "window-skew", 64, 64, 7720},
        {"n4096 log:256:512", "table-online", "14x2", "window-skew", 64, 64, 28900},
        {"n128 log:256:512", "active-fused", "14x2", "window-skew", 32, 32, 51.6},
        {"b32 h12 n32 log:256:512", "active-online", "12x2", "runs-skew", 16, 32, 2130},
        {"b32 h12 n16 log:256:512", "banded-online", "8x3", "window-blocks", 16, 32, 745},
        {"h12 n1 log:256:512", "direct", NULL, NULL, 0, 0, 0.96},
    };
    struct dt_session session = {0};
    measure(&session, "fma.avx512", 240e9);
    const struct dt_prior prior = prior_of(LARGE, "sapphirerapids", 0, &session);
    if (!dt_variant_find("attention.avx512.direct"))
        cr_skip_test("measured on x86-64");
    for (size_t m = 0; m < sizeof measured / sizeof *measured; m++) {
        struct dt_choice choice = {.variant = variant("attention", "avx512", measured[m].idea),
                                   .tile = {measured[m].rows, measured[m].cols}};
        if (measured[m].gemm) {
            choice.gemm = variant("gemm", "avx512", measured[m].gemm);
            choice.softmax = variant("softmax", "avx512", "table");
        }
        if (measured[m].bias)
            choice.bias = variant("bias", "avx512", measured[m].bias);
        const double us = ns_of(&prior, measured[m].problem, &choice, 1) * 1e-3;
        cr_expect(us < 1.5 * measured[m].us && us > measured[m].us / 1.5,
                  "%s: %.1f us, measured %.1f", measured[m].problem, us, measured[m].us);
    }
}
