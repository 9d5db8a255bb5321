/* SPDX-License-Identifier: MIT */
#include "reports/page.h"

#include "reports/markup.h"

#include <math.h>
#include <string.h>

/* ---- Figures --------------------------------------------------------------- */

void dt_figure_begin(FILE *out, const char *id, const char *finding)
{
    fprintf(out, "<figure id=\"%s\" aria-labelledby=\"%s-c\">\n<figcaption id=\"%s-c\">", id, id,
            id);
    dt_markup_rich(out, finding);
    fputs("</figcaption>\n<div class=\"drawing\">\n", out);
}

void dt_figure_note(FILE *out, const char *text)
{
    fputs("</div>\n<p class=\"note\">", out);
    dt_markup_rich(out, text);
    fputs("</p>\n<div>\n", out);
}

void dt_figure_data(FILE *out, size_t shown, size_t all, const char *things)
{
    fputs("</div>\n", out);
    if (shown < all)
        fprintf(out, "<p class=\"note\">Drawn are %zu of %zu %s.</p>\n", shown, all, things);
    fputs("<details>\n<summary>Data</summary>\n", out);
}

void dt_figure_end(FILE *out) { fputs("</details>\n</figure>\n", out); }

void dt_legend_begin(FILE *out) { fputs("</div>\n<ul class=\"legend\">\n", out); }

void dt_legend_add(FILE *out, enum dt_shape shape, const char *class, const char *word)
{
    fputs("<li><svg aria-hidden=\"true\" width=\"12\" height=\"12\">", out);
    dt_svg_mark(out, shape, class, 6, 6, 4, NULL);
    fputs("</svg>", out);
    dt_markup_rich(out, word);
    fputs("</li>\n", out);
}

void dt_legend_end(FILE *out) { fputs("</ul>\n<div>\n", out); }

/* ---- Tables ---------------------------------------------------------------- */

