/* SPDX-License-Identifier: MIT */
#include "reports/embedded.h"
#include "reports/html.h"
#include "reports/markup.h"
#include "reports/packing.h"
#include "reports/page.h"
#include "tests/evidence_fixture.h"
#include "tests/made_up.h"

#include <unistd.h>

static struct dt_evidence made_up(size_t samples)
{
    struct dt_evidence evidence;
    cr_assert(made_up_evidence(&evidence, samples));
    return evidence;
}

/* The report in memory that the caller frees. */
static char *print(const struct dt_evidence *evidence)
{
    char *text;
    size_t size;
    struct dt_error error = {0};
    FILE *stream = open_memstream(&text, &size);
    enum dt_status status = dt_html_print(stream, evidence, &error);
    fclose(stream);
    cr_assert_eq(status, DT_OK, "%s", error.text);
    return text;
}

static enum dt_status read_back(const char *html, struct dt_evidence *evidence,
                                struct dt_error *error)
{
    char path[] = "/tmp/disentune-html-XXXXXX";
    FILE *stream = fdopen(mkstemp(path), "w");
    fputs(html, stream);
    fclose(stream);
    enum dt_status status = dt_evidence_read(path, evidence, error);
    unlink(path);
    return status;
}

static size_t count_of(const char *text, const char *part)
{
    size_t count = 0;
    for (; (text = strstr(text, part)); text += strlen(part))
        count++;
    return count;
}

/* What printf() writes of what is no number appears nowhere. */
static void expect_numbers(const char *html)
{
    static const char *const words[] = {"\"nan", ">nan", " nan", "-nan", "\"inf", ">inf", "-inf"};
    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        cr_expect_null(strstr(html, words[w]), "%s", words[w]);
}

static const char *const names[] = {"verdict", "tuner",    "cells",   "roofline", "scaling",
                                    "phases",  "accuracy", "history", "trust",    "provenance"};

enum { NAMES = sizeof names / sizeof *names };

/* ---- Text ------------------------------------------------------------------ */

static char *markup(void (*put)(FILE *, const char *), const char *text)
{
    char *result;
    size_t size;
    FILE *stream = open_memstream(&result, &size);
    put(stream, text);
    fclose(stream);
    return result;
}

