/* SPDX-License-Identifier: MIT */
#include "reports/store_rows.h"

#include "kernels/error.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))
#define SQL_BYTES 2048

static const struct dt_field machine_fields[] = {
    DT_FIELD_AS("tier0", dt_session, machine[0], dt_codec_text),
    DT_FIELD_AS("tier1", dt_session, machine[1], dt_codec_text),
    DT_FIELD_AS("tier2", dt_session, machine[2], dt_codec_text),
    DT_FIELD_AS("tier3", dt_session, machine[3], dt_codec_text),
    DT_FIELD(dt_session, cpu, dt_codec_text),
};
static const struct dt_field environment_fields[] = {
    DT_FIELD_AS("facts", dt_session, environment, dt_codec_text),
};

static const struct dt_fields machines = {machine_fields, COUNT(machine_fields)};
static const struct dt_fields environments = {environment_fields, COUNT(environment_fields)};

const struct dt_rows_kind dt_rows_kinds[DT_ROWS_COUNT] = {
    [DT_MACHINES] = {.name = "machine", .fields = &machines},
    [DT_BUILDS] = {.name = "build", .fields = &dt_build_fields},
    [DT_ENVIRONMENTS] = {.name = "environment", .fields = &environments},
    [DT_SESSIONS] = {.name = "session",
                     .fields = &dt_session_own_fields,
                     .links = {"machine", "build", "base", "environment"}},
    [DT_BENCHES] = {.name = "bench", .fields = &dt_subject_fields},
    [DT_RECORDS] = {.name = "record",
                    .fields = &dt_record_fields,
                    .first = DT_SUBJECT_KEYS,
                    .links = {"session", "bench"}},
    [DT_CANDIDATES] = {.name = "candidate",
                       .fields = &dt_candidate_fields,
                       .links = {"session", "bench"}},
    [DT_CELLS] = {.name = "cell", .fields = &dt_cell_fields, .links = {"session", "bench"}},
    [DT_TRIALS] = {.name = "trials", .fields = &dt_trial_set_fields, .links = {"session", "bench"}},
};

static size_t count_links(const struct dt_rows_kind *kind)
{
    size_t count = 0;
    while (count < COUNT(kind->links) && kind->links[count])
        count++;
    return count;
}

/* The next field that is a column, from f on; fields->count if there is none. */
static size_t next_column(const struct dt_rows_kind *kind, size_t f)
{
    while (f < kind->fields->count && kind->fields->items[f].codec->nested)
        f++;
    return f;
}

/* ---- Errors and statements ------------------------------------------------- */

enum dt_status dt_store_fail(const struct dt_store *store, const char *verb, struct dt_error *error)
{
    const int code = sqlite3_errcode(store->db) & 0xff;
    const int reason = sqlite3_system_errno(store->db);
    if (code == SQLITE_NOMEM)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to %s \"%.120s\"", verb, store->path);
    if (code == SQLITE_NOTADB)
        return dt_error_set(error, DT_INVALID,
                            "\"%.120s\" is no store of disentune; move it away or name another",
                            store->path);
    if (code == SQLITE_CORRUPT)
        return dt_error_set(error, DT_INVALID,
                            "\"%.120s\" is damaged; move it away, or restore a copy", store->path);
    if (code == SQLITE_BUSY || code == SQLITE_LOCKED)
        return dt_error_set(error, DT_IO, "cannot %s \"%.120s\": another process has it; try again",
                            verb, store->path);
    if ((code == SQLITE_IOERR || code == SQLITE_CANTOPEN) && reason)
        return dt_error_set(error, DT_IO, "cannot %s \"%.120s\": %s", verb, store->path,
                            strerror(reason));
    return dt_error_set(error, DT_IO, "cannot %s \"%.120s\": %.160s", verb, store->path,
                        sqlite3_errmsg(store->db));
}

enum dt_status dt_store_damaged(const struct dt_store *store, const char *what,
                                struct dt_error *error)
{
    return dt_error_set(error, DT_INVALID,
                        "\"%.120s\" is damaged: %.160s; move it away, or restore a copy",
                        store->path, what);
}

