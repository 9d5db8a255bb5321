/* SPDX-License-Identifier: MIT */
/*
 * Structures as JSON objects: one table of fields for each structure drives writing and reading
 * alike. The order of a table is the order of the keys in the file.
 */
#ifndef DISENTUNE_CODEC_H
#define DISENTUNE_CODEC_H

#include "kernels/error.h"

#include <jansson.h>

/* How one type is written and read. `at` is the field, or the whole structure if the field's
 * offset says so. */
struct dt_codec {
    const char *expected;              /* completes "KEY must be ..." */
    json_t *(*encode)(const void *at); /* a new reference; NULL without memory */
    /* Into at[0 ... size) bytes. DT_INVALID, DT_NO_MEMORY. */
    enum dt_status (*decode)(const json_t *json, void *at, size_t size);
};

struct dt_field {
    const char *key;
    size_t offset, size;
    const struct dt_codec *codec;
};

#define DT_FIELD(type, member, codec)                                                              \
    {                                                                                              \
#member, offsetof(struct type, member), sizeof(((struct type *)0)->member), &codec         \
    }

/* A new reference; NULL without memory. */
json_t *dt_fields_encode(const struct dt_field *fields, size_t count, const void *base);

/* Every field must be there; other keys are ignored. `within` is what the object is called in
 * messages, e.g. "session.". DT_INVALID, DT_NO_MEMORY. */
enum dt_status dt_fields_decode(const struct dt_field *fields, size_t count, const json_t *object,
                                void *base, const char *within, struct dt_error *error);

/* char[]: clean UTF-8 that fits. Control characters are refused, since they could drive a
 * terminal; in writing, what is not clean becomes question marks. */
extern const struct dt_codec dt_codec_text;

/* double: finite and not negative; anything else is written as null, which is read as NAN. */
extern const struct dt_codec dt_codec_real;

/* size_t: 0 ... DT_CODEC_COUNT_MAX. */
#define DT_CODEC_COUNT_MAX ((size_t)100000)
extern const struct dt_codec dt_codec_count;

/* int: 1 ... 65536 threads. */
extern const struct dt_codec dt_codec_threads;

/* bool */
extern const struct dt_codec dt_codec_flag;

#endif
