/* SPDX-License-Identifier: MIT */
/*
 * The comment of a pull request. GitHub refuses a comment that is too long, so each part has its
 * share of the bytes and says what it left out: what stands out comes first and has the most.
 */
#include "reports/escape.h"
#include "reports/export.h"
#include "reports/judge.h"
#include "reports/subject.h"
#include "reports/verdict.h"
#include "reports/view.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* 60 KiB in all. The rest, 8 KiB, holds what is around the rows: texts of sessions are short. */
#define STANDING_OUT_BYTES ((size_t)30 * 1024)
#define DETAIL_BYTES ((size_t)12 * 1024)
#define OTHER_BYTES ((size_t)10 * 1024)

static void put_text(FILE *stream, const char *text)
{
    dt_escape_put(stream, DT_SYNTAX_MARKDOWN, text);
}

/* ---- Rows ------------------------------------------------------------------ */

typedef void row_fn(FILE *stream, const struct dt_cell *cell);

#define TABLE_HEAD                                                                                 \
    "| Verdict | Cell | BASE | HEAD | Change | Why |\n| --- | --- | ---: | ---: | ---: | --- |\n"

static void put_row(FILE *stream, const struct dt_cell *cell)
{
    char text[DT_SUBJECT_TEXT_MAX];
    const char *bold = dt_verdict_stands_out(cell) ? "**" : "";
    fprintf(stream, "| %s%s%s | ", bold, dt_judgement_name(cell->judgement), bold);
    put_text(stream, dt_subject_name(&cell->subject, text));
    fprintf(stream, " | %s |", dt_view_time(cell->base_ns, text));
    fprintf(stream, " %s |", dt_view_time(cell->head_ns, text));
    fprintf(stream, " %s | ", dt_verdict_change(cell->ratio, text));
    put_text(stream, cell->reason);
    fputs(" |\n", stream);
}

static void put_range(FILE *stream, const char *what, double lo, double hi)
{
    char text[2][DT_VERDICT_TEXT_MAX];
    if (!isnan(lo) && !isnan(hi))
        fprintf(stream, "; %s %s to %s", what, dt_verdict_change(lo, text[0]),
                dt_verdict_change(hi, text[1]));
}

static void put_detail(FILE *stream, const struct dt_cell *cell)
{
    char text[DT_SUBJECT_TEXT_MAX];
    fputs("- **", stream);
    put_text(stream, dt_subject_name(&cell->subject, text));
    fputs("**: runs ", stream);
    put_text(stream, dt_subject_choice(&cell->subject, text));
    if (*cell->head_choice) {
        fputs(" in BASE, ", stream);
        put_text(stream, cell->head_choice);
        fputs(" in HEAD", stream);
    }
    fprintf(stream, "; %zu pairs, %zu samples of which %zu were gated", cell->pairs, cell->samples,
            cell->gated);
    put_range(stream, "exact interval", cell->lo, cell->hi);
    put_range(stream, "bootstrap", cell->boot_lo, cell->boot_hi);
    if (!isnan(cell->band))
        fprintf(stream, "; A/A band %s %%", dt_view_number(expm1(cell->band) * 100, text));
    if (!isnan(cell->p))
        fprintf(stream, "; p = %.2g", cell->p);
    if (cell->base_instructions > 0 && !isnan(cell->head_instructions)) {
        fprintf(stream, "; instructions %s (",
                dt_verdict_change(cell->head_instructions / cell->base_instructions, text));
        put_text(stream, cell->instructions_isa);
        fputs(")", stream);
    }
    fputs("\n", stream);
}

/* Rows of the cells for which stands_out holds or not, as many as `room` bytes hold. */
static enum dt_status put_rows(FILE *stream, const struct dt_finding *finding,
                               const struct dt_cell *const *sorted, bool stands_out, row_fn *put,
                               size_t room, struct dt_error *error)
{
    char *text = NULL;
    size_t size = 0, kept = 0, left = 0;
    FILE *rows = open_memstream(&text, &size);
    if (!rows)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a comment");
    for (size_t c = 0; c < finding->cell_count; c++) {
        if (dt_verdict_stands_out(sorted[c]) != stands_out)
            continue;
        if (left == 0)
            put(rows, sorted[c]);
        if (left > 0 || fflush(rows) || size > room)
            left++;
        else
            kept = size;
    }
    fclose(rows);
    if (text)
        fwrite(text, 1, kept, stream);
    free(text);
    if (left)
        fprintf(stream, "\n%zu more do not fit into a comment.\n", left);
    return DT_OK;
}

