/* SPDX-License-Identifier: MIT */
#include "kernels/file.h"
#include "reports/stats.h"
#include "tests/table_fixture.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- Round trip -------------------------------------------------------------- */

Test(table, written_and_read_gives_the_same_bytes)
{
    struct dt_table *first = sample();
    char *text = text_of(first);
    struct dt_table *second = parsed(text);
    char *again = text_of(second);
    cr_expect_str_eq(again, text);
    cr_expect_eq(dt_table_size(second), 4);
    cr_expect_null(dt_table_rejected(second, 0));
    for (size_t n = 1; n < second->count; n++)
        cr_expect_lt(dt_table_compare(&second->records[n - 1], &second->records[n]), 0);
    free(text);
    free(again);
    dt_table_free(first);
    dt_table_free(second);
}

Test(table, bytes_do_not_depend_on_the_order_of_puts)
{
    struct dt_table *forward = sample(), *backward = empty_table();
    for (size_t n = forward->count; n-- > 0;)
        put(backward, forward->records[n]);
    char *one = text_of(forward), *other = text_of(backward);
    cr_expect_str_eq(one, other);
    free(one);
    free(other);
    dt_table_free(forward);
    dt_table_free(backward);
}

Test(table, line_is_as_documented)
{
    struct dt_table *table = empty_table();
    put(table, record_of("n512 log:256:512", &here, 64));
    char *text = text_of(table);
    cr_expect_str_eq(
        strchr(text, '\n') + 1,
        "{\"op\":\"bias\",\"problem\":\"b1 h1 q512 k512 d64 log:256:512 c2p+p2c f32 hf "
        "mask:none\",\"threads\":1,\"machine\":[\"x m\",\"x m u\",\"x m u l1d:48K\",\"x "
        "m u l1d:48K 1\"],\"variant\":\"bias.scalar.plain\",\"tile\":[64,0],"
        "\"samples\":90,\"ns_median\":95000.100000000006,\"ratio_to_scalar\":"
        "2.7000000000000002,\"ratio_lo\":2.6000000000000001,\"ratio_hi\":"
        "2.7999999999999998,\"noise_floor\":0.012,\"validated\":true,\"complete\":true,"
        "\"date\":\"2026-01-31T12:00:00Z\"}\n");
    free(text);
    dt_table_free(table);
}

Test(table, what_a_search_left_open_is_kept_and_may_be_missing)
{
    struct dt_table *table = empty_table();
    struct dt_table_record record = record_of("n512 log:256:512", &here, 64);
    record.regret = 0.25;
    record.tried = 96;
    record.plans = 2310;
    put(table, record);
    char *text = text_of(table);
    cr_expect(strstr(text, "\"complete\":true,\"regret\":0.25,\"tried\":[96,2310],\"date\""), "%s",
              text);
    struct dt_table *read = parsed(text);
    cr_assert_eq(dt_table_size(read), 1, "%s", dt_table_rejected(read, 0));
    cr_expect(read->records[0].regret == 0.25 && read->records[0].tried == 96 &&
              read->records[0].plans == 2310);
    free(text);
    dt_table_free(read);
    dt_table_free(table);
}

/* ---- Attention made of parts --------------------------------------------------- */

static struct dt_table_record attention_record(void)
{
    struct dt_table_record record = record_of("h12 n512 log:256:512", &here, 64);
    const struct dt_variant *variant;
    size_t n = 0;
    while ((variant = dt_variant_at(n)) && variant->strategy == DT_DIRECT)
        n++;
    record.op = DT_OP_ATTENTION;
    record.choice.variant = variant;
    record.choice.chunk = 128;
    record.choice.gemm = dt_variant_find("gemm.scalar.plain");
    record.choice.bias = dt_variant_find("bias.scalar.plain");
    record.choice.softmax = dt_variant_find("softmax.scalar.plain");
    return record;
}

