/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"
#include "tuner/cli/noise_table.h"
#include "tuner/cli/output.h"
#include "tuner/machine.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    uint32_t bit;
    const char *name;
} quirks[] = {
    {DT_QUIRK_SLOW_GATHER, "slow-gather"},
};

#define QUIRKS (sizeof quirks / sizeof *quirks)

/* ---- Text ------------------------------------------------------------------ */

static void print_sets(const struct dt_machine *m)
{
    const char *cap = m->here ? getenv("DISENTUNE_CPU") : NULL;
    printf("instructions  ");
    if (!m->levels_known)
        printf("unknown");
    else if (m->cpu.levels == 0)
        printf("scalar");
    for (uint32_t bit = 1, n = 0; bit && bit <= m->cpu.levels; bit <<= 1)
        if (m->cpu.levels & bit)
            printf("%s%s", n++ ? ", " : "", dt_cpu_level_name(bit));
    if (cap && *cap)
        printf(" (capped by DISENTUNE_CPU=%s)", cap);
    if (m->levels_known && !m->here)
        printf(" (implied by the architecture and the model)");
    putchar('\n');
}

static void print_quirks(const struct dt_machine *m)
{
    if (m->cpu.quirks == 0)
        return;
    printf("quirks        ");
    for (size_t q = 0, n = 0; q < QUIRKS; q++)
        if (m->cpu.quirks & quirks[q].bit)
            printf("%s%s", n++ ? ", " : "", quirks[q].name);
    putchar('\n');
}

static void print_processor(const struct dt_machine *m)
{
    static const char *const virtuals[] = {"", ", no hypervisor", ", virtual machine"};
    printf("source        %s\n", m->source);
    if (*m->cpu.name)
        printf("processor     %s\n", m->cpu.name);
    printf("model         %s", m->architecture);
    if (strcmp(m->cpu.uarch, "unknown") != 0)
        printf(" %s", m->cpu.uarch);
    if (m->cpu.family)
        printf(", family %d model %d stepping %d", m->cpu.family, m->cpu.model, m->cpu.stepping);
    printf("%s\n", virtuals[m->virtual]);
    print_sets(m);
    print_quirks(m);
}

static const char *plural(int32_t count) { return count == 1 ? "" : "s"; }

static void print_topology(const struct dt_machine *m)
{
    printf("topology      %d package%s, %d NUMA node%s, %d core%s\n", m->packages,
           plural(m->packages), m->nodes, plural(m->nodes), m->worker_count,
           plural(m->worker_count));
    printf("allowed       %d of %d processor%s\n", m->processors, m->processors_present,
           plural(m->processors_present));
}

/* The workers of a kind as ranges of processors: "0-5,8". */
static void print_processors(const struct dt_machine *m, int32_t kind)
{
    const char *comma = "";
    for (int32_t w = 0; w < m->worker_count; w++) {
        if (m->workers[w].kind != kind)
            continue;
        const int32_t first = m->workers[w].processor;
        int32_t last = first;
        while (w + 1 < m->worker_count && m->workers[w + 1].kind == kind &&
               m->workers[w + 1].processor == last + 1) {
            last++;
            w++;
        }
        printf(first == last ? "%s%d" : "%s%d-%d", comma, first, last);
        comma = ",";
    }
}

static void print_caches(const struct dt_core_kind *kind)
{
    char size[DT_SIZE_TEXT_MAX], share[DT_SIZE_TEXT_MAX];
    printf("\n  cache  %-10s %4s  %-4s  %10s  %5s  %-10s  trust\n", "size", "line", "ways",
           "processors", "cores", "per worker");
    for (int level = 0; level < DT_LEVEL_COUNT; level++) {
        const struct dt_cache *cache = &kind->cache[level];
        char ways[12] = "?";
        if (cache->ways)
            snprintf(ways, sizeof ways, "%d", cache->ways);
        if (cache->ways < 0)
            snprintf(ways, sizeof ways, "full");
        printf("  %-5s  %-10s %4d  %-4s  %10d  %5d  %-10s  %s: %s\n", dt_level_name(level),
               cache->size ? dt_size_print(cache->size, size) : "none", cache->line, ways,
               cache->processors, cache->workers, dt_size_print(cache->share, share),
               dt_trust_name(cache->trust), cache->reason);
    }
}

static void print_kind(const struct dt_machine *m, int32_t k)
{
    const struct dt_core_kind *kind = &m->kinds[k];
    printf("\n");
    if (*kind->name)
        printf("%s: ", kind->name);
    printf("%d worker%s, %d thread%s a core, first processors ", kind->workers,
           plural(kind->workers), kind->threads, plural(kind->threads));
    print_processors(m, k);
    printf("\n");
    print_caches(kind);
    printf("\n");
    for (int tier = 0; tier < DT_KEY_TIERS; tier++)
        printf("  K%d  %s\n", tier, kind->key[tier]);
}

static void print_text(const struct dt_machine *m)
{
    print_processor(m);
    print_topology(m);
    for (int32_t k = 0; k < m->kind_count; k++)
        print_kind(m, k);
}

/* ---- JSON ------------------------------------------------------------------ */

static json_t *sets_json(const struct dt_machine *m)
{
    if (!m->levels_known)
        return json_null();
    json_t *sets = json_array();
    for (uint32_t bit = 1; bit && bit <= m->cpu.levels; bit <<= 1)
        if (m->cpu.levels & bit)
            json_array_append_new(sets, json_string(dt_cpu_level_name(bit)));
    return sets;
}

static json_t *quirks_json(const struct dt_machine *m)
{
    json_t *names = json_array();
    for (size_t q = 0; q < QUIRKS; q++)
        if (m->cpu.quirks & quirks[q].bit)
            json_array_append_new(names, json_string(quirks[q].name));
    return names;
}

