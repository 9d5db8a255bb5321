/* SPDX-License-Identifier: MIT */
#include "tests/evidence_fixture.h"

#include <unistd.h>

/* Reads what `text` says as a file. */
static enum dt_status read_text(const char *text, struct dt_evidence *evidence,
                                struct dt_error *error)
{
    char path[] = "/tmp/disentune-evidence-XXXXXX";
    FILE *stream = fdopen(mkstemp(path), "w");
    fputs(text, stream);
    fclose(stream);
    enum dt_status status = dt_evidence_read(path, evidence, error);
    unlink(path);
    return status;
}

static char *replace(const char *text, const char *from, const char *to)
{
    const char *at = strstr(text, from);
    char *changed;
    cr_assert_not_null(at, "the example lacks %s", from);
    cr_assert(asprintf(&changed, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from)) > 0);
    return changed;
}

Test(evidence, what_is_written_is_read_and_written_again_the_same)
{
    struct dt_evidence evidence = fixture_evidence(), again;
    struct dt_error error = {0};
    char *text = fixture_text(&evidence);
    cr_assert_eq(read_text(text, &again, &error), DT_OK, "%s", error.text);
    char *second = fixture_text(&again);
    cr_expect_str_eq(second, text);
    cr_assert_eq(again.count, 2);
    const struct dt_finding *first = &again.sessions[0], *last = &again.sessions[1];
    cr_expect_eq(first->records.count, 3);
    cr_expect_eq(first->candidate_count, 1);
    cr_expect_eq(first->candidates[0].fate, DT_FATE_TIED);
    cr_expect_eq(last->cells[0].judgement, DT_REGRESSED);
    cr_expect_eq(last->cells[0].ratios[8], evidence.sessions[1].cells[0].ratios[8]);
    cr_expect_eq(last->trials[0].subject.op, DT_OP_COUNT);
    cr_expect_eq(last->trials[1].subject.op, DT_OP_GEMM);
    free(second);
    free(text);
    dt_evidence_clear(&again);
    dt_evidence_clear(&evidence);
}

Test(evidence, lines_of_a_session_may_stand_anywhere)
{
    struct dt_evidence evidence = fixture_evidence(), again;
    char *text = fixture_text(&evidence), *lines[16], *shuffled = NULL;
    size_t count = 0;
    for (char *at = strtok(text, "\n"); at; at = strtok(NULL, "\n"))
        lines[count++] = at;
    cr_assert_eq(count, 7);
    for (size_t n = 0; n < count; n++) { /* the last first, every other session in between */
        char *longer;
        cr_assert(
            asprintf(&longer, "%s%s\n", shuffled ? shuffled : "", lines[(n * 4 + 6) % count]) > 0);
        free(shuffled);
        shuffled = longer;
    }
    cr_assert_eq(read_text(shuffled, &again, NULL), DT_OK);
    cr_assert_eq(again.count, 2);
    cr_expect_str_eq(again.sessions[0].records.session.date, "2024-05-17T09:30:00Z");
    cr_expect_eq(again.sessions[0].records.count, 3);
    cr_expect_eq(again.sessions[1].trial_count, 2);
    free(shuffled);
    free(text);
    dt_evidence_clear(&again);
    dt_evidence_clear(&evidence);
}

Test(evidence, a_line_without_kind_is_a_record_and_a_session_may_find_nothing)
{
    struct dt_evidence evidence = {0}, again;
    const struct dt_session session = fixture_session("2024-05-17T09:30:00Z");
    cr_assert_not_null(dt_evidence_session(&evidence, &session));
    char *nothing = fixture_text(&evidence);
    cr_expect_eq(strncmp(nothing, "{\"kind\":\"session\",\"session\":{", 28), 0, "%s", nothing);
    cr_assert_eq(read_text(nothing, &again, NULL), DT_OK);
    cr_expect_eq(again.count, 1);
    dt_evidence_clear(&again);

    FIXTURE_KEEP(&evidence.sessions[0], records.items, records.count,
                 fixture_record("n128 log:256:512", 5));
    char *text = fixture_text(&evidence), *bare = replace(text, "\"kind\":\"record\",", "");
    cr_assert_eq(read_text(bare, &again, NULL), DT_OK);
    cr_expect_eq(again.sessions[0].records.count, 1);
    free(bare);
    free(text);
    free(nothing);
    dt_evidence_clear(&again);
    dt_evidence_clear(&evidence);
}

