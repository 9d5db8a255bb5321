/* SPDX-License-Identifier: MIT */
#include "reports/unpaired.h"
#include "tests/problem_fixture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RECORDS 3

/* A session of three lengths, of which the times are given; 0: it lacks that one. */
struct made {
    struct dt_record records[RECORDS];
    struct dt_finding finding;
};

static void make(struct made *made, const char *date, const double ns[RECORDS])
{
    static const char *const problems[RECORDS] = {"n8 linear:4", "n16 linear:4", "n32 linear:4"};
    *made = (struct made){0};
    struct dt_session *session = &made->finding.records.session;
    for (size_t t = 0; t < 4; t++)
        snprintf(session->machine[t], sizeof session->machine[t], "tier %zu", t);
    snprintf(session->date, sizeof session->date, "%s", date);
    session->noise_floor = 0.01;
    made->finding.records.items = made->records;
    for (size_t r = 0; r < RECORDS; r++) {
        if (ns[r] == 0)
            continue;
        struct dt_record *record = &made->records[made->finding.records.count++];
        *record = (struct dt_record){.problem = problem_of(problems[r]),
                                     .op = DT_OP_BIAS,
                                     .variant = "bias.scalar.plain",
                                     .threads = 1,
                                     .samples = 9,
                                     .verified = true};
        record->ns_median = ns[r];
        record->ns_lo = ns[r] / 1.01;
        record->ns_hi = ns[r] * 1.01;
    }
}

Test(unpaired, what_both_measured_is_compared)
{
    struct made a, b;
    struct dt_unpaired u;
    struct dt_error error;
    make(&a, "2026-01-01T00:00:00Z", (double[]){100, 200, 400});
    make(&b, "2026-02-01T00:00:00Z", (double[]){0, 201, 600});
    cr_assert_eq(dt_unpaired_make(&a.finding, &b.finding, &u, &error), DT_OK, "%s", error.text);
    cr_assert(u.count == 2 && u.only_a == 1 && u.only_b == 0);
    cr_expect_str_eq(u.rows[0].name, "bias/n32 linear:4/scalar.plain", "the worst first");
    cr_expect_float_eq(u.rows[0].ratio, 1.5, 1e-12);
    cr_expect_float_eq(log(u.rows[0].hi / u.rows[0].ratio), sqrt(2) * log(1.01), 1e-12);
    cr_expect_float_eq(u.rows[0].ratio / u.rows[0].lo, u.rows[0].hi / u.rows[0].ratio, 1e-12);
    cr_expect(u.rows[0].stands_out && !u.rows[1].stands_out);
    cr_expect_float_eq(u.noise, 0.02, 1e-12);
    dt_unpaired_clear(&u);
}

Test(unpaired, sessions_without_anything_in_common_are_refused)
{
    struct made a, b;
    struct dt_unpaired u;
    struct dt_error error;
    make(&a, "2026-01-01T00:00:00Z", (double[]){100, 200, 0});
    make(&b, "2026-02-01T00:00:00Z", (double[]){0, 0, 600});
    cr_expect_eq(dt_unpaired_make(&a.finding, &b.finding, &u, &error), DT_INVALID);
    cr_expect(strstr(error.text, "nothing in common"), "%s", error.text);
}

Test(unpaired, machines_that_differ_are_named)
{
    struct made a, b;
    struct dt_error error;
    make(&a, "2026-01-01T00:00:00Z", (double[]){1, 1, 1});
    b = a;
    const struct dt_session *one = &a.finding.records.session;
    struct dt_session *other = &b.finding.records.session;
    cr_expect_eq(dt_unpaired_machines(one, other, &error), DT_OK);
    snprintf(other->machine[2], sizeof other->machine[2], "tier two");
    cr_expect_eq(dt_unpaired_machines(one, other, &error), DT_INVALID);
    cr_expect(strstr(error.text, "\"tier 2\" and \"tier two\""), "%s", error.text);
    b = a;
    snprintf(other->cpu, sizeof other->cpu, "another");
    cr_expect_eq(dt_unpaired_machines(one, other, &error), DT_INVALID);
}

Test(unpaired, says_that_these_are_hints)
{
    struct made a, b;
    struct dt_unpaired u;
    struct dt_error error;
    char *text = NULL;
    size_t size = 0;
    make(&a, "2026-01-01T00:00:00Z", (double[]){100, 200, 400});
    make(&b, "2026-02-01T00:00:00Z", (double[]){100, 150, 600});
    cr_assert_eq(dt_unpaired_make(&a.finding, &b.finding, &u, &error), DT_OK, "%s", error.text);
    FILE *stream = open_memstream(&text, &size);
    cr_assert(stream);
    dt_unpaired_print(stream, &u, &(struct dt_terminal){0});
    cr_assert_eq(dt_unpaired_write(stream, &u, &error), DT_OK);
    fclose(stream);
    cr_expect(strstr(text, "slower?") && strstr(text, "faster?"), "%s", text);
    cr_expect(strstr(text, "2 of 3 differ"), "%s", text);
    cr_expect(strstr(text, "hints and no verdicts"), "%s", text);
    cr_expect(strstr(text, "\"paired\": false") || strstr(text, "\"paired\":false"), "%s", text);
    free(text);
    dt_unpaired_clear(&u);
}
