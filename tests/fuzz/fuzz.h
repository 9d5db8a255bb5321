/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. A target defines LLVMFuzzerTestOneInput(), which reads the bytes by
 * one reader and calls fuzz_require() for what must hold whatever they are.
 */
#ifndef DISENTUNE_FUZZ_H
#define DISENTUNE_FUZZ_H

#include "kernels/disentune.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define fuzz_require(condition)                                                                    \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* Whether the text is one line that a terminal may be shown. */
static inline bool fuzz_is_message(const char *text)
{
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return false;
    return *text != '\0';
}

/* What a reader that failed must have said. */
static inline void fuzz_require_error(enum dt_status status, const struct dt_error *error)
{
    fuzz_require(error->status == status);
    fuzz_require(memchr(error->text, '\0', sizeof error->text) && fuzz_is_message(error->text));
}

#endif