Test(html, names_in_sentences_are_marked)
{
    static const struct {
        const char *text, *rich, *plain;
    } cases[] = {
        {"`a<b` wins", "<code>a&lt;b</code> wins", "a&lt;b wins"},
        {"`a` and `b`", "<code>a</code> and <code>b</code>", "a and b"},
        {"an odd ` stays", "an odd ` stays", "an odd ` stays"},
        {"`one` odd `", "<code>one</code> odd `", "one odd `"},
        {"", "", ""},
        {"``", "<code></code>", ""},
        {"5 % of `b % c`", "5\u00a0% of <code>b\u00a0% c</code>", "5\u00a0% of b\u00a0% c"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char *rich = markup(dt_markup_rich, cases[c].text);
        char *plain = markup(dt_markup_plain, cases[c].text);
        cr_expect_str_eq(rich, cases[c].rich);
        cr_expect_str_eq(plain, cases[c].plain);
        free(rich);
        free(plain);
    }
}

Test(html, long_names_are_cut_between_characters)
{
    char text[1200] = "`", *rich;
    for (size_t n = 0; n < 500; n++)
        strcat(text, n % 7 ? "x" : "\u00b5");
    strcat(text, "`");
    rich = markup(dt_markup_rich, text);
    cr_expect_null(strchr(rich, '?'));
    cr_expect_eq(count_of(rich, "\u00b5"), 72);
    free(rich);
}

static void expect_text(struct dt_evidence evidence)
{
    static const char evil[] = "</script><script>alert(1)</script>&\"'<!--";
    struct dt_evidence again;
    for (size_t s = 0; s < evidence.count; s++) {
        struct dt_finding *f = &evidence.sessions[s];
        snprintf(f->records.session.cpu, sizeof f->records.session.cpu, "%s", evil);
        snprintf(f->records.session.command, sizeof f->records.session.command, "%s", evil);
        snprintf(f->records.session.environment, 99, "%s", evil);
        for (size_t r = 0; r < f->records.count; r += 7)
            snprintf(f->records.items[r].variant, 60, "%s", evil);
        for (size_t c = 0; c < f->cell_count; c++) {
            snprintf(f->cells[c].reason, sizeof f->cells[c].reason, "%s", evil);
            snprintf(f->cells[c].head_choice, sizeof f->cells[c].head_choice, "%s", evil);
        }
    }
    char *html = print(&evidence), *lines = fixture_text(&evidence);
    cr_expect_eq(count_of(html, "<script"), 2, "the data and the page's own");
    cr_expect_eq(count_of(html, "</script"), 2);
    cr_expect_eq(count_of(html, "<!--"), 0);
    struct dt_embedded embedded;
    struct dt_error error = {0};
    cr_assert_eq(dt_embedded_init(&embedded, &evidence, SIZE_MAX, &error), DT_OK);
    cr_assert_eq(read_back(embedded.block, &again, &error), DT_OK, "%s", error.text);
    char *back = fixture_text(&again);
    cr_expect(strcmp(back, lines) == 0);
    free(back);
    dt_embedded_clear(&embedded);
    free(lines);
    free(html);
    dt_evidence_clear(&again);
    dt_evidence_clear(&evidence);
}

Test(html, texts_of_packed_evidence_stay_text) { expect_text(made_up(5)); }

Test(html, texts_of_plain_evidence_stay_text) { expect_text(fixture_evidence()); }

/* ---- Pages ----------------------------------------------------------------- */

Test(html, every_page_with_data_is_there)
{
    struct dt_evidence evidence = made_up(12);
    char *html = print(&evidence), tag[64];
    for (size_t n = 0; n < NAMES; n++) {
        snprintf(tag, sizeof tag, "<section id=\"%s\"", names[n]);
        cr_expect_eq(count_of(html, tag), 1, "%s", names[n]);
        snprintf(tag, sizeof tag, "href=\"#%s\"", names[n]);
        cr_expect_eq(count_of(html, tag), 2, "%s in navigation and overview", names[n]);
    }
    cr_expect_null(strstr(html, "id=\"absent\""));
    cr_expect_eq(count_of(html, "<figure"), count_of(html, "<summary>Data</summary>"));
    cr_expect_gt(count_of(html, "<figure"), 13);
    expect_numbers(html);
    cr_expect_null(strstr(html, "src="));
    free(html);
    dt_evidence_clear(&evidence);
}

Test(html, pages_without_data_say_what_brings_it)
{
    struct dt_evidence evidence = {0}, again;
    char *html = print(&evidence), tag[64];
    for (size_t n = 0; n < NAMES; n++) {
        snprintf(tag, sizeof tag, "<div id=\"%s\">", names[n]);
        cr_expect_eq(count_of(html, tag), 1, "%s", names[n]);
    }
    cr_expect_eq(count_of(html, "brings it."), NAMES);
    cr_expect_not_null(strstr(html, "<h1>There is nothing to report yet.</h1>"));
    cr_expect_eq(read_back(html, &again, NULL), DT_OK);
    cr_expect_eq(again.count, 0);
    free(html);
}

/* What the store test has: odd values, few of each kind, most of them unknown. */
Test(html, sparse_evidence_is_a_report)
{
    struct dt_evidence evidence = fixture_evidence(), again;
    char *html = print(&evidence), *lines = fixture_text(&evidence);
    struct dt_error error = {0};
    expect_numbers(html);
    cr_assert_eq(read_back(html, &again, &error), DT_OK, "%s", error.text);
    char *back = fixture_text(&again);
    cr_expect(strcmp(back, lines) == 0);
    free(back);
    free(lines);
    free(html);
    dt_evidence_clear(&again);
    dt_evidence_clear(&evidence);
}

/* A sentence that does not follow its data is worse than none. */
Test(html, findings_follow_the_data)
{
    struct dt_evidence evidence = made_up(12);
    struct dt_page_data data;
    char text[DT_SENTENCE_MAX];
    cr_assert_eq(dt_page_data_init(&data, &evidence, NULL), DT_OK);
    dt_page_verdict.finding(&data, text);
    cr_expect_str_eq(text, "1 of 8 cells regressed, 1 improved, 1 is undecided, 1 is void. "
                           "`attention n512 h12 log:256:512` takes 6.2 % longer.");
    dt_page_trust.finding(&data, text);
    cr_expect_str_eq(text, "0 of 59 runs of a build against itself gave a false alarm (with 95 % "
                           "confidence at most 6.06 %). A slow-down of 5 % is found in 38 of 40 "
                           "runs.");
    dt_page_data_clear(&data);

    struct dt_finding *last = NULL;
    for (size_t s = 0; s < evidence.count; s++)
        if (evidence.sessions[s].cell_count)
            last = &evidence.sessions[s];
    last->cells[0].judgement = DT_EQUIVALENT;
    for (size_t s = 0; s < evidence.count; s++)
        for (size_t r = 0; r < evidence.sessions[s].records.count; r++)
            evidence.sessions[s].records.items[r].error_share *= 2;
    cr_assert_eq(dt_page_data_init(&data, &evidence, NULL), DT_OK);
    dt_page_verdict.finding(&data, text);
    cr_expect_str_eq(text, "None of 8 cells regressed, 1 improved, 1 is undecided, 1 is void.");
    dt_page_accuracy.finding(&data, text);
    cr_expect(strstr(text, "lie beyond the stated bound; the worst, `attention.avx2.active-rows`"),
              "%s", text);
    dt_page_data_clear(&data);
    dt_evidence_clear(&evidence);
}

Test(html, a_problem_is_shown_by_the_newest_session_with_enough_choices)
{
    struct dt_evidence evidence = made_up(5);
    struct dt_session session = evidence.sessions[evidence.count - 1].records.session;
    strcpy(session.date, "2024-06-01T00:00:00Z");
    struct dt_finding *narrow = dt_evidence_session(&evidence, &session);
    struct dt_record only = fixture_record("n512 log:256:512", 3);
    only.problem = dt_problem_class(DT_OP_BIAS, &only.problem);
    FIXTURE_KEEP(narrow, records.items, records.count, only);
    struct dt_page_data data;
    cr_assert_eq(dt_page_data_init(&data, &evidence, NULL), DT_OK);
    cr_expect_eq(data.newest, &evidence.sessions[evidence.count - 1]);
    size_t found = 0;
    for (size_t b = 0; b < data.block_count; b++)
        if (data.blocks[b].sorted[0]->op == DT_OP_BIAS &&
            memcmp(&data.blocks[b].sorted[0]->problem, &only.problem, sizeof only.problem) == 0) {
            found++;
            cr_expect_gt(data.blocks[b].span, 10);
            cr_expect_gt(data.blocks[b].candidates, 10);
        }
    cr_expect_eq(found, 1);
    const struct dt_block *widest = &data.blocks[0];
    struct dt_finding *again = NULL;
    strcpy(session.date, "2024-06-02T00:00:00Z");
    const size_t half = (widest->span + 1) / 2;
    struct dt_record *copies = calloc(half, sizeof *copies);
    for (size_t r = 0; r < half; r++) {
        copies[r] = *widest->sorted[r];
        copies[r].ns = NULL;
    }
    dt_page_data_clear(&data);
    again = dt_evidence_session(&evidence, &session);
    again->records.items = copies;
    again->records.count = half;
    cr_assert_eq(dt_page_data_init(&data, &evidence, NULL), DT_OK);
    cr_expect_eq(data.blocks[0].finding, again, "half as many are enough");
    cr_expect_eq(data.blocks[0].span, half);
    dt_page_data_clear(&data);

    strcpy(session.machine[3], "another machine");
    strcpy(session.date, "2024-07-01T00:00:00Z");
    struct dt_finding *other = dt_evidence_session(&evidence, &session);
    FIXTURE_KEEP(other, records.items, records.count, fixture_record("n96 log:256:512", 3));
    cr_assert_eq(dt_page_data_init(&data, &evidence, NULL), DT_OK);
    cr_expect_eq(data.block_count, 1);
    cr_expect_eq(data.other_machines, 3);
    dt_page_data_clear(&data);
    dt_evidence_clear(&evidence);
}

/* ---- Bytes ----------------------------------------------------------------- */

Test(html, same_evidence_gives_the_same_bytes)
{
    struct dt_evidence evidence = made_up(12), again = made_up(12);
    char *one = print(&evidence), *two = print(&again);
    cr_expect(strcmp(one, two) == 0);
    free(one);
    free(two);
    dt_evidence_clear(&evidence);
    dt_evidence_clear(&again);
}

/* Packed where this build can: then all of it fits, too. */
Test(html, data_in_a_report_are_read_back_whole)
{
    struct dt_evidence evidence = made_up(24), again;
    struct dt_embedded embedded;
    struct dt_error error = {0};
    char *lines = fixture_text(&evidence), *packed = dt_pack("a", 1);
    cr_expect_gt(strlen(lines), DT_HTML_BYTES_MAX);
    if (packed) {
        char *html = print(&evidence);
        cr_expect_lt(strlen(html), DT_HTML_BYTES_MAX);
        cr_expect_null(strstr(html, "are left out"));
        free(html);
    }
    cr_assert_eq(dt_embedded_init(&embedded, &evidence, SIZE_MAX, &error), DT_OK);
    cr_expect_eq(strstr(embedded.block, "data-packed=") != NULL, packed != NULL);
    cr_assert_eq(read_back(embedded.block, &again, &error), DT_OK, "%s", error.text);
    char *back = fixture_text(&again);
    cr_expect(strcmp(back, lines) == 0);
    free(back);
    free(packed);
    free(lines);
    dt_embedded_clear(&embedded);
    dt_evidence_clear(&again);
    dt_evidence_clear(&evidence);
}

/* Samples are left out before anything else, and the page says how many. */
Test(html, too_many_samples_are_left_out_and_counted)
{
    struct dt_evidence evidence = made_up(60), again;
    struct dt_error error = {0};
    struct dt_embedded whole, none, less;
    cr_assert_eq(dt_embedded_init(&whole, &evidence, SIZE_MAX, &error), DT_OK, "%s", error.text);
    cr_expect_eq(whole.left_out, 0);
    cr_assert_eq(dt_embedded_init(&none, &evidence, 1, &error), DT_OK);
    cr_expect_eq(none.samples, 0);
    const size_t room = (whole.size + none.size) / 2;
    cr_assert_eq(dt_embedded_init(&less, &evidence, room, &error), DT_OK);
    cr_expect_leq(less.size, room);
    cr_expect_gt(less.size, room - (room - none.size) / 2, "it leaves out more than it has to");
    cr_expect_gt(less.left_out, 0);
    cr_expect_eq(less.left_out + less.samples, whole.samples);
    cr_assert_eq(read_back(less.block, &again, &error), DT_OK, "%s", error.text);
    size_t samples = 0, records = 0;
    for (size_t s = 0; s < again.count; s++)
        for (size_t r = 0; r < again.sessions[s].records.count; r++, records++)
            samples += again.sessions[s].records.items[r].ns
                           ? again.sessions[s].records.items[r].samples
                           : 0;
    cr_expect_eq(samples, less.samples);
    cr_expect_gt(records, 500);
    dt_evidence_clear(&again);
    dt_embedded_clear(&less);
    dt_embedded_clear(&none);
    dt_embedded_clear(&whole);
    dt_evidence_clear(&evidence);
}

static void expect_refusal(const char *html, const char *message)
{
    struct dt_evidence evidence;
    struct dt_error error = {0};
    cr_expect_eq(read_back(html, &evidence, &error), DT_INVALID, "%.60s", html);
    cr_expect(strstr(error.text, message), "\"%s\", not \"%s\"", error.text, message);
}

Test(html, damaged_reports_are_refused)
{
    struct dt_evidence evidence = made_up(24);
    char *html = print(&evidence);
    char *block = strstr(html, "<script id=\"evidence\"");
    cr_assert_not_null(block);
    expect_refusal("<!DOCTYPE html><title>another page</title>", "without the data of a report");
    expect_refusal("<", "without the data of a report");
    char *end = strstr(block, "</script>");
    *end = '\0';
    expect_refusal(html, "without the data of a report");
    *end = '<';
    if (strstr(block, "data-packed=")) {
        char *middle = block + 5000, kept = *middle;
        *middle = '!';
        expect_refusal(html, "the packed data are damaged");
        *middle = kept == 'A' ? 'B' : 'A';
        expect_refusal(html, "the packed data are damaged");
        *middle = kept;
        char *digits = strstr(block, "data-packed=\"") + 13;
        digits[0] = digits[0] == '1' ? '2' : '1';
        expect_refusal(html, "the packed data are damaged");
        memcpy(strstr(block, "data-packed="), "data-packed=\"99999999999\">\n", 27);
        expect_refusal(html, "packed data of more than");
    }
    free(html);
    dt_evidence_clear(&evidence);
}
