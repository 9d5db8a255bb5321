/* SPDX-License-Identifier: MIT */
/* Dispatch tables as constants of a program: written as C, and read with the same suspicion. */
#include "kernels/table_line.h"

#include "kernels/error.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- Reading ---------------------------------------------------------------- */

static enum dt_status take_lines(struct dt_table *t, const struct dt_table_image *image,
                                 struct dt_error *error)
{
    struct dt_error why;
    for (size_t n = 0; n < image->count; n++) {
        struct dt_table_record record = {.line = n + 1};
        const enum dt_status status =
            dt_table_line_resolve(&image->lines[n], &t->header, &record, &why);
        if (status == DT_NO_MEMORY || (!status && !dt_table_append(t, &record)) ||
            (status && !dt_table_reject(t, "line %zu: %s", n + 1, why.text)))
            return dt_table_no_memory(error);
    }
    const enum dt_status status = dt_table_settle(t, error);
    return status ? status : dt_table_make_index(t, error);
}

enum dt_status dt_table_build(const struct dt_table_image *image, struct dt_table **table,
                              struct dt_error *error)
{
    struct dt_origin header;
    if (!image->schema || strcmp(image->schema, DT_TABLE_SCHEMA) != 0)
        return dt_error_set(error, DT_INVALID,
                            "a built-in table has schema \"%.32s\", this build reads %s; write it "
                            "again by `disentune merge --format c`",
                            image->schema ? image->schema : "", DT_TABLE_SCHEMA);
    if (!dt_origin_take(&header, image->version, image->signature, image->compiler))
        return dt_error_set(error, DT_INVALID, "the header of a built-in table is malformed");
    struct dt_table *t = dt_table_new(&header);
    if (!t)
        return dt_table_no_memory(error);
    enum dt_status status = dt_table_note_header(t) ? DT_OK : dt_table_no_memory(error);
    if (!status)
        status = take_lines(t, image, error);
    if (status)
        dt_table_free(t);
    else
        *table = t;
    return status;
}

/* ---- Writing ---------------------------------------------------------------- */

/* No trigraph is made: of two question marks the second is escaped. */
static bool print_text(FILE *to, const char *text)
{
    fputc('"', to);
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\' || *c == '?')
            fputc('\\', to);
        fputc(*c, to);
    }
    return fputc('"', to) != EOF;
}

static bool put_text(void *to, const char *name, const char *value)
{
    fprintf(to, " .%s = ", name);
    print_text(to, value);
    return fputc(',', to) != EOF;
}

static bool put_texts(void *to, const char *name, const char *const *values, size_t count)
{
    fprintf(to, " .%s = {", name);
    for (size_t n = 0; n < count; n++) {
        fputs(n ? ", " : "", to);
        print_text(to, values[n]);
    }
    return fputs("},", to) != EOF;
}

static bool put_integer(void *to, const char *name, int64_t value)
{
    return fprintf(to, " .%s = %" PRId64 ",", name, value) > 0;
}

static bool put_integers(void *to, const char *name, const int64_t *values, size_t count)
{
    fprintf(to, " .%s = {", name);
    for (size_t n = 0; n < count; n++)
        fprintf(to, "%s%" PRId64, n ? ", " : "", values[n]);
    return fputs("},", to) != EOF;
}

static bool put_real(void *to, const char *name, double value)
{
    return isnan(value) ? fprintf(to, " .%s = (double)NAN,", name) > 0
                        : fprintf(to, " .%s = %.17g,", name, value) > 0;
}

static bool put_flag(void *to, const char *name, bool value)
{
    return fprintf(to, " .%s = %s,", name, value ? "true" : "false") > 0;
}

static bool is_identifier(const char *name)
{
    bool valid = isalpha((unsigned char)*name) || *name == '_';
    for (const char *c = name; *c; c++)
        valid = valid && (isalnum((unsigned char)*c) || *c == '_');
    return valid;
}

static void print_header(FILE *to, const struct dt_table *t, const char *name)
{
    fprintf(to,
            "/* Written by disentune %s. In a program:\n"
            " *\n"
            " *     extern const struct dt_table_image %s;\n"
            " *     dt_table_install(&%s, &error);\n"
            " */\n"
            "#include <disentune.h>\n"
            "#include <math.h>\n\n",
            DT_VERSION, name, name);
    if (t->count > 0)
        fprintf(to, "static const struct dt_table_line lines[] = {\n");
}

static void print_image(FILE *to, const struct dt_table *t, const char *name)
{
    if (t->count > 0)
        fputs("};\n\n", to);
    fprintf(to, "extern const struct dt_table_image %s;\n", name);
    fprintf(to, "const struct dt_table_image %s = {", name);
    put_text(to, "schema", DT_TABLE_SCHEMA);
    put_text(to, "version", t->header.version);
    put_text(to, "signature", t->header.signature);
    put_text(to, "compiler", t->header.compiler);
    fprintf(to, " .lines = %s, .count = %zu};\n", t->count ? "lines" : "NULL", t->count);
}

enum dt_status dt_table_print_c(const struct dt_table *table, const char *name, char **text,
                                size_t *size, struct dt_error *error)
{
    static const struct dt_line_writer writer = {put_text,     put_texts, put_integer,
                                                 put_integers, put_real,  put_flag};
    if (!is_identifier(name))
        return dt_error_set(error, DT_INVALID, "\"%.60s\" is no name for a variable in C", name);
    char *buffer = NULL;
    size_t length = 0;
    FILE *to = open_memstream(&buffer, &length);
    if (!to)
        return dt_table_no_memory(error);
    print_header(to, table, name);
    for (size_t n = 0; n < table->count; n++) {
        char problem[DT_PROBLEM_TEXT_MAX];
        const struct dt_table_line line = dt_table_line_of(table, &table->records[n], problem);
        fputs("    {", to);
        dt_table_line_walk(&line, &writer, to);
        fputs("},\n", to);
    }
    print_image(to, table, name);
    const bool failed = ferror(to);
    if (fclose(to) != 0 || failed) {
        free(buffer);
        return dt_table_no_memory(error);
    }
    *text = buffer;
    *size = length;
    return DT_OK;
}
