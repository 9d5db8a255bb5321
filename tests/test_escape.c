/* SPDX-License-Identifier: MIT */
#include "reports/escape.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static char *escape(enum dt_syntax syntax, const char *text)
{
    char *escaped;
    size_t size;
    FILE *stream = open_memstream(&escaped, &size);
    dt_escape_put(stream, syntax, text);
    fclose(stream);
    return escaped;
}

static size_t differs(enum dt_syntax syntax, const char *text, const char *wanted)
{
    char *escaped = escape(syntax, text);
    const size_t wrong = strcmp(escaped, wanted) != 0;
    if (wrong)
        cr_log_error("syntax %d: \"%s\", not \"%s\"", (int)syntax, escaped, wanted);
    free(escaped);
    return wrong;
}

Test(escape, each_syntax_escapes_what_it_reserves)
{
    static const char text[] = "a<b>&\"c'|`d`: 1,2 50% #\\ @x\r\n";
    cr_expect_eq(differs(DT_SYNTAX_XML, text, "a&lt;b&gt;&amp;&quot;c&apos;|`d`: 1,2 50% #\\ @x  "),
                 0);
    cr_expect_eq(
        differs(DT_SYNTAX_MARKDOWN, text, "a\\<b\\>\\&\"c'\\|\\`d\\`: 1,2 50% \\#\\\\ &#64;x  "),
        0);
    cr_expect_eq(differs(DT_SYNTAX_LABEL, text, "a<b>&\\\"c'|`d`: 1,2 50% #\\\\ @x \\n"), 0);
    cr_expect_eq(differs(DT_SYNTAX_CSV, text, "a<b>&\"\"c'|`d`: 1,2 50% #\\ @x  "), 0);
    cr_expect_eq(differs(DT_SYNTAX_TAP, text, "a<b>&\"c'|`d`: 1,2 50% \\#\\\\ @x  "), 0);
    cr_expect_eq(differs(DT_SYNTAX_YAML, text, "a<b>&\\\"c'|`d`: 1,2 50% #\\\\ @x \\n"), 0);
    cr_expect_eq(differs(DT_SYNTAX_COMMAND, text, "a<b>&\"c'|`d`: 1,2 50%25 #\\ @x%0D%0A"), 0);
    cr_expect_eq(differs(DT_SYNTAX_PROPERTY, text, "a<b>&\"c'|`d`%3A 1%2C2 50%25 #\\ @x%0D%0A"), 0);
}

Test(escape, only_what_mentions_somebody_is_no_mention)
{
    cr_expect_eq(differs(DT_SYNTAX_MARKDOWN, "a CPU @ 2.70GHz @me @", "a CPU @ 2.70GHz &#64;me @"),
                 0);
}

/* A terminal's escapes, C1, DEL, and what XML has no place for. */
Test(escape, control_characters_are_blanks)
{
    for (enum dt_syntax syntax = DT_SYNTAX_XML; syntax <= DT_SYNTAX_PROPERTY; syntax++) {
        cr_expect_eq(
            differs(syntax, "a\033[2Jb", syntax == DT_SYNTAX_MARKDOWN ? "a \\[2Jb" : "a [2Jb"), 0);
        cr_expect_eq(differs(syntax, "a\001\t\177b", "a   b"), 0);
        cr_expect_eq(differs(syntax, "a\302\233b", "a b"), 0);
        cr_expect_eq(differs(syntax, "a\357\277\276\357\277\277b", "a  b"), 0);
    }
}

Test(escape, what_is_not_utf8_is_question_marks)
{
    static const struct {
        const char *text, *wanted;
    } cases[] = {
        {"\303\251 \342\202\254 \360\237\230\200", "\303\251 \342\202\254 \360\237\230\200"},
        {"\377", "?"},                /* no first byte */
        {"\251", "?"},                /* no first byte either */
        {"\303", "?"},                /* cut off */
        {"\342\202", "??"},           /* after two bytes */
        {"\342\202x", "??x"},         /* and before another character */
        {"\300\257", "??"},           /* overlong */
        {"\355\240\200", "???"},      /* a surrogate */
        {"\364\220\200\200", "????"}, /* beyond U+10FFFF */
    };
    size_t wrong = 0;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++)
        wrong += differs(DT_SYNTAX_XML, cases[c].text, cases[c].wanted);
    cr_assert_eq(wrong, 0);
}
