/* SPDX-License-Identifier: MIT */
/* How time grows with the length, and speed with threads. */
#include "reports/page.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 340, HEIGHT = 236, LEFT = 54, RIGHT = 328, TOP = 50, BOTTOM = 192 };
enum { LENGTHS_MAX = 64, THREADS_MAX = 16 };

/* Lengths are powers of 2, not thousands. */
static const char *tick_length(double value, int decimals, char text[32])
{
    snprintf(text, 32, "%.*f", decimals, value);
    return text;
}

/* ---- Lengths --------------------------------------------------------------- */

/* Square problems that differ in length alone, ascending. */
struct series {
    const struct dt_record *at[LENGTHS_MAX];
    size_t count;
    size_t next; /* block after the group */
};

static void take_group(const struct dt_page_data *data, size_t first, struct series *s)
{
    *s = (struct series){.next = first};
    const struct dt_record *head = data->blocks[first].sorted[0];
    while (s->next < data->block_count &&
           dt_view_same_group(head, data->blocks[s->next].sorted[0])) {
        const struct dt_record *leader = data->blocks[s->next++].leader;
        if (leader && dt_page_is_sound(leader) && leader->problem.nq == leader->problem.nk &&
            s->count < LENGTHS_MAX)
            s->at[s->count++] = leader;
    }
}

static bool is_drawn(const struct series *s) { return s->count >= 3; }

/* The power of n by which time grows over the last step. */
static double exponent(const struct series *s)
{
    const struct dt_record *a = s->at[s->count - 2], *b = s->at[s->count - 1];
    return log(b->ns_median / a->ns_median) / log((double)b->problem.nq / a->problem.nq);
}

static size_t lengths_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    struct series s, longest = {0};
    size_t count = 0;
    for (size_t b = 0; b < data->block_count; b = s.next) {
        take_group(data, b, &s);
        count += is_drawn(&s);
        if (is_drawn(&s) && (!longest.count || s.at[s.count - 1]->problem.nq >
                                                   longest.at[longest.count - 1]->problem.nq))
            longest = s;
    }
    if (!count)
        return 0;
    char name[2 * DT_VIEW_TEXT_MAX], first[DT_VIEW_TEXT_MAX], last[DT_VIEW_TEXT_MAX];
    const struct dt_record *a = longest.at[0], *z = longest.at[longest.count - 1];
    snprintf(text, DT_SENTENCE_MAX,
             "`%s %.100s` takes %s at n = %d and %s at n = %d; over the last step time grows as "
             "n to the power %.1f.",
             dt_op_name(a->op), dt_page_settings(&a->problem, a->threads, name),
             dt_page_time(a->ns_median, first), a->problem.nq, dt_page_time(z->ns_median, last),
             z->problem.nq, exponent(&longest));
    return count;
}

/* Time grown from the first point by a power of n. */
static void draw_guide(FILE *out, const struct series *s, const struct dt_scale *x,
                       const struct dt_scale *y)
{
    const struct dt_record *last = s->at[s->count - 1];
    const double n = last->problem.nq, ns = last->ns_median;
    const double reach = fmax(x->lo, n * sqrt(y->lo / ns));
    dt_svg_line(out, "guide", dt_scale_at(x, reach), dt_scale_at(y, ns * pow(reach / n, 2)),
                dt_scale_at(x, n), dt_scale_at(y, ns));
    dt_svg_text(out, "faint", dt_scale_at(x, reach) + 6, dt_scale_at(y, ns * pow(reach / n, 2)) - 6,
                "n\u00b2");
}

static void draw_line(FILE *out, const struct series *s, const char *class, bool scalar,
                      const struct dt_scale *x, const struct dt_scale *y)
{
    char line[32];
    snprintf(line, sizeof line, "line %s", class);
    dt_svg_path_begin(out, line);
    for (size_t n = 0; n < s->count; n++) {
        const double ns = s->at[n]->ns_median * (scalar ? s->at[n]->ratio_to_scalar : 1);
        if (isfinite(ns))
            dt_svg_path_to(out, dt_scale_at(x, s->at[n]->problem.nq), dt_scale_at(y, ns));
    }
    dt_svg_path_end(out);
    for (size_t n = 0; n < s->count && !scalar; n++)
        dt_svg_mark(out, DT_DOT, class, dt_scale_at(x, s->at[n]->problem.nq),
                    dt_scale_at(y, s->at[n]->ns_median), 3, NULL);
}

