/* SPDX-License-Identifier: MIT */
/*
 * The dispatch table: for problems tuned on some machine, the choice that won, and the evidence.
 *
 * As a file it is JSON Lines: one header, then one record a line.
 *
 *     {"schema":"disentune-table-1","version":"0.1.0","signature":"8f...","compiler":"gcc ..."}
 *     {"op":"bias","problem":"b1 h1 q512 ...","threads":1,"machine":["..","..","..",".."],
 *      "variant":"bias.avx512.window-skew","tile":[64,0],"samples":90,"ns_median":95000.5,
 *      "ratio_to_scalar":2.7,"ratio_lo":2.6,"ratio_hi":2.8,"noise_floor":0.012,
 *      "validated":true,"complete":true,"regret":0.008,"tried":[96,2310],
 *      "date":"2026-01-31T12:00:00Z"}
 *
 * (a record is one line; it is broken here to fit). After the tile a record of an attention that is
 * made of parts has these, "bias" only if its problem has position terms:
 *
 *      "chunk":0,"gemm":"gemm.avx512.14x2","bias":"bias.avx512.window-skew",
 *      "softmax":"softmax.avx512.poly"
 *
 * What the search left open may be missing: no other plan of the 96 that were tried, of all 2310,
 * is with 95 % more than 0.8 % faster,
 *
 *      "regret":0.008,"tried":[96,2310]
 *
 * and a record that was made elsewhere than the header says, as tables that were merged have them,
 * ends with where it comes from: version, signature, compiler.
 *
 *      "origin":["0.1.0","77...","clang ..."]
 *
 * dt_table_print() writes it in canonical form:
 * members in this order, records sorted by key, numbers with 17 significant digits. A table that
 * was written and read is written as the same bytes.
 *
 * A file is not trusted. It is at most DT_TABLE_BYTES_MAX long and a line DT_TABLE_LINE_MAX;
 * nesting is bounded by the parser; text is short printable ASCII; members are exactly those
 * above; numbers are checked for range, tiles by the variant's own multiples; variants and parts
 * are looked up in the registry, never loaded. A bad record is refused alone, with its line and the
 * reason. The worst that a hostile table can do is to name a slow variant.
 */
#ifndef DISENTUNE_TABLE_H
#define DISENTUNE_TABLE_H

#include "kernels/machine_key.h"
#include "kernels/plan.h"

#define DT_TABLE_SCHEMA "disentune-table-1"
#define DT_TABLE_BYTES_MAX ((size_t)64 << 20)
#define DT_TABLE_LINE_MAX ((size_t)64 << 10)
#define DT_TABLE_THREADS_MAX 4096

/* The build that made a table or a record. All are text. */
struct dt_origin {
    char version[16];   /* of disentune */
    char signature[20]; /* dt_variant_signature(), 16 hexadecimal digits */
    char compiler[128]; /* name, version and flags */
};

/* Orders by version, as numbers go, then by the other texts: 0 for the same. */
int dt_origin_compare(const struct dt_origin *a, const struct dt_origin *b);

struct dt_table_record {
    /* The key. */
    enum dt_op op;
    struct dt_problem problem;      /* its own class: dt_problem_class() changes nothing */
    int32_t threads;                /* 1 ... DT_TABLE_THREADS_MAX */
    struct dt_machine_keys machine; /* all tiers known */
    struct dt_origin origin; /* its signature is part of the key; without a version: the header's */

    struct dt_choice choice;

    /* The evidence. */
    int64_t samples;                            /* >= 1 */
    double ns_median;                           /* of one call, > 0 */
    double ratio_to_scalar, ratio_lo, ratio_hi; /* with 95 % interval, > 0; NAN (null) where
                                                   it was not measured */
    double noise_floor;                         /* >= 0, see struct dt_session */
    bool validated; /* on this problem and tile; a record without is kept but never used */
    bool complete;  /* the search was not cut short */
    double regret;  /* >= 0, of a search that tried so many of all its plans; without meaning if */
    int64_t tried, plans; /* these are 0: it is not known */
    char date[24];        /* UTC, "2026-01-31T12:00:00Z" */

    /* What the table knows of it. */
    bool stale;  /* of another set of variants than this build's: it suggests, it does not decide */
    size_t line; /* of the file that it was read from; 0 if it was put */
};

