/* SPDX-License-Identifier: MIT */
#include "reports/store.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

bool dt_store_is(const char *path)
{
    static const char magic[16] = "SQLite format 3";
    char first[sizeof magic];
    struct stat is;
    FILE *file = stat(path, &is) == 0 && S_ISREG(is.st_mode) ? fopen(path, "re") : NULL;
    if (!file)
        return false;
    const bool whole = fread(first, sizeof first, 1, file) == 1;
    fclose(file);
    return whole && memcmp(first, magic, sizeof magic) == 0;
}
