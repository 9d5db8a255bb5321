/* SPDX-License-Identifier: MIT */
/*
 * The file: "\x93NUMPY", version 1 0, the header's length as u16, the header, the elements. The
 * header is the text of a Python dictionary as numpy writes it,
 *
 *     {'descr': '<f4', 'fortran_order': False, 'shape': (2, 128, 64), }
 *
 * padded with spaces and ended by a newline. Its three keys are accepted in any order, each once.
 */
#include "tuner/npy.h"

#include "kernels/error.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX 10
#define MAX_HEADER 4096

static const struct {
    const char *descr;
    size_t bytes;
} types[] = {
    [DT_NPY_F4] = {"<f4", sizeof(float)},
    [DT_NPY_F8] = {"<f8", sizeof(double)},
    [DT_NPY_U1] = {"|u1", 1},
};

static const char *skip(const char *at) { return at + strspn(at, " \n"); }

/* The text after `token`, which must come next but for spaces; NULL if it does not. */
static const char *expect(const char *at, const char *token)
{
    at = skip(at);
    return strncmp(at, token, strlen(token)) == 0 ? at + strlen(token) : NULL;
}

static const char *parse_descr(const char *at, struct dt_npy *npy)
{
    for (size_t t = 0; t < sizeof types / sizeof *types; t++) {
        char quoted[8];
        snprintf(quoted, sizeof quoted, "'%s'", types[t].descr);
        const char *end = expect(at, quoted);
        if (end) {
            npy->type = (enum dt_npy_type)t;
            return end;
        }
    }
    return NULL;
}

/* "(2, 128, 64)", "(7,)" or "()". */
static const char *parse_shape(const char *at, struct dt_npy *npy)
{
    at = expect(at, "(");
    npy->dimensions = 0;
    npy->count = 1;
    while (at && *(at = skip(at)) != ')') {
        char *end;
        if (npy->dimensions == DT_NPY_MAX_DIMENSIONS || *at < '0' || *at > '9')
            return NULL;
        errno = 0;
        const unsigned long long side = strtoull(at, &end, 10);
        if (errno || side == 0 || side > DT_NPY_MAX_BYTES ||
            __builtin_mul_overflow(npy->count, (size_t)side, &npy->count))
            return NULL;
        npy->shape[npy->dimensions++] = (size_t)side;
        at = skip(end);
        if (*at == ',')
            at++;
        else if (*at != ')')
            return NULL;
    }
    return at ? at + 1 : NULL;
}

static bool parse_header(const char *header, struct dt_npy *npy)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4 };
    unsigned seen = 0;
    const char *at = expect(header, "{");
    while (at && *(at = skip(at)) != '}') {
        const char *value;
        unsigned key = 0;
        if ((value = expect(at, "'descr':"))) {
            key = DESCR;
            at = parse_descr(value, npy);
        } else if ((value = expect(at, "'fortran_order':"))) {
            key = ORDER;
            at = expect(value, "False");
        } else if ((value = expect(at, "'shape':"))) {
            key = SHAPE;
            at = parse_shape(value, npy);
        }
        if (!key || seen & key || !at)
            return false;
        seen |= key;
        at = skip(at);
        if (*at == ',')
            at++;
        else if (*at != '}')
            return false;
    }
    return at && *skip(at + 1) == '\0' && seen == (DESCR | ORDER | SHAPE);
}

static enum dt_status refuse(const char *path, const char *why, struct dt_error *error)
{
    return dt_error_set(error, DT_INVALID,
                        "\"%.120s\" is no array that can be read: %s; write it again with "
                        "numpy.save()",
                        path, why);
}

static enum dt_status read_elements(FILE *file, const char *path, size_t bytes, struct dt_npy *npy,
                                    struct dt_error *error)
{
    npy->data = malloc(bytes);
    if (!npy->data)
        return dt_error_set(error, DT_NO_MEMORY, "\"%.120s\": no memory for %zu bytes", path,
                            bytes);
    if (fread(npy->data, 1, bytes, file) == bytes && fgetc(file) == EOF)
        return DT_OK;
    free(npy->data);
    npy->data = NULL;
    return refuse(path, "it changed while it was read", error);
}

static enum dt_status read_file(FILE *file, const char *path, struct dt_npy *npy,
                                struct dt_error *error)
{
    unsigned char prefix[PREFIX];
    char header[MAX_HEADER + 1];
    struct stat status;
    size_t bytes;
    if (fstat(fileno(file), &status))
        return dt_error_set(error, DT_IO, "cannot read \"%.120s\": %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return refuse(path, "not a regular file", error);
    if (fread(prefix, 1, PREFIX, file) != PREFIX || memcmp(prefix, "\x93NUMPY", 6) != 0)
        return refuse(path, "it does not begin as a .npy file does", error);
    if (prefix[6] != 1 || prefix[7] != 0)
        return refuse(path, "its format version is not 1.0", error);
    const size_t length = prefix[8] | (size_t)prefix[9] << 8;
    if (length > MAX_HEADER || fread(header, 1, length, file) != length)
        return refuse(path, "its header is too long or cut off", error);
    header[length] = '\0';
    if (strlen(header) != length || !parse_header(header, npy))
        return refuse(path, "its header is not that of an f4, f8 or u1 array in C order", error);
    if (__builtin_mul_overflow(npy->count, types[npy->type].bytes, &bytes) ||
        bytes > DT_NPY_MAX_BYTES)
        return refuse(path, "it is larger than 2 GiB", error);
    if ((uintmax_t)status.st_size != PREFIX + length + bytes)
        return refuse(path, "its size is not that of its header and elements", error);
    return read_elements(file, path, bytes, npy, error);
}

FILE *dt_npy_open(const char *path)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "rb");
    if (!file && descriptor >= 0)
        close(descriptor);
    return file;
}

enum dt_status dt_npy_read(const char *path, struct dt_npy *npy, struct dt_error *error)
{
    *npy = (struct dt_npy){0};
    FILE *file = dt_npy_open(path);
    if (!file)
        return dt_error_set(error, DT_IO, "cannot read \"%.120s\": %s", path, strerror(errno));
    enum dt_status status = read_file(file, path, npy, error);
    fclose(file);
    return status;
}
