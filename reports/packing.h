/* SPDX-License-Identifier: MIT */
/* Long text as short text: deflated, then in base 64 (RFC 1950, RFC 4648) in lines. */
#ifndef DISENTUNE_PACKING_H
#define DISENTUNE_PACKING_H

#include "kernels/disentune.h"

/* The caller frees the result. NULL where this build lacks zlib, without memory, and of
 * more than 256 MiB: then the text has to do as it is. */
char *dt_pack(const char *text, size_t size);

/* The text, of `bytes` bytes, from what dt_pack() made; blanks and line ends do not matter. The
 * caller frees *text, which has a 0 behind it. DT_INVALID, DT_UNSUPPORTED (this build lacks zlib),
 * DT_NO_MEMORY. */
enum dt_status dt_unpack(const char *packed, size_t bytes, char **text, size_t *size,
                         struct dt_error *error);

#endif
