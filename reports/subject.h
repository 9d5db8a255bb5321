/* SPDX-License-Identifier: MIT */
/* What was measured, in the words of reports and exports. */
#ifndef DISENTUNE_SUBJECT_H
#define DISENTUNE_SUBJECT_H

#include "reports/evidence.h"

/* Room for any text that a function here prints; each returns its `text`. */
#define DT_SUBJECT_TEXT_MAX 320

/*
 * The name of a series over time: "bias/n512 log:256:512/avx2.window-skew", with several threads
 * "attention/n512 log:256:512/avx2.banded-online/threads:2", where each build takes its own choice
 * "bias/n512 log:256:512". Tile, chunk and parts are no part of it: a series is that of a variant
 * at its best.
 */
const char *dt_subject_name(const struct dt_subject *subject, char text[DT_SUBJECT_TEXT_MAX]);

/* The choice in full, "bias.avx2.window-skew 64x0", with chunk and parts "attention.avx2.direct
 * 64x64/256 gemm.avx2.6x2 bias.avx2.gather softmax.avx2.table"; "its own choice". */
const char *dt_subject_choice(const struct dt_subject *subject, char text[DT_SUBJECT_TEXT_MAX]);

#endif
