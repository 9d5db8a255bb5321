/* SPDX-License-Identifier: MIT */
#include "tuner/session.h"

#include "kernels/error.h"
#include "tuner/build.h"
#include "tuner/copies.h"
#include "tuner/environment.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MEMORY_BYTES ((size_t)256 << 20)
#define FMA_ROUNDS 2000

void dt_session_init(struct dt_session *session, const struct dt_machine *machine,
                     char *const *arguments, uint64_t seed)
{
    *session = (struct dt_session){.seed = seed, .noise_floor = 0.01};
    memcpy(session->machine, machine->kinds[0].key, sizeof session->machine);
    snprintf(session->cpu, sizeof session->cpu, "%s",
             machine->cpu.name[0] ? machine->cpu.name : machine->cpu.uarch);
    dt_build_here(&session->build);
    dt_environment_read("", machine, session->environment);
    struct timespec start;
    clock_gettime(CLOCK_REALTIME, &start);
    snprintf(session->run, sizeof session->run, "%08" PRIx32 "%08" PRIx32, (uint32_t)start.tv_nsec,
             (uint32_t)getpid());
    struct tm utc;
    strftime(session->date, sizeof session->date, "%Y-%m-%dT%H:%M:%SZ",
             gmtime_r(&start.tv_sec, &utc));
    size_t used = (size_t)snprintf(session->command, sizeof session->command, "disentune");
    for (; *arguments && used < sizeof session->command; arguments++) {
        const char *quote = strpbrk(*arguments, " \t'\"*?[") ? "'" : "";
        used += (size_t)snprintf(session->command + used, sizeof session->command - used, " %s%s%s",
                                 quote, *arguments, quote);
    }
}

struct probe {
    const struct dt_variant *variant;
    struct dt_probe_args args;
};

static void run_probe(void *context, uint64_t calls)
{
    struct probe *probe = context;
    for (uint64_t c = 0; c < calls; c++)
        probe->variant->run.probe(&probe->args);
}

static void measure(struct dt_session *session, struct dt_sampler *sampler, struct probe *probe,
                    const char *place)
{
    static const char *const kinds[] = {
        [DT_PROBE_FMA] = "fma", [DT_PROBE_LOAD] = "load", [DT_PROBE_ADD] = "add"};
    if (session->ceiling_count == DT_CEILINGS_MAX)
        return;
    struct dt_ceiling *ceiling = &session->ceilings[session->ceiling_count++];
    struct dt_repeat repeat = {0};
    double ns[9];
    for (size_t n = 0; n < sizeof ns / sizeof *ns; n++)
        ns[n] = dt_sample(sampler, run_probe, probe, &repeat, NULL);
    ceiling->value = probe->args.amount / dt_median(ns, sizeof ns / sizeof *ns) * 1e9;
    snprintf(ceiling->name, sizeof ceiling->name, "%s.%s%s%s", kinds[probe->args.kind],
             dt_cpu_level_name(probe->variant->level), *place ? "." : "", place);
    snprintf(ceiling->unit, sizeof ceiling->unit, "%s",
             probe->args.kind == DT_PROBE_FMA ? "FLOP/s" : "B/s");
}

const struct dt_variant *dt_session_probe(void)
{
    const struct dt_variant *variant, *widest = NULL;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (dt_variant_applies(variant, DT_OP_PROBE, NULL, NULL) &&
            (!widest || variant->level > widest->level))
            widest = variant;
    return widest;
}

enum dt_status dt_session_ceilings(struct dt_session *session, const struct dt_machine *machine,
                                   struct dt_sampler *sampler, struct dt_error *error)
{
    const struct dt_variant *variant;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (dt_variant_applies(variant, DT_OP_PROBE, NULL, NULL)) {
            struct probe fma = {variant, {.kind = DT_PROBE_FMA, .n = FMA_ROUNDS}};
            measure(session, sampler, &fma, "");
        }

    float *memory = aligned_alloc(4096, MEMORY_BYTES);
    if (!memory)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for the bandwidth probes (%zu MiB)",
                            MEMORY_BYTES >> 20);
    for (size_t i = 0; i < MEMORY_BYTES / sizeof *memory; i++)
        memory[i] = (float)(i % 1021);
    const struct {
        const char *name;
        size_t bytes;
    } places[] = {
        {"l1", (size_t)dt_machine_share(machine, DT_L1D, 1) / 2},
        {"l2", (size_t)dt_machine_share(machine, DT_L2, 1) / 2},
        {"mem", MEMORY_BYTES},
    };
    for (int kind = DT_PROBE_LOAD; kind <= DT_PROBE_ADD; kind++)
        for (size_t p = 0; p < sizeof places / sizeof *places; p++) {
            const size_t arrays = kind == DT_PROBE_ADD ? 3 : 1;
            const size_t bytes = places[p].bytes < MEMORY_BYTES ? places[p].bytes : MEMORY_BYTES;
            const size_t n = bytes / sizeof(float) / arrays / 128 * 128;
            struct probe probe = {dt_session_probe(),
                                  {.kind = (enum dt_probe_kind)kind,
                                   .x = memory,
                                   .a = memory + n,
                                   .b = memory + 2 * n,
                                   .n = n}};
            measure(session, sampler, &probe, places[p].name);
        }
    free(memory);
    return DT_OK;
}

enum dt_status dt_session_noise(struct dt_session *session, struct dt_sampler *sampler,
                                struct dt_error *error)
{
    double shorter, longer;
    enum dt_status status =
        dt_copies_race("n128 log:256:512", sampler, session->seed, &shorter, error);
    if (!status)
        status = dt_copies_race("n512 log:256:512", sampler, session->seed + 1, &longer, error);
    if (!status)
        session->noise_floor = fmax(shorter, longer);
    return status;
}

void dt_session_judge(struct dt_session *session, const struct dt_sampler *sampler)
{
    if (session->noisy || !dt_sampler_noisy(sampler))
        return;
    session->noisy = true;
    session->noise_floor *= 2;
}

double dt_session_ceiling(const struct dt_session *session, const char *name)
{
    for (size_t c = 0; c < session->ceiling_count; c++)
        if (strcmp(session->ceilings[c].name, name) == 0)
            return session->ceilings[c].value;
    return NAN;
}
