/* SPDX-License-Identifier: MIT */
/*
 * Tables of comma-separated values as RFC 4180 has them, for spreadsheets and data frames: a row a
 * record, or a row a cell. The columns are the members that JSON Lines have, so that a new one is
 * here too; arrays of samples are left to JSON Lines. What is not known is empty.
 */
#include "reports/escape.h"
#include "reports/export.h"
#include "reports/fields.h"
#include "reports/subject.h"

#include "kernels/error.h"

#include <string.h>

#define LINE_END "\r\n"

static void put_text(FILE *stream, const char *text)
{
    fputs("\"", stream);
    dt_escape_put(stream, DT_SYNTAX_CSV, text);
    fputs("\"", stream);
}

static void put_scalar(FILE *stream, const json_t *json)
{
    if (json_is_string(json))
        put_text(stream, json_string_value(json));
    else if (json_is_real(json))
        fprintf(stream, "%.17g", json_real_value(json));
    else if (json_is_integer(json))
        fprintf(stream, "%" JSON_INTEGER_FORMAT, json_integer_value(json));
    else if (json_is_boolean(json))
        fputs(json_is_true(json) ? "true" : "false", stream);
}

/* ---- Rows ------------------------------------------------------------------ */

/* An array of any length has no column. */
static bool has_column(const char *key)
{
    return strcmp(key, "ns") != 0 && strcmp(key, "ratios") != 0 && strcmp(key, "aa_ratios") != 0;
}

/* The members of `base`, those of its subject and the times of its phases as its own. */
static void flatten(json_t *row, const struct dt_fields *fields, const void *base)
{
    for (size_t f = 0; f < fields->count; f++) {
        const struct dt_field *field = &fields->items[f];
        const void *at = (const char *)base + field->offset;
        if (strcmp(field->key, "subject") == 0) {
            flatten(row, &dt_subject_fields, at);
        } else if (strcmp(field->key, "phase_ns") == 0) {
            for (enum dt_phase p = 0; p < DT_PHASE_COUNT; p++) {
                char key[48];
                snprintf(key, sizeof key, "phase_%s_ns", dt_phase_name(p));
                json_object_set_new(row, key, dt_codec_real.encode((const double *)at + p));
            }
        } else if (has_column(field->key)) {
            json_object_set_new(row, field->key, field->codec->encode(at));
        }
    }
}

static json_t *make_row(const struct dt_session *s, const struct dt_subject *subject,
                        const struct dt_fields *fields, const void *base)
{
    char name[DT_SUBJECT_TEXT_MAX];
    const char *const facts[][2] = {
        {"name", dt_subject_name(subject, name)},
        {"date", s->date},
        {"cpu", s->cpu},
        {"machine", s->machine[3]},
        {"version", s->build.version},
        {"commit", s->build.commit},
    };
    json_t *row = json_object();
    for (size_t f = 0; row && f < sizeof facts / sizeof *facts; f++)
        json_object_set_new(row, facts[f][0], dt_codec_text.encode(facts[f][1]));
    if (row)
        flatten(row, fields, base);
    return row;
}

/* Takes the row, which may be NULL for want of memory. The columns are those of the first row. */
static enum dt_status put_row(FILE *stream, json_t *row, bool first, struct dt_error *error)
{
    const char *key;
    json_t *value;
    if (!row)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a row");
    if (first) {
        const char *before = "";
        json_object_foreach(row, key, value)
        {
            fprintf(stream, "%s%s", before, key);
            before = ",";
        }
        fputs(LINE_END, stream);
    }
    const char *before = "";
    json_object_foreach(row, key, value)
    {
        fputs(before, stream);
        put_scalar(stream, value);
        before = ",";
    }
    fputs(LINE_END, stream);
    json_decref(row);
    return DT_OK;
}

/* ---- Tables ---------------------------------------------------------------- */

enum dt_status dt_export_csv(FILE *stream, const struct dt_evidence *evidence,
                             struct dt_error *error)
{
    enum dt_status status = DT_OK;
    size_t count = 0;
    for (size_t s = 0; s < evidence->count; s++) {
        const struct dt_records *records = &evidence->sessions[s].records;
        for (size_t r = 0; r < records->count && !status; r++) {
            const struct dt_subject subject = dt_record_subject(&records->items[r]);
            json_t *row =
                make_row(&records->session, &subject, &dt_record_fields, &records->items[r]);
            status = put_row(stream, row, count++ == 0, error);
        }
    }
    return count ? status
                 : dt_error_set(error, DT_UNSUPPORTED,
                                "no measurements; `disentune bench` makes some");
}

enum dt_status dt_export_comparison_csv(FILE *stream, const struct dt_evidence *evidence,
                                        struct dt_error *error)
{
    enum dt_status status = DT_OK;
    size_t count = 0;
    for (size_t s = 0; s < evidence->count; s++) {
        const struct dt_finding *finding = &evidence->sessions[s];
        for (size_t c = 0; c < finding->cell_count && !status; c++) {
            const struct dt_cell *cell = &finding->cells[c];
            json_t *row =
                make_row(&finding->records.session, &cell->subject, &dt_cell_fields, cell);
            status = put_row(stream, row, count++ == 0, error);
        }
    }
    return count ? status
                 : dt_error_set(error, DT_UNSUPPORTED,
                                "no comparison of two builds; `disentune regress` makes one");
}