Test(table, an_attention_names_its_parts)
{
    struct dt_table *table = empty_table();
    struct dt_table_record record = attention_record();
    put(table, record);
    record.problem = problem_of("h12 n512 log:256:512 none");
    record.choice.bias = NULL;
    put(table, record);
    record.problem = problem_of("h12 n2 log:256:512");
    record.choice = (struct dt_choice){.variant = dt_variant_find("attention.scalar.plain")};
    put(table, record);
    char *text = text_of(table);
    struct dt_table *read = parsed(text);
    char *again = text_of(read);
    cr_expect_str_eq(again, text);
    cr_expect_eq(dt_table_size(read), 3, "%s", dt_table_rejected(read, 0));
    cr_expect(strstr(text, "\"tile\":[64,0],\"chunk\":128,\"gemm\":\"gemm.scalar.plain\","
                           "\"bias\":\"bias.scalar.plain\",\"softmax\":\"softmax.scalar.plain\","
                           "\"samples\""));
    cr_expect(strstr(text, "\"gemm\":\"gemm.scalar.plain\",\"softmax\""), "no term, no bias");
    cr_expect(strstr(text, "\"attention.scalar.plain\",\"tile\":[0,0],\"samples\""));
    free(again);
    free(text);
    dt_table_free(read);
    dt_table_free(table);
}

Test(table, put_refuses_other_parts_than_the_choice_needs)
{
    struct dt_table *table = empty_table();
    struct dt_table_record records[6];
    for (int n = 0; n < 6; n++)
        records[n] = attention_record();
    records[0].choice.gemm = NULL;
    records[1].choice.softmax = records[1].choice.bias;
    records[2].problem.terms = 0;
    records[3].choice.chunk = 100;
    records[4].choice.chunk = -64;
    records[5].choice.variant = dt_variant_find("attention.scalar.plain");
    for (int n = 0; n < 6; n++)
        cr_expect_eq(dt_table_put(table, &records[n], NULL), DT_INVALID, "record %d", n);
    cr_expect_eq(table->count, 0);
    dt_table_free(table);
}

Test(table, put_refuses_a_part_that_does_not_fit)
{
    struct dt_table *table = empty_table();
    struct dt_table_record record = attention_record();
    const struct dt_variant *variant = NULL;
    for (size_t n = 0; (variant = dt_variant_at(n)) && variant->form != DT_FUSED;)
        n++;
    struct dt_error error = {0};
    record.choice.variant = variant;
    cr_assert(variant && !record.choice.bias->run_peaks);
    cr_expect_eq(dt_table_put(table, &record, &error), DT_INVALID);
    cr_expect(strstr(error.text, "bias.scalar.plain cannot be a part of"), "%s", error.text);
    dt_table_free(table);
}

/* ---- Dates -------------------------------------------------------------------- */

Test(table, put_keeps_the_later_date)
{
    struct dt_table *table = empty_table();
    struct dt_table_record record = record_of("n512 log:256:512", &here, 1);
    put(table, record);
    strcpy(record.date, "2025-01-01T00:00:00Z");
    record.choice.tile.rows = 2;
    put(table, record);
    cr_expect_eq(table->records[0].choice.tile.rows, 1);
    strcpy(record.date, "2026-01-31T12:00:00Z");
    record.choice.tile.rows = 3;
    put(table, record);
    cr_expect_eq(table->records[0].choice.tile.rows, 3);
    cr_expect_eq(table->count, 1);
    dt_table_free(table);
}

Test(table, put_refuses_what_load_would)
{
    struct dt_table *table = empty_table();
    struct dt_table_record record = record_of("n512 log:256:512", &here, 1);
    record.problem.heads = 12; /* not its class */
    cr_expect_eq(dt_table_put(table, &record, NULL), DT_INVALID);
    record = record_of("n512 log:256:512", &here, -1);
    cr_expect_eq(dt_table_put(table, &record, NULL), DT_INVALID);
    record = record_of("n512 log:256:512", &here, 1);
    record.machine.tier[3][0] = '\0';
    cr_expect_eq(dt_table_put(table, &record, NULL), DT_INVALID);
    cr_expect_eq(table->count, 0);
    dt_table_free(table);
}

