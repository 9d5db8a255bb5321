/* SPDX-License-Identifier: MIT */
#include "tuner/journal.h"

#include "reports/codec.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCHEMA "disentune-journal-1"
#define RECORDS_MAX ((size_t)100000)
#define COUNT(table) (sizeof(table) / sizeof *(table))

static enum dt_status fail(const struct dt_journal *journal, const char *verb, int reason,
                           struct dt_error *error)
{
    return dt_error_set(error, DT_IO, "cannot %s \"%.120s\": %s", verb, journal->path,
                        strerror(reason));
}

/* ---- The file and its lock ----------------------------------------------------- */

/* The table's name after links, so that every name of a table leads to one journal. */
static char *path_beside(const char *table)
{
    char *real = realpath(table, NULL), *path = NULL;
    if (asprintf(&path, "%s.journal", real ? real : table) < 0)
        path = NULL;
    free(real);
    return path;
}

static enum dt_status lock(const struct dt_journal *journal, const char *table, int file,
                           struct dt_error *error)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    if (fcntl(file, F_SETLK, &whole) == 0)
        return DT_OK;
    if (errno != EACCES && errno != EAGAIN)
        return fail(journal, "lock", errno, error);
    return dt_error_set(error, DT_IO,
                        "another process tunes \"%.120s\"; wait until it ends, or use another file",
                        table);
}

/* Whether the file that was opened still has the name: its last owner may have removed it before it
 * was locked. */
static bool is_current(const struct dt_journal *journal, const struct stat *opened)
{
    struct stat named;
    return lstat(journal->path, &named) == 0 && named.st_ino == opened->st_ino &&
           named.st_dev == opened->st_dev;
}

static enum dt_status open_locked(const struct dt_journal *journal, const char *table, int *file,
                                  struct dt_error *error)
{
    for (;;) {
        struct stat is;
        *file = open(journal->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0644);
        if (*file < 0 || fstat(*file, &is) != 0)
            return fail(journal, "write", errno, error);
        if (!S_ISREG(is.st_mode) || (is.st_mode & S_IWOTH))
            return dt_error_set(error, DT_INVALID,
                                "\"%.120s\" is no regular file or writable by every user; remove "
                                "it",
                                journal->path);
        enum dt_status status = lock(journal, table, *file, error);
        if (status || is_current(journal, &is))
            return status;
        close(*file);
    }
}

enum dt_status dt_journal_open(struct dt_journal *journal, const char *table,
                               struct dt_error *error)
{
    int file = -1;
    *journal = (struct dt_journal){.path = path_beside(table)};
    if (!journal->path)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for the journal of \"%.120s\"", table);
    enum dt_status status = open_locked(journal, table, &file, error);
    if (!status && !(journal->stream = fdopen(file, "r+")))
        status = fail(journal, "write", errno, error);
    if (!status)
        return DT_OK;
    if (file >= 0)
        close(file);
    free(journal->path);
    *journal = (struct dt_journal){0};
    return status;
}

void dt_journal_close(struct dt_journal *journal, bool finished)
{
    struct stat is;
    if (!journal->stream)
        return;
    if (finished || (fstat(fileno(journal->stream), &is) == 0 && is.st_size == 0))
        unlink(journal->path);
    fclose(journal->stream);
    free(journal->path);
    *journal = (struct dt_journal){0};
}

/* ---- Lines --------------------------------------------------------------------- */

struct header {
    char schema[24], machine[96], version[16], compiler[64], signature[20], seed[24], job[20];
};

static const struct dt_field header_fields[] = {
    DT_FIELD(header, schema, dt_codec_text),    DT_FIELD(header, machine, dt_codec_text),
    DT_FIELD(header, version, dt_codec_text),   DT_FIELD(header, compiler, dt_codec_text),
    DT_FIELD(header, signature, dt_codec_text), DT_FIELD(header, seed, dt_codec_text),
    DT_FIELD(header, job, dt_codec_text),
};

