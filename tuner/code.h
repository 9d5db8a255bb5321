/* SPDX-License-Identifier: MIT */
/*
 * Which machine code a call runs, as a digest that two builds can be compared by. It is made by
 * scripts/code-digest of object files, before they are linked: a program that is linked anew has
 * the digests that it had.
 */
#ifndef DISENTUNE_CODE_H
#define DISENTUNE_CODE_H

#include "kernels/plan.h"

#define DT_CODE_MAX 20

/*
 * Of a call of the choice: what all calls share and the objects of the variant and its parts, each
 * of which holds all variants of an operation and instruction set. Equal digests mean equal code;
 * code that differs elsewhere in those objects differs in its digest, too. Hexadecimal, "" if the
 * build does not know. Returns `text`.
 */
const char *dt_code_of_choice(const struct dt_choice *choice, char text[DT_CODE_MAX]);

#endif
