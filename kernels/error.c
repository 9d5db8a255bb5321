/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"

#include <stdarg.h>
#include <stdio.h>

/* A message quotes what it refuses; nothing in it ends the line or reaches a terminal as a command.
 * Bytes of UTF-8 stay. */
static void hide_controls(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

enum dt_status dt_error_set(struct dt_error *error, enum dt_status status, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        hide_controls(error->text);
        error->status = status;
    }
    return status;
}

const char *dt_version(void) { return DT_VERSION; }
