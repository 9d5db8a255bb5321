/* SPDX-License-Identifier: MIT */
#include "tuner/machine.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KIB INT64_C(1024)
#define MIB (1024 * KIB)

/* ---- Whole machines ---------------------------------------------------------- */

/* What holds for any description. Returns the first violation, or NULL. */
static const char *violation(const struct dt_machine *m)
{
    int32_t of_kinds = 0;
    if (m->worker_count < 1 || m->processors < m->worker_count ||
        m->processors_present < m->processors || m->nodes < 1 || m->packages < 1)
        return "counts";
    for (int32_t k = 0; k < m->kind_count; k++) {
        const struct dt_core_kind *kind = &m->kinds[k];
        of_kinds += kind->workers;
        for (int level = 0; level < DT_LEVEL_COUNT; level++) {
            const struct dt_cache *cache = &kind->cache[level];
            if (cache->share < 8 * KIB || cache->workers < 1 || !*cache->reason ||
                cache->processors < cache->workers ||
                (cache->size && cache->share != cache->size / cache->workers))
                return "a cache of a kind";
        }
        for (int tier = 1; tier < DT_KEY_TIERS; tier++) {
            const size_t length = strlen(kind->key[tier - 1]);
            if (strncmp(kind->key[tier], kind->key[tier - 1], length) != 0 ||
                kind->key[tier][length] != ' ' || strlen(kind->key[tier]) >= DT_KEY_MAX)
                return "a key does not begin with the coarser one";
        }
        if (strstr(kind->key[DT_KEY_TIERS - 1], "Hz"))
            return "a key with a clock";
    }
    if (of_kinds != m->worker_count)
        return "workers of all kinds";
    for (int32_t w = 0; w < m->worker_count; w++) {
        const struct dt_worker *worker = &m->workers[w];
        if (worker->kind < 0 || worker->kind >= m->kind_count ||
            (w > 0 && worker->kind < m->workers[w - 1].kind))
            return "order of workers";
        for (int32_t other = 0; other < w; other++)
            if (m->workers[other].processor == worker->processor)
                return "two workers on one processor";
        for (int level = 0; level < DT_LEVEL_COUNT; level++)
            if (worker->cache[level] < 0 || worker->cache[level] >= m->cache_count)
                return "index of a cache";
    }
    for (int level = 0; level < DT_LEVEL_COUNT; level++)
        if (dt_machine_share(m, level, m->worker_count) <= 0 ||
            dt_machine_share(m, level, 1) < dt_machine_share(m, level, m->worker_count))
            return "share by the number of busy workers";
    return NULL;
}

static void check(struct dt_machine *m, enum dt_status status, const struct dt_error *error)
{
    cr_assert_eq(status, DT_OK, "%s", status ? error->text : "");
    const char *wrong = violation(m);
    cr_assert_null(wrong, "%s: %s", m->source, wrong ? wrong : "");
}

#define TEMPORARY "/tmp/disentune-test-XXXXXX"

