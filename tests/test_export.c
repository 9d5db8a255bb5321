/* SPDX-License-Identifier: MIT */
/* Exports of made-up evidence. That other programs read them is shown by program/check-exports. */
#include "reports/export.h"
#include "reports/verdict.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One of each judgement; the first two differ by name and time alone. */
struct made {
    struct dt_cell cells[7];
    struct dt_finding finding;
    struct dt_evidence evidence;
};

static void make_cell(struct dt_cell *cell, const char *problem, enum dt_judgement judgement,
                      double ratio, const char *reason)
{
    *cell = (struct dt_cell){.subject = {.op = DT_OP_BIAS, .threads = 1},
                             .base_ns = 78900,
                             .head_ns = 78900 * ratio,
                             .ratio = ratio,
                             .lo = ratio - 0.01,
                             .hi = ratio + 0.01,
                             .boot_lo = NAN,
                             .boot_hi = NAN,
                             .band = 0.012,
                             .delta = 0.03,
                             .p = NAN,
                             .pairs = 20,
                             .samples = 80,
                             .base_instructions = NAN,
                             .head_instructions = NAN,
                             .judgement = judgement};
    cr_assert_eq(dt_problem_parse(problem, &cell->subject.problem, NULL), DT_OK);
    snprintf(cell->reason, sizeof cell->reason, "%s", reason);
}

static void make(struct made *made)
{
    *made = (struct made){.evidence = {&made->finding, 1}};
    make_cell(&made->cells[0], "n1 linear:4", DT_SAME_CODE, NAN, "the machine code is the same");
    make_cell(&made->cells[1], "n2 linear:4", DT_REGRESSED, 1.06, "slower");
    make_cell(&made->cells[2], "n3 linear:4", DT_REGRESSED, 1.2, "100 % slower: <b>\n&");
    make_cell(&made->cells[3], "n4 linear:4", DT_UNDECIDED, 1.02, "too few # pairs");
    make_cell(&made->cells[4], "n5 linear:4", DT_IMPROVED, 0.8, "faster");
    make_cell(&made->cells[5], "n6 linear:4", DT_EQUIVALENT, 1.001, "within 3 %");
    make_cell(&made->cells[6], "n7 linear:4", DT_VOID, NAN, "wrong numbers");
    strcpy(made->cells[2].subject.variant, "bias.avx2.window-skew");
    made->cells[2].subject.threads = 2;
    made->finding = (struct dt_finding){.cells = made->cells, .cell_count = 7};
    strcpy(made->finding.records.session.cpu, "CPU <@someone> & \"co\"\033[2J \377");
    strcpy(made->finding.records.session.date, "2024-05-17T09:30:00Z");
}

static char *print(dt_export_fn *format, const struct dt_evidence *evidence)
{
    char *text;
    size_t size;
    struct dt_error error = {0};
    FILE *stream = open_memstream(&text, &size);
    enum dt_status status = format(stream, evidence, &error);
    fclose(stream);
    cr_assert_eq(status, DT_OK, "%s", error.text);
    cr_assert_eq(strlen(text), size, "a text with zeros in it");
    return text;
}

Test(export, cells_are_sorted_worst_first)
{
    struct made made;
    const struct dt_cell **sorted;
    static const size_t wanted[] = {2, 1, 6, 3, 4, 5, 0};
    char text[DT_VERDICT_TEXT_MAX];
    size_t wrong = 0;
    make(&made);
    cr_assert_eq(dt_verdict_sort(&made.finding, &sorted, NULL), DT_OK);
    for (size_t c = 0; c < 7; c++)
        wrong += sorted[c] != &made.cells[wanted[c]];
    free(sorted);
    cr_expect_eq(wrong, 0);
    cr_expect_str_eq(dt_verdict_tally(&made.finding, text),
                     "2 regressed, 1 void, 1 undecided, 1 improved, 1 equivalent, 1 same-code");
    cr_expect_str_eq(dt_verdict_measured(&made.cells[1], text),
                     "+6.0 % (95 %: +5.0 % to +7.0 %), 78.9 us to 83.6 us, 20 pairs");
}

