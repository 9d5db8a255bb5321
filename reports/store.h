/* SPDX-License-Identifier: MIT */
/*
 * All evidence in one SQLite file, for years and from many machines.
 *
 * What is appended is kept as it was, raw samples too, under names made from its content
 * (reports/digest.h): appending again what is there changes nothing, and stores of several machines
 * merge in any order to the same evidence. Two findings of one session that are equal in every
 * number are one. An append is one transaction, so that a kill at any moment loses no more than the
 * append under way. A session may be appended in pieces; what differs between its pieces is how
 * noisy it was so far, of which the greatest is kept.
 *
 * Several processes may append to one store at a time; each waits for some seconds for the others.
 *
 * A store of an older schema is migrated when it is opened, in one transaction, which no earlier
 * program reads any more. One of a newer schema is refused, as is what is no store.
 *
 * Errors are DT_UNSUPPORTED (this build has no SQLite), DT_IO, DT_INVALID (no store, a newer
 * schema, damaged content) and DT_NO_MEMORY.
 */
#ifndef DISENTUNE_STORE_H
#define DISENTUNE_STORE_H

#include "reports/evidence.h"

struct dt_store;

enum dt_store_mode {
    DT_STORE_READ,  /* a store that exists */
    DT_STORE_WRITE, /* it is made if it does not exist */
};

/* The caller closes *store with dt_store_close(), NULL on failure. That a store can be written to
 * is known when it was opened for it; one that is only read may lie where nothing can be written.
 */
enum dt_status dt_store_open(const char *path, enum dt_store_mode mode, struct dt_store **store,
                             struct dt_error *error);
void dt_store_close(struct dt_store *store);

/* Whether the file is an SQLite database by its first bytes: no JSON Lines. */
bool dt_store_is(const char *path);

/* Appends all findings, or none on failure. *added, if not NULL, is how many records, candidates,
 * cells and trials were not there yet. */
enum dt_status dt_store_append(struct dt_store *store, const struct dt_finding *findings,
                               size_t count, size_t *added, struct dt_error *error);

/* Some sessions of a store: those of both. */
struct dt_store_selection {
    const char *since; /* a date, "2024-05-17" or longer, which they are not before; NULL: any */
    size_t newest;     /* so many of those; 0: all */
};

/*
 * The selected sessions, all if NULL. Findings of a session are in an order that depends on their
 * content alone: two loads of one store, or of two that hold the same, give the same bytes. On
 * failure *evidence is empty.
 */
enum dt_status dt_store_load(struct dt_store *store, const struct dt_store_selection *selection,
                             struct dt_evidence *evidence, struct dt_error *error);

/* Drops the sessions that are not selected, and returns their room to the system. */
enum dt_status dt_store_drop_others(struct dt_store *store,
                                    const struct dt_store_selection *selection, size_t *dropped,
                                    struct dt_error *error);

/* Whether the file is whole, every reference leads somewhere, and everything is what it was when it
 * was appended. DT_INVALID names the first damage. */
enum dt_status dt_store_check(struct dt_store *store, struct dt_error *error);

/* The schema of this program's stores. */
int dt_store_schema(void);

#endif
