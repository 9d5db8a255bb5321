/* SPDX-License-Identifier: MIT */
/*
 * Reports of expected/tune.jsonl, a made-up session, against texts that a person has read. After a
 * change that is meant, write them anew and read the difference:
 *
 *     DISENTUNE_WRITE_EXPECTED=1 build/tests/unit
 */
#include "reports/grid.h"
#include "reports/markdown.h"
#include "reports/stats.h"
#include "reports/summary.h"
#include "reports/view.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define EXPECTED TESTS_DIR "/expected/"

enum form { WINNERS, ALL, AS_FITS, AS_MARKDOWN };

static const struct dt_terminal plain = {false, false, 100}, rich = {true, true, 100},
                                narrow = {false, true, 60};

static struct dt_records load(void)
{
    struct dt_records records;
    struct dt_error error = {0};
    enum dt_status status = dt_records_read(EXPECTED "tune.jsonl", &records, &error);
    cr_assert_eq(status, DT_OK, "%s", error.text);
    return records;
}

/* The report in memory that the caller frees. */
static char *print(const struct dt_records *records, enum form form,
                   const struct dt_terminal *terminal)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    enum dt_status status = form == WINNERS   ? dt_summary_winners(stream, records, terminal, NULL)
                            : form == ALL     ? dt_summary_all(stream, records, terminal, NULL)
                            : form == AS_FITS ? dt_summary_print(stream, records, terminal, NULL)
                                              : dt_markdown_print(stream, records, NULL);
    fclose(stream);
    cr_assert_eq(status, DT_OK);
    return text;
}

static char *read_file(const char *path)
{
    char *text = NULL;
    size_t room = 0;
    FILE *stream = fopen(path, "r");
    if (!stream || getdelim(&text, &room, '\0', stream) < 0)
        cr_assert_fail("cannot read %s", path);
    fclose(stream);
    return text;
}

static void check(const char *name, enum form form, const struct dt_terminal *terminal)
{
    char path[512];
    struct dt_records records = load();
    char *printed = print(&records, form, terminal);
    snprintf(path, sizeof path, EXPECTED "%s", name);
    if (getenv("DISENTUNE_WRITE_EXPECTED")) {
        FILE *stream = fopen(path, "w");
        cr_assert(stream && fputs(printed, stream) >= 0 && fclose(stream) == 0);
    }
    char *wanted = read_file(path);
    size_t same = 0, line = 1;
    for (; printed[same] && printed[same] == wanted[same]; same++)
        line += printed[same] == '\n';
    cr_expect_str_eq(printed, wanted, "%s:%zu differs: %.60s", path, line, printed + same);
    free(wanted);
    free(printed);
    dt_records_clear(&records);
}

Test(report, winners) { check("winners.txt", WINNERS, &plain); }
Test(report, winners_in_colour) { check("winners-rich.txt", WINNERS, &rich); }
Test(report, all_records) { check("all.txt", ALL, &plain); }
Test(report, narrow_terminal) { check("narrow.txt", ALL, &narrow); }
Test(report, markdown) { check("report.md", AS_MARKDOWN, NULL); }

/* Characters of the longest line. */
static int width_of(const char *text)
{
    int width = 0, most = 0;
    for (; *text; text++) {
        width = *text == '\n' ? 0 : width + ((*text & 0xc0) != 0x80);
        most = width > most ? width : most;
    }
    return most;
}

Test(report, fits_the_width)
{
    struct dt_records records = load();
    const struct dt_terminal wide = {false, true, 100}, medium = {false, true, 80};
    char *texts[] = {print(&records, WINNERS, &wide), print(&records, ALL, &wide),
                     print(&records, WINNERS, &medium), print(&records, ALL, &medium)};
    cr_expect_leq(width_of(texts[0]), 100);
    cr_expect_leq(width_of(texts[1]), 100);
    cr_expect_not_null(strstr(texts[0], "\u2588"), "the bars fell out");
    cr_expect_leq(width_of(texts[2]), 80);
    cr_expect_leq(width_of(texts[3]), 80);
    for (size_t t = 0; t < 4; t++)
        free(texts[t]);
    dt_records_clear(&records);
}

Test(report, order_of_records_does_not_matter)
{
    struct dt_records records = load();
    uint64_t state = 11;
    for (enum form form = WINNERS; form <= AS_MARKDOWN; form++) {
        char *before = print(&records, form, &plain);
        for (size_t last = records.count; last > 1; last--) {
            size_t other = dt_random_below(&state, last);
            struct dt_record kept = records.items[last - 1];
            records.items[last - 1] = records.items[other];
            records.items[other] = kept;
        }
        char *after = print(&records, form, &plain);
        cr_expect_str_eq(before, after, "form %d", (int)form);
        free(after);
        free(before);
    }
    dt_records_clear(&records);
}

Test(report, without_winners_all_records_are_shown)
{
    struct dt_records records = load();
    char *chosen = print(&records, AS_FITS, &plain);
    for (size_t r = 0; r < records.count; r++)
        records.items[r].winner = false;
    char *measured = print(&records, AS_FITS, &plain);
    cr_expect_null(strstr(chosen, "scalar.plain"));
    cr_expect_not_null(strstr(measured, "scalar.plain"));
    free(measured);
    free(chosen);
    dt_records_clear(&records);
}