Test(table, stale_signature_makes_suggestions_of_records)
{
    struct dt_table *fresh = sample();
    strcpy(fresh->header.signature, "0123456789abcdef");
    for (size_t n = 0; n < fresh->count; n++)
        fresh->records[n].origin = fresh->header;
    char *text = text_of(fresh);
    struct dt_table *table = parsed(text);
    cr_expect(table->stale && table->count == 4);
    cr_expect_eq(dt_table_size(table), 0);
    cr_expect(strstr(dt_table_rejected(table, 0), "another set of variants"));
    cr_expect_eq(ask(table, "n512 log:256:512", &here, 1).step, DT_STEP_HEURISTIC);
    const struct dt_table_record record = record_of("n512 log:256:512", &here, 64);
    cr_expect_eq(dt_table_put(table, &record, NULL), DT_INVALID);
    char *again = text_of(table);
    cr_expect_str_eq(again, text);
    free(text);
    free(again);
    dt_table_free(fresh);
    dt_table_free(table);
}

/* ---- Hostile text --------------------------------------------------------------- */

/* The text with the first `from` after the header replaced. */
static char *replaced(const char *text, const char *from, const char *to)
{
    char *result;
    const char *at = strstr(strchr(text, '\n'), from);
    cr_assert(at, "no \"%s\"", from);
    int length = asprintf(&result, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    cr_assert_geq(length, 0);
    return result;
}

Test(table, bad_record_is_refused_alone)
{
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"{\"op\"", "\"op\"", "expected"},
        {"{\"op\"", "", "expected"},
        {"\"op\":\"bias\"", "\"op\":\"bias\",\"op\":\"bias\"", "duplicate object key"},
        {"\"op\":\"bias\"", "\"op\":\"bias\",\"extra\":1", "left unpacked: extra"},
        {"\"op\":\"bias\",", "", "op"},
        {"\"bias\"", "\"baas\"", "unknown operation \"baas\""},
        {"\"bias\"", "\"softmax\"", "is no variant of softmax"},
        {"\"samples\"", "\"gemm\":\"gemm.scalar.plain\",\"samples\"", "takes no gemm"},
        {"\"samples\"", "\"chunk\":64,\"samples\"", "takes no chunk"},
        {"\"bias\"", "\"b\\u0000\"", "NUL"},
        {"\"bias\"", "\"\xff\"", "unable to decode byte 0xff"},
        {"q128", "q0", "query length is 0"},
        {"q128", "q99999999999", "unknown token"},
        {"h1", "h12", "not its own class"},
        {"\"threads\":1", "\"threads\":0", "threads is out of range"},
        {"\"threads\":1", "\"threads\":4294967297", "threads is out of range"},
        {"\"threads\":1", "\"threads\":99999999999999999999", "too big integer"},
        {"\"threads\":1", "\"threads\":1.5", "Expected integer"},
        {"\"x m\",", "", "Array"},
        {"\"x m\"", "\"\"", "machine key 0 is malformed"},
        {"\"x m\"", "\"\\u001b[31m\"", "machine key 0 is malformed"},
        {"\"x m\"",
         "\"0123456789012345678901234567890123456789012345678901234567890123456789"
         "0123456789012345678901234567890123456789\"",
         "machine key 0 is malformed"},
        {"scalar.plain", "scalar.unheard-of", "unknown variant \"bias.scalar.unheard-of\""},
        {"[0,0]", "[-1,0]", "tile is out of range"},
        {"[0,0]", "[4294967296,0]", "tile is out of range"},
        {"[0,0]", "[0,1048577]", "tile is out of range"},
        {"[0,0]", "[0]", "Array"},
        {"[0,0]", "[[[[[[[[[[0", "']' expected"},
        {":90,", ":0,", "samples is out of range"},
        {"95000.", "-95000.", "ns_median is out of range"},
        {"95000.100000000006", "1e999", "real number overflow"},
        {"\"ratio_lo\":2.6", "\"ratio_lo\":3.6", "ratio_to_scalar is out of range"},
        {"\"ratio_lo\":2.6", "\"ratio_lo\":true,\"x\":2.6", "x"},
        {"\"noise_floor\":0", "\"noise_floor\":-0", "noise_floor is out of range"},
        {"\"validated\":true", "\"validated\":1", "Expected true or false"},
        {",\"date\"", ",\"regret\":0.1,\"date\"", "regret and tried come together"},
        {",\"date\"", ",\"tried\":[1,2],\"date\"", "regret and tried come together"},
        {",\"date\"", ",\"regret\":-1,\"tried\":[1,2],\"date\"", "regret is out of range"},
        {",\"date\"", ",\"regret\":0,\"tried\":[3,2],\"date\"", "tried is out of range"},
        {",\"date\"", ",\"regret\":0,\"tried\":[0,2],\"date\"", "tried is out of range"},
        {",\"date\"", ",\"regret\":0,\"tried\":[1],\"date\"", "Array"},
        {",\"date\"", ",\"regret\":0,\"tried\":[1,2147483648],\"date\"", "tried is out of range"},
        {"2026-01", "2026/01", "date is out of range"},
        {"Z\"}", "Z\",\"origin\":[\"1\",\"0123456789abcdef\"]}", "Array"},
        {"Z\"}", "Z\",\"origin\":[\"1\",\"0123456789abcdeg\",\"cc\"]}", "origin is malformed"},
        {"Z\"}", "Z\",\"origin\":[\"\",\"0123456789abcdef\",\"cc\"]}", "origin is malformed"},
        {"Z\"}", "Z\",\"origin\":null}", "Expected array"},
    };
    struct dt_table *table = empty_table();
    put(table, record_of("n128 log:256:512", &here, 0));
    put(table, record_of("n512 log:256:512", &here, 64));
    char *text = text_of(table);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        char *bad = replaced(text, cases[n].from, cases[n].to);
        struct dt_table *read = parsed(bad);
        const char *why = dt_table_rejected(read, 0);
        cr_expect(dt_table_size(read) == 1 && why && strncmp(why, "line 2: ", 8) == 0 &&
                      strstr(why, cases[n].reason),
                  "case %zu: %s", n, why ? why : "not refused");
        dt_table_free(read);
        free(bad);
    }
    free(text);
    dt_table_free(table);
}

