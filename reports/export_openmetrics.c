/* SPDX-License-Identifier: MIT */
/*
 * Series, ceilings and verdicts as OpenMetrics text: gauges in base units, without timestamps. All
 * are gauges, also what OpenMetrics has the types of info and stateset for, since the file
 * collector of Prometheus' node exporter takes this text as its own older format, which lacks them.
 * What is not known has no sample. All samples of a family stand together, so the families are the
 * outer loop.
 */
#include "reports/escape.h"
#include "reports/export.h"
#include "reports/judge.h"
#include "reports/series.h"
#include "reports/verdict.h"

#include "kernels/error.h"

#include <math.h>
#include <string.h>
#include <time.h>

/* A gauge; its value is the double at `offset` of a record or cell, divided. The unit ends its
 * name; "" for none. */
struct family {
    const char *name, *unit, *help;
    size_t offset;
    double divisor;
};

#define OF_RECORD(member) offsetof(struct dt_record, member)
#define OF_CELL(member) offsetof(struct dt_cell, member)

static const struct family record_families[] = {
    {"call_seconds", "seconds", "Median time of a call.", OF_RECORD(ns_median), 1e9},
    {"call_low_seconds", "seconds", "Lower end of the 95 % interval of the median.",
     OF_RECORD(ns_lo), 1e9},
    {"call_high_seconds", "seconds", "Upper end of the 95 % interval of the median.",
     OF_RECORD(ns_hi), 1e9},
    {"speedup_over_scalar_ratio", "ratio", "Speed relative to scalar code, paired within a run.",
     OF_RECORD(ratio_to_scalar), 1},
    {"ceiling_share_ratio", "ratio", "Time at the measured ceiling of the machine over the time.",
     OF_RECORD(share_of_ceiling), 1},
    {"error_bound_share_ratio", "ratio", "Worst error over the bound that the variant states.",
     OF_RECORD(error_share), 1},
};

