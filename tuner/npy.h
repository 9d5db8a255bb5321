/* SPDX-License-Identifier: MIT */
/*
 * Reads arrays from .npy files of format version 1.0 (numpy.lib.format), C order, little endian:
 * f4, f8 and u1. The file is treated as hostile.
 */
#ifndef DISENTUNE_NPY_H
#define DISENTUNE_NPY_H

#include "kernels/disentune.h"

#include <stdio.h>

#define DT_NPY_MAX_DIMENSIONS 4
#define DT_NPY_MAX_BYTES ((size_t)1 << 31)

enum dt_npy_type { DT_NPY_F4, DT_NPY_F8, DT_NPY_U1 };

struct dt_npy {
    enum dt_npy_type type;
    int dimensions;
    size_t shape[DT_NPY_MAX_DIMENSIONS];
    size_t count; /* elements: the product of shape */
    void *data;   /* by malloc(); float, double or uint8_t */
};

/*
 * Reads a whole file, whose size must be that of the header and of the elements exactly. The caller
 * frees npy->data. Errors name the file: DT_IO, DT_INVALID, DT_NO_MEMORY.
 */
enum dt_status dt_npy_read(const char *path, struct dt_npy *npy, struct dt_error *error);

/* Opens a file to be read, without waiting for the writer of a pipe. NULL and errno. */
FILE *dt_npy_open(const char *path);

#endif
