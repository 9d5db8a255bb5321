/* SPDX-License-Identifier: MIT */
#include "reports/markup.h"

#include "reports/escape.h"

#include <stdbool.h>
#include <string.h>

void dt_markup_put(FILE *stream, const char *text) { dt_escape_put(stream, DT_SYNTAX_XML, text); }

/* `length` bytes, in pieces that end between characters. No line ends between number and "%". */
static void put_part(FILE *stream, const char *text, size_t length)
{
    char piece[256];
    size_t used = 0;
    for (size_t n = 0; n < length; n++) {
        const bool first = (text[n] & 0xc0) != 0x80; /* byte of a character */
        if (used > sizeof piece - 8 && first) {
            piece[used] = '\0';
            dt_markup_put(stream, piece);
            used = 0;
        }
        if (used > sizeof piece - 4)
            continue; /* no UTF-8 */
        if (text[n] == ' ' && n + 1 < length && text[n + 1] == '%')
            used += (size_t)snprintf(&piece[used], 3, "\u00a0");
        else
            piece[used++] = text[n];
    }
    piece[used] = '\0';
    dt_markup_put(stream, piece);
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
    put_part(stream, text, strlen(text));
}

void dt_markup_rich(FILE *stream, const char *text)
{
    put_names(stream, text, "<code>", "</code>");
}

void dt_markup_plain(FILE *stream, const char *text) { put_names(stream, text, "", ""); }
