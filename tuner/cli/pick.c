/* SPDX-License-Identifier: MIT */
#include "tuner/cli/pick.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

/* ---- Options --------------------------------------------------------------- */

/* A year with month and day or without, which sorts as the dates of sessions do. */
static bool is_date(const char *text)
{
    static const char form[] = "dddd-dd-dd";
    const size_t length = strlen(text);
    if (length != 4 && length != 7 && length != 10)
        return false;
    for (size_t n = 0; n < length; n++)
        if (form[n] == 'd' ? text[n] < '0' || text[n] > '9' : text[n] != form[n])
            return false;
    return true;
}

size_t cli_pick_keep(const char *text)
{
    char *end;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    if (errno || *end || *text < '1' || *text > '9' || number > 1000000000)
        exit(cli_fail_text("--keep is \"%.40s\"; must be a number from 1 to 1000000000", text));
    return (size_t)number;
}

const char *cli_pick_since(const char *text)
{
    if (!is_date(text))
        exit(cli_fail_text("--since is \"%.40s\"; use a date, e.g. 2026-01-31", text));
    return text;
}

/* ---- Findings -------------------------------------------------------------- */

static bool is_asked_for(const struct cli_options *options, const struct dt_subject *subject)
{
    if (options->op != DT_OP_COUNT && options->op != subject->op)
        return false;
    if (options->variant && fnmatch(options->variant, subject->variant, 0) != 0)
        return false;
    bool found = options->problem_count == 0;
    for (size_t p = 0; p < options->problem_count && !found; p++) {
        const struct dt_problem class = dt_problem_class(subject->op, &options->problems[p]);
        found = memcmp(&class, &subject->problem, sizeof class) == 0;
    }
    return found;
}

static void select_records(const struct cli_options *options, struct dt_records *records)
{
    size_t kept = 0;
    for (size_t r = 0; r < records->count; r++) {
        const struct dt_subject subject = dt_record_subject(&records->items[r]);
        if (is_asked_for(options, &subject))
            records->items[kept++] = records->items[r];
        else
            free(records->items[r].ns);
    }
    records->count = kept;
}

static void select_cells(const struct cli_options *options, struct dt_finding *finding)
{
    size_t kept = 0;
    for (size_t c = 0; c < finding->cell_count; c++) {
        struct dt_cell *cell = &finding->cells[c];
        if (is_asked_for(options, &cell->subject)) {
            finding->cells[kept++] = *cell;
        } else {
            free(cell->ratios);
            free(cell->aa_ratios);
        }
    }
    finding->cell_count = kept;
}

/* What is said of a whole suite is asked for unless something narrower is. */
static void select_others(const struct cli_options *options, struct dt_finding *finding)
{
    const bool all = options->op == DT_OP_COUNT && !options->variant && !options->problem_count;
    size_t kept = 0;
    for (size_t c = 0; c < finding->candidate_count; c++)
        if (is_asked_for(options, &finding->candidates[c].subject))
            finding->candidates[kept++] = finding->candidates[c];
    finding->candidate_count = kept;
    kept = 0;
    for (size_t t = 0; t < finding->trial_count; t++) {
        const struct dt_subject *subject = &finding->trials[t].subject;
        if (all || (subject->op != DT_OP_COUNT && is_asked_for(options, subject)))
            finding->trials[kept++] = finding->trials[t];
    }
    finding->trial_count = kept;
}

static size_t count_items(const struct dt_finding *finding)
{
    return finding->records.count + finding->cell_count + finding->candidate_count +
           finding->trial_count;
}

/* ---- Sessions -------------------------------------------------------------- */

static void drop(struct dt_evidence *evidence, size_t from, size_t count)
{
    if (count == 0)
        return;
    for (size_t s = from; s < from + count; s++)
        dt_finding_clear(&evidence->sessions[s]);
    evidence->count -= count;
    memmove(&evidence->sessions[from], &evidence->sessions[from + count],
            (evidence->count - from) * sizeof *evidence->sessions);
}

/* They are in the order of their dates. */
static void select_sessions(const struct dt_store_selection *selection,
                            struct dt_evidence *evidence)
{
    size_t early = 0;
    while (selection->since && early < evidence->count &&
           strcmp(evidence->sessions[early].records.session.date, selection->since) < 0)
        early++;
    if (selection->newest && evidence->count - early > selection->newest)
        early = evidence->count - selection->newest;
    drop(evidence, 0, early);
}

size_t cli_pick(const struct cli_options *options, const struct dt_store_selection *selection,
                struct dt_evidence *evidence)
{
    size_t count = 0;
    for (size_t s = evidence->count; s-- > 0;) {
        struct dt_finding *finding = &evidence->sessions[s];
        count += count_items(finding);
        select_records(options, &finding->records);
        select_cells(options, finding);
        select_others(options, finding);
        if (!count_items(finding))
            drop(evidence, s, 1);
    }
    select_sessions(selection, evidence);
    return count;
}
