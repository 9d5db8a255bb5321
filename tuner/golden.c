/* SPDX-License-Identifier: MIT */
#include "tuner/golden.h"

#include "kernels/error.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_CASES 1000
#define MAX_JSON_BYTES 65536

/* Every error of a case.json is "PATH: WHAT". */
struct source {
    const char *path;
    struct dt_error *error;
};

static enum dt_status refuse(const struct source *source, const char *what)
{
    return dt_error_set(source->error, DT_INVALID, "\"%.140s\": %s", source->path, what);
}

static enum dt_status read_count(const json_t *json, const char *key, int32_t *value,
                                 const struct source *source)
{
    const json_t *member = json_object_get(json, key);
    const json_int_t number = json_integer_value(member);
    if (!json_is_integer(member) || number < 0 || number > INT32_MAX)
        return dt_error_set(source->error, DT_INVALID, "\"%.140s\": \"%s\" is no count",
                            source->path, key);
    *value = (int32_t)number;
    return DT_OK;
}

static enum dt_status read_counts(const json_t *json, struct dt_problem *p, int32_t *scale_terms,
                                  const struct source *source)
{
    const struct {
        const char *key;
        int32_t *value;
    } counts[] = {
        {"heads", &p->heads},
        {"nq", &p->nq},
        {"nk", &p->nk},
        {"d", &p->dim},
        {"span", &p->span},
        {"max_position", &p->max_position},
        {"scale_terms", scale_terms},
    };
    enum dt_status status = DT_OK;
    for (size_t n = 0; !status && n < sizeof counts / sizeof *counts; n++)
        status = read_count(json, counts[n].key, counts[n].value, source);
    return status;
}

static enum dt_status read_terms(const json_t *json, struct dt_problem *p,
                                 const struct source *source)
{
    const json_t *terms = json_object_get(json, "terms");
    if (!json_is_array(terms))
        return refuse(source, "\"terms\" is no list");
    p->terms = 0;
    for (size_t n = 0; n < json_array_size(terms); n++) {
        const char *term = json_string_value(json_array_get(terms, n));
        if (term && strcmp(term, "c2p") == 0 && !(p->terms & DT_C2P))
            p->terms |= DT_C2P;
        else if (term && strcmp(term, "p2c") == 0 && !(p->terms & DT_P2C))
            p->terms |= DT_P2C;
        else
            return refuse(source, "\"terms\" holds something else than one c2p and one p2c");
    }
    return DT_OK;
}

static enum dt_status read_problem(const json_t *json, struct dt_problem *p,
                                   const struct source *source)
{
    const char *delta = json_string_value(json_object_get(json, "delta"));
    const char *index = json_string_value(json_object_get(json, "p2c_index"));
    const json_t *mask = json_object_get(json, "mask");
    struct dt_error why;
    int32_t scale_terms;
    *p = (struct dt_problem){.batch = 1, .dialect = DT_MS};
    enum dt_status status = read_counts(json, p, &scale_terms, source);
    if (!status)
        status = read_terms(json, p, source);
    if (status)
        return status;
    if (!delta || (strcmp(delta, "linear") != 0 && strcmp(delta, "log") != 0))
        return refuse(source, "\"delta\" is neither linear nor log");
    if (index && strcmp(index, "delta(i,j)") != 0)
        return refuse(source, "\"p2c_index\" is not delta(i,j)");
    if (!json_is_null(mask) && !json_is_string(mask))
        return refuse(source, "\"mask\" is neither null nor a text");
    if (scale_terms != 1 + __builtin_popcount(p->terms))
        return refuse(source, "\"scale_terms\" is not one more than the position terms");
    p->bucket = strcmp(delta, "log") == 0 ? DT_LOG : DT_LINEAR;
    if (p->bucket == DT_LINEAR)
        p->max_position = 0;
    p->mask = json_is_string(mask) ? DT_MASK_PAIRS : DT_MASK_NONE;
    return dt_problem_check(p, &why) ? refuse(source, why.text) : DT_OK;
}

enum dt_status dt_golden_parse(const char *text, size_t size, const char *path,
                               struct dt_problem *problem, struct dt_error *error)
{
    const struct source source = {path, error};
    json_error_t why;
    if (size > MAX_JSON_BYTES)
        return refuse(&source, "larger than 64 KiB");
    json_t *json = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    if (!json)
        return dt_error_set(error, DT_INVALID, "\"%.120s\" line %d: %.80s", path, why.line,
                            why.text);
    enum dt_status status = read_problem(json, problem, &source);
    json_decref(json);
    return status;
}

