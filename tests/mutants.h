/* SPDX-License-Identifier: MIT */
/*
 * Variants with one deliberate mistake each. The first ones are bugs found in public
 * implementations of disentangled attention; the others are what goes wrong in SIMD code.
 */
#ifndef DISENTUNE_MUTANTS_H
#define DISENTUNE_MUTANTS_H

#include "kernels/variant.h"

struct mutant {
    struct dt_variant variant;
    const char *symptom; /* part of the verdict's reason; NULL: no mistake, must pass */
};

/* The n-th mutant, NULL past the last. */
const struct mutant *mutant_at(size_t n);

#endif
