/* SPDX-License-Identifier: MIT */
#include "tuner/code.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *object, *digest;
} rows[] = {
#include "kernels/code_digests.inc"
};

enum { ROWS = sizeof rows / sizeof *rows };

/* FNV-1a of the digests of the rows that are wanted. */
static const char *combine(const bool wanted[ROWS], char text[DT_CODE_MAX])
{
    uint64_t hash = 0xcbf29ce484222325u;
    *text = '\0';
    for (size_t r = 0; r < ROWS; r++) {
        if (!wanted[r])
            continue;
        if (!*rows[r].digest)
            return text;
        for (const char *c = rows[r].digest;; c++) {
            hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
            if (!*c)
                break;
        }
    }
    snprintf(text, DT_CODE_MAX, "%016" PRIx64, hash);
    return text;
}

static bool begins(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* libxsmm leaves what it cannot do to other products. */
static void want(const struct dt_variant *variant, bool wanted[ROWS])
{
    const char *table = variant ? dt_variant_table(variant) : NULL;
    for (size_t r = 0; r < ROWS && table; r++)
        wanted[r] |= strcmp(rows[r].object, table) == 0 ||
                     (strcmp(table, "gemm_libxsmm") == 0 && begins(rows[r].object, "gemm_"));
}

const char *dt_code_of_choice(const struct dt_choice *choice, char text[DT_CODE_MAX])
{
    const struct dt_variant *const parts[] = {choice->variant, choice->gemm, choice->bias,
                                              choice->softmax};
    bool wanted[ROWS] = {false};
    for (size_t r = 0; r < ROWS; r++)
        wanted[r] = strcmp(rows[r].object, "core") == 0;
    for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
        want(parts[p], wanted);
    return combine(wanted, text);
}
