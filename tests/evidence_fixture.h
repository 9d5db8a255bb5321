/* SPDX-License-Identifier: MIT */
/* Two made-up sessions with findings of every kind, for tests of whatever keeps or shows them. */
#ifndef DISENTUNE_EVIDENCE_FIXTURE_H
#define DISENTUNE_EVIDENCE_FIXTURE_H

#include "reports/evidence.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static inline struct dt_session fixture_session(const char *date)
{
    struct dt_session session = {
        .machine = {"x86_64 avx2", "x86_64 avx2 znver3", "x86_64 avx2 znver3 l1:32K", "25.1.1 vm"},
        .cpu = "A processor \u00ae",
        .build = {.version = "0.1.0", .compiler = "gcc 12.2.0 -O3", .signature = "a1b2"},
        .environment = "governor:performance turbo:off",
        .run = "17d05a3b",
        .command = "disentune bench --problem 'n512 log:256:512'",
        .seed = UINT64_MAX,
        .noise_floor = 0.012,
        .ceilings = {{"fma.avx2", 1e11 / 3, "FLOP/s"}, {"load.avx2.l1", NAN, "B/s"}},
        .ceiling_count = 2,
    };
    snprintf(session.date, sizeof session.date, "%.23s", date);
    return session;
}

static inline struct dt_subject fixture_subject(enum dt_op op, const char *problem,
                                                const char *variant)
{
    struct dt_subject subject = {.op = op, .threads = 1, .tile = {64, 0}, .chunk = 128};
    cr_assert_eq(dt_problem_parse(problem, &subject.problem, NULL), DT_OK);
    snprintf(subject.variant, sizeof subject.variant, "%s", variant);
    return subject;
}

/* A record with `samples` times that all differ. */
static inline struct dt_record fixture_record(const char *problem, size_t samples)
{
    struct dt_record record = {.op = DT_OP_BIAS,
                               .variant = "bias.avx2.window-skew",
                               .tile = {64, 0},
                               .threads = 1,
                               .ns_median = 1e5 / 3,
                               .ns_lo = 33000,
                               .ns_hi = NAN,
                               .samples = samples,
                               .rejected = 2,
                               .ratio_to_scalar = 2.5,
                               .ratio_to_gather = NAN,
                               .error_share = 0.25,
                               .error_ulp = NAN,
                               .phase_ns = {1.0 / 3, NAN, 0},
                               .verified = true,
                               .regret = NAN};
    cr_assert_eq(dt_problem_parse(problem, &record.problem, NULL), DT_OK);
    record.ns = malloc((samples + 1) * sizeof *record.ns);
    for (size_t n = 0; n < samples; n++)
        record.ns[n] = 33000 + (double)(n * 7919 % 1000) / 7;
    return record;
}

static inline double *fixture_reals(size_t count, double first)
{
    double *reals = malloc((count + 1) * sizeof *reals);
    for (size_t n = 0; n < count; n++)
        reals[n] = first + (double)n / 300;
    return reals;
}

#define FIXTURE_KEEP(finding, items, count, value)                                                 \
    do {                                                                                           \
        (finding)->items =                                                                         \
            realloc((finding)->items, ((finding)->count + 1) * sizeof *(finding)->items);          \
        (finding)->items[(finding)->count++] = (value);                                            \
    } while (0)

static inline struct dt_evidence fixture_evidence(void)
{
    struct dt_evidence evidence = {0};
    struct dt_session session = fixture_session("2024-05-17T09:30:00Z");
    struct dt_finding *finding = dt_evidence_session(&evidence, &session);
    FIXTURE_KEEP(finding, records.items, records.count, fixture_record("n128 log:256:512", 5));
    FIXTURE_KEEP(finding, records.items, records.count, fixture_record("n512 log:256:512", 3));
    struct dt_record silent = fixture_record("n64 linear:32", 4);
    free(silent.ns);
    silent.ns = NULL;
    FIXTURE_KEEP(finding, records.items, records.count, silent);
    FIXTURE_KEEP(
        finding, candidates, candidate_count,
        ((struct dt_candidate){fixture_subject(DT_OP_BIAS, "n128 log:256:512", "bias.avx2.gather"),
                               NAN, 4e4, 0.75, 12, 2, DT_FATE_TIED}));

    session = fixture_session("2024-05-18T09:30:00Z");
    session.base = (struct dt_build){.version = "0.0.9", .commit = "fedc"};
    finding = dt_evidence_session(&evidence, &session);
    FIXTURE_KEEP(finding, cells, cell_count,
                 ((struct dt_cell){.subject = fixture_subject(DT_OP_SOFTMAX, "n96 linear:32", ""),
                                   .head_choice = "softmax.avx2.poly 0x0",
                                   .base_ns = 1000,
                                   .head_ns = 1100,
                                   .ratio = 1.1,
                                   .lo = 1.05,
                                   .hi = 1.15,
                                   .boot_lo = 1.06,
                                   .boot_hi = NAN,
                                   .band = 0.01,
                                   .delta = 0.03,
                                   .p = 1e-4,
                                   .pairs = 9,
                                   .claimed = 5,
                                   .samples = 180,
                                   .gated = 1,
                                   .ratios = fixture_reals(9, 1.08),
                                   .aa_pairs = 3,
                                   .aa_ratios = fixture_reals(3, 0.99),
                                   .base_instructions = 1e6,
                                   .head_instructions = NAN,
                                   .instructions_isa = "avx2",
                                   .judgement = DT_REGRESSED,
                                   .reason = "the whole interval lies beyond 3 %"}));
    FIXTURE_KEEP(finding, trials, trial_count,
                 ((struct dt_trial_set){.subject = {.op = DT_OP_COUNT},
                                        .slowdown = 0.05,
                                        .trials = 40,
                                        .alarms = 38,
                                        .rate_lo = 0.83,
                                        .rate_hi = 0.99,
                                        .seconds = 60,
                                        .least_effect = NAN}));
    FIXTURE_KEEP(
        finding, trials, trial_count,
        ((struct dt_trial_set){fixture_subject(DT_OP_GEMM, "n96 linear:32", "gemm.avx2.6x2"), 0, 59,
                               0, 0, 0.05, 60, 0.04}));
    return evidence;
}

/* The evidence as JSON Lines, in memory that the caller frees. */
static inline char *fixture_text(const struct dt_evidence *evidence)
{
    char *text;
    size_t size;
    struct dt_error error = {0};
    FILE *stream = open_memstream(&text, &size);
    enum dt_status status = dt_evidence_write(stream, evidence, &error);
    fclose(stream);
    cr_assert_eq(status, DT_OK, "%s", error.text);
    return text;
}

#endif
