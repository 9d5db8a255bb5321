/* SPDX-License-Identifier: MIT */
#include "kernels/lookup.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

const char *dt_refusal_name(enum dt_refusal refusal)
{
    static const char *const names[DT_REFUSAL_COUNT] = {
        [DT_USABLE] = "usable",
        [DT_OTHER_OPERATION] = "another operation",
        [DT_OTHER_SETS] = "other instruction sets",
        [DT_OTHER_FORM] = "other bucket form, terms, layout, storage type or mask",
        [DT_STALE] = "tuned with another set of variants",
        [DT_NOT_VALIDATED] = "not validated",
        [DT_CPU_LACKS] = "this CPU lacks the instruction set",
        [DT_NOT_ACCEPTED] = "the variant or a part of it does not compute this problem",
    };
    return names[refusal];
}

/* The query as records see it. */
struct view {
    const struct dt_query *query;
    struct dt_problem class;
    const char *geometry; /* tier 2 that counts as this machine's; NULL: none does */
};

static bool same_tier(const struct dt_machine_keys *a, const struct dt_machine_keys *b, int tier)
{
    return strcmp(a->tier[tier], b->tier[tier]) == 0;
}

static bool same_uarch(const struct dt_machine_keys *machine, const struct dt_query *query)
{
    const char *own = query->machine.tier[1], *other = machine->tier[1];
    const size_t length = strlen(own);
    return strncmp(own, other, length) == 0 &&
           (!other[length] || (other[length] == ' ' && !*query->machine.tier[2]));
}

static const char *find_geometry(const struct dt_table *table, const struct dt_query *query)
{
    if (*query->machine.tier[2])
        return query->machine.tier[2];
    const char *only = NULL;
    for (size_t n = 0; n < table->count; n++) {
        const struct dt_machine_keys *machine = &table->records[n].machine;
        if (!same_uarch(machine, query))
            continue;
        if (only && strcmp(only, machine->tier[2]) != 0)
            return NULL;
        only = machine->tier[2];
    }
    return only;
}

static double distance(const struct view *view, const struct dt_table_record *r)
{
    const struct dt_problem *a = &view->class, *b = &r->problem;
    const int32_t counts[][2] = {
        {a->nq, b->nq},       {a->nk, b->nk},
        {a->span, b->span},   {a->max_position, b->max_position},
        {a->batch, b->batch}, {a->heads, b->heads},
        {a->dim, b->dim},     {view->query->threads, r->threads},
    };
    double sum = 0;
    for (size_t n = 0; n < sizeof counts / sizeof *counts; n++)
        if (counts[n][0] != counts[n][1])
            sum += fabs(log2((double)counts[n][0] / counts[n][1]));
    return sum;
}

/* Whether all parts of a choice compute the problem. */
static bool parts_apply(const struct dt_choice *c, const struct dt_query *query)
{
    const struct {
        const struct dt_variant *variant;
        enum dt_op op;
    } parts[] = {{c->gemm, DT_OP_GEMM}, {c->bias, DT_OP_BIAS}, {c->softmax, DT_OP_SOFTMAX}};
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++) {
        struct dt_problem class = dt_problem_class(parts[n].op, query->problem);
        class.layout = DT_SLOT_MAJOR;
        if (parts[n].variant &&
            !dt_variant_applies(parts[n].variant, parts[n].op, &class, query->delta))
            return false;
    }
    return true;
}

static uint32_t levels_of(const struct dt_choice *c)
{
    return c->variant->level | (c->gemm ? c->gemm->level : 0) | (c->bias ? c->bias->level : 0) |
           (c->softmax ? c->softmax->level : 0);
}

static struct dt_candidate judge(const struct view *view, const struct dt_table_record *r)
{
    const struct dt_query *query = view->query;
    const struct dt_problem *a = &view->class, *b = &r->problem;
    struct dt_candidate c = {
        .record = r,
        .step = DT_STEP_HEURISTIC,
        .distance = INFINITY,
        .same_model = same_tier(&r->machine, &query->machine, 3),
    };
    if (r->op != query->op)
        c.refusal = DT_OTHER_OPERATION;
    else if (!same_tier(&r->machine, &query->machine, 0))
        c.refusal = DT_OTHER_SETS;
    else if (a->bucket != b->bucket || a->terms != b->terms || a->layout != b->layout ||
             a->dtype != b->dtype || a->mask != b->mask)
        c.refusal = DT_OTHER_FORM;
    if (c.refusal)
        return c;

    c.distance = distance(view, r);
    c.step = DT_STEP_LEVEL;
    if (same_uarch(&r->machine, query))
        c.step = DT_STEP_UARCH;
    if (c.step == DT_STEP_UARCH && view->geometry &&
        strcmp(r->machine.tier[2], view->geometry) == 0)
        c.step = c.distance > 0 || a->dialect != b->dialect ? DT_STEP_SHAPE : DT_STEP_EXACT;

    if (r->stale)
        c.refusal = DT_STALE;
    else if (!r->validated)
        c.refusal = DT_NOT_VALIDATED;
    else if (levels_of(&r->choice) & ~dt_cpu_host()->levels)
        c.refusal = DT_CPU_LACKS;
    else if (!dt_variant_applies(r->choice.variant, query->op, query->problem, query->delta) ||
             !parts_apply(&r->choice, query))
        c.refusal = DT_NOT_ACCEPTED;
    return c;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare(const void *x, const void *y)
{
    const struct dt_candidate *a = x, *b = y;
    int order = COMPARE(a->step, b->step);
    if (!order)
        order = COMPARE(a->distance, b->distance);
    if (!order)
        order = COMPARE(b->same_model, a->same_model);
    if (!order)
        order = COMPARE(b->record->complete, a->record->complete);
    if (!order)
        order = strcmp(b->record->date, a->record->date);
    return order ? order : COMPARE(a->record, b->record);
}

enum dt_status dt_lookup_rank(const struct dt_table *table, const struct dt_query *query,
                              struct dt_candidate **candidates, size_t *count,
                              struct dt_error *error)
{
    *candidates = NULL;
    *count = 0;
    if (table->count == 0)
        return DT_OK;
    struct dt_candidate *list = malloc(table->count * sizeof *list);
    if (!list)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to search a dispatch table");
    const struct view view = {query, dt_problem_class(query->op, query->problem),
                              find_geometry(table, query)};
    for (size_t n = 0; n < table->count; n++)
        list[n] = judge(&view, &table->records[n]);
    qsort(list, table->count, sizeof *list, compare);
    *candidates = list;
    *count = table->count;
    return DT_OK;
}

enum dt_status dt_lookup_find(const struct dt_table *table, const struct dt_query *query,
                              struct dt_answer *answer, struct dt_error *error)
{
    struct dt_candidate *list = NULL;
    size_t count = 0, n = 0;
    enum dt_status status = table ? dt_lookup_rank(table, query, &list, &count, error) : DT_OK;
    if (status)
        return status;
    while (n < count && list[n].refusal)
        n++;
    if (n < count) {
        *answer = (struct dt_answer){list[n].record->choice, list[n].step, list[n].distance,
                                     list[n].record};
    } else {
        *answer = (struct dt_answer){.step = DT_STEP_HEURISTIC};
        status =
            dt_choice_heuristic(query->op, query->problem, query->delta, &answer->choice, error);
    }
    free(list);
    return status;
}
