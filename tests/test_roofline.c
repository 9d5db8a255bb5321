/* SPDX-License-Identifier: MIT */
#include "reports/roofline.h"

#include "tests/evidence_fixture.h"

static struct dt_session make_session(void)
{
    return (struct dt_session){
        .machine = {"x86_64 avx2", "", "x86_64 avx2 zen l1:32K l2:512K l3:16M smt:1", ""},
        .ceilings = {{"fma.avx2", 100e9, "FLOP/s"},
                     {"load.avx2.l1", 200e9, "B/s"},
                     {"load.avx2.l2", 80e9, "B/s"},
                     {"load.avx2.mem", 10e9, "B/s"},
                     {"add.avx2.l1", 900e9, "B/s"},
                     {"fma.scalar", 5e9, "FLOP/s"}},
        .ceiling_count = 6};
}

static struct dt_record make_record(enum dt_op op, const char *problem, const char *variant)
{
    struct dt_record record = {.op = op, .threads = 1, .ns_median = 1000, .verified = true};
    cr_assert_eq(dt_problem_parse(problem, &record.problem, NULL), DT_OK);
    snprintf(record.variant, sizeof record.variant, "%s.%s", dt_op_name(op), variant);
    return record;
}

/* 512 additions; 16 x 16 scores in and out, 8 slots of 16 queries and 16 keys: 3,072 bytes. */
Test(roofline, a_small_bias_is_bound_by_the_nearest_cache)
{
    const struct dt_session session = make_session();
    const struct dt_record record = make_record(DT_OP_BIAS, "n16 linear:4", "avx2.gather");
    struct dt_roofline point;
    cr_assert(dt_roofline_point(&session, &record, &point));
    cr_expect_eq(point.flops, 512);
    cr_expect_eq(point.bytes, 3072);
    cr_expect_float_eq(point.intensity, 1.0 / 6, 1e-12);
    cr_expect_float_eq(point.rate, 0.512e9, 1);
    cr_expect_str_eq(point.peak->name, "fma.avx2");
    cr_expect_str_eq(point.slope->name, "load.avx2.l1");
    cr_expect(point.memory_bound);
    cr_expect_float_eq(point.roof, 200e9 / 6, 1);
    cr_expect_float_eq(point.share, 0.512 / (200.0 / 6), 1e-12);
}

/* 4 MiB: between the second and the third level, of which the last was not probed. */
Test(roofline, a_large_bias_is_bound_by_memory)
{
    const struct dt_session session = make_session();
    const struct dt_record record = make_record(DT_OP_BIAS, "n512 log:256:512", "avx2.gather");
    struct dt_roofline point;
    cr_assert(dt_roofline_point(&session, &record, &point));
    cr_expect_eq(point.bytes, 4 << 20);
    cr_expect_str_eq(point.slope->name, "load.avx2.mem");
}

/* Products of 100 GFLOP/s in all, on two threads; 393,216 bytes, of which each thread has half. */
Test(roofline, attention_is_bound_by_arithmetic)
{
    const struct dt_session session = make_session();
    struct dt_record record = make_record(DT_OP_ATTENTION, "n256 linear:256", "avx2.banded-rows");
    struct dt_roofline point;
    record.gflops = 100;
    record.threads = 2;
    cr_assert(dt_roofline_point(&session, &record, &point));
    cr_expect_float_eq(point.flops, 1e5, 1e-6);
    cr_expect_eq(point.bytes, 4 * (64 * 2 * 512 + 2 * 64 * 512));
    cr_expect_float_eq(point.rate, 50e9, 1);
    cr_expect_str_eq(point.slope->name, "load.avx2.l2");
    record.gflops = 10000;
    cr_assert(dt_roofline_point(&session, &record, &point));
    cr_expect_not(point.memory_bound);
    cr_expect_eq(point.roof, 100e9);
}

Test(roofline, ceilings_that_were_not_measured)
{
    struct dt_session session = make_session();
    struct dt_record record = make_record(DT_OP_BIAS, "n16 linear:4", "scalar.plain");
    struct dt_roofline point;
    cr_assert(dt_roofline_point(&session, &record, &point));
    cr_expect_str_eq(point.slope->name, "load.avx2.l1", "of the widest set, which was probed");
    session.machine[2][0] = '\0';
    cr_assert(dt_roofline_point(&session, &record, &point));
    cr_expect_str_eq(point.slope->name, "load.avx2.mem", "no cache is known to hold it");
    session.ceilings[1] = session.ceilings[2] = session.ceilings[3] = session.ceilings[4];
    cr_assert(dt_roofline_point(&session, &record, &point));
    cr_expect_null(point.slope);
    cr_expect_eq(point.roof, 5e9);
    session.ceilings[5].value = NAN;
    cr_expect_not(dt_roofline_point(&session, &record, &point), "no peak");
}

Test(roofline, what_has_no_point)
{
    const struct dt_session session = make_session();
    struct dt_record records[] = {
        make_record(DT_OP_BIAS, "n16 linear:4", "avx2.gather"),
        make_record(DT_OP_BIAS, "n16 linear:4", "avx2.gather"),
        make_record(DT_OP_BIAS, "n16 linear:4", "neon.gather"),
        make_record(DT_OP_BIAS, "n16 linear:4 none", "avx2.gather"),
        make_record(DT_OP_SOFTMAX, "n16 linear:4", "avx2.poly"),
        make_record(DT_OP_ATTENTION, "n16 linear:4", "avx2.direct"),
    };
    struct dt_roofline point;
    records[0].verified = false;
    records[1].ns_median = NAN;
    records[5].gflops = NAN;
    for (size_t r = 0; r < sizeof records / sizeof *records; r++)
        cr_expect_not(dt_roofline_point(&session, &records[r], &point), "record %zu", r);
}
