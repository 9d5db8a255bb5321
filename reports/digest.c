/* SPDX-License-Identifier: MIT */
#include "reports/digest.h"

__extension__ typedef unsigned __int128 wide;

struct dt_digest dt_digest_of(const struct dt_digest *before, const void *bytes, size_t size)
{
    const wide prime = (wide)1 << 88 | 0x13b;
    const unsigned char *at = bytes;
    struct dt_digest digest;
    wide hash = (wide)0x6c62272e07bb0142u << 64 | 0x62b821756295c58du;
    if (before) {
        hash = 0;
        for (size_t n = 0; n < DT_DIGEST_BYTES; n++)
            hash = hash << 8 | before->bytes[n];
    }
    for (size_t n = 0; n < size; n++)
        hash = (hash ^ at[n]) * prime;
    for (size_t n = 0; n < DT_DIGEST_BYTES; n++)
        digest.bytes[n] = (unsigned char)(hash >> (8 * (DT_DIGEST_BYTES - 1 - n)));
    return digest;
}