static void write_temporary(char *path, const char *text)
{
    const int file = mkstemp(path);
    cr_assert(file >= 0 && write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
}

/* A topology of the tests, in which the first `old` after `place` is replaced; equal lengths. */
static void write_altered(char *path, const char *name, const char *place, const char *old,
                          const char *new)
{
    char source[PATH_MAX], text[32768] = "";
    snprintf(source, sizeof source, "%s/topologies/%s.xml", TESTS_DIR, name);
    FILE *file = fopen(source, "r");
    cr_assert(file && fread(text, 1, sizeof text - 1, file) > 1000);
    fclose(file);
    char *at = strstr(text, place);
    at = at ? strstr(at, old) : NULL;
    cr_assert(at && strlen(old) == strlen(new));
    memcpy(at, new, strlen(new));
    write_temporary(path, text);
}

static struct dt_machine load(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct dt_machine m;
    struct dt_error error;
    snprintf(path, sizeof path, "%s/topologies/%s.xml", folder, name);
    if (strcmp(folder, SHARED_DIR) == 0 && access(path, R_OK) != 0)
        cr_skip_test("%s is absent", path);
    check(&m, dt_machine_load(path, &m, &error), &error);
    return m;
}

static struct dt_machine synthetic(const char *description)
{
    struct dt_machine m;
    struct dt_error error;
    check(&m, dt_machine_synthetic(description, &m, &error), &error);
    return m;
}

static struct dt_machine host(void)
{
    struct dt_machine m;
    struct dt_error error;
    check(&m, dt_machine_host(&m, &error), &error);
    return m;
}

static void expect_cache(const struct dt_machine *m, int32_t kind, enum dt_level level,
                         int64_t size, int32_t processors, int32_t workers)
{
    const struct dt_cache *cache = &m->kinds[kind].cache[level];
    cr_expect(cache->size == size && cache->processors == processors && cache->workers == workers,
              "%s %s: %jd bytes for %d processors, %d workers", m->source, dt_level_name(level),
              (intmax_t)cache->size, cache->processors, cache->workers);
}

static void expect_counts(const struct dt_machine *m, int32_t packages, int32_t nodes,
                          int32_t workers, int32_t processors)
{
    cr_expect(m->packages == packages && m->nodes == nodes && m->worker_count == workers &&
                  m->processors == processors,
              "%s: %d packages, %d nodes, %d workers, %d processors", m->source, m->packages,
              m->nodes, m->worker_count, m->processors);
}

Test(machine, hybrid_has_two_kinds_with_different_caches)
{
    struct dt_machine m = load(TESTS_DIR, "raptorlake-i7-1370p");
    expect_counts(&m, 1, 1, 14, 20);
    cr_assert_eq(m.kind_count, 2);
    cr_expect_str_eq(m.kinds[0].name, "IntelCore");
    cr_expect_eq(m.kinds[0].workers, 6);
    cr_expect_eq(m.kinds[0].threads, 2);
    expect_cache(&m, 0, DT_L1D, 48 * KIB, 2, 1);
    expect_cache(&m, 0, DT_L2, 1280 * KIB, 2, 1);
    expect_cache(&m, 0, DT_L3, 24 * MIB, 20, 14);
    cr_expect_str_eq(m.kinds[1].name, "IntelAtom");
    cr_expect_eq(m.kinds[1].workers, 8);
    cr_expect_eq(m.kinds[1].threads, 1);
    expect_cache(&m, 1, DT_L1D, 32 * KIB, 1, 1);
    expect_cache(&m, 1, DT_L2, 2 * MIB, 4, 4);
    cr_expect_eq(m.kinds[1].cache[DT_L2].share, 512 * KIB);
    cr_expect_eq(m.workers[5].processor, 10);
    cr_expect_eq(m.workers[6].processor, 12);
    cr_expect_str_eq(m.kinds[1].key[3], "x86_64 avx2 alderlake IntelAtom l1:32K l2:512K l3:1755K "
                                        "smt:1 6.186.2 vm?");
    dt_machine_clear(&m);
}

Test(machine, missing_caches_become_defaults)
{
    struct dt_machine m = load(TESTS_DIR, "arm-2-cores");
    expect_counts(&m, 1, 1, 2, 2);
    expect_cache(&m, 0, DT_L1D, 32 * KIB, 1, 1);
    expect_cache(&m, 0, DT_L2, 512 * KIB, 1, 1);
    expect_cache(&m, 0, DT_L3, 0, 1, 1);
    cr_expect_eq(m.kinds[0].cache[DT_L1D].trust, DT_TRUST_DEFAULT);
    cr_expect_eq(dt_machine_share(&m, DT_L3, 2), 512 * KIB);
    cr_expect_eq(m.kind_count, 1);
    cr_expect_str_eq(m.kinds[0].key[2], "arm sets-unknown unknown l1:32K l2:512K l3:512K smt:1");
    cr_expect_not(m.levels_known);
    dt_machine_clear(&m);
}

Test(machine, only_allowed_processors_count)
{
    struct dt_machine m = load(TESTS_DIR, "cgroup-restricted");
    expect_counts(&m, 1, 2, 6, 6);
    cr_expect_eq(m.processors_present, 32);
    expect_cache(&m, 0, DT_L3, 5240832, 4, 4);
    const struct dt_cache *other = &m.caches[m.workers[5].cache[DT_L3]];
    cr_expect(other->workers == 2 && other->processors == 2 && other->share == 5240832 / 2);
    cr_expect_eq(dt_machine_share(&m, DT_L3, 1), 5240832);
    cr_expect_eq(dt_machine_share(&m, DT_L3, 3), 5240832 / 3);
    cr_expect_eq(dt_machine_share(&m, DT_L3, 6), 5240832 / 4);
    cr_expect(m.workers[0].node == 0 && m.workers[5].node == 1);
    dt_machine_clear(&m);
}

/* 240 MB of L3 for the two cores that a cgroup leaves are plausible: the hardware has four. */
Test(machine, hidden_cores_count_for_plausibility)
{
    char path[] = TEMPORARY;
    struct dt_machine m;
    struct dt_error error;
    write_altered(path, "cgroup-restricted", "complete_cpuset=\"0x000000f0\"",
                  "\"5240832\" depth=\"3\" cache_linesize=\"64\"",
                  "\"240000000\" depth=\"3\" cache_linesize=\"\"");
    check(&m, dt_machine_load(path, &m, &error), &error);
    unlink(path);
    const struct dt_cache *cache = &m.caches[m.workers[5].cache[DT_L3]];
    cr_expect(cache->trust == DT_TRUST_PLAUSIBLE && cache->share == 120000000, "%s", cache->reason);
    dt_machine_clear(&m);
}

Test(machine, zen4_shares_each_l3_among_eight_cores)
{
    struct dt_machine m = load(SHARED_DIR, "zen4-2x-epyc-9654");
    expect_counts(&m, 2, 2, 192, 384);
    expect_cache(&m, 0, DT_L1D, 32 * KIB, 2, 1);
    expect_cache(&m, 0, DT_L2, MIB, 2, 1);
    expect_cache(&m, 0, DT_L3, 32 * MIB, 16, 8);
    cr_expect_eq(m.cache_count, 192 + 192 + 24);
    cr_expect_eq(m.kinds[0].cache[DT_L3].share, 4 * MIB);
    cr_expect_str_eq(m.kinds[0].key[3],
                     "x86_64 avx2+avx512 zen4 l1:32K l2:1M l3:4M smt:2 25.17.1 vm?");
    dt_machine_clear(&m);
}

Test(machine, xeon_max_l3_is_believed)
{
    struct dt_machine m = load(SHARED_DIR, "sapphirerapids-2x-xeonmax-9460");
    expect_counts(&m, 2, 1, 80, 160);
    expect_cache(&m, 0, DT_L3, 102236160, 80, 40);
    cr_expect_eq(m.kinds[0].cache[DT_L3].trust, DT_TRUST_PLAUSIBLE);
    dt_machine_clear(&m);
}

Test(machine, cascadelake_counts_threads_of_a_core_once)
{
    struct dt_machine m = load(SHARED_DIR, "cascadelake-2x-xeon-6230");
    expect_counts(&m, 2, 1, 40, 80);
    expect_cache(&m, 0, DT_L2, MIB, 2, 1);
    expect_cache(&m, 0, DT_L3, 28835840, 40, 20);
    dt_machine_clear(&m);
}

Test(machine, cores_that_differ_by_clock_alone_are_one_kind)
{
    struct dt_machine m = load(SHARED_DIR, "arm-dgx-gb10");
    expect_counts(&m, 1, 1, 20, 20);
    cr_assert_eq(m.kind_count, 2);
    cr_expect(strcmp(m.kinds[0].name, "big") == 0 && m.kinds[0].workers == 10);
    expect_cache(&m, 0, DT_L2, 2 * MIB, 1, 1);
    expect_cache(&m, 0, DT_L3, 8 * MIB, 10, 10);
    expect_cache(&m, 1, DT_L2, 512 * KIB, 1, 1);
    cr_expect_eq(m.workers[0].processor, 5);
    cr_expect_str_eq(m.kinds[0].key[0], "aarch64 neon");
    dt_machine_clear(&m);
}

Test(machine, memories_beside_the_same_cores_are_one_node)
{
    struct dt_machine m = synthetic("pack:2 [numa] [numa] core:4 pu:2");
    expect_counts(&m, 2, 2, 8, 16);
    cr_expect_str_eq(m.kinds[0].key[0], "unknown sets-unknown");
    dt_machine_clear(&m);
}

Test(machine, share_depends_on_who_is_busy)
{
    struct dt_machine m = synthetic("pack:2 l3:1(size=33554432) l2:2(size=2097152) "
                                    "l1d:2(size=32768) core:1 pu:2");
    expect_counts(&m, 2, 1, 8, 16);
    expect_cache(&m, 0, DT_L2, 2 * MIB, 4, 2);
    static const struct {
        int32_t busy;
        int64_t l1, l2, l3;
    } cases[] = {
        {0, 32 * KIB, 2 * MIB, 32 * MIB}, {1, 32 * KIB, 2 * MIB, 32 * MIB},
        {2, 32 * KIB, MIB, 16 * MIB},     {3, 32 * KIB, MIB, 32 * MIB / 3},
        {5, 32 * KIB, MIB, 8 * MIB},      {99, 32 * KIB, MIB, 8 * MIB},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++)
        cr_expect(dt_machine_share(&m, DT_L1D, cases[n].busy) == cases[n].l1 &&
                      dt_machine_share(&m, DT_L2, cases[n].busy) == cases[n].l2 &&
                      dt_machine_share(&m, DT_L3, cases[n].busy) == cases[n].l3,
                  "%d busy workers", cases[n].busy);
    dt_machine_clear(&m);
}

Test(machine, implausible_l3_is_clamped)
{
    struct dt_machine m = synthetic("l3:1(size=503316480) l2:2(size=2097152) core:1 pu:1");
    expect_cache(&m, 0, DT_L3, 4 * MIB, 2, 2);
    cr_expect_eq(m.kinds[0].cache[DT_L3].trust, DT_TRUST_CLAMPED);
    cr_expect_eq(m.kinds[0].cache[DT_L3].stated, 480 * MIB);
    dt_machine_clear(&m);
}

/* ---- Bad input ---------------------------------------------------------------- */

static void expect_refused(const char *path, enum dt_status expected)
{
    struct dt_machine m = {.worker_count = 77};
    struct dt_error error = {0};
    const enum dt_status status = dt_machine_load(path, &m, &error);
    cr_expect(status == expected && error.status == expected && *error.text &&
                  !strchr(error.text, '\n') && m.worker_count == 77,
              "\"%s\": status %d, \"%s\"", path, status, error.text);
    cr_expect_eq(dt_machine_load(path, &m, NULL), expected);
}

static void expect_text_refused(const char *text)
{
    char path[] = TEMPORARY;
    write_temporary(path, text);
    expect_refused(path, DT_INVALID);
    unlink(path);
}

Test(machine, bad_files_are_refused)
{
    expect_refused("/nonexistent/machine.xml", DT_IO);
    expect_refused(TESTS_DIR, DT_IO);
    expect_refused("", DT_IO);
    expect_refused("/dev/null", DT_INVALID);
    expect_text_refused("not XML");
    expect_text_refused("<?xml version=\"1.0\"?><topology version=\"2.0\"></topology>");
    expect_text_refused("<topology version=\"2.0\"><object type=\"Machine\" os_index=\"0\" "
                        "cpuset=\"0x1\" complete_cpuset=\"0x1\" allowed_cpuset=\"0x1\">");
}

/* hwloc 2.9 dies of a NUMA node without its complete set of nodes; a later one may not. */
Test(machine, a_file_that_kills_hwloc_kills_nothing_else)
{
    char path[] = TEMPORARY;
    struct dt_machine m = {0};
    write_altered(path, "arm-2-cores", "NUMANode", "complete_nodeset", "unknown_nodesets");
    const enum dt_status status = dt_machine_load(path, &m, NULL);
    cr_expect(status == DT_INVALID || (status == DT_OK && !violation(&m)));
    unlink(path);
    dt_machine_clear(&m);
}

Test(machine, bad_synthetic_descriptions_are_refused)
{
    struct dt_machine m;
    struct dt_error error = {0};
    cr_expect_eq(dt_machine_synthetic("garbage", &m, &error), DT_INVALID);
    cr_expect_eq(dt_machine_synthetic("", &m, NULL), DT_INVALID);
    cr_expect(strstr(error.text, "garbage"));
}

/* ---- This machine ------------------------------------------------------------- */

static void bind_to(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    cr_assert_eq(sched_setaffinity(0, sizeof set, &set), 0);
}

static bool bound_to(int processor)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1 &&
           CPU_ISSET((size_t)processor, &set);
}

