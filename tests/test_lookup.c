/* SPDX-License-Identifier: MIT */
#include "tests/table_fixture.h"

Test(lookup, one_record_by_step_and_distance)
{
    static const struct {
        const char *record, *problem;
        const struct dt_machine_keys *machine;
        enum dt_step step;
        double distance;
    } cases[] = {
        {"n512 log:256:512", "b7 h12 n512 d32 log:256:512 mask:keys", &here, DT_STEP_EXACT, 0},
        {"n512 log:256:512", "n512 log:256:512", &twin, DT_STEP_EXACT, 0},
        {"n512 log:256:512", "n512 log:256:512 ms", &here, DT_STEP_SHAPE, 0},
        {"n512 log:256:512", "n256 log:256:512", &here, DT_STEP_SHAPE, 2},
        {"n512 log:256:512", "q512 k2048 log:256:512", &here, DT_STEP_SHAPE, 2},
        {"n512 log:256:512", "q1024 k256 log:128:512", &here, DT_STEP_SHAPE, 3},
        {"n512 log:256:512", "n512 log:256:1024", &here, DT_STEP_SHAPE, 1},
        {"n512 linear:512", "n512 linear:64", &here, DT_STEP_SHAPE, 3},
        {"n512 log:256:512", "n512 log:256:512", &cache, DT_STEP_UARCH, 0},
        {"n512 log:256:512", "n128 log:256:512", &cache, DT_STEP_UARCH, 4},
        {"n512 log:256:512", "n512 log:256:512", &uarch, DT_STEP_LEVEL, 0},
        {"n512 log:256:512", "n512 log:256:512", &level, DT_STEP_HEURISTIC, 0},
        {"n512 log:256:512", "n512 linear:256", &here, DT_STEP_HEURISTIC, 0},
        {"n512 log:256:512", "n512 log:256:512 c2p", &here, DT_STEP_HEURISTIC, 0},
        {"n512 log:256:512", "n512 log:256:512 p2c:key", &here, DT_STEP_HEURISTIC, 0},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_table *table = empty_table();
        put(table, record_of(cases[n].record, &here, 5));
        struct dt_answer answer = ask(table, cases[n].problem, cases[n].machine, 1);
        cr_expect(answer.step == cases[n].step && answer.distance == cases[n].distance &&
                      (answer.step == DT_STEP_HEURISTIC) == !answer.record,
                  "case %zu: %s at %g", n, dt_step_name(answer.step), answer.distance);
        dt_table_free(table);
    }
}

Test(lookup, nearest_of_many)
{
    struct dt_table *table = empty_table();
    put(table, record_of("n512 log:256:512", &level, 1));
    put(table, record_of("n512 log:256:512", &uarch, 2));
    cr_expect_eq(ask(table, "n512 log:256:512", &here, 1).choice.tile.rows, 2);
    put(table, record_of("n512 log:256:512", &cache, 3));
    cr_expect_eq(ask(table, "n512 log:256:512", &here, 1).choice.tile.rows, 3);
    put(table, record_of("n4096 log:256:512", &here, 4));
    cr_expect_eq(ask(table, "n512 log:256:512", &here, 1).choice.tile.rows, 4);
    put(table, record_of("n384 log:256:512", &here, 5));
    cr_expect_eq(ask(table, "n512 log:256:512", &here, 1).choice.tile.rows, 5);
    put(table, record_of("n512 log:256:512", &twin, 6));
    cr_expect_eq(ask(table, "n512 log:256:512", &here, 1).choice.tile.rows, 6);
    put(table, record_of("n512 log:256:512", &here, 7));
    cr_expect_eq(ask(table, "n512 log:256:512", &here, 1).choice.tile.rows, 7);
    cr_expect_eq(ask(table, "n512 log:256:512", &twin, 1).choice.tile.rows, 6);
    dt_table_free(table);
}

/* The records' machines are alike but for the model, which is another one than the query's. */
Test(lookup, equals_are_ordered_by_completeness_then_date_then_place)
{
    static const struct {
        bool complete[2];
        const char *date[2];
        int32_t first;
    } cases[] = {
        {{false, true}, {"2026-01-31T12:00:00Z", "2026-01-30T12:00:00Z"}, 1},
        {{true, false}, {"2026-01-30T12:00:00Z", "2026-01-31T12:00:00Z"}, 0},
        {{true, true}, {"2026-01-30T12:00:00Z", "2026-01-31T12:00:00Z"}, 1},
        {{true, true}, {"2026-01-31T12:00:00Z", "2026-01-30T12:00:00Z"}, 0},
        {{true, true}, {"2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"}, 0},
    };
    struct dt_machine_keys other = here;
    strcpy(other.tier[3], "x m u l1d:48K 3");
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_table *table = empty_table();
        for (int32_t r = 0; r < 2; r++) {
            struct dt_table_record record = record_of("n512 log:256:512", r ? &other : &twin, r);
            record.complete = cases[n].complete[r];
            strcpy(record.date, cases[n].date[r]);
            put(table, record);
        }
        const int32_t rows = ask(table, "n512 log:256:512", &here, 1).choice.tile.rows;
        cr_expect_eq(rows, cases[n].first, "case %zu: %d", n, rows);
        dt_table_free(table);
    }
}