static const struct family cell_families[] = {
    {"comparison_base_seconds", "seconds", "Median time of a call of the base build.",
     OF_CELL(base_ns), 1e9},
    {"comparison_head_seconds", "seconds", "Median time of a call of the compared build.",
     OF_CELL(head_ns), 1e9},
    {"comparison_ratio", "ratio", "Time of the compared build over that of the base build.",
     OF_CELL(ratio), 1},
    {"comparison_low_ratio", "ratio", "Lower end of the exact interval of the ratio.", OF_CELL(lo),
     1},
    {"comparison_high_ratio", "ratio", "Upper end of the exact interval of the ratio.", OF_CELL(hi),
     1},
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void put_family(FILE *stream, const struct family *family)
{
    fprintf(stream, "# TYPE disentune_%s gauge\n", family->name);
    if (*family->unit)
        fprintf(stream, "# UNIT disentune_%s %s\n", family->name, family->unit);
    fprintf(stream, "# HELP disentune_%s %s\n", family->name, family->help);
}

static void put_label(FILE *stream, const char *before, const char *name, const char *value)
{
    fprintf(stream, "%s%s=\"", before, name);
    dt_escape_put(stream, DT_SYNTAX_LABEL, value);
    fputs("\"", stream);
}

static void put_subject(FILE *stream, const struct dt_subject *subject)
{
    char problem[DT_PROBLEM_TEXT_MAX], threads[16];
    snprintf(threads, sizeof threads, "%d", subject->threads);
    put_label(stream, "{", "op", dt_op_name(subject->op));
    put_label(stream, ",", "problem", dt_problem_print(&subject->problem, problem));
    put_label(stream, ",", "threads", threads);
    if (*subject->variant)
        put_label(stream, ",", "variant", subject->variant);
}

static void put_value(FILE *stream, const struct family *family, const void *from,
                      const struct dt_subject *subject)
{
    double value;
    memcpy(&value, (const char *)from + family->offset, sizeof value);
    if (!isfinite(value))
        return;
    fprintf(stream, "disentune_%s", family->name);
    put_subject(stream, subject);
    fprintf(stream, "} %.12g\n", value / family->divisor);
}

/* ---- Sessions -------------------------------------------------------------- */

static void put_session(FILE *stream, const struct dt_session *s)
{
    static const struct family info = {
        .name = "session_info", .unit = "", .help = "What was measured."};
    static const struct family date = {
        .name = "session_start_seconds", .unit = "seconds", .help = "When, since the epoch."};
    static const struct family noise = {.name = "noise_floor_ratio",
                                        .unit = "ratio",
                                        .help = "Log ratio below which no difference is claimed."};
    struct tm utc = {0};
    put_family(stream, &info);
    put_label(stream, "disentune_session_info{", "version", s->build.version);
    put_label(stream, ",", "commit", s->build.commit);
    put_label(stream, ",", "compiler", s->build.compiler);
    put_label(stream, ",", "cpu", s->cpu);
    put_label(stream, ",", "machine", s->machine[3]);
    fputs("} 1\n", stream);
    if (strptime(s->date, "%Y-%m-%dT%H:%M:%SZ", &utc)) {
        put_family(stream, &date);
        fprintf(stream, "disentune_session_start_seconds %lld\n", (long long)timegm(&utc));
    }
    if (isfinite(s->noise_floor)) {
        put_family(stream, &noise);
        fprintf(stream, "disentune_noise_floor_ratio %.12g\n", s->noise_floor);
    }
}

static void put_ceilings(FILE *stream, const struct dt_session *s)
{
    static const struct {
        struct family family;
        const char *unit;
    } kinds[] = {
        {{.name = "ceiling_operations_per_second",
          .unit = "operations_per_second",
          .help = "Measured peak of floating-point operations."},
         "FLOP/s"},
        {{.name = "ceiling_bytes_per_second",
          .unit = "bytes_per_second",
          .help = "Measured bandwidth."},
         "B/s"},
    };
    for (size_t k = 0; k < COUNT(kinds); k++) {
        bool begun = false;
        for (size_t c = 0; c < s->ceiling_count; c++) {
            const struct dt_ceiling *ceiling = &s->ceilings[c];
            if (strcmp(ceiling->unit, kinds[k].unit) != 0 || !isfinite(ceiling->value))
                continue;
            if (!begun)
                put_family(stream, &kinds[k].family);
            begun = true;
            fprintf(stream, "disentune_%s", kinds[k].family.name);
            put_label(stream, "{", "probe", ceiling->name);
            fprintf(stream, "} %.12g\n", ceiling->value);
        }
    }
}

/* ---- Verdicts -------------------------------------------------------------- */

/* One sample for each judgement, of which one is 1. */
static void put_judgements(FILE *stream, const struct dt_finding *finding)
{
    static const struct family states = {.name = "comparison_judgement",
                                         .unit = "",
                                         .help = "What the comparison of two builds found."};
    put_family(stream, &states);
    for (size_t c = 0; c < finding->cell_count; c++)
        for (enum dt_judgement j = 0; j < DT_JUDGEMENT_COUNT; j++) {
            fputs("disentune_comparison_judgement", stream);
            put_subject(stream, &finding->cells[c].subject);
            put_label(stream, ",", "judgement", dt_judgement_name(j));
            fprintf(stream, "} %d\n", finding->cells[c].judgement == j);
        }
}

static void put_comparison(FILE *stream, const struct dt_finding *finding)
{
    for (size_t f = 0; f < COUNT(cell_families); f++) {
        put_family(stream, &cell_families[f]);
        for (size_t c = 0; c < finding->cell_count; c++)
            put_value(stream, &cell_families[f], &finding->cells[c], &finding->cells[c].subject);
    }
    put_judgements(stream, finding);
}

static void put_series(FILE *stream, const struct dt_series_list *list)
{
    for (size_t f = 0; f < COUNT(record_families); f++) {
        put_family(stream, &record_families[f]);
        for (size_t s = 0; s < list->count; s++) {
            const struct dt_subject subject = dt_record_subject(list->items[s].record);
            put_value(stream, &record_families[f], list->items[s].record, &subject);
        }
    }
}

enum dt_status dt_export_openmetrics(FILE *stream, const struct dt_evidence *evidence,
                                     struct dt_error *error)
{
    struct dt_series_list list;
    const struct dt_finding *finding = dt_verdict_latest(evidence);
    enum dt_status status = dt_series_collect(evidence, &list, error);
    if (status && !(status == DT_UNSUPPORTED && finding))
        return status;
    const struct dt_session *session = list.session ? list.session : &finding->records.session;
    put_session(stream, session);
    put_ceilings(stream, session);
    if (list.count)
        put_series(stream, &list);
    if (finding)
        put_comparison(stream, finding);
    fputs("# EOF\n", stream);
    dt_series_clear(&list);
    return DT_OK;
}
