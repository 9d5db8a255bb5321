/* SPDX-License-Identifier: MIT */
/*
 * From hwloc's tree to a flat description.
 *
 *     Package            allowed processors: 0 1 3        workers  0: processor 0, caches 0 1 2
 *       L3                                                         1: processor 3, caches 3 4 2
 *         L2 L1d Core                                     caches   0: L1d  1: L2  2: L3 (2 workers)
 *           PU 0, PU 1                                             3: L1d  4: L2
 *         L2 L1d Core
 *           PU 2 (forbidden), PU 3
 *
 * One walk over the processors finds the workers and, upwards from each, its caches; a level that
 * the tree lacks becomes an instance of that worker alone, of which nothing is stated. Then the
 * caches are judged (cache.h), the workers sorted into kinds, and the keys written. Without any
 * tree the processors come from the scheduler and the rest is the same.
 *
 * NUMA nodes are counted by the processors that are local to them, so that high-bandwidth memory,
 * which hwloc shows as a second node beside the same cores, does not double them.
 */
#include "tuner/machine.h"

#include "kernels/error.h"
#include "tuner/identify.h"
#include "tuner/kinds.h"

#include <errno.h>
#include <fcntl.h>
#include <hwloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#define XML_MAX (64 << 20)

/* Where an instance of a cache comes from, while the description is made. */
struct origin {
    hwloc_obj_t object; /* NULL if nothing is stated */
    int32_t cores;      /* that share it in hardware */
};

struct builder {
    hwloc_topology_t topology; /* NULL: nothing but `allowed` is known */
    hwloc_cpuset_t allowed;
    struct dt_machine machine;
    struct dt_site *sites;
    struct origin *origins;
};

/* Copies printable ASCII without leading, trailing and double spaces. */
static void copy_text(char *target, size_t size, const char *source)
{
    size_t length = 0;
    for (; source && *source && length + 1 < size; source++) {
        const bool printable = *source > ' ' && *source <= '~';
        if (printable || (length > 0 && target[length - 1] != ' '))
            target[length++] = printable ? *source : ' ';
    }
    while (length > 0 && target[length - 1] == ' ')
        length--;
    target[length] = '\0';
}

/* The same for a word of a key: anything but letters, digits, '.', '-' and '_' becomes '-'. */
static void copy_word(char *target, size_t size, const char *source)
{
    copy_text(target, size, source);
    for (char *c = target; *c; c++)
        if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", *c))
            *c = '-';
}

static int32_t weight(hwloc_const_bitmap_t set)
{
    const int bits = set ? hwloc_bitmap_weight(set) : 0;
    return bits > 0 ? bits : 0;
}

static int32_t weight_allowed(const struct builder *b, hwloc_const_bitmap_t set)
{
    int32_t count = 0;
    for (int bit = hwloc_bitmap_first(b->allowed); bit >= 0;
         bit = hwloc_bitmap_next(b->allowed, bit))
        count += hwloc_bitmap_isset(set, (unsigned)bit);
    return count;
}

static hwloc_obj_t ancestor(hwloc_obj_t object, hwloc_obj_type_t type)
{
    while (object && object->type != type)
        object = object->parent;
    return object;
}

/* ---- Caches ---------------------------------------------------------------- */

static int32_t cores_sharing(const struct builder *b, hwloc_obj_t object, int32_t threads)
{
    int seen = hwloc_get_nbobjs_inside_cpuset_by_type(b->topology, object->cpuset, HWLOC_OBJ_CORE);
    if (seen <= 0)
        seen = weight(object->cpuset);
    const int32_t hidden = weight(object->complete_cpuset) - weight(object->cpuset);
    return seen + (hidden > 0 ? hidden / threads : 0);
}

/* The instance for `object`, which is new if this is its first worker; that has `threads` in
 * hardware, of which `processors` are allowed. */
