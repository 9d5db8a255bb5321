/* SPDX-License-Identifier: MIT */
#include "tuner/recording.h"

#include "reports/fields.h"
#include "reports/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA "disentune-space-1"
#define COUNT(table) (sizeof(table) / sizeof *(table))

enum { RECORDINGS_MAX = 1000, SAMPLES_MAX = 1000, BASE_REACH = 2 };

static enum dt_status no_memory(struct dt_error *error)
{
    return dt_error_set(error, DT_NO_MEMORY, "no memory for a recorded space");
}

void dt_recording_clear(struct dt_recording *r)
{
    for (size_t n = 0; n < r->count; n++) {
        free(r->plans[n].ns);
        free(r->plans[n].base);
    }
    free(r->plans);
    free(r->points);
    *r = (struct dt_recording){0};
}

void dt_recordings_clear(struct dt_recordings *recordings)
{
    for (size_t n = 0; n < recordings->count; n++)
        dt_recording_clear(&recordings->items[n]);
    free(recordings->items);
    *recordings = (struct dt_recordings){0};
}

/* ---- Making ---------------------------------------------------------------------- */

static int compare_plans(const void *x, const void *y, void *space)
{
    return dt_space_compare(space, *(const size_t *)x, *(const size_t *)y);
}

static bool rank_plans(struct dt_recording *r, const struct dt_space *space)
{
    size_t *ranked = malloc((space->count + 1) * sizeof *ranked);
    if (!ranked)
        return false;
    for (size_t n = 0; n < space->count; n++)
        ranked[n] = n;
    qsort_r(ranked, space->count, sizeof *ranked, compare_plans, (void *)(uintptr_t)space);
    for (size_t n = 0; n < space->count; n++)
        r->plans[ranked[n]].preference = n;
    free(ranked);
    return true;
}

/* The time of the anchor about its n-th one: a single one may be disturbed. */
static double base_about(const struct dt_lane *anchor, size_t n)
{
    double near[2 * BASE_REACH + 1];
    size_t count = 0;
    for (size_t j = n > BASE_REACH ? n - BASE_REACH : 0; j <= n + BASE_REACH && j < anchor->count;
         j++)
        near[count++] = anchor->times[j].ns;
    return dt_median(near, count);
}

/* The times of an entry, each with that of the anchor about the same block. */
static bool take_times(struct dt_recorded *plan, const struct dt_board *board, size_t entry)
{
    const struct dt_lane *lane = &board->lanes[entry], *anchor = &board->lanes[board->anchor];
    plan->ns = malloc((lane->count + 1) * sizeof *plan->ns);
    plan->base = malloc((lane->count + 1) * sizeof *plan->base);
    if (!plan->ns || !plan->base)
        return false;
    for (size_t i = 0, j = 0; i < lane->count && j < anchor->count;) {
        if (lane->times[i].block != anchor->times[j].block) {
            *(lane->times[i].block < anchor->times[j].block ? &i : &j) += 1;
            continue;
        }
        if (plan->samples == SAMPLES_MAX)
            break;
        plan->ns[plan->samples] = lane->times[i++].ns;
        plan->base[plan->samples++] = base_about(anchor, j++);
    }
    return true;
}

enum dt_status dt_recording_make(struct dt_recording *r, const struct dt_session *session,
                                 const struct dt_space_scope *scope, const struct dt_space *space,
                                 const struct dt_search *search, double trial_ns,
                                 struct dt_error *error)
{
    *r = (struct dt_recording){.op = scope->op,
                               .threads = scope->threads,
                               .noise_floor = session->noise_floor,
                               .trial_ns = trial_ns};
    memcpy(r->machine, session->machine[3], sizeof r->machine);
    memcpy(r->version, session->build.version, sizeof r->version);
    memcpy(r->date, session->date, sizeof r->date);
    dt_problem_print(scope->problem, r->problem);
    for (size_t n = 0; n < search->arena->known_count && n < DT_KNOWN_MAX; n++)
        r->known[r->known_count++] = search->arena->known[n];
    r->plans = calloc(space->count + 1, sizeof *r->plans);
    r->points = malloc((space->count + 1) * sizeof *r->points);
    bool fits = r->plans && r->points;
    for (size_t n = 0; n < space->count && fits; n++, r->count++) {
        const size_t entry = search->entry_of[n];
        struct dt_recorded *plan = &r->plans[n];
        *plan = (struct dt_recorded){
            .subject =
                dt_choice_subject(scope->op, scope->problem, scope->threads, &space->choices[n]),
            .point = space->points[n],
            .predicted_ns = space->predicted[n],
            .failed = entry != SIZE_MAX && search->entries[entry].failed,
        };
        r->points[n] = space->points[n];
        if (entry != SIZE_MAX && !plan->failed)
            fits = take_times(plan, &search->board, entry);
    }
    if (fits && rank_plans(r, space))
        return DT_OK;
    dt_recording_clear(r);
    return no_memory(error);
}