Test(export, tap_in_full)
{
    struct made made;
    make(&made);
    char *text = print(dt_export_tap, &made.evidence);
    cr_expect_str_eq(
        text,
        "TAP version 13\n1..7\n"
        "not ok 1 - bias/n3 linear:4/avx2.window-skew/threads:2\n"
        "  ---\n  severity: \"regressed\"\n  message: \"100 % slower: <b>\\n&\"\n"
        "  measured: \"+20.0 % (95 %: +19.0 % to +21.0 %), 78.9 us to 94.7 us, 20 pairs\"\n  ...\n"
        "not ok 2 - bias/n2 linear:4\n"
        "  ---\n  severity: \"regressed\"\n  message: \"slower\"\n"
        "  measured: \"+6.0 % (95 %: +5.0 % to +7.0 %), 78.9 us to 83.6 us, 20 pairs\"\n  ...\n"
        "not ok 3 - bias/n7 linear:4\n"
        "  ---\n  severity: \"void\"\n  message: \"wrong numbers\"\n"
        "  measured: \"not measured\"\n  ...\n"
        "ok 4 - bias/n4 linear:4 # SKIP too few \\# pairs\n"
        "ok 5 - bias/n5 linear:4\n"
        "ok 6 - bias/n6 linear:4\n"
        "ok 7 - bias/n1 linear:4\n");
    free(text);
}

Test(export, annotations_in_full)
{
    struct made made;
    make(&made);
    char *text = print(dt_export_annotations, &made.evidence);
    cr_expect_str_eq(
        text,
        "::error title=regressed bias/n3 linear%3A4/avx2.window-skew/threads%3A2::100 %25 slower: "
        "<b>%0A&; +20.0 %25 (95 %25: +19.0 %25 to +21.0 %25), 78.9 us to 94.7 us, 20 pairs\n"
        "::error title=regressed bias/n2 linear%3A4::slower; +6.0 %25 (95 %25: +5.0 %25 to +7.0 "
        "%25), 78.9 us to 83.6 us, 20 pairs\n"
        "::error title=void bias/n7 linear%3A4::wrong numbers\n"
        "::warning title=undecided bias/n4 linear%3A4::too few # pairs; +2.0 %25 (95 %25: +1.0 %25 "
        "to +3.0 %25), 78.9 us to 80.5 us, 20 pairs\n"
        "::notice title=improved bias/n5 linear%3A4::faster; -20.0 %25 (95 %25: -21.0 %25 to -19.0 "
        "%25), 78.9 us to 63.1 us, 20 pairs\n");
    free(text);
}

static size_t count_of(const char *text, const char *what)
{
    size_t count = 0;
    for (const char *at = text; (at = strstr(at, what)); at++)
        count++;
    return count;
}

/* Cells without end, with reasons as long as they get in characters that grow when escaped. */
static struct dt_evidence *make_many(size_t count)
{
    struct made *made = calloc(1, sizeof *made);
    struct dt_cell *cells = calloc(count, sizeof *cells);
    cr_assert(made && cells);
    make(made);
    for (size_t c = 0; c < count; c++) {
        cells[c] = made->cells[c % 7];
        memset(cells[c].reason, '@', sizeof cells[c].reason - 1);
    }
    memset(made->finding.records.session.command, '*', 255);
    memset(made->finding.records.session.environment, '@', 255);
    memset(made->finding.records.session.machine[3], '@', 95);
    memset(made->finding.records.session.build.compiler, '@', 63);
    memset(made->finding.records.session.base.compiler, '@', 63);
    memset(made->finding.records.session.build.commit, '@', 47);
    memset(made->finding.records.session.base.commit, '@', 47);
    made->finding.cells = cells;
    made->finding.cell_count = count;
    return &made->evidence;
}

static void free_many(struct dt_evidence *evidence)
{
    free(evidence->sessions->cells);
    free((char *)evidence - offsetof(struct made, evidence));
}

Test(export, a_comment_of_10000_cells_fits)
{
    struct dt_evidence *evidence = make_many(10000);
    char *text = print(dt_export_pull_request, evidence);
    cr_expect_leq(strlen(text), DT_PULL_REQUEST_BYTES_MAX);
    cr_expect_geq(strlen(text), DT_PULL_REQUEST_BYTES_MAX / 2, "room is wasted");
    cr_expect_eq(count_of(text, "do not fit"), 3);
    cr_expect_eq(count_of(text, "<details>"), count_of(text, "</details>"));
    cr_expect_null(strstr(text, "| **undecided"), "the worst come first");
    cr_expect_not_null(strstr(text, "| **regressed"));
    cr_expect_str_eq(text + strlen(text) - 11, "</details>\n");
    free(text);
    free_many(evidence);
}

