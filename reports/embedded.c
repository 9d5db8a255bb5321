/* SPDX-License-Identifier: MIT */
#include "reports/embedded.h"

#include "reports/packing.h"

#include "kernels/error.h"

#include <stdlib.h>
#include <string.h>

#define HTML_BYTES_MAX ((size_t)64 << 20)

static const char open_tag[] = "<script id=\"evidence\" type=\"application/x-ndjson\"";
static const char close_tag[] = "</script>";
static const char session_key[] = ",\"session\":{";

static enum dt_status no_memory(struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory for the data of a report");
}

/* ---- Lines ----------------------------------------------------------------- */

/* Quotes within JSON texts are escaped: where the key stands it is one. */
static const char *find_session(const char *line, size_t length)
{
    return memmem(line, length, session_key, sizeof session_key - 1);
}

static void put_escaped(FILE *out, const char *text, size_t length)
{
    for (size_t n = 0; n < length; n++)
        if (text[n] == '<')
            fputs("\\u003c", out);
        else
            putc_unlocked(text[n], out);
}

/* Lines to what is embedded. */
static void shorten(FILE *out, const char *lines, size_t size)
{
    const char *last = NULL, *end = lines + size;
    size_t last_length = 0;
    for (const char *line = lines, *next; line < end; line = next) {
        next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
        const size_t length = (size_t)(next - line);
        const char *session = find_session(line, length);
        const size_t tail = session ? (size_t)(next - session) : 0;
        if (tail && tail == last_length && memcmp(session, last, tail) == 0) {
            put_escaped(out, line, (size_t)(session - line));
            fputs("}\n", out);
        } else {
            put_escaped(out, line, length);
        }
        if (tail) {
            last = session;
            last_length = tail;
        }
    }
}

/* And back. What is damaged stays so, for the reader of lines to say. */
static void lengthen(FILE *out, const char *text, size_t size)
{
    const char *last = NULL, *end = text + size;
    size_t last_length = 0;
    for (const char *line = text, *next; line < end; line = next) {
        next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
        const size_t length = (size_t)(next - line);
        const char *session = find_session(line, length);
        if (!session && last && length >= 2 && next[-1] == '\n' && next[-2] == '}') {
            fwrite(line, 1, length - 2, out);
            fwrite(last, 1, last_length, out);
            continue;
        }
        fwrite(line, 1, length, out);
        if (session) {
            last = session;
            last_length = (size_t)(next - session);
        }
    }
}

/* ---- Writing --------------------------------------------------------------- */

/* Shallow copies of the sessions, of whose records the first `left_out` samples are taken away,
 * whole records at a time. */
struct thinned {
    struct dt_evidence evidence;
    size_t left_out;
};

static void clear_thinned(struct thinned *thinned)
{
    for (size_t s = 0; thinned->evidence.sessions && s < thinned->evidence.count; s++)
        free(thinned->evidence.sessions[s].records.items);
    free(thinned->evidence.sessions);
    *thinned = (struct thinned){0};
}

static bool thin(const struct dt_evidence *evidence, size_t least, struct thinned *thinned)
{
    *thinned = (struct thinned){.evidence.count = evidence->count};
    thinned->evidence.sessions = calloc(evidence->count + 1, sizeof *evidence->sessions);
    if (!thinned->evidence.sessions)
        return false;
    for (size_t s = 0; s < evidence->count; s++) {
        struct dt_records *records = &thinned->evidence.sessions[s].records;
        thinned->evidence.sessions[s] = evidence->sessions[s];
        records->items = malloc((records->count + 1) * sizeof *records->items);
        if (!records->items)
            return false;
        for (size_t r = 0; r < records->count; r++) {
            records->items[r] = evidence->sessions[s].records.items[r];
            if (thinned->left_out < least && records->items[r].ns) {
                thinned->left_out += records->items[r].samples;
                records->items[r].ns = NULL;
            }
        }
    }
    return true;
}

static size_t count_samples(const struct dt_evidence *evidence)
{
    size_t count = 0;
    for (size_t s = 0; s < evidence->count; s++)
        for (size_t r = 0; r < evidence->sessions[s].records.count; r++)
            if (evidence->sessions[s].records.items[r].ns)
                count += evidence->sessions[s].records.items[r].samples;
    return count;
}

/* What `write` prints, in memory that the caller frees. */
static enum dt_status collect(char **text, size_t *size, const char *lines, size_t length,
                              void (*write)(FILE *, const char *, size_t), struct dt_error *error)
{
    *text = NULL;
    FILE *memory = open_memstream(text, size);
    if (!memory)
        return no_memory(error);
    write(memory, lines, length);
    if (fclose(memory) == 0)
        return DT_OK;
    free(*text);
    *text = NULL;
    return no_memory(error);
}

