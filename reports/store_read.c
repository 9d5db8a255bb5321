/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"
#include "reports/store_rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SQL_BYTES = 2048 };

static enum dt_status no_memory(const struct dt_store *store, struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory to read \"%.120s\"", store->path);
}

/* The hash in column 0 against what the row and its children hold. */
static enum dt_status verify(const struct dt_store *store, sqlite3_stmt *row,
                             const struct dt_digest *digest, const char *name,
                             struct dt_error *error)
{
    char what[96];
    if (sqlite3_column_bytes(row, 0) == DT_DIGEST_BYTES &&
        memcmp(sqlite3_column_blob(row, 0), digest->bytes, DT_DIGEST_BYTES) == 0)
        return DT_OK;
    snprintf(what, sizeof what, "row %" PRId64 " of %s is not what was written",
             (int64_t)sqlite3_column_int64(row, 1), name);
    return dt_store_damaged(store, what, error);
}

/* After the last row: whether it was the last. */
static enum dt_status end_of_rows(const struct dt_store *store, sqlite3_stmt *rows, int code,
                                  struct dt_error *error)
{
    enum dt_status status = code == SQLITE_DONE ? DT_OK : dt_store_fail(store, "read", error);
    sqlite3_reset(rows);
    return status;
}

static double real_at(sqlite3_stmt *row, int column)
{
    return sqlite3_column_type(row, column) == SQLITE_NULL ? NAN
                                                           : sqlite3_column_double(row, column);
}

/* ---- Children -------------------------------------------------------------- */

/* The numbers of a bound statement: none, or exactly `count`. */
static enum dt_status load_reals(const struct dt_store *store, sqlite3_stmt *rows, size_t count,
                                 double **reals, struct dt_error *error)
{
    size_t n = 0;
    int code;
    bool sound = true;
    for (; (code = sqlite3_step(rows)) == SQLITE_ROW && sound; n++) {
        if (n == 0 && !(*reals = malloc((count + 1) * sizeof **reals))) {
            sqlite3_reset(rows);
            return no_memory(store, error);
        }
        const double real = real_at(rows, 0);
        sound = n < count && isfinite(real) && real >= 0;
        if (sound)
            (*reals)[n] = real;
    }
    sound = sound && (n == 0 || n == count);
    if (!sound) {
        sqlite3_reset(rows);
        return dt_store_damaged(store, "samples are missing, too many or no times", error);
    }
    return end_of_rows(store, rows, code, error);
}

static enum dt_status load_samples(struct dt_store *store, int64_t id, struct dt_record *record,
                                   struct dt_error *error)
{
    sqlite3_stmt *rows = dt_store_statement(store, DT_GET_SAMPLES);
    if (!rows || sqlite3_bind_int64(rows, 1, id))
        return dt_store_fail(store, "read", error);
    return load_reals(store, rows, record->samples, &record->ns, error);
}

static enum dt_status load_pairs(struct dt_store *store, int64_t id, const char *arm, size_t count,
                                 double **ratios, struct dt_error *error)
{
    sqlite3_stmt *rows = dt_store_statement(store, DT_GET_PAIRS);
    if (!rows || sqlite3_bind_int64(rows, 1, id) ||
        sqlite3_bind_text(rows, 2, arm, -1, SQLITE_STATIC))
        return dt_store_fail(store, "read", error);
    return load_reals(store, rows, count, ratios, error);
}

static enum dt_status load_phases(struct dt_store *store, int64_t id, struct dt_record *record,
                                  struct dt_error *error)
{
    sqlite3_stmt *rows = dt_store_statement(store, DT_GET_PHASES);
    int code, p = 0;
    if (!rows || sqlite3_bind_int64(rows, 1, id))
        return dt_store_fail(store, "read", error);
    for (; (code = sqlite3_step(rows)) == SQLITE_ROW && p < DT_PHASE_COUNT; p++)
        record->phase_ns[p] = real_at(rows, 0);
    if (code == SQLITE_ROW) {
        sqlite3_reset(rows);
        return dt_store_damaged(store, "a record has too many phases", error);
    }
    return end_of_rows(store, rows, code, error);
}

