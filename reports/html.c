/* SPDX-License-Identifier: MIT */
#include "reports/html.h"

#include "reports/embedded.h"
#include "reports/markup.h"
#include "reports/page.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char style[] =
#include "report_css.inc"
    ;

static const char script[] =
#include "report_js.inc"
    ;

/* In the order in which they stand. The first that has data gives the headline. */
static const struct dt_page *const pages[] = {
    &dt_page_verdict, &dt_page_tuner,    &dt_page_cells,   &dt_page_roofline, &dt_page_scaling,
    &dt_page_phases,  &dt_page_accuracy, &dt_page_history, &dt_page_trust,    &dt_page_provenance,
};

enum { PAGES = sizeof pages / sizeof *pages };

/* Whose records or cells the report is about. */
static const struct dt_session *session_of(const struct dt_page_data *data)
{
    const struct dt_finding *finding = data->comparison ? data->comparison : data->newest;
    if (!finding && data->evidence->count)
        finding = &data->evidence->sessions[data->evidence->count - 1];
    return finding ? &finding->records.session : NULL;
}

/* ---- Key figures ----------------------------------------------------------- */

static void put_tile(FILE *out, const char *value, const char *unit, const char *name)
{
    fputs("<div><dt>", out);
    dt_markup_put(out, name);
    fputs("</dt><dd>", out);
    dt_markup_put(out, value);
    if (*unit) {
        fputs("<small>", out);
        dt_markup_put(out, unit);
        fputs("</small>", out);
    }
    fputs("</dd></div>\n", out);
}

static int compare_doubles(const void *left, const void *right)
{
    const double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

/* The middle one of a value of each block's leader; NAN if none has it. */
static enum dt_status middle(const struct dt_page_data *data,
                             double (*value)(const struct dt_record *), double *result)
{
    double *values = malloc((data->block_count + 1) * sizeof *values);
    size_t count = 0;
    if (!values)
        return DT_NO_MEMORY;
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_record *leader = data->blocks[b].leader;
        if (leader && isfinite(value(leader)))
            values[count++] = value(leader);
    }
    qsort(values, count, sizeof *values, compare_doubles);
    *result = count ? values[count / 2] : NAN;
    free(values);
    return DT_OK;
}

static double to_scalar(const struct dt_record *record) { return record->ratio_to_scalar; }

static void put_judgements(FILE *out, const struct dt_page_data *data)
{
    static const enum dt_judgement shown[] = {DT_REGRESSED, DT_VOID,       DT_UNDECIDED,
                                              DT_IMPROVED,  DT_EQUIVALENT, DT_SAME_CODE};
    for (size_t j = 0; j < sizeof shown / sizeof *shown; j++) {
        const struct dt_look *look = &dt_page_looks[shown[j]];
        size_t count = 0;
        for (size_t c = 0; c < data->cell_count; c++)
            count += data->cell[c]->judgement == shown[j];
        if (!count && shown[j] != DT_REGRESSED)
            continue;
        fputs("<div><dt><svg aria-hidden=\"true\" width=\"12\" height=\"12\">", out);
        dt_svg_mark(out, look->shape, look->class, 6, 6, 4.5, NULL);
        fprintf(out, "</svg>%s</dt><dd>%zu<small>of %zu</small></dd></div>\n",
                dt_judgement_name(shown[j]), count, data->cell_count);
    }
}

