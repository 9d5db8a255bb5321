/* SPDX-License-Identifier: MIT */
/* What a tuning run has to do: problems, each class once, with their shares of the budget. */
#ifndef DISENTUNE_TASKS_H
#define DISENTUNE_TASKS_H

#include "tuner/cli/measure.h"

struct cli_task {
    enum dt_op op;
    struct dt_problem problem;
    double weight; /* share of the budget */
    double calls;  /* of a program, 0: unknown */
    bool done;     /* before an interruption of this run */
};

/* Room for tasks is four times as many as there are problems; how many there are. */
size_t cli_tasks_collect(const struct cli_measure *measure, struct cli_task *tasks);

/* About as many multiplications as a call takes; adding to a score is worth eight. */
double cli_task_length(const struct cli_task *task);

#endif
