/* SPDX-License-Identifier: MIT */
/* A vector of one lane, as far as probe.h needs it. v_fma() rounds twice: a baseline x86-64 has no
 * multiply-add. */
#ifndef DISENTUNE_VECTOR_SCALAR_H
#define DISENTUNE_VECTOR_SCALAR_H

enum { LANES = 1 };

typedef float vec;

static inline vec v_set(float x) { return x; }
static inline vec v_load(const float *p) { return *p; }
static inline void v_store(float *p, vec v) { *p = v; }
static inline vec v_add(vec a, vec b) { return a + b; }
static inline vec v_fma(vec a, vec b, vec c) { return a * b + c; }

#endif