static enum dt_status load_ceilings(struct dt_store *store, int64_t id, struct dt_session *session,
                                    struct dt_error *error)
{
    sqlite3_stmt *rows = dt_store_statement(store, DT_GET_CEILINGS);
    int code;
    if (!rows || sqlite3_bind_int64(rows, 1, id))
        return dt_store_fail(store, "read", error);
    while ((code = sqlite3_step(rows)) == SQLITE_ROW && session->ceiling_count < DT_CEILINGS_MAX) {
        struct dt_ceiling *ceiling = &session->ceilings[session->ceiling_count++];
        snprintf(ceiling->name, sizeof ceiling->name, "%s",
                 (const char *)sqlite3_column_text(rows, 0));
        ceiling->value = real_at(rows, 1);
        snprintf(ceiling->unit, sizeof ceiling->unit, "%s",
                 (const char *)sqlite3_column_text(rows, 2));
    }
    if (code == SQLITE_ROW) {
        sqlite3_reset(rows);
        return dt_store_damaged(store, "a session has too many ceilings", error);
    }
    return end_of_rows(store, rows, code, error);
}

/* ---- Findings -------------------------------------------------------------- */

/* One item of whatever table, while it is read. */
union item {
    struct dt_record record;
    struct dt_candidate candidate;
    struct dt_cell cell;
    struct dt_trial_set trials;
};

static void release(enum dt_rows table, union item *item)
{
    if (table == DT_RECORDS)
        free(item->record.ns);
    if (table == DT_CELLS) {
        free(item->cell.ratios);
        free(item->cell.aa_ratios);
    }
}

static void set_subject(struct dt_record *r, const struct dt_subject *subject)
{
    r->op = subject->op;
    r->problem = subject->problem;
    r->threads = subject->threads;
    r->tile = subject->tile;
    r->chunk = subject->chunk;
    memcpy(r->variant, subject->variant, sizeof r->variant);
    memcpy(r->gemm, subject->gemm, sizeof r->gemm);
    memcpy(r->bias, subject->bias, sizeof r->bias);
    memcpy(r->softmax, subject->softmax, sizeof r->softmax);
}

static enum dt_status load_subject(struct dt_store *store, enum dt_rows table, int64_t bench,
                                   union item *item, struct dt_error *error)
{
    struct dt_subject subject = {.op = DT_OP_COUNT};
    enum dt_status status = bench ? dt_row_get(store, DT_BENCHES, bench, &subject, error) : DT_OK;
    if (table == DT_RECORDS)
        set_subject(&item->record, &subject);
    else if (table == DT_CANDIDATES)
        item->candidate.subject = subject;
    else if (table == DT_CELLS)
        item->cell.subject = subject;
    else
        item->trials.subject = subject;
    return status;
}

static enum dt_status load_children(struct dt_store *store, enum dt_rows table, int64_t id,
                                    union item *item, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    if (table == DT_RECORDS) {
        status = load_samples(store, id, &item->record, error);
        if (!status)
            status = load_phases(store, id, &item->record, error);
    } else if (table == DT_CELLS) {
        status = load_pairs(store, id, "ab", item->cell.pairs, &item->cell.ratios, error);
        if (!status)
            status = load_pairs(store, id, "aa", item->cell.aa_pairs, &item->cell.aa_ratios, error);
    }
    return status;
}

/* Columns of a row are hash, id and bench, then those of the fields. */
static enum dt_status load_item(struct dt_store *store, sqlite3_stmt *row, enum dt_rows table,
                                const struct dt_digest *session, union item *item,
                                struct dt_error *error)
{
    const struct dt_rows_kind *kind = &dt_rows_kinds[table];
    struct dt_digest digest;
    if (table == DT_RECORDS)
        dt_record_unknown(&item->record);
    enum dt_status status = load_subject(store, table, sqlite3_column_int64(row, 2), item, error);
    if (!status)
        status = dt_row_decode(store, row, 3, table, item, error);
    if (!status)
        status = load_children(store, table, sqlite3_column_int64(row, 1), item, error);
    if (status || !store->verifies)
        return status;
    if (!dt_row_digest(table, session, kind->fields, item, &digest))
        return no_memory(store, error);
    return verify(store, row, &digest, kind->name, error);
}

