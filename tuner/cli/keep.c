/* SPDX-License-Identifier: MIT */
#include "tuner/cli/keep.h"

#include "kernels/error.h"
#include "reports/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- The file -------------------------------------------------------------- */

/* A folder of the environment; the specification of XDG has relative ones ignored. */
static const char *absolute(const char *variable)
{
    const char *folder = getenv(variable);
    return folder && *folder == '/' ? folder : NULL;
}

enum dt_status cli_store_path(const struct cli_options *options, char **path,
                              struct dt_error *error)
{
    const char *data = absolute("XDG_DATA_HOME"), *home = absolute("HOME");
    int size;
    *path = NULL;
    if (options->db && strcmp(options->db, "none") == 0)
        return DT_OK;
    if (options->db)
        size = asprintf(path, "%s", options->db);
    else if (data)
        size = asprintf(path, "%s/disentune/store.db", data);
    else if (home)
        size = asprintf(path, "%s/.local/share/disentune/store.db", home);
    else
        return dt_error_set(error, DT_IO,
                            "neither XDG_DATA_HOME nor HOME is a folder; give --db FILE, or --db "
                            "none");
    if (size >= 0)
        return DT_OK;
    *path = NULL;
    return dt_error_set(error, DT_NO_MEMORY, "no memory for the path of the store");
}

/* The folders above a file, as far as they are missing, for the user alone. */
static enum dt_status make_folders(char *path, struct dt_error *error)
{
    for (char *slash = path + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        const bool made = mkdir(path, 0700) == 0 || errno == EEXIST;
        const int reason = errno;
        if (!made)
            dt_error_set(error, DT_IO, "cannot make \"%.120s\": %s", path, strerror(reason));
        *slash = '/';
        if (!made)
            return DT_IO;
    }
    return DT_OK;
}

/* ---- Keeping --------------------------------------------------------------- */

/* What is not asked for fails once, and ends no run. */
static enum dt_status give_up(struct cli_keeper *keeper, enum dt_status status,
                              const struct dt_error *error)
{
    if (!status || keeper->asked)
        return status;
    if (status != DT_UNSUPPORTED)
        fprintf(stderr, "disentune: nothing is kept: %s\n", error->text);
    cli_keep_end(keeper);
    return DT_OK;
}

enum dt_status cli_keep_begin(struct cli_keeper *keeper, const struct cli_options *options,
                              struct dt_error *error)
{
    struct dt_store *store;
    struct dt_error reason;
    *keeper = (struct cli_keeper){.asked = options->db != NULL};
    enum dt_status status = cli_store_path(options, &keeper->path, &reason);
    if (!status && !keeper->path)
        return DT_OK;
    if (!status && !keeper->asked)
        status = make_folders(keeper->path, &reason);
    if (!status)
        status = dt_store_open(keeper->path, DT_STORE_WRITE, &store, &reason);
    if (!status)
        dt_store_close(store);
    else if (error)
        *error = reason;
    return give_up(keeper, status, &reason);
}

enum dt_status cli_keep(struct cli_keeper *keeper, const struct dt_finding *finding,
                        struct dt_error *error)
{
    struct dt_store *store;
    struct dt_error reason;
    if (!keeper->path)
        return DT_OK;
    enum dt_status status = dt_store_open(keeper->path, DT_STORE_WRITE, &store, &reason);
    if (!status) {
        status = dt_store_append(store, finding, 1, NULL, &reason);
        dt_store_close(store);
    }
    if (status && error)
        *error = reason;
    return give_up(keeper, status, &reason);
}

void cli_keep_end(struct cli_keeper *keeper)
{
    free(keeper->path);
    keeper->path = NULL;
}

/* ---- Reading --------------------------------------------------------------- */

enum dt_status cli_evidence_read(const char *path, struct dt_evidence *evidence,
                                 struct dt_error *error)
{
    struct dt_store *store;
    *evidence = (struct dt_evidence){0};
    if (strcmp(path, "-") == 0 || !dt_store_is(path))
        return dt_evidence_read(path, evidence, error);
    enum dt_status status = dt_store_open(path, DT_STORE_READ, &store, error);
    if (!status)
        status = dt_store_load(store, NULL, evidence, error);
    dt_store_close(store);
    return status;
}
