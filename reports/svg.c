/* SPDX-License-Identifier: MIT */
#include "reports/svg.h"

#include "reports/markup.h"

#include <math.h>
#include <string.h>

/* One decimal at most, never "-0" or "nan". */
static void put_number(FILE *stream, double value)
{
    char text[48];
    if (!isfinite(value))
        value = 0;
    snprintf(text, sizeof text, "%.1f", value);
    const size_t length = strlen(text);
    if (text[length - 1] == '0')
        text[length - 2] = '\0';
    fputs(strcmp(text, "-0") == 0 ? "0" : text, stream);
}

static void put_attribute(FILE *stream, const char *name, double value)
{
    fprintf(stream, " %s=\"", name);
    put_number(stream, value);
    fputc('"', stream);
}

static void put_point(FILE *stream, char command, double x, double y)
{
    fputc(command, stream);
    put_number(stream, x);
    fputc(' ', stream);
    put_number(stream, y);
}

void dt_svg_begin(FILE *stream, const char *id, double width, double height, const char *title,
                  const char *desc)
{
    fprintf(stream, "<svg role=\"img\" aria-labelledby=\"%s-t\" aria-describedby=\"%s-d\"", id, id);
    put_attribute(stream, "width", width);
    put_attribute(stream, "height", height);
    fputs(" viewBox=\"0 0 ", stream);
    put_number(stream, width);
    fputc(' ', stream);
    put_number(stream, height);
    fprintf(stream, "\">\n<title id=\"%s-t\">", id);
    dt_markup_plain(stream, title);
    fprintf(stream, "</title>\n<desc id=\"%s-d\">", id);
    dt_markup_plain(stream, desc);
    fputs("</desc>\n", stream);
}

void dt_svg_end(FILE *stream) { fputs("</svg>\n", stream); }

void dt_svg_line(FILE *stream, const char *class, double x1, double y1, double x2, double y2)
{
    fprintf(stream, "<line class=\"%s\"", class);
    put_attribute(stream, "x1", x1);
    put_attribute(stream, "y1", y1);
    put_attribute(stream, "x2", x2);
    put_attribute(stream, "y2", y2);
    fputs("/>\n", stream);
}

void dt_svg_rect(FILE *stream, const char *class, double x, double y, double width, double height)
{
    fprintf(stream, "<rect class=\"%s\"", class);
    put_attribute(stream, "x", width < 0 ? x + width : x);
    put_attribute(stream, "y", height < 0 ? y + height : y);
    put_attribute(stream, "width", fabs(width));
    put_attribute(stream, "height", fabs(height));
    fputs("/>\n", stream);
}

void dt_svg_text(FILE *stream, const char *class, double x, double y, const char *text)
{
    fprintf(stream, "<text class=\"%s\"", class);
    put_attribute(stream, "x", x);
    put_attribute(stream, "y", y);
    fputc('>', stream);
    dt_markup_put(stream, text);
    fputs("</text>\n", stream);
}

void dt_svg_slanted(FILE *stream, const char *class, double x, double y, const char *text)
{
    fprintf(stream, "<text class=\"%s\" transform=\"translate(", class);
    put_number(stream, x);
    fputc(' ', stream);
    put_number(stream, y);
    fputs(") rotate(-45)\">", stream);
    dt_markup_put(stream, text);
    fputs("</text>\n", stream);
}

void dt_svg_path_begin(FILE *stream, const char *class)
{
    fprintf(stream, "<polyline class=\"%s\" points=\"", class);
}

void dt_svg_path_to(FILE *stream, double x, double y) { put_point(stream, ' ', x, y); }

void dt_svg_path_end(FILE *stream) { fputs("\"/>\n", stream); }

/* ---- Marks ----------------------------------------------------------------- */

/* Corners in units of the radius, and whether they are joined to a surface. */
static const struct outline {
    double x[4], y[4];
    int count;
} outlines[DT_SHAPE_COUNT] = {
    [DT_UP] = {{0, 1.15, -1.15}, {-1.2, 0.9, 0.9}, 3},
    [DT_DOWN] = {{0, 1.15, -1.15}, {1.2, -0.9, -0.9}, 3},
    [DT_DIAMOND] = {{0, 1.25, 0, -1.25}, {-1.25, 0, 1.25, 0}, 4},
    [DT_BOX] = {{-0.9, 0.9, 0.9, -0.9}, {-0.9, -0.9, 0.9, 0.9}, 4},
};

static void put_outline(FILE *stream, enum dt_shape shape, double x, double y, double radius)
{
    const struct outline *o = &outlines[shape];
    if (shape == DT_CROSS) {
        put_point(stream, 'M', x - radius, y - radius);
        put_point(stream, 'L', x + radius, y + radius);
        put_point(stream, 'M', x - radius, y + radius);
        put_point(stream, 'L', x + radius, y - radius);
        return;
    }
    for (int n = 0; n < o->count; n++)
        put_point(stream, n ? 'L' : 'M', x + o->x[n] * radius, y + o->y[n] * radius);
    fputc('Z', stream);
}

