/* SPDX-License-Identifier: MIT */
/* Error against speed: what the fastest plans give up, if anything. */
#include "reports/page.h"

#include <math.h>
#include <string.h>

enum { WIDTH = 340, HEIGHT = 250, LEFT = 50, RIGHT = 328, TOP = 46, BOTTOM = 206 };

static const enum dt_op ops[] = {DT_OP_ATTENTION, DT_OP_BIAS, DT_OP_GEMM, DT_OP_SOFTMAX};

enum { OPS = sizeof ops / sizeof *ops };

static const struct {
    const char *isa, *class;
    enum dt_shape shape;
} sets[] = {
    {"scalar", "c8", DT_BOX},
    {"avx2", "c1", DT_DOT},
    {"avx512", "c2", DT_DIAMOND},
    {"neon", "c3", DT_UP},
};

enum { SETS = sizeof sets / sizeof *sets };

/* Whether a record is its variant's best on its problem, and its error is known. */
static bool is_member(const struct dt_block *block, size_t n)
{
    const struct dt_record *r = block->sorted[n];
    return block->leader && r->ns_median > 0 && isfinite(r->ns_median) &&
           isfinite(r->error_share) && dt_page_is_first(block, n);
}

/* The most of its bound that an operation's variants use, and who does; op DT_OP_COUNT: any. */
static size_t worst_of(const struct dt_page_data *data, enum dt_op op,
                       const struct dt_record **worst, size_t *beyond)
{
    size_t count = 0;
    *worst = NULL;
    *beyond = 0;
    for (size_t b = 0; b < data->block_count; b++)
        for (size_t r = 0; r < data->blocks[b].span; r++) {
            const struct dt_record *record = data->blocks[b].sorted[r];
            if (!is_member(&data->blocks[b], r) || (op != DT_OP_COUNT && record->op != op))
                continue;
            count++;
            *beyond += record->error_share > 1;
            if (!*worst || record->error_share > (*worst)->error_share)
                *worst = record;
        }
    return count;
}

static bool has_data(const struct dt_page_data *data)
{
    const struct dt_record *worst;
    size_t beyond;
    return worst_of(data, DT_OP_COUNT, &worst, &beyond) > 0;
}

static void finding(const struct dt_page_data *data, char text[DT_SENTENCE_MAX])
{
    const struct dt_record *worst;
    size_t beyond;
    char share[DT_VIEW_TEXT_MAX], name[DT_VIEW_TEXT_MAX];
    const size_t count = worst_of(data, DT_OP_COUNT, &worst, &beyond);
    dt_page_problem(worst->op, &worst->problem, name);
    if (beyond)
        snprintf(text, DT_SENTENCE_MAX,
                 "%zu of %zu results lie beyond the stated bound; the worst, `%s` on `%.100s`, at "
                 "%s of it.",
                 beyond, count, worst->variant, name, dt_view_share(worst->error_share, share));
    else
        snprintf(text, DT_SENTENCE_MAX,
                 "All %zu results keep within their stated bound; the worst, `%s` on `%.100s`, "
                 "uses %s of it.",
                 count, worst->variant, name, dt_view_share(worst->error_share, share));
}

static void draw_points(FILE *out, const struct dt_page_data *data, enum dt_op op,
                        const struct dt_scale *x, const struct dt_scale *y)
{
    char isa[16], tip[4 * DT_VIEW_TEXT_MAX], class[16], name[DT_VIEW_TEXT_MAX];
    for (size_t b = 0, drawn = 0; b < data->block_count; b++)
        for (size_t r = 0; r < data->blocks[b].span && drawn < 400; r++) {
            const struct dt_block *block = &data->blocks[b];
            const struct dt_record *record = block->sorted[r];
            size_t set = 0;
            if (!is_member(block, r) || record->op != op)
                continue;
            drawn++;
            dt_page_isa(record->variant, isa);
            while (set < SETS - 1 && strcmp(sets[set].isa, isa) != 0)
                set++;
            snprintf(class, sizeof class, "halo %s", sets[set].class);
            snprintf(tip, sizeof tip, "%s, %s", dt_page_short(record->variant),
                     dt_page_problem(op, &record->problem, name));
            dt_svg_mark(out, sets[set].shape, class,
                        dt_scale_at(x, block->leader->ns_median / record->ns_median),
                        dt_scale_at(y, fmax(record->error_share, y->lo)), 3.6, tip);
        }
}