Test(table, bad_parts_are_refused_alone)
{
    static const struct {
        const char *from, *to, *reason;
    } cases[] = {
        {"\"chunk\":128", "\"chunk\":-128", "chunk is out of range"},
        {"\"chunk\":128", "\"chunk\":4294967424", "chunk is out of range"},
        {"\"chunk\":128", "\"chunk\":96", "takes no chunk of 96"},
        {"\"chunk\":128", "\"chunk\":\"128\"", "Expected integer"},
        {"\"gemm\":\"gemm.scalar.plain\",", "", "needs a gemm"},
        {"\"bias\":\"bias.scalar.plain\",", "", "needs a bias"},
        {"\"softmax\":\"softmax.scalar.plain\",", "", "needs a softmax"},
        {"gemm.scalar.plain", "gemm.scalar.unheard-of", "unknown variant"},
        {"gemm.scalar.plain", "bias.scalar.plain", "is no variant of gemm"},
        {"\"softmax.scalar.plain\"", "null", "Expected string"},
        {"\"softmax.scalar.plain\"", "\"softmax.\\u001b[31m\"", "unknown variant"},
    };
    struct dt_table *table = empty_table();
    put(table, attention_record());
    char *text = text_of(table);
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        char *bad = replaced(text, cases[n].from, cases[n].to);
        struct dt_table *read = parsed(bad);
        const char *why = dt_table_rejected(read, 0);
        cr_expect(dt_table_size(read) == 0 && why && strncmp(why, "line 2: ", 8) == 0 &&
                      strstr(why, cases[n].reason) && !strchr(why, '\x1b'),
                  "case %zu: %s", n, why ? why : "not refused");
        dt_table_free(read);
        free(bad);
    }
    free(text);
    dt_table_free(table);
}

Test(table, bad_header_refuses_the_file)
{
    static const struct {
        const char *text, *reason;
    } cases[] = {
        {"", "line 1"},
        {"\n", "line 1"},
        {"\x1b[2J", "line 1"},
        {"\x7f"
         "ELF\x01\x02\x1b[2J",
         "line 1"},
        {"[1]\n", "no schema"},
        {"{\"schema\":\"disentune-table-2\"}\n", "unknown schema \"disentune-table-2\""},
        {"{\"schema\":\"disentune-table-1\"}\n", "version"},
        {"{\"schema\":\"disentune-table-1\",\"version\":\"1\",\"signature\":\"xyz\","
         "\"compiler\":\"cc\"}\n",
         "malformed"},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_table *table = NULL;
        struct dt_error error = {0};
        enum dt_status status =
            dt_table_parse(cases[n].text, strlen(cases[n].text), "test", &table, &error);
        cr_expect(status == DT_INVALID && !table && strstr(error.text, cases[n].reason) &&
                      !strchr(error.text, '\x1b'),
                  "case %zu: %s", n, error.text);
    }
}

