/* SPDX-License-Identifier: MIT */
/* Plans for machines that are not here: those of the tests, of real dumps, and made-up ones. */
#include "kernels/setup.h"
#include "tests/problem_fixture.h"
#include "tuner/favourites.h"
#include "tuner/space.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Floats that a favourite works on at a time: a block of scores with its operands. */
static double floats_of_block(const struct dt_choice *c, const struct dt_problem *p)
{
    struct dt_attention_setup setup;
    struct dt_delta delta;
    if (c->variant->strategy == DT_DIRECT)
        return 0;
    cr_assert_eq(dt_delta_init(&delta, p, NULL), DT_OK);
    dt_attention_sizes(&setup, c, p, &delta, 1);
    dt_delta_clear(&delta);
    return (double)setup.rows * setup.cols + (double)(2 * setup.rows + 2 * setup.cols) * p->dim;
}

static bool has_attention_of_parts(uint32_t level)
{
    const struct dt_variant *variant;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (variant->op == DT_OP_ATTENTION && variant->level == level &&
            variant->strategy != DT_DIRECT)
            return true;
    return false;
}

/* What is wrong with the favourites of one problem, or NULL. */
static const char *violation(const struct dt_outlook *o, const struct dt_problem *p)
{
    const struct dt_core_kind *kind = &o->machine->kinds[0];
    const uint32_t levels = o->machine->cpu.levels;
    struct dt_favourites f, again;
    struct dt_error error = {0};
    if (dt_favourites_find(o, p, &f, &error))
        return "an error";
    if (f.count == 0 || f.space < f.count || f.count > DT_FAVOURITES)
        return "counts";
    if (o->op == DT_OP_BIAS && (dt_favourites_find(o, p, &again, NULL) || again.space != f.space ||
                                !dt_choice_equal(&again.best[0].choice, &f.best[0].choice)))
        return "another result for the same";
    for (size_t n = 0; n < f.count; n++) {
        const struct dt_favourite *best = &f.best[n];
        if (!(best->cost.ns > 0) || (n > 0 && best->cost.ns < f.best[n - 1].cost.ns))
            return "order";
        if (dt_choice_level(&best->choice) & ~levels)
            return "an instruction set that the machine lacks";
        if (o->op != DT_OP_ATTENTION)
            continue;
        if (4 * floats_of_block(&best->choice, p) > (double)kind->cache[DT_L2].share)
            return "a block that its share of L2 does not hold";
        if (best->choice.variant->level == 0 && p->nq > 1 &&
            (has_attention_of_parts(levels & DT_CPU_AVX2) ||
             has_attention_of_parts(levels & DT_CPU_NEON)))
            return "scalar code although there are vectors";
    }
    return NULL;
}

/* A part of the forms, for the sake of time. */
static bool selects(const struct dt_variant *variant, void *context)
{
    (void)context;
    return variant->op != DT_OP_ATTENTION || variant->strategy == DT_DIRECT ||
           (variant->strategy == DT_ACTIVE && variant->form != DT_FUSED);
}

/* Plans a long, a short and a narrow problem on each kind of core. Consumes the machine. */
static void check(struct dt_machine *m)
{
    static const char *const problems[] = {"h12 n512 log:256:512", "n16 log:256:512",
                                           "n700 d32 log:64:512 c2p"};
    static const enum dt_op ops[] = {DT_OP_BIAS, DT_OP_ATTENTION};
    dt_favourites_assume(m);
    cr_assert_gt(m->kind_count, 0);
    for (int32_t k = 0; k < m->kind_count; k++) {
        struct dt_machine part;
        struct dt_prior prior;
        cr_assert_eq(dt_machine_of_kind(m, k, &part, NULL), DT_OK);
        dt_prior_init(&prior, &part, NULL);
        for (size_t n = 0; n < sizeof problems / sizeof *problems; n++)
            for (size_t op = 0; op < sizeof ops / sizeof *ops; op++) {
                const struct dt_problem parsed = problem_of(problems[n]);
                const struct dt_problem class = dt_problem_class(ops[op], &parsed);
                const struct dt_outlook outlook = {.machine = &part,
                                                   .prior = &prior,
                                                   .op = ops[op],
                                                   .threads = part.worker_count > 1 ? 2 : 1,
                                                   .selects = selects};
                const char *wrong = violation(&outlook, &class);
                cr_expect_null(wrong, "%s %s, %s of %s: %s", m->source, part.kinds[0].name,
                               dt_op_name(ops[op]), problems[n], wrong);
            }
        dt_machine_clear(&part);
    }
    dt_machine_clear(m);
}