static enum dt_status put_tiles(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    char text[DT_VIEW_TEXT_MAX];
    double speed_up;
    size_t choices = 0, samples = 0;
    if (middle(data, to_scalar, &speed_up))
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a page");
    if (data->cell_count) {
        fputs("<dl class=\"tiles\">\n", out);
        put_judgements(out, data);
        fputs("</dl>\n", out);
    }
    fputs("<dl class=\"tiles\">\n", out);
    for (size_t b = 0; b < data->block_count; b++)
        for (size_t r = 0; r < data->blocks[b].span; r++, choices++)
            samples += data->blocks[b].sorted[r]->samples;
    if (data->block_count) {
        snprintf(text, sizeof text, "%zu", data->block_count);
        put_tile(out, text, "", data->block_count == 1 ? "problem" : "problems");
        snprintf(text, sizeof text, "%zu", choices);
        put_tile(out, text, "", choices == 1 ? "plan timed" : "plans timed");
        put_tile(out, dt_svg_tick_number((double)samples, 0, text), "",
                 samples == 1 ? "sample" : "samples");
    }
    if (isfinite(speed_up))
        put_tile(out, dt_view_number(speed_up, text), "×", "median speed-up over scalar");
    const struct dt_session *session = session_of(data);
    if (session && isfinite(session->noise_floor)) {
        snprintf(text, sizeof text, "%.1f", session->noise_floor * 100);
        put_tile(out, text, "%", session->noisy ? "noise floor (busy machine)" : "noise floor");
    }
    fputs("</dl>\n", out);
    return DT_OK;
}

/* ---- The first screen ------------------------------------------------------ */

static const struct dt_page *first_page(const struct dt_page_data *data)
{
    for (size_t p = 0; p < PAGES; p++)
        if (pages[p]->has_data(data))
            return pages[p];
    return NULL;
}

static void put_about(FILE *out, const struct dt_session *session)
{
    fputs("<p class=\"about\">", out);
    dt_markup_put(out, *session->cpu ? session->cpu : "an unnamed processor");
    if (*session->date) {
        fputs(" <span aria-hidden=\"true\">\u00b7</span> <time>", out);
        dt_markup_put(out, session->date);
        fputs("</time>", out);
    }
    fputs("</p>\n", out);
}

static void put_headline(FILE *out, const struct dt_page_data *data)
{
    char sentence[DT_SENTENCE_MAX] = "There is nothing to report yet.";
    const struct dt_page *page = first_page(data);
    const struct dt_session *session = session_of(data);
    if (page)
        page->finding(data, sentence);
    fputs("<header>\n<p class=\"mark\">disentune <span>report</span></p>\n", out);
    fputs("<h1>", out);
    dt_markup_rich(out, sentence);
    fputs("</h1>\n", out);
    if (session)
        put_about(out, session);
    if (session && session->noisy)
        fputs("<p class=\"warning\"><strong>The machine was busy during the session.</strong> "
              "Measure again when it is quiet before you rely on small differences.</p>\n",
              out);
    fputs("</header>\n", out);
}

static void put_navigation(FILE *out, const struct dt_page_data *data)
{
    fputs("<nav aria-label=\"Pages\">\n<ul>\n<li><a href=\"#overview\">Overview</a></li>\n", out);
    for (size_t p = 0; p < PAGES; p++)
        fprintf(out, "<li%s><a href=\"#%s\">%s</a></li>\n",
                pages[p]->has_data(data) ? "" : " class=\"absent\"", pages[p]->name,
                pages[p]->title);
    fputs("</ul>\n</nav>\n", out);
}

static void put_findings(FILE *out, const struct dt_page_data *data)
{
    char sentence[DT_SENTENCE_MAX];
    fputs("<h2 id=\"overview-h\">What was found</h2>\n<ol class=\"findings\">\n", out);
    for (size_t p = 0; p < PAGES; p++) {
        if (!pages[p]->has_data(data))
            continue;
        pages[p]->finding(data, sentence);
        fprintf(out, "<li><a href=\"#%s\">%s</a> <span>", pages[p]->name, pages[p]->title);
        dt_markup_rich(out, sentence);
        fputs("</span></li>\n", out);
    }
    fputs("</ol>\n", out);
}

/* ---- The pages ------------------------------------------------------------- */

static enum dt_status put_pages(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    for (size_t p = 0; p < PAGES; p++) {
        if (!pages[p]->has_data(data))
            continue;
        fprintf(out, "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">%s</h2>\n",
                pages[p]->name, pages[p]->name, pages[p]->name, pages[p]->title);
        const enum dt_status status = pages[p]->print(out, data, error);
        if (status)
            return status;
        fputs("</section>\n", out);
    }
    return DT_OK;
}

