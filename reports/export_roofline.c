/* SPDX-License-Identifier: MIT */
/* What a program that draws rooflines needs: the measured ceilings, and where each series lies. */
#include "reports/codec.h"
#include "reports/export.h"
#include "reports/roofline.h"
#include "reports/series.h"

#include "kernels/error.h"

static json_t *text_of(const char *text) { return dt_codec_text.encode(text); }

/* NULL without memory. */
static json_t *list_ceilings(const struct dt_session *session)
{
    json_t *list = json_array();
    for (size_t c = 0; list && c < session->ceiling_count; c++) {
        const struct dt_ceiling *ceiling = &session->ceilings[c];
        json_array_append_new(list, json_pack("{s:o, s:o, s:o}", "name", text_of(ceiling->name),
                                              "value", dt_codec_real.encode(&ceiling->value),
                                              "unit", text_of(ceiling->unit)));
    }
    return list;
}

static json_t *make_point(const struct dt_series *series, const struct dt_roofline *point)
{
    char isa[16];
    return json_pack("{s:o, s:o, s:i, s:f, s:f, s:f, s:f, s:f, s:f, s:o, s:o, s:s}", "name",
                     text_of(series->name), "isa",
                     text_of(dt_roofline_isa(series->record->variant, isa)), "threads",
                     series->record->threads, "flop", point->flops, "bytes", point->bytes,
                     "flop_per_byte", point->intensity, "flop_per_second", point->rate, "roof",
                     point->roof, "share_of_roof", point->share, "peak", text_of(point->peak->name),
                     "slope", point->slope ? text_of(point->slope->name) : json_null(), "bound",
                     point->memory_bound ? "memory" : "compute");
}

/* Ceilings are those of the youngest session, points of what it measured itself. */
static enum dt_status list_points(const struct dt_series_list *list, json_t **points,
                                  struct dt_error *error)
{
    *points = json_array();
    for (size_t s = 0; s < list->count; s++) {
        const struct dt_series *series = &list->items[s];
        struct dt_roofline point;
        if (series->session == list->session &&
            dt_roofline_point(series->session, series->record, &point))
            json_array_append_new(*points, make_point(series, &point));
    }
    if (json_array_size(*points) > 0)
        return DT_OK;
    json_decref(*points);
    return dt_error_set(error, DT_UNSUPPORTED,
                        "no measurements with ceilings of their instruction set; `disentune "
                        "bench` makes some");
}

enum dt_status dt_export_roofline(FILE *stream, const struct dt_evidence *evidence,
                                  struct dt_error *error)
{
    struct dt_series_list list;
    json_t *points;
    enum dt_status status = dt_series_collect(evidence, &list, error);
    if (status)
        return status;
    status = list_points(&list, &points, error);
    if (!status) {
        json_t *document =
            json_pack("{s:o, s:o, s:o, s:o, s:o}", "cpu", text_of(list.session->cpu), "machine",
                      text_of(list.session->machine[3]), "date", text_of(list.session->date),
                      "ceilings", list_ceilings(list.session), "points", points);
        if (!document)
            status = dt_error_set(error, DT_NO_MEMORY, "no memory for a roofline");
        else
            json_dumpf(document, stream, JSON_INDENT(1) | JSON_REAL_PRECISION(17));
        fputs("\n", stream);
        json_decref(document);
    }
    dt_series_clear(&list);
    return status;
}
