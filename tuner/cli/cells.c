/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cells.h"

#include "kernels/error.h"

#include <stdlib.h>
#include <string.h>

struct list {
    struct dt_subject *items;
    size_t count;
};

static bool is_known(const struct list *list, const struct dt_subject *subject)
{
    for (size_t n = 0; n < list->count; n++) {
        const struct dt_subject *item = &list->items[n];
        if (item->op == subject->op && item->threads == subject->threads &&
            strcmp(item->variant, subject->variant) == 0 &&
            memcmp(&item->problem, &subject->problem, sizeof subject->problem) == 0)
            return true;
    }
    return false;
}

static enum dt_status append(struct list *list, const struct dt_subject *subject,
                             struct dt_error *error)
{
    if (is_known(list, subject))
        return DT_OK;
    struct dt_subject *items = realloc(list->items, (list->count + 1) * sizeof *items);
    if (!items)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu cells", list->count + 1);
    list->items = items;
    list->items[list->count++] = *subject;
    return DT_OK;
}

/* A cell for each variant that --variant names. */
static enum dt_status append_variants(const struct cli_options *options, struct dt_subject *subject,
                                      struct list *list, struct dt_error *error)
{
    const struct dt_variant *variant;
    struct dt_delta delta;
    enum dt_status status = dt_delta_init(&delta, &subject->problem, error);
    if (status)
        return status;
    for (size_t n = 0; (variant = dt_variant_at(n)) && !status; n++) {
        if (!cli_selects(options, variant) ||
            !dt_variant_applies(variant, subject->op, &subject->problem, &delta))
            continue;
        snprintf(subject->variant, sizeof subject->variant, "%s", variant->name);
        status = append(list, subject, error);
    }
    dt_delta_clear(&delta);
    return status;
}

static enum dt_status append_op(const struct cli_options *options, enum dt_op op, size_t problem,
                                struct list *list, struct dt_error *error)
{
    const size_t teams = op == DT_OP_ATTENTION ? options->thread_count : 1;
    struct dt_subject subject = {
        .op = op, .problem = dt_problem_class(op, &options->problems[problem]), .threads = 1};
    enum dt_status status = DT_OK;
    if (op == DT_OP_BIAS && subject.problem.terms == 0)
        return DT_OK;
    for (size_t t = 0; t < teams && !status; t++) {
        if (op == DT_OP_ATTENTION)
            subject.threads = options->threads[t];
        subject.variant[0] = '\0';
        status = options->variant ? append_variants(options, &subject, list, error)
                                  : append(list, &subject, error);
    }
    return status;
}

static bool wants(const struct cli_options *options, enum dt_op op, size_t problem)
{
    const struct cli_demand demand = cli_demand_of(options, problem);
    if (demand.op != DT_OP_COUNT && demand.op != op)
        return false;
    if (options->op != DT_OP_COUNT)
        return options->op == op;
    return op == DT_OP_BIAS || op == DT_OP_ATTENTION || options->variant;
}

enum dt_status cli_cells_collect(const struct cli_options *options, struct dt_subject **subjects,
                                 size_t *count, struct dt_error *error)
{
    static const enum dt_op ops[] = {DT_OP_BIAS, DT_OP_SOFTMAX, DT_OP_GEMM, DT_OP_ATTENTION};
    struct list list = {0};
    enum dt_status status = DT_OK;
    for (size_t p = 0; p < options->problem_count && !status; p++)
        for (size_t o = 0; o < sizeof ops / sizeof *ops && !status; o++)
            if (wants(options, ops[o], p))
                status = append_op(options, ops[o], p, &list, error);
    if (status) {
        free(list.items);
        list = (struct list){0};
    }
    *subjects = list.items;
    *count = list.count;
    return status;
}
