/* SPDX-License-Identifier: MIT */
#include "reports/embedded.h"

#include "reports/divisor.h"
#include "reports/packing.h"

#include "kernels/error.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define HTML_BYTES_MAX ((size_t)64 << 20)

static const char open_tag[] = "<script id=\"evidence\" type=\"application/x-ndjson\"";
static const char close_tag[] = "</script>";

static enum dt_status no_memory(struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory for the data of a report");
}

/* ---- What is written -------------------------------------------------------- */

/* Shallow copies of the sessions. Their records have no samples that are left out, nor those that
 * are whole numbers over a divisor, which are written apart. */
struct thinned {
    struct dt_evidence evidence;
    const struct dt_evidence *source;
    uint64_t *divisors; /* of all records in turn; 0: its samples are left out, or as they were */
    size_t left_out;
};

static void clear_thinned(struct thinned *thinned)
{
    for (size_t s = 0; thinned->evidence.sessions && s < thinned->evidence.count; s++)
        free(thinned->evidence.sessions[s].records.items);
    free(thinned->evidence.sessions);
    free(thinned->divisors);
    *thinned = (struct thinned){0};
}

static void thin_record(struct thinned *thinned, size_t least, struct dt_record *record,
                        uint64_t *divisor)
{
    *divisor = 0;
    if (!record->ns)
        return;
    if (thinned->left_out < least)
        thinned->left_out += record->samples;
    else if ((*divisor = dt_divisor_find(record->ns, record->samples)) == 0)
        return;
    record->ns = NULL;
}

/* Leaves out at least so many samples if there are as many, whole records at a time. */
static bool thin(const struct dt_evidence *evidence, size_t least, struct thinned *thinned)
{
    size_t records = 0, done = 0;
    for (size_t s = 0; s < evidence->count; s++)
        records += evidence->sessions[s].records.count;
    *thinned = (struct thinned){.evidence.count = evidence->count, .source = evidence};
    thinned->evidence.sessions = calloc(evidence->count + 1, sizeof *evidence->sessions);
    thinned->divisors = malloc((records + 1) * sizeof *thinned->divisors);
    if (!thinned->evidence.sessions || !thinned->divisors)
        return false;
    for (size_t s = 0; s < evidence->count; s++) {
        const struct dt_records *from = &evidence->sessions[s].records;
        struct dt_records *to = &thinned->evidence.sessions[s].records;
        thinned->evidence.sessions[s] = evidence->sessions[s];
        to->items = malloc((from->count + 1) * sizeof *to->items);
        if (!to->items)
            return false;
        for (size_t r = 0; r < from->count; r++) {
            to->items[r] = from->items[r];
            thin_record(thinned, least, &to->items[r], &thinned->divisors[done++]);
        }
    }
    return true;
}

/* ---- Lines ----------------------------------------------------------------- */

static const char session_key[] = ",\"session\":{";
static const char ns_key[] = ",\"ns\":";
static const char total_key[] = ",\"ns\":{\"calls\":";

/* Quotes within JSON texts are escaped: where the key stands it is one. */
static const char *find_key(const char *line, size_t length, const char *key)
{
    return memmem(line, length, key, strlen(key));
}

static void put_escaped(FILE *out, const char *text, size_t length)
{
    for (size_t n = 0; n < length; n++)
        if (text[n] == '<')
            fputs("\\u003c", out);
        else
            putc_unlocked(text[n], out);
}

static void put_total(FILE *out, const struct dt_record *record, uint64_t divisor)
{
    uint64_t least = UINT64_MAX;
    for (size_t n = 0; n < record->samples; n++) {
        const uint64_t whole = dt_divisor_whole(record->ns[n], divisor);
        least = whole < least ? whole : least;
    }
    fprintf(out, "%s%" PRIu64 ",\"least\":%" PRIu64 ",\"over\":[", total_key, divisor, least);
    for (size_t n = 0; n < record->samples; n++)
        fprintf(out, "%s%" PRIu64, n ? "," : "", dt_divisor_whole(record->ns[n], divisor) - least);
    fputs("]}", out);
}

/* The next record in the order of lines. */
struct cursor {
    const struct thinned *thinned;
    size_t session, record, all;
};

static const struct dt_record *next_record(struct cursor *at, uint64_t *divisor)
{
    const struct dt_evidence *source = at->thinned->source;
    while (at->record == source->sessions[at->session].records.count) {
        at->session++;
        at->record = 0;
    }
    *divisor = at->thinned->divisors[at->all++];
    return &source->sessions[at->session].records.items[at->record++];
}