static enum dt_status print_lines(const struct dt_evidence *evidence, char **lines, size_t *size,
                                  struct dt_error *error)
{
    *lines = NULL;
    FILE *memory = open_memstream(lines, size);
    if (!memory)
        return no_memory(error);
    enum dt_status status = dt_evidence_write(memory, evidence, error);
    if (fclose(memory) && !status)
        status = no_memory(error);
    return status;
}

/* Plain or packed. */
static enum dt_status wrap(const char *text, size_t size, struct dt_embedded *embedded,
                           struct dt_error *error)
{
    char *packed = NULL;
    if (size > DT_EMBEDDED_PLAIN_MAX)
        packed = dt_pack(text, size);
    FILE *memory = open_memstream(&embedded->block, &embedded->size);
    if (memory && packed)
        fprintf(memory, "%s data-packed=\"%zu\">\n%s", open_tag, size, packed);
    else if (memory)
        fprintf(memory, "%s>\n%s", open_tag, text);
    if (memory)
        fprintf(memory, "%s\n", close_tag);
    free(packed);
    return memory && fclose(memory) == 0 ? DT_OK : no_memory(error);
}

static enum dt_status make_block(const struct dt_evidence *evidence, struct dt_embedded *embedded,
                                 struct dt_error *error)
{
    char *lines = NULL, *text = NULL;
    size_t length = 0, size = 0;
    enum dt_status status = print_lines(evidence, &lines, &length, error);
    if (!status)
        status = collect(&text, &size, lines, length, shorten, error);
    free(lines);
    if (!status)
        status = wrap(text, size, embedded, error);
    free(text);
    return status;
}

/* Samples take most of the room: how many more have to go is told from what one takes. */
enum dt_status dt_embedded_init(struct dt_embedded *embedded, const struct dt_evidence *evidence,
                                size_t room, struct dt_error *error)
{
    *embedded = (struct dt_embedded){.samples = count_samples(evidence)};
    const size_t all = embedded->samples;
    size_t least = 0;
    for (;;) {
        struct thinned thinned;
        enum dt_status status = thin(evidence, least, &thinned)
                                    ? make_block(&thinned.evidence, embedded, error)
                                    : no_memory(error);
        embedded->left_out = thinned.left_out;
        embedded->samples = all - thinned.left_out;
        clear_thinned(&thinned);
        if (status)
            dt_embedded_clear(embedded);
        if (status || embedded->size <= room || embedded->samples == 0)
            return status;
        const double each = (double)embedded->size / (double)embedded->samples;
        const double more = (double)(embedded->size - room) / each * 1.1;
        least = embedded->left_out + (size_t)more + 1;
        free(embedded->block);
        embedded->block = NULL;
    }
}

void dt_embedded_clear(struct dt_embedded *embedded)
{
    free(embedded->block);
    *embedded = (struct dt_embedded){0};
}

/* ---- Reading --------------------------------------------------------------- */

/* All of a stream with a 0 behind it. */
static enum dt_status slurp(FILE *stream, char **text, size_t *size, struct dt_error *error)
{
    char buffer[1 << 14], *grown = NULL;
    size_t got, total = 0;
    FILE *memory = open_memstream(&grown, size);
    if (!memory)
        return no_memory(error);
    while (total <= HTML_BYTES_MAX && (got = fread(buffer, 1, sizeof buffer, stream)) > 0) {
        fwrite(buffer, 1, got, memory);
        total += got;
    }
    enum dt_status status = fclose(memory) ? no_memory(error) : DT_OK;
    if (!status && total > HTML_BYTES_MAX)
        status = dt_error_set(error, DT_INVALID, "an HTML report of more than %zu bytes",
                              HTML_BYTES_MAX);
    if (status)
        free(grown);
    *text = status ? NULL : grown;
    return status;
}

/* The lines between the tags, unpacked if need be. */
static enum dt_status find_lines(char *html, char **text, size_t *size, struct dt_error *error)
{
    char *tag = strstr(html, open_tag), *start = tag ? strstr(tag, ">\n") : NULL;
    char *end = start ? strstr(start, close_tag) : NULL;
    if (!end)
        return dt_error_set(error, DT_INVALID,
                            "an HTML file without the data of a report; only those of `disentune "
                            "report` have them");
    size_t bytes;
    const bool packed = sscanf(tag + sizeof open_tag - 1, " data-packed=\"%zu\"", &bytes) == 1;
    *end = '\0';
    start += 2;
    if (packed)
        return dt_unpack(start, bytes, text, size, error);
    *size = (size_t)(end - start);
    *text = malloc(*size + 1);
    if (!*text)
        return no_memory(error);
    memcpy(*text, start, *size + 1);
    return DT_OK;
}

enum dt_status dt_embedded_read(FILE *stream, char **lines, size_t *size, struct dt_error *error)
{
    char *html, *text = NULL;
    size_t length;
    *lines = NULL;
    enum dt_status status = slurp(stream, &html, &length, error);
    if (status)
        return status;
    status = find_lines(html, &text, &length, error);
    free(html);
    if (!status)
        status = collect(lines, size, text, length, lengthen, error);
    free(text);
    return status;
}
