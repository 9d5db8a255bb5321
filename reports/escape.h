/* SPDX-License-Identifier: MIT */
/* Text of unknown content in the syntax of another format, so that it stays text. */
#ifndef DISENTUNE_ESCAPE_H
#define DISENTUNE_ESCAPE_H

#include <stdio.h>

enum dt_syntax {
    DT_SYNTAX_XML,      /* an element's text or a quoted attribute */
    DT_SYNTAX_MARKDOWN, /* of GitHub, a table's cell too; "@" mentions nobody */
    DT_SYNTAX_LABEL,    /* a quoted label value of OpenMetrics */
    DT_SYNTAX_CSV,      /* inside of quotes */
    DT_SYNTAX_TAP,      /* a description: "#" starts no directive */
    DT_SYNTAX_YAML,     /* inside of double quotes */
    DT_SYNTAX_COMMAND,  /* the message of a workflow command of GitHub */
    DT_SYNTAX_PROPERTY, /* a property of one */
};

/* What the syntax reserves is escaped; control characters that it has no escape for, and what XML
 * has no place for, become blanks, and bytes that are not UTF-8 question marks. */
void dt_escape_put(FILE *stream, enum dt_syntax syntax, const char *text);

#endif
