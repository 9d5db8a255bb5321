/* SPDX-License-Identifier: MIT */
/*
 * Whatever is written can be read, and whatever is read is safe to print: text holds no
 * control characters, numbers are finite and not negative.
 */
#include "reports/record.h"

#include "reports/fields.h"
#include "reports/lines.h"

#include <stdlib.h>
#include <string.h>

/* The named variant, NULL for "". False if this build has none of that name and operation. */
static bool find_part(const char *name, enum dt_op op, const struct dt_variant **variant)
{
    *variant = *name ? dt_variant_find(name) : NULL;
    return !*name || (*variant && (*variant)->op == op);
}

bool dt_record_choice(const struct dt_record *r, struct dt_choice *choice)
{
    *choice = (struct dt_choice){.tile = r->tile, .chunk = r->chunk};
    return *r->variant && find_part(r->variant, r->op, &choice->variant) &&
           find_part(r->gemm, DT_OP_GEMM, &choice->gemm) &&
           find_part(r->bias, DT_OP_BIAS, &choice->bias) &&
           find_part(r->softmax, DT_OP_SOFTMAX, &choice->softmax);
}

void dt_record_set_choice(struct dt_record *r, const struct dt_choice *c)
{
    r->tile = c->tile;
    r->chunk = c->chunk;
    snprintf(r->variant, sizeof r->variant, "%s", c->variant->name);
    snprintf(r->gemm, sizeof r->gemm, "%s", c->gemm ? c->gemm->name : "");
    snprintf(r->bias, sizeof r->bias, "%s", c->bias ? c->bias->name : "");
    snprintf(r->softmax, sizeof r->softmax, "%s", c->softmax ? c->softmax->name : "");
}

enum dt_status dt_record_write(FILE *stream, const struct dt_session *session,
                               const struct dt_record *record, struct dt_error *error)
{
    if (record->samples > DT_CODEC_COUNT_MAX || record->rejected > DT_CODEC_COUNT_MAX)
        return dt_error_set(error, DT_INVALID, "record of %s: more than %zu samples",
                            record->variant, DT_CODEC_COUNT_MAX);
    json_t *object = dt_fields_encode(dt_record_fields.items, dt_record_fields.count, record);
    json_t *nested = dt_fields_encode(dt_session_fields.items, dt_session_fields.count, session);
    if (json_object_set_new(object, "session", nested)) {
        json_decref(object);
        object = NULL;
    }
    return dt_line_write(stream, object, error);
}

enum dt_status dt_record_parse(const char *line, size_t length, struct dt_session *session,
                               struct dt_record *record, struct dt_error *error)
{
    json_t *object;
    enum dt_status status = dt_line_parse(line, length, &object, error);
    if (status)
        return status;
    dt_record_unknown(record);
    *session = (struct dt_session){0};
    status =
        dt_fields_decode(dt_record_fields.items, dt_record_fields.count, object, record, "", error);
    const json_t *nested = json_object_get(object, "session");
    if (!status && !nested)
        status = dt_error_set(error, DT_INVALID, "\"session\" is missing");
    if (!status)
        status = dt_fields_decode(dt_session_fields.items, dt_session_fields.count, nested, session,
                                  "session.", error);
    json_decref(object);
    if (status) {
        free(record->ns);
        record->ns = NULL;
    }
    return status;
}

struct reading {
    struct dt_records *records;
    size_t room;
};

static enum dt_status take_line(void *context, const char *line, size_t length,
                                struct dt_error *error)
{
    struct reading *reading = context;
    struct dt_records *records = reading->records;
    if (records->count == reading->room) {
        const size_t wanted = reading->room ? 2 * reading->room : 16;
        struct dt_record *items = realloc(records->items, wanted * sizeof *items);
        if (!items)
            return dt_error_set(error, DT_NO_MEMORY, "no memory for a record");
        records->items = items;
        reading->room = wanted;
    }
    enum dt_status status =
        dt_record_parse(line, length, &records->session, &records->items[records->count], error);
    records->count += !status;
    return status;
}

enum dt_status dt_records_read(const char *path, struct dt_records *records, struct dt_error *error)
{
    struct reading reading = {.records = records};
    *records = (struct dt_records){0};
    enum dt_status status = dt_lines_read(path, take_line, &reading, error);
    if (status)
        dt_records_clear(records);
    return status;
}

void dt_records_clear(struct dt_records *records)
{
    for (size_t r = 0; r < records->count; r++)
        free(records->items[r].ns);
    free(records->items);
    *records = (struct dt_records){0};
}
