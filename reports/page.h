/* SPDX-License-Identifier: MIT */
/*
 * What the pages of the HTML report (reports/html.h) share: what they are made of, and the parts
 * of a page. To add a page, write page_<name>.c with its struct dt_page, and name it in the table
 * of html.c.
 */
#ifndef DISENTUNE_PAGE_H
#define DISENTUNE_PAGE_H

#include "reports/history.h"
#include "reports/judge.h"
#include "reports/svg.h"
#include "reports/view.h"

/* Measurements of one problem with one number of threads in one session, best first. */
struct dt_block {
    const struct dt_finding *finding;
    const struct dt_record **sorted; /* [span], as dt_view_sort() has them */
    size_t span;
    const struct dt_record *leader;       /* dt_view_leader() */
    const struct dt_candidate *candidate; /* of that problem in the newest search, [candidates] */
    size_t candidates;
};

/*
 * One machine is shown: that of the newest session with measurements. Each problem is shown by one
 * session, since only what ran side by side is compared: the newest that measured at least half as
 * many choices as any.
 */
struct dt_page_data {
    const struct dt_evidence *evidence;
    const struct dt_finding *newest;     /* session with measurements; NULL: there is none */
    const struct dt_finding *comparison; /* newest session with cells; NULL: there is none */
    struct dt_block *blocks;             /* in the order of reports */
    size_t block_count;
    size_t other_machines;       /* sessions that are not shown for that reason */
    const struct dt_cell **cell; /* of the comparison, the worst first */
    size_t cell_count;
    struct dt_history history;       /* compared with the base that most sessions have */
    const struct dt_record ***owned; /* one array of sorted records for each session */
};

/* DT_NO_MEMORY. */
enum dt_status dt_page_data_init(struct dt_page_data *data, const struct dt_evidence *evidence,
                                 struct dt_error *error);
void dt_page_data_clear(struct dt_page_data *data);

/* A sentence that is made from data; names stand between back quotes (reports/markup.h). */
#define DT_SENTENCE_MAX 512

struct dt_page {
    const char *name, *title; /* name: of the section, "verdict" */
    const char *shows;        /* completes "It would show ..." */
    const char *command;      /* that brings the data */
    bool (*has_data)(const struct dt_page_data *data);
    /* What its data say in one sentence. Called only with data, as print() is. */
    void (*finding)(const struct dt_page_data *data, char text[DT_SENTENCE_MAX]);
    /* Errors of the stream stay in the stream. DT_NO_MEMORY. */
    enum dt_status (*print)(FILE *out, const struct dt_page_data *data, struct dt_error *error);
};

extern const struct dt_page dt_page_verdict, dt_page_cells, dt_page_tuner, dt_page_roofline,
    dt_page_scaling, dt_page_phases, dt_page_accuracy, dt_page_history, dt_page_trust,
    dt_page_provenance;

/* ---- Parts of a page ------------------------------------------------------- */

/* More rows of a table, and more panels of a figure, are left to the embedded data. */
enum { DT_PAGE_ROWS_MAX = 250, DT_PAGE_PANELS_MAX = 6, DT_PAGE_LINES_MAX = 48 };

/* A figure: its finding, drawings, then dt_figure_data() and tables. */
void dt_figure_begin(FILE *out, const char *id, const char *finding);
/* How it is read; `parts` counts what is shown of `all`, and is told where it is less. */
void dt_figure_note(FILE *out, const char *text);
void dt_figure_data(FILE *out, size_t shown, size_t all, const char *things);
void dt_figure_end(FILE *out);

/* One entry of a legend: a mark and its word. */
void dt_legend_begin(FILE *out);
void dt_legend_add(FILE *out, enum dt_shape shape, const char *class, const char *word);
void dt_legend_end(FILE *out);

/* A table. In `heads`, separated by '|', a leading '>' aligns the column to the right. */
void dt_table_begin(FILE *out, const char *caption, const char *heads);
void dt_table_row(FILE *out);                        /* begins a row */
void dt_table_name(FILE *out, const char *text);     /* its first cell */
void dt_table_text(FILE *out, const char *text);     /* rich text */
void dt_table_code(FILE *out, const char *text);     /* the name of a choice */
void dt_table_value(FILE *out, const char *printed); /* to the right; "-": none */
void dt_table_number(FILE *out, double value);       /* three digits, "–" for NAN */
void dt_table_count(FILE *out, size_t count);
void dt_table_time(FILE *out, double ns);
void dt_table_share(FILE *out, double share);
void dt_table_change(FILE *out, double ratio); /* "+6.2 %" */
void dt_table_end(FILE *out);

/* ---- Words ----------------------------------------------------------------- */

/* dt_view_time() with "µs". */
const char *dt_page_time(double ns, char text[DT_VIEW_TEXT_MAX]);

/* 1.062 as "+6.2 %"; "–" for NAN. */
const char *dt_page_change(double ratio, char text[DT_VIEW_TEXT_MAX]);

/* "attention n512" and "h12 log:256:512, 2 threads"; joined, the whole name of a problem. */
const char *dt_page_problem(enum dt_op op, const struct dt_problem *problem,
                            char text[DT_VIEW_TEXT_MAX]);
const char *dt_page_settings(const struct dt_problem *problem, int threads,
                             char text[DT_VIEW_TEXT_MAX]);
const char *dt_page_name(enum dt_op op, const struct dt_problem *problem, int threads,
                         char text[2 * DT_VIEW_TEXT_MAX]);

/* The name of a variant without its operation, "avx2.runs-skew". */
const char *dt_page_short(const char *variant);

/* Its instruction set, "avx2"; "" if the name has none. */
const char *dt_page_isa(const char *variant, char text[16]);

/* Variant, tile and parts: "avx2.active-rows 64x64/128 14x2 window-skew poly". */
const char *dt_page_plan(const struct dt_record *record, char text[2 * DT_VIEW_TEXT_MAX]);

/* Draws the name of a problem in two lines around y, from x = 0, DT_LABEL_WIDTH wide. Settings that
 * are longer are cut. */
enum { DT_LABEL_WIDTH = 176 };
void dt_page_label(FILE *out, double y, enum dt_op op, const struct dt_problem *problem,
                   int threads);

/* Whether the n-th of `all` is one of `most` that are spread evenly. */
bool dt_page_is_picked(size_t n, size_t all, size_t most);

/* "" or "s", to end a word after that count. */
const char *dt_page_plural(size_t count);

/* How a judgement looks, beside its word (dt_judgement_name()): each alone tells it. */
struct dt_look {
    const char *class;
    enum dt_shape shape;
};
extern const struct dt_look dt_page_looks[DT_JUDGEMENT_COUNT];

/* Whether a record can be drawn: it passed validation and was timed. */
bool dt_page_is_sound(const struct dt_record *record);

/* Of sorted[0 ... n) none is of the same variant and sound: it is its variant's best. */
bool dt_page_is_first(const struct dt_block *block, size_t n);

#endif
