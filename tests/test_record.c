/* SPDX-License-Identifier: MIT */
#include "reports/record.h"
#include "reports/stats.h"

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static double times[] = {1.0 / 3, DBL_MIN / 1024, DBL_MAX, 0.0, 94210.0};

static struct dt_session example_session(void)
{
    return (struct dt_session){
        .machine = {"avx2+avx512", "avx2+avx512 sapphirerapids", "L1 48K", "model \"143\" | \\"},
        .cpu = "Intel\u00ae Xeon\u00ae",
        .build = {.version = "0.1.0",
                  .commit = "0123456789abcdef0123456789abcdef01234567",
                  .dirty = true,
                  .compiler = "gcc 12.2.0 -O3",
                  .flags = "-march=native",
                  .libraries = "sleef 3.6",
                  .signature = "a1b2c3d4e5f60718",
                  .digest = "0011223344556677"},
        .base = {.version = "0.0.9"},
        .environment = "governor:performance turbo:off",
        .run = "17d05a3b",
        .date = "2024-05-17T09:30:00Z",
        .command = "disentune bench --problem 'n512 log:256:512'",
        .seed = UINT64_MAX,
        .noise_floor = 0.012,
        .noisy = true,
        .ceilings = {{"fma.avx512", 233.4e9, "FLOP/s"}, {"load.avx512.l1", NAN, "B/s"}},
        .ceiling_count = 2,
    };
}

static struct dt_record example_record(void)
{
    struct dt_record record = {
        .op = DT_OP_BIAS,
        .variant = "bias.avx512.window-skew",
        .tile = {64, 0},
        .chunk = 192,
        .gemm = "gemm.avx512.14x2",
        .bias = "",
        .softmax = "softmax.scalar.plain",
        .threads = 1,
        .ns_median = 94210.12345678901,
        .ns_lo = nextafter(94000, 0),
        .ns_hi = NAN,
        .samples = sizeof times / sizeof *times,
        .rejected = 3,
        .ns = times,
        .ratio_to_scalar = 0.1,
        .ratio_lo = 2.0 / 3,
        .ratio_hi = DBL_TRUE_MIN,
        .ratio_to_gather = 2,
        .ratio_to_autovec = NAN,
        .ratio_to_c2c = 0.48,
        .ratio_to_one_thread = NAN,
        .gflops = 167.3,
        .ceiling_ns = 88000,
        .share_of_ceiling = 0.93,
        .error_share = 0.25,
        .error_ulp = 1.5,
        .phase_ns = {NAN, 1.0 / 3, 0},
        .verified = true,
        .winner = false,
        .regret = 1.0 / 128,
        .tried = 96,
        .plans = 2310,
        .complete = true,
    };
    dt_problem_parse("n512 log:256:512 p2c:key ms", &record.problem, NULL);
    return record;
}

/* The example as its line, in memory that the caller frees. */
static char *example_line(const struct dt_session *session, const struct dt_record *record)
{
    char *line;
    size_t size;
    FILE *stream = open_memstream(&line, &size);
    enum dt_status status = dt_record_write(stream, session, record, NULL);
    fclose(stream);
    cr_assert_eq(status, DT_OK);
    return line;
}

/* Reads what `bytes` say as a file. */
static enum dt_status read_bytes(const char *bytes, size_t size, struct dt_records *records,
                                 struct dt_error *error)
{
    char path[] = "/tmp/disentune-record-XXXXXX";
    FILE *stream = fdopen(mkstemp(path), "w");
    fwrite(bytes, 1, size, stream);
    fclose(stream);
    enum dt_status status = dt_records_read(path, records, error);
    unlink(path);
    return status;
}

static bool same(double a, double b) { return isnan(a) ? isnan(b) : memcmp(&a, &b, sizeof a) == 0; }

