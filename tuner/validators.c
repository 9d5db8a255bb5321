/* SPDX-License-Identifier: MIT */
#include "tuner/validators.h"

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
    if (v->kept[v->next].validator)
        dt_validate_close(v->kept[v->next].validator);
    v->kept[v->next].op = op;
    v->kept[v->next].problem = wanted;
    v->kept[v->next].seed = seed;
    v->kept[v->next].validator = *validator;
    v->next = (v->next + 1) % DT_VALIDATORS_MAX;
    return DT_OK;
}

void dt_validators_clear(struct dt_validators *v)
{
    for (size_t n = 0; n < DT_VALIDATORS_MAX; n++)
        if (v->kept[n].validator)
            dt_validate_close(v->kept[n].validator);
    *v = (struct dt_validators){.next = 0};
}
