/* SPDX-License-Identifier: MIT */
#include "kernels/table.h"

#include "kernels/error.h"
#include "kernels/index.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Records ---------------------------------------------------------------- */

#define COMPARE(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_problems(const struct dt_problem *a, const struct dt_problem *b)
{
    const int64_t order[][2] = {
        {a->bucket, b->bucket},   {a->span, b->span},     {a->max_position, b->max_position},
        {a->terms, b->terms},     {a->layout, b->layout}, {a->dtype, b->dtype},
        {a->dialect, b->dialect}, {a->mask, b->mask},     {a->batch, b->batch},
        {a->heads, b->heads},     {a->dim, b->dim},       {a->nq, b->nq},
        {a->nk, b->nk},
    };
    for (size_t n = 0; n < sizeof order / sizeof *order; n++)
        if (order[n][0] != order[n][1])
            return COMPARE(order[n][0], order[n][1]);
    return 0;
}

int dt_table_compare(const struct dt_table_record *a, const struct dt_table_record *b)
{
    int order = COMPARE(a->op, b->op);
    if (!order)
        order = compare_problems(&a->problem, &b->problem);
    if (!order)
        order = COMPARE(a->threads, b->threads);
    for (int tier = 0; !order && tier < DT_MACHINE_TIERS; tier++)
        order = strcmp(a->machine.tier[tier], b->machine.tier[tier]);
    return order ? order : strcmp(a->origin.signature, b->origin.signature);
}

int dt_origin_compare(const struct dt_origin *a, const struct dt_origin *b)
{
    int order = strverscmp(a->version, b->version);
    if (!order)
        order = strcmp(a->version, b->version);
    if (!order)
        order = strcmp(a->signature, b->signature);
    return order ? order : strcmp(a->compiler, b->compiler);
}

static bool is_printable(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c < ' ' || *c > '~')
            return false;
    return true;
}

/* '9' stands for a digit. */
static bool is_date(const char *text)
{
    const char *form = "9999-99-99T99:99:99Z";
    for (; *form && *text; form++, text++)
        if (*form == '9' ? *text < '0' || *text > '9' : *text != *form)
            return false;
    return !*form && !*text;
}

/* Whether exactly the parts are named that the choice needs, and its chunk is one. */
static enum dt_status check_parts(const struct dt_table_record *r, struct dt_error *error)
{
    const struct dt_choice *c = &r->choice;
    const bool made = dt_choice_has_parts(c);
    const struct {
        const struct dt_variant *variant;
        enum dt_op op;
        bool needed;
    } parts[] = {{c->gemm, DT_OP_GEMM, made},
                 {c->bias, DT_OP_BIAS, made && r->problem.terms != 0},
                 {c->softmax, DT_OP_SOFTMAX, made}};
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++) {
        const char *op = dt_op_name(parts[n].op);
        if (!parts[n].variant == parts[n].needed)
            return dt_error_set(error, DT_INVALID,
                                parts[n].needed ? "%s needs a %s" : "%s takes no %s",
                                c->variant->name, op);
        if (parts[n].variant && parts[n].variant->op != parts[n].op)
            return dt_error_set(error, DT_INVALID, "%s is no variant of %s", parts[n].variant->name,
                                op);
        if (parts[n].variant && !dt_part_fits(c->variant, parts[n].variant))
            return dt_error_set(error, DT_INVALID, "%s cannot be a part of %s",
                                parts[n].variant->name, c->variant->name);
    }
    if (!dt_chunk_fits(c))
        return dt_error_set(error, DT_INVALID, "%s takes no chunk of %" PRId32, c->variant->name,
                            c->chunk);
    return DT_OK;
}

static bool is_ratio(double x) { return isnan(x) || (isfinite(x) && x > 0); }