static void put_absent(FILE *out, const struct dt_page_data *data)
{
    size_t absent = 0;
    for (size_t p = 0; p < PAGES; p++)
        absent += !pages[p]->has_data(data);
    if (!absent)
        return;
    fputs("<section id=\"absent\" aria-labelledby=\"absent-h\">\n<h2 id=\"absent-h\">Not measured "
          "yet</h2>\n<dl class=\"absent\">\n",
          out);
    for (size_t p = 0; p < PAGES; p++) {
        if (pages[p]->has_data(data))
            continue;
        fprintf(out, "<div id=\"%s\"><dt>%s</dt><dd>would show ", pages[p]->name, pages[p]->title);
        dt_markup_rich(out, pages[p]->shows);
        fputs(". <code>", out);
        dt_markup_put(out, pages[p]->command);
        fputs("</code> brings it.</dd></div>\n", out);
    }
    fputs("</dl>\n</section>\n", out);
}

static void put_head(FILE *out, const struct dt_page_data *data)
{
    const struct dt_session *session = session_of(data);
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>disentune",
          out);
    if (session && *session->cpu) {
        fputs(" on ", out);
        dt_markup_put(out, session->cpu);
    }
    fputs("</title>\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta name=\"generator\" content=\"disentune " DT_VERSION "\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; script-src 'unsafe-inline'\">\n<style>\n",
          out);
    fprintf(out, "%s</style>\n</head>\n<body>\n", style);
    fputs("<a class=\"skip\" href=\"#main\">Skip to what was found</a>\n", out);
}

static enum dt_status put_body(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    put_head(out, data);
    put_headline(out, data);
    fputs("<div class=\"columns\">\n", out);
    put_navigation(out, data);
    fputs("<main id=\"main\">\n<section id=\"overview\" aria-labelledby=\"overview-h\">\n", out);
    enum dt_status status = put_tiles(out, data, error);
    if (status)
        return status;
    put_findings(out, data);
    fputs("</section>\n", out);
    status = put_pages(out, data, error);
    if (status)
        return status;
    put_absent(out, data);
    fputs("</main>\n</div>\n", out);
    return DT_OK;
}

/* The data, and in front of them what they are. FOOT_BYTES bounds all but the block. */
enum { FOOT_BYTES = 1000 };

static void put_foot(FILE *out, const struct dt_embedded *embedded)
{
    fputs("<footer>\n<p>The measurements are in this file: <code>disentune report FILE.html -f "
          "jsonl</code> gives them back.</p>\n",
          out);
    if (embedded->left_out)
        fprintf(out,
                "<p class=\"warning\"><strong>%zu of %zu samples are left out</strong> of the data "
                "in this file to keep it small, those of the oldest sessions first; medians and "
                "intervals of all are there.</p>\n",
                embedded->left_out, embedded->left_out + embedded->samples);
    fputs("</footer>\n", out);
    fwrite(embedded->block, 1, embedded->size, out);
}

enum dt_status dt_html_print(FILE *stream, const struct dt_evidence *evidence,
                             struct dt_error *error)
{
    struct dt_page_data data;
    char *body = NULL;
    size_t size = 0;
    enum dt_status status = dt_page_data_init(&data, evidence, error);
    if (status)
        return status;
    FILE *memory = open_memstream(&body, &size);
    status = memory ? put_body(memory, &data, error)
                    : dt_error_set(error, DT_NO_MEMORY, "no memory for a page");
    if (memory && fclose(memory) && !status)
        status = dt_error_set(error, DT_NO_MEMORY, "no memory for a page");
    struct dt_embedded embedded = {0};
    const size_t rest = size + sizeof script + FOOT_BYTES;
    if (!status)
        status = dt_embedded_init(&embedded, evidence,
                                  rest < DT_HTML_BYTES_MAX ? DT_HTML_BYTES_MAX - rest : 0, error);
    if (!status) {
        fwrite(body, 1, size, stream);
        put_foot(stream, &embedded);
        fprintf(stream, "<script>\n%s</script>\n</body>\n</html>\n", script);
    }
    dt_embedded_clear(&embedded);
    free(body);
    dt_page_data_clear(&data);
    return status;
}