static json_t *cache_json(const struct dt_cache *cache)
{
    return json_pack("{s:I, s:I, s:I, s:i, s:i, s:i, s:i, s:s, s:s}", "stated",
                     (json_int_t)cache->stated, "size", (json_int_t)cache->size, "share",
                     (json_int_t)cache->share, "line", cache->line, "ways", cache->ways,
                     "processors", cache->processors, "workers", cache->workers, "trust",
                     dt_trust_name(cache->trust), "reason", cache->reason);
}

static json_t *kind_json(const struct dt_core_kind *kind)
{
    json_t *keys = json_array(), *caches = json_object();
    for (int tier = 0; tier < DT_KEY_TIERS; tier++)
        json_array_append_new(keys, json_string(kind->key[tier]));
    for (int level = 0; level < DT_LEVEL_COUNT; level++)
        json_object_set_new(caches, dt_level_name(level), cache_json(&kind->cache[level]));
    return json_pack("{s:s, s:i, s:i, s:o, s:o}", "name", kind->name, "workers", kind->workers,
                     "threads", kind->threads, "caches", caches, "keys", keys);
}

/* NULL if memory ran out. */
static json_t *machine_json(const struct dt_machine *m)
{
    static const char *const virtuals[] = {"unknown", "none", "virtual machine"};
    json_t *kinds = json_array(), *workers = json_array();
    for (int32_t k = 0; k < m->kind_count; k++)
        json_array_append_new(kinds, kind_json(&m->kinds[k]));
    for (int32_t w = 0; w < m->worker_count; w++)
        json_array_append_new(
            workers, json_pack("{s:i, s:i, s:i, s:i}", "processor", m->workers[w].processor, "kind",
                               m->workers[w].kind, "package", m->workers[w].package, "node",
                               m->workers[w].node));
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:s, s:o, s:o,"
                     " s:i, s:i, s:i, s:i, s:o, s:o}",
                     "version", dt_version(), "source", m->source, "processor", m->cpu.name,
                     "vendor", m->cpu.vendor, "architecture", m->architecture, "uarch",
                     m->cpu.uarch, "family", m->cpu.family, "model", m->cpu.model, "stepping",
                     m->cpu.stepping, "hypervisor", virtuals[m->virtual], "instructions",
                     sets_json(m), "quirks", quirks_json(m), "packages", m->packages, "nodes",
                     m->nodes, "processors", m->processors, "processors_present",
                     m->processors_present, "kinds", kinds, "workers", workers);
}

static int write_json(const struct dt_machine *m, const char *path)
{
    struct cli_output output;
    struct dt_error error;
    if (cli_output_open(&output, path, &error))
        return cli_fail(&error);
    json_t *json = machine_json(m);
    const bool written = json && json_dumpf(json, output.stream, JSON_COMPACT) == 0 &&
                         fputc('\n', output.stream) != EOF;
    json_decref(json);
    return cli_output_finish(&output, written);
}

/* ---- The verb -------------------------------------------------------------- */

enum { OPTION_TOPOLOGY = 0x200, OPTION_NOISE, OPTION_SECONDS };

struct own {
    const char *topology;
    bool noise;
    double seconds; /* 0: not given */
};

static error_t parse(int key, char *argument, struct argp_state *state)
{
    struct own *own = state->input;
    char *end;
    switch (key) {
    case OPTION_TOPOLOGY:
        own->topology = argument;
        return 0;
    case OPTION_NOISE:
        own->noise = true;
        return 0;
    case OPTION_SECONDS:
        own->seconds = strtod(argument, &end);
        if (end == argument || *end || !(own->seconds > 0 && own->seconds <= 600))
            exit(cli_fail_text("--seconds is \"%.40s\"; use a number above 0, at most 600",
                               argument));
        return 0;
    case ARGP_KEY_END:
        if (own->noise && own->topology)
            exit(cli_fail_text("--noise measures this machine; leave out --topology"));
        if (own->seconds > 0 && !own->noise)
            exit(cli_fail_text("--seconds is the time of --noise; give both"));
        return 0;
    }
    return ARGP_ERR_UNKNOWN;
}

int verb_info(int argc, char **argv)
{
    static const struct argp_option options_own[] = {
        {"topology", OPTION_TOPOLOGY, "FILE|TEXT", 0,
         "describe the machine of an hwloc file or text, e.g. 'pack:2 core:4 pu:2'", 0},
        {"noise", OPTION_NOISE, NULL, 0, "measure instead how quiet this machine is", 0},
        {"seconds", OPTION_SECONDS, "S", 0, "time for --noise (default 5)", 0},
        {0},
    };
    static const struct argp argp = {.options = options_own, .parser = parse};
    struct own own = {.topology = NULL};
    struct cli_options options;
    cli_parse(argc, argv, "describe this machine: instruction sets, cores, caches, keys, noise",
              &argp, &own, &options);

    struct dt_machine machine;
    struct dt_error error;
    int code = CLI_OK;
    if (own.noise) {
        code = cli_noise_run(&options, own.seconds > 0 ? own.seconds : 5);
    } else if (own.topology ? dt_machine_describe(own.topology, &machine, &error)
                            : dt_machine_host(&machine, &error)) {
        code = cli_fail(&error);
    } else {
        const bool text = !options.quiet && !(options.json && strcmp(options.json, "-") == 0);
        if (options.json)
            code = write_json(&machine, options.json);
        if (!code && text)
            print_text(&machine);
        dt_machine_clear(&machine);
    }
    cli_options_clear(&options);
    return cli_finish(code);
}
