/* SPDX-License-Identifier: MIT */
#include "tuner/protocol.h"

#include "reports/fields.h"
#include "tuner/sample.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- Types that only these lines have ---------------------------------------- */

static json_t *encode_subject(const void *at)
{
    return dt_fields_encode(dt_subject_fields.items, dt_subject_fields.count, at);
}

static enum dt_status decode_subject(const json_t *json, void *at, size_t size)
{
    (void)size;
    return dt_fields_decode(dt_subject_fields.items, dt_subject_fields.count, json, at, "", NULL);
}

static const struct dt_codec subject = {"what is to be run", encode_subject, decode_subject, true};

static json_t *encode_build(const void *at)
{
    return dt_fields_encode(dt_build_fields.items, dt_build_fields.count, at);
}

static enum dt_status decode_build(const json_t *json, void *at, size_t size)
{
    (void)size;
    return dt_fields_decode(dt_build_fields.items, dt_build_fields.count, json, at, "", NULL);
}

static const struct dt_codec build = {"a description of a build", encode_build, decode_build, true};

/* Text, since common readers of JSON keep 53 bits of a number only. */
static json_t *encode_seed(const void *at)
{
    return json_sprintf("%" PRIu64, *(const uint64_t *)at);
}

static enum dt_status decode_seed(const json_t *json, void *at, size_t size)
{
    (void)size;
    char digits[24], *end;
    if (dt_codec_text.decode(json, digits, sizeof digits) || *digits < '0' || *digits > '9')
        return DT_INVALID;
    *(uint64_t *)at = strtoull(digits, &end, 10);
    return *end ? DT_INVALID : DT_OK;
}

static const struct dt_codec seed_text = {"a decimal number as text", encode_seed, decode_seed,
                                          false};

static json_t *encode_calls(const void *at)
{
    return json_integer((json_int_t) * (const uint64_t *)at);
}

static enum dt_status decode_calls(const json_t *json, void *at, size_t size)
{
    (void)size;
    const json_int_t calls = json_integer_value(json);
    if (!json_is_integer(json) || calls < 0 || (uint64_t)calls > DT_PROTOCOL_CALLS_MAX)
        return DT_INVALID;
    *(uint64_t *)at = (uint64_t)calls;
    return DT_OK;
}

static const struct dt_codec calls_number = {"a number of calls", encode_calls, decode_calls,
                                             false};

static json_t *encode_protocol(const void *at) { return json_integer(*(const int *)at); }

static enum dt_status decode_protocol(const json_t *json, void *at, size_t size)
{
    (void)size;
    const json_int_t number = json_integer_value(json);
    if (!json_is_integer(json) || number < 1 || number > 1000)
        return DT_INVALID;
    *(int *)at = (int)number;
    return DT_OK;
}

static const struct dt_codec protocol_number = {"a version, 1 to 1000", encode_protocol,
                                                decode_protocol, false};

static json_t *encode_gates(const void *at) { return json_integer(*(const unsigned *)at); }

static enum dt_status decode_gates(const json_t *json, void *at, size_t size)
{
    (void)size;
    const json_int_t gates = json_integer_value(json);
    if (!json_is_integer(json) || gates < 0 || gates >= 1 << DT_GATE_COUNT)
        return DT_INVALID;
    *(unsigned *)at = (unsigned)gates;
    return DT_OK;
}

static const struct dt_codec gate_bits = {"a set of gates", encode_gates, decode_gates, false};

static json_t *encode_status(const void *at) { return json_integer(*(const enum dt_status *)at); }

static enum dt_status decode_status(const json_t *json, void *at, size_t size)
{
    (void)size;
    const json_int_t status = json_integer_value(json);
    if (!json_is_integer(json) || status <= DT_OK || status > DT_FAILED)
        return DT_INVALID;
    *(enum dt_status *)at = (enum dt_status)status;
    return DT_OK;
}

static const struct dt_codec status_number = {"the number of an error", encode_status,
                                              decode_status, false};

/* ---- Lines -------------------------------------------------------------------- */

