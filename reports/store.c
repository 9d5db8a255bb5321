/* SPDX-License-Identifier: MIT */
#include "reports/store.h"

#include "kernels/error.h"
#include "reports/store_rows.h"
#include "reports/store_schema.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { WAIT_MS = 10000 };

int dt_store_schema(void) { return (int)dt_store_step_count; }

static bool read_number(const struct dt_store *store, const char *sql, int *number)
{
    sqlite3_stmt *row = NULL;
    const bool found = sqlite3_prepare_v2(store->db, sql, -1, &row, NULL) == SQLITE_OK &&
                       sqlite3_step(row) == SQLITE_ROW;
    *number = found ? sqlite3_column_int(row, 0) : 0;
    sqlite3_finalize(row);
    return found;
}

/* ---- The schema ------------------------------------------------------------ */

/* Of a file that may be ours: its schema. A database of another program is refused. */
static enum dt_status read_schema(const struct dt_store *store, int *schema, struct dt_error *error)
{
    int application, tables;
    if (!read_number(store, "PRAGMA application_id", &application) ||
        !read_number(store, "PRAGMA user_version", schema) ||
        !read_number(store, "SELECT count(*) FROM sqlite_schema", &tables))
        return dt_store_fail(store, "read", error);
    const bool empty = application == 0 && *schema == 0 && tables == 0;
    if (!empty && application != DT_STORE_APPLICATION)
        return dt_error_set(error, DT_INVALID,
                            "\"%.120s\" is a database of another program; name another file",
                            store->path);
    if (*schema < 0 || *schema > dt_store_schema())
        return dt_error_set(error, DT_INVALID,
                            "\"%.120s\" has schema %d, this program knows %d at most; use a newer "
                            "disentune",
                            store->path, *schema, dt_store_schema());
    return DT_OK;
}

static enum dt_status take_steps(const struct dt_store *store, int from, struct dt_error *error)
{
    char sql[96];
    snprintf(sql, sizeof sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
             DT_STORE_APPLICATION, dt_store_schema());
    for (size_t step = (size_t)from; step < dt_store_step_count; step++)
        if (sqlite3_exec(store->db, dt_store_steps[step], NULL, NULL, NULL))
            return dt_store_fail(store, "migrate", error);
    return sqlite3_exec(store->db, sql, NULL, NULL, NULL) ? dt_store_fail(store, "migrate", error)
                                                          : DT_OK;
}

/* Takes the lock of a writer, so that a store that cannot be written to is known, and migrates it.
 * The schema is read again: another process may have been faster. */
static enum dt_status migrate(const struct dt_store *store, struct dt_error *error)
{
    int schema;
    if (sqlite3_exec(store->db, "BEGIN IMMEDIATE", NULL, NULL, NULL))
        return dt_store_fail(store, "write to", error);
    enum dt_status status = read_schema(store, &schema, error);
    if (!status && schema < dt_store_schema())
        status = take_steps(store, schema, error);
    if (!status && sqlite3_exec(store->db, "COMMIT", NULL, NULL, NULL))
        status = dt_store_fail(store, "write to", error);
    if (status)
        sqlite3_exec(store->db, "ROLLBACK", NULL, NULL, NULL);
    return status;
}

/* ---- The file -------------------------------------------------------------- */

static enum dt_status check_file(const char *path, enum dt_store_mode mode, struct dt_error *error)
{
    struct stat is;
    if (stat(path, &is) != 0) {
        if (errno == ENOENT && mode == DT_STORE_WRITE)
            return DT_OK;
        return dt_error_set(error, DT_IO, "cannot open \"%.120s\": %s", path, strerror(errno));
    }
    if (S_ISDIR(is.st_mode))
        return dt_error_set(error, DT_IO, "cannot open \"%.120s\": %s", path, strerror(EISDIR));
    if (!S_ISREG(is.st_mode))
        return dt_error_set(error, DT_INVALID, "\"%.120s\" is not a regular file", path);
    return DT_OK;
}

