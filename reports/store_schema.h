/* SPDX-License-Identifier: MIT */
/* The tables of a store and how they came to be. Private to reports/store*.c. */
#ifndef DISENTUNE_STORE_SCHEMA_H
#define DISENTUNE_STORE_SCHEMA_H

#include <stddef.h>

/* Step n leads from schema n to n + 1; schema 0 is an empty file. Never change a step that was
 * published: add one. */
extern const char *const dt_store_steps[];
extern const size_t dt_store_step_count;

/* "DtSt": says that an SQLite file is a store. */
#define DT_STORE_APPLICATION 0x44745374

#endif