static struct header header_of(const struct dt_session *session, uint64_t job)
{
    struct header h = {.schema = SCHEMA};
    memcpy(h.machine, session->machine[3], sizeof h.machine);
    memcpy(h.version, session->build.version, sizeof h.version);
    memcpy(h.compiler, session->build.compiler, sizeof h.compiler);
    memcpy(h.signature, session->build.signature, sizeof h.signature);
    snprintf(h.seed, sizeof h.seed, "%" PRIu64, session->seed);
    snprintf(h.job, sizeof h.job, "%016" PRIx64, job);
    return h;
}

struct done {
    char done[16], problem[DT_PROBLEM_TEXT_MAX];
    size_t records;
    bool complete;
};

static const struct dt_field done_fields[] = {
    DT_FIELD(done, done, dt_codec_text),
    DT_FIELD(done, problem, dt_codec_text),
    DT_FIELD(done, records, dt_codec_count),
    DT_FIELD(done, complete, dt_codec_flag),
};

/* Every line that is not a record begins with its first member. */
#define DONE_BEGINS "{\"done\":"

static enum dt_status write_line(struct dt_journal *journal, const struct dt_field *fields,
                                 size_t count, const void *base, struct dt_error *error)
{
    json_t *object = dt_fields_encode(fields, count, base);
    char *line = object ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    if (!line)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a line of \"%.120s\"",
                            journal->path);
    const bool written = fprintf(journal->stream, "%s\n", line) > 0;
    const int reason = errno;
    free(line);
    return written ? DT_OK : fail(journal, "write", reason, error);
}

static enum dt_status parse_line(const char *line, size_t length, const struct dt_field *fields,
                                 size_t count, void *base, struct dt_error *error)
{
    json_error_t reason;
    json_t *object = json_loadb(line, length, JSON_REJECT_DUPLICATES, &reason);
    if (!object)
        return dt_error_set(error, DT_INVALID, "no JSON object: %.100s", reason.text);
    enum dt_status status = dt_fields_decode(fields, count, object, base, "", error);
    json_decref(object);
    return status;
}

static enum dt_status make_last(struct dt_journal *journal, struct dt_error *error)
{
    if (fflush(journal->stream) != 0 || fdatasync(fileno(journal->stream)) != 0)
        return fail(journal, "write", errno, error);
    return DT_OK;
}

enum dt_status dt_journal_begin(struct dt_journal *journal, const struct dt_session *session,
                                uint64_t job, struct dt_error *error)
{
    const struct header header = header_of(session, job);
    rewind(journal->stream);
    if (ftruncate(fileno(journal->stream), 0) != 0)
        return fail(journal, "write", errno, error);
    enum dt_status status =
        write_line(journal, header_fields, COUNT(header_fields), &header, error);
    return status ? status : make_last(journal, error);
}

enum dt_status dt_journal_add(struct dt_journal *journal, const struct dt_journal_entry *entry,
                              const struct dt_records *records, struct dt_error *error)
{
    struct done done = {.records = entry->count, .complete = entry->complete};
    enum dt_status status = DT_OK;
    snprintf(done.done, sizeof done.done, "%s", dt_op_name(entry->op));
    dt_problem_print(&entry->problem, done.problem);
    for (size_t r = 0; r < entry->count && !status; r++)
        status = dt_record_write(journal->stream, &records->session,
                                 &records->items[entry->first + r], error);
    if (status == DT_IO)
        return fail(journal, "write", errno, error);
    if (!status)
        status = write_line(journal, done_fields, COUNT(done_fields), &done, error);
    return status ? status : make_last(journal, error);
}

/* ---- Reading ------------------------------------------------------------------- */

struct reader {
    struct dt_records found; /* with those of a problem that is not finished */
    struct dt_journal_entry *entries;
    size_t entry_count, room;
    size_t pending; /* records of found that no entry has */
    size_t end;     /* bytes up to the last entry */
};

static enum dt_status grow(void **items, size_t count, size_t *room, size_t size,
                           struct dt_error *error)
{
    if (count < *room)
        return DT_OK;
    const size_t wanted = *room ? 2 * *room : 16;
    void *grown = realloc(*items, wanted * size);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a journal of %zu lines", wanted);
    *items = grown;
    *room = wanted;
    return DT_OK;
}

