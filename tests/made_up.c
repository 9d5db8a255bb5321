/* SPDX-License-Identifier: MIT */
#include "tests/made_up.h"

#include "reports/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sum of uniform ones, with a tail to the right as timings have. */
static double noise(uint64_t *state)
{
    double sum = 0;
    for (int n = 0; n < 6; n++)
        sum += (double)dt_random_below(state, 1000) / 1000 - 0.5;
    return dt_random_below(state, 20) == 0 ? sum + 3 * fabs(sum) : sum;
}

static void *keep(void *items, size_t *count, size_t size, const void *item)
{
    void *grown = realloc(items, (*count + 1) * size);
    if (!grown)
        abort();
    memcpy((char *)grown + (*count)++ * size, item, size);
    return grown;
}

#define KEEP(items, count, item) ((items) = keep((items), &(count), sizeof(item), &(item)))

/* ---- Sessions -------------------------------------------------------------- */

static struct dt_session session_of(const char *date, const char *commit, const char *command)
{
    static const struct dt_ceiling ceilings[] = {
        {"fma.avx2", 117.2e9, "FLOP/s"},    {"fma.avx512", 233.1e9, "FLOP/s"},
        {"load.avx512.l1", 412.6e9, "B/s"}, {"load.avx512.l2", 187.3e9, "B/s"},
        {"load.avx512.mem", 11.8e9, "B/s"}, {"add.avx512.l1", 301.2e9, "B/s"},
        {"add.avx512.l2", 142.0e9, "B/s"},  {"add.avx512.mem", 9.04e9, "B/s"},
    };
    struct dt_session session = {
        .machine = {"x86_64 avx2+avx512", "x86_64 avx2+avx512 sapphirerapids",
                    "x86_64 avx2+avx512 sapphirerapids l1:48K l2:2M l3:2M smt:2",
                    "x86_64 avx2+avx512 sapphirerapids l1:48K l2:2M l3:2M smt:2 6.143.8 vm"},
        .cpu = "Intel(R) Xeon(R) Platinum 8481C CPU @ 2.70GHz",
        .build = {.version = "0.1.0",
                  .compiler = "gcc 12.2.0 -O3",
                  .libraries = "libxsmm 1.17 sleef 3.6",
                  .signature = "9f3c51d07be2a648",
                  .digest = "51b7c0ffee2a9d04"},
        .environment = "governor:performance turbo:on aslr:2 thp:madvise hypervisor:kvm",
        .run = "1",
        .seed = 1,
        .noise_floor = 0.012,
        .ceiling_count = sizeof ceilings / sizeof *ceilings,
    };
    memcpy(session.ceilings, ceilings, sizeof ceilings);
    snprintf(session.date, sizeof session.date, "%s", date);
    snprintf(session.command, sizeof session.command, "%s", command);
    snprintf(session.build.commit, sizeof session.build.commit, "%s", commit);
    return session;
}

/* ---- Measurements ---------------------------------------------------------- */

/* A variant: what a score costs in its loop, what a call and a row cost, and its error. */
struct variant {
    const char *name, *gemm, *bias, *softmax;
    double score, row, call, error;
    int tiles; /* 0: it takes no tile */
};

static const struct variant bias_variants[] = {
    {"bias.scalar.plain", "", "", "", 0.96, 4, 60, 0.24, 0},
    {"bias.avx2.gather", "", "", "", 0.62, 5, 70, 0.24, 0},
    {"bias.avx2.autovec", "", "", "", 0.71, 3, 65, 0.25, 0},
    {"bias.avx2.window-skew", "", "", "", 0.44, 6, 90, 0.25, 6},
    {"bias.avx2.runs-skew", "", "", "", 0.42, 9, 95, 0.31, 6},
    {"bias.avx512.gather", "", "", "", 0.58, 6, 80, 0.24, 0},
    {"bias.avx512.autovec", "", "", "", 0.63, 3, 70, 0.25, 0},
    {"bias.avx512.window-skew", "", "", "", 0.33, 9, 120, 0.25, 6},
    {"bias.avx512.runs-skew", "", "", "", 0.335, 7, 100, 0.31, 6},
    {"bias.avx512.runs-blocks", "", "", "", 0.31, 16, 160, 0.38, 6},
};

