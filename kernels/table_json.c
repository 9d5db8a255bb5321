/* SPDX-License-Identifier: MIT */
/* Dispatch tables as JSON Lines, read with suspicion. */
#include "kernels/table_line.h"

#include "kernels/error.h"
#include "kernels/file.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading ---------------------------------------------------------------- */

static enum dt_status parse_json(const char *line, size_t length, json_t **value,
                                 struct dt_error *error)
{
    json_error_t why;
    if (length > DT_TABLE_LINE_MAX)
        return dt_error_set(error, DT_INVALID, "longer than %zu bytes", DT_TABLE_LINE_MAX);
    *value = json_loadb(line, length, JSON_REJECT_DUPLICATES, &why);
    if (*value)
        return DT_OK;
    if (json_error_code(&why) == json_error_out_of_memory)
        return dt_table_no_memory(error);
    return dt_error_set(error, DT_INVALID, "%s", why.text);
}

static enum dt_status parse_header(const char *line, size_t length, struct dt_origin *header,
                                   struct dt_error *error)
{
    json_t *root;
    json_error_t why;
    const char *schema, *version, *signature, *compiler;
    enum dt_status status = parse_json(line, length, &root, error);
    if (status)
        return status;
    if (json_unpack_ex(root, &why, 0, "{s:s}", "schema", &schema) != 0)
        status = dt_error_set(error, DT_INVALID, "no schema: this is no dispatch table");
    else if (strcmp(schema, DT_TABLE_SCHEMA) != 0)
        status = dt_error_set(error, DT_INVALID, "unknown schema \"%.32s\"; this build reads %s",
                              schema, DT_TABLE_SCHEMA);
    else if (json_unpack_ex(root, &why, JSON_STRICT, "{s:s, s:s, s:s, s:s}", "schema", &schema,
                            "version", &version, "signature", &signature, "compiler",
                            &compiler) != 0)
        status = dt_error_set(error, DT_INVALID, "%s", why.text);
    else if (!dt_origin_take(header, version, signature, compiler))
        status = dt_error_set(error, DT_INVALID, "a member of the header is malformed");
    json_decref(root);
    return status;
}

static bool take_ratio(const json_t *value, double *to)
{
    *to = json_is_null(value) ? (double)NAN : json_number_value(value);
    return json_is_null(value) || json_is_number(value);
}

/* What is borrowed from `root` stays there. */
static enum dt_status unpack_line(json_t *root, struct dt_table_line *l, struct dt_error *error)
{
    json_error_t why;
    json_int_t threads, rows, cols, samples, chunk = 0, tried = 0, plans = 0;
    json_t *ratio, *lo, *hi;
    int validated, complete;
    double regret = NAN;
    if (json_unpack_ex(root, &why, JSON_STRICT,
                       "{s:s, s:s, s:I, s:[ssss], s:s, s:[II], s?I, s?s, s?s, s?s, s:I, s:F, "
                       "s:o, s:o, s:o, s:F, s:b, s:b, s?F, s?[II], s:s, s?[sss]}",
                       "op", &l->op, "problem", &l->problem, "threads", &threads, "machine",
                       &l->machine[0], &l->machine[1], &l->machine[2], &l->machine[3], "variant",
                       &l->variant, "tile", &rows, &cols, "chunk", &chunk, "gemm", &l->gemm, "bias",
                       &l->bias, "softmax", &l->softmax, "samples", &samples, "ns_median",
                       &l->ns_median, "ratio_to_scalar", &ratio, "ratio_lo", &lo, "ratio_hi", &hi,
                       "noise_floor", &l->noise_floor, "validated", &validated, "complete",
                       &complete, "regret", &regret, "tried", &tried, &plans, "date", &l->date,
                       "origin", &l->origin[0], &l->origin[1], &l->origin[2]) != 0)
        return dt_error_set(error, DT_INVALID, "%s", why.text);
    if (!take_ratio(ratio, &l->ratio_to_scalar) || !take_ratio(lo, &l->ratio_lo) ||
        !take_ratio(hi, &l->ratio_hi))
        return dt_error_set(error, DT_INVALID, "a ratio is neither a number nor null");
    if (isnan(regret) != (json_object_get(root, "tried") == NULL))
        return dt_error_set(error, DT_INVALID, "regret and tried come together");
    l->regret = regret;
    l->tried[0] = tried;
    l->tried[1] = plans;
    l->threads = threads;
    l->tile[0] = rows;
    l->tile[1] = cols;
    l->chunk = chunk;
    l->samples = samples;
    l->validated = validated;
    l->complete = complete;
    return DT_OK;
}

static enum dt_status parse_record(const char *text, size_t length, const struct dt_origin *header,
                                   struct dt_table_record *r, struct dt_error *error)
{
    json_t *root;
    struct dt_table_line line = {0};
    enum dt_status status = parse_json(text, length, &root, error);
    if (status)
        return status;
    status = unpack_line(root, &line, error);
    if (!status)
        status = dt_table_line_resolve(&line, header, r, error);
    json_decref(root);
    return status;
}

/* All lines after the header. */
static enum dt_status parse_records(struct dt_table *t, const char *at, const char *end,
                                    struct dt_error *error)
{
    struct dt_error why;
    size_t lines = 1, bad = 0;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop ? stop : end) - at);
        struct dt_table_record record = {.line = ++lines};
        enum dt_status status = parse_record(at, length, &t->header, &record, &why);
        if (status == DT_NO_MEMORY || (!status && !dt_table_append(t, &record)))
            return dt_table_no_memory(error);
        if (status && ++bad < DT_TABLE_REJECTED_MAX / 2 &&
            !dt_table_reject(t, "line %zu: %s", lines, why.text))
            return dt_table_no_memory(error);
        at += length + 1;
    }
    if (bad >= DT_TABLE_REJECTED_MAX / 2 && !dt_table_reject(t, "... %zu bad lines in all", bad))
        return dt_table_no_memory(error);
    return dt_table_settle(t, error);
}