/* Threads of this process that may not run wherever `set` says. */
static size_t count_bound_threads(const cpu_set_t *set)
{
    DIR *tasks = opendir("/proc/self/task");
    cr_assert_not_null(tasks);
    size_t count = 0;
    for (struct dirent *entry; (entry = readdir(tasks));) {
        cpu_set_t own;
        const pid_t thread = atoi(entry->d_name);
        count +=
            thread > 0 && sched_getaffinity(thread, sizeof own, &own) == 0 && !CPU_EQUAL(&own, set);
    }
    closedir(tasks);
    return count;
}

Test(machine, host_has_keys_and_workers_that_can_be_pinned)
{
    struct dt_machine m = host();
    cr_expect(m.here && m.levels_known);
    cr_expect_str_eq(m.cpu.uarch, dt_cpu_host()->uarch);
    const int32_t last = m.worker_count - 1;
    cr_expect_eq(dt_machine_pin(&m, last, NULL), DT_OK);
    cr_expect(bound_to(m.workers[last].processor));
    cr_expect_eq(dt_machine_pin(&m, -1, NULL), DT_INVALID);
    cr_expect_eq(dt_machine_pin(&m, m.worker_count, NULL), DT_INVALID);
    m.workers[0].processor = 1 << 20;
    cr_expect_eq(dt_machine_pin(&m, 0, NULL), DT_IO);
    dt_machine_clear(&m);
}

