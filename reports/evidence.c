/* SPDX-License-Identifier: MIT */
#include "reports/evidence.h"

#include "reports/fields.h"
#include "reports/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Sessions -------------------------------------------------------------- */

static char *identity_text(const struct dt_session *session)
{
    json_t *identity = dt_session_identity(session);
    char *text = identity ? json_dumps(identity, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    json_decref(identity);
    return text;
}

/* By date, then content. False without memory. */
static bool compare(const struct dt_session *a, const struct dt_session *b, int *order)
{
    *order = strcmp(a->date, b->date);
    if (*order == 0)
        *order = strcmp(a->run, b->run);
    if (*order)
        return true;
    char *x = identity_text(a), *y = identity_text(b);
    const bool known = x && y;
    *order = known ? strcmp(x, y) : 0;
    free(x);
    free(y);
    return known;
}

static struct dt_finding *insert(struct dt_evidence *evidence, size_t at,
                                 const struct dt_session *session)
{
    struct dt_finding *grown =
        realloc(evidence->sessions, (evidence->count + 1) * sizeof *evidence->sessions);
    if (!grown)
        return NULL;
    evidence->sessions = grown;
    memmove(&grown[at + 1], &grown[at], (evidence->count - at) * sizeof *grown);
    grown[at] = (struct dt_finding){.records.session = *session};
    evidence->count++;
    return &grown[at];
}

struct dt_finding *dt_evidence_session(struct dt_evidence *evidence,
                                       const struct dt_session *session)
{
    size_t low = 0, high = evidence->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        struct dt_finding *finding = &evidence->sessions[middle];
        struct dt_session *known = &finding->records.session;
        int order;
        if (!compare(session, known, &order))
            return NULL;
        if (order == 0) {
            known->noisy |= session->noisy;
            known->noise_floor = fmax(known->noise_floor, session->noise_floor);
            return finding;
        }
        if (order > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return insert(evidence, low, session);
}

void dt_finding_clear(struct dt_finding *finding)
{
    for (size_t c = 0; c < finding->cell_count; c++) {
        free(finding->cells[c].ratios);
        free(finding->cells[c].aa_ratios);
    }
    free(finding->candidates);
    free(finding->cells);
    free(finding->trials);
    dt_records_clear(&finding->records);
    *finding = (struct dt_finding){0};
}

void dt_evidence_clear(struct dt_evidence *evidence)
{
    for (size_t s = 0; s < evidence->count; s++)
        dt_finding_clear(&evidence->sessions[s]);
    free(evidence->sessions);
    *evidence = (struct dt_evidence){0};
}

struct dt_subject dt_record_subject(const struct dt_record *r)
{
    struct dt_subject subject = {.op = r->op,
                                 .problem = r->problem,
                                 .threads = r->threads,
                                 .tile = r->tile,
                                 .chunk = r->chunk};
    memcpy(subject.variant, r->variant, sizeof subject.variant);
    memcpy(subject.gemm, r->gemm, sizeof subject.gemm);
    memcpy(subject.bias, r->bias, sizeof subject.bias);
    memcpy(subject.softmax, r->softmax, sizeof subject.softmax);
    return subject;
}

struct dt_subject dt_choice_subject(enum dt_op op, const struct dt_problem *problem, int threads,
                                    const struct dt_choice *choice)
{
    struct dt_record record = {.op = op, .problem = *problem, .threads = threads};
    dt_record_set_choice(&record, choice);
    return dt_record_subject(&record);
}

/* ---- Kinds ----------------------------------------------------------------- */

/* One kind of finding: an array of a session. */
struct kind {
    const char *name;
    const struct dt_fields *fields; /* NULL: the session alone */
    size_t items, count;            /* offsets in struct dt_finding */
    size_t size;
};

#define KIND(name, fields, items, count)                                                           \
    {                                                                                              \
        name, &fields, offsetof(struct dt_finding, items), offsetof(struct dt_finding, count),     \
            sizeof *((struct dt_finding *)0)->items                                                \
    }

static const struct kind kinds[] = {
    KIND("record", dt_record_fields, records.items, records.count),
    KIND("candidate", dt_candidate_fields, candidates, candidate_count),
    KIND("cell", dt_cell_fields, cells, cell_count),
    KIND("trials", dt_trial_set_fields, trials, trial_count),
    {.name = "session"},
};

#define KINDS (sizeof kinds / sizeof *kinds)

union item {
    struct dt_record record;
    struct dt_candidate candidate;
    struct dt_cell cell;
    struct dt_trial_set trials;
};

static void release(const struct kind *kind, union item *item)
{
    if (kind->fields == &dt_record_fields)
        free(item->record.ns);
    if (kind->fields == &dt_cell_fields) {
        free(item->cell.ratios);
        free(item->cell.aa_ratios);
    }
}

static size_t *count_of(const struct kind *kind, struct dt_finding *finding)
{
    return (size_t *)(void *)((char *)finding + kind->count);
}

/* Moves an item to the end of its array; false without memory. */
static bool append(const struct kind *kind, struct dt_finding *finding, const union item *item)
{
    size_t *count = count_of(kind, finding);
    char *items, *grown;
    memcpy(&items, (const char *)finding + kind->items, sizeof items);
    if (!(grown = realloc(items, (*count + 1) * kind->size)))
        return false;
    memcpy((char *)finding + kind->items, &grown, sizeof grown);
    memcpy(grown + (*count)++ * kind->size, item, kind->size);
    return true;
}

/* ---- Writing --------------------------------------------------------------- */

static enum dt_status write_item(FILE *stream, const struct kind *kind,
                                 const struct dt_session *session, const void *item,
                                 struct dt_error *error)
{
    json_t *line = json_pack("{s:s}", "kind", kind->name), *members = NULL;
    if (item && !dt_fits(kind->fields, item)) {
        json_decref(line);
        return dt_error_set(error, DT_INVALID, "a %s has more than %zu samples", kind->name,
                            DT_CODEC_COUNT_MAX);
    }
    if (item)
        members = dt_fields_encode(kind->fields->items, kind->fields->count, item);
    json_t *nested = dt_fields_encode(dt_session_fields.items, dt_session_fields.count, session);
    const bool whole = (!item || json_object_update(line, members) == 0) &&
                       json_object_set(line, "session", nested) == 0;
    json_decref(members);
    json_decref(nested);
    if (!whole) {
        json_decref(line);
        line = NULL;
    }
    return dt_line_write(stream, line, error);
}

static enum dt_status write_finding(FILE *stream, struct dt_finding *finding,
                                    struct dt_error *error)
{
    const struct dt_session *session = &finding->records.session;
    size_t written = 0;
    for (size_t k = 0; kinds[k].fields; k++) {
        const char *items;
        const size_t count = *count_of(&kinds[k], finding);
        memcpy(&items, (const char *)finding + kinds[k].items, sizeof items);
        for (size_t n = 0; n < count; n++, written++) {
            enum dt_status status =
                write_item(stream, &kinds[k], session, items + n * kinds[k].size, error);
            if (status)
                return status;
        }
    }
    return written ? DT_OK : write_item(stream, &kinds[KINDS - 1], session, NULL, error);
}

enum dt_status dt_evidence_write(FILE *stream, const struct dt_evidence *evidence,
                                 struct dt_error *error)
{
    enum dt_status status = DT_OK;
    for (size_t s = 0; s < evidence->count && !status; s++)
        status = write_finding(stream, &evidence->sessions[s], error);
    return status;
}

/* ---- Reading --------------------------------------------------------------- */

struct reading {
    struct dt_evidence *evidence;
    struct dt_session last; /* decoded before, and the place of its like: neighbours are alike */
    size_t place;
};

static const struct kind *find_kind(const json_t *object)
{
    const json_t *name = json_object_get(object, "kind");
    size_t k = 0;
    if (!name)
        return &kinds[0];
    while (k < KINDS &&
           !(json_is_string(name) && strcmp(json_string_value(name), kinds[k].name) == 0))
        k++;
    return k < KINDS ? &kinds[k] : NULL;
}

static enum dt_status decode_session(const json_t *object, struct dt_session *session,
                                     struct dt_error *error)
{
    const json_t *nested = json_object_get(object, "session");
    memset(session, 0, sizeof *session);
    if (!nested)
        return dt_error_set(error, DT_INVALID, "\"session\" is missing");
    return dt_fields_decode(dt_session_fields.items, dt_session_fields.count, nested, session,
                            "session.", error);
}

static struct dt_finding *place(struct reading *reading, const struct dt_session *session)
{
    struct dt_evidence *evidence = reading->evidence;
    if (evidence->count > 0 && memcmp(session, &reading->last, sizeof *session) == 0)
        return &evidence->sessions[reading->place];
    struct dt_finding *finding = dt_evidence_session(evidence, session);
    if (finding) {
        memcpy(&reading->last, session, sizeof *session);
        reading->place = (size_t)(finding - evidence->sessions);
    }
    return finding;
}

static enum dt_status take_object(struct reading *reading, const json_t *object,
                                  struct dt_error *error)
{
    const struct kind *kind = find_kind(object);
    struct dt_session session;
    union item item;
    if (!kind)
        return dt_error_set(error, DT_INVALID,
                            "\"kind\" must be record, candidate, cell, trials or session");
    memset(&item, 0, sizeof item);
    enum dt_status status = decode_session(object, &session, error);
    if (status)
        return status;
    if (kind->fields == &dt_record_fields)
        dt_record_unknown(&item.record);
    if (kind->fields)
        status =
            dt_fields_decode(kind->fields->items, kind->fields->count, object, &item, "", error);
    struct dt_finding *finding = status ? NULL : place(reading, &session);
    const bool kept = finding && (!kind->fields || append(kind, finding, &item));
    if (!status && !kept)
        status = dt_error_set(error, DT_NO_MEMORY, "no memory for a %s", kind->name);
    if (status)
        release(kind, &item);
    return status;
}

static enum dt_status take_line(void *context, const char *line, size_t length,
                                struct dt_error *error)
{
    json_t *object;
    enum dt_status status = dt_line_parse(line, length, &object, error);
    if (status)
        return status;
    status = take_object(context, object, error);
    json_decref(object);
    return status;
}

enum dt_status dt_evidence_read(const char *path, struct dt_evidence *evidence,
                                struct dt_error *error)
{
    struct reading reading = {.evidence = evidence};
    *evidence = (struct dt_evidence){0};
    enum dt_status status = dt_lines_read(path, take_line, &reading, error);
    if (status)
        dt_evidence_clear(evidence);
    return status;
}
