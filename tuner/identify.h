/* SPDX-License-Identifier: MIT */
/*
 * What the model number of an x86 processor says about it, for machines that are only described
 * by a file. The running processor is asked by kernels/cpu.h instead, which looks at its
 * instructions; both give the same names.
 */
#ifndef DISENTUNE_IDENTIFY_H
#define DISENTUNE_IDENTIFY_H

#include "kernels/cpu.h"

/*
 * From cpu's vendor, family, model and stepping: sets uarch, levels and quirks and returns true.
 * The levels are those of the model; an operating system may have switched some off. False,
 * with cpu untouched, if the model is not in the list.
 */
bool dt_identify_x86(struct dt_cpu *cpu);

#endif
