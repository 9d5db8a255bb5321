/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELP "expected e.g. \"b1 h12 q512 k512 d64 log:256:512 c2p+p2c f32 hf mask:none\""

static const char *const mask_names[] = {
    [DT_MASK_NONE] = "none",
    [DT_MASK_LENGTHS] = "lengths",
    [DT_MASK_KEYS] = "keys",
    [DT_MASK_PAIRS] = "pairs",
};

static const char *const term_names[] = {
    [0] = "none", [DT_C2P] = "c2p", [DT_P2C] = "p2c", [DT_C2P | DT_P2C] = "c2p+p2c"};

static const char *const dialect_names[] = {[DT_HF] = "hf", [DT_MS] = "ms"};

static int find_name(const char *const *names, size_t count, const char *text)
{
    for (size_t n = 0; n < count; n++)
        if (strcmp(names[n], text) == 0)
            return (int)n;
    return -1;
}

#define FIND(names, text) find_name(names, sizeof(names) / sizeof *(names), text)

/* A decimal number without sign that ends at `stop`; -1 if it is none or exceeds int32_t. */
static int32_t parse_count(const char *text, char stop, const char **end)
{
    if (*text < '0' || *text > '9')
        return -1;
    char *rest;
    errno = 0;
    long value = strtol(text, &rest, 10);
    if (errno || value > INT32_MAX || *rest != stop)
        return -1;
    if (end)
        *end = rest + 1;
    return (int32_t)value;
}

/* Which field a token sets: one bit each, so that a second mention is noticed. */
enum {
    HAS_BATCH = 1 << 0,
    HAS_HEADS = 1 << 1,
    HAS_NQ = 1 << 2,
    HAS_NK = 1 << 3,
    HAS_DIM = 1 << 4,
    HAS_BUCKET = 1 << 5,
    HAS_TERMS = 1 << 6,
    HAS_DTYPE = 1 << 7,
    HAS_DIALECT = 1 << 8,
    HAS_MASK = 1 << 9,
    HAS_LAYOUT = 1 << 10,
};

static unsigned parse_count_token(const char *token, struct dt_problem *p)
{
    int32_t value = parse_count(token + 1, '\0', NULL);
    if (value < 0)
        return 0;
    switch (token[0]) {
    case 'b':
        p->batch = value;
        return HAS_BATCH;
    case 'h':
        p->heads = value;
        return HAS_HEADS;
    case 'q':
        p->nq = value;
        return HAS_NQ;
    case 'k':
        p->nk = value;
        return HAS_NK;
    case 'n':
        p->nq = p->nk = value;
        return HAS_NQ | HAS_NK;
    case 'd':
        p->dim = value;
        return HAS_DIM;
    }
    return 0;
}

/* The HAS_ bits of what the token sets in *p; 0 if it is no token. */
static unsigned parse_token(const char *token, struct dt_problem *p)
{
    int found;
    const char *rest;
    if (strncmp(token, "linear:", 7) == 0) {
        p->bucket = DT_LINEAR;
        p->max_position = 0;
        return (p->span = parse_count(token + 7, '\0', NULL)) < 0 ? 0 : HAS_BUCKET;
    }
    if (strncmp(token, "log:", 4) == 0) {
        p->bucket = DT_LOG;
        if ((p->span = parse_count(token + 4, ':', &rest)) < 0)
            return 0;
        return (p->max_position = parse_count(rest, '\0', NULL)) < 0 ? 0 : HAS_BUCKET;
    }
    if (strncmp(token, "mask:", 5) == 0) {
        if ((found = FIND(mask_names, token + 5)) < 0)
            return 0;
        p->mask = (enum dt_mask)found;
        return HAS_MASK;
    }
    if (strcmp(token, "p2c:key") == 0 || strcmp(token, "p2c:slot") == 0) {
        p->layout = token[4] == 'k' ? DT_KEY_MAJOR : DT_SLOT_MAJOR;
        return HAS_LAYOUT;
    }
    if (strcmp(token, "f32") == 0) {
        p->dtype = DT_F32;
        return HAS_DTYPE;
    }
    if ((found = FIND(term_names, token)) >= 0) {
        p->terms = (unsigned)found;
        return HAS_TERMS;
    }
    if ((found = FIND(dialect_names, token)) >= 0) {
        p->dialect = (enum dt_dialect)found;
        return HAS_DIALECT;
    }
    return parse_count_token(token, p);
}