/* Operations beyond bias: all counts and the mask matter, the operation itself first of all. */
Test(lookup, attention_is_told_apart_by_heads_dimension_and_mask)
{
    static const struct {
        enum dt_op op;
        const char *problem;
        enum dt_refusal refusal;
        double distance;
    } cases[] = {
        {DT_OP_ATTENTION, "b2 h4 n64 d32 linear:8", DT_USABLE, 0},
        {DT_OP_ATTENTION, "b8 h4 n64 d32 linear:8", DT_USABLE, 2},
        {DT_OP_ATTENTION, "b2 h2 n64 d32 linear:8", DT_USABLE, 1},
        {DT_OP_ATTENTION, "b2 h4 n64 d4 linear:8", DT_USABLE, 3},
        {DT_OP_ATTENTION, "b2 h4 n64 d32 linear:8 mask:keys", DT_OTHER_FORM, (double)INFINITY},
        {DT_OP_SOFTMAX, "b2 h4 n64 d32 linear:8", DT_OTHER_OPERATION, (double)INFINITY},
    };
    struct dt_table *table = empty_table();
    struct dt_table_record record = record_of("b2 h4 n64 d32 linear:8", &here, 0);
    record.op = DT_OP_ATTENTION;
    record.choice.variant = dt_variant_find("attention.scalar.plain");
    put(table, record);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        const struct dt_problem problem = problem_of(cases[n].problem);
        struct dt_delta delta;
        struct dt_candidate *list;
        size_t count;
        cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
        const struct dt_query query = {cases[n].op, &problem, &delta, 1, here};
        cr_assert_eq(dt_lookup_rank(table, &query, &list, &count, NULL), DT_OK);
        cr_expect(list[0].refusal == cases[n].refusal && list[0].distance == cases[n].distance,
                  "case %zu: %s at %g", n, dt_refusal_name(list[0].refusal), list[0].distance);
        free(list);
        dt_delta_clear(&delta);
    }
    dt_table_free(table);
}

Test(lookup, other_thread_counts_are_not_exact)
{
    struct dt_table *table = empty_table();
    put(table, record_of("n512 log:256:512", &here, 1));
    struct dt_answer answer = ask(table, "n512 log:256:512", &here, 8);
    cr_expect(answer.step == DT_STEP_SHAPE && answer.distance == 3, "%s at %g",
              dt_step_name(answer.step), answer.distance);
    dt_table_free(table);
}

Test(lookup, unknown_geometry_is_exact_only_if_there_is_one)
{
    struct dt_machine_keys library = here;
    library.tier[2][0] = library.tier[3][0] = '\0';
    struct dt_table *table = empty_table();
    put(table, record_of("n512 log:256:512", &here, 1));
    put(table, record_of("n512 log:256:512", &uarch, 2));
    cr_expect_eq(ask(table, "n512 log:256:512", &library, 1).step, DT_STEP_EXACT);
    cr_expect_eq(ask(table, "n128 log:256:512", &library, 1).step, DT_STEP_SHAPE);
    put(table, record_of("n128 log:256:512", &cache, 3));
    struct dt_answer answer = ask(table, "n512 log:256:512", &library, 1);
    cr_expect_eq(answer.step, DT_STEP_UARCH);
    cr_expect_eq(answer.choice.tile.rows, 1);
    dt_table_free(table);
}

Test(lookup, record_without_validation_is_kept_but_not_used)
{
    struct dt_table *table = empty_table();
    struct dt_table_record record = record_of("n512 log:256:512", &here, 1);
    record.validated = false;
    put(table, record);
    put(table, record_of("n128 log:256:512", &here, 2));
    cr_expect_eq(dt_table_size(table), 1);
    struct dt_answer answer = ask(table, "n512 log:256:512", &here, 1);
    cr_expect(answer.step == DT_STEP_SHAPE && answer.choice.tile.rows == 2);
    dt_table_free(table);
}