/* What was not measured is shown as such, and so is a problem that nothing computes rightly. */
Test(report, missing_figures_are_dashes)
{
    struct dt_record record = {.op = DT_OP_BIAS,
                               .variant = "bias.neon.gather|skew",
                               .threads = 4,
                               .ns_median = 1234,
                               .ns_lo = NAN,
                               .ns_hi = NAN,
                               .ratio_to_scalar = NAN,
                               .ratio_lo = NAN,
                               .ratio_hi = NAN,
                               .ratio_to_gather = NAN,
                               .ratio_to_autovec = NAN,
                               .ceiling_ns = NAN,
                               .share_of_ceiling = NAN,
                               .verified = true};
    struct dt_records records = {.items = &record, .count = 1, .session = {.noise_floor = NAN}};
    dt_problem_parse("n16 linear:8", &record.problem, NULL);
    records.session.noisy = true;
    char *all = print(&records, ALL, &plain), *markdown = print(&records, AS_MARKDOWN, &plain);
    cr_expect_not_null(
        strstr(all, "neon.gather|skew   0x0  1.23 us     -   100       -       -        -"), "%s",
        all);
    cr_expect_not_null(strstr(all, "noise floor    not measured"), "%s", all);
    cr_expect_not_null(strstr(all, "NOISY"), "%s", all);
    cr_expect_not_null(strstr(all, "bias  linear:8  4 threads  n16, ceiling unknown"), "%s", all);
    cr_expect_null(strstr(all, " nan"), "%s", all);
    cr_expect_not_null(
        strstr(markdown, "| bias.neon.gather\\|skew | 0x0 | 1.23 us | - | - | - | - | - |"), "%s",
        markdown);
    cr_expect_null(strstr(markdown, " nan"), "%s", markdown);
    free(markdown);
    free(all);
    record.verified = false;
    all = print(&records, WINNERS, &plain);
    markdown = print(&records, AS_MARKDOWN, &plain);
    cr_expect_not_null(strstr(all, "no variant passed validation"), "%s", all);
    cr_expect_not_null(strstr(markdown, "No variant passed validation."), "%s", markdown);
    free(markdown);
    free(all);
}

Test(report, numbers_have_three_digits)
{
    static const struct {
        double ns;
        const char *text;
    } cases[] = {
        {0.5, "0.50 ns"},     {9.994, "9.99 ns"},  {9.996, "10.0 ns"},  {99.94, "99.9 ns"},
        {99.96, "100 ns"},    {999.4, "999 ns"},   {999.6, "1.00 us"},  {94210, "94.2 us"},
        {999.6e3, "1.00 ms"}, {3.27e6, "3.27 ms"}, {999.6e6, "1.00 s"}, {NAN, "-"},
    };
    size_t wrong = 0;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[DT_VIEW_TEXT_MAX];
        if (strcmp(dt_view_time(cases[c].ns, text), cases[c].text) != 0) {
            cr_log_error("%g ns: \"%s\", not \"%s\"", cases[c].ns, text, cases[c].text);
            wrong++;
        }
    }
    cr_assert_eq(wrong, 0);
}

Test(report, halves_of_a_problem_are_read_back)
{
    static const char *const texts[] = {"n512 log:256:512", "q128 k512 linear:512 c2p ms p2c:key",
                                        "b2 h12 n1 d80 log:32:128 none mask:lengths",
                                        "n9 b64 h1 linear:1 p2c mask:none"};
    size_t wrong = 0;
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        struct dt_problem problem, again = {0};
        char lengths[DT_VIEW_TEXT_MAX], settings[DT_VIEW_TEXT_MAX], joined[2 * DT_VIEW_TEXT_MAX];
        dt_problem_parse(texts[t], &problem, NULL);
        snprintf(joined, sizeof joined, "%s %s", dt_view_lengths(&problem, lengths),
                 dt_view_settings(&problem, settings));
        wrong += dt_problem_parse(joined, &again, NULL) != DT_OK ||
                 memcmp(&problem, &again, sizeof problem) != 0;
    }
    cr_assert_eq(wrong, 0);
}

static void one_row(const void *context, size_t n, struct dt_row *row)
{
    (void)context, (void)n;
    for (size_t c = 0; c < 4; c++)
        snprintf(row->cells[c].text, DT_CELL_MAX, "%zu", 100 + c);
}

Test(report, headings_above_keep_apart)
{
    static const struct dt_column columns[] = {{"look-up in a", "table of", true, 0},
                                               {"exact", "ns", true, 0},
                                               {"nearest", "ns", true, 0},
                                               {NULL, "95 %", true, 0}};
    const struct dt_grid grid = {columns, 4, 1, one_row, NULL};
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    dt_grid_print(stream, &grid, &plain);
    cr_assert_eq(fclose(stream), 0);
    cr_expect_str_eq(text,
                     "  look-up in a exact nearest\n"
                     "     table of    ns   ns  95 %\n"
                     "          100   101  102   103\n",
                     "%s", text);
    free(text);
}
