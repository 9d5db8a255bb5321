/* SPDX-License-Identifier: MIT */
/*
 * Series as JSON for programs that follow benchmarks: Google Benchmark, Bencher,
 * github-action-benchmark. All of these take times in nanoseconds. Each row is made and written on
 * its own: a session may hold 100,000 samples.
 */
#include "reports/codec.h"
#include "reports/export.h"
#include "reports/series.h"
#include "reports/view.h"

#include "kernels/error.h"

#include <math.h>
#include <string.h>

/* Takes the object, which may be NULL for want of memory. */
static enum dt_status put_object(FILE *stream, const char *before, json_t *object,
                                 struct dt_error *error)
{
    if (!object)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a row");
    fputs(before, stream);
    json_dumpf(object, stream, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(object);
    return DT_OK;
}

/* Texts of a file are UTF-8; those of this machine may be anything. */
static json_t *text_of(const char *text) { return dt_codec_text.encode(text); }

/* ---- Google Benchmark ------------------------------------------------------ */

static json_t *google_context(const struct dt_session *s)
{
    return json_pack("{s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:s}", "date", text_of(s->date),
                     "executable", "disentune", "library_build_type", "release", "version",
                     text_of(s->build.version), "commit", text_of(s->build.commit), "compiler",
                     text_of(s->build.compiler), "cpu", text_of(s->cpu), "machine",
                     text_of(s->machine[3]), "command", text_of(s->command), "cpu_time",
                     "as real_time, which is that of one call");
}

/* The members that all rows of a series share. */
static json_t *google_row(const struct dt_series *series, const char *name, const char *type,
                          size_t repetitions, double ns)
{
    char choice[DT_SUBJECT_TEXT_MAX];
    const struct dt_subject subject = dt_record_subject(series->record);
    return json_pack("{s:o, s:I, s:i, s:o, s:s, s:I, s:i, s:i, s:f, s:f, s:s, s:o}", "name",
                     text_of(name), "family_index", (json_int_t)series->place,
                     "per_family_instance_index", 0, "run_name", text_of(series->name), "run_type",
                     type, "repetitions", (json_int_t)repetitions, "threads",
                     series->record->threads, "iterations", 1, "real_time", ns, "cpu_time", ns,
                     "time_unit", "ns", "label", text_of(dt_subject_choice(&subject, choice)));
}

/* A record without samples has its median to show, which is an aggregate. */
static enum dt_status put_google(FILE *stream, const struct dt_series *series,
                                 struct dt_error *error)
{
    const struct dt_record *record = series->record;
    char name[DT_SUBJECT_TEXT_MAX + 8];
    const char *between = series->place ? ",\n" : "\n";
    if (!record->ns || record->samples == 0) {
        snprintf(name, sizeof name, "%s_median", series->name);
        json_t *row = google_row(series, name, "aggregate", record->samples, record->ns_median);
        if (row)
            json_object_update_new(
                row, json_pack("{s:s, s:s}", "aggregate_name", "median", "aggregate_unit", "time"));
        return put_object(stream, between, row, error);
    }
    enum dt_status status = DT_OK;
    for (size_t n = 0; n < record->samples && !status; n++) {
        json_t *row = google_row(series, series->name, "iteration", record->samples, record->ns[n]);
        if (row)
            json_object_set_new(row, "repetition_index", json_integer((json_int_t)n));
        status = put_object(stream, n ? ",\n" : between, row, error);
    }
    return status;
}

enum dt_status dt_export_google(FILE *stream, const struct dt_evidence *evidence,
                                struct dt_error *error)
{
    struct dt_series_list list;
    enum dt_status status = dt_series_collect(evidence, &list, error);
    if (status)
        return status;
    status = put_object(stream, "{\"context\":", google_context(list.session), error);
    fputs(",\n\"benchmarks\":[", stream);
    for (size_t s = 0; s < list.count && !status; s++)
        status = put_google(stream, &list.items[s], error);
    fputs("\n]}\n", stream);
    dt_series_clear(&list);
    return status;
}

/* ---- Bencher --------------------------------------------------------------- */

/* Of a value that is known. */
static void set_measure(json_t *measures, const char *name, double value, double lo, double hi)
{
    json_t *measure = json_pack("{s:f}", "value", value);
    if (isfinite(lo))
        json_object_set_new(measure, "lower_value", json_real(lo));
    if (isfinite(hi))
        json_object_set_new(measure, "upper_value", json_real(hi));
    json_object_set_new(measures, name, measure);
}

/* The speed-up, a ratio within one run, bears another machine better than the time does. */
static json_t *bencher_measures(const struct dt_record *r)
{
    json_t *measures = json_object();
    set_measure(measures, "latency", r->ns_median, r->ns_lo, r->ns_hi);
    if (isfinite(r->ratio_to_scalar))
        set_measure(measures, "speedup-over-scalar", r->ratio_to_scalar, r->ratio_lo, r->ratio_hi);
    return measures;
}

enum dt_status dt_export_bencher(FILE *stream, const struct dt_evidence *evidence,
                                 struct dt_error *error)
{
    struct dt_series_list list;
    enum dt_status status = dt_series_collect(evidence, &list, error);
    if (status)
        return status;
    for (size_t s = 0; s < list.count && !status; s++) {
        json_t *name = text_of(list.items[s].name);
        fputs(s ? ",\n" : "{\n", stream);
        json_dumpf(name, stream, JSON_ENCODE_ANY);
        json_decref(name);
        status = put_object(stream, ":", bencher_measures(list.items[s].record), error);
    }
    fputs("\n}\n", stream);
    dt_series_clear(&list);
    return status;
}

/* ---- github-action-benchmark ----------------------------------------------- */

static const char *action_extra(const struct dt_record *r, char extra[3 * DT_SUBJECT_TEXT_MAX])
{
    char choice[DT_SUBJECT_TEXT_MAX], text[DT_VIEW_TEXT_MAX];
    const struct dt_subject subject = dt_record_subject(r);
    const size_t room = 3 * DT_SUBJECT_TEXT_MAX;
    size_t used = (size_t)snprintf(extra, room, "%s; %zu samples",
                                   dt_subject_choice(&subject, choice), r->samples);
    if (isfinite(r->ratio_to_scalar))
        used += (size_t)snprintf(extra + used, room - used, "; %s times as fast as scalar code",
                                 dt_view_number(r->ratio_to_scalar, text));
    if (isfinite(r->share_of_ceiling))
        snprintf(extra + used, room - used, "; %s of the ceiling",
                 dt_view_share(r->share_of_ceiling, text));
    return extra;
}

static json_t *action_row(const struct dt_series *series)
{
    char range[32], extra[3 * DT_SUBJECT_TEXT_MAX];
    const struct dt_record *r = series->record;
    const double spread = fmax(r->ns_median - r->ns_lo, r->ns_hi - r->ns_median);
    json_t *row = json_pack("{s:o, s:s, s:f}", "name", text_of(series->name), "unit", "ns", "value",
                            r->ns_median);
    if (isfinite(spread)) {
        snprintf(range, sizeof range, "\u00b1 %.6g", spread);
        json_object_set_new(row, "range", text_of(range));
    }
    json_object_set_new(row, "extra", text_of(action_extra(r, extra)));
    return row;
}

enum dt_status dt_export_action(FILE *stream, const struct dt_evidence *evidence,
                                struct dt_error *error)
{
    struct dt_series_list list;
    enum dt_status status = dt_series_collect(evidence, &list, error);
    if (status)
        return status;
    for (size_t s = 0; s < list.count && !status; s++)
        status = put_object(stream, s ? ",\n" : "[\n", action_row(&list.items[s]), error);
    fputs("\n]\n", stream);
    dt_series_clear(&list);
    return status;
}