sqlite3_stmt *dt_store_prepare(const struct dt_store *store, sqlite3_stmt **statement,
                               const char *sql)
{
    if (!*statement &&
        sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL))
        *statement = NULL;
    else
        sqlite3_reset(*statement);
    return *statement;
}

sqlite3_stmt *dt_store_statement(struct dt_store *store, enum dt_statement which)
{
    static const char *const sql[DT_STATEMENT_COUNT] = {
        [DT_ADD_CEILING] = "INSERT INTO ceiling (session, n, name, value, unit)"
                           " VALUES (?1, ?2, ?3, ?4, ?5)",
        [DT_ADD_SAMPLE] = "INSERT INTO sample (record, n, ns) VALUES (?1, ?2, ?3)",
        [DT_ADD_PHASE] = "INSERT INTO phase (record, n, name, ns) VALUES (?1, ?2, ?3, ?4)",
        [DT_ADD_PAIR] = "INSERT INTO pair (cell, arm, n, ratio) VALUES (?1, ?2, ?3, ?4)",
        [DT_GET_CEILINGS] = "SELECT name, value, unit FROM ceiling WHERE session = ?1 ORDER BY n",
        [DT_GET_SAMPLES] = "SELECT ns FROM sample WHERE record = ?1 ORDER BY n",
        [DT_GET_PHASES] = "SELECT ns FROM phase WHERE record = ?1 ORDER BY n",
        [DT_GET_PAIRS] = "SELECT ratio FROM pair WHERE cell = ?1 AND arm = ?2 ORDER BY n",
        [DT_WIDEN_NOISE] = "UPDATE session SET noisy = max(noisy, ?2), noise_floor ="
                           " coalesce(max(noise_floor, ?3), noise_floor, ?3) WHERE id = ?1",
    };
    return dt_store_prepare(store, &store->statements[which], sql[which]);
}

/* ---- Content --------------------------------------------------------------- */

/* What is not known has no part in a name: a member that a later version adds leaves the names of
 * what was kept before as they were. */
static void forget_unknown(json_t *content)
{
    const char *key;
    json_t *value;
    void *next;
    json_object_foreach_safe(content, next, key, value)
    {
        const char *text = json_string_value(value);
        if (json_is_null(value) || json_is_false(value) || (text && !*text))
            json_object_del(content, key);
    }
}