static const struct variant attention_variants[] = {
    {"attention.avx512.active-rows", "gemm.avx512.14x2", "bias.avx512.runs-skew",
     "softmax.avx512.table", 2.0, 90, 3000, 0.12, 6},
    {"attention.avx512.active-online", "gemm.libxsmm", "bias.avx512.window-skew",
     "softmax.avx512.table", 1.9, 140, 5000, 0.16, 6},
    {"attention.avx512.table-rows", "gemm.avx512.14x2", "bias.avx512.window-skew",
     "softmax.avx512.poly", 1.88, 260, 2000, 0.11, 6},
    {"attention.avx512.banded-online", "gemm.avx512.8x3", "bias.avx512.window-blocks",
     "softmax.avx512.poly", 2.9, 40, 2500, 0.19, 6},
    {"attention.avx2.active-rows", "gemm.avx2.6x2", "bias.avx2.window-skew", "softmax.avx2.poly",
     3.7, 120, 3000, 0.62, 6},
    {"attention.avx2.direct", "", "", "", 21, 20, 600, 0.08, 0},
};

static double cost(const struct variant *v, const struct dt_problem *p, int tile, int threads)
{
    const double scores = (double)p->nq * p->nk, heads = (double)p->batch * p->heads;
    const double drift[] = {1, 1.03, 1.05, 1.11, 1.2, 1.31};
    const double size = log2((double)p->nk);
    double ns = v->call + heads * (v->row * p->nq + v->score * scores * (1 + 0.01 * size));
    if (p->layout == DT_KEY_MAJOR)
        ns *= strstr(v->name, "skew") ? 1.35 : 1.1;
    if (p->terms == 0)
        ns *= 0.62;
    return ns * drift[(tile + (p->nk > 900)) % 6] * (threads > 1 ? 1.06 / threads : 1);
}

static double flops(const struct dt_problem *p)
{
    const double scores = (double)p->nq * p->nk, d = p->dim, slots = 2.0 * p->span;
    const double terms = ((p->terms & DT_C2P) != 0) + ((p->terms & DT_P2C) != 0);
    return 2.0 * p->batch * p->heads * d * (2 * scores + terms * slots * p->nq);
}

static void fill_phases(struct dt_record *r)
{
    const double growth = log2((double)r->problem.nk) - 4;
    const double position = r->problem.terms ? 1 : 0;
    const double parts[DT_PHASE_COUNT] = {5,
                                          14 + growth,
                                          position * (26 - 2 * growth),
                                          position * (22 - 2 * growth),
                                          position * 9,
                                          15,
                                          13 + growth,
                                          3};
    double sum = 0;
    for (int p = 0; p < DT_PHASE_COUNT; p++)
        sum += parts[p];
    for (int p = 0; p < DT_PHASE_COUNT; p++)
        r->phase_ns[p] = r->ns_median * parts[p] / sum;
}

static void fill_samples(struct dt_record *r, size_t samples, uint64_t *state)
{
    const double calls = fmax(1, floor(1e6 / r->ns_median));
    r->samples = samples;
    r->rejected = dt_random_below(state, 4) == 0 ? 1 + dt_random_below(state, 3) : 0;
    r->ns = malloc((samples + 1) * sizeof *r->ns);
    if (!r->ns)
        abort();
    for (size_t n = 0; n < samples; n++)
        r->ns[n] = round(r->ns_median * calls * (1 + 0.006 * noise(state))) / calls;
    r->ns_median = dt_median(r->ns, samples);
    r->ns_lo = r->ns_median * 0.996;
    r->ns_hi = r->ns_median * 1.005;
}

