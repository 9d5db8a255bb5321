/* SPDX-License-Identifier: MIT */
/* .npy files: the elements of an array are the last bytes of its file, as many as its shape says.
 */
#include "tests/fuzz/fuzz.h"
#include "tuner/npy.h"

#include <sys/mman.h>
#include <unistd.h>

static void check_array(const struct dt_npy *npy, const uint8_t *file, size_t size)
{
    static const size_t widths[] = {[DT_NPY_F4] = 4, [DT_NPY_F8] = 8, [DT_NPY_U1] = 1};
    size_t count = 1;
    fuzz_require(npy->dimensions >= 0 && npy->dimensions <= DT_NPY_MAX_DIMENSIONS);
    for (int n = 0; n < npy->dimensions; n++)
        count *= npy->shape[n];
    fuzz_require(count == npy->count && count > 0);
    const size_t bytes = count * widths[npy->type];
    fuzz_require(bytes < size && memcmp(npy->data, file + size - bytes, bytes) == 0);
}

/* A file without a name is kept for all inputs: making one takes far longer than reading it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int file = -1;
    char path[64];
    struct dt_npy npy;
    struct dt_error error = {0};
    if (file < 0)
        file = memfd_create("fuzz", MFD_CLOEXEC);
    fuzz_require(file >= 0 && ftruncate(file, 0) == 0);
    fuzz_require(pwrite(file, data, size, 0) == (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    enum dt_status status = dt_npy_read(path, &npy, &error);
    if (status) {
        fuzz_require(!npy.data);
        fuzz_require_error(status, &error);
    } else {
        check_array(&npy, data, size);
    }
    free(npy.data);
    return 0;
}