Test(machine, a_binding_is_given_back_to_the_whole_team)
{
    struct dt_machine m = host();
    struct dt_worker workers[2] = {m.workers[0], m.workers[0]};
    struct dt_machine pinned = m;
    struct dt_binding binding;
    cpu_set_t before, after;
    pinned.workers = workers;
    pinned.worker_count = 2;
    cr_assert_eq(sched_getaffinity(0, sizeof before, &before), 0);
    cr_assert_eq(dt_binding_save(&binding, NULL), DT_OK);
    const bool team = dt_machine_pin_team(&pinned, 2, NULL) == DT_OK;
    cr_assert_eq(dt_machine_pin(&pinned, 1, NULL), DT_OK);
    cr_expect(bound_to(workers[1].processor));
    dt_binding_restore(&binding, team ? 2 : 1);
    cr_assert_eq(sched_getaffinity(0, sizeof after, &after), 0);
    cr_expect(CPU_EQUAL(&before, &after));
    cr_expect_null(binding.processors);
    cr_expect_eq(count_bound_threads(&before), 0, "a thread of the team is still bound");
    dt_machine_clear(&m);
}

Test(machine, host_is_limited_to_the_affinity_of_the_thread)
{
    struct dt_machine whole = host();
    const int processor = whole.workers[whole.worker_count - 1].processor;
    dt_machine_clear(&whole);
    bind_to(processor);
    struct dt_machine m = host();
    cr_expect(m.worker_count == 1 && m.processors == 1 && m.workers[0].processor == processor);
    for (int level = 0; level < DT_LEVEL_COUNT; level++)
        cr_expect_eq(m.kinds[0].cache[level].workers, 1);
    dt_machine_clear(&m);
}