enum dt_status dt_table_parse(const char *text, size_t size, const char *name,
                              struct dt_table **table, struct dt_error *error)
{
    struct dt_error why;
    if (size > DT_TABLE_BYTES_MAX)
        return dt_error_set(error, DT_INVALID, "\"%.120s\" has more than %zu bytes", name,
                            DT_TABLE_BYTES_MAX);
    struct dt_origin header;
    const char *stop = size ? memchr(text, '\n', size) : NULL;
    const size_t length = stop ? (size_t)(stop - text) : size;
    enum dt_status status = parse_header(text, length, &header, &why);
    if (status == DT_NO_MEMORY)
        return dt_table_no_memory(error);
    if (status) {
        dt_table_make_printable(why.text);
        return dt_error_set(error, status, "\"%.90s\" line 1: %.110s", name, why.text);
    }
    struct dt_table *t = dt_table_new(&header);
    if (!t)
        return dt_table_no_memory(error);
    if (!dt_table_note_header(t))
        status = dt_table_no_memory(error);
    if (!status && stop)
        status = parse_records(t, stop + 1, text + size, error);
    if (!status)
        status = dt_table_make_index(t, error);
    if (status)
        dt_table_free(t);
    else
        *table = t;
    return status;
}

enum dt_status dt_table_load(const char *path, struct dt_table **table, struct dt_error *error)
{
    char *text;
    size_t size;
    enum dt_status status = dt_file_read(path, DT_TABLE_BYTES_MAX, &text, &size, error);
    if (status)
        return status;
    status = dt_table_parse(text, size, path, table, error);
    free(text);
    return status;
}

/* ---- Writing ---------------------------------------------------------------- */

/* The writer of dt_table_line_walk(): members are added to the object `to`. */

static bool put_text(void *to, const char *name, const char *value)
{
    return json_object_set_new(to, name, json_string(value)) == 0;
}

static bool put_texts(void *to, const char *name, const char *const *values, size_t count)
{
    json_t *list = json_array();
    for (size_t n = 0; n < count; n++)
        if (json_array_append_new(list, json_string(values[n])) != 0) {
            json_decref(list);
            return false;
        }
    return json_object_set_new(to, name, list) == 0;
}

static bool put_integer(void *to, const char *name, int64_t value)
{
    return json_object_set_new(to, name, json_integer(value)) == 0;
}

static bool put_integers(void *to, const char *name, const int64_t *values, size_t count)
{
    json_t *list = json_array();
    for (size_t n = 0; n < count; n++)
        if (json_array_append_new(list, json_integer(values[n])) != 0) {
            json_decref(list);
            return false;
        }
    return json_object_set_new(to, name, list) == 0;
}

static bool put_real(void *to, const char *name, double value)
{
    return json_object_set_new(to, name, isnan(value) ? json_null() : json_real(value)) == 0;
}

static bool put_flag(void *to, const char *name, bool value)
{
    return json_object_set_new(to, name, json_boolean(value)) == 0;
}

static json_t *pack_header(const struct dt_origin *h)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "schema", DT_TABLE_SCHEMA, "version", h->version,
                     "signature", h->signature, "compiler", h->compiler);
}

static json_t *pack_record(const struct dt_table *table, const struct dt_table_record *r)
{
    static const struct dt_line_writer writer = {put_text,     put_texts, put_integer,
                                                 put_integers, put_real,  put_flag};
    char problem[DT_PROBLEM_TEXT_MAX];
    const struct dt_table_line line = dt_table_line_of(table, r, problem);
    json_t *object = json_object();
    if (object && dt_table_line_walk(&line, &writer, object))
        return object;
    json_decref(object);
    return NULL;
}

/* Consumes `value`, NULL for lack of memory. */
static bool print_line(FILE *stream, json_t *value)
{
    bool printed = value &&
                   json_dumpf(value, stream, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0 &&
                   fputc('\n', stream) != EOF;
    json_decref(value);
    return printed;
}

enum dt_status dt_table_print(const struct dt_table *table, char **text, size_t *size,
                              struct dt_error *error)
{
    char *buffer = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&buffer, &length);
    if (!stream)
        return dt_table_no_memory(error);
    bool printed = print_line(stream, pack_header(&table->header));
    for (size_t n = 0; printed && n < table->count; n++)
        printed = print_line(stream, pack_record(table, &table->records[n]));
    if (fclose(stream) != 0 || !printed) {
        free(buffer);
        return dt_table_no_memory(error);
    }
    if (length > DT_TABLE_BYTES_MAX) {
        free(buffer);
        return dt_error_set(error, DT_INVALID,
                            "%zu records take %zu bytes; a table has at most %zu", table->count,
                            length, DT_TABLE_BYTES_MAX);
    }
    *text = buffer;
    *size = length;
    return DT_OK;
}

enum dt_status dt_table_write(const struct dt_table *table, const char *path,
                              struct dt_error *error)
{
    char *text;
    size_t size;
    enum dt_status status = dt_table_print(table, &text, &size, error);
    if (status)
        return status;
    status = dt_file_write(path, text, size, error);
    free(text);
    return status;
}
