/* SPDX-License-Identifier: MIT */
/*
 * Whatever is written can be read, and whatever is read is safe to print: text holds no
 * control characters, numbers are finite and not negative.
 */
#include "reports/record.h"

#include "reports/codec.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LINE_BYTES_MAX ((size_t)4 << 20)
#define RECORDS_MAX ((size_t)100000)

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* An array of `count` items of `size` bytes each; NULL without memory. */
static json_t *encode_each(const void *items, size_t count, size_t size,
                           json_t *(*encode)(const void *))
{
    json_t *array = json_array();
    for (size_t n = 0; n < count; n++)
        if (json_array_append_new(array, encode((const char *)items + n * size))) {
            json_decref(array);
            return NULL;
        }
    return array;
}

/* Text, since common JSON readers keep 53 bits of a number only. */
static json_t *encode_seed(const void *at)
{
    return json_sprintf("%" PRIu64, *(const uint64_t *)at);
}

static enum dt_status decode_seed(const json_t *json, void *at, size_t size)
{
    (void)size;
    char digits[24];
    if (dt_codec_text.decode(json, digits, sizeof digits))
        return DT_INVALID;
    uint64_t value = strtoull(digits, NULL, 10);
    char printed[24];
    snprintf(printed, sizeof printed, "%" PRIu64, value);
    *(uint64_t *)at = value;
    return strcmp(printed, digits) == 0 ? DT_OK : DT_INVALID;
}

static const struct dt_codec seed_text = {"a decimal number as text", encode_seed, decode_seed};

/* ---- Plans ----------------------------------------------------------------- */

static json_t *encode_problem(const void *at)
{
    char printed[DT_PROBLEM_TEXT_MAX];
    return json_string(dt_problem_print(at, printed));
}

static enum dt_status decode_problem(const json_t *json, void *at, size_t size)
{
    (void)size;
    char words[DT_PROBLEM_TEXT_MAX];
    enum dt_status status = dt_codec_text.decode(json, words, sizeof words);
    return status ? status : dt_problem_parse(words, at, NULL);
}

static const struct dt_codec problem_text = {
    "a problem, e.g. \"b1 h1 q512 k512 d64 log:256:512 c2p+p2c f32 hf mask:none\"", encode_problem,
    decode_problem};

static json_t *encode_op(const void *at)
{
    return json_string(dt_op_name(*(const enum dt_op *)at));
}

static enum dt_status decode_op(const json_t *json, void *at, size_t size)
{
    (void)size;
    enum dt_op op = json_is_string(json) ? dt_op_parse(json_string_value(json)) : DT_OP_COUNT;
    *(enum dt_op *)at = op;
    return op < DT_OP_COUNT ? DT_OK : DT_INVALID;
}

static const struct dt_codec op_name = {"an operation, e.g. \"bias\"", encode_op, decode_op};

static json_t *encode_tile(const void *at)
{
    const struct dt_tile *tile = at;
    return json_sprintf("%" PRId32 "x%" PRId32, tile->rows, tile->cols);
}

static enum dt_status decode_tile(const json_t *json, void *at, size_t size)
{
    (void)size;
    char words[24], printed[24] = "", *end;
    if (dt_codec_text.decode(json, words, sizeof words))
        return DT_INVALID;
    long rows = strtol(words, &end, 10);
    long cols = *end == 'x' ? strtol(end + 1, NULL, 10) : -1;
    if (rows < 0 || cols < 0 || rows > DT_MAX_LENGTH || cols > DT_MAX_LENGTH)
        return DT_INVALID;
    snprintf(printed, sizeof printed, "%ldx%ld", rows, cols);
    *(struct dt_tile *)at = (struct dt_tile){(int32_t)rows, (int32_t)cols};
    return strcmp(printed, words) == 0 ? DT_OK : DT_INVALID;
}

static const struct dt_codec tile_text = {"rows x columns, e.g. \"64x0\"", encode_tile,
                                          decode_tile};

