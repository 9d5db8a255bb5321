/* SPDX-License-Identifier: MIT */
#include "reports/formats.h"

#include "kernels/error.h"
#include "reports/html.h"
#include "reports/markdown.h"
#include "reports/summary.h"
#include "reports/verdict.h"
#include "reports/verdict_table.h"

#include <string.h>

static const char nothing[] = "no measurements and no comparison; `disentune bench` makes "
                              "measurements, `disentune regress` compares builds";

static enum dt_status print_markdown(FILE *stream, const struct dt_evidence *evidence,
                                     struct dt_error *error)
{
    enum dt_status status = DT_OK;
    size_t parts = 0;
    for (size_t s = 0; s < evidence->count && !status; s++)
        if (evidence->sessions[s].records.count > 0) {
            fputs(parts++ ? "\n" : "", stream);
            status = dt_markdown_print(stream, &evidence->sessions[s].records, error);
        }
    if (!status && dt_verdict_latest(evidence)) {
        fputs(parts++ ? "\n" : "", stream);
        status = dt_export_pull_request(stream, evidence, error);
    }
    return parts ? status : dt_error_set(error, DT_UNSUPPORTED, "%s", nothing);
}

static const struct dt_format formats[] = {
    {"terminal", ".txt", "text in columns, to read", NULL},
    {"markdown", ".md", "all of it as a document", print_markdown},
    {"html", ".html", "pages to look at, with the measurements in them", dt_html_print},
    {"pull-request", "", "a comparison as a comment of at most 60 KiB", dt_export_pull_request},
    {"annotations", "", "a comparison as workflow commands of GitHub", dt_export_annotations},
    {"junit", ".xml", "a comparison, or validation, as JUnit tests", dt_export_junit},
    {"tap", ".tap", "the same in the Test Anything Protocol", dt_export_tap},
    {"google-benchmark", ".json", "samples as Google Benchmark writes them", dt_export_google},
    {"bencher", ".json", "medians in the Bencher Metric Format", dt_export_bencher},
    {"github-benchmark", ".json", "medians for github-action-benchmark", dt_export_action},
    {"openmetrics", ".prom", "medians, ceilings and verdicts for Prometheus",
     dt_export_openmetrics},
    {"roofline", "", "measured ceilings and where each median lies, as JSON", dt_export_roofline},
    {"csv", ".csv", "a row for each measurement", dt_export_csv},
    {"comparison-csv", "", "a row for each cell of a comparison", dt_export_comparison_csv},
    {"jsonl", ".jsonl", "everything, as it is stored", dt_evidence_write},
};

#define FORMATS (sizeof formats / sizeof *formats)

const struct dt_format *dt_format_at(size_t n) { return n < FORMATS ? &formats[n] : NULL; }

const struct dt_format *dt_format_find(const char *name)
{
    for (size_t f = 0; f < FORMATS; f++)
        if (strcmp(formats[f].name, name) == 0)
            return &formats[f];
    return NULL;
}

static bool ends_in(const char *text, const char *end)
{
    const size_t length = strlen(text), tail = strlen(end);
    return tail > 0 && length > tail && strcmp(text + length - tail, end) == 0;
}

enum dt_status dt_format_of_path(const char *path, const struct dt_format **format,
                                 struct dt_error *error)
{
    char names[128] = "";
    size_t used = 0, found = 0;
    *format = &formats[0];
    for (size_t f = 0; f < FORMATS; f++) {
        if (!ends_in(path, formats[f].ending))
            continue;
        *format = &formats[f];
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", found++ ? ", " : "",
                                 formats[f].name);
    }
    if (found < 2)
        return DT_OK;
    return dt_error_set(error, DT_INVALID, "\"%.80s\" may be in several formats; choose one of %s",
                        path, names);
}

/* Each session that measured or compared. */
static enum dt_status print_terminal(FILE *stream, const struct dt_evidence *evidence,
                                     const struct dt_terminal *terminal, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    size_t parts = 0;
    for (size_t s = 0; s < evidence->count && !status; s++) {
        const struct dt_finding *finding = &evidence->sessions[s];
        if (finding->records.count > 0) {
            fputs(parts++ ? "\n" : "", stream);
            status = dt_summary_print(stream, &finding->records, terminal, error);
        }
        if (finding->cell_count > 0 && !status) {
            fputs(parts++ ? "\n" : "", stream);
            status = dt_verdict_table(stream, finding, terminal, error);
        }
    }
    return parts ? status : dt_error_set(error, DT_UNSUPPORTED, "%s", nothing);
}

enum dt_status dt_format_print(const struct dt_format *format, FILE *stream,
                               const struct dt_evidence *evidence,
                               const struct dt_terminal *terminal, struct dt_error *error)
{
    return format->print ? format->print(stream, evidence, error)
                         : print_terminal(stream, evidence, terminal, error);
}
