/* SPDX-License-Identifier: MIT */
/* Instead of store*.c in a build without SQLite: nothing can be opened, so the rest is not called.
 */
#include "kernels/error.h"
#include "reports/store.h"

static enum dt_status refuse(struct dt_error *error)
{
    return dt_error_set(error, DT_UNSUPPORTED,
                        "this build has no SQLite, so no store; use JSON Lines, or build it with "
                        "libsqlite3-dev");
}

enum dt_status dt_store_open(const char *path, enum dt_store_mode mode, struct dt_store **store,
                             struct dt_error *error)
{
    (void)path, (void)mode;
    *store = NULL;
    return refuse(error);
}

void dt_store_close(struct dt_store *store) { (void)store; }

enum dt_status dt_store_append(struct dt_store *store, const struct dt_finding *findings,
                               size_t count, size_t *added, struct dt_error *error)
{
    (void)store, (void)findings, (void)count, (void)added;
    return refuse(error);
}

enum dt_status dt_store_load(struct dt_store *store, const struct dt_store_selection *selection,
                             struct dt_evidence *evidence, struct dt_error *error)
{
    (void)store, (void)selection;
    *evidence = (struct dt_evidence){0};
    return refuse(error);
}

enum dt_status dt_store_drop_others(struct dt_store *store,
                                    const struct dt_store_selection *selection, size_t *dropped,
                                    struct dt_error *error)
{
    (void)store, (void)selection;
    *dropped = 0;
    return refuse(error);
}

enum dt_status dt_store_check(struct dt_store *store, struct dt_error *error)
{
    (void)store;
    return refuse(error);
}

int dt_store_schema(void) { return 0; }