static struct dt_record record_of(const struct variant *v, enum dt_op op,
                                  const struct dt_problem *p, int tile, int threads, size_t samples,
                                  uint64_t *state)
{
    static const struct dt_tile tiles[] = {{64, 0},   {64, 128}, {32, 0},
                                           {32, 128}, {16, 0},   {16, 128}};
    const double scalar = cost(&bias_variants[0], p, 0, threads);
    struct dt_record r = {
        .problem = *p,
        .op = op,
        .threads = threads,
        .ns_median = cost(v, p, tile, threads),
        .ratio_to_c2c = NAN,
        .ratio_to_one_thread = threads > 1 ? threads / 1.06 : NAN,
        .ratio_to_gather = NAN,
        .ratio_to_autovec = NAN,
        .gflops = NAN,
        .ceiling_ns = NAN,
        .share_of_ceiling = NAN,
        .error_share = v->error * (0.8 + 0.02 * log2((double)p->nk)),
        .error_ulp = v->error * 6,
        .verified = true,
    };
    snprintf(r.variant, sizeof r.variant, "%s", v->name);
    snprintf(r.gemm, sizeof r.gemm, "%s", v->gemm);
    snprintf(r.bias, sizeof r.bias, "%s", p->terms ? v->bias : "");
    snprintf(r.softmax, sizeof r.softmax, "%s", v->softmax);
    if (v->tiles)
        r.tile = tiles[tile];
    fill_samples(&r, samples, state);
    r.ratio_to_scalar = (op == DT_OP_BIAS ? scalar : scalar * 12) / r.ns_median;
    r.ratio_lo = r.ratio_to_scalar * 0.99;
    r.ratio_hi = r.ratio_to_scalar * 1.012;
    for (int n = 0; n < DT_PHASE_COUNT; n++)
        r.phase_ns[n] = NAN;
    if (op == DT_OP_ATTENTION) {
        r.gflops = flops(p) / r.ns_median;
        r.ceiling_ns = flops(p) / (strstr(v->name, "avx512") ? 233.1 : 117.2) / threads;
        r.share_of_ceiling = r.ceiling_ns / r.ns_median;
        r.ratio_to_c2c = p->terms ? 1 / (1.1 + 8 / log2((double)p->nk) / 8) : NAN;
        fill_phases(&r);
    } else {
        const bool wide = strstr(v->name, "avx512") != NULL;
        r.ratio_to_gather = cost(&bias_variants[wide ? 5 : 1], p, 0, 1) / r.ns_median;
        r.ratio_to_autovec = cost(&bias_variants[wide ? 6 : 2], p, 0, 1) / r.ns_median;
        r.ceiling_ns = 0.29 * (double)p->nq * p->nk;
        r.share_of_ceiling = r.ceiling_ns / r.ns_median;
    }
    return r;
}

static void add_candidates(struct dt_finding *f, const struct dt_record *r, double winner_ns,
                           uint64_t *state)
{
    for (int n = 0; n < 3; n++) {
        struct dt_candidate c = {
            .subject = dt_record_subject(r),
            .predicted_ns = r->ns_median * (1 + 0.1 * fabs(noise(state))),
            .ns_median = NAN,
            .ratio_to_winner = NAN,
            .fate = DT_FATE_SKIPPED,
        };
        c.subject.chunk = n == 2 ? 128 : 0;
        if (n < 2) {
            const double ratio = r->winner && n == 0
                                     ? 1
                                     : winner_ns / r->ns_median * (1 - 0.02 * fabs(noise(state)));
            c.round = 1 + (size_t)n + (strstr(r->variant, "512") ? 1 : 0);
            c.samples = 3 + dt_random_below(state, 6);
            c.ratio_to_winner = ratio;
            c.ns_median = winner_ns / ratio;
            c.fate = r->winner && n == 0 ? DT_FATE_WINNER
                     : ratio > 0.985     ? DT_FATE_TIED
                                         : DT_FATE_DROPPED;
            if (n == 1 && dt_random_below(state, 23) == 0)
                c.fate = DT_FATE_FAILED;
        }
        KEEP(f->candidates, f->candidate_count, c);
    }
}

static void measure(struct dt_finding *f, enum dt_op op, const char *text, int threads,
                    size_t samples, uint64_t *state)
{
    const bool bias = op == DT_OP_BIAS;
    const struct variant *variants = bias ? bias_variants : attention_variants;
    const size_t count = bias ? sizeof bias_variants / sizeof *bias_variants
                              : sizeof attention_variants / sizeof *attention_variants;
    const size_t first = f->records.count;
    struct dt_problem problem;
    if (dt_problem_parse(text, &problem, NULL))
        abort();
    problem = dt_problem_class(op, &problem);
    for (size_t v = 0; v < count; v++)
        for (int tile = 0; tile < (variants[v].tiles ? variants[v].tiles : 1); tile++) {
            const struct dt_record r =
                record_of(&variants[v], op, &problem, tile, threads, samples, state);
            KEEP(f->records.items, f->records.count, r);
        }
    struct dt_record *best = &f->records.items[first];
    for (size_t r = first; r < f->records.count; r++)
        if (f->records.items[r].ns_median < best->ns_median)
            best = &f->records.items[r];
    best->winner = true;
    for (size_t r = first; r < f->records.count; r++)
        add_candidates(f, &f->records.items[r], best->ns_median, state);
}

