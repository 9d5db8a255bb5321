/* SPDX-License-Identifier: MIT */
#include "reports/trials.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct dt_trial make(enum dt_op op, const char *problem, double slowdown, size_t alarms,
                            size_t trials)
{
    struct dt_trial trial = {.ns = 2e6, .ratio = 1 + slowdown};
    trial.set = (struct dt_trial_set){.subject = {.op = op, .threads = 1},
                                      .slowdown = slowdown,
                                      .trials = trials,
                                      .alarms = alarms,
                                      .least_effect = 0.042};
    cr_assert_eq(dt_problem_parse(problem, &trial.set.subject.problem, NULL), DT_OK);
    return trial;
}

Test(trials, false_alarms_are_bounded_from_above)
{
    struct dt_trial_set set = {.trials = 59}, none = {0};
    dt_trials_bound(&set);
    cr_expect(set.rate_lo == 0 && fabs(set.rate_hi - 0.0606089009503398) < 1e-12);
    cr_expect_leq(dt_trials_false_alarms(&set), DT_TRIALS_ALARMS);
    set.alarms = 1;
    cr_expect_gt(dt_trials_false_alarms(&set), DT_TRIALS_ALARMS);
    set.trials = 93;
    cr_expect_leq(dt_trials_false_alarms(&set), DT_TRIALS_ALARMS);
    dt_trials_bound(&none);
    cr_expect(none.rate_lo == 0 && none.rate_hi == 1 && dt_trials_false_alarms(&none) == 1);
}

Test(trials, what_is_claimed_of_five_and_of_ten_percent)
{
    const struct {
        double slowdown, ns;
        size_t alarms, trials;
        bool claimed, holds;
    } wanted[] = {
        {0.05, 1e6, 36, 40, true, true},     {0.05, 1e6, 35, 40, true, false},
        {0.05, 0.9e6, 0, 40, false, true},   {0.03, 1e6, 0, 40, false, true},
        {0.10, 1e6, 20, 20, true, true},     {0.10, 1e6, 19, 20, true, false},
        {0.20, 1e6, 19, 20, true, false},    {0.07, 1e6, 0, 20, false, true},
        {5 / 100.0, 1e6, 0, 0, true, false},
    };
    size_t wrong = 0;
    for (size_t k = 0; k < sizeof wanted / sizeof *wanted; k++) {
        struct dt_trial trial =
            make(DT_OP_BIAS, "n8 linear:4", wanted[k].slowdown, wanted[k].alarms, wanted[k].trials);
        trial.ns = wanted[k].ns;
        wrong += dt_trial_is_claimed(&trial) != wanted[k].claimed ||
                 dt_trial_holds(&trial) != wanted[k].holds;
    }
    cr_expect_eq(wrong, 0, "%zu", wrong);
}

Test(trials, a_cell_that_does_not_move_is_named)
{
    const struct dt_terminal plain = {false, false, 100};
    struct dt_trial trials[] = {
        make(DT_OP_BIAS, "n512 log:256:512", 0.05, 40, 40),
        make(DT_OP_ATTENTION, "h12 n128 log:256:512", 0.05, 12, 40),
        make(DT_OP_BIAS, "n512 log:256:512", 0.2, 20, 20),
        make(DT_OP_ATTENTION, "h12 n128 log:256:512", 0.2, 20, 20),
    };
    trials[2].ratio = 1.09;
    trials[1].voided = 9;
    cr_expect(dt_trial_moves(&(const struct dt_trial){.ratio = 0.99}), "it was not slowed down");
    cr_expect(!dt_trial_moves(&trials[2]) && dt_trial_moves(&trials[3]));
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    dt_trials_print(stream, trials, 2, 2, &plain);
    fclose(stream);
    cr_expect(strstr(text, "bias/n512 log:256:512 does not move: slowed down by 20 % it shows "
                           "+9.0 %\n"),
              "%s", text);
    cr_expect(strstr(text, "attention/n128 h12 log:256:512: slowed down by 5 %, found in 12 of 40 "
                           "runs only; the machine disturbed 9\n"),
              "%s", text);
    cr_expect_null(strstr(text, "bias/n512 log:256:512: slowed"), "%s", text);
    cr_expect(strstr(text, "40/40") && strstr(text, "12/40") && strstr(text, "4.2 %"), "%s", text);
    free(text);
}