static bool same_record(const struct dt_record *a, const struct dt_record *b)
{
    bool equal =
        a->op == b->op && strcmp(a->variant, b->variant) == 0 &&
        memcmp(&a->problem, &b->problem, sizeof a->problem) == 0 && a->tile.rows == b->tile.rows &&
        a->tile.cols == b->tile.cols && a->chunk == b->chunk && strcmp(a->gemm, b->gemm) == 0 &&
        strcmp(a->bias, b->bias) == 0 && strcmp(a->softmax, b->softmax) == 0 &&
        a->threads == b->threads && same(a->ns_median, b->ns_median) && same(a->ns_lo, b->ns_lo) &&
        same(a->ns_hi, b->ns_hi) && a->samples == b->samples && a->rejected == b->rejected &&
        same(a->ratio_to_scalar, b->ratio_to_scalar) && same(a->ratio_lo, b->ratio_lo) &&
        same(a->ratio_hi, b->ratio_hi) && same(a->ratio_to_gather, b->ratio_to_gather) &&
        same(a->ratio_to_autovec, b->ratio_to_autovec) && same(a->ratio_to_c2c, b->ratio_to_c2c) &&
        same(a->ratio_to_one_thread, b->ratio_to_one_thread) && same(a->gflops, b->gflops) &&
        same(a->ceiling_ns, b->ceiling_ns) && same(a->share_of_ceiling, b->share_of_ceiling) &&
        same(a->error_share, b->error_share) && same(a->error_ulp, b->error_ulp) &&
        a->verified == b->verified && a->winner == b->winner && !a->ns == !b->ns &&
        same(a->regret, b->regret) && a->tried == b->tried && a->plans == b->plans &&
        a->complete == b->complete;
    for (int p = 0; equal && p < DT_PHASE_COUNT; p++)
        equal = same(a->phase_ns[p], b->phase_ns[p]);
    for (size_t n = 0; equal && a->ns && n < a->samples; n++)
        equal = same(a->ns[n], b->ns[n]);
    return equal;
}

static bool same_build(const struct dt_build *a, const struct dt_build *b)
{
    return strcmp(a->version, b->version) == 0 && strcmp(a->commit, b->commit) == 0 &&
           a->dirty == b->dirty && strcmp(a->compiler, b->compiler) == 0 &&
           strcmp(a->flags, b->flags) == 0 && strcmp(a->libraries, b->libraries) == 0 &&
           strcmp(a->signature, b->signature) == 0 && strcmp(a->digest, b->digest) == 0;
}

static bool same_session(const struct dt_session *a, const struct dt_session *b)
{
    bool equal = strcmp(a->cpu, b->cpu) == 0 && same_build(&a->build, &b->build) &&
                 same_build(&a->base, &b->base) && strcmp(a->environment, b->environment) == 0 &&
                 strcmp(a->run, b->run) == 0 && strcmp(a->date, b->date) == 0 &&
                 strcmp(a->command, b->command) == 0 && a->seed == b->seed &&
                 same(a->noise_floor, b->noise_floor) && a->noisy == b->noisy &&
                 a->ceiling_count == b->ceiling_count;
    for (size_t k = 0; k < 4; k++)
        equal = equal && strcmp(a->machine[k], b->machine[k]) == 0;
    for (size_t c = 0; equal && c < a->ceiling_count; c++)
        equal = strcmp(a->ceilings[c].name, b->ceilings[c].name) == 0 &&
                strcmp(a->ceilings[c].unit, b->ceilings[c].unit) == 0 &&
                same(a->ceilings[c].value, b->ceilings[c].value);
    return equal;
}