/* WAL: a reader and a writer at once, and what was committed survives a kill. Foreign keys make
 * dropping a session drop what it found. A file is not trusted: its schema must call nothing. */
static const char settings[] = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
                               "PRAGMA foreign_keys = ON; PRAGMA synchronous = NORMAL";

static enum dt_status set_up(const struct dt_store *store, enum dt_store_mode mode,
                             struct dt_error *error)
{
    int schema;
    sqlite3_busy_timeout(store->db, WAIT_MS);
    if (sqlite3_exec(store->db, settings, NULL, NULL, NULL))
        return dt_store_fail(store, "open", error);
    enum dt_status status = read_schema(store, &schema, error);
    if (status)
        return status;
    if (mode == DT_STORE_READ && schema == 0)
        return dt_error_set(error, DT_INVALID, "\"%.120s\" is empty; it holds no store",
                            store->path);
    if (mode == DT_STORE_READ && schema == dt_store_schema())
        return DT_OK;
    if (sqlite3_exec(store->db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL))
        return dt_store_fail(store, "write to", error);
    return migrate(store, error);
}

/* On a medium that cannot be written to SQLite reads a file in WAL mode only if it is told that
 * nobody changes it. Then no log may lie beside it. */
static bool is_locked_away(const struct dt_store *store, enum dt_store_mode mode)
{
    const int code = sqlite3_errcode(store->db) & 0xff;
    char log[PATH_MAX];
    struct stat is;
    snprintf(log, sizeof log, "%s-wal", store->path);
    return mode == DT_STORE_READ && (code == SQLITE_READONLY || code == SQLITE_CANTOPEN) &&
           stat(log, &is) != 0;
}

static bool open_immutable(struct dt_store *store)
{
    char name[3 * PATH_MAX + 32] = "file:";
    size_t used = strlen(name);
    for (const char *c = store->path; *c && used < 3 * PATH_MAX; c++)
        used += (size_t)snprintf(name + used, 4, strchr("?#%", *c) ? "%%%02X" : "%c",
                                 (unsigned char)*c);
    snprintf(name + used, sizeof name - used, "?immutable=1");
    sqlite3_close(store->db);
    store->db = NULL;
    return sqlite3_open_v2(name, &store->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) ==
           SQLITE_OK;
}

static enum dt_status open_file(struct dt_store *store, enum dt_store_mode mode,
                                struct dt_error *error)
{
    const int flags =
        mode == DT_STORE_WRITE ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READWRITE;
    if (sqlite3_open_v2(store->path, &store->db, flags, NULL))
        return dt_store_fail(store, "open", error);
    enum dt_status status = set_up(store, mode, error);
    if (status && is_locked_away(store, mode) && open_immutable(store))
        status = set_up(store, mode, error);
    return status;
}

enum dt_status dt_store_open(const char *path, enum dt_store_mode mode, struct dt_store **opened,
                             struct dt_error *error)
{
    *opened = NULL;
    enum dt_status status = check_file(path, mode, error);
    if (status)
        return status;
    struct dt_store *store = calloc(1, sizeof *store);
    if (!store || !(store->path = strdup(path))) {
        free(store);
        return dt_error_set(error, DT_NO_MEMORY, "no memory to open \"%.120s\"", path);
    }
    status = open_file(store, mode, error);
    if (status)
        dt_store_close(store);
    else
        *opened = store;
    return status;
}

void dt_store_close(struct dt_store *store)
{
    if (!store)
        return;
    for (int t = 0; t < DT_ROWS_COUNT; t++) {
        sqlite3_finalize(store->find[t]);
        sqlite3_finalize(store->insert[t]);
        sqlite3_finalize(store->get[t]);
    }
    for (int s = 0; s < DT_STATEMENT_COUNT; s++)
        sqlite3_finalize(store->statements[s]);
    sqlite3_close(store->db);
    free(store->path);
    free(store);
}
