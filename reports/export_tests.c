/* SPDX-License-Identifier: MIT */
/* Verdicts in the formats of test runners: JUnit and TAP. */
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

enum outcome { PASSED, FAILED, BROKEN, SKIPPED, OUTCOMES };

struct check {
    char name[DT_SUBJECT_TEXT_MAX + 32], class[32];
    enum outcome outcome;
    const char *type; /* what is the matter in a word */
    char message[DT_VERDICT_TEXT_MAX], detail[2 * DT_VERDICT_TEXT_MAX];
    double seconds; /* of a call; NAN if unknown */
};

/* What one session has to tell: its cells, or else its records. */
struct run {
    const struct dt_finding *finding;
    const struct dt_cell **cells; /* sorted; NULL: records are told */
    const struct dt_record **records;
    size_t count;
};

/* ---- Checks ---------------------------------------------------------------- */

static const struct dt_finding *latest_records(const struct dt_evidence *evidence)
{
    for (size_t s = evidence->count; s-- > 0;)
        if (evidence->sessions[s].records.count > 0)
            return &evidence->sessions[s];
    return NULL;
}

static enum dt_status begin(const struct dt_evidence *evidence, struct run *run,
                            struct dt_error *error)
{
    *run = (struct run){.finding = dt_verdict_latest(evidence)};
    if (run->finding) {
        run->count = run->finding->cell_count;
        return dt_verdict_sort(run->finding, &run->cells, error);
    }
    run->finding = latest_records(evidence);
    if (!run->finding)
        return dt_error_set(error, DT_UNSUPPORTED,
                            "no verdicts and no measurements; `disentune regress` makes verdicts");
    run->count = run->finding->records.count;
    return dt_view_sort(&run->finding->records, &run->records, error);
}

static void end(struct run *run)
{
    free(run->cells);
    free(run->records);
}

static void check_cell(const struct dt_cell *cell, struct check *check)
{
    static const enum outcome outcomes[DT_JUDGEMENT_COUNT] = {
        [DT_REGRESSED] = FAILED, [DT_VOID] = BROKEN, [DT_UNDECIDED] = SKIPPED};
    char name[DT_SUBJECT_TEXT_MAX];
    *check = (struct check){.outcome = outcomes[cell->judgement],
                            .type = dt_judgement_name(cell->judgement),
                            .seconds = cell->head_ns / 1e9};
    snprintf(check->name, sizeof check->name, "%s", dt_subject_name(&cell->subject, name));
    snprintf(check->class, sizeof check->class, "disentune.%s", dt_op_name(cell->subject.op));
    snprintf(check->message, sizeof check->message, "%s", cell->reason);
    dt_verdict_measured(cell, check->detail);
}

static void check_record(const struct dt_record *record, struct check *check)
{
    char name[DT_SUBJECT_TEXT_MAX], tile[DT_VIEW_TEXT_MAX], choice[DT_SUBJECT_TEXT_MAX];
    const struct dt_subject subject = dt_record_subject(record);
    *check = (struct check){.outcome = record->verified ? PASSED : FAILED,
                            .type = "validation",
                            .seconds = record->ns_median / 1e9};
    snprintf(check->name, sizeof check->name, "%s/%.24s", dt_subject_name(&subject, name),
             dt_view_tile(record, tile));
    snprintf(check->class, sizeof check->class, "disentune.%s", dt_op_name(record->op));
    snprintf(check->detail, sizeof check->detail, "%s", dt_subject_choice(&subject, choice));
    if (record->verified)
        return;
    if (isnan(record->error_share))
        strcpy(check->message, "failed validation");
    else
        snprintf(check->message, sizeof check->message,
                 "failed validation: an error of %.3g times its bound", record->error_share);
}

static void nth(const struct run *run, size_t n, struct check *check)
{
    if (run->cells)
        check_cell(run->cells[n], check);
    else
        check_record(run->records[n], check);
}

/* ---- JUnit ----------------------------------------------------------------- */

static void put_attribute(FILE *stream, const char *name, const char *text)
{
    fprintf(stream, " %s=\"", name);
    dt_escape_put(stream, DT_SYNTAX_XML, text);
    fputs("\"", stream);
}

/* Seconds of a call may be few: nine digits tell nanoseconds. */
static void put_time(FILE *stream, double seconds)
{
    fprintf(stream, " time=\"%.9f\"", isfinite(seconds) ? seconds : 0.0);
}

/* The schema wants a date without a zone. */
static void put_timestamp(FILE *stream, const char *date)
{
    static const char form[] = "0000-00-00T00:00:00Z";
    for (size_t c = 0; c < sizeof form; c++)
        if (form[c] == '0' ? date[c] < '0' || date[c] > '9' : date[c] != form[c])
            return;
    fprintf(stream, " timestamp=\"%.19s\"", date);
}

