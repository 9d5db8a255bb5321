/* SPDX-License-Identifier: MIT */
#include "reports/fields.h"
#include "reports/judge.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof *(table))

/* ---- Subjects -------------------------------------------------------------- */

static json_t *encode_problem(const void *at)
{
    char printed[DT_PROBLEM_TEXT_MAX];
    return json_string(dt_problem_print(at, printed));
}

static enum dt_status decode_problem(const json_t *json, void *at, size_t size)
{
    (void)size;
    char words[DT_PROBLEM_TEXT_MAX];
    enum dt_status status = dt_codec_text.decode(json, words, sizeof words);
    return status ? status : dt_problem_parse(words, at, NULL);
}

static const struct dt_codec problem_text = {
    "a problem, e.g. \"b1 h1 q512 k512 d64 log:256:512 c2p+p2c f32 hf mask:none\"", encode_problem,
    decode_problem, false};

static json_t *encode_op(const void *at)
{
    return json_string(dt_op_name(*(const enum dt_op *)at));
}

static enum dt_status decode_op(const json_t *json, void *at, size_t size)
{
    (void)size;
    enum dt_op op = json_is_string(json) ? dt_op_parse(json_string_value(json)) : DT_OP_COUNT;
    *(enum dt_op *)at = op;
    return op < DT_OP_COUNT ? DT_OK : DT_INVALID;
}

static const struct dt_codec op_name = {"an operation, e.g. \"bias\"", encode_op, decode_op, false};

static json_t *encode_tile(const void *at)
{
    const struct dt_tile *tile = at;
    return json_sprintf("%" PRId32 "x%" PRId32, tile->rows, tile->cols);
}

static enum dt_status decode_tile(const json_t *json, void *at, size_t size)
{
    (void)size;
    char words[24], printed[24] = "", *end;
    if (dt_codec_text.decode(json, words, sizeof words))
        return DT_INVALID;
    long rows = strtol(words, &end, 10);
    long cols = *end == 'x' ? strtol(end + 1, NULL, 10) : -1;
    if (rows < 0 || cols < 0 || rows > DT_MAX_LENGTH || cols > DT_MAX_LENGTH)
        return DT_INVALID;
    snprintf(printed, sizeof printed, "%ldx%ld", rows, cols);
    *(struct dt_tile *)at = (struct dt_tile){(int32_t)rows, (int32_t)cols};
    return strcmp(printed, words) == 0 ? DT_OK : DT_INVALID;
}

static const struct dt_codec tile_text = {"rows x columns, e.g. \"64x0\"", encode_tile, decode_tile,
                                          false};

static json_t *encode_chunk(const void *at) { return json_integer(*(const int32_t *)at); }

static enum dt_status decode_chunk(const json_t *json, void *at, size_t size)
{
    (void)size;
    const json_int_t chunk = json_is_integer(json) ? json_integer_value(json) : -1;
    if (chunk < 0 || chunk > DT_MAX_LENGTH)
        return DT_INVALID;
    *(int32_t *)at = (int32_t)chunk;
    return DT_OK;
}

static const struct dt_codec chunk_length = {"a length, 0 for all", encode_chunk, decode_chunk,
                                             false};

#define SUBJECT(type)                                                                              \
    DT_FIELD(type, problem, problem_text), DT_FIELD(type, op, op_name),                            \
        DT_FIELD(type, variant, dt_codec_text), DT_FIELD(type, tile, tile_text),                   \
        DT_FIELD(type, chunk, chunk_length), DT_FIELD(type, gemm, dt_codec_text),                  \
        DT_FIELD(type, bias, dt_codec_text), DT_FIELD(type, softmax, dt_codec_text),               \
        DT_FIELD(type, threads, dt_codec_threads)

static const struct dt_field subject_fields[] = {SUBJECT(dt_subject)};
_Static_assert(COUNT(subject_fields) == DT_SUBJECT_KEYS, "one key each");

const struct dt_fields dt_subject_fields = {subject_fields, COUNT(subject_fields)};

static json_t *encode_subject(const void *at)
{
    return dt_fields_encode(subject_fields, COUNT(subject_fields), at);
}

static enum dt_status decode_subject(const json_t *json, void *at, size_t size)
{
    (void)size;
    return dt_fields_decode(subject_fields, COUNT(subject_fields), json, at, "", NULL);
}

