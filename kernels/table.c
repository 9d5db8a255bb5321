/* SPDX-License-Identifier: MIT */
#include "kernels/table.h"

#include "kernels/error.h"
#include "kernels/file.h"

#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reasons that are kept; of a file of garbage the first ones tell enough. */
#define REJECTED_MAX 100

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
    return order;
}

static int compare_age(const void *x, const void *y)
{
    const struct dt_table_record *a = x, *b = y;
    int order = dt_table_compare(a, b);
    if (!order)
        order = strcmp(a->date, b->date);
    return order ? order : COMPARE(a->line, b->line);
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

static bool has_parts(const struct dt_choice *choice)
{
    return choice->variant->op == DT_OP_ATTENTION && choice->variant->strategy != DT_DIRECT;
}

/* Whether exactly the parts are named that the choice needs, and its chunk is one. */
static enum dt_status check_parts(const struct dt_table_record *r, struct dt_error *error)
{
    const struct dt_choice *c = &r->choice;
    const bool made = has_parts(c);
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
    }
    if (c->chunk < 0 || c->chunk > DT_MAX_LENGTH || (!made && c->chunk) ||
        (c->tile.rows && c->chunk % c->tile.rows))
        return dt_error_set(error, DT_INVALID, "%s takes no chunk of %" PRId32, c->variant->name,
                            c->chunk);
    return DT_OK;
}

static bool is_ratio(double x) { return isnan(x) || (isfinite(x) && x > 0); }

static enum dt_status check_record(const struct dt_table_record *r, struct dt_error *error)
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
    else if (!is_date(r->date))
        bad = "date";
    return bad ? dt_error_set(error, DT_INVALID, "%s is out of range", bad) : DT_OK;
}

/* ---- Tables ----------------------------------------------------------------- */

static enum dt_status no_memory(struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory for a dispatch table");
}

/* A parser's message may quote the file: what is not printable does not reach a terminal. */
static void make_printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

__attribute__((format(printf, 2, 3))) static bool reject(struct dt_table *t, const char *format,
                                                         ...)
{
    char *line;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&line, format, arguments);
    va_end(arguments);
    if (length < 0)
        return false;
    make_printable(line);
    if (t->rejected_count < REJECTED_MAX)
        t->rejected[t->rejected_count++] = line;
    else
        free(line);
    return true;
}

static void build_signature(char text[20])
{
    snprintf(text, 20, "%016" PRIx64, dt_variant_signature());
}

static struct dt_table *new_table(void)
{
    struct dt_table *table = calloc(1, sizeof *table);
    if (table && !(table->rejected = calloc(REJECTED_MAX, sizeof *table->rejected))) {
        free(table);
        return NULL;
    }
    return table;
}

enum dt_status dt_table_create(const char *compiler, struct dt_table **table,
                               struct dt_error *error)
{
    struct dt_table_header header = {.version = DT_VERSION};
    if (!*compiler || strlen(compiler) >= sizeof header.compiler || !is_printable(compiler))
        return dt_error_set(error, DT_INVALID,
                            "a table's compiler is 1 to %zu printable characters",
                            sizeof header.compiler - 1);
    struct dt_table *made = new_table();
    if (!made)
        return no_memory(error);
    build_signature(header.signature);
    strcpy(header.compiler, compiler);
    made->header = header;
    *table = made;
    return DT_OK;
}

void dt_table_free(struct dt_table *table)
{
    if (!table)
        return;
    for (size_t n = 0; n < table->rejected_count; n++)
        free(table->rejected[n]);
    free(table->rejected);
    free(table->records);
    free(table);
}

