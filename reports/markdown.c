/* SPDX-License-Identifier: MIT */
#include "reports/markdown.h"

#include "reports/escape.h"
#include "reports/view.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void put_text(FILE *stream, const char *text)
{
    dt_escape_put(stream, DT_SYNTAX_MARKDOWN, text);
}

static void put_cell(FILE *stream, const char *text)
{
    fputs(" ", stream);
    put_text(stream, text);
    fputs(" |", stream);
}

static void put_fact(FILE *stream, const char *name, const char *text)
{
    fprintf(stream, "| %s |", name);
    put_cell(stream, *text ? text : "unknown");
    fputc('\n', stream);
}

/* ---- Machine and ceilings -------------------------------------------------- */

static const char *print_floor(const struct dt_session *session, char text[DT_VIEW_TEXT_MAX])
{
    if (isnan(session->noise_floor))
        return strcpy(text, "not measured");
    snprintf(text, DT_VIEW_TEXT_MAX, "%.1f %%%s", session->noise_floor * 100,
             session->noisy ? ", NOISY: too many samples were rejected" : "");
    return text;
}

static void put_machine(FILE *stream, const struct dt_session *s)
{
    char text[DT_VIEW_TEXT_MAX];
    fputs("# disentune on ", stream);
    put_text(stream, *s->cpu ? s->cpu : "an unnamed processor");
    fputs("\n\n## Machine\n\n| | |\n| --- | --- |\n", stream);
    put_fact(stream, "Processor", s->cpu);
    put_fact(stream, "Machine key", s->machine[3]);
    put_fact(stream, "Noise floor", print_floor(s, text));
    if (s->noisy)
        fputs("\n**The machine was busy during the session. Repeat the measurement when it is "
              "quiet.**\n",
              stream);
}

static void put_ceilings(FILE *stream, const struct dt_session *s)
{
    char text[DT_VIEW_TEXT_MAX];
    if (s->ceiling_count == 0)
        return;
    fputs("\n## Ceilings\n\nMeasured in the same session.\n\n"
          "| Probe | Rate | Unit |\n| --- | ---: | --- |\n",
          stream);
    for (size_t c = 0; c < s->ceiling_count; c++) {
        fputc('|', stream);
        put_cell(stream, s->ceilings[c].name);
        put_cell(stream, dt_view_number(s->ceilings[c].value / 1e9, text));
        fputs(" G", stream);
        put_text(stream, s->ceilings[c].unit);
        fputs(" |\n", stream);
    }
}

/* ---- Tables of records ----------------------------------------------------- */

#define FIGURE_HEADS "Tile | Time | ± % | × scalar | × gather | × autovec | Share of ceiling |\n"
#define FIGURE_RULES "---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"

/* The same for attention. */
#define ATTENTION_HEADS                                                                            \
    "Tile | gemm, bias, softmax | Time | ± % | Time × c2c | × 1 thread | GFLOP/s | Share of "   \
    "ceiling |\n"
#define ATTENTION_RULES "---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |\n"

static void put_attention_figures(FILE *stream, const struct dt_record *record,
                                  const struct dt_session *session)
{
    char text[DT_VIEW_TEXT_MAX];
    put_cell(stream, dt_view_tile(record, text));
    put_cell(stream, dt_view_parts(record, text));
    put_cell(stream, dt_view_time(record->ns_median, text));
    put_cell(stream, dt_view_spread(record, text));
    if (record->verified) {
        put_cell(stream, dt_view_cost(record, text));
        put_cell(stream, dt_view_ratio(record->ratio_to_one_thread, session->noise_floor, text));
        put_cell(stream, dt_view_number(record->gflops, text));
        put_cell(stream, dt_view_share(record->share_of_ceiling, text));
    } else {
        fputs(" - | - | - | - |", stream);
    }
    fputc('\n', stream);
}

