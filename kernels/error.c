/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"

#include <stdarg.h>
#include <stdio.h>

enum dt_status dt_error_set(struct dt_error *error, enum dt_status status, const char *format, ...)
{
    if (error) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->text, sizeof error->text, format, arguments);
        va_end(arguments);
        error->status = status;
    }
    return status;
}

const char *dt_version(void) { return DT_VERSION; }
