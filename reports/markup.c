/* SPDX-License-Identifier: MIT */
#include "reports/markup.h"

#include "reports/escape.h"

#include <string.h>

void dt_markup_put(FILE *stream, const char *text) { dt_escape_put(stream, DT_SYNTAX_XML, text); }

/* `length` bytes, in pieces that end between characters. */
static void put_part(FILE *stream, const char *text, size_t length)
{
    char piece[256];
    while (length) {
        size_t size = length < sizeof piece ? length : sizeof piece - 1;
        while (size < length && size > 1 && (text[size] & 0xc0) == 0x80)
            size--;
        memcpy(piece, text, size);
        piece[size] = '\0';
        dt_markup_put(stream, piece);
        text += size;
        length -= size;
    }
}

static void put_names(FILE *stream, const char *text, const char *open, const char *close)
{
    const char *name, *end;
    while ((name = strchr(text, '`')) && (end = strchr(name + 1, '`'))) {
        put_part(stream, text, (size_t)(name - text));
        fputs(open, stream);
        put_part(stream, name + 1, (size_t)(end - name - 1));
        fputs(close, stream);
        text = end + 1;
    }
    dt_markup_put(stream, text);
}

void dt_markup_rich(FILE *stream, const char *text)
{
    put_names(stream, text, "<code>", "</code>");
}

void dt_markup_plain(FILE *stream, const char *text) { put_names(stream, text, "", ""); }
