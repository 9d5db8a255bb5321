/* SPDX-License-Identifier: MIT */
/* Made-up machines, records and tables for the tests of tables and of lookups. */
#ifndef DISENTUNE_TABLE_FIXTURE_H
#define DISENTUNE_TABLE_FIXTURE_H

#include "kernels/lookup.h"
#include "tests/problem_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct dt_machine_keys here = {{"x m", "x m u", "x m u l1d:48K", "x m u l1d:48K 1"}};
static const struct dt_machine_keys twin = {{"x m", "x m u", "x m u l1d:48K", "x m u l1d:48K 2"}};
static const struct dt_machine_keys cache = {{"x m", "x m u", "x m u l1d:32K", "x m u l1d:32K 1"}};
static const struct dt_machine_keys uarch = {{"x m", "x m v", "x m v l1d:48K", "x m v l1d:48K 1"}};
static const struct dt_machine_keys level = {{"x n", "x n u", "x n u l1d:48K", "x n u l1d:48K 1"}};

/* `rows` tells records apart. */
static inline struct dt_table_record record_of(const char *problem,
                                               const struct dt_machine_keys *machine, int32_t rows)
{
    return (struct dt_table_record){
        .op = DT_OP_BIAS,
        .problem = problem_of(problem),
        .threads = 1,
        .machine = *machine,
        .choice = {.variant = dt_variant_find("bias.scalar.plain"), .tile = {rows, 0}},
        .samples = 90,
        .ns_median = 95000.1,
        .ratio_to_scalar = 2.7,
        .ratio_lo = 2.6,
        .ratio_hi = 2.8,
        .noise_floor = 0.012,
        .validated = true,
        .complete = true,
        .date = "2026-01-31T12:00:00Z",
    };
}

static inline struct dt_table *empty_table(void)
{
    struct dt_table *table;
    cr_assert_eq(dt_table_create("gcc 12.2.0 -O3", &table, NULL), DT_OK);
    return table;
}

static inline void put(struct dt_table *table, struct dt_table_record record)
{
    struct dt_error error;
    cr_assert_eq(dt_table_put(table, &record, &error), DT_OK, "%s", error.text);
}

static inline char *text_of(const struct dt_table *table)
{
    char *text = NULL;
    size_t size;
    cr_assert_eq(dt_table_print(table, &text, &size, NULL), DT_OK);
    cr_assert_eq(strlen(text), size);
    return text;
}

static inline struct dt_table *parsed(const char *text)
{
    struct dt_table *table;
    struct dt_error error;
    cr_assert_eq(dt_table_parse(text, strlen(text), "test", &table, &error), DT_OK, "%s",
                 error.text);
    return table;
}

static inline struct dt_table *sample(void)
{
    struct dt_table *table = empty_table();
    put(table, record_of("n512 log:256:512", &here, 64));
    put(table, record_of("n128 log:256:512", &here, 32));
    put(table, record_of("n128 linear:512 p2c:key", &uarch, 0));
    struct dt_table_record record = record_of("q300 k17 log:256:512 c2p ms", &cache, 16);
    record.ratio_to_scalar = record.ratio_lo = record.ratio_hi = (double)NAN;
    record.complete = false;
    put(table, record);
    return table;
}

/* The answer for a problem; its record refers to the table. */
static inline struct dt_answer ask(const struct dt_table *table, const char *text,
                                   const struct dt_machine_keys *machine, int32_t threads)
{
    const struct dt_problem problem = problem_of(text);
    struct dt_delta delta;
    struct dt_answer answer;
    struct dt_error error;
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    const struct dt_query query = {DT_OP_BIAS, &problem, &delta, threads, *machine};
    cr_assert_eq(dt_lookup_find(table, &query, &answer, &error), DT_OK, "%s", error.text);
    dt_delta_clear(&delta);
    return answer;
}

#endif