static int32_t find_cache(struct builder *b, hwloc_obj_t object, int32_t threads,
                          int32_t processors)
{
    struct dt_machine *m = &b->machine;
    for (int32_t c = m->cache_count - 1; object && c >= 0; c--)
        if (b->origins[c].object == object)
            return c;
    const int32_t c = m->cache_count++;
    b->origins[c] = (struct origin){object, 1};
    m->caches[c].processors = processors;
    if (object) {
        const struct hwloc_cache_attr_s *cache = &object->attr->cache;
        m->caches[c].stated = cache->size > INT64_MAX ? INT64_MAX : (int64_t)cache->size;
        m->caches[c].line = cache->linesize > 4096 ? 0 : (int32_t)cache->linesize;
        m->caches[c].ways = cache->associativity;
        m->caches[c].processors = weight_allowed(b, object->cpuset);
        b->origins[c].cores = cores_sharing(b, object, threads);
    }
    return c;
}

static void judge_caches(struct builder *b)
{
    struct dt_machine *m = &b->machine;
    for (int32_t level = 0; level < DT_LEVEL_COUNT; level++)
        for (int32_t w = 0; w < m->worker_count; w++) {
            const int32_t *cache = b->sites[w].worker.cache;
            const int64_t below = level > 0 ? m->caches[cache[level - 1]].share : 0;
            const int32_t c = cache[level];
            dt_cache_judge(&m->caches[c], level, b->origins[c].cores, m->virtual, below);
        }
}

/* ---- Workers --------------------------------------------------------------- */

static void read_kind(const struct builder *b, hwloc_obj_t pu, struct dt_site *site)
{
    const int kind = hwloc_cpukinds_get_by_cpuset(b->topology, pu->cpuset, 0);
    struct hwloc_info_s *infos;
    unsigned count;
    int rank;
    if (kind < 0 ||
        hwloc_cpukinds_get_info(b->topology, (unsigned)kind, NULL, &rank, &count, &infos, 0))
        return;
    site->rank = rank > 0 ? rank : 0;
    for (unsigned n = 0; n < count; n++)
        if (strcmp(infos[n].name, "CoreType") == 0)
            copy_word(site->type, sizeof site->type, infos[n].value);
        else if (strcmp(infos[n].name, "LinuxCapacity") == 0)
            site->capacity = atoi(infos[n].value);
}

/* `pu` is NULL if only the number is known. */
static void add_worker(struct builder *b, int32_t processor, hwloc_obj_t pu)
{
    static const hwloc_obj_type_t types[] = {HWLOC_OBJ_L1CACHE, HWLOC_OBJ_L2CACHE,
                                             HWLOC_OBJ_L3CACHE};
    struct dt_machine *m = &b->machine;
    struct dt_site *site = &b->sites[m->worker_count];
    *site = (struct dt_site){.order = m->worker_count++, .threads = 1};
    site->worker.processor = processor;
    int32_t processors = 1;
    if (pu) {
        const hwloc_obj_t core = ancestor(pu, HWLOC_OBJ_CORE);
        const hwloc_obj_t package = ancestor(pu, HWLOC_OBJ_PACKAGE);
        if (core) {
            processors = weight_allowed(b, core->cpuset);
            site->threads = weight(core->complete_cpuset) > 0 ? weight(core->complete_cpuset) : 1;
        }
        site->worker.package = package ? (int32_t)package->os_index : 0;
        read_kind(b, pu, site);
    }
    for (int32_t level = 0; level < DT_LEVEL_COUNT; level++) {
        const int32_t c = find_cache(b, ancestor(pu, types[level]), site->threads, processors);
        m->caches[c].workers++;
        site->worker.cache[level] = c;
    }
}

static void add_workers(struct builder *b)
{
    if (!b->topology) {
        for (int bit = hwloc_bitmap_first(b->allowed); bit >= 0;
             bit = hwloc_bitmap_next(b->allowed, bit))
            add_worker(b, bit, NULL);
        return;
    }
    hwloc_obj_t last_core = NULL;
    for (hwloc_obj_t pu = NULL; (pu = hwloc_get_next_obj_by_type(b->topology, HWLOC_OBJ_PU, pu));) {
        const hwloc_obj_t core = ancestor(pu, HWLOC_OBJ_CORE);
        if (!hwloc_bitmap_isset(b->allowed, pu->os_index) || (core && core == last_core))
            continue;
        last_core = core;
        add_worker(b, (int32_t)pu->os_index, pu);
    }
}