static void tune(struct dt_finding *f, size_t samples, uint64_t *state)
{
    static const char *const bias[] = {
        "n16 log:256:512",          "n32 log:256:512",          "n64 log:256:512",
        "n128 log:256:512",         "n256 log:256:512",         "n512 log:256:512",
        "n1024 log:256:512",        "n2048 log:256:512",        "n4096 log:256:512",
        "n128 log:256:512 p2c:key", "n512 log:256:512 p2c:key", "n512 linear:512",
    };
    static const char *const attention[] = {
        "h12 n64 log:256:512",       "h12 n128 log:256:512",  "h12 n256 log:256:512",
        "h12 n512 log:256:512",      "h12 n1024 log:256:512", "h12 n2048 log:256:512",
        "h12 n512 log:256:512 none",
    };
    for (size_t n = 0; n < sizeof bias / sizeof *bias; n++)
        measure(f, DT_OP_BIAS, bias[n], 1, samples, state);
    for (size_t n = 0; n < sizeof attention / sizeof *attention; n++)
        measure(f, DT_OP_ATTENTION, attention[n], 1, samples, state);
    measure(f, DT_OP_ATTENTION, "h12 n512 log:256:512", 2, samples, state);
    measure(f, DT_OP_ATTENTION, "h12 n2048 log:256:512", 2, samples, state);
}

/* ---- Comparisons ----------------------------------------------------------- */

static double *ratios(double around, double spread, size_t count, uint64_t *state)
{
    double *values = malloc((count + 1) * sizeof *values);
    if (!values)
        abort();
    for (size_t n = 0; n < count; n++)
        values[n] = around * (1 + spread * noise(state));
    return values;
}

static void compare(struct dt_finding *f, double drift, uint64_t *state)
{
    static const struct {
        const char *problem, *reason;
        enum dt_op op;
        double ratio, ns;
        enum dt_judgement judgement;
    } cells[] = {
        {"h12 n512 log:256:512", "the whole interval lies beyond 3 % and 9 more pairs confirm it",
         DT_OP_ATTENTION, 1.062, 6.2e6, DT_REGRESSED},
        {"n2048 log:256:512", "the interval lies beyond 3 %, faster", DT_OP_BIAS, 0.931, 1.4e6,
         DT_IMPROVED},
        {"n512 log:256:512", "the whole interval lies within 3 %", DT_OP_BIAS, 1.004, 8.3e4,
         DT_EQUIVALENT},
        {"n128 log:256:512", "the whole interval lies within 3 %", DT_OP_BIAS, 0.998, 6.1e3,
         DT_EQUIVALENT},
        {"n16 log:256:512", "the interval reaches beyond 3 % when the time was over", DT_OP_BIAS,
         1.021, 260, DT_UNDECIDED},
        {"h12 n128 log:256:512", "the machine code is the same to the byte", DT_OP_ATTENTION, NAN,
         NAN, DT_SAME_CODE},
        {"h12 n64 log:256:512", "71 % of the samples failed a gate", DT_OP_ATTENTION, 1.013, 2e5,
         DT_VOID},
        {"n512 linear:512", "the whole interval lies within 3 %", DT_OP_BIAS, 1.011, 9.1e4,
         DT_EQUIVALENT},
    };
    for (size_t n = 0; n < sizeof cells / sizeof *cells; n++) {
        struct dt_cell c = {
            .subject = {.op = cells[n].op, .threads = 1},
            .base_ns = cells[n].ns,
            .head_ns = cells[n].ns * cells[n].ratio,
            .ratio =
                n ? cells[n].ratio * (1 + 0.003 * noise(state)) : 1 + (cells[n].ratio - 1) * drift,
            .lo = cells[n].ratio * (n == 4 ? 0.98 : 0.992),
            .hi = cells[n].ratio * (n == 4 ? 1.03 : 1.009),
            .boot_lo = cells[n].ratio * 0.994,
            .boot_hi = cells[n].ratio * 1.007,
            .band = 0.008 + 0.001 * (double)n,
            .delta = 0.03,
            .p = n ? 1 : 0.0004,
            .base_instructions = n < 3 ? 1.2e6 : NAN,
            .head_instructions = n < 3 ? 1.2e6 * cells[n].ratio : NAN,
            .judgement = cells[n].judgement,
        };
        c.lo = n ? c.lo : c.ratio * 0.99;
        c.hi = n ? c.hi : c.ratio * 1.01;
        if (dt_problem_parse(cells[n].problem, &c.subject.problem, NULL))
            abort();
        snprintf(c.reason, sizeof c.reason, "%s", cells[n].reason);
        snprintf(c.instructions_isa, sizeof c.instructions_isa, "%s", n < 3 ? "avx2" : "");
        if (isfinite(cells[n].ratio)) {
            c.pairs = 24;
            c.aa_pairs = 12;
            c.samples = 480;
            c.gated = n == 6 ? 341 : 3 * n;
            c.ratios = ratios(c.ratio, 0.01, c.pairs, state);
            c.aa_ratios = ratios(1, 0.008, c.aa_pairs, state);
        }
        KEEP(f->cells, f->cell_count, c);
    }
}