void dt_table_begin(FILE *out, const char *caption, const char *heads)
{
    fputs("<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"", out);
    dt_markup_plain(out, caption);
    fputs("\">\n<table>\n<caption>", out);
    dt_markup_rich(out, caption);
    fputs("</caption>\n<thead><tr>", out);
    while (*heads) {
        const bool right = *heads == '>';
        const size_t length = strcspn(heads += right, "|");
        fprintf(out, "<th scope=\"col\"%s>%.*s</th>", right ? " class=\"r\"" : "", (int)length,
                heads);
        heads += length + (heads[length] == '|');
    }
    fputs("</tr></thead>\n<tbody>", out);
}

void dt_table_row(FILE *out) { fputs("\n<tr>", out); }

void dt_table_name(FILE *out, const char *text)
{
    fputs("<th scope=\"row\">", out);
    dt_markup_rich(out, text);
    fputs("</th>", out);
}

void dt_table_text(FILE *out, const char *text)
{
    fputs("<td>", out);
    dt_markup_rich(out, text);
    fputs("</td>", out);
}

void dt_table_code(FILE *out, const char *text)
{
    fputs("<td><code>", out);
    dt_markup_put(out, text);
    fputs("</code></td>", out);
}

/* A script sorts by the number that the text begins with. */
void dt_table_value(FILE *out, const char *printed)
{
    fputs("<td class=\"r\">", out);
    dt_markup_put(out, strcmp(printed, "-") == 0 ? "\u2013" : printed);
    fputs("</td>", out);
}

void dt_table_number(FILE *out, double value)
{
    char text[DT_VIEW_TEXT_MAX];
    dt_table_value(out, dt_view_number(value, text));
}

void dt_table_count(FILE *out, size_t count)
{
    char text[DT_VIEW_TEXT_MAX];
    snprintf(text, sizeof text, "%zu", count);
    dt_table_value(out, text);
}

void dt_table_time(FILE *out, double ns)
{
    char text[DT_VIEW_TEXT_MAX];
    fputs("<td class=\"r\"", out);
    if (isfinite(ns))
        fprintf(out, " data-v=\"%.4g\"", ns);
    fputs(">", out);
    dt_markup_put(out, isfinite(ns) ? dt_page_time(ns, text) : "\u2013");
    fputs("</td>", out);
}

void dt_table_share(FILE *out, double share)
{
    char text[DT_VIEW_TEXT_MAX];
    dt_table_value(out, dt_view_share(share, text));
}

void dt_table_change(FILE *out, double ratio)
{
    char text[DT_VIEW_TEXT_MAX];
    dt_table_value(out, dt_page_change(ratio, text));
}

void dt_table_end(FILE *out) { fputs("\n</tbody></table></div>\n", out); }

/* ---- Words ----------------------------------------------------------------- */

const char *dt_page_time(double ns, char text[DT_VIEW_TEXT_MAX])
{
    char plain[DT_VIEW_TEXT_MAX];
    dt_view_time(ns, plain);
    char *micro = strstr(plain, " us");
    if (!micro)
        return strcpy(text, plain);
    *micro = '\0';
    snprintf(text, DT_VIEW_TEXT_MAX, "%.100s µs", plain);
    return text;
}

const char *dt_page_change(double ratio, char text[DT_VIEW_TEXT_MAX])
{
    if (!isfinite(ratio))
        return strcpy(text, "-");
    const double percent = (ratio - 1) * 100, size = fabs(percent);
    const int decimals = size < 9.95 ? 1 : 0;
    const char *sign = size < 0.05 ? "±" : percent > 0 ? "+" : "\u2212";
    snprintf(text, DT_VIEW_TEXT_MAX, "%s%.*f %%", sign, decimals, size);
    return text;
}

const char *dt_page_problem(enum dt_op op, const struct dt_problem *problem,
                            char text[DT_VIEW_TEXT_MAX])
{
    char lengths[DT_VIEW_TEXT_MAX];
    const char *name = op < DT_OP_COUNT ? dt_op_name(op) : "suite";
    snprintf(text, DT_VIEW_TEXT_MAX, "%s %.80s", name, dt_view_lengths(problem, lengths));
    return text;
}

const char *dt_page_settings(const struct dt_problem *problem, int threads,
                             char text[DT_VIEW_TEXT_MAX])
{
    char settings[DT_VIEW_TEXT_MAX];
    dt_view_settings(problem, settings);
    if (threads > 1)
        snprintf(text, DT_VIEW_TEXT_MAX, "%.120s, %d threads", settings, threads);
    else
        snprintf(text, DT_VIEW_TEXT_MAX, "%.150s", settings);
    return text;
}

const char *dt_page_name(enum dt_op op, const struct dt_problem *problem, int threads,
                         char text[2 * DT_VIEW_TEXT_MAX])
{
    char head[DT_VIEW_TEXT_MAX], settings[DT_VIEW_TEXT_MAX];
    snprintf(text, 2 * DT_VIEW_TEXT_MAX, "%s %s", dt_page_problem(op, problem, head),
             dt_page_settings(problem, threads, settings));
    return text;
}

const char *dt_page_short(const char *variant)
{
    const char *dot = strchr(variant, '.');
    return dot ? dot + 1 : variant;
}

const char *dt_page_isa(const char *variant, char text[16])
{
    const char *isa = strchr(variant, '.');
    const size_t length = isa ? strcspn(isa + 1, ".") : 0;
    snprintf(text, 16, "%.*s", (int)(length < 15 ? length : 15), isa ? isa + 1 : "");
    return text;
}

const char *dt_page_plan(const struct dt_record *record, char text[2 * DT_VIEW_TEXT_MAX])
{
    char tile[DT_VIEW_TEXT_MAX], parts[DT_VIEW_TEXT_MAX];
    const bool tiled = record->tile.rows || record->tile.cols || record->chunk;
    dt_view_parts(record, parts);
    snprintf(text, 2 * DT_VIEW_TEXT_MAX, "%s%s%s%s%s", dt_page_short(record->variant),
             tiled ? " " : "", tiled ? dt_view_tile(record, tile) : "", *parts ? " " : "", parts);
    return text;
}

void dt_page_label(FILE *out, double y, enum dt_op op, const struct dt_problem *problem,
                   int threads)
{
    enum { ROOM = 28 };
    char text[DT_VIEW_TEXT_MAX];
    dt_svg_text(out, "name", 0, y - 1, dt_page_problem(op, problem, text));
    dt_page_settings(problem, threads, text);
    if (strlen(text) > ROOM)
        strcpy(&text[ROOM - 1], "\u2026");
    dt_svg_text(out, "faint", 0, y + 11, text);
}

bool dt_page_is_picked(size_t n, size_t all, size_t most)
{
    return all <= most || n == 0 || n * most / all > (n - 1) * most / all;
}

const char *dt_page_plural(size_t count) { return count == 1 ? "" : "s"; }

const struct dt_look dt_page_looks[DT_JUDGEMENT_COUNT] = {
    [DT_SAME_CODE] = {"same", DT_BOX},     [DT_EQUIVALENT] = {"equal", DT_DOT},
    [DT_IMPROVED] = {"good", DT_DOWN},     [DT_REGRESSED] = {"bad", DT_UP},
    [DT_UNDECIDED] = {"open", DT_DIAMOND}, [DT_VOID] = {"void", DT_CROSS},
};

bool dt_page_is_sound(const struct dt_record *record)
{
    return record->verified && record->ns_median > 0 && isfinite(record->ns_median);
}

bool dt_page_is_first(const struct dt_block *block, size_t n)
{
    for (size_t r = 0; r < n; r++)
        if (dt_page_is_sound(block->sorted[r]) &&
            strcmp(block->sorted[r]->variant, block->sorted[n]->variant) == 0)
            return false;
    return true;
}