static const struct dt_field hello_fields[] = {
    DT_FIELD(dt_hello, protocol, protocol_number),
    DT_FIELD(dt_hello, build, build),
};

static const struct dt_field prepare_fields[] = {
    DT_FIELD(dt_prepare, subject, subject),
    DT_FIELD(dt_prepare, seed, seed_text),
    DT_FIELD(dt_prepare, check, dt_codec_flag),
};

static const struct dt_field prepared_fields[] = {
    DT_FIELD(dt_prepared, subject, subject),     DT_FIELD(dt_prepared, choice, dt_codec_text),
    DT_FIELD(dt_prepared, code, dt_codec_text),  DT_FIELD(dt_prepared, operands, dt_codec_text),
    DT_FIELD(dt_prepared, right, dt_codec_flag), DT_FIELD(dt_prepared, reason, dt_codec_text),
};

static const struct dt_field run_fields[] = {
    DT_FIELD(dt_run, warm, calls_number),
    DT_FIELD(dt_run, calls, calls_number),
};

static const struct dt_field ran_fields[] = {
    DT_FIELD(dt_ran, ns, dt_codec_real),
    DT_FIELD(dt_ran, gates, gate_bits),
};

static const struct dt_field error_fields[] = {
    DT_FIELD(dt_error, status, status_number),
    DT_FIELD(dt_error, text, dt_codec_text),
};

#define KIND(word, member, fields)                                                                 \
    {                                                                                              \
        word, offsetof(struct dt_message, member), fields, COUNT(fields)                           \
    }

static const struct {
    const char *word;
    size_t offset;
    const struct dt_field *fields;
    size_t count;
} kinds[] = {
    [DT_SAY_HELLO] = KIND("hello", hello, hello_fields),
    [DT_SAY_PREPARE] = KIND("prepare", prepare, prepare_fields),
    [DT_SAY_PREPARED] = KIND("prepared", prepared, prepared_fields),
    [DT_SAY_RUN] = KIND("run", run, run_fields),
    [DT_SAY_RAN] = KIND("ran", ran, ran_fields),
    [DT_SAY_ERROR] = KIND("error", error, error_fields),
};

size_t dt_message_print(const struct dt_message *message, char line[DT_PROTOCOL_LINE])
{
    json_t *object = json_object();
    const char *at = (const char *)message + kinds[message->say].offset;
    json_t *fields = dt_fields_encode(kinds[message->say].fields, kinds[message->say].count, at);
    size_t length = 0;
    if (object && fields && !json_object_set(object, kinds[message->say].word, fields))
        length = json_dumpb(object, line, DT_PROTOCOL_LINE - 1, JSON_COMPACT);
    json_decref(fields);
    json_decref(object);
    if (length == 0 || length >= DT_PROTOCOL_LINE)
        return 0;
    line[length] = '\n';
    return length + 1;
}

static enum dt_status parse_object(const json_t *object, struct dt_message *message,
                                   struct dt_error *error)
{
    for (size_t k = 0; k < COUNT(kinds); k++) {
        const json_t *fields = json_object_get(object, kinds[k].word);
        if (!fields)
            continue;
        char within[16];
        snprintf(within, sizeof within, "%s.", kinds[k].word);
        memset(message, 0, sizeof *message);
        message->say = (enum dt_say)k;
        enum dt_status status = dt_fields_decode(kinds[k].fields, kinds[k].count, fields,
                                                 (char *)message + kinds[k].offset, within, error);
        if (!status && message->say == DT_SAY_RAN && !(message->ran.ns > 0))
            status = dt_error_set(error, DT_INVALID, "\"ran.ns\" must be above 0");
        return status;
    }
    return dt_error_set(error, DT_INVALID, "a line of an unknown kind");
}

enum dt_status dt_message_parse(const char *line, size_t length, struct dt_message *message,
                                struct dt_error *error)
{
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return dt_error_set(error, DT_INVALID, "\"%.*s\"%s", (int)(length < 40 ? length : 40), line,
                            length > 40 ? "..." : "");
    }
    enum dt_status status = parse_object(object, message, error);
    json_decref(object);
    return status;
}