Test(record, round_trip_keeps_every_bit)
{
    const struct dt_session session = example_session();
    struct dt_record wanted[2] = {example_record(), example_record()};
    wanted[1].ns = NULL;
    wanted[1].winner = true;
    wanted[1].ns_hi = 95000;
    char *first = example_line(&session, &wanted[0]), *second = example_line(&session, &wanted[1]);
    char *both, *again;
    cr_assert(asprintf(&both, "%s%s", first, second) > 0);
    struct dt_records records;
    struct dt_error error = {0};
    enum dt_status status = read_bytes(both, strlen(both), &records, &error);
    cr_assert_eq(status, DT_OK, "%s", error.text);
    cr_assert_eq(records.count, 2);
    again = example_line(&records.session, &records.items[0]);
    cr_expect(same_record(&wanted[0], &records.items[0]));
    cr_expect(same_record(&wanted[1], &records.items[1]));
    cr_expect(same_session(&session, &records.session));
    cr_expect_str_eq(again, first);
    dt_records_clear(&records);
    free(again);
    free(both);
    free(second);
    free(first);
}

Test(record, keys_are_in_their_fixed_order)
{
    static const char *const keys[] = {
        "problem",
        "op",
        "variant",
        "tile",
        "chunk",
        "gemm",
        "bias",
        "softmax",
        "threads",
        "ns_median",
        "ns_lo",
        "ns_hi",
        "samples",
        "rejected",
        "ratio_to_scalar",
        "ratio_lo",
        "ratio_hi",
        "ratio_to_gather",
        "ratio_to_autovec",
        "ratio_to_c2c",
        "ratio_to_one_thread",
        "gflops",
        "ceiling_ns",
        "share_of_ceiling",
        "error_share",
        "error_ulp",
        "phase_ns",
        "verified",
        "winner",
        "ns",
        "session",
        "machine",
        "cpu",
        "version",
        "commit",
        "dirty",
        "compiler",
        "flags",
        "libraries",
        "signature",
        "digest",
        "base",
        "environment",
        "run",
        "date",
        "command",
        "seed",
        "noise_floor",
        "noisy",
        "ceilings",
    };
    const struct dt_session session = example_session();
    const struct dt_record record = example_record();
    char *line = example_line(&session, &record);
    const char *at = line, *missing = NULL;
    for (size_t k = 0; !missing && k < sizeof keys / sizeof *keys; k++) {
        char quoted[32];
        snprintf(quoted, sizeof quoted, "\"%s\":", keys[k]);
        const char *found = strstr(at, quoted);
        if (found)
            at = found;
        else
            missing = keys[k];
    }
    cr_expect_null(missing, "%s is missing or out of order in %s", missing, line);
    free(line);
}

/* As files were before these members: what a line lacks is unknown. */
Test(record, older_lines_are_read)
{
    static const char line[] =
        "{\"problem\":\"n8 linear:4\",\"op\":\"bias\",\"variant\":\"bias.scalar.plain\","
        "\"tile\":\"0x0\",\"chunk\":0,\"gemm\":\"\",\"bias\":\"\",\"softmax\":\"\",\"threads\":1,"
        "\"ns_median\":7,\"ns_lo\":7,\"ns_hi\":7,\"samples\":1,\"rejected\":0,"
        "\"ratio_to_scalar\":1,\"ratio_lo\":1,\"ratio_hi\":1,\"ratio_to_gather\":null,"
        "\"ratio_to_autovec\":null,\"ratio_to_c2c\":null,\"ratio_to_one_thread\":null,"
        "\"gflops\":null,\"ceiling_ns\":null,\"share_of_ceiling\":null,\"verified\":true,"
        "\"winner\":false,\"ns\":[7],\"session\":{\"machine\":[\"a\",\"b\",\"c\",\"d\"],"
        "\"cpu\":\"x\",\"version\":\"0.1.0\",\"compiler\":\"cc\",\"signature\":\"00ff\","
        "\"date\":\"2024-05-17T09:30:00Z\",\"command\":\"disentune bench\",\"seed\":\"1\","
        "\"noise_floor\":0.01,\"noisy\":false,\"ceilings\":[]}}\n";
    struct dt_records records;
    struct dt_error error = {0};
    enum dt_status status = read_bytes(line, strlen(line), &records, &error);
    cr_assert_eq(status, DT_OK, "%s", error.text);
    cr_expect_str_eq(records.session.build.signature, "00ff");
    cr_expect_str_eq(records.session.build.digest, "");
    cr_expect_str_eq(records.session.run, "");
    cr_expect(isnan(records.items[0].error_share) && isnan(records.items[0].error_ulp));
    cr_expect(isnan(records.items[0].phase_ns[DT_PHASE_C2C]));
    dt_records_clear(&records);
}

