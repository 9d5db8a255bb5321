/* SPDX-License-Identifier: MIT */
/* The mutants of softmax; what each does wrong is said in mutants_softmax.c. */
#ifndef DISENTUNE_MUTANTS_SOFTMAX_H
#define DISENTUNE_MUTANTS_SOFTMAX_H

#include "kernels/softmax.h"

dt_softmax_fn mutant_softmax_right, mutant_softmax_no_maximum, mutant_softmax_no_zero,
    mutant_softmax_no_tail, mutant_softmax_other_dialect, mutant_softmax_scaled_leak,
    mutant_softmax_no_factor, mutant_softmax_factor_of_first_block, mutant_softmax_forgets_max,
    mutant_softmax_masked_max, mutant_softmax_masked_sum, mutant_softmax_no_block_tail,
    mutant_softmax_infinity_less_infinity, mutant_softmax_sum_starts_anew,
    mutant_softmax_first_row_shift, mutant_softmax_swallows_nan, mutant_softmax_bits_of_row,
    mutant_softmax_writes_factor, mutant_softmax_writes_past_sum;

#endif
