/* SPDX-License-Identifier: MIT */
#include "kernels/setup.h"
#include "tests/problem_fixture.h"
#include "tuner/axes.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static const enum dt_axis all_axes[] = {DT_AXIS_FORM, DT_AXIS_TILE, DT_AXIS_CHUNK,
                                        DT_AXIS_GEMM, DT_AXIS_BIAS, DT_AXIS_SOFTMAX};

struct space {
    struct dt_problem problem;
    struct dt_delta delta;
    struct dt_axis_scope scope;
    struct dt_choice from;
};

/* The widest attention made of parts, with its first parts. */
static void open_space(struct space *s, const char *problem, int32_t threads)
{
    const struct dt_variant *variant, *widest = NULL;
    struct dt_error error = {0};
    s->problem = problem_of(problem);
    cr_assert_eq(dt_delta_init(&s->delta, &s->problem, NULL), DT_OK);
    s->scope =
        (struct dt_axis_scope){.problem = &s->problem, .delta = &s->delta, .threads = threads};
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        if (variant->strategy != DT_DIRECT &&
            dt_variant_applies(variant, DT_OP_ATTENTION, &s->problem, &s->delta) &&
            (!widest || variant->level > widest->level))
            widest = variant;
    if (!widest)
        cr_skip_test("no attention made of parts runs on this CPU");
    cr_assert_eq(dt_axis_start(&s->scope, widest, &s->from, &error), DT_OK, "%s", error.text);
}

/* The choice with what an axis changes taken from `from`. */
static struct dt_choice undone(enum dt_axis axis, const struct dt_choice *choice,
                               const struct dt_choice *from)
{
    struct dt_choice c = *choice;
    switch (axis) {
    case DT_AXIS_FORM:
        c.variant = from->variant;
        if (from->bias && !dt_part_fits(choice->variant, from->bias))
            c.bias = from->bias;
        break;
    case DT_AXIS_TILE:
        c.tile = from->tile;
        c.chunk = from->chunk;
        break;
    case DT_AXIS_CHUNK:
        c.chunk = from->chunk;
        break;
    case DT_AXIS_GEMM:
        c.gemm = from->gemm;
        break;
    case DT_AXIS_BIAS:
        c.bias = from->bias;
        break;
    case DT_AXIS_SOFTMAX:
        c.softmax = from->softmax;
        break;
    }
    return c;
}

static bool can_be_set_up(const struct space *s, const struct dt_choice *choice)
{
    struct dt_attention_setup setup;
    if (dt_attention_setup_init(&setup, choice, &s->problem, &s->delta, 1, NULL))
        return false;
    dt_attention_setup_clear(&setup);
    return true;
}

static bool occurs(const struct dt_choice *choices, size_t count, const struct dt_choice *choice)
{
    for (size_t n = 0; n < count; n++)
        if (dt_choice_equal(&choices[n], choice))
            return true;
    return false;
}

Test(axes, choices_differ_along_their_axis_alone)
{
    static const char *const problems[] = {"h2 n512 log:256:512", "n1 linear:4",
                                           "q40 k700 d40 log:32:128 none",
                                           "q1000 k17 d8 linear:16 c2p mask:pairs"};
    char wrong[600] = "";
    for (size_t p = 0; p < sizeof problems / sizeof *problems; p++) {
        struct space s;
        open_space(&s, problems[p], 2);
        for (size_t a = 0; a < sizeof all_axes / sizeof *all_axes; a++) {
            struct dt_choice choices[DT_AXIS_MAX];
            const size_t count = dt_axis_choices(all_axes[a], &s.scope, &s.from, choices);
            for (size_t n = 0; n < count; n++) {
                const struct dt_choice same = undone(all_axes[a], &choices[n], &s.from);
                char text[DT_CHOICE_TEXT_MAX];
                if (!dt_choice_equal(&same, &s.from) || dt_choice_equal(&choices[n], &s.from) ||
                    occurs(choices, n, &choices[n]) ||
                    !dt_tile_fits(choices[n].variant, choices[n].tile) ||
                    !can_be_set_up(&s, &choices[n]))
                    snprintf(wrong, sizeof wrong, "\"%s\" axis %zu: %s", problems[p], a,
                             dt_choice_print(&choices[n], text));
            }
        }
        dt_delta_clear(&s.delta);
    }
    cr_assert_str_empty(wrong, "%s", wrong);
}

