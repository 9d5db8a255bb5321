/* SPDX-License-Identifier: MIT */
#include "tuner/cli/noise_table.h"

#include "tuner/cli/output.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <string.h>

static double share(uint64_t part, uint64_t rest)
{
    return part ? (double)part / (double)(part + rest) : 0;
}

const char *cli_gates_text(const struct dt_sampler *s, char text[CLI_NOISE_TEXT_MAX])
{
    size_t used = 0;
    snprintf(text, CLI_NOISE_TEXT_MAX, "none");
    for (int g = 0; g < DT_GATE_COUNT; g++)
        if (s->fired[g] > 0 && used < CLI_NOISE_TEXT_MAX)
            used += (size_t)snprintf(text + used, CLI_NOISE_TEXT_MAX - used, "%s%s %" PRIu64,
                                     used ? ", " : "", dt_gate_name((enum dt_gate)g), s->fired[g]);
    return text;
}

const char *cli_noise_verdict(const struct dt_noise *noise, char text[CLI_NOISE_TEXT_MAX])
{
    const struct dt_sampler *s = &noise->sampler;
    const double band = 100 * dt_noise_band(noise);
    switch (dt_noise_judge(noise)) {
    case DT_NOISE_QUIET:
        snprintf(text, CLI_NOISE_TEXT_MAX, "quiet: differences of %.1f %% can be told", band);
        break;
    case DT_NOISE_MODERATE:
        snprintf(text, CLI_NOISE_TEXT_MAX, "moderate: differences of %.1f %% can be told", band);
        break;
    case DT_NOISE_NOISY:
        snprintf(text, CLI_NOISE_TEXT_MAX,
                 "noisy: %.0f %% of the samples and %.0f %% of the blocks were disturbed, most by "
                 "%s; differences below %.1f %% cannot be told",
                 100 * share(s->rejected, s->accepted),
                 100 * share(s->disturbed, s->blocks - s->disturbed),
                 dt_gate_name(dt_noise_worst_gate(s)), band);
        break;
    }
    return text;
}

/* ---- Text ------------------------------------------------------------------ */

static void print_rate(FILE *stream, const char *name, double rate, const char *unknown)
{
    if (isnan(rate))
        fprintf(stream, "%-14s%s\n", name, unknown);
    else
        fprintf(stream, "%-14s%.1f a second\n", name, rate);
}

void cli_noise_print(FILE *stream, const struct dt_noise *n)
{
    const struct dt_sampler *s = &n->sampler;
    char text[CLI_NOISE_TEXT_MAX];
    fprintf(stream, "clock         steps of %.0f ns, a reading takes %.0f ns\n", n->clock_step,
            n->clock_cost);
    fprintf(stream, "\n%" PRIu64 " loops of %.1f us in %.1f s, on any processor\n\n", n->loops,
            n->loop_ns * 1e-3, n->seconds);
    fprintf(stream,
            "jitter        half within %.2f %% of the median, 90 %% within %.2f %%, 99 %% within "
            "%.2f %%\n",
            100 * n->jitter_50, 100 * n->jitter_90, 100 * n->jitter_99);
    fprintf(stream, "drift         %+.2f %% from the first quarter to the last\n", 100 * n->drift);
    if (isnan(n->stolen))
        fprintf(stream, "stolen time   not told by this system\n");
    else
        fprintf(stream, "stolen time   %.2f %% of all processors\n", 100 * n->stolen);
    print_rate(stream, "throttling", n->throttled, "no control group with a quota");
    print_rate(stream, "preemptions", n->preemptions, "");
    print_rate(stream, "migrations", n->migrations, "");
    print_rate(stream, "page faults", n->faults, "");
    fprintf(stream, "\n%zu race%s of a plan with itself, on one processor\n\n", n->races,
            n->races == 1 ? "" : "s");
    fprintf(stream, "noise floor   %.2f %%, at worst %.2f %%\n", 100 * expm1(n->floor),
            100 * expm1(n->floor_worst));
    fprintf(stream, "rejected      %.1f %% of %" PRIu64 " samples, %.1f %% of %" PRIu64 " blocks\n",
            100 * share(s->rejected, s->accepted), s->accepted + s->rejected,
            100 * share(s->disturbed, s->blocks - s->disturbed), s->blocks);
    for (int g = 0; g < DT_GATE_COUNT; g++) {
        const bool sample = g < DT_GATE_STEAL;
        const uint64_t all = sample ? s->accepted + s->rejected : s->blocks;
        if (s->fired[g])
            fprintf(stream, "  %-12s%.1f %% of the %s\n", dt_gate_name((enum dt_gate)g),
                    100 * share(s->fired[g], all - s->fired[g]), sample ? "samples" : "blocks");
    }
    fprintf(stream, "shared core   %.1f %% of the blocks, with another hyperthread\n",
            100 * share(s->shared_blocks, s->blocks - s->shared_blocks));
    fprintf(stream, "\n%zu process%s that time%s this plan alone\n\n", n->processes,
            n->processes == 1 ? "" : "es", n->processes == 1 ? "s" : "");
    if (n->processes == 0)
        fprintf(stream, "processes     none came to its end\n");
    else
        fprintf(stream, "processes     half within %.2f %% of the median, 90 %% within %.2f %%\n",
                100 * n->process_50, 100 * n->process_90);
    fprintf(stream, "\n%s\n", cli_noise_verdict(n, text));
}

