/* SPDX-License-Identifier: MIT */
#include "reports/history.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SESSIONS 30
#define STEP 18

static const struct dt_terminal rich = {false, true, 100}, plain = {false, false, 100};

static struct dt_cell make_cell(enum dt_op op, const char *problem, double ratio)
{
    struct dt_cell cell = {.ratio = ratio, .judgement = DT_UNDECIDED};
    cell.subject.op = op;
    cell.subject.threads = 1;
    cr_assert_eq(dt_problem_parse(problem, &cell.subject.problem, NULL), DT_OK);
    snprintf(cell.subject.variant, sizeof cell.subject.variant, "%s.avx2.some", dt_op_name(op));
    return cell;
}

/* A session of day `day` that compared commit `day` with a release and found two cells. */
static void add_session(struct dt_evidence *evidence, int day, const char *release, double ratio)
{
    struct dt_session session = {.date = "2026-01-01T00:00:00Z", .machine[3] = "that machine"};
    snprintf(session.date, sizeof session.date, "2026-%02u-%02uT00:00:00Z",
             1 + (unsigned)day / 28 % 12, 1 + (unsigned)day % 28);
    snprintf(session.build.commit, sizeof session.build.commit, "%07d", day);
    snprintf(session.build.version, sizeof session.build.version, "0.3.0");
    snprintf(session.base.version, sizeof session.base.version, "%s", release);
    snprintf(session.base.commit, sizeof session.base.commit, "c0ffee%s", release);
    struct dt_finding *finding = dt_evidence_session(evidence, &session);
    cr_assert_not_null(finding);
    finding->cells = calloc(2, sizeof *finding->cells);
    cr_assert_not_null(finding->cells);
    finding->cell_count = 2;
    finding->cells[0] = make_cell(DT_OP_ATTENTION, "h12 n512 log:256:512", ratio);
    finding->cells[1] = make_cell(DT_OP_BIAS, "n64 log:256:512", 1);
}

/* Attention becomes 6 % slower at day STEP; bias stays. */
static void fill(struct dt_evidence *evidence)
{
    *evidence = (struct dt_evidence){0};
    for (int day = SESSIONS - 1; day >= 0; day--)
        add_session(evidence, day, "0.2.0",
                    (day >= STEP ? 1.06 : 1.0) + 0.004 * ((day * 7 % 5) - 2));
    add_session(evidence, 50, "0.1.0", 3);
}

static char *print(const struct dt_history *history, const struct dt_terminal *terminal)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    dt_history_print(stream, history, terminal);
    fclose(stream);
    return text;
}

Test(history, a_change_is_placed_at_its_commit)
{
    struct dt_evidence evidence;
    struct dt_history history;
    fill(&evidence);
    cr_assert_eq(dt_history_make(&evidence, NULL, &history, NULL), DT_OK);
    cr_assert(history.count == 2 && history.sessions == SESSIONS);
    cr_expect_str_eq(history.base.version, "0.2.0");
    const struct dt_history_series *bias = &history.series[0], *attention = &history.series[1];
    cr_expect(bias->cell->subject.op == DT_OP_BIAS && bias->count == SESSIONS);
    cr_expect_eq(bias->change_count, 0);
    cr_assert_eq(attention->change_count, 1);
    cr_expect_eq(attention->changes[0].at, STEP);
    cr_expect_str_eq(attention->points[STEP].session->build.commit, "0000018");
    cr_expect_float_eq(attention->changes[0].after, 1.06, 0.005);
    cr_expect_float_eq(attention->changes[0].before, 1.0, 0.005);

    char *text = print(&history, &rich);
    cr_expect(strstr(text, "30 sessions compared with disentune 0.2.0"), "%s", text);
    cr_expect(strstr(text, "% 2026-01-19 0000018"), "%s", text);
    cr_expect(strstr(text, "█"), "%s", text);
    free(text);
    text = print(&history, &plain);
    size_t foreign = 0;
    for (const char *c = text; *c; c++)
        foreign += (unsigned char)*c > 126;
    cr_expect_eq(foreign, 0, "%s", text);
    free(text);
    dt_history_clear(&history);
    dt_evidence_clear(&evidence);
}