static void draw(FILE *out, const struct dt_page_data *data, enum dt_op op)
{
    struct dt_scale x = dt_scale_empty(0, LEFT, RIGHT), y = dt_scale_empty(10, BOTTOM, TOP);
    const struct dt_record *worst;
    size_t beyond;
    char id[32], under[DT_VIEW_TEXT_MAX], share[DT_VIEW_TEXT_MAX];
    worst_of(data, op, &worst, &beyond);
    dt_scale_cover(&x, 0);
    dt_scale_cover(&x, 1);
    dt_scale_cover(&y, 1.3);
    dt_scale_cover(&y, 0.1);
    for (size_t b = 0; b < data->block_count; b++)
        for (size_t r = 0; r < data->blocks[b].span; r++)
            if (data->blocks[b].sorted[r]->op == op && is_member(&data->blocks[b], r))
                dt_scale_cover(&y, fmax(data->blocks[b].sorted[r]->error_share, 1e-4));
    dt_scale_pad(&x, 0.03);
    dt_scale_pad(&y, 0.04);
    snprintf(id, sizeof id, "error-%s", dt_op_name(op));
    snprintf(under, sizeof under, "at most %s of the bound",
             dt_view_share(worst->error_share, share));
    dt_svg_begin(out, id, WIDTH, HEIGHT, dt_op_name(op),
                 "Error as a share of the stated bound over speed as a share of the fastest plan. "
                 "The values are in the table below.");
    dt_svg_text(out, "head", 0, 12, dt_op_name(op));
    dt_svg_text(out, "faint", 0, 28, under);
    const struct dt_axis below = {&x, BOTTOM, TOP, 5, dt_svg_tick_share, "of the winner's speed"};
    const struct dt_axis left = {&y, LEFT, RIGHT, 5, dt_svg_tick_share, NULL};
    dt_svg_axis_x(out, &below);
    dt_svg_axis_y(out, &left);
    dt_svg_line(out, "bound", LEFT, dt_scale_at(&y, 1), RIGHT, dt_scale_at(&y, 1));
    dt_svg_text(out, "c4 end", RIGHT, dt_scale_at(&y, 1) - 4, "bound");
    draw_points(out, data, op, &x, &y);
    dt_svg_end(out);
}

static bool is_drawn(const struct dt_page_data *data, const char *isa)
{
    char own[16];
    for (size_t b = 0; b < data->block_count; b++)
        for (size_t r = 0; r < data->blocks[b].span; r++)
            if (is_member(&data->blocks[b], r) &&
                strcmp(dt_page_isa(data->blocks[b].sorted[r]->variant, own), isa) == 0)
                return true;
    return false;
}

static size_t put_rows(FILE *out, const struct dt_page_data *data)
{
    size_t rows = 0;
    char name[2 * DT_VIEW_TEXT_MAX];
    for (size_t b = 0; b < data->block_count; b++)
        for (size_t r = 0; r < data->blocks[b].span && rows < DT_PAGE_ROWS_MAX; r++) {
            const struct dt_record *record = data->blocks[b].sorted[r];
            if (!is_member(&data->blocks[b], r))
                continue;
            rows++;
            dt_table_row(out);
            dt_table_name(out, dt_page_name(record->op, &record->problem, record->threads, name));
            dt_table_code(out, dt_page_plan(record, name));
            dt_table_share(out, record->error_share);
            dt_table_number(out, record->error_ulp);
            dt_table_share(out, data->blocks[b].leader->ns_median / record->ns_median);
        }
    return rows;
}

static enum dt_status print(FILE *out, const struct dt_page_data *data, struct dt_error *error)
{
    (void)error;
    char sentence[DT_SENTENCE_MAX];
    const struct dt_record *worst;
    size_t beyond;
    const size_t all = worst_of(data, DT_OP_COUNT, &worst, &beyond);
    finding(data, sentence);
    dt_figure_begin(out, "f-accuracy", sentence);
    for (size_t o = 0; o < OPS; o++)
        if (worst_of(data, ops[o], &worst, &beyond))
            draw(out, data, ops[o]);
    dt_legend_begin(out);
    for (size_t s = 0; s < SETS; s++)
        if (is_drawn(data, sets[s].isa))
            dt_legend_add(out, sets[s].shape, sets[s].class, sets[s].isa);
    dt_legend_end(out);
    dt_figure_note(out, "The worst error against a reference in double precision, as a share of "
                        "the bound that the variant states. Below and to the right is better.");
    dt_figure_data(out, all, all, "results");
    dt_table_begin(out, "Errors of each variant at its best plan",
                   "Problem|Plan|>Of the bound|>ULP|>Of the winner's speed");
    put_rows(out, data);
    dt_table_end(out);
    dt_figure_end(out);
    return DT_OK;
}

const struct dt_page dt_page_accuracy = {
    .name = "accuracy",
    .title = "Accuracy",
    .shows = "the error of each variant against its speed",
    .command = "disentune tune --suite deberta-v3",
    .has_data = has_data,
    .finding = finding,
    .print = print,
};