size_t dt_table_size(const struct dt_table *table)
{
    size_t usable = 0;
    for (size_t n = 0; n < table->count && !table->stale; n++)
        usable += table->records[n].validated;
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

enum dt_status dt_table_put(struct dt_table *t, const struct dt_table_record *record,
                            struct dt_error *error)
{
    if (t->stale)
        return dt_error_set(error, DT_INVALID,
                            "the table is of another set of variants; start a new one");
    enum dt_status status = check_record(record, error);
    if (status)
        return status;
    size_t at = 0;
    int order = -1;
    while (at < t->count && (order = dt_table_compare(&t->records[at], record)) < 0)
        at++;
    if (at == t->count || order != 0) {
        if (!reserve(t))
            return no_memory(error);
        memmove(&t->records[at + 1], &t->records[at], (t->count - at) * sizeof *t->records);
        t->count++;
    } else if (strcmp(t->records[at].date, record->date) > 0) {
        return DT_OK;
    }
    t->records[at] = *record;
    t->records[at].line = 0;
    return DT_OK;
}

/* ---- Reading ---------------------------------------------------------------- */

/* Copies printable text of 1 to size - 1 characters. */
static bool copy_text(char *to, size_t size, const char *from)
{
    size_t length = strlen(from);
    if (length == 0 || length >= size || !is_printable(from))
        return false;
    memcpy(to, from, length + 1);
    return true;
}

static enum dt_status parse_json(const char *line, size_t length, json_t **value,
                                 struct dt_error *error)
{
    json_error_t why;
    if (length > DT_TABLE_LINE_MAX)
        return dt_error_set(error, DT_INVALID, "longer than %zu bytes", DT_TABLE_LINE_MAX);
    *value = json_loadb(line, length, JSON_REJECT_DUPLICATES, &why);
    if (*value)
        return DT_OK;
    if (json_error_code(&why) == json_error_out_of_memory)
        return no_memory(error);
    return dt_error_set(error, DT_INVALID, "%s", why.text);
}

static enum dt_status parse_header(const char *line, size_t length, struct dt_table_header *header,
                                   struct dt_error *error)
{
    json_t *root;
    json_error_t why;
    const char *schema, *version, *signature, *compiler;
    enum dt_status status = parse_json(line, length, &root, error);
    if (status)
        return status;
    if (json_unpack_ex(root, &why, 0, "{s:s}", "schema", &schema) != 0)
        status = dt_error_set(error, DT_INVALID, "no schema: this is no dispatch table");
    else if (strcmp(schema, DT_TABLE_SCHEMA) != 0)
        status = dt_error_set(error, DT_INVALID, "unknown schema \"%.32s\"; this build reads %s",
                              schema, DT_TABLE_SCHEMA);
    else if (json_unpack_ex(root, &why, JSON_STRICT, "{s:s, s:s, s:s, s:s}", "schema", &schema,
                            "version", &version, "signature", &signature, "compiler",
                            &compiler) != 0)
        status = dt_error_set(error, DT_INVALID, "%s", why.text);
    else if (!copy_text(header->version, sizeof header->version, version) ||
             !copy_text(header->signature, sizeof header->signature, signature) ||
             strspn(signature, "0123456789abcdef") != 16 || signature[16] ||
             !copy_text(header->compiler, sizeof header->compiler, compiler))
        status = dt_error_set(error, DT_INVALID, "a member of the header is malformed");
    json_decref(root);
    return status;
}

static bool take_ratio(const json_t *value, double *to)
{
    *to = json_is_null(value) ? (double)NAN : json_number_value(value);
    return json_is_null(value) || json_is_number(value);
}

/* A name that may be absent. */
static enum dt_status find_part(const char *name, const struct dt_variant **variant,
                                struct dt_error *error)
{
    *variant = name ? dt_variant_find(name) : NULL;
    return !name || *variant ? DT_OK
                             : dt_error_set(error, DT_INVALID, "unknown variant \"%.64s\"", name);
}

static enum dt_status unpack_record(json_t *root, struct dt_table_record *r, struct dt_error *error)
{
    json_error_t why;
    const char *op, *problem, *key[DT_MACHINE_TIERS], *variant, *date;
    const char *gemm = NULL, *bias = NULL, *softmax = NULL;
    json_int_t threads, rows, cols, samples, chunk = 0;
    json_t *ratio, *lo, *hi;
    int validated, complete;
    if (json_unpack_ex(root, &why, JSON_STRICT,
                       "{s:s, s:s, s:I, s:[ssss], s:s, s:[II], s?I, s?s, s?s, s?s, s:I, s:F, "
                       "s:o, s:o, s:o, s:F, s:b, s:b, s:s}",
                       "op", &op, "problem", &problem, "threads", &threads, "machine", &key[0],
                       &key[1], &key[2], &key[3], "variant", &variant, "tile", &rows, &cols,
                       "chunk", &chunk, "gemm", &gemm, "bias", &bias, "softmax", &softmax,
                       "samples", &samples, "ns_median", &r->ns_median, "ratio_to_scalar", &ratio,
                       "ratio_lo", &lo, "ratio_hi", &hi, "noise_floor", &r->noise_floor,
                       "validated", &validated, "complete", &complete, "date", &date) != 0)
        return dt_error_set(error, DT_INVALID, "%s", why.text);

    if ((r->op = dt_op_parse(op)) == DT_OP_COUNT)
        return dt_error_set(error, DT_INVALID, "unknown operation \"%.40s\"", op);
    if (!(r->choice.variant = dt_variant_find(variant)))
        return dt_error_set(error, DT_INVALID, "unknown variant \"%.64s\"", variant);
    for (int tier = 0; tier < DT_MACHINE_TIERS; tier++)
        if (!copy_text(r->machine.tier[tier], DT_MACHINE_KEY_MAX, key[tier]))
            return dt_error_set(error, DT_INVALID, "machine key %d is malformed", tier);
    if (!copy_text(r->date, sizeof r->date, date))
        return dt_error_set(error, DT_INVALID, "date is malformed");
    if (!take_ratio(ratio, &r->ratio_to_scalar) || !take_ratio(lo, &r->ratio_lo) ||
        !take_ratio(hi, &r->ratio_hi))
        return dt_error_set(error, DT_INVALID, "a ratio is neither a number nor null");
    if (threads < 1 || threads > DT_TABLE_THREADS_MAX)
        return dt_error_set(error, DT_INVALID, "threads is out of range");
    if (rows < 0 || rows > DT_MAX_LENGTH || cols < 0 || cols > DT_MAX_LENGTH)
        return dt_error_set(error, DT_INVALID, "tile is out of range");
    if (chunk < 0 || chunk > DT_MAX_LENGTH)
        return dt_error_set(error, DT_INVALID, "chunk is out of range");
    enum dt_status status = find_part(gemm, &r->choice.gemm, error);
    if (!status)
        status = find_part(bias, &r->choice.bias, error);
    if (!status)
        status = find_part(softmax, &r->choice.softmax, error);
    if (status)
        return status;
    r->choice.chunk = (int32_t)chunk;
    r->threads = (int32_t)threads;
    r->choice.tile = (struct dt_tile){(int32_t)rows, (int32_t)cols};
    r->samples = samples;
    r->validated = validated;
    r->complete = complete;
    status = dt_problem_parse(problem, &r->problem, error);
    return status ? status : check_record(r, error);
}

static enum dt_status parse_record(const char *line, size_t length, struct dt_table_record *r,
                                   struct dt_error *error)
{
    json_t *root;
    enum dt_status status = parse_json(line, length, &root, error);
    if (status)
        return status;
    status = unpack_record(root, r, error);
    json_decref(root);
    return status;
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
        else if (!reject(t, "line %zu: replaced by line %zu, which has the same key",
                         t->records[kept].line, t->records[n].line))
            return false;
        t->records[kept] = t->records[n];
    }
    t->count = kept + 1;
    return true;
}