/* ---- Lines ----------------------------------------------------------------------- */

/* The line of a space; `problem` is parsed only to be checked. */
struct head {
    char schema[24], op[16], problem[DT_PROBLEM_TEXT_MAX], machine[96], version[16], date[24];
    int threads;
    double noise_floor, trial_ns;
    size_t plans, known_count;
    size_t known[DT_KNOWN_MAX];
};

static json_t *encode_known(const void *at)
{
    const struct head *head = at;
    return dt_codec_encode_each(head->known, head->known_count, sizeof *head->known,
                                dt_codec_count.encode);
}

static enum dt_status decode_known(const json_t *json, void *at, size_t size)
{
    (void)size;
    struct head *head = at;
    head->known_count = json_array_size(json);
    if (!json_is_array(json) || head->known_count > DT_KNOWN_MAX)
        return DT_INVALID;
    for (size_t n = 0; n < head->known_count; n++)
        if (dt_codec_count.decode(json_array_get(json, n), &head->known[n], sizeof *head->known))
            return DT_INVALID;
    return DT_OK;
}

static const struct dt_codec known_plans = {"at most 8 numbers of plans", encode_known,
                                            decode_known, true};

static const struct dt_field head_fields[] = {
    DT_FIELD(head, schema, dt_codec_text),
    DT_FIELD(head, op, dt_codec_text),
    DT_FIELD(head, problem, dt_codec_text),
    DT_FIELD(head, threads, dt_codec_threads),
    DT_FIELD(head, machine, dt_codec_text),
    DT_FIELD(head, version, dt_codec_text),
    DT_FIELD(head, date, dt_codec_text),
    DT_FIELD(head, noise_floor, dt_codec_real),
    DT_FIELD(head, trial_ns, dt_codec_real),
    DT_FIELD(head, plans, dt_codec_count),
    DT_FIELD_WHOLE("known", head, known_plans, false),
};

static json_t *encode_value(const void *at) { return json_integer(*(const int16_t *)at); }

static json_t *encode_point(const void *at)
{
    const struct dt_point *point = at;
    return dt_codec_encode_each(point->at, DT_AXES, sizeof *point->at, encode_value);
}

static enum dt_status decode_point(const json_t *json, void *at, size_t size)
{
    (void)size;
    struct dt_point *point = at;
    if (!json_is_array(json) || json_array_size(json) != DT_AXES)
        return DT_INVALID;
    for (size_t n = 0; n < DT_AXES; n++) {
        const json_t *value = json_array_get(json, n);
        const json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
        if (number < 0 || number >= DT_AXIS_VALUES)
            return DT_INVALID;
        point->at[n] = (int16_t)number;
    }
    return DT_OK;
}

static const struct dt_codec axis_values = {"7 numbers from 0 to 95", encode_point, decode_point,
                                            NULL};

/* Of the whole plan, after its samples. */
static json_t *encode_ns(const void *at)
{
    const struct dt_recorded *plan = at;
    return dt_codec_encode_reals(plan->ns, plan->samples);
}

static json_t *encode_base(const void *at)
{
    const struct dt_recorded *plan = at;
    return dt_codec_encode_reals(plan->base, plan->samples);
}

static enum dt_status decode_times(const json_t *json, size_t samples, double **times)
{
    enum dt_status status = dt_codec_decode_reals(json, samples, times);
    bool positive = *times || samples == 0;
    for (size_t n = 0; n < samples && !status && positive; n++)
        positive = (*times)[n] > 0;
    return status ? status : positive ? DT_OK : DT_INVALID;
}