Test(machine, host_works_when_hwloc_fails)
{
    setenv("HWLOC_XMLFILE", TESTS_DIR "/test_machine.c", 1);
    struct dt_machine m = host();
    cpu_set_t set;
    cr_assert_eq(sched_getaffinity(0, sizeof set, &set), 0);
    cr_expect(m.here && m.worker_count == CPU_COUNT(&set));
    cr_expect_eq(m.kinds[0].cache[DT_L2].trust, DT_TRUST_DEFAULT);
    cr_expect_eq(dt_machine_pin(&m, 0, NULL), DT_OK);
    dt_machine_clear(&m);
}

Test(machine, host_works_without_sysfs)
{
    setenv("HWLOC_FSROOT", "/nonexistent", 1);
    setenv("HWLOC_THISSYSTEM", "1", 1);
    setenv("HWLOC_COMPONENTS", "-x86", 1);
    struct dt_machine m = host();
    cr_expect(m.here);
    cr_expect_eq(m.kinds[0].cache[DT_L1D].trust, DT_TRUST_DEFAULT);
    dt_machine_clear(&m);
}

Test(machine, hwlocs_environment_describes_another_machine)
{
    setenv("HWLOC_SYNTHETIC", "core:3 pu:2", 1);
    struct dt_machine m = host();
    struct dt_error error = {0};
    expect_counts(&m, 1, 1, 3, 6);
    cr_expect_not(m.here);
    cr_expect_eq(dt_machine_pin(&m, 0, &error), DT_INVALID);
    dt_machine_clear(&m);
}

Test(machine, keys_follow_the_cap)
{
    setenv("DISENTUNE_CPU", "scalar", 1);
    struct dt_machine m = host();
    const char *key = m.kinds[0].key[0];
    const size_t length = strlen(key);
    cr_expect(length > 7 && strcmp(key + length - 7, " scalar") == 0, "\"%s\"", key);
    dt_machine_clear(&m);
}
