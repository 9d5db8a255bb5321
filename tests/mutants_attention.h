/* SPDX-License-Identifier: MIT */
#ifndef DISENTUNE_MUTANTS_ATTENTION_H
#define DISENTUNE_MUTANTS_ATTENTION_H

#include "kernels/attention.h"

dt_attention_fn mutant_attention_right, mutant_attention_paper_sign,
    mutant_attention_position_is_two_spans, mutant_attention_no_span, mutant_attention_swapped,
    mutant_attention_other_dialect, mutant_attention_off_at_last;
dt_attention_fn mutant_attention_no_root;            /* f = 1 / (d * terms) */
dt_attention_fn mutant_attention_no_row_offset;      /* V of the first segment for all */
dt_attention_fn mutant_attention_no_position_offset; /* positions run on over segments */
dt_attention_fn mutant_attention_masked_leak;        /* 0 * V of masked keys is added */
dt_attention_fn mutant_attention_no_maximum;         /* exp() of the plain score */
dt_attention_fn mutant_attention_other_empty_row;    /* a row without keys in the other dialect */
dt_attention_fn mutant_attention_mask_of_first_row;  /* batch row 0's mask for all */
dt_attention_fn mutant_attention_order;              /* other bits if items are run one by one */
dt_attention_fn mutant_attention_threads;            /* other bits if there are several threads */
dt_attention_fn mutant_attention_last_item;          /* of several items the last is left out */
dt_attention_fn mutant_attention_beyond_workspace;   /* reads past its end */
dt_attention_fn mutant_attention_unset_workspace;    /* 0 * what was in it goes into the result */
dt_attention_fn mutant_attention_beyond_positions;   /* reads past the packed Qr */

#endif