Test(table, same_key_twice_leaves_the_later_date)
{
    struct dt_table *table = empty_table();
    put(table, record_of("n128 log:256:512", &here, 8));
    char *text = text_of(table), *both;
    const char *line = text + strcspn(text, "\n") + 1;
    char *younger = replaced(text, "2026-01-31", "2026-02-01");
    cr_assert_geq(asprintf(&both, "%s%s%s", younger, line, line), 0);
    struct dt_table *read = parsed(both);
    cr_expect_eq(dt_table_size(read), 1);
    cr_expect_str_eq(read->records[0].date, "2026-02-01T12:00:00Z");
    cr_expect_str_eq(dt_table_rejected(read, 0),
                     "line 3: replaced by line 4, which has the same key");
    cr_expect_str_eq(dt_table_rejected(read, 1),
                     "line 4: replaced by line 2, which has the same key");
    cr_expect_null(dt_table_rejected(read, 2));
    dt_table_free(read);
    dt_table_free(table);
    free(younger);
    free(both);
    free(text);
}

Test(table, long_lines_deep_nests_and_many_bad_lines)
{
    struct dt_table *table = sample();
    char *text = text_of(table);
    const size_t size = strlen(text), deep = 60000, longer = 70000;
    char *big = malloc(size + deep + longer + 3000);
    memcpy(big, text, size);
    memset(big + size, '[', deep);
    big[size + deep] = '\n';
    memset(big + size + deep + 1, ' ', longer);
    memset(big + size + deep + 1 + longer, '\n', 2000);
    struct dt_table *read;
    cr_assert_eq(dt_table_parse(big, size + deep + 1 + longer + 2000, "test", &read, NULL), DT_OK);
    cr_expect_eq(dt_table_size(read), 4);
    cr_expect(strstr(dt_table_rejected(read, 0), "line 6: maximum parsing depth reached"));
    cr_expect_str_eq(dt_table_rejected(read, 1), "line 7: longer than 65536 bytes");
    cr_expect_leq(read->rejected_count, 100);
    cr_expect_str_eq(dt_table_rejected(read, read->rejected_count - 1),
                     "... 2001 bad lines in all");
    dt_table_free(read);
    dt_table_free(table);
    free(big);
    free(text);
}

/* Whatever is read of a damaged table, it answers with a choice that is right. */
Test(table, survives_single_corrupt_bytes)
{
    struct dt_table *table = sample();
    char *text = text_of(table);
    const size_t size = strlen(text);
    uint64_t state = 7;
    size_t fatal = 0, wrong = 0;
    for (int n = 0; n < 1000; n++) {
        const size_t at = dt_random_below(&state, size);
        const char kept = text[at];
        text[at] = (char)dt_random_below(&state, 256);
        struct dt_table *read;
        if (dt_table_parse(text, size, "test", &read, NULL)) {
            fatal++;
        } else {
            const struct dt_answer answer = ask(read, "n512 log:256:512", &here, 1);
            const struct dt_variant *variant = answer.choice.variant;
            wrong += variant != dt_variant_find(variant->name) || variant->op != DT_OP_BIAS ||
                     !dt_tile_fits(variant, answer.choice.tile) || read->count > 5;
            dt_table_free(read);
        }
        text[at] = kept;
    }
    cr_expect_eq(wrong, 0, "%zu wrong", wrong);
    cr_expect(fatal > 0 && fatal < 500, "%zu files refused", fatal);
    free(text);
    dt_table_free(table);
}

/* ---- Files ------------------------------------------------------------------------ */

struct folder {
    char path[32], file[48];
};