Test(axes, a_long_problem_has_all_of_every_axis)
{
    struct dt_choice choices[DT_AXIS_MAX];
    struct space s;
    open_space(&s, "h2 n4096 log:256:512", 2);
    cr_expect_eq(dt_axis_choices(DT_AXIS_FORM, &s.scope, &s.from, choices), 8);
    cr_expect_eq(dt_axis_choices(DT_AXIS_TILE, &s.scope, &s.from, choices), 14);
    cr_expect_geq(dt_axis_choices(DT_AXIS_CHUNK, &s.scope, &s.from, choices), 4);
    dt_delta_clear(&s.delta);
}

Test(axes, the_nearest_tiles_come_first)
{
    struct dt_choice choices[DT_AXIS_MAX];
    struct space s;
    open_space(&s, "n4096 log:256:512", 1);
    const size_t count = dt_axis_choices(DT_AXIS_TILE, &s.scope, &s.from, choices);
    cr_assert_gt(count, 2);
    cr_expect(choices[0].tile.rows == 96 && choices[0].tile.cols == 64, "from 64x64 to %dx%d",
              choices[0].tile.rows, choices[0].tile.cols);
    cr_expect(choices[count - 1].tile.rows == 16 && choices[count - 1].tile.cols != 64);
    dt_delta_clear(&s.delta);
}

Test(axes, what_the_problem_cannot_tell_apart_is_there_once)
{
    struct dt_choice choices[DT_AXIS_MAX];
    struct space s;
    open_space(&s, "n16 log:256:512", 1);
    const size_t tiles = dt_axis_choices(DT_AXIS_TILE, &s.scope, &s.from, choices);
    cr_expect(tiles == 1 && choices[0].tile.rows == 16 && choices[0].tile.cols == 32, "%zu", tiles);
    cr_expect_eq(dt_axis_choices(DT_AXIS_CHUNK, &s.scope, &s.from, choices), 0);
    dt_delta_clear(&s.delta);
    open_space(&s, "n64 log:256:512 none", 1);
    cr_expect_eq(dt_axis_choices(DT_AXIS_BIAS, &s.scope, &s.from, choices), 0);
    cr_expect_eq(dt_axis_choices(DT_AXIS_FORM, &s.scope, &s.from, choices), 1);
    dt_delta_clear(&s.delta);
}

static bool is_online(const struct dt_variant *variant, void *context)
{
    ++*(int *)context;
    return variant->form == DT_ONLINE;
}

Test(axes, only_selected_forms_are_listed)
{
    struct dt_choice choices[DT_AXIS_MAX];
    struct space s;
    int asked = 0;
    open_space(&s, "n64 log:256:512", 1);
    s.scope.selects = is_online;
    s.scope.context = &asked;
    const size_t count = dt_axis_choices(DT_AXIS_FORM, &s.scope, &s.from, choices);
    size_t others = 0;
    for (size_t n = 0; n < count; n++)
        others += choices[n].variant->form != DT_ONLINE;
    cr_expect(count >= 2 && others == 0 && asked > 0);
    dt_delta_clear(&s.delta);
}

Test(axes, level_is_the_widest_of_all_parts)
{
    const struct dt_variant narrow = {.level = 1}, wide = {.level = 2}, none = {.level = 0};
    struct dt_choice choice = {.variant = &narrow};
    cr_expect_eq(dt_choice_level(&choice), 1);
    choice.softmax = &none;
    choice.gemm = &wide;
    cr_expect_eq(dt_choice_level(&choice), 2);
}
