/* SPDX-License-Identifier: MIT */
/* Structures as rows, made from their fields. Private to reports/store*.c. */
#ifndef DISENTUNE_STORE_ROWS_H
#define DISENTUNE_STORE_ROWS_H

#include "reports/digest.h"
#include "reports/fields.h"
#include "reports/store.h"

#include <sqlite3.h>

enum dt_rows {
    DT_MACHINES,
    DT_BUILDS,
    DT_ENVIRONMENTS,
    DT_SESSIONS,
    DT_BENCHES,
    DT_RECORDS,
    DT_CANDIDATES,
    DT_CELLS,
    DT_TRIALS,
    DT_ROWS_COUNT
};

/* One table. Its columns are hash, links to other tables, and the single values among fields. */
struct dt_rows_kind {
    const char *name;
    const struct dt_fields *fields;
    size_t first; /* fields before are those of a link */
    const char *links[4];
};

extern const struct dt_rows_kind dt_rows_kinds[DT_ROWS_COUNT];

/* Statements that are not made from a table's fields. */
enum dt_statement {
    DT_ADD_CEILING,
    DT_ADD_SAMPLE,
    DT_ADD_PHASE,
    DT_ADD_PAIR,
    DT_GET_CEILINGS,
    DT_GET_SAMPLES,
    DT_GET_PHASES,
    DT_GET_PAIRS,
    DT_WIDEN_NOISE,
    DT_STATEMENT_COUNT
};

struct dt_store {
    sqlite3 *db;
    char *path;
    bool verifies; /* content against its hash, when it is read */
    sqlite3_stmt *find[DT_ROWS_COUNT], *insert[DT_ROWS_COUNT], *get[DT_ROWS_COUNT];
    sqlite3_stmt *statements[DT_STATEMENT_COUNT];
};

/* "cannot VERB "PATH": REASON" of the last call of SQLite. */
enum dt_status dt_store_fail(const struct dt_store *store, const char *verb,
                             struct dt_error *error);

/* "PATH" is damaged: WHAT. */
enum dt_status dt_store_damaged(const struct dt_store *store, const char *what,
                                struct dt_error *error);

/* Makes the statement if it is not there, and resets it. NULL: see sqlite3_errcode(). */
sqlite3_stmt *dt_store_prepare(const struct dt_store *store, sqlite3_stmt **statement,
                               const char *sql);
sqlite3_stmt *dt_store_statement(struct dt_store *store, enum dt_statement which);

/* Names the content of a structure: that of `fields`, or the JSON given, which is taken over. */
bool dt_row_digest(enum dt_rows table, const struct dt_digest *parent,
                   const struct dt_fields *fields, const void *base, struct dt_digest *digest);
bool dt_row_digest_json(enum dt_rows table, const struct dt_digest *parent, json_t *content,
                        struct dt_digest *digest);

/*
 * The row of that content, inserted if it is not there. `links` has an id for each of the table's
 * links, 0 for NULL. *fresh, if not NULL: it was not there.
 */
enum dt_status dt_row_put(struct dt_store *store, enum dt_rows table, const void *base,
                          const struct dt_digest *digest, const int64_t *links, int64_t *id,
                          bool *fresh, struct dt_error *error);

/* The columns of fields, from that of number `column` on, into base. */
enum dt_status dt_row_decode(const struct dt_store *store, sqlite3_stmt *row, int column,
                             enum dt_rows table, void *base, struct dt_error *error);

/* ", t.NAME" for each single value; false if it does not fit. */
bool dt_row_columns(enum dt_rows table, char *sql, size_t size);

/* Row `id` of a table without links into base; with store->verifies it must be what its hash says.
 */
enum dt_status dt_row_get(struct dt_store *store, enum dt_rows table, int64_t id, void *base,
                          struct dt_error *error);

/* The sessions of a selection, for a statement of dt_store_select(), which the caller finalises. */
#define DT_STORE_SELECTED                                                                          \
    "SELECT id FROM session WHERE date >= ?1 ORDER BY date DESC, run DESC, hash DESC LIMIT ?2"

enum dt_status dt_store_select(const struct dt_store *store, const char *sql,
                               const struct dt_store_selection *selection, sqlite3_stmt **statement,
                               struct dt_error *error);

#endif
