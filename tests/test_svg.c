/* SPDX-License-Identifier: MIT */
#include "reports/svg.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

Test(svg, coordinates_have_one_decimal_at_most)
{
    char *text;
    size_t size;
    FILE *stream = open_memstream(&text, &size);
    dt_svg_line(stream, "grid", -0.04, 12.26, NAN, 3);
    dt_svg_rect(stream, "bar", 10, 20, -4, 2.5);
    dt_svg_mark(stream, DT_CROSS, "halo bad", 5, 6, 2, NULL);
    dt_svg_mark(stream, DT_DOT, "c1", 1, 2, 3, "a `b` < c");
    dt_svg_text(stream, "end", 1, 2, "x < \"y\" & \001");
    dt_svg_dots_begin(stream, "c8");
    dt_svg_dots_add(stream, 1.04, 2);
    dt_svg_dots_end(stream);
    fclose(stream);
    cr_expect_str_eq(text,
                     "<line class=\"grid\" x1=\"0\" y1=\"12.3\" x2=\"0\" y2=\"3\"/>\n"
                     "<rect class=\"bar\" x=\"6\" y=\"20\" width=\"4\" height=\"2.5\"/>\n"
                     "<path class=\"bad cross\" d=\"M3 4L7 8M3 8L7 4\"/>\n"
                     "<circle class=\"c1\" cx=\"1\" cy=\"2\" r=\"3\"><title>a b &lt; "
                     "c</title></circle>\n"
                     "<text class=\"end\" x=\"1\" y=\"2\">x &lt; &quot;y&quot; &amp;  </text>\n"
                     "<path class=\"dots c8\" d=\"M1 2h0\"/>\n");
    free(text);
}

Test(svg, ticks_in_words)
{
    static const struct {
        dt_tick_fn *print;
        double value;
        int decimals;
        const char *text;
    } cases[] = {
        {dt_svg_tick_number, 0.5, 1, "0.5"},    {dt_svg_tick_number, 20000, 0, "20k"},
        {dt_svg_tick_change, 1.05, 2, "+5 %"},  {dt_svg_tick_change, 0.975, 3, "\u22122.5 %"},
        {dt_svg_tick_change, 1, 2, "0 %"},      {dt_svg_tick_time, 500, 0, "500 ns"},
        {dt_svg_tick_time, 20000, 0, "20 µs"},  {dt_svg_tick_time, 1e9, 0, "1 s"},
        {dt_svg_tick_time, 1500, 0, "1.5 µs"},  {dt_svg_tick_share, 0.4, 1, "40 %"},
        {dt_svg_tick_share, 0.025, 3, "2.5 %"}, {dt_svg_tick_times, 2, 0, "2×"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[32];
        cr_expect_str_eq(cases[c].print(cases[c].value, cases[c].decimals, text), cases[c].text);
    }
}
