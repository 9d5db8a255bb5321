/* SPDX-License-Identifier: MIT */
#include "reports/escape.h"

#include <ctype.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/* The characters a syntax reserves, and what stands for each. */
struct reserved {
    const char *characters;
    const char *const *written;
};

#define WORDS(...) ((const char *const[]){__VA_ARGS__})

static const struct reserved syntaxes[] = {
    [DT_SYNTAX_XML] = {"&<>\"'", WORDS("&amp;", "&lt;", "&gt;", "&quot;", "&apos;")},
    [DT_SYNTAX_MARKDOWN] = {"\\`*_{}[]<>#|~&!@",
                            WORDS("\\\\", "\\`", "\\*", "\\_", "\\{", "\\}", "\\[", "\\]", "\\<",
                                  "\\>", "\\#", "\\|", "\\~", "\\&", "\\!", "&#64;")},
    [DT_SYNTAX_LABEL] = {"\\\"\n", WORDS("\\\\", "\\\"", "\\n")},
    [DT_SYNTAX_CSV] = {"\"", WORDS("\"\"")},
    [DT_SYNTAX_TAP] = {"\\#", WORDS("\\\\", "\\#")},
    [DT_SYNTAX_YAML] = {"\\\"\n", WORDS("\\\\", "\\\"", "\\n")},
    [DT_SYNTAX_COMMAND] = {"%\r\n", WORDS("%25", "%0D", "%0A")},
    [DT_SYNTAX_PROPERTY] = {"%\r\n:,", WORDS("%25", "%0D", "%0A", "%3A", "%2C")},
};

/* Bytes of the UTF-8 sequence at `text`, which ends in 0; 0 if it is none. Surrogates, overlong
 * forms and what lies beyond U+10FFFF are none. */
static size_t sequence(const unsigned char *text)
{
    static const struct {
        unsigned char first, last; /* bounds of the first byte */
        unsigned char low, high;   /* of the second */
        size_t length;
    } forms[] = {
        {0x01, 0x7f, 0x00, 0xff, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (text[0] < forms[f].first || text[0] > forms[f].last)
            continue;
        if (forms[f].length == 1)
            return 1;
        size_t n = text[1] >= forms[f].low && text[1] <= forms[f].high ? 2 : 0;
        while (n && n < forms[f].length)
            n = (text[n] & 0xc0) == 0x80 ? n + 1 : 0;
        return n;
    }
    return 0;
}

/* C0, DEL, C1 (U+0080 to U+009F), and U+FFFE and U+FFFF, which are no characters of XML. */
static bool is_control(const unsigned char *c)
{
    return *c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] < 0xa0) ||
           (c[0] == 0xef && c[1] == 0xbf && c[2] >= 0xbe);
}

/* What stands for the character at `text`, NULL for itself. "CPU @ 2.70GHz" mentions nobody. */
static const char *find_reserved(const struct reserved *reserved, const char *text)
{
    const char *at = strchr(reserved->characters, *text);
    if (!at || (*text == '@' && !isalnum((unsigned char)text[1])))
        return NULL;
    return reserved->written[at - reserved->characters];
}

void dt_escape_put(FILE *stream, enum dt_syntax syntax, const char *text)
{
    const struct reserved *reserved = &syntaxes[syntax];
    while (*text) {
        const size_t length = sequence((const unsigned char *)text);
        const char *written = find_reserved(reserved, text);
        if (written)
            fputs(written, stream);
        else if (!length)
            fputc('?', stream);
        else if (is_control((const unsigned char *)text))
            fputc(' ', stream);
        else
            fwrite(text, 1, length, stream);
        text += length ? length : 1;
    }
}
