/* SPDX-License-Identifier: MIT */
#include "kernels/standing.h"

#include "kernels/error.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct dt_table *named, *installed; /* kept to the end of the process */
static char *name;                         /* of `named` */

static enum dt_status load(const char *path, struct dt_error *error)
{
    struct dt_error why;
    struct dt_table *table;
    char *copy = strdup(path);
    if (!copy)
        return dt_table_no_memory(error);
    enum dt_status status = dt_table_load(path, &table, &why);
    if (status) {
        free(copy);
        return dt_error_set(error, status, "DISENTUNE_TABLE: %.230s", why.text);
    }
    dt_table_free(named);
    free(name);
    named = table;
    name = copy;
    return DT_OK;
}

enum dt_status dt_standing_take(const struct dt_table **table, struct dt_error *error)
{
    const char *path = getenv("DISENTUNE_TABLE");
    pthread_mutex_lock(&lock);
    *table = installed;
    if (!path || !*path)
        return DT_OK;
    enum dt_status status = name && strcmp(name, path) == 0 ? DT_OK : load(path, error);
    *table = named;
    return status;
}

void dt_standing_give(void) { pthread_mutex_unlock(&lock); }

enum dt_status dt_table_install(const struct dt_table_image *image, struct dt_error *error)
{
    struct dt_table *table = NULL;
    enum dt_status status = image ? dt_table_build(image, &table, error) : DT_OK;
    if (status)
        return status;
    pthread_mutex_lock(&lock);
    struct dt_table *before = installed;
    installed = table;
    pthread_mutex_unlock(&lock);
    dt_table_free(before);
    return DT_OK;
}