enum dt_status dt_problem_parse(const char *text, struct dt_problem *problem,
                                struct dt_error *error)
{
    struct dt_problem p = {
        .batch = 1, .heads = 1, .dim = 64, .terms = DT_C2P | DT_P2C, .dtype = DT_F32};
    unsigned seen = 0;
    for (const char *at = text + strspn(text, " \t"); *at; at += strspn(at, " \t")) {
        char token[32];
        size_t length = strcspn(at, " \t");
        if (length >= sizeof token)
            return dt_error_set(error, DT_INVALID,
                                "problem \"%.80s\": token \"%.40s\" is too long; %s", text, at,
                                HELP);
        memcpy(token, at, length);
        token[length] = '\0';
        at += length;
        unsigned sets = parse_token(token, &p);
        if (!sets)
            return dt_error_set(error, DT_INVALID, "problem \"%.80s\": unknown token \"%s\"; %s",
                                text, token, HELP);
        if (seen & sets)
            return dt_error_set(error, DT_INVALID, "problem \"%.80s\": \"%s\" sets a field twice",
                                text, token);
        seen |= sets;
    }
    if ((seen & (HAS_NQ | HAS_NK)) != (HAS_NQ | HAS_NK))
        return dt_error_set(error, DT_INVALID, "problem \"%.80s\": no length; add e.g. \"n512\"",
                            text);
    if (!(seen & HAS_BUCKET))
        return dt_error_set(
            error, DT_INVALID,
            "problem \"%.80s\": no buckets; add e.g. \"log:256:512\" or \"linear:512\"", text);
    enum dt_status status = dt_problem_check(&p, error);
    if (!status)
        *problem = p;
    return status;
}

const char *dt_problem_print(const struct dt_problem *p, char text[DT_PROBLEM_TEXT_MAX])
{
    char bucket[40];
    if (p->bucket == DT_LOG)
        snprintf(bucket, sizeof bucket, "log:%" PRId32 ":%" PRId32, p->span, p->max_position);
    else
        snprintf(bucket, sizeof bucket, "linear:%" PRId32, p->span);
    snprintf(text, DT_PROBLEM_TEXT_MAX,
             "b%" PRId32 " h%" PRId32 " q%" PRId32 " k%" PRId32 " d%" PRId32
             " %s %s f32 %s mask:%s%s",
             p->batch, p->heads, p->nq, p->nk, p->dim, bucket, term_names[p->terms & 3],
             dialect_names[p->dialect], mask_names[p->mask],
             p->layout == DT_KEY_MAJOR ? " p2c:key" : "");
    return text;
}

static enum dt_status check_range(const char *name, int64_t value, int64_t least, int64_t most,
                                  struct dt_error *error)
{
    if (value >= least && value <= most)
        return DT_OK;
    return dt_error_set(error, DT_INVALID,
                        "problem: %s is %" PRId64 "; must be %" PRId64 " to %" PRId64, name, value,
                        least, most);
}

/* The largest arrays are [B][H][nq][nk] and [B][H][n][2S] floats; all others are smaller. */
static bool sizes_fit(const struct dt_problem *p)
{
    int64_t n = p->nq > p->nk ? p->nq : p->nk;
    int64_t width = n > 2 * (int64_t)p->span ? n : 2 * (int64_t)p->span;
    ptrdiff_t bytes;
    width = width > p->dim ? width : p->dim;
    return !__builtin_mul_overflow(n * width, (int64_t)sizeof(double), &bytes) &&
           !__builtin_mul_overflow(bytes, p->heads, &bytes) &&
           !__builtin_mul_overflow(bytes, p->batch, &bytes);
}

enum dt_status dt_problem_check(const struct dt_problem *p, struct dt_error *error)
{
    const struct {
        const char *name;
        int64_t value, least, most;
    } ranges[] = {
        {"batch", p->batch, 1, DT_MAX_BATCH},
        {"heads", p->heads, 1, DT_MAX_HEADS},
        {"query length", p->nq, 1, DT_MAX_LENGTH},
        {"key length", p->nk, 1, DT_MAX_LENGTH},
        {"head dimension", p->dim, 1, DT_MAX_DIM},
        {"bucket form", p->bucket, DT_LINEAR, DT_LOG},
        {"span", p->span, p->bucket == DT_LOG ? 2 : 1, DT_MAX_SPAN},
        {"terms", p->terms, 0, DT_C2P | DT_P2C},
        {"storage type", p->dtype, DT_F32, DT_F32},
        {"dialect", p->dialect, DT_HF, DT_MS},
        {"mask form", p->mask, DT_MASK_NONE, DT_MASK_PAIRS},
        {"layout", p->layout, DT_SLOT_MAJOR, DT_KEY_MAJOR},
    };
    for (size_t r = 0; r < sizeof ranges / sizeof *ranges; r++) {
        enum dt_status status =
            check_range(ranges[r].name, ranges[r].value, ranges[r].least, ranges[r].most, error);
        if (status)
            return status;
    }
    if (p->bucket == DT_LOG) {
        enum dt_status status = check_range("maximum position M of log:S:M", p->max_position,
                                            p->span / 2 + 2, INT32_MAX / 4, error);
        if (status)
            return status;
    } else if (p->max_position != 0) {
        return dt_error_set(error, DT_INVALID, "problem: linear buckets take no maximum position");
    }
    if (!sizes_fit(p)) {
        char text[DT_PROBLEM_TEXT_MAX];
        return dt_error_set(error, DT_INVALID,
                            "problem \"%s\": its arrays exceed the address space",
                            dt_problem_print(p, text));
    }
    return DT_OK;
}

double dt_problem_scale(const struct dt_problem *p)
{
    return 1 / sqrt((double)p->dim * (1 + __builtin_popcount(p->terms)));
}