static const struct dt_codec subject_object = {"an object of problem, operation and choice",
                                               encode_subject, decode_subject, true};

static json_t *encode_scope(const void *at)
{
    const struct dt_subject *subject = at;
    return subject->op == DT_OP_COUNT ? json_null() : encode_subject(subject);
}

static enum dt_status decode_scope(const json_t *json, void *at, size_t size)
{
    struct dt_subject *subject = at;
    subject->op = DT_OP_COUNT;
    return json_is_null(json) ? DT_OK : decode_subject(json, at, size);
}

static const struct dt_codec scope = {"null or an object of problem, operation and choice",
                                      encode_scope, decode_scope, true};

/* ---- Records --------------------------------------------------------------- */

/* Of the whole record, after its `samples`. */
static json_t *encode_ns(const void *at)
{
    const struct dt_record *record = at;
    return dt_codec_encode_reals(record->ns, record->samples);
}

static enum dt_status decode_ns(const json_t *json, void *at, size_t size)
{
    (void)size;
    struct dt_record *record = at;
    return dt_codec_decode_reals(json, record->samples, &record->ns);
}

static const struct dt_codec ns_array = {"null or as many times as \"samples\" says", encode_ns,
                                         decode_ns, true};

static json_t *encode_phases(const void *at)
{
    const double *ns = at;
    json_t *phases = json_object();
    size_t known = 0;
    for (int p = 0; phases && p < DT_PHASE_COUNT; p++) {
        known += !isnan(ns[p]);
        if (json_object_set_new(phases, dt_phase_name((enum dt_phase)p),
                                dt_codec_real.encode(&ns[p]))) {
            json_decref(phases);
            return NULL;
        }
    }
    if (known > 0)
        return phases;
    json_decref(phases);
    return json_null();
}

static enum dt_status decode_phases(const json_t *json, void *at, size_t size)
{
    double *ns = at;
    for (int p = 0; p < DT_PHASE_COUNT; p++) {
        const json_t *phase = json_object_get(json, dt_phase_name((enum dt_phase)p));
        ns[p] = NAN;
        if (!json_is_null(json) && (!phase || dt_codec_real.decode(phase, &ns[p], size)))
            return DT_INVALID;
    }
    return DT_OK;
}

static const struct dt_codec phase_times = {"null or an object of the time of each phase",
                                            encode_phases, decode_phases, true};

/* null for 0, which stands for a number that is not known. */
static json_t *encode_known_count(const void *at)
{
    return *(const size_t *)at ? dt_codec_count.encode(at) : json_null();
}

static enum dt_status decode_known_count(const json_t *json, void *at, size_t size)
{
    *(size_t *)at = 0;
    return json_is_null(json) ? DT_OK : dt_codec_count.decode(json, at, size);
}

static const struct dt_codec known_count = {"null or a number from 1 to 100000", encode_known_count,
                                            decode_known_count, false};

static const struct dt_field record_fields[] = {
    SUBJECT(dt_record),
    DT_FIELD(dt_record, ns_median, dt_codec_real),
    DT_FIELD(dt_record, ns_lo, dt_codec_real),
    DT_FIELD(dt_record, ns_hi, dt_codec_real),
    DT_FIELD(dt_record, samples, dt_codec_count),
    DT_FIELD(dt_record, rejected, dt_codec_count),
    DT_FIELD(dt_record, ratio_to_scalar, dt_codec_real),
    DT_FIELD(dt_record, ratio_lo, dt_codec_real),
    DT_FIELD(dt_record, ratio_hi, dt_codec_real),
    DT_FIELD(dt_record, ratio_to_gather, dt_codec_real),
    DT_FIELD(dt_record, ratio_to_autovec, dt_codec_real),
    DT_FIELD(dt_record, ratio_to_c2c, dt_codec_real),
    DT_FIELD(dt_record, ratio_to_one_thread, dt_codec_real),
    DT_FIELD(dt_record, gflops, dt_codec_real),
    DT_FIELD(dt_record, ceiling_ns, dt_codec_real),
    DT_FIELD(dt_record, share_of_ceiling, dt_codec_real),
    DT_OPTIONAL(dt_record, error_share, dt_codec_real),
    DT_OPTIONAL(dt_record, error_ulp, dt_codec_real),
    DT_OPTIONAL(dt_record, phase_ns, phase_times),
    DT_FIELD(dt_record, verified, dt_codec_flag),
    DT_FIELD(dt_record, winner, dt_codec_flag),
    DT_OPTIONAL(dt_record, regret, dt_codec_real),
    DT_OPTIONAL(dt_record, tried, known_count),
    DT_OPTIONAL(dt_record, plans, known_count),
    DT_OPTIONAL(dt_record, complete, dt_codec_flag),
    DT_FIELD_WHOLE("ns", dt_record, ns_array, false),
};