/* Puts the item at the end of its array. */
static bool keep(struct dt_finding *finding, enum dt_rows table, const union item *item)
{
    const struct array {
        void *items;
        size_t *count, size;
    } arrays[DT_ROWS_COUNT] = {
        [DT_RECORDS] = {finding->records.items, &finding->records.count, sizeof item->record},
        [DT_CANDIDATES] = {finding->candidates, &finding->candidate_count, sizeof item->candidate},
        [DT_CELLS] = {finding->cells, &finding->cell_count, sizeof item->cell},
        [DT_TRIALS] = {finding->trials, &finding->trial_count, sizeof item->trials},
    };
    const struct array *array = &arrays[table];
    char *grown = realloc(array->items, (*array->count + 1) * array->size);
    if (!grown)
        return false;
    memcpy(grown + (*array->count)++ * array->size, item, array->size);
    if (table == DT_RECORDS)
        finding->records.items = (struct dt_record *)(void *)grown;
    else if (table == DT_CANDIDATES)
        finding->candidates = (struct dt_candidate *)(void *)grown;
    else if (table == DT_CELLS)
        finding->cells = (struct dt_cell *)(void *)grown;
    else
        finding->trials = (struct dt_trial_set *)(void *)grown;
    return true;
}

static enum dt_status load_items(struct dt_store *store, enum dt_rows table, int64_t session,
                                 const struct dt_digest *digest, struct dt_finding *finding,
                                 struct dt_error *error)
{
    char columns[SQL_BYTES / 2], sql[SQL_BYTES];
    if (!dt_row_columns(table, columns, sizeof columns))
        return dt_error_set(error, DT_FAILED, "table %s is too wide", dt_rows_kinds[table].name);
    snprintf(sql, sizeof sql,
             "SELECT t.hash, t.id, t.bench%s FROM \"%s\" t LEFT JOIN bench b ON b.id = t.bench"
             " WHERE t.session = ?1 ORDER BY b.op, b.problem, b.threads, b.variant, b.tile, t.hash",
             columns, dt_rows_kinds[table].name);
    sqlite3_stmt *row = dt_store_prepare(store, &store->get[table], sql);
    if (!row || sqlite3_bind_int64(row, 1, session))
        return dt_store_fail(store, "read", error);
    int code;
    while ((code = sqlite3_step(row)) == SQLITE_ROW) {
        union item item;
        memset(&item, 0, sizeof item);
        enum dt_status status = load_item(store, row, table, digest, &item, error);
        if (!status && !keep(finding, table, &item))
            status = no_memory(store, error);
        if (status) {
            release(table, &item);
            sqlite3_reset(row);
            return status;
        }
    }
    return end_of_rows(store, row, code, error);
}

/* ---- Sessions -------------------------------------------------------------- */

enum dt_status dt_store_select(const struct dt_store *store, const char *sql,
                               const struct dt_store_selection *selection, sqlite3_stmt **statement,
                               struct dt_error *error)
{
    const bool some = selection && selection->newest > 0;
    const char *since = selection && selection->since ? selection->since : "";
    if (sqlite3_prepare_v2(store->db, sql, -1, statement, NULL) ||
        sqlite3_bind_text(*statement, 1, since, -1, SQLITE_TRANSIENT) ||
        sqlite3_bind_int64(*statement, 2, some ? (sqlite3_int64)selection->newest : -1))
        return dt_store_fail(store, "read", error);
    return DT_OK;
}

/* Columns are hash, id, machine, build, base, environment, then those of the fields. */
static enum dt_status load_session(struct dt_store *store, sqlite3_stmt *row,
                                   struct dt_session *session, struct dt_digest *digest,
                                   struct dt_error *error)
{
    const int64_t base = sqlite3_column_int64(row, 4);
    memset(session, 0, sizeof *session);
    enum dt_status status =
        dt_row_get(store, DT_MACHINES, sqlite3_column_int64(row, 2), session, error);
    if (!status)
        status = dt_row_get(store, DT_BUILDS, sqlite3_column_int64(row, 3), &session->build, error);
    if (!status && base)
        status = dt_row_get(store, DT_BUILDS, base, &session->base, error);
    if (!status)
        status = dt_row_get(store, DT_ENVIRONMENTS, sqlite3_column_int64(row, 5), session, error);
    if (!status)
        status = dt_row_decode(store, row, 6, DT_SESSIONS, session, error);
    if (!status)
        status = load_ceilings(store, sqlite3_column_int64(row, 1), session, error);
    if (status || !store->verifies)
        return status;
    if (!dt_row_digest_json(DT_SESSIONS, NULL, dt_session_identity(session), digest))
        return no_memory(store, error);
    return verify(store, row, digest, "session", error);
}