static json_t *encode_chunk(const void *at) { return json_integer(*(const int32_t *)at); }

static enum dt_status decode_chunk(const json_t *json, void *at, size_t size)
{
    (void)size;
    const json_int_t chunk = json_is_integer(json) ? json_integer_value(json) : -1;
    if (chunk < 0 || chunk > DT_MAX_LENGTH)
        return DT_INVALID;
    *(int32_t *)at = (int32_t)chunk;
    return DT_OK;
}

static const struct dt_codec chunk_length = {"a length, 0 for all", encode_chunk, decode_chunk};

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

/* ---- Records --------------------------------------------------------------- */

/* Of the whole record, after its `samples`. */
static json_t *encode_ns(const void *at)
{
    const struct dt_record *record = at;
    if (!record->ns)
        return json_null();
    return encode_each(record->ns, record->samples, sizeof *record->ns, dt_codec_real.encode);
}

static enum dt_status decode_ns(const json_t *json, void *at, size_t size)
{
    (void)size;
    struct dt_record *record = at;
    if (json_is_null(json))
        return DT_OK;
    if (!json_is_array(json) || json_array_size(json) != record->samples)
        return DT_INVALID;
    record->ns = malloc((record->samples + 1) * sizeof *record->ns);
    if (!record->ns)
        return DT_NO_MEMORY;
    for (size_t n = 0; n < record->samples; n++) {
        const json_t *sample = json_array_get(json, n);
        if (json_is_null(sample) || dt_codec_real.decode(sample, &record->ns[n], sizeof(double)))
            return DT_INVALID;
    }
    return DT_OK;
}

static const struct dt_codec ns_array = {"null or as many times as \"samples\" says", encode_ns,
                                         decode_ns};

static const struct dt_field record_fields[] = {
    DT_FIELD(dt_record, problem, problem_text),
    DT_FIELD(dt_record, op, op_name),
    DT_FIELD(dt_record, variant, dt_codec_text),
    DT_FIELD(dt_record, tile, tile_text),
    DT_FIELD(dt_record, chunk, chunk_length),
    DT_FIELD(dt_record, gemm, dt_codec_text),
    DT_FIELD(dt_record, bias, dt_codec_text),
    DT_FIELD(dt_record, softmax, dt_codec_text),
    DT_FIELD(dt_record, threads, dt_codec_threads),
    DT_FIELD(dt_record, ns_median, dt_codec_real),
    DT_FIELD(dt_record, ns_lo, dt_codec_real),
    DT_FIELD(dt_record, ns_hi, dt_codec_real),
    DT_FIELD(dt_record, samples, dt_codec_count),
    DT_FIELD(dt_record, rejected, dt_codec_count),
    DT_FIELD(dt_record, ratio_to_scalar, dt_codec_real),
    DT_FIELD(dt_record, ratio_lo, dt_codec_real),
    DT_FIELD(dt_record, ratio_hi, dt_codec_real),
    DT_FIELD(dt_record, ratio_to_gather, dt_codec_real),
    DT_FIELD(dt_record, ratio_to_autovec, dt_codec_real),
    DT_FIELD(dt_record, ratio_to_c2c, dt_codec_real),
    DT_FIELD(dt_record, ratio_to_one_thread, dt_codec_real),
    DT_FIELD(dt_record, gflops, dt_codec_real),
    DT_FIELD(dt_record, ceiling_ns, dt_codec_real),
    DT_FIELD(dt_record, share_of_ceiling, dt_codec_real),
    DT_FIELD(dt_record, verified, dt_codec_flag),
    DT_FIELD(dt_record, winner, dt_codec_flag),
    {"ns", 0, sizeof(struct dt_record), &ns_array},
};

/* ---- Sessions -------------------------------------------------------------- */

#define KEYS COUNT(((struct dt_session *)0)->machine)
#define KEY_BYTES sizeof(((struct dt_session *)0)->machine[0])