const struct dt_fields dt_record_fields = {record_fields, COUNT(record_fields)};

void dt_record_unknown(struct dt_record *record)
{
    *record = (struct dt_record){
        .ns_median = NAN,
        .ns_lo = NAN,
        .ns_hi = NAN,
        .ratio_to_scalar = NAN,
        .ratio_lo = NAN,
        .ratio_hi = NAN,
        .ratio_to_gather = NAN,
        .ratio_to_autovec = NAN,
        .ratio_to_c2c = NAN,
        .ratio_to_one_thread = NAN,
        .gflops = NAN,
        .ceiling_ns = NAN,
        .share_of_ceiling = NAN,
        .error_share = NAN,
        .error_ulp = NAN,
        .regret = NAN,
    };
    for (int p = 0; p < DT_PHASE_COUNT; p++)
        record->phase_ns[p] = NAN;
}

/* ---- Names from a list ----------------------------------------------------- */

const char *dt_fate_name(enum dt_fate fate)
{
    static const char *const names[DT_FATE_COUNT] = {
        [DT_FATE_SKIPPED] = "skipped", [DT_FATE_FAILED] = "failed", [DT_FATE_DROPPED] = "dropped",
        [DT_FATE_TIED] = "tied",       [DT_FATE_WINNER] = "winner",
    };
    return names[fate];
}

static json_t *encode_fate(const void *at)
{
    return json_string(dt_fate_name(*(const enum dt_fate *)at));
}

static enum dt_status decode_fate(const json_t *json, void *at, size_t size)
{
    (void)size;
    enum dt_fate fate = 0;
    const char *name = json_is_string(json) ? json_string_value(json) : "";
    while (fate < DT_FATE_COUNT && strcmp(name, dt_fate_name(fate)) != 0)
        fate++;
    *(enum dt_fate *)at = fate;
    return fate < DT_FATE_COUNT ? DT_OK : DT_INVALID;
}

static const struct dt_codec fate_name = {"a fate, e.g. \"dropped\"", encode_fate, decode_fate,
                                          false};

static json_t *encode_judgement(const void *at)
{
    return json_string(dt_judgement_name(*(const enum dt_judgement *)at));
}

static enum dt_status decode_judgement(const json_t *json, void *at, size_t size)
{
    (void)size;
    enum dt_judgement judgement = 0;
    const char *name = json_is_string(json) ? json_string_value(json) : "";
    while (judgement < DT_JUDGEMENT_COUNT && strcmp(name, dt_judgement_name(judgement)) != 0)
        judgement++;
    *(enum dt_judgement *)at = judgement;
    return judgement < DT_JUDGEMENT_COUNT ? DT_OK : DT_INVALID;
}

static const struct dt_codec judgement_name = {"a judgement, e.g. \"equivalent\"", encode_judgement,
                                               decode_judgement, false};

/* ---- Candidates, cells, trials --------------------------------------------- */

static const struct dt_field candidate_fields[] = {
    DT_FIELD(dt_candidate, subject, subject_object),
    DT_FIELD(dt_candidate, predicted_ns, dt_codec_real),
    DT_FIELD(dt_candidate, ns_median, dt_codec_real),
    DT_FIELD(dt_candidate, ratio_to_winner, dt_codec_real),
    DT_FIELD(dt_candidate, samples, dt_codec_count),
    DT_FIELD(dt_candidate, round, dt_codec_count),
    DT_FIELD(dt_candidate, fate, fate_name),
};

const struct dt_fields dt_candidate_fields = {candidate_fields, COUNT(candidate_fields)};