struct dt_table {
    struct dt_origin header;
    bool stale; /* the header is of another set of variants than this build's */
    struct dt_table_record *records; /* sorted by key, no key twice */
    size_t count, capacity;
    struct dt_index *index; /* of the records as they are; NULL: none was made */
    char **rejected;        /* one line each */
    size_t rejected_count;
};

/* An empty table of this build. The caller frees it with dt_table_free(). DT_INVALID (`compiler`
 * is empty, too long or not printable), DT_NO_MEMORY. */
enum dt_status dt_table_create(const char *compiler, struct dt_table **table,
                               struct dt_error *error);

/*
 * Adds a copy of the record. If there is one of the same key, the one of the later date stays,
 * the new one if the dates are equal. DT_INVALID (a field out of range; no origin, and the table is
 * stale: make a new one), DT_NO_MEMORY; then the table is as it was.
 */
enum dt_status dt_table_put(struct dt_table *table, const struct dt_table_record *record,
                            struct dt_error *error);

/* Whether every field is in range, and the choice one that is made for the problem. DT_INVALID. */
enum dt_status dt_table_record_check(const struct dt_table_record *record, struct dt_error *error);

/* Orders records by key: 0 for the same key. */
int dt_table_compare(const struct dt_table_record *a, const struct dt_table_record *b);

/*
 * All that several tables know, as one table; the caller frees it. They may be given in any order,
 * in groups that were merged before, or more than once: the result is the same, byte for byte when
 * it is printed.
 *
 *     records   Of each key there is one: a validated one before one that is not, then the later
 *               date, the complete search, the more samples, and last an order over all fields.
 *               Each keeps its origin; the signature is part of the key, so that what another set
 *               of variants found stands beside what this one did, and only suggests.
 *     header    Of those given the greatest: of this build's set of variants if there is such a
 *               one, then by dt_origin_compare().
 *
 * What a table rejected is lost. DT_INVALID (none given), DT_NO_MEMORY.
 */
enum dt_status dt_table_merge(const struct dt_table *const *tables, size_t count,
                              struct dt_table **merged, struct dt_error *error);

/* dt_table_load() of memory, any bytes. `name` is for messages. */
enum dt_status dt_table_parse(const char *text, size_t size, const char *name,
                              struct dt_table **table, struct dt_error *error);

/* The canonical text; the caller frees it. DT_INVALID (more than a file may hold), DT_NO_MEMORY. */
enum dt_status dt_table_print(const struct dt_table *table, char **text, size_t *size,
                              struct dt_error *error);

/*
 * The table as a C source file that defines `const struct dt_table_image NAME`, for
 * dt_table_install(); the caller frees it. The same records in the same order with the same numbers
 * as dt_table_print(). DT_INVALID (NAME is no identifier), DT_NO_MEMORY.
 */
enum dt_status dt_table_print_c(const struct dt_table *table, const char *name, char **text,
                                size_t *size, struct dt_error *error);

/* Writes the canonical text by dt_file_write(): all or not at all. DT_INVALID, DT_IO,
 * DT_NO_MEMORY. */
enum dt_status dt_table_write(const struct dt_table *table, const char *path,
                              struct dt_error *error);

/* ---- For the files that make tables ---- */

/* An empty table. NULL for lack of memory. */
struct dt_table *dt_table_new(const struct dt_origin *header);

/* Appends a copy of a record that was checked, out of order. False for lack of memory. */
bool dt_table_append(struct dt_table *table, const struct dt_table_record *record);

/* Keeps a reason why something is not used. False for lack of memory. */
__attribute__((format(printf, 2, 3))) bool dt_table_reject(struct dt_table *table,
                                                           const char *format, ...);

/* Makes '?' of what is not printable: a message may quote the file, and reach a terminal. */
void dt_table_make_printable(char *text);

/* Says so if the header is of another set of variants. False for lack of memory. */
bool dt_table_note_header(struct dt_table *table);

/* After records were appended from a file: sorts them, and of each key keeps the youngest, of equal
 * dates the last. DT_NO_MEMORY. */
enum dt_status dt_table_settle(struct dt_table *table, struct dt_error *error);

/* Reasons that are kept; of a file of garbage the first ones tell enough. */
#define DT_TABLE_REJECTED_MAX 100

/* After dt_table_settle(): makes look-ups from this machine quick. DT_NO_MEMORY. */
enum dt_status dt_table_make_index(struct dt_table *table, struct dt_error *error);

/* DT_NO_MEMORY. */
enum dt_status dt_table_no_memory(struct dt_error *error);

#endif