static enum dt_status check_header(const char *line, size_t length, const struct header *expected,
                                   struct dt_error *error)
{
    struct header h = {0};
    enum dt_status status =
        parse_line(line, length, header_fields, COUNT(header_fields), &h, error);
    if (status)
        return status;
    const struct {
        const char *name, *found, *expected;
    } parts[] = {
        {"schema", h.schema, expected->schema},
        {"machine", h.machine, expected->machine},
        {"version of disentune", h.version, expected->version},
        {"build", h.compiler, expected->compiler},
        {"set of variants", h.signature, expected->signature},
        {"--seed", h.seed, expected->seed},
        {"set of problems, --op, --variant or --threads", h.job, expected->job},
    };
    for (size_t n = 0; n < COUNT(parts); n++)
        if (strcmp(parts[n].found, parts[n].expected) != 0)
            return dt_error_set(error, DT_INVALID, "of another %s; to begin anew, omit --resume",
                                parts[n].name);
    return DT_OK;
}

static enum dt_status add_record(struct reader *r, const char *line, size_t length,
                                 struct dt_error *error)
{
    if (r->found.count == RECORDS_MAX)
        return dt_error_set(error, DT_INVALID, "more than %zu records", RECORDS_MAX);
    enum dt_status status =
        grow((void **)&r->found.items, r->found.count, &r->room, sizeof *r->found.items, error);
    if (status)
        return status;
    struct dt_record *record = &r->found.items[r->found.count];
    *record = (struct dt_record){0};
    status = dt_record_parse(line, length, &r->found.session, record, error);
    if (status)
        return status;
    r->found.count++;
    r->pending++;
    return DT_OK;
}

static enum dt_status add_entry(struct reader *r, const char *line, size_t length, size_t end,
                                struct dt_error *error)
{
    struct done done = {.records = 0};
    struct dt_journal_entry entry;
    enum dt_status status = parse_line(line, length, done_fields, COUNT(done_fields), &done, error);
    if (!status)
        status = dt_problem_parse(done.problem, &entry.problem, error);
    if (status)
        return status;
    entry.op = dt_op_parse(done.done);
    entry.count = done.records;
    entry.first = r->found.count - r->pending;
    entry.complete = done.complete;
    bool agrees = entry.count == r->pending && entry.op != DT_OP_COUNT;
    for (size_t n = entry.first; n < r->found.count && agrees; n++)
        agrees = r->found.items[n].op == entry.op &&
                 memcmp(&r->found.items[n].problem, &entry.problem, sizeof entry.problem) == 0;
    if (!agrees)
        return dt_error_set(error, DT_INVALID, "the records before it are not those of \"%.60s\"",
                            done.problem);
    struct dt_journal_entry *grown = realloc(r->entries, (r->entry_count + 1) * sizeof *r->entries);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a journal");
    r->entries = grown;
    r->entries[r->entry_count++] = entry;
    r->pending = 0;
    r->end = end;
    return DT_OK;
}

/* Refuses a record's session that is not of the header's machine and build; the table's records
 * are made of it. */
static enum dt_status check_session(const struct dt_session *found,
                                    const struct dt_session *expected, struct dt_error *error)
{
    if (memcmp(found->machine, expected->machine, sizeof found->machine) == 0 &&
        found->seed == expected->seed &&
        strcmp(found->build.signature, expected->build.signature) == 0)
        return DT_OK;
    return dt_error_set(error, DT_INVALID, "a record of another machine, build or seed");
}

