/* SPDX-License-Identifier: MIT */
#include "tests/problem_fixture.h"
#include "tuner/journal.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB 0x1234u

struct place {
    char folder[32], table[64], journal[80];
};

static struct place make_place(void)
{
    struct place p = {.folder = "/tmp/disentune-XXXXXX"};
    cr_assert_not_null(mkdtemp(p.folder));
    snprintf(p.table, sizeof p.table, "%s/table", p.folder);
    snprintf(p.journal, sizeof p.journal, "%s.journal", p.table);
    return p;
}

static void remove_place(const struct place *p)
{
    unlink(p->journal);
    cr_expect_eq(rmdir(p->folder), 0, "something is left in %s", p->folder);
}

static struct dt_session session_of(uint64_t seed)
{
    return (struct dt_session){
        .machine = {"a", "a b", "a b c", "a b c d"},
        .build.version = "1",
        .build.compiler = "cc",
        .build.signature = "00ff",
        .date = "2026-01-31T12:00:00Z",
        .seed = seed,
        .noise_floor = 0.01,
    };
}

static struct dt_record record_of(const char *text, double ns)
{
    struct dt_record r = {
        .problem = dt_problem_class(DT_OP_BIAS, &(struct dt_problem[]){problem_of(text)}[0]),
        .op = DT_OP_BIAS,
        .variant = "bias.scalar.plain",
        .threads = 1,
        .ns_median = ns,
        .samples = 2,
    };
    r.ns = malloc(2 * sizeof *r.ns);
    r.ns[0] = ns;
    r.ns[1] = ns + 1;
    return r;
}

/* Three records of two problems. */
static struct dt_records three_records(uint64_t seed)
{
    struct dt_records records = {.session = session_of(seed), .count = 3};
    records.items = calloc(3, sizeof *records.items);
    records.items[0] = record_of("n8 linear:4", 100);
    records.items[1] = record_of("n8 linear:4", 200);
    records.items[2] = record_of("n9 linear:4", 300);
    return records;
}

static struct dt_journal_entry entry_of(const struct dt_records *records, size_t first,
                                        size_t count)
{
    return (struct dt_journal_entry){.op = DT_OP_BIAS,
                                     .problem = records->items[first].problem,
                                     .first = first,
                                     .count = count,
                                     .complete = first == 0};
}

static void write_journal(const struct place *p, uint64_t seed)
{
    struct dt_records records = three_records(seed);
    const struct dt_journal_entry first = entry_of(&records, 0, 2),
                                  second = entry_of(&records, 2, 1);
    struct dt_journal journal;
    struct dt_error error = {0};
    const bool done = !dt_journal_open(&journal, p->table, &error) &&
                      !dt_journal_begin(&journal, &records.session, JOB, &error) &&
                      !dt_journal_add(&journal, &first, &records, &error) &&
                      !dt_journal_add(&journal, &second, &records, &error);
    cr_assert(done, "%s", error.text);
    dt_journal_close(&journal, false);
    dt_records_clear(&records);
}

/* Opens and resumes; the caller clears records and frees entries. */
static enum dt_status resume(const struct place *p, uint64_t job, struct dt_records *records,
                             struct dt_journal_entry **entries, size_t *count,
                             struct dt_error *error)
{
    struct dt_journal journal;
    cr_assert_eq(dt_journal_open(&journal, p->table, error), DT_OK, "%s", error->text);
    enum dt_status status = dt_journal_resume(&journal, job, records, entries, count, error);
    dt_journal_close(&journal, false);
    return status;
}

static void append(const struct place *p, const char *text)
{
    FILE *file = fopen(p->journal, "a");
    cr_assert(file && fputs(text, file) >= 0);
    fclose(file);
}