/* All lines after the header. */
static enum dt_status parse_records(struct dt_table *t, const char *at, const char *end,
                                    struct dt_error *error)
{
    struct dt_error why;
    size_t lines = 1, bad = 0;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop ? stop : end) - at);
        struct dt_table_record record = {.line = ++lines};
        enum dt_status status = parse_record(at, length, &record, &why);
        if (status == DT_NO_MEMORY || (!status && !reserve(t)))
            return no_memory(error);
        if (!status)
            t->records[t->count++] = record;
        else if (++bad < REJECTED_MAX / 2 && !reject(t, "line %zu: %s", lines, why.text))
            return no_memory(error);
        at += length + 1;
    }
    if (bad >= REJECTED_MAX / 2 && !reject(t, "... %zu bad lines in all", bad))
        return no_memory(error);
    return settle(t) ? DT_OK : no_memory(error);
}

enum dt_status dt_table_parse(const char *text, size_t size, const char *name,
                              struct dt_table **table, struct dt_error *error)
{
    struct dt_error why;
    if (size > DT_TABLE_BYTES_MAX)
        return dt_error_set(error, DT_INVALID, "\"%.120s\" has more than %zu bytes", name,
                            DT_TABLE_BYTES_MAX);
    struct dt_table *t = new_table();
    if (!t)
        return no_memory(error);
    const char *stop = size ? memchr(text, '\n', size) : NULL;
    const size_t length = stop ? (size_t)(stop - text) : size;
    enum dt_status status = parse_header(text, length, &t->header, &why);
    if (status) {
        dt_table_free(t);
        if (status == DT_NO_MEMORY)
            return no_memory(error);
        make_printable(why.text);
        return dt_error_set(error, status, "\"%.90s\" line 1: %.110s", name, why.text);
    }
    char signature[20];
    build_signature(signature);
    t->stale = strcmp(t->header.signature, signature) != 0;
    if (t->stale && !reject(t,
                            "line 1: tuned with another set of variants (signature %s, this build "
                            "has %s): its records are suggestions only; tune again",
                            t->header.signature, signature))
        status = no_memory(error);
    if (!status && stop)
        status = parse_records(t, stop + 1, text + size, error);
    if (status)
        dt_table_free(t);
    else
        *table = t;
    return status;
}

