/* SPDX-License-Identifier: MIT */
/* Names made from content: equal content has equal ones on every machine, other content others. */
#ifndef DISENTUNE_DIGEST_H
#define DISENTUNE_DIGEST_H

#include <stddef.h>

#define DT_DIGEST_BYTES 16

struct dt_digest {
    unsigned char bytes[DT_DIGEST_BYTES];
};

/* FNV-1a of 128 bits, the greatest byte first, of size bytes after those that `before` was made of;
 * NULL stands for none. It tells accidents apart, not forgeries. */
struct dt_digest dt_digest_of(const struct dt_digest *before, const void *bytes, size_t size);

#endif
