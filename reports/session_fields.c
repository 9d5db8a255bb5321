/* SPDX-License-Identifier: MIT */
#include "reports/fields.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- Builds ---------------------------------------------------------------- */

/* Those that a session writes among its own, and what else a build has. */
#define BUILD(type, at)                                                                            \
    DT_FIELD_AS("version", type, at version, dt_codec_text),                                       \
        DT_OPTIONAL_AS("commit", type, at commit, dt_codec_text),                                  \
        DT_OPTIONAL_AS("dirty", type, at dirty, dt_codec_flag),                                    \
        DT_FIELD_AS("compiler", type, at compiler, dt_codec_text),                                 \
        DT_OPTIONAL_AS("flags", type, at flags, dt_codec_text),                                    \
        DT_OPTIONAL_AS("libraries", type, at libraries, dt_codec_text),                            \
        DT_FIELD_AS("signature", type, at signature, dt_codec_text),                               \
        DT_OPTIONAL_AS("digest", type, at digest, dt_codec_text)

static const struct dt_field build_fields[] = {BUILD(dt_build, )};

const struct dt_fields dt_build_fields = {build_fields, COUNT(build_fields)};

static json_t *encode_base(const void *at)
{
    const struct dt_build *base = at;
    return *base->version ? dt_fields_encode(build_fields, COUNT(build_fields), base) : json_null();
}

static enum dt_status decode_base(const json_t *json, void *at, size_t size)
{
    (void)size;
    return json_is_null(json)
               ? DT_OK
               : dt_fields_decode(build_fields, COUNT(build_fields), json, at, "", NULL);
}

static const struct dt_codec base_build = {"null or an object of version, compiler and signature",
                                           encode_base, decode_base, true};

/* ---- Sessions -------------------------------------------------------------- */

#define KEYS COUNT(((struct dt_session *)0)->machine)
#define KEY_BYTES sizeof(((struct dt_session *)0)->machine[0])

static json_t *encode_machine(const void *at)
{
    return dt_codec_encode_each(at, KEYS, KEY_BYTES, dt_codec_text.encode);
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

static const struct dt_codec machine_keys = {"4 short texts", encode_machine, decode_machine, true};

static const struct dt_field ceiling_fields[] = {
    DT_FIELD(dt_ceiling, name, dt_codec_text),
    DT_FIELD(dt_ceiling, value, dt_codec_real),
    DT_FIELD(dt_ceiling, unit, dt_codec_text),
};

const struct dt_fields dt_ceiling_fields = {ceiling_fields, COUNT(ceiling_fields)};

static json_t *encode_ceiling(const void *at)
{
    return dt_fields_encode(ceiling_fields, COUNT(ceiling_fields), at);
}

/* Of the whole session. */
static json_t *encode_ceilings(const void *at)
{
    const struct dt_session *session = at;
    return dt_codec_encode_each(session->ceilings, session->ceiling_count,
                                sizeof *session->ceilings, encode_ceiling);
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
                                              encode_ceilings, decode_ceilings, true};

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

static const struct dt_codec seed_text = {"a decimal number as text", encode_seed, decode_seed,
                                          false};

/* What neither another session has nor a list is. */
#define OWN                                                                                        \
    DT_OPTIONAL(dt_session, run, dt_codec_text), DT_FIELD(dt_session, date, dt_codec_text),        \
        DT_FIELD(dt_session, command, dt_codec_text), DT_FIELD(dt_session, seed, seed_text),       \
        DT_FIELD(dt_session, noise_floor, dt_codec_real),                                          \
        DT_FIELD(dt_session, noisy, dt_codec_flag)

static const struct dt_field session_fields[] = {
    DT_FIELD(dt_session, machine, machine_keys),
    DT_FIELD(dt_session, cpu, dt_codec_text),
    BUILD(dt_session, build.),
    DT_OPTIONAL(dt_session, base, base_build),
    DT_OPTIONAL(dt_session, environment, dt_codec_text),
    OWN,
    DT_FIELD_WHOLE("ceilings", dt_session, ceiling_array, false),
};
static const struct dt_field own_fields[] = {OWN};

const struct dt_fields dt_session_fields = {session_fields, COUNT(session_fields)};
const struct dt_fields dt_session_own_fields = {own_fields, COUNT(own_fields)};

json_t *dt_session_identity(const struct dt_session *session)
{
    json_t *identity = dt_fields_encode(session_fields, COUNT(session_fields), session);
    if (!identity)
        return NULL;
    json_object_del(identity, "noise_floor");
    json_object_del(identity, "noisy");
    return identity;
}