static void put_properties(FILE *stream, const struct dt_session *s)
{
    const char *const facts[][2] = {
        {"cpu", s->cpu},
        {"machine", s->machine[3]},
        {"version", s->build.version},
        {"commit", s->build.commit},
        {"base commit", s->base.commit},
        {"compiler", s->build.compiler},
        {"command", s->command},
    };
    fputs("    <properties>\n", stream);
    for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
        if (!*facts[f][1])
            continue;
        fputs("      <property", stream);
        put_attribute(stream, "name", facts[f][0]);
        put_attribute(stream, "value", facts[f][1]);
        fputs("/>\n", stream);
    }
    fputs("    </properties>\n", stream);
}

static void put_testcase(FILE *stream, const struct check *check)
{
    static const char *const elements[] = {
        [FAILED] = "failure", [BROKEN] = "error", [SKIPPED] = "skipped"};
    fputs("    <testcase", stream);
    put_attribute(stream, "classname", check->class);
    put_attribute(stream, "name", check->name);
    put_time(stream, check->seconds);
    if (check->outcome == PASSED) {
        fputs("/>\n", stream);
        return;
    }
    fprintf(stream, ">\n      <%s", elements[check->outcome]);
    put_attribute(stream, "message", check->message);
    if (check->outcome == SKIPPED) {
        fputs("/>\n    </testcase>\n", stream);
        return;
    }
    put_attribute(stream, "type", check->type);
    fputs(">", stream);
    dt_escape_put(stream, DT_SYNTAX_XML, check->detail);
    fprintf(stream, "</%s>\n    </testcase>\n", elements[check->outcome]);
}

static void put_counts(FILE *stream, const struct run *run)
{
    size_t counts[OUTCOMES] = {0};
    double seconds = 0;
    for (size_t n = 0; n < run->count; n++) {
        struct check check;
        nth(run, n, &check);
        counts[check.outcome]++;
        seconds += isfinite(check.seconds) ? check.seconds : 0;
    }
    fprintf(stream, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\"", run->count,
            counts[FAILED], counts[BROKEN], counts[SKIPPED]);
    put_time(stream, seconds);
}

enum dt_status dt_export_junit(FILE *stream, const struct dt_evidence *evidence,
                               struct dt_error *error)
{
    struct run run;
    char text[DT_VERDICT_TEXT_MAX];
    enum dt_status status = begin(evidence, &run, error);
    if (status)
        return status;
    const struct dt_session *session = &run.finding->records.session;
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n"
          "  <testsuite package=\"disentune\" id=\"0\" hostname=\"localhost\"",
          stream);
    put_attribute(stream, "name", run.cells ? "comparison" : "validation");
    put_timestamp(stream, session->date);
    put_counts(stream, &run);
    fputs(">\n", stream);
    put_properties(stream, session);
    for (size_t n = 0; n < run.count; n++) {
        struct check check;
        nth(&run, n, &check);
        put_testcase(stream, &check);
    }
    fputs("    <system-out>", stream);
    if (run.cells)
        dt_escape_put(stream, DT_SYNTAX_XML, dt_verdict_tally(run.finding, text));
    fputs("</system-out>\n    <system-err></system-err>\n  </testsuite>\n</testsuites>\n", stream);
    end(&run);
    return DT_OK;
}

/* ---- TAP ------------------------------------------------------------------- */

static void put_yaml(FILE *stream, const char *key, const char *text)
{
    fprintf(stream, "  %s: \"", key);
    dt_escape_put(stream, DT_SYNTAX_YAML, text);
    fputs("\"\n", stream);
}

static void put_line(FILE *stream, size_t number, const struct check *check)
{
    const bool fine = check->outcome == PASSED || check->outcome == SKIPPED;
    fprintf(stream, "%s %zu - ", fine ? "ok" : "not ok", number);
    dt_escape_put(stream, DT_SYNTAX_TAP, check->name);
    if (check->outcome == SKIPPED) {
        fputs(" # SKIP ", stream);
        dt_escape_put(stream, DT_SYNTAX_TAP, check->message);
    }
    fputs("\n", stream);
    if (fine)
        return;
    fputs("  ---\n", stream);
    put_yaml(stream, "severity", check->type);
    put_yaml(stream, "message", check->message);
    put_yaml(stream, "measured", check->detail);
    fputs("  ...\n", stream);
}

enum dt_status dt_export_tap(FILE *stream, const struct dt_evidence *evidence,
                             struct dt_error *error)
{
    struct run run;
    enum dt_status status = begin(evidence, &run, error);
    if (status)
        return status;
    fprintf(stream, "TAP version 13\n1..%zu\n", run.count);
    for (size_t n = 0; n < run.count; n++) {
        struct check check;
        nth(&run, n, &check);
        put_line(stream, n + 1, &check);
    }
    end(&run);
    return DT_OK;
}
