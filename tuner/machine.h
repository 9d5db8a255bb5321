/* SPDX-License-Identifier: MIT */
/*
 * The machine as far as tuning needs it: cores, caches, who shares what, and keys that name it.
 * Plain values; hwloc stays behind this header.
 *
 * A worker is one core that this process may use, represented by its first allowed processor
 * (hardware thread). Everything is counted and shared out in workers.
 */
#ifndef DISENTUNE_MACHINE_H
#define DISENTUNE_MACHINE_H

#include "kernels/cpu.h"
#include "tuner/cache.h"

#define DT_KINDS_MAX 8

#define DT_KEY_TIERS 4
#define DT_KEY_MAX 96

/*
 * Cores that a plan may treat alike. Two cores differ in kind if the operating system names their
 * types differently (CoreType), if their L1d or L2 have different sizes, or if the capacity that
 * Linux states for one is below 3/4 of the other's. A mere difference in clock is none.
 */
struct dt_core_kind {
    char name[16]; /* CoreType if stated ("IntelCore"), or "big" and "little", or "kind1" ... of
                      more than two; "" for a single kind without CoreType */
    int32_t workers;
    int32_t threads; /* hardware threads of a core, allowed or not */

    /* Where instances differ within the kind, the one with the least share. */
    struct dt_cache cache[DT_LEVEL_COUNT];

    /*
     * Names of this kind of core on this machine, from coarse to fine. Each begins with the one
     * before it:
     *
     *     [0] x86_64 avx2+avx512                 instruction sets that may be used
     *     [1] ... sapphirerapids                 microarchitecture, and name if there are kinds
     *     [2] ... l1:48K l2:2M l3:2M smt:1       shares and threads
     *     [3] ... 6.143.8 bare                   family.model.stepping; "bare", "vm", or "vm?"
     *
     * "sets-unknown" stands for instruction sets that a file leaves open, "unknown" for any other
     * such fact. Nothing in them depends on the host's name or on a clock.
     */
    char key[DT_KEY_TIERS][DT_KEY_MAX];
};

struct dt_worker {
    int32_t processor;             /* number that the operating system gives it */
    int32_t kind;                  /* index into kinds */
    int32_t package, node;         /* numbers of the operating system; 0 if unknown */
    int32_t cache[DT_LEVEL_COUNT]; /* indices into caches */
};

struct dt_machine {
    char source[64]; /* "this machine", the file's name, or the synthetic description */
    bool here;       /* describes the machine that runs this: workers can be pinned */
    enum dt_virtual virtual;
    char architecture[16]; /* "x86_64", "aarch64", "unknown" */
    struct dt_cpu cpu;     /* of a file: what the file states or its model number implies */
    bool levels_known;     /* false: cpu.levels is 0 because nobody knows */

    int32_t packages;   /* with at least one worker */
    int32_t nodes;      /* groups of workers with memory of their own. Several memories of the
                           same workers (HBM beside DDR) are one, memory without workers none. */
    int32_t processors; /* allowed hardware threads */
    int32_t processors_present;

    struct dt_core_kind kinds[DT_KINDS_MAX]; /* fastest first, where that is known */
    int32_t kind_count;

    /* In the order to use them: by kind, then neighbours in the topology. */
    struct dt_worker *workers;
    int32_t worker_count; /* >= 1 */

    struct dt_cache *caches; /* every instance that a worker uses */
    int32_t cache_count;
};

/*
 * Each fills *machine; the caller releases it with dt_machine_clear(). On failure *machine is
 * untouched.
 *
 * dt_machine_host(): the machine that runs this, limited to the processors that the
 * calling thread may use (cpuset and affinity; call it before pinning). What the operating system
 * does not tell falls back to defaults; even with nothing but a list of processors there is a
 * result. hwloc's environment variables apply (HWLOC_XMLFILE, HWLOC_SYNTHETIC, ...); then the
 * result is not `here`. DT_NO_MEMORY.
 *
 * All three set HWLOC_HIDE_ERRORS=2 in the environment if it is not set, so that hwloc does not
 * write on stderr; call them while no other thread uses the environment.
 *
 * dt_machine_load(): from an XML file of hwloc 1.x or 2.x, such as `lstopo FILE.xml` writes.
 * DT_IO, DT_INVALID, DT_NO_MEMORY.
 *
 * dt_machine_synthetic(): from hwloc's notation, e.g. "pack:2 l3:1 l2:4 l1d:1 core:1 pu:2".
 * DT_INVALID, DT_NO_MEMORY.
 */
enum dt_status dt_machine_host(struct dt_machine *machine, struct dt_error *error);
enum dt_status dt_machine_load(const char *path, struct dt_machine *machine,
                               struct dt_error *error);
enum dt_status dt_machine_synthetic(const char *description, struct dt_machine *machine,
                                    struct dt_error *error);
void dt_machine_clear(struct dt_machine *machine);

/* A file of that name, or if there is none and the text names none, hwloc's notation. */
enum dt_status dt_machine_describe(const char *text, struct dt_machine *machine,
                                   struct dt_error *error);

/*
 * The machine as if it had this kind of core alone: kind 0 of *part, with its workers and the
 * caches that they share, among themselves. To be released like any other. DT_NO_MEMORY.
 */
enum dt_status dt_machine_of_kind(const struct dt_machine *machine, int32_t kind,
                                  struct dt_machine *part, struct dt_error *error);

/* The kind of that name. DT_INVALID, naming those that there are. */
enum dt_status dt_machine_find_kind(const struct dt_machine *machine, const char *name,
                                    int32_t *kind, struct dt_error *error);

/*
 * Bytes of a cache for each worker while workers 0 ... busy - 1 are busy, the least of them.
 * busy is limited to 1 ... worker_count. With all busy and one kind it is kinds[0].cache[].share.
 */
int64_t dt_machine_share(const struct dt_machine *machine, enum dt_level level, int32_t busy);

/* The processors that a thread may run on. */
struct dt_binding {
    void *processors; /* a set of hwloc's; owned; NULL: not known */
};

/* Keeps those of the calling thread; dt_binding_restore() gives them back to the threads of its
 * OpenMP team of this size, and releases the binding. A zeroed one changes nothing. DT_NO_MEMORY;
 * where the system tells nothing, there is nothing to restore. */
enum dt_status dt_binding_save(struct dt_binding *binding, struct dt_error *error);
void dt_binding_restore(struct dt_binding *binding, int32_t threads);

/* Binds the calling thread to a worker's processor. DT_INVALID if there is no such worker or the
 * machine is not this one, DT_IO. */
enum dt_status dt_machine_pin(const struct dt_machine *machine, int32_t worker,
                              struct dt_error *error);

/* Binds the threads of an OpenMP team of this size, the calling one included, to the processors of
 * workers 0 ... threads - 1. Later teams of the calling thread consist of the same. DT_UNSUPPORTED
 * in a build without OpenMP, DT_INVALID if there are fewer workers or the machine is not this one,
 * DT_IO. */
enum dt_status dt_machine_pin_team(const struct dt_machine *machine, int32_t threads,
                                   struct dt_error *error);

#endif
