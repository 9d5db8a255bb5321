/* SPDX-License-Identifier: MIT */
#include "kernels/lookup.h"

#include "kernels/error.h"
#include "kernels/index.h"

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

static bool same_tier(const struct dt_machine_keys *a, const struct dt_machine_keys *b, int tier)
{
    return strcmp(a->tier[tier], b->tier[tier]) == 0;
}

static bool same_uarch(const struct dt_machine_keys *a, const struct dt_machine_keys *own)
{
    const char *other = a->tier[1];
    const size_t length = strlen(own->tier[1]);
    return strncmp(own->tier[1], other, length) == 0 &&
           (!other[length] || (other[length] == ' ' && !*own->tier[2]));
}

const char *dt_lookup_geometry(const struct dt_table *table, const struct dt_machine_keys *own)
{
    if (*own->tier[2])
        return own->tier[2];
    const char *only = NULL;
    for (size_t n = 0; n < table->count; n++) {
        const struct dt_machine_keys *machine = &table->records[n].machine;
        if (!same_uarch(machine, own))
            continue;
        if (only && strcmp(only, machine->tier[2]) != 0)
            return NULL;
        only = machine->tier[2];
    }
    return only;
}

enum dt_step dt_lookup_nearness(const struct dt_machine_keys *own, const char *geometry,
                                const struct dt_table_record *r)
{
    if (!same_tier(&r->machine, own, 0))
        return DT_STEP_HEURISTIC;
    if (!same_uarch(&r->machine, own))
        return DT_STEP_LEVEL;
    return geometry && strcmp(r->machine.tier[2], geometry) == 0 ? DT_STEP_SHAPE : DT_STEP_UARCH;
}

uint64_t dt_lookup_form(enum dt_op op, const struct dt_problem *p)
{
    const uint64_t facts[] = {op, p->bucket, p->terms, p->layout, p->dtype, p->mask};
    uint64_t form = 0;
    for (size_t n = 0; n < sizeof facts / sizeof *facts; n++)
        form = form << 8 | facts[n];
    return form;
}

void dt_lookup_coordinates(const struct dt_problem *p, int32_t threads, double at[DT_LOOKUP_COUNTS])
{
    const int32_t counts[DT_LOOKUP_COUNTS] = {p->nq,    p->nk,    p->span, p->max_position,
                                              p->batch, p->heads, p->dim,  threads};
    for (int n = 0; n < DT_LOOKUP_COUNTS; n++)
        at[n] = counts[n] > 0 ? log2(counts[n]) : -1;
}

static double distance(const struct dt_problem *class, const struct dt_query *query,
                       const struct dt_table_record *r)
{
    double a[DT_LOOKUP_COUNTS], b[DT_LOOKUP_COUNTS], sum = 0;
    dt_lookup_coordinates(class, query->threads, a);
    dt_lookup_coordinates(&r->problem, r->threads, b);
    for (int n = 0; n < DT_LOOKUP_COUNTS; n++)
        sum += fabs(a[n] - b[n]);
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

bool dt_lookup_computes(const struct dt_table_record *r, const struct dt_query *query)
{
    return dt_variant_applies(r->choice.variant, query->op, query->problem, query->delta) &&
           (!r->choice.gemm || parts_apply(&r->choice, query));
}

enum dt_refusal dt_lookup_distrust(const struct dt_table_record *r)
{
    const struct dt_choice *c = &r->choice;
    const uint32_t levels = c->variant->level | (c->gemm ? c->gemm->level : 0) |
                            (c->bias ? c->bias->level : 0) | (c->softmax ? c->softmax->level : 0);
    if (r->stale)
        return DT_STALE;
    if (!r->validated)
        return DT_NOT_VALIDATED;
    return levels & ~dt_cpu_host()->levels ? DT_CPU_LACKS : DT_USABLE;
}

static struct dt_candidate judge(const struct dt_query *query, const struct dt_problem *class,
                                 const char *geometry, const struct dt_table_record *r)
{
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
    else if (dt_lookup_form(r->op, &r->problem) != dt_lookup_form(query->op, class))
        c.refusal = DT_OTHER_FORM;
    if (c.refusal)
        return c;
    c.distance = distance(class, query, r);
    c.step = dt_lookup_nearness(&query->machine, geometry, r);
    if (c.step == DT_STEP_SHAPE && c.distance == 0 && class->dialect == r->problem.dialect)
        c.step = DT_STEP_EXACT;
    c.refusal = dt_lookup_distrust(r);
    if (!c.refusal && !dt_lookup_computes(r, query))
        c.refusal = DT_NOT_ACCEPTED;
    return c;
}

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

int dt_lookup_compare(const struct dt_candidate *a, const struct dt_candidate *b)
{
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

static int compare(const void *x, const void *y) { return dt_lookup_compare(x, y); }

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
    const struct dt_problem class = dt_problem_class(query->op, query->problem);
    const char *geometry = dt_lookup_geometry(table, &query->machine);
    for (size_t n = 0; n < table->count; n++)
        list[n] = judge(query, &class, geometry, &table->records[n]);
    qsort(list, table->count, sizeof *list, compare);
    *candidates = list;
    *count = table->count;
    return DT_OK;
}

/* The first that is not refused. */
static enum dt_status find_first(const struct dt_table *table, const struct dt_query *query,
                                 bool *found, struct dt_candidate *first, struct dt_error *error)
{
    struct dt_candidate *list;
    size_t count, n = 0;
    enum dt_status status = dt_lookup_rank(table, query, &list, &count, error);
    if (status)
        return status;
    while (n < count && list[n].refusal)
        n++;
    *found = n < count;
    if (*found)
        *first = list[n];
    free(list);
    return DT_OK;
}

enum dt_status dt_lookup_find(const struct dt_table *table, const struct dt_query *query,
                              struct dt_answer *answer, struct dt_error *error)
{
    struct dt_candidate first;
    enum dt_status status = DT_OK;
    bool found = false;
    if (table && table->index && dt_index_is_of(table->index, &query->machine))
        found = dt_index_find(table->index, query, &first);
    else if (table)
        status = find_first(table, query, &found, &first, error);
    if (status)
        return status;
    if (found) {
        *answer =
            (struct dt_answer){first.record->choice, first.step, first.distance, first.record};
        return DT_OK;
    }
    *answer = (struct dt_answer){.step = DT_STEP_HEURISTIC};
    return dt_choice_heuristic(query->op, query->problem, query->delta, &answer->choice, error);
}