static void put_figures(FILE *stream, const struct dt_record *record,
                        const struct dt_session *session)
{
    char text[DT_VIEW_TEXT_MAX];
    if (record->op == DT_OP_ATTENTION) {
        put_attention_figures(stream, record, session);
        return;
    }
    put_cell(stream, dt_view_tile(record, text));
    put_cell(stream, dt_view_time(record->ns_median, text));
    put_cell(stream, dt_view_spread(record, text));
    if (record->verified) {
        put_cell(stream, dt_view_ratio(record->ratio_to_scalar, session->noise_floor, text));
        put_cell(stream, dt_view_ratio(record->ratio_to_gather, session->noise_floor, text));
        put_cell(stream, dt_view_ratio(record->ratio_to_autovec, session->noise_floor, text));
        put_cell(stream, dt_view_share(record->share_of_ceiling, text));
    } else {
        fputs(" - | - | - | - |", stream);
    }
    fputc('\n', stream);
}

static void put_winner(FILE *stream, const struct dt_record *const *sorted, size_t span,
                       const struct dt_session *session)
{
    char lengths[DT_VIEW_TEXT_MAX], group[DT_VIEW_TEXT_MAX];
    const struct dt_record *leader = dt_view_leader(sorted, span);
    fputc('|', stream);
    put_cell(stream, dt_view_group(sorted[0], group));
    put_cell(stream, dt_view_lengths(&sorted[0]->problem, lengths));
    if (!leader) {
        fputs(" none passed validation | - | - | - | - | - | - | - |", stream);
        fputs(sorted[0]->op == DT_OP_ATTENTION ? " - |\n" : "\n", stream);
        return;
    }
    put_cell(stream, leader->variant);
    put_figures(stream, leader, session);
}

/* A table of attention and one of the rest. */
static void put_winners(FILE *stream, const struct dt_record *const *sorted, size_t count,
                        const struct dt_session *session)
{
    bool attention = false;
    for (size_t at = 0, span; at < count; at += span) {
        const bool before = attention;
        attention = sorted[at]->op == DT_OP_ATTENTION;
        span = dt_view_problem_span(&sorted[at], count - at);
        if (at == 0 || attention != before)
            fputs(attention ? "\n| Settings | Problem | Variant | " ATTENTION_HEADS
                              "| --- | --- | --- | " ATTENTION_RULES
                            : "\n| Settings | Problem | Variant | " FIGURE_HEADS
                              "| --- | --- | --- | " FIGURE_RULES,
                  stream);
        put_winner(stream, &sorted[at], span, session);
    }
}

/* Whether an earlier, hence better, record of the problem is of the same variant. */
static bool is_repeated(const struct dt_record *const *sorted, size_t n)
{
    for (size_t r = 0; r < n; r++)
        if (sorted[r]->verified == sorted[n]->verified &&
            strcmp(sorted[r]->variant, sorted[n]->variant) == 0)
            return true;
    return false;
}

/* ---- Findings -------------------------------------------------------------- */

static void put_comparison(FILE *stream, double ratio, double noise_floor, const char *what)
{
    char text[DT_VIEW_TEXT_MAX];
    if (isnan(ratio))
        return;
    if (dt_view_is_noise(ratio, noise_floor))
        fprintf(stream, ", no different from %s within the noise floor", what);
    else
        fprintf(stream, ", %s times as fast as %s", dt_view_number(ratio, text), what);
}

/* The stable-winner rule may prefer a plan to the one with the least median. */
static void put_runner(FILE *stream, const struct dt_record *leader,
                       const struct dt_record *fastest)
{
    char tile[DT_VIEW_TEXT_MAX], less[DT_VIEW_TEXT_MAX];
    if (fastest == leader || !(fastest->ns_median < leader->ns_median))
        return;
    fputs(" ", stream);
    put_text(stream, fastest->variant);
    fprintf(stream, " (tile %s) took %s %% less.", dt_view_tile(fastest, tile),
            dt_view_number((1 - fastest->ns_median / leader->ns_median) * 100, less));
}

