/* SPDX-License-Identifier: MIT */
#include "tuner/admit.h"

#include "kernels/error.h"
#include "tuner/child.h"

#include <math.h>
#include <stdlib.h>

/* After its trial. */
static enum dt_status note(const struct dt_tuner *tuner, struct dt_validator *validator,
                           struct dt_attempt *trial, struct dt_runner *runner, bool *passed,
                           struct dt_outcome *outcome, struct dt_error *error)
{
    *passed = false;
    if (trial->status && trial->status != DT_UNSUPPORTED)
        return dt_error_set(error, trial->status, "%s", trial->error.text);
    if (trial->status)
        return DT_OK;
    *passed = trial->verdict.passed;
    if (*passed && trial->validator) {
        runner->error_share = trial->verdict.worst;
        runner->error_ulp = trial->verdict.worst_ulp;
        if (tuner->validators)
            dt_validators_note(tuner->validators, validator, &runner->choice, &trial->verdict);
    }
    if (*passed)
        return DT_OK;
    outcome->disqualified++;
    if (tuner->complain)
        tuner->complain(trial->verdict.reason, tuner->context);
    return DT_OK;
}

enum dt_status dt_admit_try(const struct dt_tuner *tuner, struct dt_validator *validator,
                            struct dt_race *race, const size_t *runners, size_t count, double until,
                            bool *passed, size_t *tried, struct dt_outcome *outcome,
                            struct dt_error *error)
{
    struct dt_attempt *trials = calloc(count + 1, sizeof *trials);
    *tried = 0;
    if (!trials)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu trials", count);
    for (size_t n = 0; n < count; n++) {
        struct dt_runner *r = &race->runners[runners[n]];
        const struct dt_passed *before =
            tuner->validators ? dt_validators_passed(tuner->validators, validator, &r->choice)
                              : NULL;
        if (before) {
            r->error_share = before->worst;
            r->error_ulp = before->worst_ulp;
        }
        trials[n] = (struct dt_attempt){.validator = before ? NULL : validator, .runner = r};
    }
    enum dt_status status =
        dt_child_try(trials, count, tuner->machine, tuner->trial_seconds, until, tried, error);
    for (size_t n = 0; n < *tried && !status; n++)
        status = note(tuner, validator, &trials[n], &race->runners[runners[n]], &passed[n], outcome,
                      error);
    free(trials);
    return status;
}

enum dt_status dt_admit_all(const struct dt_tuner *tuner, struct dt_validator *validator,
                            struct dt_race *race, struct dt_outcome *outcome,
                            struct dt_error *error)
{
    size_t *runners = malloc((race->count + 1) * sizeof *runners), tried = 0;
    bool *passed = calloc(race->count + 1, sizeof *passed);
    enum dt_status status = DT_OK;
    if (!runners || !passed)
        status = dt_error_set(error, DT_NO_MEMORY, "no memory for %zu trials", race->count);
    for (size_t r = 0; r < race->count && !status; r++)
        runners[r] = r;
    if (!status)
        status = dt_admit_try(tuner, validator, race, runners, race->count, INFINITY, passed,
                              &tried, outcome, error);
    for (size_t r = 0; r < tried && !status; r++)
        if (passed[r])
            status = dt_race_enter(race, r, error);
    free(passed);
    free(runners);
    return status;
}
