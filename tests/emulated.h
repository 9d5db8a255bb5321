/* SPDX-License-Identifier: MIT */
#ifndef EMULATED_H
#define EMULATED_H

#include <stdbool.h>
#include <stdlib.h>

/* Whether an emulator runs the tests, ten to twenty times slower; scripts/test says so. */
static inline bool is_emulated(void) { return getenv("EMULATED") != NULL; }

#endif