enum dt_status dt_table_load(const char *path, struct dt_table **table, struct dt_error *error)
{
    char *text;
    size_t size;
    enum dt_status status = dt_file_read(path, DT_TABLE_BYTES_MAX, &text, &size, error);
    if (status)
        return status;
    status = dt_table_parse(text, size, path, table, error);
    free(text);
    return status;
}

/* ---- Writing ---------------------------------------------------------------- */

static json_t *ratio_value(double x) { return isnan(x) ? json_null() : json_real(x); }

static json_t *pack_header(const struct dt_table_header *h)
{
    return json_pack("{s:s, s:s, s:s, s:s}", "schema", DT_TABLE_SCHEMA, "version", h->version,
                     "signature", h->signature, "compiler", h->compiler);
}

static const char *name_of(const struct dt_variant *variant)
{
    return variant ? variant->name : NULL;
}

/* Values that are NULL are left out with their names. */
static json_t *pack_record(const struct dt_table_record *r)
{
    char problem[DT_PROBLEM_TEXT_MAX];
    const char(*key)[DT_MACHINE_KEY_MAX] = r->machine.tier;
    const struct dt_choice *c = &r->choice;
    return json_pack(
        "{s:s, s:s, s:i, s:[ssss], s:s, s:[ii], s:o*, s:s*, s:s*, s:s*, s:I, s:f, s:o, s:o, s:o, "
        "s:f, s:b, s:b, s:s}",
        "op", dt_op_name(r->op), "problem", dt_problem_print(&r->problem, problem), "threads",
        r->threads, "machine", key[0], key[1], key[2], key[3], "variant", c->variant->name, "tile",
        c->tile.rows, c->tile.cols, "chunk", has_parts(c) ? json_integer(c->chunk) : NULL, "gemm",
        name_of(c->gemm), "bias", name_of(c->bias), "softmax", name_of(c->softmax), "samples",
        (json_int_t)r->samples, "ns_median", r->ns_median, "ratio_to_scalar",
        ratio_value(r->ratio_to_scalar), "ratio_lo", ratio_value(r->ratio_lo), "ratio_hi",
        ratio_value(r->ratio_hi), "noise_floor", r->noise_floor, "validated", r->validated,
        "complete", r->complete, "date", r->date);
}

/* Consumes `value`, NULL for lack of memory. */
static bool print_line(FILE *stream, json_t *value)
{
    bool printed = value &&
                   json_dumpf(value, stream, JSON_COMPACT | JSON_REAL_PRECISION(17)) == 0 &&
                   fputc('\n', stream) != EOF;
    json_decref(value);
    return printed;
}

enum dt_status dt_table_print(const struct dt_table *table, char **text, size_t *size,
                              struct dt_error *error)
{
    char *buffer = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&buffer, &length);
    if (!stream)
        return no_memory(error);
    bool printed = print_line(stream, pack_header(&table->header));
    for (size_t n = 0; printed && n < table->count; n++)
        printed = print_line(stream, pack_record(&table->records[n]));
    if (fclose(stream) != 0 || !printed) {
        free(buffer);
        return no_memory(error);
    }
    *text = buffer;
    *size = length;
    return DT_OK;
}

enum dt_status dt_table_write(const struct dt_table *table, const char *path,
                              struct dt_error *error)
{
    char *text;
    size_t size;
    enum dt_status status = dt_table_print(table, &text, &size, error);
    if (status)
        return status;
    status = dt_file_write(path, text, size, error);
    free(text);
    return status;
}