/* ---- JSON ------------------------------------------------------------------ */

static json_t *number(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* NULL if memory ran out. */
static json_t *noise_json(const struct dt_noise *n)
{
    static const char *const verdicts[] = {"quiet", "moderate", "noisy"};
    const struct dt_sampler *s = &n->sampler;
    json_t *gates = json_object();
    for (int g = 0; g < DT_GATE_COUNT; g++)
        json_object_set_new(gates, dt_gate_name((enum dt_gate)g),
                            json_integer((json_int_t)s->fired[g]));
    return json_pack(
        "{s:s, s:f, s:f, s:f, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:I, s:f, s:f,"
        " s:I, s:I, s:I, s:I, s:I, s:o, s:I, s:o, s:o, s:s, s:f}",
        "version", dt_version(), "clock_step_ns", n->clock_step, "clock_cost_ns", n->clock_cost,
        "seconds", n->seconds, "loops", (json_int_t)n->loops, "loop_ns", n->loop_ns, "jitter_p50",
        n->jitter_50, "jitter_p90", n->jitter_90, "jitter_p99", n->jitter_99, "drift", n->drift,
        "preemptions_per_second", n->preemptions, "migrations_per_second", n->migrations,
        "faults_per_second", n->faults, "stolen_share", number(n->stolen), "throttled_per_second",
        number(n->throttled), "races", (json_int_t)n->races, "noise_floor", n->floor,
        "noise_floor_worst", n->floor_worst, "accepted", (json_int_t)s->accepted, "rejected",
        (json_int_t)s->rejected, "blocks", (json_int_t)s->blocks, "disturbed_blocks",
        (json_int_t)s->disturbed, "shared_blocks", (json_int_t)s->shared_blocks, "fired", gates,
        "processes", (json_int_t)n->processes, "process_p50", number(n->process_50), "process_p90",
        number(n->process_90), "verdict", verdicts[dt_noise_judge(n)], "least_difference",
        dt_noise_band(n));
}

static int write_json(const struct dt_noise *noise, const char *path)
{
    struct cli_output output;
    struct dt_error error;
    if (cli_output_open(&output, path, &error))
        return cli_fail(&error);
    json_t *json = noise_json(noise);
    const bool written = json && json_dumpf(json, output.stream, JSON_COMPACT) == 0 &&
                         fputc('\n', output.stream) != EOF;
    json_decref(json);
    return cli_output_finish(&output, written);
}

int cli_noise_run(const struct cli_options *options, double seconds)
{
    const bool text = !options->quiet && !(options->json && strcmp(options->json, "-") == 0);
    struct dt_machine machine;
    struct dt_error error;
    struct dt_noise noise;
    if (dt_machine_host(&machine, &error))
        return cli_fail(&error);
    cli_progress(options, "noise", 0, seconds);
    int code = dt_noise_measure(&machine, seconds, options->seed, &noise, &error) ? cli_fail(&error)
                                                                                  : CLI_OK;
    cli_progress_end(options);
    dt_machine_clear(&machine);
    if (!code && options->json)
        code = write_json(&noise, options->json);
    if (!code && text)
        cli_noise_print(stdout, &noise);
    return code;
}