Test(history, the_release_is_chosen_by_version_or_commit)
{
    static const char *const fitting[] = {"0.1.0", "c0ffee0.1"};
    struct dt_evidence evidence;
    struct dt_history history;
    struct dt_error error;
    fill(&evidence);
    for (size_t k = 0; k < 2; k++) {
        cr_assert_eq(dt_history_make(&evidence, fitting[k], &history, NULL), DT_OK);
        cr_expect(history.count == 2 && history.sessions == 1 && history.series[0].count == 1);
        dt_history_clear(&history);
    }
    cr_assert_eq(dt_history_make(&evidence, "c0ffee", &history, NULL), DT_OK);
    cr_expect_eq(history.sessions, SESSIONS, "the release of most sessions");
    dt_history_clear(&history);
    cr_expect_eq(dt_history_make(&evidence, "9.9", &history, &error), DT_INVALID);
    cr_expect(strstr(error.text, "9.9"), "%s", error.text);
    dt_evidence_clear(&evidence);
    cr_expect_eq(dt_history_make(&evidence, NULL, &history, &error), DT_INVALID);
}

Test(history, void_cells_are_no_points_and_same_code_is_one)
{
    struct dt_evidence evidence = {0};
    struct dt_history history;
    for (int day = 0; day < 3; day++)
        add_session(&evidence, day, "0.2.0", 1.5);
    evidence.sessions[0].cells[0].judgement = DT_VOID;
    evidence.sessions[1].cells[0].judgement = DT_SAME_CODE;
    evidence.sessions[1].cells[0].ratio = NAN;
    evidence.sessions[2].cells[1].ratio = NAN;
    cr_assert_eq(dt_history_make(&evidence, NULL, &history, NULL), DT_OK);
    const struct dt_history_series *attention = &history.series[1];
    cr_assert(attention->count == 2 && history.series[0].count == 2);
    cr_expect(attention->points[0].ratio == 1 && attention->points[1].ratio == 1.5);
    dt_history_clear(&history);
    dt_evidence_clear(&evidence);
}

Test(history, series_are_kept_apart)
{
    struct dt_evidence evidence = {0};
    struct dt_history history;
    for (int day = 0; day < 4; day++)
        add_session(&evidence, day, "0.2.0", 1);
    evidence.sessions[1].cells[0].subject.threads = 2;
    evidence.sessions[2].cells[0].subject.tile.rows = 32;
    snprintf(evidence.sessions[3].records.session.machine[3], 96, "another machine");
    cr_assert_eq(dt_history_make(&evidence, NULL, &history, NULL), DT_OK);
    cr_expect_eq(history.count, 6, "%zu", history.count);
    dt_history_clear(&history);
    dt_evidence_clear(&evidence);
}

Test(history, json_has_all_points)
{
    struct dt_evidence evidence;
    struct dt_history history;
    char *text;
    size_t size, lines = 0;
    fill(&evidence);
    cr_assert_eq(dt_history_make(&evidence, NULL, &history, NULL), DT_OK);
    FILE *stream = open_memstream(&text, &size);
    cr_assert_eq(dt_history_write(stream, &history, NULL), DT_OK);
    fclose(stream);
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), lines++) {
        json_t *object = json_loads(line, 0, NULL);
        cr_assert_not_null(object);
        cr_expect_eq(json_array_size(json_object_get(object, "points")), SESSIONS);
        cr_expect_eq(json_array_size(json_object_get(object, "changes")), lines);
        cr_expect_str_eq(json_string_value(json_object_get(object, "base_version")), "0.2.0");
        json_decref(object);
    }
    cr_expect_eq(lines, 2);
    free(text);
    dt_history_clear(&history);
    dt_evidence_clear(&evidence);
}