static void put_line(FILE *out, struct cursor *at, const char *line, size_t length)
{
    static const char record_start[] = "{\"kind\":\"record\",", none[] = "null";
    uint64_t divisor = 0;
    const struct dt_record *record = NULL;
    if (strncmp(line, record_start, sizeof record_start - 1) == 0)
        record = next_record(at, &divisor);
    const char *ns = divisor ? find_key(line, length, ns_key) : NULL;
    if (!ns) {
        put_escaped(out, line, length);
        return;
    }
    const char *rest = ns + sizeof ns_key - 1 + sizeof none - 1;
    put_escaped(out, line, (size_t)(ns - line));
    put_total(out, record, divisor);
    put_escaped(out, rest, (size_t)(line + length - rest));
}

/* Lines to what is embedded. */
static void shorten(FILE *out, const char *lines, size_t size, const void *context)
{
    struct cursor at = {.thinned = context};
    const char *last = NULL, *end = lines + size;
    size_t last_length = 0;
    for (const char *line = lines, *next; line < end; line = next) {
        next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
        const size_t length = (size_t)(next - line);
        const char *session = find_key(line, length, session_key);
        const size_t tail = session ? (size_t)(next - session) : 0;
        if (tail && tail == last_length && memcmp(session, last, tail) == 0) {
            put_line(out, &at, line, (size_t)(session - line));
            fputs("}\n", out);
        } else {
            put_line(out, &at, line, length);
        }
        if (tail) {
            last = session;
            last_length = tail;
        }
    }
}

static bool take_word(const char **at, const char *word)
{
    const size_t length = strlen(word);
    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

static uint64_t take_whole(const char **at)
{
    char *end;
    const uint64_t value = strtoull(*at, &end, 10);
    *at = end;
    return value;
}

/* Samples as they were, in place of whole numbers from `at` on; what follows is returned. What is
 * damaged gives no JSON or no record, for the reader of lines to say. */
static const char *put_quotients(FILE *out, const char *at)
{
    const uint64_t divisor = take_word(&at, total_key) ? take_whole(&at) : 0;
    const uint64_t least = take_word(&at, ",\"least\":") ? take_whole(&at) : 0;
    fputs(",\"ns\":[", out);
    if (divisor == 0 || !take_word(&at, ",\"over\":["))
        return at;
    while (*at >= '0' && *at <= '9') {
        fprintf(out, "%.17g", (double)(least + take_whole(&at)) / (double)divisor);
        if (*at == ',')
            fputc(*at++, out);
    }
    if (take_word(&at, "]}"))
        fputc(']', out);
    return at;
}

static void put_long(FILE *out, const char *line, size_t length)
{
    const char *key = find_key(line, length, total_key), *end = line + length;
    if (key) {
        fwrite(line, 1, (size_t)(key - line), out);
        line = put_quotients(out, key);
    }
    if (line < end)
        fwrite(line, 1, (size_t)(end - line), out);
}

/* And back. */
static void lengthen(FILE *out, const char *text, size_t size, const void *context)
{
    (void)context;
    const char *last = NULL, *end = text + size;
    size_t last_length = 0;
    for (const char *line = text, *next; line < end; line = next) {
        next = memchr(line, '\n', (size_t)(end - line));
        next = next ? next + 1 : end;
        const size_t length = (size_t)(next - line);
        const char *session = find_key(line, length, session_key);
        if (!session && last && length >= 2 && next[-1] == '\n' && next[-2] == '}') {
            put_long(out, line, length - 2);
            fwrite(last, 1, last_length, out);
            continue;
        }
        put_long(out, line, length);
        if (session) {
            last = session;
            last_length = (size_t)(next - session);
        }
    }
}

/* ---- Writing --------------------------------------------------------------- */

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
                              void (*write)(FILE *, const char *, size_t, const void *),
                              const void *context, struct dt_error *error)
{
    *text = NULL;
    FILE *memory = open_memstream(text, size);
    if (!memory)
        return no_memory(error);
    write(memory, lines, length, context);
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

static enum dt_status make_block(const struct thinned *thinned, struct dt_embedded *embedded,
                                 struct dt_error *error)
{
    char *lines = NULL, *text = NULL;
    size_t length = 0, size = 0;
    enum dt_status status = print_lines(&thinned->evidence, &lines, &length, error);
    if (!status)
        status = collect(&text, &size, lines, length, shorten, thinned, error);
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
                                    ? make_block(&thinned, embedded, error)
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
        status = collect(lines, size, text, length, lengthen, NULL, error);
    free(text);
    return status;
}
