/* SPDX-License-Identifier: MIT */
/*
 * The main() of a fuzz target without libFuzzer: runs each file of the folder that it is given,
 * named first so that a crash tells which it was. A folder without files is an error.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <errno.h>

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* The file in a buffer of just its size, so that a read past its end is seen. */
static bool run_file(const char *path)
{
    FILE *file = fopen(path, "rbe");
    if (!file || fseek(file, 0, SEEK_END))
        return false;
    const long size = ftell(file);
    uint8_t *data = size < 0 ? NULL : malloc((size_t)size);
    rewind(file);
    const bool whole = data && fread(data, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    if (whole)
        LLVMFuzzerTestOneInput(data, (size_t)size);
    free(data);
    return whole;
}

int main(int argc, char **argv)
{
    struct dirent **entries;
    const int count = argc == 2 ? scandir(argv[1], &entries, visible, alphasort) : 0;
    if (count <= 0) {
        fprintf(stderr, "usage: %s FOLDER, one that holds files\n", argv[0]);
        return 2;
    }
    int failed = 0;
    for (int n = 0; n < count; n++) {
        char path[4096];
        snprintf(path, sizeof path, "%s/%s", argv[1], entries[n]->d_name);
        printf("%s\n", entries[n]->d_name);
        fflush(stdout);
        if (!run_file(path)) {
            fprintf(stderr, "cannot read \"%s\": %s\n", path, strerror(errno));
            failed = 1;
        }
        free(entries[n]);
    }
    free(entries);
    return failed;
}
