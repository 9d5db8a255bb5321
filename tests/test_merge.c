/* SPDX-License-Identifier: MIT */
#include "reports/stats.h"
#include "tests/table_fixture.h"

#include <stdio.h>

static const struct dt_origin origins[] = {
    {"0.1.0", "", "gcc 12.2.0, -O3"}, /* this build's signature */
    {"0.1.0", "", "clang 14.0.6, -O2"},
    {"0.1.0", "0123456789abcdef", "gcc 12.2.0, -O3"},
    {"0.10.0", "fedcba9876543210", "gcc 13.1.0, -O3"},
    {"0.9.1", "fedcba9876543210", "\"quoted\" \\ cc"},
};
enum { ORIGINS = sizeof origins / sizeof *origins };

static struct dt_origin origin_at(size_t n)
{
    struct dt_origin origin = origins[n];
    if (!*origin.signature) {
        struct dt_table *table = empty_table();
        strcpy(origin.signature, table->header.signature);
        dt_table_free(table);
    }
    return origin;
}

static uint64_t below(uint64_t *state, uint64_t n) { return dt_random_below(state, n); }

/* Few keys and few values, so that keys meet and records tie. */
static struct dt_table_record random_record(uint64_t *state)
{
    static const char *const problems[] = {"n512 log:256:512", "n128 log:256:512", "n64 linear:8"};
    static const struct dt_machine_keys *const machines[] = {&here, &twin, &uarch};
    struct dt_table_record r =
        record_of(problems[below(state, 3)], machines[below(state, 3)], (int32_t)below(state, 3));
    r.threads = 1 + (int32_t)below(state, 2);
    r.samples = 90 + (int64_t)below(state, 2);
    r.ns_median = 1e5 + (double)below(state, 3) / 3;
    r.validated = below(state, 4) != 0;
    r.complete = below(state, 3) != 0;
    r.noise_floor = below(state, 2) ? 0.0 : -0.0;
    if (below(state, 2)) {
        r.regret = below(state, 2) ? 0.01 : -0.0;
        r.tried = 90 + (int64_t)below(state, 2);
        r.plans = 2000 + (int64_t)below(state, 2);
    }
    r.origin = origin_at(below(state, ORIGINS));
    if (below(state, 3) == 0)
        r.ratio_lo = r.ratio_hi = r.ratio_to_scalar = (double)NAN;
    snprintf(r.date, sizeof r.date, "2026-01-%02dT12:00:00Z", (int)(1 + below(state, 3)));
    return r;
}

static struct dt_table *random_table(uint64_t *state)
{
    const struct dt_origin header = origin_at(below(state, ORIGINS));
    struct dt_table *table = dt_table_new(&header);
    for (uint64_t left = below(state, 30); left > 0; left--)
        put(table, random_record(state));
    return table;
}

static struct dt_table *merged(const struct dt_table *const *tables, size_t count)
{
    struct dt_table *table;
    struct dt_error error;
    cr_assert_eq(dt_table_merge(tables, count, &table, &error), DT_OK, "%s", error.text);
    return table;
}

static struct dt_table *merged_two(const struct dt_table *a, const struct dt_table *b)
{
    return merged((const struct dt_table *const[]){a, b}, 2);
}

/* Frees the table. */
static bool prints_as(struct dt_table *table, const char *text)
{
    char *own = text_of(table);
    const bool same = strcmp(own, text) == 0;
    free(own);
    dt_table_free(table);
    return same;
}

