/* SPDX-License-Identifier: MIT */
#include "kernels/error.h"
#include "reports/store_rows.h"

#include <math.h>

static enum dt_status no_memory(const struct dt_store *store, struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory to write to \"%.120s\"", store->path);
}

/* Runs a statement that returns nothing and was bound. */
static enum dt_status run(const struct dt_store *store, sqlite3_stmt *statement,
                          struct dt_error *error)
{
    const bool done = statement && sqlite3_step(statement) == SQLITE_DONE;
    enum dt_status status = done ? DT_OK : dt_store_fail(store, "write to", error);
    sqlite3_reset(statement);
    return status;
}

/* NaN is bound as NULL. */
static void bind_real(sqlite3_stmt *statement, int at, double value)
{
    if (isfinite(value))
        sqlite3_bind_double(statement, at, value);
    else
        sqlite3_bind_null(statement, at);
}

/* A row without links, which it may share with others. */
static enum dt_status put_shared(struct dt_store *store, enum dt_rows table, const void *base,
                                 int64_t *id, struct dt_error *error)
{
    struct dt_digest digest;
    if (!dt_row_digest(table, NULL, dt_rows_kinds[table].fields, base, &digest))
        return no_memory(store, error);
    return dt_row_put(store, table, base, &digest, NULL, id, NULL, error);
}

/* ---- Sessions -------------------------------------------------------------- */

static enum dt_status add_ceilings(struct dt_store *store, int64_t id,
                                   const struct dt_session *session, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t n = 0; n < session->ceiling_count && !status; n++) {
        const struct dt_ceiling *ceiling = &session->ceilings[n];
        sqlite3_stmt *row = dt_store_statement(store, DT_ADD_CEILING);
        if (!row)
            return dt_store_fail(store, "write to", error);
        sqlite3_bind_int64(row, 1, id);
        sqlite3_bind_int64(row, 2, (sqlite3_int64)n);
        sqlite3_bind_text(row, 3, ceiling->name, -1, SQLITE_STATIC);
        bind_real(row, 4, ceiling->value);
        sqlite3_bind_text(row, 5, ceiling->unit, -1, SQLITE_STATIC);
        status = run(store, row, error);
    }
    return status;
}

static enum dt_status widen_noise(struct dt_store *store, int64_t id,
                                  const struct dt_session *session, struct dt_error *error)
{
    sqlite3_stmt *row = dt_store_statement(store, DT_WIDEN_NOISE);
    if (!row)
        return dt_store_fail(store, "write to", error);
    sqlite3_bind_int64(row, 1, id);
    sqlite3_bind_int64(row, 2, session->noisy);
    bind_real(row, 3, session->noise_floor);
    return run(store, row, error);
}

static enum dt_status put_session(struct dt_store *store, const struct dt_session *session,
                                  int64_t *id, struct dt_digest *digest, struct dt_error *error)
{
    int64_t links[4] = {0};
    bool fresh;
    enum dt_status status = put_shared(store, DT_MACHINES, session, &links[0], error);
    if (!status)
        status = put_shared(store, DT_BUILDS, &session->build, &links[1], error);
    if (!status && *session->base.version)
        status = put_shared(store, DT_BUILDS, &session->base, &links[2], error);
    if (!status)
        status = put_shared(store, DT_ENVIRONMENTS, session, &links[3], error);
    if (status)
        return status;
    if (!dt_row_digest_json(DT_SESSIONS, NULL, dt_session_identity(session), digest))
        return no_memory(store, error);
    status = dt_row_put(store, DT_SESSIONS, session, digest, links, id, &fresh, error);
    if (status)
        return status;
    return fresh ? add_ceilings(store, *id, session, error)
                 : widen_noise(store, *id, session, error);
}

/* ---- Findings -------------------------------------------------------------- */

/* Where a finding goes, and how many were not there yet. */
struct place {
    struct dt_store *store;
    int64_t session;
    struct dt_digest digest; /* of the session */
    size_t added;
};