static void count_nodes(struct builder *b)
{
    struct dt_machine *m = &b->machine;
    hwloc_cpuset_t seen = hwloc_bitmap_alloc();
    for (hwloc_obj_t node = NULL;
         seen && (node = hwloc_get_next_obj_by_type(b->topology, HWLOC_OBJ_NUMANODE, node));) {
        bool fresh = false;
        for (int32_t w = 0; w < m->worker_count; w++) {
            const unsigned processor = (unsigned)b->sites[w].worker.processor;
            if (!hwloc_bitmap_isset(node->cpuset, processor) || hwloc_bitmap_isset(seen, processor))
                continue;
            hwloc_bitmap_set(seen, processor);
            b->sites[w].worker.node = (int32_t)node->os_index;
            fresh = true;
        }
        m->nodes += fresh;
    }
    hwloc_bitmap_free(seen);
}

static void count_packages(struct builder *b)
{
    for (hwloc_obj_t package = NULL;
         (package = hwloc_get_next_obj_by_type(b->topology, HWLOC_OBJ_PACKAGE, package));)
        b->machine.packages += weight_allowed(b, package->cpuset) > 0;
}

/* ---- The processor --------------------------------------------------------- */

static const char *info(hwloc_topology_t topology, const char *name)
{
    const hwloc_obj_t root = hwloc_get_root_obj(topology);
    const hwloc_obj_t package = hwloc_get_obj_by_type(topology, HWLOC_OBJ_PACKAGE, 0);
    const char *value = hwloc_obj_get_info_by_name(root, name);
    return value || !package ? value : hwloc_obj_get_info_by_name(package, name);
}

static int info_number(hwloc_topology_t topology, const char *name)
{
    const char *value = info(topology, name);
    const long number = value ? strtol(value, NULL, 0) : 0;
    return number < 0 || number > 0xffff ? 0 : (int)number;
}

/* What a file or a synthetic description tells of the processor. */
static void read_processor(struct dt_machine *m, hwloc_topology_t topology)
{
    struct dt_cpu *cpu = &m->cpu;
    *cpu = (struct dt_cpu){
        .family = info_number(topology, "CPUFamilyNumber"),
        .model = info_number(topology, "CPUModelNumber"),
        .stepping = info_number(topology, "CPUStepping"),
        .uarch = "unknown",
    };
    copy_text(cpu->name, sizeof cpu->name, info(topology, "CPUModel"));
    copy_word(cpu->vendor, sizeof cpu->vendor, info(topology, "CPUVendor"));
    copy_word(m->architecture, sizeof m->architecture, info(topology, "Architecture"));
    m->levels_known = dt_identify_x86(cpu);
    if (m->levels_known)
        snprintf(m->architecture, sizeof m->architecture, "x86_64");
    if (strcmp(m->architecture, "aarch64") == 0) {
        cpu->levels = DT_CPU_NEON;
        m->levels_known = true;
    }
    if (!m->architecture[0])
        snprintf(m->architecture, sizeof m->architecture, "unknown");
}

static void read_host(struct dt_machine *m)
{
    struct utsname name;
    m->cpu = *dt_cpu_host();
    m->levels_known = true;
    copy_word(m->architecture, sizeof m->architecture,
              uname(&name) == 0 ? name.machine : "unknown");
    if (strcmp(m->architecture, "x86_64") == 0)
        m->virtual = m->cpu.hypervisor ? DT_VIRTUAL_MACHINE : DT_VIRTUAL_NONE;
}

/* ---- Construction ---------------------------------------------------------- */

