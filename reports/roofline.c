/* SPDX-License-Identifier: MIT */
#include "reports/roofline.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- What a call takes ----------------------------------------------------- */

static double bytes_of(const struct dt_record *r)
{
    const struct dt_problem *p = &r->problem;
    const double nq = p->nq, nk = p->nk, dim = p->dim, slots = 2.0 * p->span;
    const double c2p = (p->terms & DT_C2P) != 0, p2c = (p->terms & DT_P2C) != 0;
    const double heads = (double)p->batch * p->heads;
    double numbers = NAN;
    if (r->op == DT_OP_BIAS)
        numbers = heads * (2 * nq * nk + slots * (nq * c2p + nk * p2c));
    else if (r->op == DT_OP_ATTENTION)
        numbers = heads * 2 * dim * (nq + nk) + p->heads * slots * dim * (c2p + p2c);
    else if (r->op == DT_OP_GEMM)
        numbers = heads * (nq * dim + nk * dim + nq * nk);
    return numbers * sizeof(float);
}

static double flops_of(const struct dt_record *r)
{
    const struct dt_problem *p = &r->problem;
    const double terms = ((p->terms & DT_C2P) != 0) + ((p->terms & DT_P2C) != 0);
    if (r->op == DT_OP_BIAS)
        return (double)p->batch * p->heads * p->nq * p->nk * terms;
    return r->gflops * r->ns_median;
}

/* ---- Ceilings -------------------------------------------------------------- */

const char *dt_roofline_isa(const char *variant, char isa[16])
{
    const char *dot = strchr(variant, '.');
    snprintf(isa, 16, "%.*s", dot ? (int)strcspn(dot + 1, ".") : 0, dot ? dot + 1 : "");
    return isa;
}

const struct dt_ceiling *dt_roofline_peak(const struct dt_session *session, const char *isa)
{
    char name[32];
    snprintf(name, sizeof name, "fma.%.16s", isa);
    for (size_t c = 0; c < session->ceiling_count; c++)
        if (strcmp(session->ceilings[c].name, name) == 0 && session->ceilings[c].value > 0)
            return &session->ceilings[c];
    return NULL;
}

static size_t slopes_of(const struct dt_session *session, const char *prefix,
                        const struct dt_ceiling *slopes[DT_CEILINGS_MAX])
{
    size_t count = 0;
    for (size_t c = 0; c < session->ceiling_count; c++)
        if (strncmp(session->ceilings[c].name, prefix, strlen(prefix)) == 0 &&
            session->ceilings[c].value > 0)
            slopes[count++] = &session->ceilings[c];
    return count;
}

size_t dt_roofline_slopes(const struct dt_session *session, const char *isa,
                          const struct dt_ceiling *slopes[DT_CEILINGS_MAX])
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "load.%.16s.", isa);
    const size_t count = slopes_of(session, prefix, slopes);
    return count ? count : slopes_of(session, "load.", slopes);
}

/* Bytes of the cache that a slope is named after, "load.avx2.l2", as the machine's key has it:
 * "... l1:48K l2:2M ..."; infinite for memory, and 0 for a cache that the key does not tell. */
static double capacity(const struct dt_session *session, const struct dt_ceiling *slope)
{
    const char *place = strrchr(slope->name, '.');
    char word[16];
    if (!place || place[1] != 'l' || place[2] < '1' || place[2] > '9')
        return INFINITY;
    snprintf(word, sizeof word, " %.2s:", place + 1);
    const char *at = strstr(session->machine[2], word);
    if (!at)
        return 0;
    char *unit;
    const double size = strtod(at + strlen(word), &unit);
    return size * (*unit == 'K' ? 1 << 10 : *unit == 'M' ? 1 << 20 : *unit == 'G' ? 1 << 30 : 1);
}

/* The nearest place that holds so many bytes; the slowest if none does. */
static const struct dt_ceiling *find_slope(const struct dt_session *session, const char *isa,
                                           double bytes)
{
    const struct dt_ceiling *slopes[DT_CEILINGS_MAX], *found = NULL, *slowest = NULL;
    const size_t count = dt_roofline_slopes(session, isa, slopes);
    for (size_t s = 0; s < count; s++) {
        if (!slowest || slopes[s]->value < slowest->value)
            slowest = slopes[s];
        if (capacity(session, slopes[s]) >= bytes && (!found || slopes[s]->value > found->value))
            found = slopes[s];
    }
    return found ? found : slowest;
}

bool dt_roofline_point(const struct dt_session *session, const struct dt_record *record,
                       struct dt_roofline *point)
{
    char isa[16];
    *point = (struct dt_roofline){
        .flops = flops_of(record),
        .bytes = bytes_of(record),
        .peak = dt_roofline_peak(session, dt_roofline_isa(record->variant, isa)),
    };
    if (!record->verified || !(record->ns_median > 0) || !(point->bytes > 0) ||
        !(point->flops > 0) || !isfinite(point->flops) || !point->peak)
        return false;
    point->slope = find_slope(session, isa, point->bytes / record->threads);
    point->intensity = point->flops / point->bytes;
    point->rate = point->flops / record->ns_median * 1e9 / record->threads;
    point->roof = point->peak->value;
    if (point->slope && point->intensity * point->slope->value < point->roof) {
        point->memory_bound = true;
        point->roof = point->intensity * point->slope->value;
    }
    point->share = point->rate / point->roof;
    return true;
}