static json_t *encode_machine(const void *at)
{
    return encode_each(at, KEYS, KEY_BYTES, dt_codec_text.encode);
}

static enum dt_status decode_machine(const json_t *json, void *at, size_t size)
{
    (void)size;
    char(*keys)[KEY_BYTES] = at;
    if (!json_is_array(json) || json_array_size(json) != KEYS)
        return DT_INVALID;
    for (size_t k = 0; k < KEYS; k++)
        if (dt_codec_text.decode(json_array_get(json, k), keys[k], KEY_BYTES))
            return DT_INVALID;
    return DT_OK;
}

static const struct dt_codec machine_keys = {"4 short texts", encode_machine, decode_machine};

static const struct dt_field ceiling_fields[] = {
    DT_FIELD(dt_ceiling, name, dt_codec_text),
    DT_FIELD(dt_ceiling, value, dt_codec_real),
    DT_FIELD(dt_ceiling, unit, dt_codec_text),
};

static json_t *encode_ceiling(const void *at)
{
    return dt_fields_encode(ceiling_fields, COUNT(ceiling_fields), at);
}

/* Of the whole session. */
static json_t *encode_ceilings(const void *at)
{
    const struct dt_session *session = at;
    return encode_each(session->ceilings, session->ceiling_count, sizeof *session->ceilings,
                       encode_ceiling);
}

static enum dt_status decode_ceilings(const json_t *json, void *at, size_t size)
{
    (void)size;
    struct dt_session *session = at;
    if (!json_is_array(json) || json_array_size(json) > DT_CEILINGS_MAX)
        return DT_INVALID;
    session->ceiling_count = json_array_size(json);
    for (size_t c = 0; c < session->ceiling_count; c++)
        if (dt_fields_decode(ceiling_fields, COUNT(ceiling_fields), json_array_get(json, c),
                             &session->ceilings[c], "", NULL))
            return DT_INVALID;
    return DT_OK;
}

static const struct dt_codec ceiling_array = {"at most 32 objects with name, value and unit",
                                              encode_ceilings, decode_ceilings};

static const struct dt_field session_fields[] = {
    DT_FIELD(dt_session, machine, machine_keys),
    DT_FIELD(dt_session, cpu, dt_codec_text),
    DT_FIELD(dt_session, version, dt_codec_text),
    DT_FIELD(dt_session, compiler, dt_codec_text),
    DT_FIELD(dt_session, signature, dt_codec_text),
    DT_FIELD(dt_session, date, dt_codec_text),
    DT_FIELD(dt_session, command, dt_codec_text),
    DT_FIELD(dt_session, seed, seed_text),
    DT_FIELD(dt_session, noise_floor, dt_codec_real),
    DT_FIELD(dt_session, noisy, dt_codec_flag),
    {"ceilings", 0, sizeof(struct dt_session), &ceiling_array},
};

/* ---- Lines ----------------------------------------------------------------- */

enum dt_status dt_record_write(FILE *stream, const struct dt_session *session,
                               const struct dt_record *record, struct dt_error *error)
{
    if (record->samples > DT_CODEC_COUNT_MAX || record->rejected > DT_CODEC_COUNT_MAX)
        return dt_error_set(error, DT_INVALID, "record of %s: more than %zu samples",
                            record->variant, DT_CODEC_COUNT_MAX);
    json_t *object = dt_fields_encode(record_fields, COUNT(record_fields), record);
    json_t *nested = dt_fields_encode(session_fields, COUNT(session_fields), session);
    char *line = NULL;
    if (json_object_set_new(object, "session", nested) == 0)
        line = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(17));
    json_decref(object);
    if (!line)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a record");
    bool written = fputs(line, stream) != EOF && fputc('\n', stream) != EOF && !fflush(stream);
    free(line);
    return written ? DT_OK
                   : dt_error_set(error, DT_IO, "cannot write a record: %s", strerror(errno));
}