/* Both of the whole cell, after the numbers of pairs. */
static json_t *encode_ratios(const void *at)
{
    const struct dt_cell *cell = at;
    return dt_codec_encode_reals(cell->ratios, cell->pairs);
}

static enum dt_status decode_ratios(const json_t *json, void *at, size_t size)
{
    (void)size;
    struct dt_cell *cell = at;
    return dt_codec_decode_reals(json, cell->pairs, &cell->ratios);
}

static json_t *encode_aa_ratios(const void *at)
{
    const struct dt_cell *cell = at;
    return dt_codec_encode_reals(cell->aa_ratios, cell->aa_pairs);
}

static enum dt_status decode_aa_ratios(const json_t *json, void *at, size_t size)
{
    (void)size;
    struct dt_cell *cell = at;
    return dt_codec_decode_reals(json, cell->aa_pairs, &cell->aa_ratios);
}

static const struct dt_codec ratios = {"null or as many ratios as \"pairs\" says", encode_ratios,
                                       decode_ratios, true};
static const struct dt_codec aa_ratios = {"null or as many ratios as \"aa_pairs\" says",
                                          encode_aa_ratios, decode_aa_ratios, true};

static const struct dt_field cell_fields[] = {
    DT_FIELD(dt_cell, subject, subject_object),
    DT_FIELD(dt_cell, head_choice, dt_codec_text),
    DT_FIELD(dt_cell, base_ns, dt_codec_real),
    DT_FIELD(dt_cell, head_ns, dt_codec_real),
    DT_FIELD(dt_cell, ratio, dt_codec_real),
    DT_FIELD(dt_cell, lo, dt_codec_real),
    DT_FIELD(dt_cell, hi, dt_codec_real),
    DT_FIELD(dt_cell, boot_lo, dt_codec_real),
    DT_FIELD(dt_cell, boot_hi, dt_codec_real),
    DT_FIELD(dt_cell, band, dt_codec_real),
    DT_FIELD(dt_cell, delta, dt_codec_real),
    DT_FIELD(dt_cell, p, dt_codec_real),
    DT_FIELD(dt_cell, pairs, dt_codec_count),
    DT_FIELD(dt_cell, claimed, dt_codec_count),
    DT_FIELD(dt_cell, samples, dt_codec_count),
    DT_FIELD(dt_cell, gated, dt_codec_count),
    DT_FIELD(dt_cell, aa_pairs, dt_codec_count),
    DT_FIELD(dt_cell, base_instructions, dt_codec_real),
    DT_FIELD(dt_cell, head_instructions, dt_codec_real),
    DT_FIELD(dt_cell, instructions_isa, dt_codec_text),
    DT_FIELD(dt_cell, judgement, judgement_name),
    DT_FIELD(dt_cell, reason, dt_codec_text),
    DT_FIELD_WHOLE("ratios", dt_cell, ratios, false),
    DT_FIELD_WHOLE("aa_ratios", dt_cell, aa_ratios, false),
};

const struct dt_fields dt_cell_fields = {cell_fields, COUNT(cell_fields)};

static const struct dt_field trial_set_fields[] = {
    DT_FIELD(dt_trial_set, subject, scope),
    DT_FIELD(dt_trial_set, slowdown, dt_codec_real),
    DT_FIELD(dt_trial_set, trials, dt_codec_count),
    DT_FIELD(dt_trial_set, alarms, dt_codec_count),
    DT_FIELD(dt_trial_set, rate_lo, dt_codec_real),
    DT_FIELD(dt_trial_set, rate_hi, dt_codec_real),
    DT_FIELD(dt_trial_set, seconds, dt_codec_real),
    DT_FIELD(dt_trial_set, least_effect, dt_codec_real),
};

const struct dt_fields dt_trial_set_fields = {trial_set_fields, COUNT(trial_set_fields)};

bool dt_fits(const struct dt_fields *fields, const void *item)
{
    const size_t most = DT_CODEC_COUNT_MAX;
    for (size_t f = 0; f < fields->count; f++) {
        const struct dt_field *field = &fields->items[f];
        if (field->codec == &dt_codec_count &&
            *(const size_t *)(const void *)((const char *)item + field->offset) > most)
            return false;
    }
    return true;
}
