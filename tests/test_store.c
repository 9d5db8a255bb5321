/* SPDX-License-Identifier: MIT */
#include "reports/digest.h"
#include "reports/store.h"
#include "tests/evidence_fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A folder of its own for the stores of one test. */
struct place {
    char folder[48], path[64], other[64];
};

static struct place make_place(void)
{
    struct place p = {.folder = "/tmp/disentune-store-XXXXXX"};
    cr_assert_not_null(mkdtemp(p.folder));
    snprintf(p.path, sizeof p.path, "%s/a.db", p.folder);
    snprintf(p.other, sizeof p.other, "%s/b.db", p.folder);
    return p;
}

static void remove_place(const struct place *p)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    for (size_t n = 0; n < sizeof ends / sizeof *ends; n++) {
        char path[80];
        snprintf(path, sizeof path, "%s%s", p->path, ends[n]);
        unlink(path);
        snprintf(path, sizeof path, "%s%s", p->other, ends[n]);
        unlink(path);
    }
    cr_expect_eq(rmdir(p->folder), 0, "something is left in %s", p->folder);
}

/* Skips the test in a build without SQLite. */
static struct dt_store *open_store(const char *path, enum dt_store_mode mode)
{
    struct dt_store *store;
    struct dt_error error = {0};
    const enum dt_status status = dt_store_open(path, mode, &store, &error);
    if (status == DT_UNSUPPORTED)
        cr_skip("%s", error.text);
    cr_assert_eq(status, DT_OK, "%s", error.text);
    return store;
}

static size_t append(const char *path, const struct dt_evidence *evidence)
{
    size_t added = 99;
    struct dt_error error = {0};
    struct dt_store *store = open_store(path, DT_STORE_WRITE);
    enum dt_status status =
        dt_store_append(store, evidence->sessions, evidence->count, &added, &error);
    dt_store_close(store);
    cr_assert_eq(status, DT_OK, "%s", error.text);
    return added;
}

/* What a store holds as JSON Lines, in memory that the caller frees. */
static char *text_of(const char *path, const struct dt_store_selection *selection)
{
    struct dt_evidence evidence;
    struct dt_error error = {0};
    struct dt_store *store = open_store(path, DT_STORE_READ);
    enum dt_status status = dt_store_load(store, selection, &evidence, &error);
    dt_store_close(store);
    cr_assert_eq(status, DT_OK, "%s", error.text);
    char *text = fixture_text(&evidence);
    dt_evidence_clear(&evidence);
    return text;
}

static enum dt_status check(const char *path, struct dt_error *error)
{
    struct dt_store *store = open_store(path, DT_STORE_READ);
    enum dt_status status = dt_store_check(store, error);
    dt_store_close(store);
    return status;
}

/* The lines of a text, sorted: the same whatever their order was. */
static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t sort_lines(char *text, char *lines[], size_t room)
{
    size_t count = 0;
    for (char *at = strtok(text, "\n"); at && count < room; at = strtok(NULL, "\n"))
        lines[count++] = at;
    qsort(lines, count, sizeof *lines, compare_lines);
    return count;
}

