/* SPDX-License-Identifier: MIT */
#ifndef DISENTUNE_MUTANTS_GEMM_H
#define DISENTUNE_MUTANTS_GEMM_H

#include "kernels/gemm.h"

dt_gemm_resolve_fn mutant_gemm_right;
dt_gemm_resolve_fn mutant_gemm_unresolved;
dt_gemm_resolve_fn mutant_gemm_no_column_tail; /* columns in fours */
dt_gemm_resolve_fn mutant_gemm_no_row_tail;    /* rows in threes */
dt_gemm_resolve_fn mutant_gemm_short_sum;      /* all products but the last */
dt_gemm_resolve_fn mutant_gemm_never_accumulates;
dt_gemm_resolve_fn mutant_gemm_always_accumulates;
dt_gemm_resolve_fn mutant_gemm_scales_old;   /* 0 * c instead of nothing */
dt_gemm_resolve_fn mutant_gemm_transposed;   /* b is taken for [n][k] where it is square */
dt_gemm_resolve_fn mutant_gemm_dense_b;      /* b_stride is taken for n */
dt_gemm_resolve_fn mutant_gemm_two_sums;     /* of even and of odd l */
dt_gemm_resolve_fn mutant_gemm_falling;      /* l falls */
dt_gemm_resolve_fn mutant_gemm_old_last;     /* c is added at the end */
dt_gemm_resolve_fn mutant_gemm_tail_by_size; /* other order in a last odd column */
dt_gemm_resolve_fn mutant_gemm_writes_past;  /* a full vector at the end of a row of c */
dt_gemm_resolve_fn mutant_gemm_reads_past;   /* row k of b */
dt_gemm_resolve_fn mutant_gemm_padded_sum;   /* what lies beyond k in a is added */
dt_gemm_resolve_fn mutant_gemm_writes_input;
dt_gemm_resolve_fn mutant_gemm_clobbers_register;

#endif
