/* SPDX-License-Identifier: MIT */
#include "reports/subject.h"

#include "reports/view.h"

#include <inttypes.h>
#include <string.h>

const char *dt_subject_name(const struct dt_subject *s, char text[DT_SUBJECT_TEXT_MAX])
{
    char lengths[DT_VIEW_TEXT_MAX], settings[DT_VIEW_TEXT_MAX], threads[32] = "";
    const char *dot = strchr(s->variant, '.'), *variant = dot ? dot + 1 : s->variant;
    if (s->threads != 1)
        snprintf(threads, sizeof threads, "/threads:%d", s->threads);
    snprintf(text, DT_SUBJECT_TEXT_MAX, "%s/%s %s%s%s%s", dt_op_name(s->op),
             dt_view_lengths(&s->problem, lengths), dt_view_settings(&s->problem, settings),
             *variant ? "/" : "", variant, threads);
    return text;
}

const char *dt_subject_choice(const struct dt_subject *s, char text[DT_SUBJECT_TEXT_MAX])
{
    const char *const parts[] = {s->gemm, s->bias, s->softmax};
    if (!*s->variant)
        return strcpy(text, "its own choice");
    size_t used = (size_t)snprintf(text, DT_SUBJECT_TEXT_MAX, "%s %" PRId32 "x%" PRId32, s->variant,
                                   s->tile.rows, s->tile.cols);
    if (s->chunk)
        used += (size_t)snprintf(text + used, DT_SUBJECT_TEXT_MAX - used, "/%" PRId32, s->chunk);
    for (size_t n = 0; n < sizeof parts / sizeof *parts; n++)
        if (*parts[n])
            used += (size_t)snprintf(text + used, DT_SUBJECT_TEXT_MAX - used, " %s", parts[n]);
    return text;
}