enum dt_status dt_table_record_check(const struct dt_table_record *r, struct dt_error *error)
{
    enum dt_status status = dt_problem_check(&r->problem, error);
    if (status)
        return status;
    const struct dt_problem class = dt_problem_class(r->op, &r->problem);
    if (compare_problems(&class, &r->problem) != 0) {
        char text[DT_PROBLEM_TEXT_MAX];
        return dt_error_set(error, DT_INVALID, "the problem is not its own class, \"%s\"",
                            dt_problem_print(&class, text));
    }
    if (r->choice.variant->op != r->op)
        return dt_error_set(error, DT_INVALID, "%s is no variant of %s", r->choice.variant->name,
                            dt_op_name(r->op));
    if (!dt_tile_fits(r->choice.variant, r->choice.tile))
        return dt_error_set(error, DT_INVALID, "%s takes no tile of %" PRId32 "x%" PRId32,
                            r->choice.variant->name, r->choice.tile.rows, r->choice.tile.cols);
    status = check_parts(r, error);
    if (status)
        return status;
    for (int tier = 0; tier < DT_MACHINE_TIERS; tier++)
        if (!*r->machine.tier[tier] || !is_printable(r->machine.tier[tier]))
            return dt_error_set(error, DT_INVALID, "machine key %d is empty or not printable",
                                tier);
    const char *bad = NULL;
    if (r->threads < 1 || r->threads > DT_TABLE_THREADS_MAX)
        bad = "threads";
    else if (r->samples < 1)
        bad = "samples";
    else if (!isfinite(r->ns_median) || r->ns_median <= 0)
        bad = "ns_median";
    else if (!is_ratio(r->ratio_to_scalar) || !is_ratio(r->ratio_lo) || !is_ratio(r->ratio_hi) ||
             r->ratio_lo > r->ratio_hi)
        bad = "ratio_to_scalar";
    else if (!isfinite(r->noise_floor) || r->noise_floor < 0)
        bad = "noise_floor";
    else if (r->plans ? r->tried < 1 || r->tried > r->plans || r->plans > INT32_MAX
                      : r->tried || r->regret != 0)
        bad = "tried";
    else if (!isfinite(r->regret) || r->regret < 0)
        bad = "regret";
    else if (!is_date(r->date))
        bad = "date";
    return bad ? dt_error_set(error, DT_INVALID, "%s is out of range", bad) : DT_OK;
}

/* ---- Tables ----------------------------------------------------------------- */

enum dt_status dt_table_no_memory(struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory for a dispatch table");
}

void dt_table_make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

bool dt_table_reject(struct dt_table *t, const char *format, ...)
{
    char *line;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return false;
    dt_table_make_printable(line);
    if (t->rejected_count < DT_TABLE_REJECTED_MAX)
        t->rejected[t->rejected_count++] = line;
    else
        free(line);
    return true;
}

static void build_signature(char text[20])
{
    snprintf(text, 20, "%016" PRIx64, dt_variant_signature());
}

static bool is_stale(const struct dt_origin *origin)
{
    char signature[20];
    build_signature(signature);
    return strcmp(origin->signature, signature) != 0;
}

struct dt_table *dt_table_new(const struct dt_origin *header)
{
    struct dt_table *table = calloc(1, sizeof *table);
    if (table && !(table->rejected = calloc(DT_TABLE_REJECTED_MAX, sizeof *table->rejected))) {
        free(table);
        return NULL;
    }
    if (table) {
        table->header = *header;
        table->stale = is_stale(header);
    }
    return table;
}

enum dt_status dt_table_create(const char *compiler, struct dt_table **table,
                               struct dt_error *error)
{
    struct dt_origin header = {.version = DT_VERSION};
    if (!*compiler || strlen(compiler) >= sizeof header.compiler || !is_printable(compiler))
        return dt_error_set(error, DT_INVALID,
                            "a table's compiler is 1 to %zu printable characters",
                            sizeof header.compiler - 1);
    build_signature(header.signature);
    strcpy(header.compiler, compiler);
    *table = dt_table_new(&header);
    return *table ? DT_OK : dt_table_no_memory(error);
}

void dt_table_free(struct dt_table *table)
{
    if (!table)
        return;
    for (size_t n = 0; n < table->rejected_count; n++)
        free(table->rejected[n]);
    free(table->rejected);
    free(table->records);
    dt_index_free(table->index);
    free(table);
}

size_t dt_table_size(const struct dt_table *table)
{
    size_t usable = 0;
    for (size_t n = 0; n < table->count; n++)
        usable += table->records[n].validated && !table->records[n].stale;
    return usable;
}

const char *dt_table_rejected(const struct dt_table *table, size_t n)
{
    return n < table->rejected_count ? table->rejected[n] : NULL;
}