bool dt_row_digest_json(enum dt_rows table, const struct dt_digest *parent, json_t *content,
                        struct dt_digest *digest)
{
    const char *name = dt_rows_kinds[table].name;
    forget_unknown(content);
    char *text = content ? json_dumps(content, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(content);
    if (!text)
        return false;
    *digest = dt_digest_of(NULL, name, strlen(name));
    if (parent)
        *digest = dt_digest_of(digest, parent->bytes, sizeof parent->bytes);
    *digest = dt_digest_of(digest, text, strlen(text));
    free(text);
    return true;
}

bool dt_row_digest(enum dt_rows table, const struct dt_digest *parent,
                   const struct dt_fields *fields, const void *base, struct dt_digest *digest)
{
    return dt_row_digest_json(table, parent, dt_fields_encode(fields->items, fields->count, base),
                              digest);
}

/* ---- Writing --------------------------------------------------------------- */

bool dt_row_columns(enum dt_rows table, char *sql, size_t size)
{
    const struct dt_rows_kind *kind = &dt_rows_kinds[table];
    size_t used = 0;
    *sql = '\0';
    for (size_t f = next_column(kind, kind->first); f < kind->fields->count && used < size;
         f = next_column(kind, f + 1))
        used += (size_t)snprintf(sql + used, size - used, ", t.\"%s\"", kind->fields->items[f].key);
    return used < size;
}

static bool insertion(enum dt_rows table, char sql[SQL_BYTES])
{
    const struct dt_rows_kind *kind = &dt_rows_kinds[table];
    const size_t links = count_links(kind);
    size_t values = links + 1;
    size_t used = (size_t)snprintf(sql, SQL_BYTES, "INSERT INTO \"%s\" (hash", kind->name);
    for (size_t n = 0; n < links; n++)
        used += (size_t)snprintf(sql + used, SQL_BYTES - used, ", \"%s\"", kind->links[n]);
    for (size_t f = next_column(kind, kind->first); f < kind->fields->count && used < SQL_BYTES;
         f = next_column(kind, f + 1), values++)
        used +=
            (size_t)snprintf(sql + used, SQL_BYTES - used, ", \"%s\"", kind->fields->items[f].key);
    for (size_t n = 0; n < values && used < SQL_BYTES; n++)
        used += (size_t)snprintf(sql + used, SQL_BYTES - used, "%s?", n ? ", " : ") VALUES (");
    if (used < SQL_BYTES)
        used += (size_t)snprintf(sql + used, SQL_BYTES - used, ")");
    return used < SQL_BYTES;
}

static int bind_json(sqlite3_stmt *row, int at, const json_t *json)
{
    if (json_is_string(json))
        return sqlite3_bind_text(row, at, json_string_value(json), -1, SQLITE_TRANSIENT);
    if (json_is_integer(json))
        return sqlite3_bind_int64(row, at, json_integer_value(json));
    if (json_is_real(json))
        return sqlite3_bind_double(row, at, json_real_value(json));
    if (json_is_boolean(json))
        return sqlite3_bind_int64(row, at, json_is_true(json));
    return json_is_null(json) ? sqlite3_bind_null(row, at) : SQLITE_NOMEM;
}

static int bind_fields(sqlite3_stmt *row, int at, const struct dt_rows_kind *kind, const void *base)
{
    int code = SQLITE_OK;
    for (size_t f = next_column(kind, kind->first); f < kind->fields->count && !code;
         f = next_column(kind, f + 1), at++) {
        const struct dt_field *field = &kind->fields->items[f];
        json_t *json = field->codec->encode((const char *)base + field->offset);
        code = bind_json(row, at, json);
        json_decref(json);
    }
    return code;
}

static enum dt_status insert(struct dt_store *store, enum dt_rows table, const void *base,
                             const struct dt_digest *digest, const int64_t *links, int64_t *id,
                             struct dt_error *error)
{
    const struct dt_rows_kind *kind = &dt_rows_kinds[table];
    const int count = (int)count_links(kind);
    char sql[SQL_BYTES];
    sqlite3_stmt *row =
        insertion(table, sql) ? dt_store_prepare(store, &store->insert[table], sql) : NULL;
    if (!row)
        return dt_store_fail(store, "write to", error);
    int code = sqlite3_bind_blob(row, 1, digest->bytes, DT_DIGEST_BYTES, SQLITE_TRANSIENT);
    for (int n = 0; n < count && !code; n++)
        code = links[n] ? sqlite3_bind_int64(row, n + 2, links[n]) : sqlite3_bind_null(row, n + 2);
    if (!code)
        code = bind_fields(row, count + 2, kind, base);
    if (!code)
        code = sqlite3_step(row);
    if (code == SQLITE_NOMEM)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to write to \"%.120s\"", store->path);
    if (code != SQLITE_DONE) {
        enum dt_status status = dt_store_fail(store, "write to", error);
        sqlite3_reset(row);
        return status;
    }
    sqlite3_reset(row);
    *id = sqlite3_last_insert_rowid(store->db);
    return DT_OK;
}

enum dt_status dt_row_put(struct dt_store *store, enum dt_rows table, const void *base,
                          const struct dt_digest *digest, const int64_t *links, int64_t *id,
                          bool *fresh, struct dt_error *error)
{
    char sql[96];
    snprintf(sql, sizeof sql, "SELECT id FROM \"%s\" WHERE hash = ?1", dt_rows_kinds[table].name);
    sqlite3_stmt *row = dt_store_prepare(store, &store->find[table], sql);
    if (!row ||
        sqlite3_bind_blob(row, 1, digest->bytes, DT_DIGEST_BYTES, SQLITE_TRANSIENT) != SQLITE_OK)
        return dt_store_fail(store, "read", error);
    const int code = sqlite3_step(row);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        return dt_store_fail(store, "read", error);
    *id = code == SQLITE_ROW ? sqlite3_column_int64(row, 0) : 0;
    sqlite3_reset(row);
    if (fresh)
        *fresh = code == SQLITE_DONE;
    return code == SQLITE_ROW ? DT_OK : insert(store, table, base, digest, links, id, error);
}