/* Under a cap to scalar every other instruction set is one that this CPU lacks. */
Test(lookup, record_beyond_this_cpu_gives_way_to_the_next)
{
    setenv("DISENTUNE_CPU", "scalar", 1);
    const struct dt_variant *variant;
    size_t n = 0;
    while ((variant = dt_variant_at(n)) && variant->level == 0)
        n++;
    if (!variant)
        cr_skip_test("this build has scalar variants only");
    struct dt_table *table = empty_table();
    struct dt_table_record record = record_of("n512 log:256:512", &here, 0);
    record.op = variant->op;
    record.choice.variant = variant;
    record.problem = dt_problem_class(variant->op, &record.problem);
    put(table, record);

    struct dt_delta delta;
    struct dt_candidate *list;
    size_t count;
    cr_assert_eq(dt_delta_init(&delta, &record.problem, NULL), DT_OK);
    const struct dt_query query = {variant->op, &record.problem, &delta, 1, here};
    cr_assert_eq(dt_lookup_rank(table, &query, &list, &count, NULL), DT_OK);
    cr_expect_eq(list[0].step, DT_STEP_EXACT);
    cr_expect_eq(list[0].refusal, DT_CPU_LACKS);
    struct dt_answer answer;
    if (!dt_lookup_find(table, &query, &answer, NULL))
        cr_expect_eq(answer.choice.variant->level, 0);
    free(list);
    dt_delta_clear(&delta);
    dt_table_free(table);
}

Test(lookup, record_whose_variant_does_not_compute_the_problem_gives_way)
{
    const struct dt_problem problem = problem_of("n512 log:256:512 c2p");
    const struct dt_variant *variant;
    struct dt_delta delta;
    size_t n = 0;
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    while ((variant = dt_variant_at(n)) &&
           (variant->op != DT_OP_BIAS || variant->level & ~dt_cpu_host()->levels ||
            dt_variant_applies(variant, DT_OP_BIAS, &problem, &delta)))
        n++;
    dt_delta_clear(&delta);
    if (!variant)
        cr_skip_test("every variant that this CPU runs computes c2p alone");
    struct dt_table *table = empty_table();
    struct dt_table_record record = record_of("n512 log:256:512 c2p", &here, 0);
    record.choice.variant = variant;
    put(table, record);
    cr_expect_eq(ask(table, "n512 log:256:512 c2p", &here, 1).step, DT_STEP_HEURISTIC);
    put(table, record_of("n128 log:256:512 c2p", &here, 3));
    cr_expect_eq(ask(table, "n512 log:256:512 c2p", &here, 1).choice.tile.rows, 3);
    dt_table_free(table);
}

Test(lookup, unknown_kind_of_core_is_exact_only_if_there_is_one)
{
    static const struct dt_machine_keys fast = {{"x m", "x m u big", "x m u big l1:48K", "1"}};
    static const struct dt_machine_keys slow = {
        {"x m", "x m u little", "x m u little l1:32K", "1"}};
    static const struct dt_machine_keys longer = {{"x m", "x m uu", "x m uu l1:48K", "1"}};
    static const struct dt_machine_keys library = {{"x m", "x m u", "", ""}};
    struct dt_table *table = empty_table();
    put(table, record_of("n512 log:256:512", &longer, 1));
    cr_expect_eq(ask(table, "n512 log:256:512", &library, 1).step, DT_STEP_LEVEL);
    put(table, record_of("n512 log:256:512", &fast, 2));
    cr_expect_eq(ask(table, "n512 log:256:512", &library, 1).step, DT_STEP_EXACT);
    put(table, record_of("n512 log:256:512", &slow, 3));
    cr_expect_eq(ask(table, "n512 log:256:512", &library, 1).step, DT_STEP_UARCH);
    cr_expect_eq(ask(table, "n512 log:256:512", &slow, 1).step, DT_STEP_EXACT);
    cr_expect_eq(ask(table, "n512 log:256:512", &here, 1).step, DT_STEP_LEVEL);
    dt_table_free(table);
}

Test(lookup, machine_keys_begin_with_architecture_and_sets)
{
    struct dt_machine_keys keys;
    struct dt_cpu cpu = {.levels = DT_CPU_AVX2 | DT_CPU_AVX512, .uarch = "zen4"};
    dt_machine_keys_init(&keys, &cpu);
    cr_expect_str_eq(strchr(keys.tier[1], ' '), " avx2+avx512 zen4");
    cr_expect_eq(strncmp(keys.tier[0], keys.tier[1], strlen(keys.tier[0])), 0);
    cr_expect_str_empty(keys.tier[2]);
    cr_expect_str_empty(keys.tier[3]);
    cpu = (struct dt_cpu){.uarch = "unknown"};
    dt_machine_keys_init(&keys, &cpu);
    cr_expect_str_eq(strchr(keys.tier[1], ' '), " scalar unknown");
}
