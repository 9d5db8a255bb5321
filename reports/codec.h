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
    bool nested; /* an array or an object, no single value */
};

struct dt_field {
    const char *key;
    size_t offset, size;
    const struct dt_codec *codec;
    bool optional; /* where it is missing, the member keeps its value */
};

#define DT_FIELD_AS(key, type, member, codec)                                                      \
    {                                                                                              \
        key, offsetof(struct type, member), sizeof(((struct type *)0)->member), &codec, false      \
    }
#define DT_FIELD(type, member, codec) DT_FIELD_AS(#member, type, member, codec)

#define DT_OPTIONAL_AS(key, type, member, codec)                                                   \
    {                                                                                              \
        key, offsetof(struct type, member), sizeof(((struct type *)0)->member), &codec, true       \
    }
#define DT_OPTIONAL(type, member, codec) DT_OPTIONAL_AS(#member, type, member, codec)

/* For a codec that takes the whole structure. */
#define DT_FIELD_WHOLE(key, type, codec, optional)                                                 \
    {                                                                                              \
        key, 0, sizeof(struct type), &codec, optional                                              \
    }

/* A new reference; NULL without memory. */
json_t *dt_fields_encode(const struct dt_field *fields, size_t count, const void *base);

/* Every field that is not optional must be there; other keys are ignored. `within` is what the
 * object is called in messages, e.g. "session.". DT_INVALID, DT_NO_MEMORY. */
enum dt_status dt_fields_decode(const struct dt_field *fields, size_t count, const json_t *object,
                                void *base, const char *within, struct dt_error *error);

/* An array of `count` items of `size` bytes each; NULL without memory. */
json_t *dt_codec_encode_each(const void *items, size_t count, size_t size,
                             json_t *(*encode)(const void *));

/* null if items is NULL or count 0. */
json_t *dt_codec_encode_reals(const double *items, size_t count);

/* null, which leaves *items, or `count` numbers, into an array that the caller
 * frees; also on failure. DT_INVALID, DT_NO_MEMORY. */
enum dt_status dt_codec_decode_reals(const json_t *json, size_t count, double **items);

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
