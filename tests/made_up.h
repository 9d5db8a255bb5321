/* SPDX-License-Identifier: MIT */
/*
 * Made-up evidence with data for every page of a report: what benchmark, tuner, comparison and
 * self-test of a processor with AVX2 and AVX-512 might have found. The same every time.
 */
#ifndef DISENTUNE_MADE_UP_H
#define DISENTUNE_MADE_UP_H

#include "reports/evidence.h"

/* With so many samples in each record. False without memory. The caller releases with
 * dt_evidence_clear(). */
bool made_up_evidence(struct dt_evidence *evidence, size_t samples);

#endif