static enum dt_status decode_ns(const json_t *json, void *at, size_t size)
{
    (void)size;
    struct dt_recorded *plan = at;
    return decode_times(json, plan->samples, &plan->ns);
}

static enum dt_status decode_base(const json_t *json, void *at, size_t size)
{
    (void)size;
    struct dt_recorded *plan = at;
    return decode_times(json, plan->samples, &plan->base);
}

static const struct dt_codec ns_array = {"as many positive times as \"samples\" says", encode_ns,
                                         decode_ns, true};
static const struct dt_codec base_array = {"as many positive times as \"samples\" says",
                                           encode_base, decode_base, true};

static const struct dt_field plan_fields[] = {
    DT_FIELD_AS("at", dt_recorded, point, axis_values),
    DT_FIELD(dt_recorded, preference, dt_codec_count),
    DT_FIELD(dt_recorded, predicted_ns, dt_codec_real),
    DT_FIELD(dt_recorded, failed, dt_codec_flag),
    DT_FIELD(dt_recorded, samples, dt_codec_count),
    DT_FIELD_WHOLE("ns", dt_recorded, ns_array, false),
    DT_FIELD_WHOLE("base", dt_recorded, base_array, false),
};

static enum dt_status write_plan(FILE *stream, const struct dt_recorded *plan,
                                 struct dt_error *error)
{
    json_t *line =
        dt_fields_encode(dt_subject_fields.items, dt_subject_fields.count, &plan->subject);
    json_t *own = dt_fields_encode(plan_fields, COUNT(plan_fields), plan);
    if (!own || json_object_update(line, own) != 0) {
        json_decref(line);
        line = NULL;
    }
    json_decref(own);
    return dt_line_write(stream, line, error);
}

enum dt_status dt_recording_write(FILE *stream, const struct dt_recording *r,
                                  struct dt_error *error)
{
    struct head head = {.schema = SCHEMA,
                        .threads = r->threads,
                        .noise_floor = r->noise_floor,
                        .trial_ns = r->trial_ns,
                        .plans = r->count,
                        .known_count = r->known_count};
    snprintf(head.op, sizeof head.op, "%s", dt_op_name(r->op));
    memcpy(head.problem, r->problem, sizeof head.problem);
    memcpy(head.machine, r->machine, sizeof head.machine);
    memcpy(head.version, r->version, sizeof head.version);
    memcpy(head.date, r->date, sizeof head.date);
    memcpy(head.known, r->known, sizeof head.known);
    enum dt_status status =
        dt_line_write(stream, dt_fields_encode(head_fields, COUNT(head_fields), &head), error);
    for (size_t n = 0; n < r->count && !status; n++)
        status = write_plan(stream, &r->plans[n], error);
    return status;
}

/* ---- Reading --------------------------------------------------------------------- */

struct reader {
    struct dt_recordings *found;
    size_t wanted; /* plans of the last space that are still to come */
};

static enum dt_status check_head(const struct head *head, struct dt_error *error)
{
    struct dt_problem problem;
    if (strcmp(head->schema, SCHEMA) != 0)
        return dt_error_set(error, DT_INVALID, "\"schema\" must be \"" SCHEMA "\"");
    const enum dt_op op = dt_op_parse(head->op);
    if (op == DT_OP_COUNT || op == DT_OP_PROBE)
        return dt_error_set(error, DT_INVALID, "\"op\" must be an operation, e.g. \"bias\"");
    if (head->plans == 0 || head->plans > DT_SPACE_MAX)
        return dt_error_set(error, DT_INVALID, "\"plans\" must be from 1 to %d", DT_SPACE_MAX);
    for (size_t n = 0; n < head->known_count; n++)
        if (head->known[n] >= head->plans)
            return dt_error_set(error, DT_INVALID, "\"known\" names a plan that is not there");
    return dt_problem_parse(head->problem, &problem, error);
}

