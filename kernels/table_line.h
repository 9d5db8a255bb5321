/* SPDX-License-Identifier: MIT */
/*
 * A record of a dispatch table as it stands in a file or in a program: numbers and names, nothing
 * resolved or checked. What is read goes through it, and what is written: the order and the names
 * of its members are told once, by dt_table_line_walk(), to whatever form is written.
 */
#ifndef DISENTUNE_TABLE_LINE_H
#define DISENTUNE_TABLE_LINE_H

#include "kernels/table.h"

/* What a record says, with names of the registry for its parts; those and the texts are borrowed
 * from it, and the problem is in the buffer. */
struct dt_table_line dt_table_line_of(const struct dt_table *table,
                                      const struct dt_table_record *record,
                                      char problem[DT_PROBLEM_TEXT_MAX]);

/*
 * Resolves names in the registry and checks everything: what dt_table_load() trusts comes from
 * here. A line without an origin has that of the header. DT_INVALID.
 */
enum dt_status dt_table_line_resolve(const struct dt_table_line *line,
                                     const struct dt_origin *header, struct dt_table_record *record,
                                     struct dt_error *error);

/* Three texts that may come from anywhere. False if one is malformed. */
bool dt_origin_take(struct dt_origin *origin, const char *version, const char *signature,
                    const char *compiler);

/* A form to write in: one function for each kind of member. They return false to stop. */
struct dt_line_writer {
    bool (*text)(void *to, const char *name, const char *value);
    bool (*texts)(void *to, const char *name, const char *const *values, size_t count);
    bool (*integer)(void *to, const char *name, int64_t value);
    bool (*integers)(void *to, const char *name, const int64_t *values, size_t count);
    bool (*real)(void *to, const char *name, double value); /* NAN: it was not measured */
    bool (*flag)(void *to, const char *name, bool value);
};

/* Tells every member that is there, in the canonical order. */
bool dt_table_line_walk(const struct dt_table_line *line, const struct dt_line_writer *writer,
                        void *to);

#endif