static enum dt_status read_json(FILE *file, const char *path, struct dt_problem *problem,
                                struct dt_error *error)
{
    struct stat status;
    if (fstat(fileno(file), &status))
        return dt_error_set(error, DT_IO, "cannot read \"%.120s\": %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return dt_error_set(error, DT_INVALID, "\"%.140s\": not a regular file", path);
    char *text = malloc(MAX_JSON_BYTES + 1);
    if (!text)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for \"%.120s\"", path);
    const size_t size = fread(text, 1, MAX_JSON_BYTES + 1, file);
    enum dt_status result = ferror(file) ? dt_error_set(error, DT_IO, "cannot read \"%.120s\": %s",
                                                        path, strerror(errno))
                                         : dt_golden_parse(text, size, path, problem, error);
    free(text);
    return result;
}

static enum dt_status load_json(const char *folder, struct dt_problem *problem,
                                struct dt_error *error)
{
    char *path;
    if (asprintf(&path, "%s/case.json", folder) < 0)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a file name");
    FILE *file = dt_npy_open(path);
    enum dt_status status =
        file ? read_json(file, path, problem, error)
             : dt_error_set(error, DT_IO, "cannot read \"%.120s\": %s", path, strerror(errno));
    if (file)
        fclose(file);
    free(path);
    return status;
}

/* What an array must be: its three sides, the first 0 where there are two. */
struct wanted {
    const char *name;
    enum dt_npy_type type;
    bool present, optional;
    size_t shape[3];
};

static bool fits(const struct dt_npy *npy, const struct wanted *wanted)
{
    const int skipped = wanted->shape[0] == 0;
    bool same = npy->type == wanted->type && npy->dimensions == 3 - skipped;
    for (int n = 0; same && n < npy->dimensions; n++)
        same = npy->shape[n] == wanted->shape[n + skipped];
    return same;
}

static enum dt_status load_array(const char *folder, const struct wanted *wanted,
                                 struct dt_npy *npy, struct dt_error *error)
{
    static const char *const types[] = {[DT_NPY_F4] = "f4", [DT_NPY_F8] = "f8", [DT_NPY_U1] = "u1"};
    char *path;
    struct stat ignored;
    if (!wanted->present)
        return DT_OK;
    if (asprintf(&path, "%s/%s.npy", folder, wanted->name) < 0)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for a file name");
    enum dt_status status = DT_OK;
    if (!wanted->optional || stat(path, &ignored) == 0 || errno != ENOENT)
        status = dt_npy_read(path, npy, error);
    if (npy->data && !fits(npy, wanted))
        status =
            dt_error_set(error, DT_INVALID,
                         "\"%.120s\" is not what its case.json says: expected [%zu][%zu][%zu] %s",
                         path, wanted->shape[0] ? wanted->shape[0] : 1, wanted->shape[1],
                         wanted->shape[2], types[wanted->type]);
    free(path);
    return status;
}

static enum dt_status load_arrays(const char *folder, struct dt_golden *g, struct dt_error *error)
{
    const struct dt_problem *p = &g->problem;
    const size_t heads = (size_t)p->heads, nq = (size_t)p->nq, nk = (size_t)p->nk;
    const size_t dim = (size_t)p->dim, slots = 2 * (size_t)p->span;
    const bool c2p = p->terms & DT_C2P, p2c = p->terms & DT_P2C, mask = p->mask != DT_MASK_NONE;
    const struct wanted wanted[DT_GOLDEN_ARRAYS] = {
        [DT_GOLDEN_Q] = {"q", DT_NPY_F4, true, false, {heads, nq, dim}},
        [DT_GOLDEN_K] = {"k", DT_NPY_F4, true, false, {heads, nk, dim}},
        [DT_GOLDEN_V] = {"v", DT_NPY_F4, true, false, {heads, nk, dim}},
        [DT_GOLDEN_KR] = {"kr", DT_NPY_F4, c2p, false, {heads, slots, dim}},
        [DT_GOLDEN_QR] = {"qr", DT_NPY_F4, p2c, false, {heads, slots, dim}},
        [DT_GOLDEN_MASK] = {"mask", DT_NPY_U1, mask, false, {0, nq, nk}},
        [DT_GOLDEN_BIAS] = {"bias", DT_NPY_F8, true, true, {heads, nq, nk}},
        [DT_GOLDEN_OUT] = {"out", DT_NPY_F8, true, false, {heads, nq, dim}},
    };
    enum dt_status status = DT_OK;
    for (int n = 0; !status && n < DT_GOLDEN_ARRAYS; n++)
        status = load_array(folder, &wanted[n], &g->array[n], error);
    return status;
}

