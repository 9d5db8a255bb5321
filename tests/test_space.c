/* SPDX-License-Identifier: MIT */
#include "kernels/setup.h"
#include "tests/problem_fixture.h"
#include "tuner/space.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

struct fixture {
    struct dt_machine machine;
    struct dt_problem problem;
    struct dt_delta delta;
    struct dt_space_scope scope;
    struct dt_space space;
};

static void open_scope(struct fixture *f, enum dt_op op, const char *problem, int32_t threads)
{
    *f = (struct fixture){.problem = problem_of(problem)};
    cr_assert_eq(dt_machine_synthetic("pack:1 l3:1 l2:4 l1d:1 core:1 pu:1", &f->machine, NULL),
                 DT_OK);
    cr_assert_eq(dt_delta_init(&f->delta, &f->problem, NULL), DT_OK);
    f->scope = (struct dt_space_scope){.op = op,
                                       .problem = &f->problem,
                                       .delta = &f->delta,
                                       .machine = &f->machine,
                                       .threads = threads};
}

static void make(struct fixture *f)
{
    struct dt_error error = {0};
    cr_assert_eq(dt_space_init(&f->space, &f->scope, &error), DT_OK, "%s", error.text);
    cr_assert_gt(f->space.count, 0);
}

static void close_scope(struct fixture *f)
{
    dt_space_clear(&f->space);
    dt_delta_clear(&f->delta);
    dt_machine_clear(&f->machine);
}

/* Skips where there are only loops that need no parts. */
static void need_parts(const struct fixture *f)
{
    if (f->space.choices[f->space.count - 1].variant->strategy == DT_DIRECT)
        cr_skip_test("no attention made of parts runs on this CPU");
}

static bool can_be_set_up(const struct fixture *f, const struct dt_choice *choice)
{
    struct dt_attention_setup setup;
    if (dt_attention_setup_init(&setup, choice, &f->problem, &f->delta, 1, NULL))
        return false;
    dt_attention_setup_clear(&setup);
    return true;
}

static size_t values_of(const struct dt_space *space, enum dt_axis axis)
{
    bool seen[DT_AXIS_VALUES] = {false};
    size_t count = 0;
    for (size_t n = 0; n < space->count; n++) {
        count += !seen[space->points[n].at[axis]];
        seen[space->points[n].at[axis]] = true;
    }
    return count;
}

static const char *const problems[] = {"h2 n512 log:256:512", "n1 linear:4",
                                       "q40 k700 d40 log:32:128 none",
                                       "q1000 k17 d8 linear:16 c2p mask:pairs"};

Test(space, every_attention_is_there_once_and_can_be_set_up)
{
    char wrong[600] = "";
    for (size_t p = 0; p < 2 * (sizeof problems / sizeof *problems); p++) {
        struct fixture f;
        open_scope(&f, DT_OP_ATTENTION, problems[p / 2], 1 + (int32_t)(p % 2));
        make(&f);
        for (size_t n = 0; n < f.space.count; n++) {
            char text[DT_CHOICE_TEXT_MAX];
            const struct dt_choice *choice = &f.space.choices[n];
            const bool fits = dt_tile_fits(choice->variant, choice->tile) &&
                              (n % 97 != 0 || can_be_set_up(&f, choice));
            if (!fits || dt_space_find(&f.space, choice) != n)
                snprintf(wrong, sizeof wrong, "\"%s\": %s", problems[p / 2],
                         dt_choice_print(choice, text));
        }
        cr_expect_leq(f.space.count, DT_SPACE_MAX);
        close_scope(&f);
    }
    cr_assert_str_empty(wrong, "%s", wrong);
}

/* Plans with the same point on all axes but one differ in what the axis says. */
Test(space, a_point_tells_its_plan)
{
    struct fixture f;
    size_t wrong = 0;
    open_scope(&f, DT_OP_ATTENTION, "h2 n200 log:32:128", 2);
    make(&f);
    for (size_t n = 1; n < f.space.count; n++) {
        const struct dt_choice *a = &f.space.choices[n / 2], *b = &f.space.choices[n];
        const int16_t *x = f.space.points[n / 2].at, *y = f.space.points[n].at;
        wrong += (x[DT_AXIS_FORM] == y[DT_AXIS_FORM]) != (a->variant == b->variant);
        wrong += (x[DT_AXIS_ROWS] == y[DT_AXIS_ROWS]) != (a->tile.rows == b->tile.rows) &&
                 a->gemm && b->gemm;
        wrong += (x[DT_AXIS_GEMM] == y[DT_AXIS_GEMM]) != (a->gemm == b->gemm);
        wrong += (x[DT_AXIS_BIAS] == y[DT_AXIS_BIAS]) != (a->bias == b->bias);
        wrong += (x[DT_AXIS_SOFTMAX] == y[DT_AXIS_SOFTMAX]) != (a->softmax == b->softmax);
        wrong += n / 2 != n && memcmp(x, y, sizeof f.space.points[0]) == 0;
    }
    cr_expect_eq(wrong, 0, "%zu", wrong);
    close_scope(&f);
}