/* ---- Reading --------------------------------------------------------------- */

static json_t *column_json(sqlite3_stmt *row, int column, const struct dt_field *field)
{
    const sqlite3_int64 integer = sqlite3_column_int64(row, column);
    switch (sqlite3_column_type(row, column)) {
    case SQLITE_INTEGER:
        return field->codec == &dt_codec_flag && (integer == 0 || integer == 1)
                   ? json_boolean(integer)
                   : json_integer(integer);
    case SQLITE_FLOAT:
        return json_real(sqlite3_column_double(row, column));
    case SQLITE_TEXT:
        return json_stringn((const char *)sqlite3_column_text(row, column),
                            (size_t)sqlite3_column_bytes(row, column));
    default:
        return json_null();
    }
}

enum dt_status dt_row_decode(const struct dt_store *store, sqlite3_stmt *row, int column,
                             enum dt_rows table, void *base, struct dt_error *error)
{
    const struct dt_rows_kind *kind = &dt_rows_kinds[table];
    for (size_t f = next_column(kind, kind->first); f < kind->fields->count;
         f = next_column(kind, f + 1), column++) {
        const struct dt_field *field = &kind->fields->items[f];
        json_t *json = column_json(row, column, field);
        const bool right =
            json && !field->codec->decode(json, (char *)base + field->offset, field->size);
        json_decref(json);
        if (!right) {
            char what[160];
            snprintf(what, sizeof what, "%s.%s must be %s", kind->name, field->key,
                     field->codec->expected);
            return dt_store_damaged(store, what, error);
        }
    }
    return DT_OK;
}

static enum dt_status verify(const struct dt_store *store, sqlite3_stmt *row, enum dt_rows table,
                             int64_t id, const void *base, struct dt_error *error)
{
    struct dt_digest digest;
    char what[96];
    if (!dt_row_digest(table, NULL, dt_rows_kinds[table].fields, base, &digest))
        return dt_error_set(error, DT_NO_MEMORY, "no memory to read \"%.120s\"", store->path);
    if (sqlite3_column_bytes(row, 0) == DT_DIGEST_BYTES &&
        memcmp(sqlite3_column_blob(row, 0), digest.bytes, DT_DIGEST_BYTES) == 0)
        return DT_OK;
    snprintf(what, sizeof what, "row %" PRId64 " of %s is not what was written", id,
             dt_rows_kinds[table].name);
    return dt_store_damaged(store, what, error);
}

enum dt_status dt_row_get(struct dt_store *store, enum dt_rows table, int64_t id, void *base,
                          struct dt_error *error)
{
    char columns[SQL_BYTES / 2], sql[SQL_BYTES];
    if (!dt_row_columns(table, columns, sizeof columns))
        return dt_error_set(error, DT_FAILED, "table %s is too wide", dt_rows_kinds[table].name);
    snprintf(sql, sizeof sql, "SELECT t.hash%s FROM \"%s\" t WHERE t.id = ?1", columns,
             dt_rows_kinds[table].name);
    sqlite3_stmt *row = dt_store_prepare(store, &store->get[table], sql);
    if (!row || sqlite3_bind_int64(row, 1, id))
        return dt_store_fail(store, "read", error);
    const int code = sqlite3_step(row);
    if (code == SQLITE_DONE)
        return dt_store_damaged(store, "a row that another refers to is missing", error);
    if (code != SQLITE_ROW)
        return dt_store_fail(store, "read", error);
    enum dt_status status = dt_row_decode(store, row, 1, table, base, error);
    if (!status && store->verifies)
        status = verify(store, row, table, id, base, error);
    sqlite3_reset(row);
    return status;
}