static bool reserve(struct dt_table *t)
{
    if (t->count < t->capacity)
        return true;
    size_t capacity = t->capacity ? 2 * t->capacity : 16;
    struct dt_table_record *records = realloc(t->records, capacity * sizeof *records);
    if (!records)
        return false;
    t->records = records;
    t->capacity = capacity;
    return true;
}

bool dt_table_append(struct dt_table *t, const struct dt_table_record *record)
{
    dt_index_free(t->index);
    t->index = NULL;
    if (!reserve(t))
        return false;
    struct dt_table_record *own = &t->records[t->count++];
    *own = *record;
    own->noise_floor += 0.0; /* of -0, which is printed as such, it makes 0 */
    own->regret += 0.0;
    const struct dt_origin *origin = &own->origin;
    own->stale = strcmp(origin->signature, t->header.signature) ? is_stale(origin) : t->stale;
    return true;
}

/* The first record that does not come before this one. */
static size_t find_place(const struct dt_table *t, const struct dt_table_record *record)
{
    size_t low = 0, high = t->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (dt_table_compare(&t->records[middle], record) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum dt_status dt_table_put(struct dt_table *t, const struct dt_table_record *given,
                            struct dt_error *error)
{
    struct dt_table_record record = *given;
    if (!*record.origin.version) {
        record.origin = t->header;
        if (t->stale)
            return dt_error_set(error, DT_INVALID,
                                "the table is of another set of variants; start a new one");
    }
    record.line = 0;
    enum dt_status status = dt_table_record_check(&record, error);
    if (status)
        return status;
    const size_t at = find_place(t, &record);
    const bool known = at < t->count && dt_table_compare(&t->records[at], &record) == 0;
    if (known && strcmp(t->records[at].date, record.date) > 0)
        return DT_OK;
    if (!dt_table_append(t, &record))
        return dt_table_no_memory(error);
    record = t->records[--t->count];
    if (!known)
        memmove(&t->records[at + 1], &t->records[at], (t->count++ - at) * sizeof *t->records);
    t->records[at] = record;
    return DT_OK;
}

static int compare_age(const void *x, const void *y)
{
    const struct dt_table_record *a = x, *b = y;
    int order = dt_table_compare(a, b);
    if (!order)
        order = strcmp(a->date, b->date);
    return order ? order : COMPARE(a->line, b->line);
}

/* Sorts, and of each key keeps the youngest record, of equal dates the last. */
static bool settle(struct dt_table *t)
{
    if (t->count == 0)
        return true;
    qsort(t->records, t->count, sizeof *t->records, compare_age);
    size_t kept = 0;
    for (size_t n = 1; n < t->count; n++) {
        if (dt_table_compare(&t->records[kept], &t->records[n]) != 0)
            kept++;
        else if (!dt_table_reject(t, "line %zu: replaced by line %zu, which has the same key",
                                  t->records[kept].line, t->records[n].line))
            return false;
        t->records[kept] = t->records[n];
    }
    t->count = kept + 1;
    return true;
}

bool dt_table_note_header(struct dt_table *t)
{
    char signature[20];
    build_signature(signature);
    return !t->stale ||
           dt_table_reject(t,
                           "line 1: tuned with another set of variants (signature %s, this build "
                           "has %s): its records are suggestions only; tune again",
                           t->header.signature, signature);
}

/* Of a table of this build, the records that came from elsewhere. */
static bool note_foreign(struct dt_table *t)
{
    const struct dt_table_record *first = NULL;
    size_t count = 0;
    for (size_t n = 0; n < t->count && !t->stale; n++) {
        const struct dt_table_record *r = &t->records[n];
        count += r->stale;
        if (r->stale && (!first || r->line < first->line))
            first = r;
    }
    return !first || dt_table_reject(t,
                                     "line %zu: tuned with another set of variants, one of %zu "
                                     "such records: suggestions only; tune again",
                                     first->line, count);
}

enum dt_status dt_table_settle(struct dt_table *t, struct dt_error *error)
{
    return settle(t) && note_foreign(t) ? DT_OK : dt_table_no_memory(error);
}

enum dt_status dt_table_make_index(struct dt_table *t, struct dt_error *error)
{
    struct dt_machine_keys machine;
    dt_machine_keys_init(&machine, dt_cpu_host());
    dt_index_free(t->index);
    t->index = dt_index_create(t, &machine);
    return t->index ? DT_OK : dt_table_no_memory(error);
}