static void draw_lengths(FILE *out, const struct series *s, size_t panel)
{
    struct dt_scale x = dt_scale_empty(2, LEFT, RIGHT), y = dt_scale_empty(10, BOTTOM, TOP);
    char id[32], head[DT_VIEW_TEXT_MAX], under[DT_VIEW_TEXT_MAX], text[32];
    const struct dt_record *first = s->at[0];
    for (size_t n = 0; n < s->count; n++) {
        dt_scale_cover(&x, s->at[n]->problem.nq);
        dt_scale_cover(&y, s->at[n]->ns_median);
        dt_scale_cover(&y, s->at[n]->ns_median * s->at[n]->ratio_to_scalar);
    }
    dt_scale_pad(&x, 0.04);
    dt_scale_pad(&y, 0.05);
    snprintf(id, sizeof id, "lengths-%zu", panel);
    dt_page_settings(&first->problem, first->threads, under);
    snprintf(head, sizeof head, "%s", dt_op_name(first->op));
    snprintf(text, sizeof text, "grows as n^%.1f at last", exponent(s));
    dt_svg_begin(out, id, WIDTH, HEIGHT, head,
                 "Time of a call over the length, both on logarithmic scales: the chosen plans, "
                 "scalar code, and a guide that grows as the square.");
    dt_svg_text(out, "head", 0, 12, head);
    dt_svg_text(out, "faint", 0, 28, under);
    dt_svg_text(out, "faint end", RIGHT, 28, text);
    const struct dt_axis below = {&x, BOTTOM, TOP, 6, tick_length, "length n"};
    const struct dt_axis left = {&y, LEFT, RIGHT, 5, dt_svg_tick_time, NULL};
    dt_svg_axis_x(out, &below);
    dt_svg_axis_y(out, &left);
    draw_guide(out, s, &x, &y);
    draw_line(out, s, "c8", true, &x, &y);
    draw_line(out, s, "c1", false, &x, &y);
    dt_svg_end(out);
}

static void put_lengths(FILE *out, const struct dt_page_data *data)
{
    char sentence[DT_SENTENCE_MAX], name[2 * DT_VIEW_TEXT_MAX];
    struct series s;
    size_t panel = 0, rows = 0;
    const size_t all = lengths_finding(data, sentence);
    if (!all)
        return;
    dt_figure_begin(out, "f-lengths", sentence);
    for (size_t b = 0; b < data->block_count && panel < DT_PAGE_PANELS_MAX; b = s.next) {
        take_group(data, b, &s);
        if (is_drawn(&s))
            draw_lengths(out, &s, panel++);
    }
    dt_legend_begin(out);
    dt_legend_add(out, DT_DOT, "c1", "the chosen plan");
    dt_legend_add(out, DT_BOX, "c8", "scalar code, by the ratio to it");
    dt_legend_end(out);
    dt_figure_data(out, panel, all, "groups of problems");
    dt_table_begin(out, "Time by length",
                   "Problem|>n|Plan|>Time|>Time of scalar code|>ns for each score");
    for (size_t b = 0; b < data->block_count && rows < DT_PAGE_ROWS_MAX; b = s.next) {
        take_group(data, b, &s);
        for (size_t n = 0; is_drawn(&s) && n < s.count && rows < DT_PAGE_ROWS_MAX; n++, rows++) {
            const struct dt_record *r = s.at[n];
            const struct dt_problem *p = &r->problem;
            dt_table_row(out);
            dt_table_name(out, dt_page_name(r->op, p, r->threads, name));
            dt_table_count(out, (size_t)p->nq);
            dt_table_code(out, dt_page_plan(r, name));
            dt_table_time(out, r->ns_median);
            dt_table_time(out, r->ns_median * r->ratio_to_scalar);
            dt_table_number(out, r->ns_median / ((double)p->batch * p->heads * p->nq * p->nk));
        }
    }
    dt_table_end(out);
    dt_figure_end(out);
}

