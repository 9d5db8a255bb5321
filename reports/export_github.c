/* SPDX-License-Identifier: MIT */
/* For GitHub: annotations of a workflow. */
#include "reports/escape.h"
#include "reports/export.h"
#include "reports/judge.h"
#include "reports/subject.h"
#include "reports/verdict.h"

#include "kernels/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- Annotations ----------------------------------------------------------- */

#define LINES_MAX 10 /* of each kind, per step; more are dropped silently */

static void put_annotation(FILE *stream, const char *command, const struct dt_cell *cell,
                           size_t more)
{
    char text[DT_SUBJECT_TEXT_MAX];
    fprintf(stream, "::%s title=", command);
    dt_escape_put(stream, DT_SYNTAX_PROPERTY, dt_judgement_name(cell->judgement));
    dt_escape_put(stream, DT_SYNTAX_PROPERTY, " ");
    dt_escape_put(stream, DT_SYNTAX_PROPERTY, dt_subject_name(&cell->subject, text));
    fputs("::", stream);
    dt_escape_put(stream, DT_SYNTAX_COMMAND, cell->reason);
    if (!isnan(cell->ratio)) {
        fputs("; ", stream);
        dt_escape_put(stream, DT_SYNTAX_COMMAND, dt_verdict_measured(cell, text));
    }
    if (more)
        fprintf(stream, "; and %zu more", more);
    fputs("\n", stream);
}

enum dt_status dt_export_annotations(FILE *stream, const struct dt_evidence *evidence,
                                     struct dt_error *error)
{
    static const char *const commands[DT_JUDGEMENT_COUNT] = {[DT_REGRESSED] = "error",
                                                             [DT_VOID] = "error",
                                                             [DT_UNDECIDED] = "warning",
                                                             [DT_IMPROVED] = "notice"};
    const struct dt_finding *finding;
    const struct dt_cell **sorted;
    enum dt_status status = dt_verdict_find(evidence, &finding, error);
    if (!status)
        status = dt_verdict_sort(finding, &sorted, error);
    if (status)
        return status;
    /* Cells of one command follow one another. */
    for (size_t c = 0, lines = 0; c < finding->cell_count; c++) {
        const char *command = commands[sorted[c]->judgement];
        lines = c > 0 && command == commands[sorted[c - 1]->judgement] ? lines + 1 : 1;
        if (!command || lines > LINES_MAX)
            continue;
        size_t more = 0;
        while (lines == LINES_MAX && c + 1 + more < finding->cell_count &&
               commands[sorted[c + 1 + more]->judgement] == command)
            more++;
        put_annotation(stream, command, sorted[c], more);
    }
    free(sorted);
    return DT_OK;
}