static int check_folder(const char *folder)
{
    char path[PATH_MAX];
    int count = 0;
    DIR *directory = opendir(folder);
    const struct dirent *entry;
    while (directory && (entry = readdir(directory))) {
        const char *dot = strrchr(entry->d_name, '.');
        struct dt_machine machine;
        struct dt_error error = {0};
        if (!dot || strcmp(dot, ".xml") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        cr_assert_eq(dt_machine_describe(path, &machine, &error), DT_OK, "%s", error.text);
        check(&machine);
        count++;
    }
    if (directory)
        closedir(directory);
    return count;
}

Test(favourites, of_the_topologies_of_the_tests)
{
    cr_assert_geq(check_folder(TESTS_DIR "/topologies"), 3);
}

Test(favourites, of_the_shared_topologies)
{
    if (check_folder(SHARED_DIR "/topologies") == 0)
        cr_skip_test("%s/topologies is absent", SHARED_DIR);
}

Test(favourites, of_machines_that_nobody_has_built)
{
    static const char *const texts[] = {
        "pack:2 l3:1 l2:4 l1d:1 core:1 pu:2",
        "core:1 pu:1",
        "core:3 pu:8",
        "l2:1(size=262144) l1d:2(size=16384) core:1 pu:1",
        "pack:4 l3:2(size=1073741824) l2:8(size=2097152) l1d:1(size=49152) core:2 pu:2",
        "l2:2(size=16777216) l1d:4(size=131072) core:1 pu:1",
    };
    for (size_t n = 0; n < sizeof texts / sizeof *texts; n++) {
        struct dt_machine machine;
        struct dt_error error = {0};
        cr_assert_eq(dt_machine_describe(texts[n], &machine, &error), DT_OK, "%s", error.text);
        check(&machine);
    }
}

Test(favourites, of_this_machine_when_hwloc_sees_no_caches)
{
    setenv("HWLOC_FSROOT", "/nonexistent", 1);
    setenv("HWLOC_THISSYSTEM", "1", 1);
    setenv("HWLOC_COMPONENTS", "-x86", 1);
    struct dt_machine machine;
    cr_assert_eq(dt_machine_host(&machine, NULL), DT_OK);
    cr_assert_eq(machine.kinds[0].cache[DT_L2].trust, DT_TRUST_DEFAULT);
    check(&machine);
}

/* The instruction sets are those of the machine that is planned for, up to the cap and as far as
 * they are of this build. */
Test(favourites, use_the_instruction_sets_of_the_machine)
{
    struct dt_machine zen;
    cr_assert_eq(dt_machine_describe("l3:1 core:2 pu:1", &zen, NULL), DT_OK);
    cr_expect_not(dt_favourites_assume(&zen), "nothing is known of it");
    cr_expect_eq(zen.cpu.levels, dt_cpu_host()->levels);
    snprintf(zen.architecture, sizeof zen.architecture, "pdp11");
    zen.cpu.levels = 0;
    cr_expect_not(dt_favourites_assume(&zen));
    cr_expect_eq(zen.cpu.levels | dt_cpu_host()->levels, 0, "of another architecture");

    zen.levels_known = true;
    zen.cpu.levels = DT_CPU_AVX2 | DT_CPU_AVX512 | DT_CPU_NEON;
    cr_expect(dt_favourites_assume(&zen));
    struct dt_prior prior;
    struct dt_favourites f;
    const struct dt_problem problem = problem_of("n512 log:256:512");
    const struct dt_outlook outlook = {
        .selects = selects, .machine = &zen, .prior = &prior, .op = DT_OP_ATTENTION, .threads = 1};
    dt_prior_init(&prior, &zen, NULL);
    cr_assert_eq(dt_favourites_find(&outlook, &problem, &f, NULL), DT_OK);
    const uint32_t widest = has_attention_of_parts(DT_CPU_AVX512) ? DT_CPU_AVX512
                            : has_attention_of_parts(DT_CPU_AVX2) ? DT_CPU_AVX2
                            : has_attention_of_parts(DT_CPU_NEON) ? DT_CPU_NEON
                                                                  : 0;
    cr_expect_eq(dt_choice_level(&f.best[0].choice), widest);
    dt_machine_clear(&zen);
}

Test(favourites, respect_the_cap)
{
    setenv("DISENTUNE_CPU", "scalar", 1);
    struct dt_machine machine;
    cr_assert_eq(dt_machine_describe("l3:1 core:2 pu:1", &machine, NULL), DT_OK);
    machine.levels_known = true;
    machine.cpu.levels = DT_CPU_AVX2 | DT_CPU_AVX512 | DT_CPU_NEON;
    dt_favourites_assume(&machine);
    cr_expect_eq(machine.cpu.levels, 0);
    check(&machine);
}
