/* SPDX-License-Identifier: MIT */
#include "tuner/kinds.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_rank(const void *left, const void *right)
{
    const struct dt_site *a = left, *b = right;
    return a->rank != b->rank ? (a->rank < b->rank) - (a->rank > b->rank)
                              : (a->order > b->order) - (a->order < b->order);
}

static int by_kind(const void *left, const void *right)
{
    const struct dt_site *a = left, *b = right;
    return a->worker.kind != b->worker.kind
               ? (a->worker.kind > b->worker.kind) - (a->worker.kind < b->worker.kind)
               : (a->order > b->order) - (a->order < b->order);
}

/* `first` is the fastest of its kind. */
static bool same_kind(const struct dt_machine *m, const struct dt_site *first,
                      const struct dt_site *site)
{
    for (int level = DT_L1D; level <= DT_L2; level++)
        if (m->caches[first->worker.cache[level]].stated !=
            m->caches[site->worker.cache[level]].stated)
            return false;
    const bool slower =
        site->capacity > 0 && 4 * (int64_t)site->capacity < 3 * (int64_t)first->capacity;
    return strcmp(first->type, site->type) == 0 && !slower;
}

static void name_kind(struct dt_machine *m, int32_t k, const char *type)
{
    char *name = m->kinds[k].name;
    const size_t size = sizeof m->kinds[k].name;
    if (*type)
        snprintf(name, size, "%s", type);
    else if (m->kind_count == 2)
        snprintf(name, size, "%s", k == 0 ? "big" : "little");
    else if (m->kind_count > 2)
        snprintf(name, size, "kind%d", k + 1);
}

static void note_least(struct dt_cache *cache)
{
    const size_t length = strlen(cache->reason);
    snprintf(cache->reason + length, sizeof cache->reason - length, "; other instances give more");
}

void dt_kinds_sort(struct dt_machine *m, struct dt_site *sites)
{
    struct dt_site first[DT_KINDS_MAX];
    bool differs[DT_KINDS_MAX][DT_LEVEL_COUNT] = {0};
    qsort(sites, (size_t)m->worker_count, sizeof *sites, by_rank);
    for (int32_t w = 0; w < m->worker_count; w++) {
        struct dt_site *site = &sites[w];
        int32_t k = 0;
        while (k < m->kind_count && !same_kind(m, &first[k], site))
            k++;
        if (k == DT_KINDS_MAX)
            k--;
        else if (k == m->kind_count)
            first[m->kind_count++] = *site;
        site->worker.kind = k;

        struct dt_core_kind *kind = &m->kinds[k];
        for (int level = 0; level < DT_LEVEL_COUNT; level++) {
            const struct dt_cache *cache = &m->caches[site->worker.cache[level]];
            differs[k][level] |= kind->workers > 0 && cache->share != kind->cache[level].share;
            if (kind->workers == 0 || cache->share < kind->cache[level].share)
                kind->cache[level] = *cache;
        }
        if (kind->threads < site->threads)
            kind->threads = site->threads;
        kind->workers++;
    }
    for (int32_t k = 0; k < m->kind_count; k++) {
        name_kind(m, k, first[k].type);
        for (int level = 0; level < DT_LEVEL_COUNT; level++)
            if (differs[k][level])
                note_least(&m->kinds[k].cache[level]);
    }
    qsort(sites, (size_t)m->worker_count, sizeof *sites, by_kind);
    for (int32_t w = 0; w < m->worker_count; w++)
        m->workers[w] = sites[w].worker;
}

static void print_levels(const struct dt_machine *m, char *text, size_t size)
{
    size_t length = 0;
    text[0] = '\0';
    if (!m->levels_known || m->cpu.levels == 0)
        snprintf(text, size, "%s", m->levels_known ? "scalar" : "sets-unknown");
    for (uint32_t bit = 1; bit && bit <= m->cpu.levels; bit <<= 1)
        if ((m->cpu.levels & bit) && length < size)
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? "+" : "",
                                       dt_cpu_level_name(bit));
}

static const char *print_share(int64_t bytes, char text[DT_SIZE_TEXT_MAX])
{
    const bool whole = bytes % (1 << 20) == 0;
    snprintf(text, DT_SIZE_TEXT_MAX, "%lld%c", (long long)(bytes >> (whole ? 20 : 10)),
             whole ? 'M' : 'K');
    return text;
}

void dt_kinds_write_keys(struct dt_machine *m)
{
    static const char *const virtuals[] = {"vm?", "bare", "vm"};
    char sets[24], l1[DT_SIZE_TEXT_MAX], l2[DT_SIZE_TEXT_MAX], l3[DT_SIZE_TEXT_MAX];
    print_levels(m, sets, sizeof sets);
    for (int32_t k = 0; k < m->kind_count; k++) {
        struct dt_core_kind *kind = &m->kinds[k];
        char full[256];
        int end[DT_KEY_TIERS];
        end[0] = snprintf(full, sizeof full, "%.8s %s", m->architecture, sets);
        end[1] = end[0] + snprintf(full + end[0], sizeof full - (size_t)end[0], " %.16s%s%.10s",
                                   m->cpu.uarch, *kind->name ? " " : "", kind->name);
        end[2] = end[1] + snprintf(full + end[1], sizeof full - (size_t)end[1],
                                   " l1:%s l2:%s l3:%s smt:%d",
                                   print_share(kind->cache[DT_L1D].share, l1),
                                   print_share(kind->cache[DT_L2].share, l2),
                                   print_share(kind->cache[DT_L3].share, l3), kind->threads);
        end[3] =
            end[2] + snprintf(full + end[2], sizeof full - (size_t)end[2], " %d.%d.%d %s",
                              m->cpu.family, m->cpu.model, m->cpu.stepping, virtuals[m->virtual]);
        for (int tier = 0; tier < DT_KEY_TIERS; tier++)
            snprintf(kind->key[tier], DT_KEY_MAX, "%.*s", end[tier], full);
    }
}
