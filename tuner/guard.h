/* SPDX-License-Identifier: MIT */
/*
 * Memory whose neighbours are inaccessible: an operand that ends at such a page traps the first
 * byte read or written past it, one that begins at such a page the first byte before it. What
 * lies between the rows and between the operand and the far page holds canaries.
 *
 *     | no access | canaries ... row canaries row canaries row | no access |    DT_GUARD_AFTER
 *     | no access | row canaries row canaries row ... canaries | no access |    DT_GUARD_BEFORE
 */
#ifndef DISENTUNE_GUARD_H
#define DISENTUNE_GUARD_H

#include "kernels/disentune.h"

enum dt_guard_side { DT_GUARD_AFTER, DT_GUARD_BEFORE };

/* The most bytes by which an operand may be moved away from its page. */
#define DT_GUARD_MAX_GAP 256

struct dt_guard {
    unsigned char *map; /* with both inaccessible pages; NULL: nothing is held */
    size_t map_bytes;
    unsigned char *room; /* the accessible part */
    size_t room_bytes;
    unsigned char *data; /* of the last placement */
    size_t rows, row_bytes, stride_bytes;
};

/* Maps room for an operand of at most `bytes` with any gap. The caller releases it with
 * dt_guard_clear(), which accepts a zeroed struct. DT_NO_MEMORY. */
enum dt_status dt_guard_init(struct dt_guard *guard, size_t bytes, struct dt_error *error);
void dt_guard_clear(struct dt_guard *guard);

/*
 * Returns the place of rows * row_bytes, which the caller fills, with canaries all around: rows
 * stride_bytes apart, `gap` bytes (at most DT_GUARD_MAX_GAP) away from the page of that side.
 * Without a gap the last row ends (the first begins) exactly there; gaps of all multiples of the
 * element's size up to a cache line give every alignment. The extent must not exceed the bytes of
 * dt_guard_init().
 */
void *dt_guard_place(struct dt_guard *guard, size_t rows, size_t row_bytes, size_t stride_bytes,
                     size_t gap, enum dt_guard_side side);

/* Whether every byte outside the rows still holds its canary. If not, *offset is the first that
 * does not, counted from the operand's first byte. */
bool dt_guard_intact(const struct dt_guard *guard, ptrdiff_t *offset);

/* Whether the address lies in the mapping or its pages; if so *offset counts from the operand. */
bool dt_guard_holds(const struct dt_guard *guard, const void *address, ptrdiff_t *offset);

#endif
