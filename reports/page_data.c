/* SPDX-License-Identifier: MIT */
#include "reports/page.h"

#include "kernels/error.h"
#include "kernels/machine_key.h"
#include "reports/verdict.h"

#include <stdlib.h>
#include <string.h>

static bool same_problem(const struct dt_record *a, const struct dt_record *b)
{
    const struct dt_record *const pair[] = {a, b};
    return dt_view_problem_span(pair, 2) == 2;
}

static struct dt_block *find(const struct dt_page_data *data, const struct dt_record *record)
{
    for (size_t b = 0; b < data->block_count; b++)
        if (same_problem(data->blocks[b].sorted[0], record))
            return &data->blocks[b];
    return NULL;
}

/* Later sessions come first, so that what is there is newer. */
static enum dt_status offer(struct dt_page_data *data, size_t *room,
                            const struct dt_finding *finding, const struct dt_record **sorted,
                            size_t span)
{
    struct dt_block *known = find(data, sorted[0]);
    if (known && span <= 2 * known->span)
        return DT_OK;
    if (!known && data->block_count == *room) {
        const size_t wanted = *room ? 2 * *room : 16;
        struct dt_block *blocks = realloc(data->blocks, wanted * sizeof *blocks);
        if (!blocks)
            return DT_NO_MEMORY;
        data->blocks = blocks;
        *room = wanted;
    }
    if (!known)
        known = &data->blocks[data->block_count++];
    *known = (struct dt_block){
        .finding = finding,
        .sorted = sorted,
        .span = span,
        .leader = dt_view_leader((const struct dt_record *const *)sorted, span),
    };
    return DT_OK;
}

static bool same_machine(const struct dt_finding *a, const struct dt_finding *b)
{
    const struct dt_session *left = &a->records.session, *right = &b->records.session;
    return strcmp(left->machine[DT_MACHINE_TIERS - 1], right->machine[DT_MACHINE_TIERS - 1]) == 0 &&
           strcmp(left->cpu, right->cpu) == 0;
}

static enum dt_status collect(struct dt_page_data *data, struct dt_error *error)
{
    const struct dt_evidence *evidence = data->evidence;
    size_t room = 0;
    for (size_t s = evidence->count; s-- > 0;) {
        const struct dt_finding *finding = &evidence->sessions[s];
        const size_t count = finding->records.count;
        if (count && !data->newest)
            data->newest = finding;
        if (!count)
            continue;
        if (!same_machine(finding, data->newest)) {
            data->other_machines++;
            continue;
        }
        if (dt_view_sort(&finding->records, &data->owned[s], error))
            return DT_NO_MEMORY;
        const struct dt_record **sorted = data->owned[s];
        for (size_t at = 0, span; at < count; at += span) {
            span = dt_view_problem_span((const struct dt_record *const *)&sorted[at], count - at);
            if (offer(data, &room, finding, &sorted[at], span))
                return dt_error_set(error, DT_NO_MEMORY, "no memory for a page");
        }
    }
    return DT_OK;
}

/* Brings the blocks into the order of reports: that of their first records. */
static enum dt_status order_blocks(struct dt_page_data *data, struct dt_error *error)
{
    struct dt_records firsts = {.count = data->block_count};
    const struct dt_record **sorted = NULL;
    const size_t room = data->block_count + 1;
    struct dt_block *ordered = malloc(room * sizeof *ordered);
    firsts.items = malloc(room * sizeof *firsts.items);
    enum dt_status status = DT_NO_MEMORY;
    if (ordered && firsts.items) {
        for (size_t b = 0; b < data->block_count; b++)
            firsts.items[b] = *data->blocks[b].sorted[0];
        status = dt_view_sort(&firsts, &sorted, error);
    } else {
        dt_error_set(error, DT_NO_MEMORY, "no memory for a page");
    }
    for (size_t b = 0; b < data->block_count && !status; b++)
        ordered[b] = data->blocks[sorted[b] - firsts.items];
    if (!status && data->block_count)
        memcpy(data->blocks, ordered, data->block_count * sizeof *ordered);
    free(sorted);
    free(firsts.items);
    free(ordered);
    return status;
}

/* ---- Candidates ------------------------------------------------------------ */

static bool is_of(const struct dt_candidate *candidate, const struct dt_block *block)
{
    const struct dt_record *record = block->sorted[0];
    const struct dt_subject *subject = &candidate->subject;
    return subject->op == record->op && subject->threads == record->threads &&
           memcmp(&subject->problem, &record->problem, sizeof record->problem) == 0;
}

/* The candidates of a problem stand together in a session. */
static void find_candidates(const struct dt_page_data *data, struct dt_block *block)
{
    for (size_t s = data->evidence->count; s-- > 0 && !block->candidates;) {
        const struct dt_finding *f = &data->evidence->sessions[s];
        size_t first = 0;
        while (first < f->candidate_count && !is_of(&f->candidates[first], block))
            first++;
        if (first == f->candidate_count || !same_machine(f, data->newest))
            continue;
        block->candidate = &f->candidates[first];
        while (first + block->candidates < f->candidate_count &&
               is_of(&block->candidate[block->candidates], block))
            block->candidates++;
    }
}

/* ---- The whole ------------------------------------------------------------- */

static enum dt_status order_cells(struct dt_page_data *data, struct dt_error *error)
{
    data->comparison = dt_verdict_latest(data->evidence);
    if (!data->comparison)
        return DT_OK;
    data->cell_count = data->comparison->cell_count;
    return dt_verdict_sort(data->comparison, &data->cell, error);
}

/* Without a base build to compare with there is no history. */
static enum dt_status make_history(struct dt_page_data *data, struct dt_error *error)
{
    struct dt_error reason;
    const enum dt_status status = dt_history_make(data->evidence, NULL, &data->history, &reason);
    if (!status || status == DT_INVALID)
        return DT_OK;
    return dt_error_set(error, status, "%s", reason.text);
}

enum dt_status dt_page_data_init(struct dt_page_data *data, const struct dt_evidence *evidence,
                                 struct dt_error *error)
{
    *data = (struct dt_page_data){.evidence = evidence};
    data->owned = calloc(evidence->count + 1, sizeof *data->owned);
    enum dt_status status =
        data->owned ? DT_OK : dt_error_set(error, DT_NO_MEMORY, "no memory for a page");
    if (!status)
        status = collect(data, error);
    if (!status)
        status = order_blocks(data, error);
    if (!status)
        status = order_cells(data, error);
    if (!status)
        status = make_history(data, error);
    for (size_t b = 0; b < data->block_count && !status; b++)
        find_candidates(data, &data->blocks[b]);
    if (status)
        dt_page_data_clear(data);
    return status;
}

void dt_page_data_clear(struct dt_page_data *data)
{
    for (size_t s = 0; data->owned && s < data->evidence->count; s++)
        free(data->owned[s]);
    dt_history_clear(&data->history);
    free(data->owned);
    free(data->blocks);
    free(data->cell);
    *data = (struct dt_page_data){0};
}