Test(merge, any_order_any_grouping_and_repeats_give_the_same_bytes)
{
    static const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                    {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    uint64_t state = 1;
    size_t wrong = 0, foreign = 0;
    for (int round = 0; round < 50; round++) {
        struct dt_table *t[3];
        for (int n = 0; n < 3; n++)
            t[n] = random_table(&state);
        struct dt_table *all = merged((const struct dt_table *const *)t, 3);
        char *text = text_of(all);
        foreign += strstr(text, "\"origin\"") != NULL;
        for (size_t o = 0; o < sizeof orders / sizeof *orders; o++) {
            const struct dt_table *a = t[orders[o][0]], *b = t[orders[o][1]], *c = t[orders[o][2]];
            struct dt_table *ab = merged_two(a, b), *bc = merged_two(b, c);
            wrong += !prints_as(merged((const struct dt_table *const[]){a, b, c}, 3), text);
            wrong += !prints_as(merged_two(ab, c), text);
            wrong += !prints_as(merged_two(a, bc), text);
            wrong += !prints_as(merged((const struct dt_table *const[]){a, ab, c, bc, a}, 5), text);
            dt_table_free(ab);
            dt_table_free(bc);
        }
        struct dt_table *read = parsed(text);
        wrong += !prints_as(merged_two(read, all), text);
        wrong += !prints_as(read, text);
        for (int n = 0; n < 3; n++) {
            char *one = text_of(t[n]);
            wrong += !prints_as(merged_two(t[n], t[n]), one);
            free(one);
            dt_table_free(t[n]);
        }
        dt_table_free(all);
        free(text);
    }
    cr_expect_eq(wrong, 0, "%zu merges differ", wrong);
    cr_expect_gt(foreign, 25);
}

Test(merge, keeps_the_validated_then_the_later_record)
{
    static const struct {
        bool validated[2];
        const char *date[2];
        int32_t kept;
    } cases[] = {
        {{true, true}, {"2026-01-30T12:00:00Z", "2026-01-31T12:00:00Z"}, 1},
        {{true, true}, {"2026-01-31T12:00:00Z", "2026-01-30T12:00:00Z"}, 0},
        {{true, false}, {"2026-01-30T12:00:00Z", "2026-01-31T12:00:00Z"}, 0},
        {{false, true}, {"2026-01-31T12:00:00Z", "2026-01-30T12:00:00Z"}, 1},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_table *t[2];
        for (int32_t i = 0; i < 2; i++) {
            struct dt_table_record record = record_of("n512 log:256:512", &here, i);
            record.validated = cases[n].validated[i];
            strcpy(record.date, cases[n].date[i]);
            put(t[i] = empty_table(), record);
        }
        struct dt_table *both = merged_two(t[0], t[1]);
        cr_expect(both->count == 1 && both->records[0].choice.tile.rows == cases[n].kept,
                  "case %zu", n);
        dt_table_free(both);
        dt_table_free(t[0]);
        dt_table_free(t[1]);
    }
}

/* What another set of variants found is kept beside what this one found, and only suggests. */
Test(merge, records_of_another_set_of_variants_suggest)
{
    const struct dt_origin other = origin_at(3);
    struct dt_table *own = empty_table(), *foreign = dt_table_new(&other);
    struct dt_table_record record = record_of("n512 log:256:512", &here, 1);
    put(own, record);
    record.origin = other;
    record.choice.tile.rows = 2;
    strcpy(record.date, "2026-02-01T12:00:00Z");
    put(foreign, record);
    record.problem = problem_of("n128 log:256:512");
    put(foreign, record);
    struct dt_table *both = merged_two(foreign, own);
    char *text = text_of(both);
    struct dt_table *read = parsed(text);
    cr_expect_eq(both->count, 3);
    cr_expect_eq(dt_table_size(both), 1);
    cr_expect_not(both->stale, "the header is of this build's set");
    cr_expect_eq(dt_table_size(read), 1);
    cr_expect_str_eq(dt_table_rejected(read, 0),
                     "line 2: tuned with another set of variants, one of 2 such records: "
                     "suggestions only; tune again");
    for (int n = 0; n < 2; n++) {
        const struct dt_table *table = n ? read : both;
        cr_expect_eq(ask(table, "n512 log:256:512", &here, 1).choice.tile.rows, 1);
        cr_expect_eq(ask(table, "n128 log:256:512", &here, 1).step, DT_STEP_SHAPE);
    }
    cr_expect(strstr(text, ",\"origin\":[\"0.10.0\",\"fedcba9876543210\",\"gcc 13.1.0, -O3\"]}"));
    dt_table_free(read);
    free(text);
    dt_table_free(both);
    dt_table_free(own);
    dt_table_free(foreign);
}

Test(merge, of_nothing_fails)
{
    struct dt_table *table;
    struct dt_error error;
    cr_expect_eq(dt_table_merge(NULL, 0, &table, &error), DT_INVALID);
}
