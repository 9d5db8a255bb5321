/* SPDX-License-Identifier: MIT */
#include "reports/packing.h"

#include "kernels/error.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define TEXT_BYTES_MAX ((size_t)256 << 20)
#define LINE 120

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static char *encode(const unsigned char *bytes, size_t size)
{
    char *text = malloc(size / 3 * 4 + size / 3 * 4 / LINE + 16), *at = text;
    if (!text)
        return NULL;
    for (size_t n = 0, column = 0; n < size; n += 3) {
        const size_t left = size - n;
        const unsigned word = (unsigned)bytes[n] << 16 |
                              (left > 1 ? (unsigned)bytes[n + 1] << 8 : 0) |
                              (left > 2 ? bytes[n + 2] : 0);
        *at++ = digits[word >> 18];
        *at++ = digits[word >> 12 & 63];
        *at++ = left > 1 ? digits[word >> 6 & 63] : '=';
        *at++ = left > 2 ? digits[word & 63] : '=';
        column += 4;
        if (column == LINE || left <= 3) {
            *at++ = '\n';
            column = 0;
        }
    }
    *at = '\0';
    return text;
}

/* Bytes into room for three quarters of the text; SIZE_MAX if it is none of this alphabet. */
static size_t decode(const char *text, unsigned char *bytes)
{
    unsigned word = 0;
    int bits = 0;
    size_t size = 0;
    for (; *text && *text != '='; text++) {
        if (*text == '\n' || *text == '\r' || *text == ' ')
            continue;
        const char *digit = strchr(digits, *text);
        if (!digit)
            return SIZE_MAX;
        word = (word << 6 | (unsigned)(digit - digits)) & 0xffffff;
        bits += 6;
        if (bits >= 8)
            bytes[size++] = (unsigned char)(word >> (bits -= 8));
    }
    return size;
}

/* Short matches among the digits of samples cost more than the digits: Z_FILTERED takes only long
 * ones, which saves a tenth. */
static bool compress_text(const char *text, size_t size, unsigned char *bytes, size_t *packed)
{
    z_stream stream = {
        .next_in = (unsigned char *)(uintptr_t)text,
        .avail_in = (uInt)size,
        .next_out = bytes,
        .avail_out = (uInt)*packed,
    };
    if (deflateInit2(&stream, 9, Z_DEFLATED, MAX_WBITS, MAX_MEM_LEVEL, Z_FILTERED) != Z_OK)
        return false;
    const bool whole = deflate(&stream, Z_FINISH) == Z_STREAM_END;
    *packed = stream.total_out;
    return deflateEnd(&stream) == Z_OK && whole;
}

char *dt_pack(const char *text, size_t size)
{
    if (size > TEXT_BYTES_MAX)
        return NULL;
    size_t packed = size + size / 1000 + 1000;
    unsigned char *bytes = malloc(packed);
    char *result = NULL;
    if (bytes && compress_text(text, size, bytes, &packed))
        result = encode(bytes, packed);
    free(bytes);
    return result;
}

enum dt_status dt_unpack(const char *packed, size_t bytes, char **text, size_t *size,
                         struct dt_error *error)
{
    if (bytes > TEXT_BYTES_MAX)
        return dt_error_set(error, DT_INVALID, "packed data of more than %zu bytes",
                            TEXT_BYTES_MAX);
    unsigned char *deflated = malloc(strlen(packed) / 4 * 3 + 4);
    uLongf length = (uLongf)bytes;
    *text = malloc(bytes + 1);
    enum dt_status status =
        deflated && *text ? DT_OK : dt_error_set(error, DT_NO_MEMORY, "no memory to unpack data");
    const size_t count = status ? 0 : decode(packed, deflated);
    if (!status && (count == SIZE_MAX ||
                    uncompress((unsigned char *)*text, &length, deflated, (uLong)count) != Z_OK ||
                    length != bytes))
        status = dt_error_set(error, DT_INVALID, "the packed data are damaged");
    free(deflated);
    if (status) {
        free(*text);
        *text = NULL;
        return status;
    }
    (*text)[bytes] = '\0';
    *size = bytes;
    return DT_OK;
}