static struct folder new_folder(void)
{
    struct folder f = {.path = "/tmp/disentune-XXXXXX"};
    cr_assert(mkdtemp(f.path));
    snprintf(f.file, sizeof f.file, "%s/table", f.path);
    return f;
}

/* Names in it beside "." and "..". */
static size_t names_in(const char *path)
{
    size_t count = 0;
    DIR *folder = opendir(path);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 2;
}

static void remove_folder(const struct folder *f)
{
    unlink(f->file);
    rmdir(f->path);
}

Test(table, file_is_replaced_whole)
{
    struct folder f = new_folder();
    struct dt_table *table = sample(), *read;
    struct dt_error error;
    for (int n = 0; n < 2; n++)
        cr_assert_eq(dt_table_write(table, f.file, &error), DT_OK, "%s", error.text);
    cr_assert_eq(dt_table_load(f.file, &read, &error), DT_OK, "%s", error.text);
    char *one = text_of(table), *other = text_of(read);
    cr_expect_str_eq(one, other);
    cr_expect_eq(names_in(f.path), 1);
    free(one);
    free(other);
    dt_table_free(read);
    dt_table_free(table);
    remove_folder(&f);
}

Test(table, full_disk_leaves_the_old_file)
{
    struct folder f = new_folder();
    struct dt_table *table = sample(), *read;
    struct dt_error error;
    cr_assert_eq(dt_table_write(table, f.file, &error), DT_OK, "%s", error.text);
    char *before = text_of(table);
    put(table, record_of("n4096 log:256:512", &here, 64));
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, 1000});
    cr_expect_eq(dt_table_write(table, f.file, &error), DT_IO);
    cr_expect(strstr(error.text, "cannot write") && strstr(error.text, f.file) &&
                  strstr(error.text, "File too large"),
              "%s", error.text);
    cr_expect_eq(names_in(f.path), 1);
    cr_assert_eq(dt_table_load(f.file, &read, &error), DT_OK, "%s", error.text);
    char *after = text_of(read);
    cr_expect_str_eq(before, after);
    free(before);
    free(after);
    dt_table_free(read);
    dt_table_free(table);
    remove_folder(&f);
}

Test(table, unwritable_paths_fail_with_the_reason)
{
    static const struct {
        const char *path;
        enum dt_status status;
        const char *reason;
    } cases[] = {
        {"/proc/table", DT_IO, "/proc/table"},
        {"/dev/null/table", DT_IO, "Not a directory"},
        {"/nonexistent/table", DT_IO, "No such file or directory"},
        {"/dev/null", DT_INVALID, "not a regular file"},
        {"/", DT_INVALID, "not a regular file"},
        {"", DT_IO, "cannot write"},
    };
    struct dt_table *table = sample();
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_error error = {0};
        enum dt_status status = dt_table_write(table, cases[n].path, &error);
        cr_expect(status == cases[n].status && strstr(error.text, cases[n].reason),
                  "case %zu: %d %s", n, status, error.text);
    }
    dt_table_free(table);
}

static void expect_unreadable(const char *path, enum dt_status wanted, const char *reason)
{
    struct dt_table *table;
    struct dt_error error = {0};
    enum dt_status status = dt_table_load(path, &table, &error);
    cr_expect(status == wanted && strstr(error.text, reason), "%s: %d %s", path, status,
              error.text);
}

Test(table, unreadable_files_fail_with_the_reason)
{
    struct folder f = new_folder();
    struct dt_table *table = sample();
    cr_assert_eq(dt_table_write(table, f.file, NULL), DT_OK);
    dt_table_free(table);
    chmod(f.file, 0666);
    expect_unreadable(f.file, DT_INVALID, "writable by every user");
    chmod(f.file, 0644);
    cr_assert_eq(truncate(f.file, (off_t)DT_TABLE_BYTES_MAX + 1), 0);
    expect_unreadable(f.file, DT_INVALID, "at most");
    unlink(f.file);
    expect_unreadable(f.file, DT_IO, "No such file");
    expect_unreadable(f.path, DT_INVALID, "not a regular file");
    cr_assert_eq(mkfifo(f.file, 0600), 0);
    expect_unreadable(f.file, DT_INVALID, "not a regular file");
    remove_folder(&f);
}