void dt_svg_mark(FILE *stream, enum dt_shape shape, const char *class, double x, double y,
                 double radius, const char *tip)
{
    const bool round = shape == DT_DOT || shape == DT_RING;
    const char *extra = shape == DT_RING ? " ring" : shape == DT_CROSS ? " cross" : "";
    if (shape == DT_CROSS && strncmp(class, "halo ", 5) == 0)
        class += 5; /* it has no surface to set off */
    fprintf(stream, "<%s class=\"%s%s\"", round ? "circle" : "path", class, extra);
    if (round) {
        put_attribute(stream, "cx", x);
        put_attribute(stream, "cy", y);
        put_attribute(stream, "r", radius);
    } else {
        fputs(" d=\"", stream);
        put_outline(stream, shape, x, y, radius);
        fputc('"', stream);
    }
    if (tip) {
        fputs("><title>", stream);
        dt_markup_plain(stream, tip);
        fprintf(stream, "</title></%s>\n", round ? "circle" : "path");
    } else {
        fputs("/>\n", stream);
    }
}

/* Lines of no length with round ends. */
void dt_svg_dots_begin(FILE *stream, const char *class)
{
    fprintf(stream, "<path class=\"dots %s\" d=\"", class);
}

void dt_svg_dots_add(FILE *stream, double x, double y)
{
    put_point(stream, 'M', x, y);
    fputs("h0", stream);
}

void dt_svg_dots_end(FILE *stream) { fputs("\"/>\n", stream); }

/* ---- Axes ------------------------------------------------------------------ */

const char *dt_svg_tick_number(double value, int decimals, char text[32])
{
    const bool thousands = fabs(value) >= 10000;
    snprintf(text, 32, "%.*f%s", thousands ? 0 : decimals, thousands ? value / 1000 : value,
             thousands ? "k" : "");
    return text;
}

const char *dt_svg_tick_change(double value, int decimals, char text[32])
{
    const double percent = (value - 1) * 100;
    const char *sign = fabs(percent) < 1e-6 ? "" : percent > 0 ? "+" : "\u2212";
    snprintf(text, 32, "%s%.*f %%", sign, decimals > 2 ? decimals - 2 : 0, fabs(percent));
    return text;
}

const char *dt_svg_tick_time(double ns, int decimals, char text[32])
{
    static const char *const units[] = {"ns", "µs", "ms", "s"};
    size_t unit = 0;
    for (; ns > 999.9 && unit < 3; unit++, decimals = 0)
        ns /= 1000;
    if (fabs(ns - round(ns)) > 1e-6 && !decimals)
        decimals = 1;
    snprintf(text, 32, "%.*f %s", decimals, ns, units[unit]);
    return text;
}

const char *dt_svg_tick_share(double value, int decimals, char text[32])
{
    snprintf(text, 32, "%.*f %%", decimals > 2 ? decimals - 2 : 0, value * 100);
    return text;
}

const char *dt_svg_tick_times(double value, int decimals, char text[32])
{
    snprintf(text, 32, "%.*f×", decimals, value);
    return text;
}

void dt_svg_axis_x(FILE *stream, const struct dt_axis *a)
{
    struct dt_ticks ticks;
    char text[32];
    dt_scale_ticks(a->scale, a->want, &ticks);
    for (size_t t = 0; t < ticks.count; t++) {
        const double x = dt_scale_at(a->scale, ticks.at[t]);
        dt_svg_line(stream, "grid", x, a->low, x, a->high);
        dt_svg_text(stream, "tick mid", x, a->low + 15,
                    a->print(ticks.at[t], ticks.decimals[t], text));
    }
    dt_svg_line(stream, "axis", a->scale->from, a->low, a->scale->to, a->low);
    if (a->label)
        dt_svg_text(stream, "label end", fmax(a->scale->from, a->scale->to), a->low + 30, a->label);
}

void dt_svg_axis_y(FILE *stream, const struct dt_axis *a)
{
    struct dt_ticks ticks;
    char text[32];
    dt_scale_ticks(a->scale, a->want, &ticks);
    for (size_t t = 0; t < ticks.count; t++) {
        const double y = dt_scale_at(a->scale, ticks.at[t]);
        dt_svg_line(stream, "grid", a->low, y, a->high, y);
        dt_svg_text(stream, "tick end", a->low - 6, y + 4,
                    a->print(ticks.at[t], ticks.decimals[t], text));
    }
    if (a->label)
        dt_svg_text(stream, "label", 0, fmin(a->scale->from, a->scale->to) - 10, a->label);
}