Test(evidence, sessions_are_found_by_what_does_not_change)
{
    struct dt_evidence evidence = {0};
    struct dt_session session = fixture_session("2024-05-17T09:30:00Z");
    cr_assert_not_null(dt_evidence_session(&evidence, &session));
    session.noisy = true;
    session.noise_floor = 0.024;
    cr_assert_not_null(dt_evidence_session(&evidence, &session));
    session.noise_floor = 0.001;
    cr_assert_not_null(dt_evidence_session(&evidence, &session));
    cr_expect_eq(evidence.count, 1);
    cr_expect_eq(evidence.sessions[0].records.session.noise_floor, 0.024);
    cr_expect(evidence.sessions[0].records.session.noisy);
    session.seed = 1;
    dt_evidence_session(&evidence, &session);
    strcpy(session.run, "07d05a3b");
    dt_evidence_session(&evidence, &session);
    strcpy(session.date, "2023-01-01T00:00:00Z");
    dt_evidence_session(&evidence, &session);
    cr_expect_eq(evidence.count, 4);
    cr_expect_str_eq(evidence.sessions[0].records.session.date, "2023-01-01T00:00:00Z");
    cr_expect_str_eq(evidence.sessions[1].records.session.run, "07d05a3b");
    dt_evidence_clear(&evidence);
}

Test(evidence, malformed_lines_are_refused_with_their_number)
{
    static const struct {
        const char *from, *to, *message;
    } cases[] = {
        {"\"kind\":\"candidate\"", "\"kind\":\"guess\"", ":4: \"kind\" must be"},
        {"\"kind\":\"candidate\"", "\"kind\":7", ":4: \"kind\" must be"},
        {"\"kind\":\"candidate\"", "\"kind\":\"cell\"", ":4: \"head_choice\" is missing"},
        {"\"fate\":\"tied\"", "\"fate\":\"lost\"", ":4: \"fate\" must be"},
        {"\"fate\":\"tied\"", "\"fate\":3", ":4: \"fate\" must be"},
        {"\"judgement\":\"regressed\"", "\"judgement\":\"good\"", ":5: \"judgement\" must be"},
        {"\"pairs\":9", "\"pairs\":8", ":5: \"ratios\" must be"},
        {"\"aa_pairs\":3", "\"aa_pairs\":4", ":5: \"aa_ratios\" must be"},
        {"\"subject\":null", "\"subject\":{}", ":6: \"subject\" must be"},
        {"\"session\":{", "\"sessions\":{", ":1: \"session\" is missing"},
    };
    struct dt_evidence evidence = fixture_evidence();
    char *text = fixture_text(&evidence);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct dt_evidence read = {.count = 7};
        struct dt_error error = {0};
        char *changed = replace(text, cases[c].from, cases[c].to);
        cr_expect_eq(read_text(changed, &read, &error), DT_INVALID, "case %zu", c);
        cr_expect(strstr(error.text, cases[c].message), "case %zu: %s", c, error.text);
        cr_expect(read.count == 0 && !read.sessions);
        free(changed);
    }
    free(text);
    dt_evidence_clear(&evidence);
}

/* A line that could not be read again is not written. */
Test(evidence, too_many_samples_are_refused)
{
    struct dt_evidence evidence = fixture_evidence();
    struct dt_error error = {0};
    FILE *stream = fopen("/dev/null", "w");
    evidence.sessions[1].cells[0].gated = 100001;
    cr_expect_eq(dt_evidence_write(stream, &evidence, &error), DT_INVALID);
    cr_expect(strstr(error.text, "a cell has more than 100000"), "%s", error.text);
    fclose(stream);
    dt_evidence_clear(&evidence);
}