/* ---- Threads --------------------------------------------------------------- */

/* One problem with several numbers of threads, ascending. */
struct team {
    const struct dt_record *at[THREADS_MAX];
    size_t count;
};

static bool same_but_threads(const struct dt_record *a, const struct dt_record *b)
{
    return a->op == b->op && memcmp(&a->problem, &b->problem, sizeof a->problem) == 0;
}

/* False if the block is not the first of its problem, or has no other number of threads. */
static bool take_team(const struct dt_page_data *data, size_t first, struct team *team)
{
    *team = (struct team){0};
    for (size_t b = 0; b < data->block_count; b++) {
        const struct dt_record *leader = data->blocks[b].leader;
        if (!same_but_threads(data->blocks[first].sorted[0], data->blocks[b].sorted[0]))
            continue;
        if (b < first)
            return false;
        if (!leader || !dt_page_is_sound(leader) || team->count == THREADS_MAX ||
            (leader->threads > 1 && !isfinite(leader->ratio_to_one_thread)))
            continue;
        size_t at = team->count++;
        for (; at && team->at[at - 1]->threads > leader->threads; at--)
            team->at[at] = team->at[at - 1];
        team->at[at] = leader;
    }
    return team->count && team->at[team->count - 1]->threads > 1;
}

static double gain(const struct dt_record *r)
{
    return r->threads == 1 ? 1 : r->ratio_to_one_thread;
}

static size_t threads_finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    struct team team;
    const struct dt_record *least = NULL, *most = NULL;
    size_t count = 0;
    for (size_t b = 0; b < data->block_count; b++) {
        if (!take_team(data, b, &team))
            continue;
        const struct dt_record *top = team.at[team.count - 1];
        count++;
        if (!least || gain(top) / top->threads < gain(least) / least->threads)
            least = top;
        if (!most || gain(top) / top->threads > gain(most) / most->threads)
            most = top;
    }
    if (!count)
        return 0;
    char high[DT_VIEW_TEXT_MAX], low[DT_VIEW_TEXT_MAX], best[DT_VIEW_TEXT_MAX],
        worst[DT_VIEW_TEXT_MAX];
    dt_page_problem(most->op, &most->problem, best);
    dt_page_problem(least->op, &least->problem, worst);
    const size_t used = (size_t)snprintf(text, DT_SENTENCE_MAX,
                                         "%d threads are %s times as fast as one on `%.100s`",
                                         most->threads, dt_view_number(gain(most), high), best);
    if (least == most)
        snprintf(text + used, DT_SENTENCE_MAX - used, ".");
    else
        snprintf(text + used, DT_SENTENCE_MAX - used,
                 "; least is gained on `%.100s`: %s times with %d.", worst,
                 dt_view_number(gain(least), low), least->threads);
    return count;
}