static enum dt_status take_head(struct reader *reader, const json_t *object, struct dt_error *error)
{
    struct head head = {.threads = 0};
    struct dt_recordings *found = reader->found;
    enum dt_status status =
        dt_fields_decode(head_fields, COUNT(head_fields), object, &head, "", error);
    if (!status)
        status = check_head(&head, error);
    if (!status && found->count == RECORDINGS_MAX)
        status = dt_error_set(error, DT_INVALID, "more than %d spaces", RECORDINGS_MAX);
    if (status)
        return status;
    struct dt_recording *grown = realloc(found->items, (found->count + 1) * sizeof *grown);
    if (!grown)
        return no_memory(error);
    found->items = grown;
    struct dt_recording *r = &grown[found->count];
    *r = (struct dt_recording){.op = dt_op_parse(head.op),
                               .threads = head.threads,
                               .noise_floor = isnan(head.noise_floor) ? 0 : head.noise_floor,
                               .trial_ns = isnan(head.trial_ns) ? 0 : head.trial_ns,
                               .known_count = head.known_count};
    memcpy(r->problem, head.problem, sizeof r->problem);
    memcpy(r->machine, head.machine, sizeof r->machine);
    memcpy(r->version, head.version, sizeof r->version);
    memcpy(r->date, head.date, sizeof r->date);
    memcpy(r->known, head.known, sizeof r->known);
    r->plans = calloc(head.plans, sizeof *r->plans);
    r->points = malloc(head.plans * sizeof *r->points);
    found->count++;
    reader->wanted = head.plans;
    return r->plans && r->points ? DT_OK : no_memory(error);
}

static enum dt_status take_plan(struct reader *reader, const json_t *object, struct dt_error *error)
{
    struct dt_recording *r = &reader->found->items[reader->found->count - 1];
    struct dt_recorded *plan = &r->plans[r->count];
    enum dt_status status = dt_fields_decode(dt_subject_fields.items, dt_subject_fields.count,
                                             object, &plan->subject, "", error);
    r->points[r->count++] = plan->point;
    if (!status)
        status = dt_fields_decode(plan_fields, COUNT(plan_fields), object, plan, "", error);
    r->points[r->count - 1] = plan->point;
    reader->wanted--;
    return status;
}

static enum dt_status take_line(void *context, const char *line, size_t length,
                                struct dt_error *error)
{
    struct reader *reader = context;
    json_t *object;
    enum dt_status status = dt_line_parse(line, length, &object, error);
    if (status)
        return status;
    status = reader->wanted ? take_plan(reader, object, error) : take_head(reader, object, error);
    json_decref(object);
    return status;
}

enum dt_status dt_recordings_read(const char *path, struct dt_recordings *recordings,
                                  struct dt_error *error)
{
    struct reader reader = {.found = recordings};
    *recordings = (struct dt_recordings){0};
    enum dt_status status = dt_lines_read(path, take_line, &reader, error);
    if (!status && recordings->count == 0)
        status = dt_error_set(error, DT_INVALID, "%.160s: holds no recorded space", path);
    if (!status && reader.wanted)
        status = dt_error_set(error, DT_INVALID, "%.160s: ends before the last %zu plans", path,
                              reader.wanted);
    if (status)
        dt_recordings_clear(recordings);
    return status;
}

/* ---- Truth ----------------------------------------------------------------------- */

double dt_recorded_score(const struct dt_recorded *plan)
{
    double ratios[SAMPLES_MAX];
    const size_t count = plan->samples < SAMPLES_MAX ? plan->samples : SAMPLES_MAX;
    for (size_t n = 0; n < count; n++)
        ratios[n] = plan->ns[n] / plan->base[n];
    return count ? dt_median(ratios, count) : INFINITY;
}

/* Samples of the plan that has most, but for the anchor. */
static size_t most_samples(const struct dt_recording *r)
{
    size_t most = 0;
    for (size_t n = 0; n < r->count; n++)
        if (r->known_count == 0 || n != r->known[0])
            most = r->plans[n].samples > most ? r->plans[n].samples : most;
    return most;
}

size_t dt_recording_best(const struct dt_recording *r)
{
    const size_t most = most_samples(r);
    size_t best = r->count;
    double least = INFINITY;
    for (size_t n = 0; n < r->count; n++) {
        const double score = dt_recorded_score(&r->plans[n]);
        if (2 * r->plans[n].samples >= most && score < least) {
            least = score;
            best = n;
        }
    }
    return best;
}
