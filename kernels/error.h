/* SPDX-License-Identifier: MIT */
#ifndef DISENTUNE_ERROR_H
#define DISENTUNE_ERROR_H

#include "kernels/disentune.h"

/* Stores status and the formatted line in *error unless that is NULL, and returns status. */
__attribute__((format(printf, 3, 4))) enum dt_status
dt_error_set(struct dt_error *error, enum dt_status status, const char *format, ...);

#endif