/* A row of a session; `subject` NULL: of no bench. */
static enum dt_status put_finding(struct place *place, enum dt_rows table, const void *base,
                                  const struct dt_subject *subject, int64_t *id, bool *fresh,
                                  struct dt_error *error)
{
    int64_t links[2] = {place->session, 0};
    struct dt_digest digest;
    if (!dt_fits(dt_rows_kinds[table].fields, base))
        return dt_error_set(error, DT_INVALID, "a %s has more than %zu samples",
                            dt_rows_kinds[table].name, DT_CODEC_COUNT_MAX);
    enum dt_status status =
        subject ? put_shared(place->store, DT_BENCHES, subject, &links[1], error) : DT_OK;
    if (status)
        return status;
    if (!dt_row_digest(table, &place->digest, dt_rows_kinds[table].fields, base, &digest))
        return no_memory(place->store, error);
    status = dt_row_put(place->store, table, base, &digest, links, id, fresh, error);
    place->added += !status && *fresh;
    return status;
}

static enum dt_status add_samples(struct dt_store *store, int64_t id,
                                  const struct dt_record *record, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t n = 0; record->ns && n < record->samples && !status; n++) {
        sqlite3_stmt *row = dt_store_statement(store, DT_ADD_SAMPLE);
        if (!row)
            return dt_store_fail(store, "write to", error);
        sqlite3_bind_int64(row, 1, id);
        sqlite3_bind_int64(row, 2, (sqlite3_int64)n);
        sqlite3_bind_double(row, 3, record->ns[n]);
        status = run(store, row, error);
    }
    return status;
}

static enum dt_status add_phases(struct dt_store *store, int64_t id, const struct dt_record *record,
                                 struct dt_error *error)
{
    enum dt_status status = DT_OK;
    bool known = false;
    for (int p = 0; p < DT_PHASE_COUNT; p++)
        known |= isfinite(record->phase_ns[p]);
    for (int p = 0; known && p < DT_PHASE_COUNT && !status; p++) {
        sqlite3_stmt *row = dt_store_statement(store, DT_ADD_PHASE);
        if (!row)
            return dt_store_fail(store, "write to", error);
        sqlite3_bind_int64(row, 1, id);
        sqlite3_bind_int64(row, 2, p);
        sqlite3_bind_text(row, 3, dt_phase_name((enum dt_phase)p), -1, SQLITE_STATIC);
        bind_real(row, 4, record->phase_ns[p]);
        status = run(store, row, error);
    }
    return status;
}

static enum dt_status add_pairs(struct dt_store *store, int64_t id, const char *arm,
                                const double *ratios, size_t count, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t n = 0; ratios && n < count && !status; n++) {
        sqlite3_stmt *row = dt_store_statement(store, DT_ADD_PAIR);
        if (!row)
            return dt_store_fail(store, "write to", error);
        sqlite3_bind_int64(row, 1, id);
        sqlite3_bind_text(row, 2, arm, -1, SQLITE_STATIC);
        sqlite3_bind_int64(row, 3, (sqlite3_int64)n);
        sqlite3_bind_double(row, 4, ratios[n]);
        status = run(store, row, error);
    }
    return status;
}

static enum dt_status put_record(struct place *place, const struct dt_record *record,
                                 struct dt_error *error)
{
    const struct dt_subject subject = dt_record_subject(record);
    int64_t id;
    bool fresh;
    enum dt_status status = put_finding(place, DT_RECORDS, record, &subject, &id, &fresh, error);
    if (!status && fresh)
        status = add_samples(place->store, id, record, error);
    if (!status && fresh)
        status = add_phases(place->store, id, record, error);
    return status;
}

