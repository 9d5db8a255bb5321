/* SPDX-License-Identifier: MIT */
#include "tuner/guard.h"

#include "kernels/error.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * Read as float a canary is finite and of the order of the data, 1.29 to 1.32, so that it adds a
 * visible error where it is read as input, and changes where something is added to it. Read as a
 * mask byte it says "may attend".
 */
static uint32_t canary(size_t word) { return 0x3fa5c301u + (uint32_t)(word * 0x9e37 & 0x2fffe); }

static unsigned char canary_byte(size_t offset)
{
    const uint32_t word = canary(offset / 4);
    unsigned char bytes[4];
    memcpy(bytes, &word, sizeof word);
    return bytes[offset % 4];
}

/* Canaries from before `from` to after `end`: whole words. */
static void fill(unsigned char *room, size_t from, size_t end)
{
    for (size_t w = from / 4; w < (end + 3) / 4; w++) {
        const uint32_t word = canary(w);
        memcpy(room + 4 * w, &word, sizeof word);
    }
}

static bool words_intact(const unsigned char *room, size_t first, size_t end)
{
    uint32_t difference = 0;
    for (size_t w = first; w < end; w++) {
        uint32_t word;
        memcpy(&word, room + 4 * w, sizeof word);
        difference |= word ^ canary(w);
    }
    return difference == 0;
}

/* The first byte of room[from ... end) that is no canary, `end` if there is none. */
static size_t find_damage(const unsigned char *room, size_t from, size_t end)
{
    const size_t first = (from + 3) / 4, last = end / 4;
    if (first < last && words_intact(room, first, last)) {
        const size_t damage = find_damage(room, from, 4 * first);
        return damage < 4 * first ? damage : find_damage(room, 4 * last, end);
    }
    while (from < end && room[from] == canary_byte(from))
        from++;
    return from;
}

enum dt_status dt_guard_init(struct dt_guard *guard, size_t bytes, struct dt_error *error)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t room, whole;
    *guard = (struct dt_guard){0};
    if (__builtin_add_overflow(bytes, DT_GUARD_MAX_GAP + page - 1, &room) ||
        __builtin_add_overflow(room - room % page, 2 * page, &whole))
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a guarded operand of %zu bytes",
                            bytes);
    unsigned char *map = mmap(NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a guarded operand of %zu bytes: %s",
                            bytes, strerror(errno));
    if (mprotect(map + page, whole - 2 * page, PROT_READ | PROT_WRITE)) {
        const int reason = errno;
        munmap(map, whole);
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a guarded operand of %zu bytes: %s",
                            bytes, strerror(reason));
    }
    guard->map = map;
    guard->map_bytes = whole;
    guard->data = guard->room = map + page;
    guard->room_bytes = whole - 2 * page;
    return DT_OK;
}

void dt_guard_clear(struct dt_guard *guard)
{
    if (guard->map)
        munmap(guard->map, guard->map_bytes);
    *guard = (struct dt_guard){0};
}

void *dt_guard_place(struct dt_guard *guard, size_t rows, size_t row_bytes, size_t stride_bytes,
                     size_t gap, enum dt_guard_side side)
{
    const size_t extent = (rows - 1) * stride_bytes + row_bytes;
    const size_t start = side == DT_GUARD_BEFORE ? gap : guard->room_bytes - extent - gap;
    size_t from = 0;
    for (size_t row = 0; row < rows; row++) {
        fill(guard->room, from, start + row * stride_bytes);
        from = start + row * stride_bytes + row_bytes;
    }
    fill(guard->room, from, guard->room_bytes);
    guard->data = guard->room + start;
    guard->rows = rows;
    guard->row_bytes = row_bytes;
    guard->stride_bytes = stride_bytes;
    return guard->data;
}

bool dt_guard_intact(const struct dt_guard *guard, ptrdiff_t *offset)
{
    size_t from = 0;
    for (size_t row = 0; row <= guard->rows; row++) {
        const size_t start = (size_t)(guard->data - guard->room) + row * guard->stride_bytes;
        const size_t end = row < guard->rows ? start : guard->room_bytes;
        const size_t damage = find_damage(guard->room, from, end);
        if (damage < end) {
            *offset = guard->room + damage - guard->data;
            return false;
        }
        from = start + guard->row_bytes;
    }
    return true;
}

bool dt_guard_holds(const struct dt_guard *guard, const void *address, ptrdiff_t *offset)
{
    const uintptr_t at = (uintptr_t)address, start = (uintptr_t)guard->map;
    if (!guard->map || at < start || at - start >= guard->map_bytes)
        return false;
    *offset = (const unsigned char *)address - guard->data;
    return true;
}