Test(record, unprintable_text_is_written_as_question_marks)
{
    struct dt_session session = example_session();
    const struct dt_record record = example_record();
    strcpy(session.command, "bench \x1b[31m\xff");
    char *line = example_line(&session, &record);
    struct dt_records records;
    enum dt_status status = read_bytes(line, strlen(line), &records, NULL);
    cr_assert_eq(status, DT_OK);
    cr_expect_str_eq(records.session.command, "bench ?[31m?");
    dt_records_clear(&records);
    free(line);
}

/* Reads the example with `from` replaced by `to`, as the second of two lines. */
static enum dt_status read_changed(const char *from, const char *to, struct dt_error *error)
{
    const struct dt_session session = example_session();
    const struct dt_record record = example_record();
    char *line = example_line(&session, &record), *changed;
    const char *at = strstr(line, from);
    cr_assert_not_null(at, "the example lacks %s", from);
    cr_assert(
        asprintf(&changed, "%s%.*s%s%s", line, (int)(at - line), line, to, at + strlen(from)) > 0);
    struct dt_records records;
    enum dt_status status = read_bytes(changed, strlen(changed), &records, error);
    if (!status)
        dt_records_clear(&records);
    free(changed);
    free(line);
    return status;
}

Test(record, malformed_lines_are_refused_with_their_number)
{
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"{\"problem\"", "[\"problem\"", "no JSON object"},
        {"{\"problem\"", "\n{\"problem\"", "no JSON object"},
        {"}\n", "", "no JSON object"},
        {"}\n", "} {}\n", "no JSON object"},
        {"\"op\":\"bias\"", "\"op\":\"bias\",\"op\":\"bias\"", "no JSON object"},
        {"\"op\":\"bias\"", "\"op\":\"\xff\"", "no JSON object"},
        {"\"threads\":1", "\"threads\":1e999", "no JSON object"},
        {"\"threads\":1", "\"threads\":123456789012345678901234", "no JSON object"},
        {"\"op\":", "\"opp\":", "\"op\" is missing"},
        {"\"cpu\":", "\"gpu\":", "\"session.cpu\" is missing"},
        {"\"session\":", "\"sessions\":", "\"session\" is missing"},
        {"\"session\":{", "\"session\":4,\"sessions\":{", "\"session.machine\" is missing"},
        {"q512", "q0", "\"problem\" must be"},
        {"q512", "q99999999999", "\"problem\" must be"},
        {"\"op\":\"bias\"", "\"op\":\"bios\"", "\"op\" must be"},
        {"\"op\":\"bias\"", "\"op\":7", "\"op\" must be"},
        {"window-skew", "a-name-that-is-longer-than-any-variant-may-be-and-then-some-more",
         "\"variant\" must be"},
        {"window-skew", "\\u001b[2J", "\"variant\" must be"},
        {"window-skew", "\\u009b2J", "\"variant\" must be"},
        {"window-skew", "\\u0000", "no JSON object"},
        {"64x0", "64", "\"tile\" must be"},
        {"64x0", "-64x0", "\"tile\" must be"},
        {"64x0", "064x0", "\"tile\" must be"},
        {"64x0", "64x99999999999999999999", "\"tile\" must be"},
        {"\"threads\":1", "\"threads\":0", "\"threads\" must be"},
        {"\"threads\":1", "\"threads\":1.0", "\"threads\" must be"},
        {"\"ns_hi\":null", "\"ns_hi\":\"fast\"", "\"ns_hi\" must be"},
        {"\"ns_hi\":null", "\"ns_hi\":-1", "\"ns_hi\" must be"},
        {"\"error_share\":0.25", "\"error_share\":-1", "\"error_share\" must be"},
        {"\"pack\":null", "\"pack\":-1", "\"phase_ns\" must be"},
        {"\"pack\":null,", "", "\"phase_ns\" must be"},
        {"\"dirty\":true", "\"dirty\":1", "\"session.dirty\" must be"},
        {"\"base\":{\"version\"", "\"base\":{\"v\"", "\"session.base\" must be"},
        {"\"samples\":5", "\"samples\":4", "\"ns\" must be"},
        {"\"samples\":5", "\"samples\":-5", "\"samples\" must be"},
        {"\"samples\":5", "\"samples\":9223372036854775807", "\"samples\" must be"},
        {"\"verified\":true", "\"verified\":1", "\"verified\" must be"},
        {"\"ns\":[0.3", "\"ns\":[1.0,0.3", "\"ns\" must be"},
        {"94210.0]", "null]", "\"ns\" must be"},
        {"\"machine\":[", "\"machine\":[\"one more\",", "\"session.machine\" must be"},
        {"\"seed\":\"1", "\"seed\":\"9", "\"session.seed\" must be"},
        {"\"unit\":\"FLOP/s\"", "\"unit\":\"furlongs\"", "\"session.ceilings\" must be"},
        {"\"unit\":\"FLOP/s\"", "\"uni\":\"FLOP/s\"", "\"session.ceilings\" must be"},
    };
    size_t accepted = 0;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct dt_error error = {0};
        enum dt_status status = read_changed(cases[c].from, cases[c].to, &error);
        if (status != DT_INVALID || !strstr(error.text, ":2: ") ||
            !strstr(error.text, cases[c].message) || strpbrk(error.text, "\x1b\n")) {
            cr_log_error("%s -> %s: status %d, \"%s\"", cases[c].from, cases[c].to, (int)status,
                         error.text);
            accepted++;
        }
    }
    cr_assert_eq(accepted, 0, "%zu cases", accepted);
}