static void point_args(struct dt_golden *g)
{
    const struct dt_problem *p = &g->problem;
    const ptrdiff_t dim = p->dim;
    g->bias = g->array[DT_GOLDEN_BIAS].data;
    g->out = g->array[DT_GOLDEN_OUT].data;
    g->io = (struct dt_attention){
        .q = g->array[DT_GOLDEN_Q].data,
        .k = g->array[DT_GOLDEN_K].data,
        .v = g->array[DT_GOLDEN_V].data,
        .q_head = p->nq * dim,
        .k_head = p->nk * dim,
        .v_head = p->nk * dim,
        .q_row = dim,
        .k_row = dim,
        .v_row = dim,
        .out_head = p->nq * dim,
        .out_row = dim,
        .mask = g->array[DT_GOLDEN_MASK].data,
    };
    g->positions = (struct dt_reference_positions){
        .kr = g->array[DT_GOLDEN_KR].data,
        .qr = g->array[DT_GOLDEN_QR].data,
        .head = g->delta.slots * dim,
        .row = dim,
    };
}

enum dt_status dt_golden_load(const char *folder, struct dt_golden *g, struct dt_error *error)
{
    const size_t length = strlen(folder);
    size_t end = length;
    while (end > 1 && folder[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && folder[start - 1] != '/')
        start--;
    *g = (struct dt_golden){0};
    snprintf(g->name, sizeof g->name, "%.*s", (int)(end - start), folder + start);
    enum dt_status status = load_json(folder, &g->problem, error);
    if (!status)
        status = dt_delta_init(&g->delta, &g->problem, error);
    if (!status)
        status = load_arrays(folder, g, error);
    if (status)
        dt_golden_clear(g);
    else
        point_args(g);
    return status;
}

void dt_golden_clear(struct dt_golden *g)
{
    for (int n = 0; n < DT_GOLDEN_ARRAYS; n++)
        free(g->array[n].data);
    if (g->delta.slot)
        dt_delta_clear(&g->delta);
    *g = (struct dt_golden){0};
}

/* 1: `folder` holds a case.json; 0: it does not; -1: no memory. */
static int holds_case(const char *folder)
{
    char *path;
    struct stat ignored;
    if (asprintf(&path, "%s/case.json", folder) < 0)
        return -1;
    const int found = stat(path, &ignored) == 0;
    free(path);
    return found;
}

static bool append(char *folder, char ***folders, size_t *count)
{
    char **grown = realloc(*folders, (*count + 1) * sizeof **folders);
    if (grown) {
        grown[(*count)++] = folder;
        *folders = grown;
    } else {
        free(folder);
    }
    return grown != NULL;
}

static int visible(const struct dirent *entry) { return entry->d_name[0] != '.'; }

enum dt_status dt_golden_list(const char *folder, char ***folders, size_t *count,
                              struct dt_error *error)
{
    struct dirent **entries;
    *folders = NULL;
    *count = 0;
    if (holds_case(folder) == 1) {
        char *itself = strdup(folder);
        return itself && append(itself, folders, count)
                   ? DT_OK
                   : dt_error_set(error, DT_NO_MEMORY, "no memory for a file name");
    }
    const int found = scandir(folder, &entries, visible, alphasort);
    if (found < 0)
        return dt_error_set(error, DT_IO, "cannot read the folder \"%.120s\": %s", folder,
                            strerror(errno));
    bool whole = true;
    for (int n = 0; n < found; n++) {
        char *path = NULL;
        if (whole && *count < MAX_CASES) {
            whole = asprintf(&path, "%s/%s", folder, entries[n]->d_name) >= 0;
            const int holds = whole ? holds_case(path) : -1;
            if (holds == 1)
                whole = append(path, folders, count);
            else if (whole)
                free(path);
            whole = whole && holds >= 0;
        }
        free(entries[n]);
    }
    free(entries);
    if (whole && *count > 0)
        return DT_OK;
    dt_golden_list_free(*folders, *count);
    *folders = NULL;
    *count = 0;
    if (!whole)
        return dt_error_set(error, DT_NO_MEMORY, "no memory for the names in \"%.120s\"", folder);
    return dt_error_set(error, DT_INVALID,
                        "\"%.120s\" holds no golden case: no folder in it has a case.json", folder);
}

void dt_golden_list_free(char **folders, size_t count)
{
    for (size_t n = 0; n < count; n++)
        free(folders[n]);
    free(folders);
}