static enum dt_status put_cell(struct place *place, const struct dt_cell *cell,
                               struct dt_error *error)
{
    int64_t id;
    bool fresh;
    enum dt_status status = put_finding(place, DT_CELLS, cell, &cell->subject, &id, &fresh, error);
    if (!status && fresh)
        status = add_pairs(place->store, id, "ab", cell->ratios, cell->pairs, error);
    if (!status && fresh)
        status = add_pairs(place->store, id, "aa", cell->aa_ratios, cell->aa_pairs, error);
    return status;
}

static enum dt_status put_all(struct place *place, const struct dt_finding *finding,
                              struct dt_error *error)
{
    int64_t id;
    bool fresh;
    enum dt_status status = put_session(place->store, &finding->records.session, &place->session,
                                        &place->digest, error);
    for (size_t n = 0; n < finding->records.count && !status; n++)
        status = put_record(place, &finding->records.items[n], error);
    for (size_t n = 0; n < finding->candidate_count && !status; n++)
        status = put_finding(place, DT_CANDIDATES, &finding->candidates[n],
                             &finding->candidates[n].subject, &id, &fresh, error);
    for (size_t n = 0; n < finding->cell_count && !status; n++)
        status = put_cell(place, &finding->cells[n], error);
    for (size_t n = 0; n < finding->trial_count && !status; n++) {
        const struct dt_trial_set *trials = &finding->trials[n];
        const struct dt_subject *subject =
            trials->subject.op == DT_OP_COUNT ? NULL : &trials->subject;
        status = put_finding(place, DT_TRIALS, trials, subject, &id, &fresh, error);
    }
    return status;
}

/* ---- Transactions ---------------------------------------------------------- */

/* What comes between BEGIN IMMEDIATE and COMMIT, all or nothing. */
static enum dt_status end(struct dt_store *store, enum dt_status status, struct dt_error *error)
{
    if (!status && sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL))
        status = dt_store_fail(store, "write to", error);
    if (status)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

enum dt_status dt_store_append(struct dt_store *store, const struct dt_finding *findings,
                               size_t count, size_t *added, struct dt_error *error)
{
    struct place place = {.store = store};
    enum dt_status status = DT_OK;
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
        return dt_store_fail(store, "write to", error);
    for (size_t n = 0; n < count && !status; n++)
        status = put_all(&place, &findings[n], error);
    status = end(store, status, error);
    if (added)
        *added = status ? 0 : place.added;
    return status;
}

/* Without sessions, nobody refers to what they had in common. */
static const char drop_unused[] =
    "DELETE FROM bench WHERE id NOT IN (SELECT bench FROM record UNION SELECT bench FROM candidate"
    " UNION SELECT bench FROM cell UNION SELECT bench FROM trials WHERE bench IS NOT NULL);"
    "DELETE FROM machine WHERE id NOT IN (SELECT machine FROM session);"
    "DELETE FROM environment WHERE id NOT IN (SELECT environment FROM session);"
    "DELETE FROM build WHERE id NOT IN (SELECT build FROM session UNION"
    " SELECT base FROM session WHERE base IS NOT NULL);";

enum dt_status dt_store_drop_others(struct dt_store *store,
                                    const struct dt_store_selection *selection, size_t *dropped,
                                    struct dt_error *error)
{
    sqlite3_stmt *others = NULL;
    *dropped = 0;
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
        return dt_store_fail(store, "write to", error);
    enum dt_status status =
        dt_store_select(store, "DELETE FROM session WHERE id NOT IN (" DT_STORE_SELECTED ")",
                        selection, &others, error);
    if (!status)
        status = run(store, others, error);
    const size_t gone = (size_t)sqlite3_changes(store->db);
    sqlite3_finalize(others);
    if (!status && sqlite3_exec(store->db, drop_unused, NULL, NULL, NULL))
        status = dt_store_fail(store, "write to", error);
    status = end(store, status, error);
    if (status)
        return status;
    *dropped = gone;
    return sqlite3_exec(store->db, "VACUUM", NULL, NULL, NULL)
               ? dt_store_fail(store, "shrink", error)
               : DT_OK;
}
