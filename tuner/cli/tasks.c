/* SPDX-License-Identifier: MIT */
#include "tuner/cli/tasks.h"

#include "tuner/cli/share.h"

#include <math.h>
#include <string.h>

/* The space of attention is larger and its calls are longer. */
enum { ATTENTION_WEIGHT = 5 };

/* What a problem of any length needs, as rows: forks, operands, trials. */
enum { LEAST_WEIGHT = 768 };

double cli_task_length(const struct cli_task *task)
{
    const struct dt_problem *p = &task->problem;
    const double scores = (double)p->nq * p->nk;
    return task->op == DT_OP_BIAS ? 8 * scores : scores * p->batch * p->heads * p->dim;
}

size_t cli_tasks_collect(const struct cli_measure *m, struct cli_task *tasks)
{
    static const enum dt_op ops[] = {DT_OP_BIAS, DT_OP_SOFTMAX, DT_OP_GEMM, DT_OP_ATTENTION};
    size_t count = 0;
    for (size_t p = 0; p < m->options->problem_count; p++)
        for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
            const struct cli_demand demand = cli_demand_of(m->options, p);
            struct cli_task task = {.op = ops[o],
                                    .problem = dt_problem_class(ops[o], &m->options->problems[p]),
                                    .calls = demand.calls};
            bool known = !cli_measure_wants(m, ops[o], &task.problem) ||
                         (demand.op != DT_OP_COUNT && demand.op != ops[o]);
            for (size_t t = 0; t < count && !known; t++)
                if (tasks[t].op == task.op &&
                    memcmp(&tasks[t].problem, &task.problem, sizeof task.problem) == 0) {
                    tasks[t].calls += task.calls;
                    known = true;
                }
            task.weight = LEAST_WEIGHT + sqrt((double)task.problem.nq * task.problem.nk);
            task.weight *= ops[o] == DT_OP_ATTENTION ? ATTENTION_WEIGHT : 1;
            if (!known)
                tasks[count++] = task;
        }
    struct cli_shares shares = {0};
    for (size_t t = 0; t < count; t++)
        cli_shares_add(&shares, tasks[t].weight, tasks[t].calls * cli_task_length(&tasks[t]));
    for (size_t t = 0; t < count; t++)
        tasks[t].weight = cli_shares_weight(&shares, tasks[t].weight,
                                            tasks[t].calls * cli_task_length(&tasks[t]));
    return count;
}
