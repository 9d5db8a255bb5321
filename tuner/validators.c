/* SPDX-License-Identifier: MIT */
#include "tuner/validators.h"

#include "tuner/space.h"

#include <stdlib.h>
#include <string.h>

enum { LENGTH = 320, ATTENTION_LENGTH = 149, CLOSE_LENGTH = 331, HEADS = 2 };

static int32_t least(int32_t a, int32_t b) { return a < b ? a : b; }

static struct dt_problem cut(enum dt_op op, const struct dt_problem *problem, bool closely)
{
    const bool attention = op == DT_OP_ATTENTION;
    const int32_t length = !attention ? LENGTH : closely ? CLOSE_LENGTH : ATTENTION_LENGTH;
    struct dt_problem p = *problem;
    p.nq = least(p.nq, length);
    p.nk = least(p.nk, length);
    p.batch = attention ? least(p.batch, HEADS) : p.batch;
    p.heads = attention ? least(p.heads, HEADS) : p.heads;
    return p;
}

static void give_up(struct dt_validators *v, size_t place)
{
    if (v->kept[place].validator)
        dt_validate_close(v->kept[place].validator);
    free(v->kept[place].passed);
    v->kept[place].validator = NULL;
    v->kept[place].passed = NULL;
    v->kept[place].count = v->kept[place].room = 0;
}

enum dt_status dt_validators_get(struct dt_validators *v, enum dt_op op,
                                 const struct dt_problem *problem, bool closely, uint64_t seed,
                                 struct dt_validator **validator, struct dt_error *error)
{
    const struct dt_problem wanted = cut(op, problem, closely);
    const struct dt_validate_options options = {seed, DT_VALIDATE_QUICK};
    for (size_t n = 0; n < DT_VALIDATORS_MAX; n++)
        if (v->kept[n].validator && v->kept[n].op == op && v->kept[n].seed == seed &&
            memcmp(&v->kept[n].problem, &wanted, sizeof wanted) == 0) {
            *validator = v->kept[n].validator;
            return DT_OK;
        }
    enum dt_status status = dt_validate_open(op, &wanted, &options, validator, error);
    if (status)
        return status;
    give_up(v, v->next);
    v->kept[v->next].op = op;
    v->kept[v->next].problem = wanted;
    v->kept[v->next].seed = seed;
    v->kept[v->next].validator = *validator;
    v->next = (v->next + 1) % DT_VALIDATORS_MAX;
    return DT_OK;
}

/* DT_VALIDATORS_MAX if it is none of these. */
static size_t place_of(const struct dt_validators *v, const struct dt_validator *validator)
{
    size_t place = 0;
    while (place < DT_VALIDATORS_MAX && v->kept[place].validator != validator)
        place++;
    return place;
}

const struct dt_passed *dt_validators_passed(const struct dt_validators *v,
                                             const struct dt_validator *validator,
                                             const struct dt_choice *choice)
{
    const size_t place = place_of(v, validator);
    for (size_t n = 0; place < DT_VALIDATORS_MAX && n < v->kept[place].count; n++)
        if (dt_choice_equal(&v->kept[place].passed[n].choice, choice))
            return &v->kept[place].passed[n];
    return NULL;
}

void dt_validators_note(struct dt_validators *v, const struct dt_validator *validator,
                        const struct dt_choice *choice, const struct dt_verdict *verdict)
{
    const size_t place = place_of(v, validator);
    if (place == DT_VALIDATORS_MAX)
        return;
    if (v->kept[place].count == v->kept[place].room) {
        const size_t room = 2 * v->kept[place].room + 16;
        struct dt_passed *grown = realloc(v->kept[place].passed, room * sizeof *grown);
        if (!grown)
            return;
        v->kept[place].passed = grown;
        v->kept[place].room = room;
    }
    v->kept[place].passed[v->kept[place].count++] =
        (struct dt_passed){*choice, verdict->worst, verdict->worst_ulp};
}

void dt_validators_clear(struct dt_validators *v)
{
    for (size_t n = 0; n < DT_VALIDATORS_MAX; n++)
        give_up(v, n);
    *v = (struct dt_validators){.next = 0};
}