Test(export, at_most_ten_annotations_of_a_kind)
{
    struct dt_evidence *evidence = make_many(700);
    char *text = print(dt_export_annotations, evidence);
    cr_expect_eq(count_of(text, "::error "), 10);
    cr_expect_eq(count_of(text, "::warning "), 10);
    cr_expect_eq(count_of(text, "::notice "), 10);
    cr_expect_eq(count_of(text, "; and 290 more\n"), 1);
    cr_expect_eq(count_of(text, "; and 90 more\n"), 2);
    free(text);
    free_many(evidence);
}

Test(export, a_comment_tells_what_stands_out_first)
{
    struct made made;
    make(&made);
    char *text = print(dt_export_pull_request, &made.evidence);
    const char *const order[] = {"## disentune: 2 regressed",
                                 "CPU \\<&#64;someone\\> \\& \"co\" \\[2J ?.",
                                 "Less than 3.00 % is no change.",
                                 "up to 1.21 %.",
                                 ("| **regressed** | bias/n3 linear:4/avx2.window-skew/threads:2 | "
                                  "78.9 us | 94.7 us | +20.0 % | 100 % slower: \\<b\\> \\& |"),
                                 "| **regressed** | bias/n2",
                                 "| **void** | bias/n7 linear:4 | 78.9 us | - | - | wrong",
                                 "| **undecided** | bias/n4",
                                 "<summary>Details of these",
                                 "<summary>The other 3 cells",
                                 "| improved | bias/n5",
                                 "| equivalent | bias/n6",
                                 "| same-code | bias/n1",
                                 "<summary>Where and how"};
    const char *at = text;
    for (size_t n = 0; n < sizeof order / sizeof *order && at; n++) {
        at = strstr(at, order[n]);
        cr_expect_not_null(at, "\"%s\" is not there, or too early, in:\n%s", order[n], text);
    }
    cr_expect_null(strstr(text, "nan"), "%s", text);
    free(text);
}

Test(export, without_verdicts)
{
    static dt_export_fn *const formats[] = {dt_export_pull_request, dt_export_annotations,
                                            dt_export_junit, dt_export_tap};
    struct dt_evidence nothing = {0};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        struct dt_error error = {0};
        char text[16] = "";
        FILE *stream = fmemopen(text, sizeof text, "w");
        cr_expect_eq(formats[f](stream, &nothing, &error), DT_UNSUPPORTED);
        cr_expect_not_null(strstr(error.text, "disentune regress"), "%s", error.text);
        fclose(stream);
        cr_expect_str_eq(text, "");
    }
}

/* Records that failed validation are failures of tests. */
Test(export, junit_of_records)
{
    struct dt_record records[] = {
        {.op = DT_OP_BIAS,
         .threads = 1,
         .variant = "bias.avx2.right",
         .ns_median = 1500,
         .error_share = NAN,
         .verified = true},
        {.op = DT_OP_BIAS,
         .threads = 1,
         .variant = "bias.avx2.wrong",
         .ns_median = NAN,
         .error_share = 12,
         .verified = false,
         .tile = {64, 0}},
    };
    struct dt_finding finding = {.records = {.items = records, .count = 2}};
    struct dt_evidence evidence = {&finding, 1};
    dt_problem_parse("n8 linear:4", &records[0].problem, NULL);
    records[1].problem = records[0].problem;
    strcpy(finding.records.session.date, "yesterday");
    char *text = print(dt_export_junit, &evidence);
    cr_expect_str_eq(
        text,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
        "  <testsuite package=\"disentune\" id=\"0\" hostname=\"localhost\" name=\"validation\" "
        "tests=\"2\" failures=\"1\" errors=\"0\" skipped=\"0\" time=\"0.000001500\">\n"
        "    <properties>\n    </properties>\n"
        "    <testcase classname=\"disentune.bias\" name=\"bias/n8 linear:4/avx2.right/0x0\" "
        "time=\"0.000001500\"/>\n"
        "    <testcase classname=\"disentune.bias\" name=\"bias/n8 linear:4/avx2.wrong/64x0\" "
        "time=\"0.000000000\">\n"
        "      <failure message=\"failed validation: an error of 12 times its bound\" "
        "type=\"validation\">bias.avx2.wrong 64x0</failure>\n"
        "    </testcase>\n"
        "    <system-out></system-out>\n    <system-err></system-err>\n"
        "  </testsuite>\n</testsuites>\n");
    free(text);
}