static enum dt_status build(struct builder *b, struct dt_error *error)
{
    struct dt_machine *m = &b->machine;
    const int32_t most =
        b->topology ? hwloc_get_nbobjs_by_type(b->topology, HWLOC_OBJ_PU) : weight(b->allowed);
    const size_t count = most > 0 ? (size_t)most : 1;
    b->sites = calloc(count, sizeof *b->sites);
    b->origins = calloc(count * DT_LEVEL_COUNT, sizeof *b->origins);
    m->workers = calloc(count, sizeof *m->workers);
    m->caches = calloc(count * DT_LEVEL_COUNT, sizeof *m->caches);
    if (!b->sites || !b->origins || !m->workers || !m->caches)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to describe %zu processors", count);

    if (m->here)
        read_host(m);
    else
        read_processor(m, b->topology);
    add_workers(b);
    if (m->worker_count == 0)
        return dt_error_set(error, DT_INVALID, "%s has no processor that may be used", m->source);
    judge_caches(b);
    m->processors = m->processors_present = weight(b->allowed);
    if (b->topology) {
        const int32_t present = weight(hwloc_get_root_obj(b->topology)->complete_cpuset);
        if (present > m->processors)
            m->processors_present = present;
        count_nodes(b);
        count_packages(b);
    }
    m->nodes += m->nodes == 0;
    m->packages += m->packages == 0;
    dt_kinds_sort(m, b->sites);
    dt_kinds_write_keys(m);
    return DT_OK;
}

/* Takes over neither topology nor allowed. */
static enum dt_status describe(hwloc_topology_t topology, hwloc_cpuset_t allowed, bool here,
                               const char *source, struct dt_machine *machine,
                               struct dt_error *error)
{
    if (!allowed)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a set of processors");
    struct builder b = {.topology = topology, .allowed = allowed, .machine.here = here};
    copy_text(b.machine.source, sizeof b.machine.source, source);
    const enum dt_status status = build(&b, error);
    free(b.sites);
    free(b.origins);
    if (status)
        dt_machine_clear(&b.machine);
    else
        *machine = b.machine;
    return status;
}

/* The processors of this process as the scheduler knows them; never empty unless out of memory. */
static hwloc_cpuset_t scheduled(void)
{
    hwloc_cpuset_t set = hwloc_bitmap_alloc();
    for (int most = CPU_SETSIZE; set && most <= 1 << 20; most *= 2) {
        cpu_set_t *cpus = CPU_ALLOC(most);
        const size_t size = CPU_ALLOC_SIZE(most);
        const bool known = cpus && sched_getaffinity(0, size, cpus) == 0;
        for (int n = 0; known && n < most; n++)
            if (CPU_ISSET_S(n, size, cpus))
                hwloc_bitmap_set(set, (unsigned)n);
        CPU_FREE(cpus);
        if (known)
            break;
    }
    if (set && hwloc_bitmap_iszero(set))
        hwloc_bitmap_set(set, 0);
    return set;
}

/* The processors of the tree, from which hwloc removed those not allowed; only those in `bound`,
 * unless it is NULL or has none of them. */
static hwloc_cpuset_t allowed_here(hwloc_topology_t topology, hwloc_cpuset_t bound)
{
    hwloc_cpuset_t set = hwloc_bitmap_alloc();
    for (hwloc_obj_t pu = NULL;
         set && (pu = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_PU, pu));)
        hwloc_bitmap_set(set, pu->os_index);
    if (set && bound && hwloc_bitmap_intersects(set, bound))
        hwloc_bitmap_and(set, set, bound);
    return set;
}

/* As hwloc_topology_init(), without hwloc's messages on stderr, unless the user wants them. */
static bool open_topology(hwloc_topology_t *topology)
{
    setenv("HWLOC_HIDE_ERRORS", "2", 0);
    return hwloc_topology_init(topology) == 0;
}

