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
 *      "validated":true,"complete":true,"date":"2026-01-31T12:00:00Z"}
 *
 * (a record is one line; it is broken here to fit). After the tile a record of an attention that is
 * made of parts has these, "bias" only if its problem has position terms:
 *
 *      "chunk":0,"gemm":"gemm.avx512.14x2","bias":"bias.avx512.window-skew",
 *      "softmax":"softmax.avx512.poly"
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

/* What made the table. All are text. */
struct dt_table_header {
    char version[16];   /* of disentune */
    char signature[20]; /* dt_variant_signature(), 16 hexadecimal digits */
    char compiler[128]; /* name, version and flags */
};

struct dt_table_record {
    /* The key. */
    enum dt_op op;
    struct dt_problem problem;      /* its own class: dt_problem_class() changes nothing */
    int32_t threads;                /* 1 ... DT_TABLE_THREADS_MAX */
    struct dt_machine_keys machine; /* all tiers known */

    struct dt_choice choice;

    /* The evidence. */
    int64_t samples;                            /* >= 1 */
    double ns_median;                           /* of one call, > 0 */
    double ratio_to_scalar, ratio_lo, ratio_hi; /* with 95 % interval, > 0; NAN (null) where
                                                   it was not measured */
    double noise_floor;                         /* >= 0, see struct dt_session */
    bool validated; /* on this problem and tile; a record without is kept but never used */
    bool complete;  /* the search was not cut short */
    char date[24];  /* UTC, "2026-01-31T12:00:00Z" */

    size_t line; /* of the file that it was read from; 0 if it was put */
};

struct dt_table {
    struct dt_table_header header;
    bool stale; /* of another set of variants: its records suggest, they do not decide */
    struct dt_table_record *records; /* sorted by key, no key twice */
    size_t count, capacity;
    char **rejected; /* one line each */
    size_t rejected_count;
};

/* An empty table of this build. The caller frees it with dt_table_free(). DT_INVALID (`compiler`
 * is empty, too long or not printable), DT_NO_MEMORY. */
enum dt_status dt_table_create(const char *compiler, struct dt_table **table,
                               struct dt_error *error);

/*
 * Adds a copy of the record. If there is one of the same key, the one of the later date stays,
 * the new one if the dates are equal. DT_INVALID (a field out of range; the table is stale, make
 * a new one), DT_NO_MEMORY; then the table is as it was.
 */
enum dt_status dt_table_put(struct dt_table *table, const struct dt_table_record *record,
                            struct dt_error *error);

/* Orders records by key: 0 for the same key. */
int dt_table_compare(const struct dt_table_record *a, const struct dt_table_record *b);

/* dt_table_load() of memory, any bytes. `name` is for messages. */
enum dt_status dt_table_parse(const char *text, size_t size, const char *name,
                              struct dt_table **table, struct dt_error *error);

/* The canonical text; the caller frees it. DT_NO_MEMORY. */
enum dt_status dt_table_print(const struct dt_table *table, char **text, size_t *size,
                              struct dt_error *error);

/* Writes the canonical text by dt_file_write(): all or not at all. DT_INVALID, DT_IO,
 * DT_NO_MEMORY. */
enum dt_status dt_table_write(const struct dt_table *table, const char *path,
                              struct dt_error *error);

#endif