/* ---- Around them ----------------------------------------------------------- */

static void put_build(FILE *stream, const struct dt_build *build)
{
    put_text(stream, *build->version ? build->version : "unknown");
    if (*build->commit) {
        fputs(" at ", stream);
        put_text(stream, build->commit);
        fputs(build->dirty ? ", with changes" : "", stream);
    }
    if (*build->compiler) {
        fputs(", ", stream);
        put_text(stream, build->compiler);
    }
}

static void put_head(FILE *stream, const struct dt_finding *finding)
{
    char text[DT_VERDICT_TEXT_MAX];
    const struct dt_session *session = &finding->records.session;
    double band = 0, delta = 0;
    for (size_t c = 0; c < finding->cell_count; c++) {
        band = fmax(band, finding->cells[c].band);
        delta = fmax(delta, finding->cells[c].delta);
    }
    fprintf(stream, "## disentune: %s\n\n", dt_verdict_tally(finding, text));
    fputs("HEAD (", stream);
    put_build(stream, &session->build);
    fputs(") against BASE (", stream);
    put_build(stream, &session->base);
    fputs(")", stream);
    if (*session->cpu) {
        fputs(" on ", stream);
        put_text(stream, session->cpu);
    }
    fputs(".", stream);
    if (delta > 0)
        fprintf(stream, " Less than %s %% is no change.", dt_view_number(delta * 100, text));
    if (band > 0)
        fprintf(stream, " The same build against itself differed by up to %s %%.",
                dt_view_number(expm1(band) * 100, text));
    fputs("\n\n", stream);
}

static void put_fact(FILE *stream, const char *name, const char *text)
{
    if (!*text)
        return;
    fprintf(stream, "| %s | ", name);
    put_text(stream, text);
    fputs(" |\n", stream);
}

static void put_provenance(FILE *stream, const struct dt_session *s)
{
    fputs("<details><summary>Where and how</summary>\n\n| | |\n| --- | --- |\n", stream);
    put_fact(stream, "Processor", s->cpu);
    put_fact(stream, "Machine key", s->machine[3]);
    put_fact(stream, "Environment", s->environment);
    put_fact(stream, "Date", s->date);
    put_fact(stream, "To reproduce", s->command);
    fputs("\n</details>\n", stream);
}

enum dt_status dt_export_pull_request(FILE *stream, const struct dt_evidence *evidence,
                                      struct dt_error *error)
{
    const struct dt_finding *finding;
    const struct dt_cell **sorted;
    size_t standing_out = 0;
    enum dt_status status = dt_verdict_find(evidence, &finding, error);
    if (!status)
        status = dt_verdict_sort(finding, &sorted, error);
    if (status)
        return status;
    for (size_t c = 0; c < finding->cell_count; c++)
        standing_out += dt_verdict_stands_out(sorted[c]);
    const size_t others = finding->cell_count - standing_out;
    const struct dt_cell *const *cells = sorted;
    put_head(stream, finding);
    if (standing_out) {
        fputs(TABLE_HEAD, stream);
        status = put_rows(stream, finding, cells, true, put_row, STANDING_OUT_BYTES, error);
        fputs("\n<details><summary>Details of these</summary>\n\n", stream);
        if (!status)
            status = put_rows(stream, finding, cells, true, put_detail, DETAIL_BYTES, error);
        fputs("\n</details>\n\n", stream);
    }
    if (others && !status) {
        fprintf(stream, "<details><summary>%s %zu cells</summary>\n\n" TABLE_HEAD,
                standing_out ? "The other" : "All", others);
        status = put_rows(stream, finding, cells, false, put_row, OTHER_BYTES, error);
        fputs("\n</details>\n\n", stream);
    }
    put_provenance(stream, &finding->records.session);
    free(sorted);
    return status;
}
