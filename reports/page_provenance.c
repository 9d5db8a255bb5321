/* SPDX-License-Identifier: MIT */
/* Where the figures come from, and the command that makes them again. */
#include "reports/page.h"

#include "kernels/machine_key.h"
#include "reports/markup.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static bool has_data(const struct dt_page_data *data) { return data->evidence->count > 0; }

static const struct dt_session *shown(const struct dt_page_data *data)
{
    const struct dt_finding *finding = data->comparison ? data->comparison : data->newest;
    if (!finding)
        finding = &data->evidence->sessions[data->evidence->count - 1];
    return &finding->records.session;
}

static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    const struct dt_session *s = shown(data);
    const size_t sessions = data->evidence->count;
    size_t used = (size_t)snprintf(text, DT_SENTENCE_MAX, "Measured on %.24s on %.64s", s->date,
                                   *s->cpu ? s->cpu : "an unnamed processor");
    if (sessions > 1)
        used += (size_t)snprintf(text + used, DT_SENTENCE_MAX - used,
                                 ", the newest of %zu sessions", sessions);
    if (data->other_machines)
        used +=
            (size_t)snprintf(text + used, DT_SENTENCE_MAX - used,
                             "; %zu on other machines are listed, not shown", data->other_machines);
    snprintf(text + used, DT_SENTENCE_MAX - used, ".");
}

static void put_fact(FILE *out, const char *name, const char *text)
{
    if (!*text)
        return;
    fprintf(out, "<dt>%s</dt><dd>", name);
    dt_markup_put(out, text);
    fputs("</dd>\n", out);
}

static void put_build(FILE *out, const char *name, const struct dt_build *b)
{
    char text[sizeof *b + 64];
    if (!*b->version && !*b->commit)
        return;
    snprintf(text, sizeof text, "disentune %s%s%s%s", b->version, *b->commit ? ", commit " : "",
             b->commit, b->dirty ? " with changes" : "");
    put_fact(out, name, text);
    put_fact(out, "\u2002 compiler", b->compiler);
    put_fact(out, "\u2002 flags", b->flags);
    put_fact(out, "\u2002 libraries", b->libraries);
    put_fact(out, "\u2002 machine code", b->digest);
}

static void put_facts(FILE *out, const struct dt_session *s)
{
    char text[DT_VIEW_TEXT_MAX];
    fputs("<dl class=\"facts\">\n", out);
    put_fact(out, "Date", s->date);
    put_fact(out, "Processor", s->cpu);
    put_fact(out, "Machine key", s->machine[DT_MACHINE_TIERS - 1]);
    put_fact(out, "Environment", s->environment);
    put_build(out, "Build", &s->build);
    put_build(out, "Compared with", &s->base);
    snprintf(text, sizeof text, "%" PRIu64, s->seed);
    put_fact(out, "Seed", text);
    if (isfinite(s->noise_floor)) {
        snprintf(text, sizeof text, "%.1f %%%s", s->noise_floor * 100,
                 s->noisy ? "; the machine was busy" : "");
        put_fact(out, "Noise floor", text);
    }
    fputs("</dl>\n", out);
    if (*s->command) {
        fputs("<h3>To measure again</h3>\n<pre tabindex=\"0\"><code>", out);
        dt_markup_put(out, s->command);
        fputs("</code></pre>\n", out);
    }
}

static void put_sessions(FILE *out, const struct dt_page_data *data)
{
    const struct dt_evidence *e = data->evidence;
    size_t rows = 0;
    dt_table_begin(out, "Sessions in this report, newest first",
                   "Date|Command|Commit|>Measurements|>Candidates|>Cells|>Trials|>Noise floor|"
                   "Machine");
    for (size_t s = e->count; s-- > 0 && rows < DT_PAGE_ROWS_MAX; rows++) {
        const struct dt_finding *f = &e->sessions[s];
        const struct dt_session *session = &f->records.session;
        dt_table_row(out);
        dt_table_name(out, session->date);
        dt_table_code(out, session->command);
        dt_table_code(out, session->build.commit);
        dt_table_count(out, f->records.count);
        dt_table_count(out, f->candidate_count);
        dt_table_count(out, f->cell_count);
        dt_table_count(out, f->trial_count);
        dt_table_share(out, session->noise_floor);
        dt_table_text(out, session->cpu);
    }
    dt_table_end(out);
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    (void)error;
    put_facts(out, shown(data));
    put_sessions(out, data);
    return DT_OK;
}

const struct dt_page dt_page_provenance = {
    .name = "provenance",
    .title = "Provenance",
    .shows = "machine, build and command",
    .command = "disentune bench",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
