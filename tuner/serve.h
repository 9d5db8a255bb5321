/* SPDX-License-Identifier: MIT */
/*
 * One build's end of a comparison: prepares what it is told to, as a program that uses the library
 * would, and times calls of it. See tuner/protocol.h.
 */
#ifndef DISENTUNE_SERVE_H
#define DISENTUNE_SERVE_H

#include "kernels/disentune.h"

#include <stdio.h>

/*
 * Greets on `out`, then answers each line of `in` until that ends. What cannot be done is answered
 * with an error and is none of this function. DT_IO, DT_NO_MEMORY.
 */
enum dt_status dt_serve(FILE *in, FILE *out, struct dt_error *error);

#endif
