/* SPDX-License-Identifier: MIT */
/* What is measured once in a run, before any candidate: ceilings and the noise floor. */
#ifndef DISENTUNE_SESSION_H
#define DISENTUNE_SESSION_H

#include "reports/record.h"
#include "tuner/machine.h"
#include "tuner/sample.h"

/* Machine, build, date, command line; nothing measured yet. `arguments` ends with NULL. */
void dt_session_init(struct dt_session *session, const struct dt_machine *machine,
                     char *const *arguments, uint64_t seed);

/*
 * For each instruction set that this CPU runs the peak of multiply-add, and of the widest the
 * bandwidth of reading and of contiguous addition from each cache level and from memory. A level
 * is measured on half a worker's share of it, memory on 256 MiB. DT_NO_MEMORY.
 */
enum dt_status dt_session_ceilings(struct dt_session *session, const struct dt_machine *machine,
                                   struct dt_sampler *sampler, struct dt_error *error);

/* The noise floor: what the tuner would see between two plans that are one plan, the larger
 * dt_copies_race() of a short and of a longer problem. DT_NO_MEMORY, DT_UNSUPPORTED. */
enum dt_status dt_session_noise(struct dt_session *session, struct dt_sampler *sampler,
                                struct dt_error *error);

/*
 * Marks the session as noisy if the sampler rejected too much (dt_sampler_noisy), from then on and
 * with a noise floor twice as wide: what was kept of rejected samples differs by more than the race
 * of two copies tells.
 */
void dt_session_judge(struct dt_session *session, const struct dt_sampler *sampler);

/* The value of a ceiling by name, NAN if it was not measured. */
double dt_session_ceiling(const struct dt_session *session, const char *name);

/* The probe of the widest instruction set that this CPU runs; there is one in every build. */
const struct dt_variant *dt_session_probe(void);

#endif