enum dt_status dt_record_parse(const char *line, size_t length, struct dt_session *session,
                               struct dt_record *record, struct dt_error *error)
{
    json_error_t reason;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &reason);
    if (!object)
        return dt_error_set(error, DT_INVALID, "no JSON object: %.100s", reason.text);
    enum dt_status status =
        dt_fields_decode(record_fields, COUNT(record_fields), object, record, "", error);
    const json_t *nested = json_object_get(object, "session");
    if (!status && !nested)
        status = dt_error_set(error, DT_INVALID, "\"session\" is missing");
    if (!status)
        status = dt_fields_decode(session_fields, COUNT(session_fields), nested, session,
                                  "session.", error);
    json_decref(object);
    if (status) {
        free(record->ns);
        record->ns = NULL;
    }
    return status;
}

/* One line without its end into buffer[LINE_BYTES_MAX]; false at the end of the stream. A length
 * of LINE_BYTES_MAX stands for a line that is longer than the buffer may hold. */
static bool read_line(FILE *stream, char *buffer, size_t *length)
{
    int c;
    size_t n = 0;
    while (n < LINE_BYTES_MAX && (c = getc_unlocked(stream)) != EOF && c != '\n')
        buffer[n++] = (char)c;
    *length = n;
    return n > 0 || c != EOF;
}

static struct dt_record *append(struct dt_records *records, size_t *room)
{
    if (records->count == *room) {
        size_t wanted = *room ? 2 * *room : 16;
        struct dt_record *items = realloc(records->items, wanted * sizeof *items);
        if (!items)
            return NULL;
        records->items = items;
        *room = wanted;
    }
    records->items[records->count] = (struct dt_record){0};
    return &records->items[records->count];
}

static enum dt_status read_lines(FILE *stream, char *buffer, struct dt_records *records,
                                 size_t *number, struct dt_error *error)
{
    size_t length, room = 0;
    for (*number = 1; read_line(stream, buffer, &length); ++*number) {
        if (length == LINE_BYTES_MAX)
            return dt_error_set(error, DT_INVALID, "longer than %zu bytes", LINE_BYTES_MAX);
        if (records->count == RECORDS_MAX)
            return dt_error_set(error, DT_INVALID, "more than %zu records", RECORDS_MAX);
        struct dt_record *record = append(records, &room);
        if (!record)
            return dt_error_set(error, DT_NO_MEMORY, "no memory for a record");
        enum dt_status status = dt_record_parse(buffer, length, &records->session, record, error);
        if (status)
            return status;
        records->count++;
    }
    return DT_OK;
}

/* Puts file and line in front of a message; what it quotes from the file is made printable. */
static enum dt_status locate(const char *path, size_t number, enum dt_status status,
                             struct dt_error *error)
{
    if (!error)
        return status;
    char reason[sizeof error->text];
    memcpy(reason, error->text, sizeof reason);
    for (char *c = reason; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    return dt_error_set(error, status, "%.120s:%zu: %.120s", path, number, reason);
}

enum dt_status dt_records_read(const char *path, struct dt_records *records, struct dt_error *error)
{
    const bool standard = strcmp(path, "-") == 0;
    const char *name = standard ? "standard input" : path;
    size_t number = 0;
    *records = (struct dt_records){0};
    FILE *stream = standard ? stdin : fopen(path, "r");
    if (!stream)
        return dt_error_set(error, DT_IO, "cannot open %.160s: %s", name, strerror(errno));
    char *buffer = malloc(LINE_BYTES_MAX);
    enum dt_status status = DT_OK;
    if (!buffer) {
        status = dt_error_set(error, DT_NO_MEMORY, "no memory to read %.160s", name);
    } else {
        status = read_lines(stream, buffer, records, &number, error);
        if (status)
            locate(name, number, status, error);
        if (ferror(stream))
            status = dt_error_set(error, DT_IO, "cannot read %.160s: %s", name, strerror(errno));
    }
    free(buffer);
    if (!standard)
        fclose(stream);
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
