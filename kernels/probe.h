/* SPDX-License-Identifier: MIT */
/*
 * The contract of the operation `probe`: loops that measure what the machine can do at
 * best. They are the ceilings against which every variant's time is shown, and rows like
 * any other, so that they are built with the flags of their instruction set.
 */
#ifndef DISENTUNE_PROBE_H
#define DISENTUNE_PROBE_H

#include <stddef.h>
#include <stdint.h>

enum dt_probe_kind {
    DT_PROBE_FMA,  /* independent chains of multiply-add; amount = FLOPs */
    DT_PROBE_LOAD, /* sum of x; amount = bytes read */
    DT_PROBE_ADD,  /* x[i] += a[i] + b[i], contiguous; amount = bytes of x, a and b */
};

struct dt_probe_args {
    enum dt_probe_kind kind;
    float *x; /* n floats; read by LOAD, added to by ADD */
    const float *a, *b;
    size_t n; /* floats for LOAD (a multiple of 128) and ADD (of 64); rounds of the loop for FMA */
    float sink;    /* receives a value that depends on all the work of FMA and LOAD */
    double amount; /* receives the FLOPs or bytes done, see the kind */
};

typedef void dt_probe_fn(struct dt_probe_args *args);

#endif