Test(space, a_long_problem_has_all_of_every_axis)
{
    struct fixture f;
    open_scope(&f, DT_OP_ATTENTION, "h2 n4096 log:256:512", 2);
    make(&f);
    need_parts(&f);
    cr_expect_geq(values_of(&f.space, DT_AXIS_FORM), 9);
    cr_expect_geq(values_of(&f.space, DT_AXIS_ROWS), 5);
    cr_expect_geq(values_of(&f.space, DT_AXIS_COLS), 3);
    cr_expect_geq(values_of(&f.space, DT_AXIS_CHUNK), 4);
    cr_expect_geq(values_of(&f.space, DT_AXIS_BIAS), 5);
    cr_expect_geq(f.space.considered, f.space.count);
    cr_expect_geq(f.space.count, 1000);
    close_scope(&f);
}

Test(space, what_the_problem_cannot_tell_apart_is_there_once)
{
    struct fixture f;
    open_scope(&f, DT_OP_ATTENTION, "n16 log:256:512", 1);
    make(&f);
    need_parts(&f);
    cr_expect_eq(values_of(&f.space, DT_AXIS_ROWS), 1);
    cr_expect_leq(values_of(&f.space, DT_AXIS_COLS), 1);
    cr_expect_eq(values_of(&f.space, DT_AXIS_CHUNK), 1);
    close_scope(&f);
    open_scope(&f, DT_OP_ATTENTION, "n64 log:256:512 none", 1);
    make(&f);
    cr_expect_eq(values_of(&f.space, DT_AXIS_BIAS), 1);
    for (size_t n = 0; n < f.space.count; n++)
        for (size_t other = 0; other < n; other++) {
            const struct dt_variant *a = f.space.choices[n].variant;
            const struct dt_variant *b = f.space.choices[other].variant;
            cr_assert(a->strategy == b->strategy || a->strategy == DT_DIRECT ||
                      b->strategy == DT_DIRECT);
        }
    close_scope(&f);
}

static bool is_online(const struct dt_variant *variant, void *context)
{
    ++*(int *)context;
    return variant->form == DT_ONLINE && variant->strategy != DT_DIRECT;
}

Test(space, holds_what_is_selected)
{
    struct fixture f;
    int asked = 0;
    open_scope(&f, DT_OP_ATTENTION, "n64 log:256:512", 1);
    f.scope.selects = is_online;
    f.scope.context = &asked;
    cr_assert_eq(dt_space_init(&f.space, &f.scope, NULL), DT_OK);
    size_t others = 0;
    for (size_t n = 0; n < f.space.count; n++)
        others += f.space.choices[n].variant->form != DT_ONLINE;
    cr_expect(others == 0 && asked > 0);
    close_scope(&f);
}

Test(space, a_fixed_tile_is_the_only_one)
{
    static const struct dt_tile tile = {24, 48};
    struct fixture f;
    size_t others = 0;
    open_scope(&f, DT_OP_ATTENTION, "n200 log:256:512", 1);
    f.scope.tile = &tile;
    make(&f);
    for (size_t n = 0; n < f.space.count; n++)
        others += f.space.choices[n].variant->strategy != DT_DIRECT &&
                  (f.space.choices[n].tile.rows != 24 || f.space.choices[n].tile.cols != 48);
    cr_expect_eq(others, 0);
    close_scope(&f);
}

/* Also where the model of cost has no good word for it. */
Test(space, the_most_promising_come_first_and_each_value_stays)
{
    struct fixture f, plain;
    struct dt_prior prior;
    size_t disorder = 0;
    open_scope(&f, DT_OP_ATTENTION, "h2 n700 log:256:512", 1);
    dt_prior_init(&prior, &f.machine, NULL);
    f.scope.prior = &prior;
    make(&f);
    need_parts(&f);
    for (size_t n = 1; n < f.space.count; n++)
        disorder += f.space.predicted[n - 1] > f.space.predicted[n];
    cr_expect_eq(disorder, 0);
    open_scope(&plain, DT_OP_ATTENTION, "h2 n700 log:256:512", 1);
    make(&plain);
    cr_expect(isnan(plain.space.predicted[0]));
    for (enum dt_axis a = 0; a < DT_AXES; a++)
        cr_expect_eq(values_of(&f.space, a), values_of(&plain.space, a), "%s", dt_axis_name(a));
    close_scope(&plain);
    close_scope(&f);
}

Test(space, level_is_the_widest_of_all_parts)
{
    const struct dt_variant narrow = {.level = 1}, wide = {.level = 2}, none = {.level = 0};
    struct dt_choice choice = {.variant = &narrow};
    cr_expect_eq(dt_choice_level(&choice), 1);
    choice.softmax = &none;
    choice.gemm = &wide;
    cr_expect_eq(dt_choice_level(&choice), 2);
}
