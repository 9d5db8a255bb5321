/* SPDX-License-Identifier: MIT */
/*
 * Drawings as inline SVG. Colours are classes of the page's style sheet (reports/report.css), so
 * that one drawing serves light, dark and print; shapes tell apart what colours tell. Coordinates
 * are in pixels with one decimal: the same numbers give the same bytes. Text is escaped here.
 */
#ifndef DISENTUNE_SVG_H
#define DISENTUNE_SVG_H

#include "reports/scale.h"

#include <stdio.h>

/* `id` is unique in the page. The title names the drawing, the description says how it is read;
 * both are read aloud in its place. */
void dt_svg_begin(FILE *stream, const char *id, double width, double height, const char *title,
                  const char *desc);
void dt_svg_end(FILE *stream);

void dt_svg_line(FILE *stream, const char *class, double x1, double y1, double x2, double y2);

/* A negative width or height is drawn to the other side. */
void dt_svg_rect(FILE *stream, const char *class, double x, double y, double width, double height);

/* The class says where (x, y) is in the text: "end", "mid"; else its start. */
void dt_svg_text(FILE *stream, const char *class, double x, double y, const char *text);

/* Text that rises to the right, from its start. */
void dt_svg_slanted(FILE *stream, const char *class, double x, double y, const char *text);

/* A line through points. */
void dt_svg_path_begin(FILE *stream, const char *class);
void dt_svg_path_to(FILE *stream, double x, double y);
void dt_svg_path_end(FILE *stream);

enum dt_shape {
    DT_DOT,
    DT_RING,
    DT_UP,
    DT_DOWN,
    DT_DIAMOND,
    DT_BOX,
    DT_CROSS,
    DT_SHAPE_COUNT,
};

/* A mark of about `radius` at (x, y). The tip is shown under a mouse pointer; NULL for none. */
void dt_svg_mark(FILE *stream, enum dt_shape shape, const char *class, double x, double y,
                 double radius, const char *tip);

/* Many dots of one class cost few bytes. */
void dt_svg_dots_begin(FILE *stream, const char *class);
void dt_svg_dots_add(FILE *stream, double x, double y);
void dt_svg_dots_end(FILE *stream);

/* How a tick is written; returns text. */
typedef const char *dt_tick_fn(double value, int decimals, char text[32]);

/* A number, "0.5"; thousands as "10k". */
dt_tick_fn dt_svg_tick_number;
/* A ratio less 1 in percent with its sign, "+5 %": 1.05. */
dt_tick_fn dt_svg_tick_change;
/* Nanoseconds in the unit that suits, "10 µs". */
dt_tick_fn dt_svg_tick_time;
/* A share in percent, "40 %": 0.4. */
dt_tick_fn dt_svg_tick_share;
/* "2×" */
dt_tick_fn dt_svg_tick_times;

/*
 * An axis below (x) or to the left (y) of the box that spans the other scale, with faint lines
 * across it and `label` at its end; NULL for none.
 */
struct dt_axis {
    const struct dt_scale *scale;
    double low, high; /* of the box, across: bottom and top, or left and right */
    int want;
    dt_tick_fn *print;
    const char *label;
};
void dt_svg_axis_x(FILE *stream, const struct dt_axis *axis);
void dt_svg_axis_y(FILE *stream, const struct dt_axis *axis);

#endif