static void try_self(struct dt_finding *f)
{
    static const struct dt_trial_set sets[] = {
        {{.op = DT_OP_COUNT}, 0, 59, 0, 0, 0.0606, 58, NAN},
        {{.op = DT_OP_COUNT}, 0.01, 40, 0, 0, 0.088, 60, NAN},
        {{.op = DT_OP_COUNT}, 0.02, 40, 2, 0.006, 0.169, 60, NAN},
        {{.op = DT_OP_COUNT}, 0.03, 40, 11, 0.146, 0.439, 60, NAN},
        {{.op = DT_OP_COUNT}, 0.05, 40, 38, 0.831, 0.994, 60, NAN},
        {{.op = DT_OP_COUNT}, 0.1, 20, 20, 0.832, 1, 60, NAN},
        {{.op = DT_OP_COUNT}, 0.2, 20, 20, 0.832, 1, 60, NAN},
    };
    for (size_t s = 0; s < sizeof sets / sizeof *sets; s++)
        KEEP(f->trials, f->trial_count, sets[s]);
}

bool made_up_evidence(struct dt_evidence *evidence, size_t samples)
{
    static const char *const days[] = {"2024-05-01", "2024-05-02", "2024-05-03", "2024-05-06",
                                       "2024-05-07", "2024-05-08", "2024-05-09", "2024-05-10",
                                       "2024-05-13", "2024-05-14", "2024-05-15"};
    static const double drifts[] = {0.1, 0.05, 0.12, -0.1, 0.08, 0.9, 1.1, 1.05, 0.95, 0.98, 1};
    uint64_t state = 20240517;
    char date[24];
    *evidence = (struct dt_evidence){0};
    for (size_t d = 0; d < sizeof days / sizeof *days; d++) {
        snprintf(date, sizeof date, "%sT09:30:00Z", days[d]);
        struct dt_session session =
            session_of(date, "4d1f0c9e7b23", "disentune regress base/disentune head/disentune");
        snprintf(session.base.version, sizeof session.base.version, "0.1.0");
        snprintf(session.base.commit, sizeof session.base.commit, "0b5e11aa0c4d");
        struct dt_finding *f = dt_evidence_session(evidence, &session);
        if (!f)
            return false;
        compare(f, drifts[d], &state);
    }
    struct dt_session session =
        session_of("2024-05-16T09:30:00Z", "4d1f0c9e7b23", "disentune tune --suite deberta-v3");
    struct dt_finding *f = dt_evidence_session(evidence, &session);
    if (f)
        tune(f, samples, &state);
    session = session_of("2024-05-16T22:00:00Z", "4d1f0c9e7b23", "disentune selftest aa --runs 59");
    if (f && (f = dt_evidence_session(evidence, &session)))
        try_self(f);
    return f != NULL;
}
