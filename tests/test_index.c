/* SPDX-License-Identifier: MIT */
#include "kernels/index.h"
#include "reports/stats.h"
#include "tests/table_fixture.h"

#include <stdio.h>

static uint64_t below(uint64_t *state, uint64_t n) { return dt_random_below(state, n); }

/* This machine, and two others of its instruction sets. */
static struct dt_machine_keys machine_at(uint64_t n)
{
    static const char *const last[][2] = {{"", "u1"}, {"", "u2"}, {" other", "v1"}};
    struct dt_machine_keys keys;
    dt_machine_keys_init(&keys, dt_cpu_host());
    strcat(keys.tier[1], last[n][0]);
    snprintf(keys.tier[2], DT_MACHINE_KEY_MAX, "%.70s %s", keys.tier[1], last[n][1]);
    snprintf(keys.tier[3], DT_MACHINE_KEY_MAX, "%.80s bare", keys.tier[2]);
    return keys;
}

static int32_t length_at(uint64_t *state)
{
    static const int32_t lengths[] = {16, 17, 32, 100, 128, 250, 256, 512, 700, 1024};
    return lengths[below(state, sizeof lengths / sizeof *lengths)];
}

/* Few values of each count, so that distances tie. */
static struct dt_problem random_problem(uint64_t *state)
{
    static const char *const forms[] = {"log:256:512", "log:128:512", "linear:512",
                                        "log:256:512 c2p ms", "log:256:512 p2c:key"};
    char text[DT_PROBLEM_TEXT_MAX];
    snprintf(text, sizeof text, "q%d k%d %s", length_at(state), length_at(state),
             forms[below(state, sizeof forms / sizeof *forms)]);
    return problem_of(text);
}

static struct dt_table_record random_record(uint64_t *state, uint64_t machines)
{
    static const char *const variants[] = {"bias.scalar.plain", "bias.avx512.window-skew",
                                           "bias.avx2.gather", "bias.neon.lanes-skew"};
    const struct dt_machine_keys machine = machine_at(below(state, machines));
    struct dt_table_record r = record_of("n512 log:256:512", &machine, 0);
    const struct dt_variant *variant =
        dt_variant_find(variants[below(state, sizeof variants / sizeof *variants)]);
    r.problem = random_problem(state);
    r.threads = 1 + (int32_t)below(state, 2);
    if (variant)
        r.choice.variant = variant;
    r.validated = below(state, 5) != 0;
    r.complete = below(state, 2) != 0;
    snprintf(r.date, sizeof r.date, "2026-01-%02dT12:00:00Z", (int)(1 + below(state, 3)));
    return r;
}

/* Whether index and list give the same answer. */
static bool agree(struct dt_table *table, uint64_t *state, size_t steps[])
{
    const struct dt_problem problem = random_problem(state);
    struct dt_delta delta;
    struct dt_answer quick, slow;
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    struct dt_query query = {DT_OP_BIAS, &problem, &delta, 1 + (int32_t)below(state, 3), {{""}}};
    dt_machine_keys_init(&query.machine, dt_cpu_host());
    struct dt_index *index = table->index;
    cr_assert(dt_index_is_of(index, &query.machine));
    cr_assert_eq(dt_lookup_find(table, &query, &quick, NULL), DT_OK);
    table->index = NULL;
    cr_assert_eq(dt_lookup_find(table, &query, &slow, NULL), DT_OK);
    table->index = index;
    dt_delta_clear(&delta);
    steps[slow.step]++;
    return quick.record == slow.record && quick.step == slow.step &&
           quick.distance == slow.distance && quick.choice.variant == slow.choice.variant;
}

Test(index, finds_what_looking_at_every_record_finds)
{
    uint64_t state = 1;
    size_t wrong = 0, steps[DT_STEP_HEURISTIC + 1] = {0};
    for (int round = 0; round < 120; round++) {
        struct dt_table *table = empty_table();
        const uint64_t records = round < 20 ? (uint64_t)round : 400,
                       machines = 1 + below(&state, 3);
        for (uint64_t n = 0; n < records; n++)
            put(table, random_record(&state, machines));
        cr_assert_eq(dt_table_make_index(table, NULL), DT_OK);
        for (int question = 0; question < 50; question++)
            wrong += !agree(table, &state, steps);
        dt_table_free(table);
    }
    cr_expect_eq(wrong, 0, "%zu of 6000 answers differ", wrong);
    for (int step = DT_STEP_EXACT; step <= DT_STEP_HEURISTIC; step++)
        cr_expect(step == DT_STEP_LEVEL || steps[step] > 0, "%s was never the answer",
                  dt_step_name((enum dt_step)step));
}

Test(index, is_gone_when_a_record_is_put)
{
    struct dt_table *table = empty_table();
    cr_assert_eq(dt_table_make_index(table, NULL), DT_OK);
    cr_assert_not_null(table->index);
    put(table, record_of("n512 log:256:512", &here, 1));
    cr_expect_null(table->index);
    dt_table_free(table);
}

Test(index, a_table_that_was_read_has_one)
{
    struct dt_table *made = sample();
    char *text = text_of(made);
    struct dt_table *table = parsed(text);
    cr_expect_not_null(table->index);
    dt_table_free(table);
    dt_table_free(made);
    free(text);
}
