/* SPDX-License-Identifier: MIT */
#include "reports/formats.h"
#include "reports/series.h"

#include "tests/evidence_fixture.h"

#include <jansson.h>

static struct dt_record make(const char *problem, const char *variant, int32_t rows, double ns)
{
    struct dt_record record = fixture_record(problem, 2);
    snprintf(record.variant, sizeof record.variant, "bias.%s", variant);
    record.tile.rows = rows;
    record.ns_median = ns;
    return record;
}

static void add(struct dt_evidence *evidence, const char *date, const char *machine,
                struct dt_record record)
{
    struct dt_session session = fixture_session(date);
    snprintf(session.machine[3], sizeof session.machine[3], "%s", machine);
    struct dt_finding *finding = dt_evidence_session(evidence, &session);
    FIXTURE_KEEP(finding, records.items, records.count, record);
}

/* Two sessions of one machine, a younger one elsewhere that only verified, one that found nothing,
 * an older one elsewhere. */
static struct dt_evidence make_evidence(void)
{
    struct dt_evidence evidence = {0};
    struct dt_record wrong = make("n8 linear:4", "avx2.wrong", 0, 10);
    struct dt_record untimed = make("n8 linear:4", "avx2.untimed", 0, NAN);
    struct dt_record untimed_again = make("n8 linear:4", "avx2.best", 0, NAN);
    struct dt_record chosen = make("n8 linear:4", "avx2.chosen", 32, 210);
    struct dt_record teamed = make("n8 linear:4", "avx2.best", 64, 50);
    wrong.verified = false;
    chosen.winner = true;
    teamed.threads = 2;
    add(&evidence, "2024-01-01T00:00:00Z", "here", make("n8 linear:4", "avx2.best", 64, 90));
    add(&evidence, "2024-01-01T00:00:00Z", "here", make("n8 linear:4", "avx2.old", 64, 300));
    add(&evidence, "2024-01-02T00:00:00Z", "elsewhere", make("n9 linear:4", "avx2.far", 64, 1));
    add(&evidence, "2024-01-03T00:00:00Z", "here", make("n8 linear:4", "avx2.best", 64, 120));
    add(&evidence, "2024-01-03T00:00:00Z", "here", make("n8 linear:4", "avx2.best", 16, 100));
    add(&evidence, "2024-01-03T00:00:00Z", "here", make("n8 linear:4", "avx2.chosen", 64, 200));
    add(&evidence, "2024-01-03T00:00:00Z", "here", chosen);
    add(&evidence, "2024-01-03T00:00:00Z", "here", wrong);
    add(&evidence, "2024-01-03T00:00:00Z", "here", untimed);
    add(&evidence, "2024-01-03T00:00:00Z", "here", teamed);
    add(&evidence, "2024-01-04T00:00:00Z", "elsewhere", untimed_again);
    struct dt_session silent = fixture_session("2024-01-05T00:00:00Z");
    dt_evidence_session(&evidence, &silent);
    return evidence;
}

Test(series, the_best_of_each_variant_from_the_youngest_session)
{
    static const struct {
        const char *name;
        double ns;
    } wanted[] = {
        {"bias/n8 linear:4/avx2.best", 100},
        {"bias/n8 linear:4/avx2.chosen", 210}, /* the stable winner, though not the fastest */
        {"bias/n8 linear:4/avx2.best/threads:2", 50},
        {"bias/n8 linear:4/avx2.old", 300},
    };
    struct dt_evidence evidence = make_evidence();
    struct dt_series_list list;
    cr_assert_eq(dt_series_collect(&evidence, &list, NULL), DT_OK);
    cr_assert_eq(list.count, sizeof wanted / sizeof *wanted);
    cr_expect_str_eq(list.session->date, "2024-01-03T00:00:00Z");
    for (size_t s = 0; s < list.count; s++) {
        cr_expect_str_eq(list.items[s].name, wanted[s].name);
        cr_expect_eq(list.items[s].record->ns_median, wanted[s].ns);
        cr_expect_eq(list.items[s].place, s);
    }
    dt_series_clear(&list);
    dt_evidence_clear(&evidence);
}

static char *print(const char *name, const struct dt_evidence *evidence)
{
    char *text;
    size_t size;
    struct dt_error error = {0};
    const struct dt_format *format = dt_format_find(name);
    const struct dt_terminal terminal = {0};
    cr_assert(format);
    FILE *stream = open_memstream(&text, &size);
    enum dt_status status = dt_format_print(format, stream, evidence, &terminal, &error);
    fclose(stream);
    cr_assert_eq(status, DT_OK, "%s: %s", name, error.text);
    return text;
}

static const char *const of_series[] = {"google-benchmark", "bencher", "github-benchmark",
                                        "openmetrics", "csv"};