Test(store, digests_are_fnv)
{
    static const struct {
        const char *text, *digest;
    } cases[] = {
        {"", "6c62272e07bb014262b821756295c58d"},
        {"a", "d228cb696f1a8caf78912b704e4a8964"},
        {"foobar", "343e1662793c64bf6f0d3597ba446f18"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char printed[2 * DT_DIGEST_BYTES + 1];
        const struct dt_digest none = dt_digest_of(NULL, "", 0);
        const struct dt_digest digest = dt_digest_of(&none, cases[c].text, strlen(cases[c].text));
        for (size_t n = 0; n < DT_DIGEST_BYTES; n++)
            snprintf(printed + 2 * n, 3, "%02x", digest.bytes[n]);
        cr_expect_str_eq(printed, cases[c].digest);
    }
}

Test(store, keeps_everything)
{
    const struct place p = make_place();
    struct dt_evidence evidence = fixture_evidence();
    struct dt_error error = {0};
    struct dt_record *winner = &evidence.sessions[0].records.items[0];
    winner->winner = winner->complete = true;
    winner->regret = 0.0125;
    winner->tried = 96;
    winner->plans = 2310;
    char *wanted = fixture_text(&evidence);
    cr_expect_eq(append(p.path, &evidence), 7);
    char *first = text_of(p.path, NULL), *second = text_of(p.path, NULL);
    cr_expect_str_eq(second, first);
    char *a[16], *b[16];
    const size_t count = sort_lines(wanted, a, 16);
    cr_assert_eq(sort_lines(second, b, 16), count);
    for (size_t n = 0; n < count; n++)
        cr_expect_str_eq(b[n], a[n]);
    cr_expect_eq(check(p.path, &error), DT_OK, "%s", error.text);
    cr_expect(dt_store_is(p.path));
    free(second);
    free(first);
    free(wanted);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

Test(store, what_is_there_is_not_added_again)
{
    const struct place p = make_place();
    struct dt_evidence evidence = fixture_evidence();
    struct dt_session *session = &evidence.sessions[0].records.session;
    append(p.path, &evidence);
    char *first = text_of(p.path, NULL);
    cr_expect_eq(append(p.path, &evidence), 0);
    char *second = text_of(p.path, NULL);
    cr_expect_str_eq(second, first);

    /* A later part of the session knows that it was noisy. */
    session->noisy = true;
    session->noise_floor = 0.024;
    FIXTURE_KEEP(&evidence.sessions[0], records.items, records.count,
                 fixture_record("n16 linear:32", 2));
    cr_expect_eq(append(p.path, &evidence), 1);
    session->noisy = false;
    session->noise_floor = NAN;
    append(p.path, &evidence);
    char *third = text_of(p.path, NULL);
    cr_expect_null(strstr(third, "\"date\":\"2024-05-17T09:30:00Z\",\"command\":\"disentune bench "
                                 "--problem 'n512 log:256:512'\",\"seed\":\"18446744073709551615\","
                                 "\"noise_floor\":0.012"));
    cr_expect_not_null(strstr(third, "\"noise_floor\":0.024,\"noisy\":true"), "%s", third);
    free(third);
    free(second);
    free(first);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

/* A into B gives what B into A gives, and what either gives twice. */
Test(store, merging_does_not_depend_on_the_order)
{
    const struct place p = make_place();
    struct dt_evidence a = fixture_evidence(), b = {0};
    struct dt_session session = fixture_session("2024-05-17T09:30:00Z");
    struct dt_finding *finding = dt_evidence_session(&b, &session);
    FIXTURE_KEEP(finding, records.items, records.count, fixture_record("n512 log:256:512", 3));
    FIXTURE_KEEP(finding, records.items, records.count, fixture_record("n96 log:256:512", 1));
    strcpy(session.machine[3], "6.143.8 vm");
    session.noisy = true;
    finding = dt_evidence_session(&b, &session);
    FIXTURE_KEEP(finding, records.items, records.count, fixture_record("n128 log:256:512", 5));

    cr_expect_eq(append(p.path, &a), 7);
    cr_expect_eq(append(p.path, &b), 2);
    cr_expect_eq(append(p.other, &b), 3);
    cr_expect_eq(append(p.other, &a), 6);
    char *ab = text_of(p.path, NULL), *ba = text_of(p.other, NULL);
    cr_expect_str_eq(ba, ab);
    cr_expect_eq(append(p.other, &a), 0);
    cr_expect_eq(append(p.other, &b), 0);
    char *again = text_of(p.other, NULL);
    cr_expect_str_eq(again, ab);
    free(again);
    free(ba);
    free(ab);
    dt_evidence_clear(&b);
    dt_evidence_clear(&a);
    remove_place(&p);
}

Test(store, sessions_are_selected_and_dropped)
{
    const struct place p = make_place();
    struct dt_evidence evidence = {0};
    for (int day = 1; day <= 9; day++) {
        char date[40];
        snprintf(date, sizeof date, "2024-05-%02dT09:30:00Z", day);
        const struct dt_session session = fixture_session(date);
        struct dt_finding *finding = dt_evidence_session(&evidence, &session);
        FIXTURE_KEEP(finding, records.items, records.count, fixture_record("n96 log:256:512", 40));
    }
    append(p.path, &evidence);
    static const struct {
        struct dt_store_selection selection;
        const char *first;
        size_t count;
    } cases[] = {
        {{NULL, 0}, "2024-05-01", 9},         {{NULL, 2}, "2024-05-08", 2},
        {{"2024-05-04", 0}, "2024-05-04", 6}, {{"2024-05-04", 3}, "2024-05-07", 3},
        {{"2024-05-08", 5}, "2024-05-08", 2}, {{"2025", 5}, NULL, 0},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct dt_evidence some;
        struct dt_store *store = open_store(p.path, DT_STORE_READ);
        cr_assert_eq(dt_store_load(store, &cases[c].selection, &some, NULL), DT_OK);
        dt_store_close(store);
        cr_expect_eq(some.count, cases[c].count, "case %zu: %zu sessions", c, some.count);
        if (some.count > 0)
            cr_expect_eq(strncmp(some.sessions[0].records.session.date, cases[c].first, 10), 0);
        dt_evidence_clear(&some);
    }
    size_t dropped = 0;
    struct stat before, after;
    struct dt_error error = {0};
    struct dt_store *store = open_store(p.path, DT_STORE_WRITE);
    cr_assert_eq(dt_store_drop_others(store, &cases[3].selection, &dropped, &error), DT_OK, "%s",
                 error.text);
    dt_store_close(store);
    cr_expect_eq(dropped, 6);
    char *text = text_of(p.path, NULL);
    cr_expect_not_null(strstr(text, "2024-05-07"));
    cr_expect_null(strstr(text, "2024-05-06"));
    cr_expect_eq(check(p.path, &error), DT_OK, "%s", error.text);

    stat(p.path, &before);
    store = open_store(p.path, DT_STORE_WRITE);
    cr_assert_eq(dt_store_drop_others(store, &cases[5].selection, &dropped, NULL), DT_OK);
    dt_store_close(store);
    cr_expect_eq(dropped, 3);
    stat(p.path, &after);
    cr_expect_leq(after.st_size, before.st_size);
    char *nothing = text_of(p.path, NULL);
    cr_expect_str_eq(nothing, "");
    free(nothing);
    free(text);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

/* ---- Files that are no stores, old ones, new ones --------------------------- */

static void write_file(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "w");
    cr_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

/* In memory that the caller frees. */
static char *read_file(const char *path, size_t *size)
{
    struct stat is;
    cr_assert_eq(stat(path, &is), 0);
    char *bytes = malloc((size_t)is.st_size);
    FILE *file = fopen(path, "r");
    cr_assert_eq(fread(bytes, 1, (size_t)is.st_size, file), (size_t)is.st_size);
    fclose(file);
    *size = (size_t)is.st_size;
    return bytes;
}

/* Runs SQL in a file by the shell of SQLite; skips the test without it. */
static void run_sql(const char *path, const char *sql)
{
    char command[1024];
    if (system("command -v sqlite3 >/dev/null") != 0)
        cr_skip("no sqlite3 program");
    snprintf(command, sizeof command, "sqlite3 '%s' \"%s\" >/dev/null", path, sql);
    cr_assert_eq(system(command), 0, "%s", command);
}

static void expect_refusal(const char *path, enum dt_store_mode mode, enum dt_status wanted,
                           const char *message)
{
    struct dt_store *store;
    struct dt_error error = {0};
    const enum dt_status status = dt_store_open(path, mode, &store, &error);
    if (status == DT_UNSUPPORTED)
        cr_skip("%s", error.text);
    cr_expect_eq(status, wanted, "%s: %d, %s", message, (int)status, error.text);
    cr_expect(strstr(error.text, message), "%s", error.text);
    cr_expect_null(store);
}

Test(store, what_is_no_store_is_refused_and_left_alone)
{
    const struct place p = make_place();
    static const char text[] = "{\"problem\":\"n8 linear:4\"} and more than one page header";
    struct stat is;
    expect_refusal(p.path, DT_STORE_READ, DT_IO, "No such file");
    expect_refusal(p.folder, DT_STORE_WRITE, DT_IO, "directory");
    expect_refusal("/dev/zero", DT_STORE_WRITE, DT_INVALID, "not a regular file");
    expect_refusal("/nowhere/a.db", DT_STORE_WRITE, DT_IO, "No such file");
    write_file(p.path, text, sizeof text);
    expect_refusal(p.path, DT_STORE_READ, DT_INVALID, "is no store");
    expect_refusal(p.path, DT_STORE_WRITE, DT_INVALID, "is no store");
    cr_assert_eq(stat(p.path, &is), 0);
    cr_expect_eq((size_t)is.st_size, sizeof text);
    cr_expect(!dt_store_is(p.path) && !dt_store_is(p.folder) && !dt_store_is("/nowhere/a"));
    write_file(p.path, "", 0);
    expect_refusal(p.path, DT_STORE_READ, DT_INVALID, "is empty");
    run_sql(p.path, "CREATE TABLE theirs (x); PRAGMA user_version = 1");
    expect_refusal(p.path, DT_STORE_WRITE, DT_INVALID, "of another program");
    remove_place(&p);
}

Test(store, a_newer_schema_is_refused)
{
    const struct place p = make_place();
    struct dt_evidence evidence = fixture_evidence();
    char message[64];
    append(p.path, &evidence);
    run_sql(p.path, "PRAGMA user_version = 99");
    snprintf(message, sizeof message, "has schema 99, this program knows %d", dt_store_schema());
    expect_refusal(p.path, DT_STORE_READ, DT_INVALID, message);
    expect_refusal(p.path, DT_STORE_WRITE, DT_INVALID, message);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

/* An empty file is schema 0. */
Test(store, an_empty_file_becomes_a_store)
{
    const struct place p = make_place();
    struct dt_evidence evidence = fixture_evidence();
    write_file(p.path, "", 0);
    cr_expect_eq(append(p.path, &evidence), 7);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

/* A store of schema 1, made by that schema's program. */
static void make_store_1(const char *path)
{
    char command[512];
    run_sql(path, "");
    snprintf(command, sizeof command, "sqlite3 '%s' <%s/expected/store-1.sql", path, TESTS_DIR);
    cr_assert_eq(system(command), 0, "%s", command);
}

Test(store, an_older_schema_is_migrated)
{
    const struct place p = make_place();
    struct dt_evidence evidence = fixture_evidence();
    struct dt_error error = {0};
    cr_expect_eq(append(p.other, &evidence), 7);
    make_store_1(p.path);
    char *migrated = text_of(p.path, NULL), *made = text_of(p.other, NULL);
    cr_expect_str_eq(migrated, made);
    run_sql(p.path, "CREATE TEMP TABLE now (schema CHECK (schema = 3));"
                    "INSERT INTO now SELECT user_version FROM pragma_user_version;"
                    "INSERT INTO now SELECT 3 * count(*) FROM comparison");
    cr_expect_eq(check(p.path, &error), DT_OK, "%s", error.text);
    cr_expect_eq(append(p.path, &evidence), 0, "content has another name in the older schema");
    free(made);
    free(migrated);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

/* A step that fails leaves the schema that was there. */
Test(store, a_migration_is_whole_or_nothing)
{
    const struct place p = make_place();
    make_store_1(p.path);
    run_sql(p.path, "CREATE TABLE comparison (x)");
    expect_refusal(p.path, DT_STORE_READ, DT_IO, "cannot migrate");
    run_sql(p.path, "DROP TABLE comparison");
    struct dt_error error = {0};
    cr_expect_eq(check(p.path, &error), DT_OK, "%s", error.text);
    remove_place(&p);
}

/* ---- Damage ----------------------------------------------------------------- */

Test(store, check_finds_what_was_changed)
{
    static const struct {
        const char *sql, *message;
    } cases[] = {
        {"UPDATE sample SET ns = ns + 0.5 WHERE n = 1", "of record is not what was written"},
        {"DELETE FROM sample WHERE n = 1", "samples are missing"},
        {"UPDATE sample SET n = n + 9 WHERE n = 0", "of record is not what was written"},
        {"UPDATE record SET winner = 1", "of record is not what was written"},
        {"UPDATE record SET winner = 2", "record.winner must be"},
        {"UPDATE record SET bench = 99", "refers to nothing"},
        {"UPDATE bench SET problem = 'n0'", "bench.problem must be"},
        {"UPDATE bench SET threads = 2", "of bench is not what was written"},
        {"UPDATE phase SET ns = 7 WHERE n = 0", "of record is not what was written"},
        {"UPDATE session SET command = 'x'", "of session is not what was written"},
        {"UPDATE session SET date = char(27)", "session.date must be"},
        {"UPDATE ceiling SET value = 1 WHERE n = 0", "of session is not what was written"},
        {"UPDATE machine SET cpu = 'x'", "of machine is not what was written"},
        {"UPDATE build SET dirty = 1", "of build is not what was written"},
        {"UPDATE candidate SET fate = 'lost'", "candidate.fate must be"},
        {"UPDATE cell SET pairs = 8", "samples are missing, too many"},
        {"UPDATE pair SET ratio = 1.5 WHERE n = 2", "of cell is not what was written"},
        {"UPDATE trials SET alarms = 0", "of trials is not what was written"},
    };
    const struct place p = make_place();
    struct dt_evidence evidence = fixture_evidence();
    size_t size;
    append(p.path, &evidence);
    char *bytes = read_file(p.path, &size);
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct dt_error error = {0};
        write_file(p.path, bytes, size);
        run_sql(p.path, cases[c].sql);
        cr_expect_eq(check(p.path, &error), DT_INVALID, "%s", cases[c].sql);
        cr_expect(strstr(error.text, cases[c].message), "%s: %s", cases[c].sql, error.text);
    }
    free(bytes);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

/* Whatever a byte becomes, the store is refused or what is read is in range; the sanitizers see the
 * rest. */
Test(store, damaged_bytes_never_crash)
{
    const struct place p = make_place();
    struct dt_evidence evidence = fixture_evidence();
    size_t size, refused = 0;
    append(p.path, &evidence);
    char *bytes = read_file(p.path, &size);
    for (size_t n = 0; n < 100; n++) {
        struct dt_store *store;
        struct dt_evidence read;
        char kept[64];
        const size_t length = n % 2 ? 1 : sizeof kept;
        size_t at = n * 7919 % (size - sizeof kept);
        while (bytes[at] == 0) /* most of a page is unused */
            at = (at + 1) % (size - sizeof kept);
        memcpy(kept, bytes + at, length);
        memset(bytes + at, (int)(n * 31 + 5), length);
        write_file(p.path, bytes, size);
        memcpy(bytes + at, kept, length);
        if (dt_store_open(p.path, DT_STORE_READ, &store, NULL)) {
            refused++;
            continue;
        }
        refused += dt_store_check(store, NULL) != DT_OK;
        if (!dt_store_load(store, NULL, &read, NULL))
            dt_evidence_clear(&read);
        dt_store_close(store);
    }
    cr_expect_gt(refused, 20, "%zu of 100 were refused", refused);
    free(bytes);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

Test(store, a_store_that_was_cut_off_is_refused)
{
    const struct place p = make_place();
    struct dt_evidence evidence = fixture_evidence();
    struct dt_error error = {0};
    struct stat is;
    append(p.path, &evidence);
    cr_assert_eq(stat(p.path, &is), 0);
    cr_assert_eq(truncate(p.path, is.st_size / 2 / 4096 * 4096), 0);
    struct dt_store *store;
    enum dt_status status = dt_store_open(p.path, DT_STORE_READ, &store, &error);
    if (!status)
        status = dt_store_check(store, &error);
    dt_store_close(store);
    cr_expect_eq(status, DT_INVALID);
    cr_expect(strstr(error.text, "is damaged"), "%s", error.text);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

/* ---- Processes -------------------------------------------------------------- */

/* A process of its own appends one record after the other until it is killed. */
static pid_t start_writer(const struct place *p, unsigned number)
{
    const pid_t child = fork();
    if (child != 0)
        return child;
    for (size_t n = 1; n < 100000; n++) {
        char date[40];
        struct dt_evidence evidence = {0};
        snprintf(date, sizeof date, "2024-%03u-%zu", number, n);
        const struct dt_session session = fixture_session(date);
        struct dt_finding *finding = dt_evidence_session(&evidence, &session);
        FIXTURE_KEEP(finding, records.items, records.count, fixture_record("n96 linear:8", 50));
        FIXTURE_KEEP(finding, records.items, records.count, fixture_record("n95 linear:8", 50));
        struct dt_store *store;
        if (dt_store_open(p->path, DT_STORE_WRITE, &store, NULL) ||
            dt_store_append(store, evidence.sessions, 1, NULL, NULL))
            _exit(3);
        dt_store_close(store);
        dt_evidence_clear(&evidence);
        FILE *count = fopen(p->other, "w"); /* so many are kept for sure */
        fprintf(count, "%zu", n);
        fclose(count);
    }
    _exit(0);
}

Test(store, a_kill_loses_no_more_than_the_append_under_way)
{
    const struct place p = make_place();
    size_t before = 0;
    dt_store_close(open_store(p.path, DT_STORE_WRITE));
    for (unsigned n = 0; n < 8; n++) {
        struct dt_error error = {0};
        struct dt_evidence evidence;
        size_t sure = 0;
        int how;
        unlink(p.other);
        const pid_t child = start_writer(&p, n);
        /* Half of the kills come while it appends, whatever time it took until then. */
        for (int wait = 0; n % 2 && wait < 1000 && access(p.other, F_OK) != 0; wait++)
            nanosleep(&(struct timespec){0, 10000000L}, NULL);
        nanosleep(&(struct timespec){0, 20000000L + 17000000L * n}, NULL);
        kill(child, SIGKILL);
        waitpid(child, &how, 0);
        cr_assert(WIFSIGNALED(how), "the writer ended by itself");
        FILE *file = fopen(p.other, "r");
        if (file) {
            if (fscanf(file, "%zu", &sure) != 1)
                sure = 0;
            fclose(file);
        }
        cr_expect_eq(check(p.path, &error), DT_OK, "%s", error.text);
        struct dt_store *store = open_store(p.path, DT_STORE_READ);
        cr_assert_eq(dt_store_load(store, NULL, &evidence, NULL), DT_OK);
        dt_store_close(store);
        size_t torn = 0;
        for (size_t s = 0; s < evidence.count; s++)
            torn += evidence.sessions[s].records.count != 2;
        cr_expect_eq(torn, 0);
        cr_expect_geq(evidence.count, before + sure);
        before = evidence.count;
        dt_evidence_clear(&evidence);
    }
    cr_expect_gt(before, 0);
    remove_place(&p);
}

Test(store, several_processes_append_at_once)
{
    const struct place p = make_place();
    pid_t children[3];
    struct dt_error error = {0};
    int how, wrong = 0;
    dt_store_close(open_store(p.path, DT_STORE_WRITE));
    for (size_t c = 0; c < 3; c++)
        if ((children[c] = fork()) == 0) {
            struct dt_evidence evidence = {0};
            int failed = 0;
            for (int n = 0; n < 10; n++) {
                char date[40];
                snprintf(date, sizeof date, "20%02zu-%d", c, n);
                const struct dt_session session = fixture_session(date);
                struct dt_finding *finding = dt_evidence_session(&evidence, &session);
                FIXTURE_KEEP(finding, records.items, records.count,
                             fixture_record("n96 linear:8", 9));
                struct dt_store *store;
                failed += dt_store_open(p.path, DT_STORE_WRITE, &store, NULL) ||
                          dt_store_append(store, evidence.sessions, evidence.count, NULL, NULL);
                dt_store_close(store);
            }
            _exit(failed != 0);
        }
    for (size_t c = 0; c < 3; c++) {
        waitpid(children[c], &how, 0);
        wrong += how != 0;
    }
    cr_expect_eq(wrong, 0);
    cr_expect_eq(check(p.path, &error), DT_OK, "%s", error.text);
    struct dt_evidence evidence;
    struct dt_store *store = open_store(p.path, DT_STORE_READ);
    cr_assert_eq(dt_store_load(store, NULL, &evidence, NULL), DT_OK);
    dt_store_close(store);
    cr_expect_eq(evidence.count, 30);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}

/* A hundred thousand samples, as of a report of years; nothing here depends on how long it takes.
 */
Test(store, many_samples)
{
    const struct place p = make_place();
    struct dt_evidence evidence = {0}, read;
    for (int day = 0; day < 20; day++) {
        char date[40];
        snprintf(date, sizeof date, "2024-05-%02dT09:30:00Z", day);
        const struct dt_session session = fixture_session(date);
        struct dt_finding *finding = dt_evidence_session(&evidence, &session);
        for (int n = 0; n < 100; n++) {
            char problem[32];
            snprintf(problem, sizeof problem, "n%d log:256:512", n + 1);
            FIXTURE_KEEP(finding, records.items, records.count, fixture_record(problem, 50));
        }
    }
    cr_expect_eq(append(p.path, &evidence), 2000);
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    struct dt_store *store = open_store(p.path, DT_STORE_READ);
    cr_assert_eq(dt_store_load(store, NULL, &read, NULL), DT_OK);
    dt_store_close(store);
    clock_gettime(CLOCK_MONOTONIC, &now);
    cr_log_info("%.3f s to load 100000 samples",
                (double)(now.tv_sec - start.tv_sec) + 1e-9 * (double)(now.tv_nsec - start.tv_nsec));
    size_t samples = 0;
    for (size_t s = 0; s < read.count; s++)
        for (size_t r = 0; r < read.sessions[s].records.count; r++)
            samples += read.sessions[s].records.items[r].samples;
    cr_expect_eq(samples, 100000);
    dt_evidence_clear(&read);
    dt_evidence_clear(&evidence);
    remove_place(&p);
}