static enum dt_status read_lines(struct reader *r, const char *text, size_t size,
                                 const struct header *header, const struct dt_session *session,
                                 size_t *number, struct dt_error *error)
{
    const char *at = text, *end;
    enum dt_status status = DT_OK;
    for (*number = 1; !status && (end = memchr(at, '\n', size - (size_t)(at - text)));
         at = end + 1, *number += !status) {
        const size_t length = (size_t)(end - at);
        if (*number == 1)
            status = check_header(at, length, header, error);
        else if (length >= strlen(DONE_BEGINS) && memcmp(at, DONE_BEGINS, strlen(DONE_BEGINS)) == 0)
            status = add_entry(r, at, length, (size_t)(end + 1 - text), error);
        else if (!(status = add_record(r, at, length, error)))
            status = check_session(&r->found.session, session, error);
    }
    return status;
}

static enum dt_status read_text(struct dt_journal *journal, char **text, size_t *size,
                                struct dt_error *error)
{
    struct stat is;
    if (fstat(fileno(journal->stream), &is) != 0)
        return fail(journal, "read", errno, error);
    if ((uintmax_t)is.st_size > DT_JOURNAL_BYTES_MAX)
        return dt_error_set(error, DT_INVALID, "\"%.120s\" has %jd bytes; at most %zu are read",
                            journal->path, (intmax_t)is.st_size, DT_JOURNAL_BYTES_MAX);
    *text = malloc((size_t)is.st_size + 1);
    if (!*text)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to read \"%.120s\"", journal->path);
    rewind(journal->stream);
    *size = fread(*text, 1, (size_t)is.st_size, journal->stream);
    if (!ferror(journal->stream))
        return DT_OK;
    free(*text);
    return fail(journal, "read", errno, error);
}

/* Puts file and line in front of a message; what it quotes is made printable. */
static enum dt_status locate(const struct dt_journal *journal, size_t number, enum dt_status status,
                             struct dt_error *error)
{
    char reason[sizeof error->text];
    if (!error)
        return status;
    memcpy(reason, error->text, sizeof reason);
    for (char *c = reason; *c; c++)
        if (*c < 0x20 || *c > 0x7e)
            *c = '?';
    return dt_error_set(error, status, "%.120s:%zu: %.120s", journal->path, number, reason);
}

/* What comes after the last entry goes; the stream stands at the end. */
static enum dt_status cut(struct dt_journal *journal, size_t end, struct dt_error *error)
{
    if (ftruncate(fileno(journal->stream), (off_t)end) != 0 ||
        fseek(journal->stream, 0, SEEK_END) != 0)
        return fail(journal, "write", errno, error);
    return DT_OK;
}

static enum dt_status take_over(struct reader *r, struct dt_records *records,
                                struct dt_journal_entry **entries, size_t *count,
                                struct dt_error *error)
{
    const size_t kept = r->found.count - r->pending;
    struct dt_record *grown =
        realloc(records->items, (records->count + kept + 1) * sizeof *records->items);
    if (!grown)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu records", kept);
    records->items = grown;
    memcpy(grown + records->count, r->found.items, kept * sizeof *grown);
    for (size_t n = 0; n < kept; n++)
        r->found.items[n].ns = NULL;
    for (size_t e = 0; e < r->entry_count; e++)
        r->entries[e].first += records->count;
    records->count += kept;
    if (kept > 0)
        records->session = r->found.session;
    *entries = r->entries;
    *count = r->entry_count;
    r->entries = NULL;
    return DT_OK;
}

enum dt_status dt_journal_resume(struct dt_journal *journal, uint64_t job,
                                 struct dt_records *records, struct dt_journal_entry **entries,
                                 size_t *count, struct dt_error *error)
{
    const struct header header = header_of(&records->session, job);
    struct reader r = {.end = 0};
    char *text = NULL;
    size_t size = 0, number = 0;
    *entries = NULL;
    *count = 0;
    enum dt_status status = read_text(journal, &text, &size, error);
    if (status)
        return status;
    status = read_lines(&r, text, size, &header, &records->session, &number, error);
    if (status)
        locate(journal, number, status, error);
    free(text);
    if (!status && r.entry_count > 0) {
        status = cut(journal, r.end, error);
        if (!status)
            status = take_over(&r, records, entries, count, error);
    }
    free(r.entries);
    dt_records_clear(&r.found);
    return status;
}