/* What is not a number has no place in JSON, and texts of this machine may be anything. */
Test(series, whatever_is_measured_can_be_read)
{
    struct dt_evidence evidence = {0};
    struct dt_record record = fixture_record("n8 linear:4", 0);
    struct dt_session session = fixture_session("yesterday");
    free(record.ns);
    record = (struct dt_record){.op = DT_OP_BIAS,
                                .variant = "bias.a\377\033[2J\"\\\n<b>",
                                .problem = record.problem,
                                .threads = 1,
                                .ns_median = 1500,
                                .ns_lo = NAN,
                                .ns_hi = INFINITY,
                                .ratio_to_scalar = NAN,
                                .share_of_ceiling = NAN,
                                .verified = true};
    strcpy(session.cpu, "\377\"\\\n");
    struct dt_finding *finding = dt_evidence_session(&evidence, &session);
    FIXTURE_KEEP(finding, records.items, records.count, record);
    for (size_t f = 0; f < sizeof of_series / sizeof *of_series; f++) {
        char *text = print(of_series[f], &evidence);
        if (f < 3) {
            json_error_t reason;
            json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, &reason);
            cr_expect_not_null(document, "%s: %s in %s", of_series[f], reason.text, text);
            json_decref(document);
        }
        cr_expect_null(strpbrk(text, "\377\033"), "%s", text);
        cr_expect_null(strstr(text, "nan"), "%s", text);
        cr_expect_null(strstr(text, "inf\n"), "%s", text);
        free(text);
    }
    dt_evidence_clear(&evidence);
}

Test(series, samples_that_were_not_kept_are_an_aggregate)
{
    struct dt_evidence evidence = {0};
    struct dt_record record = fixture_record("n8 linear:4", 3);
    struct dt_session session = fixture_session("2024-01-01T00:00:00Z");
    free(record.ns);
    record.ns = NULL;
    struct dt_finding *finding = dt_evidence_session(&evidence, &session);
    FIXTURE_KEEP(finding, records.items, records.count, record);
    char *text = print("google-benchmark", &evidence);
    json_t *document = json_loads(text, 0, NULL);
    const json_t *row = json_array_get(json_object_get(document, "benchmarks"), 0);
    const char *name = NULL, *run = NULL, *type = NULL, *aggregate = NULL;
    json_unpack((json_t *)row, "{s:s, s:s, s:s, s:s}", "name", &name, "run_name", &run, "run_type",
                &type, "aggregate_name", &aggregate);
    cr_expect_str_eq(name, "bias/n8 linear:4/avx2.window-skew_median");
    cr_expect_str_eq(run, "bias/n8 linear:4/avx2.window-skew");
    cr_expect_str_eq(type, "aggregate");
    cr_expect_str_eq(aggregate, "median");
    json_decref(document);
    free(text);
    dt_evidence_clear(&evidence);
}

/* Every row of the table, on evidence of every kind and on none. */
Test(formats, each_prints_the_same_bytes_twice_or_says_what_it_lacks)
{
    struct dt_evidence evidence = fixture_evidence(), nothing = {0};
    const struct dt_format *format;
    const struct dt_terminal terminal = {0};
    for (size_t n = 0; (format = dt_format_at(n)); n++) {
        char *once = print(format->name, &evidence), *twice = print(format->name, &evidence);
        cr_expect_str_eq(once, twice, "%s", format->name);
        cr_expect_neq(once[0], '\0', "%s", format->name);
        cr_expect_eq(dt_format_find(format->name), format);
        free(twice);
        free(once);
        if (strcmp(format->name, "jsonl") == 0 || strcmp(format->name, "html") == 0)
            continue; /* these say that there is nothing */
        struct dt_error error = {0};
        FILE *stream = fopen("/dev/null", "w");
        cr_expect_eq(dt_format_print(format, stream, &nothing, &terminal, &error), DT_UNSUPPORTED,
                     "%s", format->name);
        cr_expect_not_null(strstr(error.text, "`disentune "), "%s: %s", format->name, error.text);
        fclose(stream);
    }
    dt_evidence_clear(&evidence);
}

Test(formats, endings_tell_the_format)
{
    static const struct {
        const char *path, *name;
    } cases[] = {
        {"-", "terminal"},   {"report", "terminal"},    {"report.pdf", "terminal"},
        {".md", "terminal"}, {"a/r.md", "markdown"},    {"r.xml", "junit"},
        {"r.tap", "tap"},    {"r.csv", "csv"},          {"r.jsonl", "jsonl"},
        {"r.json", NULL},    {"r.prom", "openmetrics"}, {"r.html", "html"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        const struct dt_format *format;
        struct dt_error error = {0};
        enum dt_status status = dt_format_of_path(cases[c].path, &format, &error);
        cr_expect_eq(status, cases[c].name ? DT_OK : DT_INVALID, "%s", cases[c].path);
        if (cases[c].name)
            cr_expect_str_eq(format->name, cases[c].name, "%s", cases[c].path);
        else
            cr_expect_not_null(strstr(error.text, "google-benchmark, bencher"), "%s", error.text);
    }
}