static void put_finding(FILE *stream, const struct dt_record *const *sorted, size_t span,
                        const struct dt_session *session)
{
    char text[DT_VIEW_TEXT_MAX];
    const struct dt_record *leader = dt_view_leader(sorted, span);
    if (!leader) {
        fputs("No variant passed validation.\n\n", stream);
        return;
    }
    put_text(stream, leader->variant);
    fprintf(stream, " (tile %s) %s", dt_view_tile(leader, text),
            leader->winner ? "was chosen" : "is the fastest");
    fprintf(stream, ": %s", dt_view_time(leader->ns_median, text));
    if (!isnan(leader->ratio_to_c2c))
        fprintf(stream, ", %s times as long as without position terms", dt_view_cost(leader, text));
    put_comparison(stream, leader->ratio_to_one_thread, session->noise_floor, "one thread");
    put_comparison(stream, leader->ratio_to_gather, session->noise_floor, "hardware gather");
    put_comparison(stream, leader->ratio_to_autovec, session->noise_floor,
                   "the compiler's own vectorisation");
    put_comparison(stream, leader->ratio_to_scalar, session->noise_floor, "scalar code");
    if (!isnan(leader->share_of_ceiling))
        fprintf(stream, "; it reaches %s of the ceiling",
                dt_view_share(leader->share_of_ceiling, text));
    fputs(".", stream);
    if (*dt_view_regret(leader, text))
        fprintf(stream, " The search: %s (95 %%).", text);
    put_runner(stream, leader, sorted[0]);
    fputs("\n\n", stream);
}

static void put_problem(FILE *stream, const struct dt_record *const *sorted, size_t span,
                        const struct dt_session *session)
{
    char text[DT_VIEW_TEXT_MAX];
    fprintf(stream, "\n### %s: ", dt_op_name(sorted[0]->op));
    put_text(stream, dt_problem_print(&sorted[0]->problem, text));
    if (sorted[0]->threads != 1)
        fprintf(stream, ", %d threads", sorted[0]->threads);
    fputs("\n\n", stream);
    put_finding(stream, sorted, span, session);
    fputs(sorted[0]->op == DT_OP_ATTENTION ? "| Variant | " ATTENTION_HEADS
                                             "| --- | " ATTENTION_RULES
                                           : "| Variant | " FIGURE_HEADS "| --- | " FIGURE_RULES,
          stream);
    for (size_t r = 0; r < span; r++) {
        if (is_repeated(sorted, r))
            continue;
        fputs("| ", stream);
        put_text(stream, sorted[r]->variant);
        fputs(sorted[r]->verified ? " |" : " **not verified** |", stream);
        put_figures(stream, sorted[r], session);
    }
}

/* ---- The whole ------------------------------------------------------------- */

static void put_provenance(FILE *stream, const struct dt_records *records)
{
    const struct dt_session *s = &records->session;
    char text[DT_VIEW_TEXT_MAX];
    fputs("\n## Provenance\n\n| | |\n| --- | --- |\n", stream);
    put_fact(stream, "Date", s->date);
    put_fact(stream, "disentune", s->build.version);
    put_fact(stream, "Compiler", s->build.compiler);
    put_fact(stream, "Signature of the variants", s->build.signature);
    snprintf(text, sizeof text, "%llu", (unsigned long long)s->seed);
    put_fact(stream, "Seed", text);
    put_fact(stream, "Noise floor", print_floor(s, text));
    snprintf(text, sizeof text, "%zu", records->count);
    put_fact(stream, "Records", text);
    for (size_t k = 0; k < sizeof s->machine / sizeof *s->machine; k++) {
        snprintf(text, sizeof text, "Machine key, tier %zu", k);
        put_fact(stream, text, s->machine[k]);
    }
    if (*s->command)
        fprintf(stream, "\nTo reproduce:\n\n    %s\n", s->command);
}

enum dt_status dt_markdown_print(FILE *stream, const struct dt_records *records,
                                 struct dt_error *error)
{
    const struct dt_record **sorted;
    const struct dt_session *session = &records->session;
    enum dt_status status = dt_view_sort(records, &sorted, error);
    if (status)
        return status;
    put_machine(stream, session);
    put_ceilings(stream, session);
    fputs("\n## Winners\n", stream);
    put_winners(stream, sorted, records->count, session);
    fputs("\n× is a speed: 2 means twice as fast. ~ stands before a ratio within the noise floor, "
          "where no difference is claimed. Tiles are rows x columns, 0 for all, and /N "
          "work items of N queries. ± is the 95 % interval of the median. GFLOP/s of attention "
          "counts products over all 2S slots, of which plans do a part: a share of the ceiling may "
          "exceed 100 %.\n\n## Problems\n\nEach variant at its best tile, fastest first.\n",
          stream);
    for (size_t at = 0, span; at < records->count; at += span) {
        span = dt_view_problem_span(&sorted[at], records->count - at);
        put_problem(stream, &sorted[at], span, session);
    }
    put_provenance(stream, records);
    free(sorted);
    return DT_OK;
}
