/* SPDX-License-Identifier: MIT */
/*
 * Which members of the evidence are kept, under which names: what JSON Lines, the store and the
 * lines between programs that are compared (tuner/protocol.h) have in common.
 */
#ifndef DISENTUNE_FIELDS_H
#define DISENTUNE_FIELDS_H

#include "reports/codec.h"
#include "reports/evidence.h"

struct dt_fields {
    const struct dt_field *items;
    size_t count;
};

/* Of struct dt_record. The first DT_SUBJECT_KEYS are those of its subject. */
extern const struct dt_fields dt_record_fields;

/* Of struct dt_subject, in the same order. */
#define DT_SUBJECT_KEYS 9
extern const struct dt_fields dt_subject_fields;

/* Of struct dt_candidate, dt_cell and dt_trial_set; the first is the subject. */
extern const struct dt_fields dt_candidate_fields, dt_cell_fields, dt_trial_set_fields;

/* Of struct dt_session, among which stand those of its build. The own ones are those that neither
 * machine, build nor environment has. */
extern const struct dt_fields dt_session_fields, dt_session_own_fields;
extern const struct dt_fields dt_build_fields, dt_ceiling_fields;

/* Whether what is written can be read again: no number of samples or the like is too large. */
bool dt_fits(const struct dt_fields *fields, const void *item);

/* All of a session but what may change while it measures: noise. A new reference; NULL without
 * memory. */
json_t *dt_session_identity(const struct dt_session *session);

#endif
