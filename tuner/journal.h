/* SPDX-License-Identifier: MIT */
/*
 * What a tuning run has finished, beside its table: TABLE.journal. A run that was killed goes on
 * from there; a run that came to its end removes it.
 *
 *     {"schema":"disentune-journal-1","machine":"...","version":"0.1.0","compiler":"gcc ...",
 *      "signature":"8f...","seed":"1","job":"6a..."}
 *     RECORD                         as of dt_record_write(), one a line
 *     RECORD
 *     {"done":"bias","problem":"b1 h1 q512 ...","records":2,"complete":true}
 *     ...
 *
 * Records count once the line of their problem follows. It is appended and synced when the problem
 * is finished, so that a kill loses no more than the problem under way: a problem of the default
 * run takes about a second. Within a problem nothing is kept, since the search goes by the clock
 * and could not be led to where it was.
 *
 * The journal is also the lock: two processes cannot tune one table. The lock is the kernel's and
 * ends with the process, however that ends.
 *
 * A file is not trusted: it is at most DT_JOURNAL_BYTES_MAX long, must not be writable by every
 * user, and each line is checked as records are. What follows the last end of a line was torn and
 * is dropped.
 */
#ifndef DISENTUNE_JOURNAL_H
#define DISENTUNE_JOURNAL_H

#include "reports/record.h"

#define DT_JOURNAL_BYTES_MAX ((size_t)256 << 20)

struct dt_journal {
    char *path;
    FILE *stream; /* locked */
};

/* A problem that is finished, with its records. */
struct dt_journal_entry {
    enum dt_op op;
    struct dt_problem problem;
    size_t first, count; /* of the records */
    bool complete;       /* the search was not cut short */
};

/*
 * Opens and locks the journal of a table, which need not exist. The caller closes it with
 * dt_journal_close(). DT_IO (also: another process holds it), DT_INVALID, DT_NO_MEMORY.
 */
enum dt_status dt_journal_open(struct dt_journal *journal, const char *table,
                               struct dt_error *error);

/* Makes it the journal of a new run: of this machine, build and seed, and of the problems and
 * options that `job` is a digest of. DT_IO. */
enum dt_status dt_journal_begin(struct dt_journal *journal, const struct dt_session *session,
                                uint64_t job, struct dt_error *error);

/*
 * Takes up what the journal holds: appends to records, whose session becomes the journal's, and to
 * *entries, which the caller frees. Without any entry nothing is changed and *count is 0; then,
 * too, the journal is to begin. DT_INVALID, naming the line, if it is malformed or of another
 * machine, build, seed or job; DT_IO, DT_NO_MEMORY. On failure records are as they were.
 */
enum dt_status dt_journal_resume(struct dt_journal *journal, uint64_t job,
                                 struct dt_records *records, struct dt_journal_entry **entries,
                                 size_t *count, struct dt_error *error);

/* Appends a finished problem and waits until it is on disk. DT_IO, DT_NO_MEMORY. */
enum dt_status dt_journal_add(struct dt_journal *journal, const struct dt_journal_entry *entry,
                              const struct dt_records *records, struct dt_error *error);

/* Ends the lock; with `finished`, or if nothing is in it, the file is removed. */
void dt_journal_close(struct dt_journal *journal, bool finished);

#endif
