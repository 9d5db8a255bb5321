/* SPDX-License-Identifier: MIT */
#include "reports/codec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX (1 << 16)

json_t *dt_fields_encode(const struct dt_field *fields, size_t count, const void *base)
{
    json_t *object = json_object();
    for (size_t f = 0; object && f < count; f++) {
        const void *at = (const char *)base + fields[f].offset;
        if (json_object_set_new(object, fields[f].key, fields[f].codec->encode(at))) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

enum dt_status dt_fields_decode(const struct dt_field *fields, size_t count, const json_t *object,
                                void *base, const char *within, struct dt_error *error)
{
    for (size_t f = 0; f < count; f++) {
        const json_t *json = json_object_get(object, fields[f].key);
        if (!json && fields[f].optional)
            continue;
        if (!json)
            return dt_error_set(error, DT_INVALID, "\"%s%s\" is missing", within, fields[f].key);
        void *at = (char *)base + fields[f].offset;
        enum dt_status status = fields[f].codec->decode(json, at, fields[f].size);
        if (status == DT_NO_MEMORY)
            return dt_error_set(error, DT_NO_MEMORY, "no memory for \"%s%s\"", within,
                                fields[f].key);
        if (status)
            return dt_error_set(error, DT_INVALID, "\"%s%s\" must be %s", within, fields[f].key,
                                fields[f].codec->expected);
    }
    return DT_OK;
}

json_t *dt_codec_encode_each(const void *items, size_t count, size_t size,
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

/* ---- Text ------------------------------------------------------------------ */

/* Control characters, C1 included (U+0080 to U+009F), could drive a terminal. */
static bool is_control(const unsigned char *c)
{
    return *c < 0x20 || *c == 0x7f || (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0);
}

static bool is_clean(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (is_control(c))
            return false;
    return true;
}

static json_t *encode_text(const void *at)
{
    json_t *json = is_clean(at) ? json_string(at) : NULL;
    if (json)
        return json;
    char *ascii = strdup(at);
    if (!ascii)
        return NULL;
    for (char *c = ascii; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    json = json_string(ascii);
    free(ascii);
    return json;
}

static enum dt_status decode_text(const json_t *json, void *at, size_t size)
{
    if (!json_is_string(json) || json_string_length(json) >= size ||
        !is_clean(json_string_value(json)))
        return DT_INVALID;
    memcpy(at, json_string_value(json), json_string_length(json) + 1);
    return DT_OK;
}

const struct dt_codec dt_codec_text = {"a short text without control characters", encode_text,
                                       decode_text, false};

/* ---- Numbers --------------------------------------------------------------- */

static json_t *encode_real(const void *at)
{
    double value = *(const double *)at;
    return isfinite(value) && value >= 0 ? json_real(value == 0 ? 0 : value) : json_null();
}

static enum dt_status decode_real(const json_t *json, void *at, size_t size)
{
    (void)size;
    double value = json_is_null(json) ? NAN : json_number_value(json);
    if (value < 0 || !(json_is_null(json) || json_is_number(json)))
        return DT_INVALID;
    *(double *)at = value;
    return DT_OK;
}

const struct dt_codec dt_codec_real = {"a number, not negative, or null", encode_real, decode_real,
                                       false};

json_t *dt_codec_encode_reals(const double *items, size_t count)
{
    return items && count ? dt_codec_encode_each(items, count, sizeof *items, encode_real)
                          : json_null();
}

enum dt_status dt_codec_decode_reals(const json_t *json, size_t count, double **items)
{
    if (json_is_null(json))
        return DT_OK;
    if (!json_is_array(json) || json_array_size(json) != count)
        return DT_INVALID;
    *items = malloc((count + 1) * sizeof **items);
    if (!*items)
        return DT_NO_MEMORY;
    for (size_t n = 0; n < count; n++) {
        const json_t *item = json_array_get(json, n);
        if (json_is_null(item) || decode_real(item, *items + n, sizeof(double)))
            return DT_INVALID;
    }
    return DT_OK;
}

static bool in_range(const json_t *json, json_int_t least, json_int_t most)
{
    return json_is_integer(json) && json_integer_value(json) >= least &&
           json_integer_value(json) <= most;
}

static json_t *encode_count(const void *at)
{
    const size_t *count = at;
    return json_integer((json_int_t)*count);
}

static enum dt_status decode_count(const json_t *json, void *at, size_t size)
{
    (void)size;
    if (!in_range(json, 0, DT_CODEC_COUNT_MAX))
        return DT_INVALID;
    *(size_t *)at = (size_t)json_integer_value(json);
    return DT_OK;
}

const struct dt_codec dt_codec_count = {"an integer, 0 to 100000", encode_count, decode_count,
                                        false};

static json_t *encode_threads(const void *at) { return json_integer(*(const int *)at); }

static enum dt_status decode_threads(const json_t *json, void *at, size_t size)
{
    (void)size;
    if (!in_range(json, 1, THREADS_MAX))
        return DT_INVALID;
    *(int *)at = (int)json_integer_value(json);
    return DT_OK;
}

const struct dt_codec dt_codec_threads = {"an integer, 1 to 65536", encode_threads, decode_threads,
                                          false};

static json_t *encode_flag(const void *at) { return json_boolean(*(const bool *)at); }

static enum dt_status decode_flag(const json_t *json, void *at, size_t size)
{
    (void)size;
    *(bool *)at = json_is_true(json);
    return json_is_boolean(json) ? DT_OK : DT_INVALID;
}

const struct dt_codec dt_codec_flag = {"true or false", encode_flag, decode_flag, false};