Test(journal, gives_back_what_was_finished_and_goes_on)
{
    const struct place p = make_place();
    struct dt_journal_entry *entries;
    struct dt_error error = {0};
    size_t count;
    write_journal(&p, 7);
    append(&p, "{\"problem\":\"b1 h1 q8 k");
    for (int time = 0; time < 2; time++) {
        struct dt_records records = {.session = session_of(7)};
        records.session.noise_floor = 0.5;
        cr_assert_eq(resume(&p, JOB, &records, &entries, &count, &error), DT_OK, "%s", error.text);
        cr_assert(count == 2 && records.count == 3);
        cr_expect(records.session.noise_floor == 0.01 && records.items[1].ns[1] == 201);
        cr_expect(entries[0].first == 0 && entries[0].count == 2 && entries[0].complete);
        cr_expect(entries[1].first == 2 && entries[1].count == 1 && !entries[1].complete);
        cr_expect_eq(entries[1].problem.nq, 9);
        free(entries);
        dt_records_clear(&records);
    }
    remove_place(&p);
}

Test(journal, adds_after_what_it_resumed)
{
    const struct place p = make_place();
    struct dt_records records = {.session = session_of(7)};
    struct dt_journal_entry *entries;
    struct dt_journal journal;
    struct dt_error error = {0};
    size_t count;
    write_journal(&p, 7);
    append(&p, "torn");
    cr_assert_eq(dt_journal_open(&journal, p.table, &error), DT_OK);
    cr_assert_eq(dt_journal_resume(&journal, JOB, &records, &entries, &count, &error), DT_OK);
    cr_assert_eq(dt_journal_add(&journal, &entries[0], &records, &error), DT_OK);
    dt_journal_close(&journal, false);
    free(entries);
    dt_records_clear(&records);
    records.session = session_of(7);
    cr_assert_eq(resume(&p, JOB, &records, &entries, &count, &error), DT_OK, "%s", error.text);
    cr_expect(count == 3 && records.count == 5);
    free(entries);
    dt_records_clear(&records);
    remove_place(&p);
}

Test(journal, records_without_their_end_do_not_count)
{
    const struct place p = make_place();
    struct dt_records records = {.session = session_of(7)};
    struct dt_journal_entry *entries;
    struct dt_journal journal;
    struct dt_error error = {0};
    size_t count = 1;
    cr_assert_eq(dt_journal_open(&journal, p.table, &error), DT_OK);
    cr_expect_eq(dt_journal_resume(&journal, JOB, &records, &entries, &count, &error), DT_OK);
    cr_expect(count == 0 && records.count == 0, "an empty journal");
    cr_assert_eq(dt_journal_begin(&journal, &records.session, JOB, &error), DT_OK);
    dt_journal_close(&journal, false);
    struct dt_records three = three_records(7);
    FILE *file = fopen(p.journal, "a");
    cr_assert_eq(dt_record_write(file, &three.session, &three.items[0], &error), DT_OK);
    fclose(file);
    cr_expect_eq(resume(&p, JOB, &records, &entries, &count, &error), DT_OK, "%s", error.text);
    cr_expect(count == 0 && records.count == 0);
    dt_records_clear(&three);
    remove_place(&p);
}

Test(journal, of_another_run_or_malformed_is_refused)
{
    static const struct {
        uint64_t seed, job;
        const char *line; /* appended */
        const char *reason;
    } cases[] = {
        {8, JOB, "", ":1: of another --seed"},
        {7, JOB + 1, "", ":1: of another set of problems"},
        {7, JOB, "garbage\n", ":7: no JSON"},
        {7, JOB, "{}\n", ":7: \"problem\" is missing"},
        {7, JOB,
         "{\"done\":\"bias\",\"problem\":\"n8 linear:4\",\"records\":1,\"complete\":true}\n",
         ":7: the records before it"},
        {7, JOB,
         "{\"done\":\"rest\",\"problem\":\"n8 linear:4\",\"records\":0,\"complete\":true}\n",
         ":7: the records before it"},
        {7, JOB, "{\"done\":\"bias\",\"problem\":\"n0\",\"records\":0,\"complete\":true}\n",
         ":7: "},
    };
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        const struct place p = make_place();
        struct dt_records records = {.session = session_of(cases[n].seed)};
        struct dt_journal_entry *entries;
        struct dt_error error = {0};
        size_t count;
        write_journal(&p, 7);
        append(&p, cases[n].line);
        cr_expect_eq(resume(&p, cases[n].job, &records, &entries, &count, &error), DT_INVALID,
                     "case %zu", n);
        cr_expect(strstr(error.text, cases[n].reason) && !records.count && !entries, "case %zu: %s",
                  n, error.text);
        remove_place(&p);
    }
}