static void draw_team(FILE *out, const struct team *team, size_t panel)
{
    struct dt_scale x = dt_scale_empty(2, LEFT, RIGHT), y = dt_scale_empty(2, BOTTOM, TOP);
    char id[32], head[DT_VIEW_TEXT_MAX], under[DT_VIEW_TEXT_MAX], text[DT_VIEW_TEXT_MAX];
    const struct dt_record *first = team->at[0], *last = team->at[team->count - 1];
    dt_scale_cover(&x, 1);
    dt_scale_cover(&y, 1);
    dt_scale_cover(&y, last->threads);
    for (size_t n = 0; n < team->count; n++) {
        dt_scale_cover(&x, team->at[n]->threads);
        dt_scale_cover(&y, gain(team->at[n]));
    }
    dt_scale_pad(&x, 0.06);
    dt_scale_pad(&y, 0.06);
    snprintf(id, sizeof id, "threads-%zu", panel);
    dt_page_problem(first->op, &first->problem, head);
    dt_page_settings(&first->problem, 1, under);
    dt_svg_begin(out, id, WIDTH, HEIGHT, head,
                 "Speed over that of one thread by the number of threads; the dashed line is as "
                 "many times as fast as there are threads.");
    dt_svg_text(out, "head", 0, 12, head);
    dt_svg_text(out, "faint", 0, 28, under);
    const struct dt_axis below = {&x, BOTTOM, TOP, 6, dt_svg_tick_number, "threads"};
    const struct dt_axis left = {&y, LEFT, RIGHT, 5, dt_svg_tick_times, NULL};
    dt_svg_axis_x(out, &below);
    dt_svg_axis_y(out, &left);
    dt_svg_line(out, "guide", dt_scale_at(&x, 1), dt_scale_at(&y, 1),
                dt_scale_at(&x, last->threads), dt_scale_at(&y, last->threads));
    dt_svg_path_begin(out, "line c1");
    dt_svg_path_to(out, dt_scale_at(&x, 1), dt_scale_at(&y, 1));
    for (size_t n = 0; n < team->count; n++)
        dt_svg_path_to(out, dt_scale_at(&x, team->at[n]->threads),
                       dt_scale_at(&y, gain(team->at[n])));
    dt_svg_path_end(out);
    for (size_t n = 0; n < team->count; n++) {
        const double px = dt_scale_at(&x, team->at[n]->threads),
                     py = dt_scale_at(&y, gain(team->at[n]));
        dt_svg_mark(out, DT_DOT, "c1", px, py, 3.4, NULL);
        if (team->at[n]->threads > 1)
            dt_svg_text(out, "c1 strong end", px - 6, py - 7,
                        dt_view_number(gain(team->at[n]), text));
    }
    dt_svg_end(out);
}

static void put_threads(FILE *out, const struct dt_page_data *data)
{
    char sentence[DT_SENTENCE_MAX], name[2 * DT_VIEW_TEXT_MAX];
    struct team team;
    size_t panel = 0, rows = 0;
    const size_t all = threads_finding(data, sentence);
    if (!all)
        return;
    dt_figure_begin(out, "f-threads", sentence);
    for (size_t b = 0; b < data->block_count && panel < DT_PAGE_PANELS_MAX; b++)
        if (take_team(data, b, &team))
            draw_team(out, &team, panel++);
    dt_figure_data(out, panel, all, "problems");
    dt_table_begin(out, "Speed by threads, to the best plan of one thread",
                   "Problem|>Threads|Plan|>Time|>Times as fast|>Of the threads");
    for (size_t b = 0; b < data->block_count && rows < DT_PAGE_ROWS_MAX; b++) {
        if (!take_team(data, b, &team))
            continue;
        for (size_t n = 0; n < team.count && rows < DT_PAGE_ROWS_MAX; n++, rows++) {
            const struct dt_record *r = team.at[n];
            dt_table_row(out);
            dt_table_name(out, dt_page_name(r->op, &r->problem, 1, name));
            dt_table_count(out, (size_t)r->threads);
            dt_table_code(out, dt_page_plan(r, name));
            dt_table_time(out, r->ns_median);
            dt_table_number(out, gain(r));
            dt_table_share(out, gain(r) / r->threads);
        }
    }
    dt_table_end(out);
    dt_figure_end(out);
}

/* ---- The page -------------------------------------------------------------- */

static bool has_data(const struct dt_page_data *data)
{
    char text[DT_SENTENCE_MAX];
    return lengths_finding(data, text) || threads_finding(data, text);
}

static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    if (!threads_finding(data, text))
        lengths_finding(data, text);
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    (void)error;
    put_lengths(out, data);
    put_threads(out, data);
    return DT_OK;
}

const struct dt_page dt_page_scaling = {
    .name = "scaling",
    .title = "Scaling",
    .shows = "how time grows with the length of a sequence, and speed with threads",
    .command = "disentune bench --op attention --suite deberta-v3 --threads 1,2",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