enum dt_status dt_machine_host(struct dt_machine *machine, struct dt_error *error)
{
    hwloc_topology_t topology = NULL;
    if (open_topology(&topology) && hwloc_topology_load(topology) != 0) {
        hwloc_topology_destroy(topology);
        topology = NULL;
    }
    const bool here = !topology || hwloc_topology_is_thissystem(topology);
    hwloc_cpuset_t bound = scheduled();
    hwloc_cpuset_t allowed = topology ? allowed_here(topology, here ? bound : NULL) : NULL;
    const enum dt_status status =
        describe(topology, topology ? allowed : bound, here,
                 here ? "this machine" : "the machine that hwloc's environment variables describe",
                 machine, error);
    hwloc_bitmap_free(allowed);
    hwloc_bitmap_free(bound);
    if (topology)
        hwloc_topology_destroy(topology);
    return status;
}

enum dt_status dt_machine_synthetic(const char *description, struct dt_machine *machine,
                                    struct dt_error *error)
{
    hwloc_topology_t topology;
    if (!open_topology(&topology))
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a topology");
    enum dt_status status;
    if (hwloc_topology_set_synthetic(topology, description) != 0 ||
        hwloc_topology_load(topology) != 0) {
        status = dt_error_set(error, DT_INVALID,
                              "\"%.80s\" is no file and no synthetic topology; see hwloc(7)",
                              description);
    } else {
        hwloc_cpuset_t allowed = allowed_here(topology, NULL);
        status = describe(topology, allowed, false, description, machine, error);
        hwloc_bitmap_free(allowed);
    }
    hwloc_topology_destroy(topology);
    return status;
}

/* The file's text up to a 0, if there is one; no XML has any. *size counts the terminating 0. */
static enum dt_status read_text(const char *path, char **text, size_t *size, struct dt_error *error)
{
    size_t room = 0;
    *text = NULL;
    FILE *file = fopen(path, "re");
    const ssize_t length = file ? getdelim(text, &room, '\0', file) : -1;
    const int reason = !file || ferror(file) ? errno : 0;
    if (file)
        fclose(file);
    if (length > 0 && length < XML_MAX) {
        *size = (size_t)length + 1;
        return DT_OK;
    }
    free(*text);
    if (reason)
        return dt_error_set(error, DT_IO, "cannot read \"%.150s\": %s", path, strerror(reason));
    return dt_error_set(error, DT_INVALID,
                        "\"%.150s\" is %s; write a topology with: lstopo FILE.xml", path,
                        length < 0 ? "empty" : "too large");
}

/* The topology in `text`, or NULL. */
static hwloc_topology_t parse(const char *text, size_t size)
{
    hwloc_topology_t topology;
    if (!open_topology(&topology))
        return NULL;
    if (hwloc_topology_set_xmlbuffer(topology, text, (int)size) == 0 &&
        hwloc_topology_load(topology) == 0)
        return topology;
    hwloc_topology_destroy(topology);
    return NULL;
}

/* hwloc 2.9 dies of some malformed files, such as one with a NUMA node that lacks a set. So a
 * child tries first, in silence. */
static bool parses(const char *text, size_t size)
{
    const pid_t child = fork();
    if (child == 0) {
        const int null = open("/dev/null", O_WRONLY);
        if (null >= 0)
            dup2(null, STDERR_FILENO);
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        alarm(20);
        _exit(parse(text, size) ? 0 : 1);
    }
    int result = 1;
    while (child > 0 && waitpid(child, &result, 0) < 0 && errno == EINTR)
        continue;
    return result == 0;
}

enum dt_status dt_machine_load(const char *path, struct dt_machine *machine, struct dt_error *error)
{
    char *text;
    size_t size = 0;
    enum dt_status status = read_text(path, &text, &size, error);
    if (status)
        return status;
    hwloc_topology_t topology = parses(text, size) ? parse(text, size) : NULL;
    free(text);
    if (!topology)
        return dt_error_set(error, DT_INVALID,
                            "\"%.120s\" is not a topology; write one with: lstopo FILE.xml", path);
    const char *slash = strrchr(path, '/');
    hwloc_cpuset_t allowed = allowed_here(topology, NULL);
    status = describe(topology, allowed, false, slash ? slash + 1 : path, machine, error);
    hwloc_bitmap_free(allowed);
    hwloc_topology_destroy(topology);
    return status;
}