Test(record, endless_lines_and_missing_files_are_refused)
{
    struct dt_records records;
    struct dt_error error = {0};
    cr_expect_eq(dt_records_read("/dev/zero", &records, &error), DT_INVALID);
    cr_expect_str_eq(error.text, "/dev/zero:1: longer than 4194304 bytes");
    cr_expect_eq(dt_records_read("/nowhere/a.jsonl", &records, &error), DT_IO);
    cr_expect_str_eq(error.text, "cannot open /nowhere/a.jsonl: No such file or directory");
    cr_expect_eq(dt_records_read("/tmp", &records, &error), DT_IO);
    cr_expect_eq(records.count, 0);
}

Test(record, full_disk_is_reported)
{
    const struct dt_session session = example_session();
    const struct dt_record record = example_record();
    struct dt_error error = {0};
    FILE *full = fopen("/dev/full", "w");
    cr_expect_eq(dt_record_write(full, &session, &record, &error), DT_IO);
    cr_expect_not_null(strstr(error.text, "No space left"), "%s", error.text);
    fclose(full);
}

Test(record, corrupted_bytes_never_crash)
{
    const struct dt_session session = example_session();
    const struct dt_record record = example_record();
    char *line = example_line(&session, &record);
    const size_t size = strlen(line);
    uint64_t state = 20240517;
    size_t refused = 0, silent = 0;
    for (size_t round = 0; round < 2000; round++) {
        char *at = line + dt_random_below(&state, size), kept = *at;
        *at = (char)dt_random_below(&state, 256);
        struct dt_records records;
        struct dt_error error = {0};
        if (read_bytes(line, size, &records, &error)) {
            refused++;
            silent += !strstr(error.text, ":1: ") && !strstr(error.text, ":2: ");
        } else {
            dt_records_clear(&records);
        }
        *at = kept;
    }
    free(line);
    cr_expect_eq(silent, 0, "%zu messages name no line", silent);
    cr_expect_gt(refused, 1000, "%zu of 2000 were refused", refused);
}
