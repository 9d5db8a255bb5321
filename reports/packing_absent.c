/* SPDX-License-Identifier: MIT */
/* In the place of packing.c where this build lacks zlib. */
#include "reports/packing.h"

#include "kernels/error.h"

#include <stddef.h>

char *dt_pack(const char *text, size_t size)
{
    (void)text;
    (void)size;
    return NULL;
}

enum dt_status dt_unpack(const char *packed, size_t bytes, char **text, size_t *size,
                         struct dt_error *error)
{
    (void)packed;
    (void)bytes;
    (void)text;
    (void)size;
    return dt_error_set(error, DT_UNSUPPORTED,
                        "packed data; build disentune with zlib to read them");
}