/* Whatever a byte becomes, it is refused or what is read is in range; the sanitizers see the rest.
 */
Test(journal, survives_single_corruptions)
{
    const struct place p = make_place();
    struct stat is;
    size_t refused = 0;
    write_journal(&p, 7);
    cr_assert_eq(stat(p.journal, &is), 0);
    for (int n = 0; n < 300; n++) {
        struct dt_records records = {.session = session_of(7)};
        struct dt_journal_entry *entries;
        struct dt_error error = {0};
        size_t count;
        write_journal(&p, 7);
        FILE *file = fopen(p.journal, "r+");
        fseek(file, n * 7919L % is.st_size, SEEK_SET);
        fputc((n * 31 + 5) & 0xff, file);
        fclose(file);
        refused += resume(&p, JOB, &records, &entries, &count, &error) != DT_OK;
        cr_assert_leq(count, 2);
        free(entries);
        dt_records_clear(&records);
    }
    cr_expect(refused > 100 && refused < 300, "%zu refused", refused);
    remove_place(&p);
}

/* What another process finds when it opens the journal. */
static enum dt_status open_elsewhere(const struct place *p)
{
    int how = 0;
    const pid_t child = fork();
    if (child == 0) {
        struct dt_journal journal;
        struct dt_error error = {0};
        const enum dt_status status = dt_journal_open(&journal, p->table, &error);
        _exit(status && !strstr(error.text, "another process tunes") ? 99 : (int)status);
    }
    cr_assert_eq(waitpid(child, &how, 0), child);
    return (enum dt_status)WEXITSTATUS(how);
}

Test(journal, is_held_by_one_process_and_gone_when_finished)
{
    const struct place p = make_place();
    struct dt_journal journal;
    struct dt_error error = {0};
    write_journal(&p, 7);
    cr_assert_eq(dt_journal_open(&journal, p.table, &error), DT_OK, "%s", error.text);
    cr_expect_eq(open_elsewhere(&p), DT_IO);
    cr_expect_eq(open_elsewhere(&p), DT_IO, "the one that was refused took no lock away");
    dt_journal_close(&journal, true);
    cr_expect_neq(access(p.journal, F_OK), 0);
    cr_expect_eq(open_elsewhere(&p), DT_OK, "a lock ends with its process");
    cr_assert_eq(dt_journal_open(&journal, p.table, &error), DT_OK, "%s", error.text);
    dt_journal_close(&journal, false);
    cr_expect_neq(access(p.journal, F_OK), 0, "an empty one is not left");
    remove_place(&p);
}

Test(journal, in_doubtful_places_is_refused)
{
    const struct place p = make_place();
    struct dt_journal journal;
    struct dt_error error = {0};
    cr_expect_eq(dt_journal_open(&journal, "/nonexistent/table", &error), DT_IO);
    cr_assert_eq(symlink("/dev/null", p.journal), 0);
    cr_expect_eq(dt_journal_open(&journal, p.table, &error), DT_IO, "a link");
    unlink(p.journal);
    cr_assert_eq(mkfifo(p.journal, 0600), 0);
    cr_expect_eq(dt_journal_open(&journal, p.table, &error), DT_INVALID, "a pipe");
    unlink(p.journal);
    append(&p, "");
    cr_assert_eq(chmod(p.journal, 0666), 0);
    cr_expect_eq(dt_journal_open(&journal, p.table, &error), DT_INVALID, "writable by all");
    remove_place(&p);
}
