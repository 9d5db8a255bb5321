/* SPDX-License-Identifier: MIT */
/*
 * The evidence inside of an HTML report, as a block of data that browsers do not run:
 *
 *     <script id="evidence" type="application/x-ndjson">
 *     {"kind":"record",...,"session":{...}}
 *     </script>
 *
 * The lines are those of dt_evidence_write() with three changes. "<" is written \u003c, which JSON
 * reads as the same, so that nothing in it can end the block. A session like that of the line
 * before is left out. Samples that are whole numbers over one divisor (reports/divisor.h) are
 * {"calls":3,"least":27000,"over":[71,...]}: (27000 + 71) / 3, ... A block of more than
 * DT_EMBEDDED_PLAIN_MAX bytes is deflated and in base 64 where this build has zlib; its start tag
 * then says data-packed="BYTES".
 */
#ifndef DISENTUNE_EMBEDDED_H
#define DISENTUNE_EMBEDDED_H

#include "reports/evidence.h"

#define DT_EMBEDDED_PLAIN_MAX ((size_t)200000)

/* What is in the block. Left out are samples of records, where all would take too much room; their
 * medians and intervals are kept. */
struct dt_embedded {
    size_t samples, left_out;
    char *block; /* tags and all, ends in a newline */
    size_t size;
};

/* A block of at most `room` bytes, or without any samples if even that takes more. Samples of the
 * oldest sessions are left out first. The caller frees with dt_embedded_clear(). DT_INVALID, of
 * what cannot be written; DT_NO_MEMORY. */
enum dt_status dt_embedded_init(struct dt_embedded *embedded, const struct dt_evidence *evidence,
                                size_t room, struct dt_error *error);
void dt_embedded_clear(struct dt_embedded *embedded);

/*
 * The lines as they were, from an HTML report that is treated as hostile. The caller frees *lines,
 * which has a 0 behind its `size` bytes. DT_INVALID: it holds no such block, or a damaged one.
 * DT_UNSUPPORTED: it is packed, and this build lacks zlib. DT_NO_MEMORY.
 */
enum dt_status dt_embedded_read(FILE *stream, char **lines, size_t *size, struct dt_error *error);

#endif
