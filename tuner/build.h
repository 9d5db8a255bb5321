/* SPDX-License-Identifier: MIT */
/* What this program is built from. */
#ifndef DISENTUNE_BUILD_H
#define DISENTUNE_BUILD_H

#include "reports/record.h"

/* The commit is "" if the build was not made in a clone of the repository. */
void dt_build_here(struct dt_build *build);

/* Digest (FNV-1a, 64 bits) of the machine code of the running program as it lies in memory; equal
 * programs have equal ones wherever they are loaded. 0 if it cannot be found. */
uint64_t dt_build_digest(void);

#endif