static enum dt_status load_finding(struct dt_store *store, sqlite3_stmt *row,
                                   struct dt_evidence *evidence, struct dt_error *error)
{
    static const enum dt_rows tables[] = {DT_RECORDS, DT_CANDIDATES, DT_CELLS, DT_TRIALS};
    struct dt_session session;
    struct dt_digest digest;
    enum dt_status status = load_session(store, row, &session, &digest, error);
    if (status)
        return status;
    struct dt_finding *finding = dt_evidence_session(evidence, &session);
    if (!finding)
        return no_memory(store, error);
    for (size_t t = 0; t < sizeof tables / sizeof *tables && !status; t++)
        status =
            load_items(store, tables[t], sqlite3_column_int64(row, 1), &digest, finding, error);
    return status;
}

static enum dt_status load_findings(struct dt_store *store,
                                    const struct dt_store_selection *selection,
                                    struct dt_evidence *evidence, struct dt_error *error)
{
    char columns[SQL_BYTES / 4], sql[SQL_BYTES];
    sqlite3_stmt *rows = NULL;
    int code = SQLITE_DONE;
    if (!dt_row_columns(DT_SESSIONS, columns, sizeof columns))
        return dt_error_set(error, DT_FAILED, "table session is too wide");
    snprintf(sql, sizeof sql,
             "SELECT t.hash, t.id, t.machine, t.build, t.base, t.environment%s FROM session t"
             " WHERE t.id IN (" DT_STORE_SELECTED ") ORDER BY t.date, t.run, t.hash",
             columns);
    enum dt_status status = dt_store_select(store, sql, selection, &rows, error);
    while (!status && (code = sqlite3_step(rows)) == SQLITE_ROW)
        status = load_finding(store, rows, evidence, error);
    if (!status && code != SQLITE_DONE)
        status = dt_store_fail(store, "read", error);
    sqlite3_finalize(rows);
    return status;
}

enum dt_status dt_store_load(struct dt_store *store, const struct dt_store_selection *selection,
                             struct dt_evidence *evidence, struct dt_error *error)
{
    *evidence = (struct dt_evidence){0};
    /* One transaction: what another process appends meanwhile is seen whole or not at all. */
    if (sqlite3_exec(store->db, "BEGIN", NULL, NULL, NULL))
        return dt_store_fail(store, "read", error);
    enum dt_status status = load_findings(store, selection, evidence, error);
    sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL);
    if (status)
        dt_evidence_clear(evidence);
    return status;
}

/* The first row of a pragma that tells of damage, if it has one but `fine`. */
static enum dt_status check_pragma(const struct dt_store *store, const char *sql, const char *fine,
                                   struct dt_error *error)
{
    sqlite3_stmt *rows = NULL;
    enum dt_status status = DT_OK;
    if (sqlite3_prepare_v2(store->db, sql, -1, &rows, NULL))
        return dt_store_fail(store, "read", error);
    const int code = sqlite3_step(rows);
    const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(rows, 0) : fine;
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        status = dt_store_fail(store, "read", error);
    else if (strcmp(text ? text : "", fine) != 0)
        status = dt_store_damaged(store, text ? text : "a text is missing", error);
    sqlite3_finalize(rows);
    return status;
}

enum dt_status dt_store_check(struct dt_store *store, struct dt_error *error)
{
    struct dt_evidence evidence;
    enum dt_status status = check_pragma(store, "PRAGMA integrity_check(1)", "ok", error);
    if (!status)
        status = check_pragma(store,
                              "SELECT 'a row of ' || \"table\" || ' refers to nothing'"
                              " FROM pragma_foreign_key_check",
                              "", error);
    if (status)
        return status;
    store->verifies = true;
    status = dt_store_load(store, NULL, &evidence, error);
    store->verifies = false;
    if (!status)
        dt_evidence_clear(&evidence);
    return status;
}
