/* SPDX-License-Identifier: MIT */
#include "kernels/delta.h"
#include "kernels/reference.h"
#include "reports/stats.h"
#include "tuner/validate.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

static int32_t table_slot(const struct dt_delta *delta, int32_t r)
{
    return delta->slot[delta->nq - 1 - r];
}

/*
 * A file of tests/slots: "log-256-512.txt" holds "r hf ms" for consecutive r. In log:32:129
 * quotients at r = 32 and 64 are the integers 5 and 10, just above which double precision lands.
 */
static const char *const slot_files[] = {
    "linear:1",    "linear:16",   "linear:512", "log:2:4",     "log:3:64",
    "log:7:20",    "log:16:20",   "log:16:64",  "log:32:128",  "log:33:100",
    "log:128:160", "log:256:300", "log:32:129", "log:256:512",
};

/* Compares both computations with one column of one file; the number of distances read. */
static size_t compare_file(const char *buckets, enum dt_dialect dialect, char *wrong, size_t size)
{
    char path[512], line[128], text[64], name[32];
    size_t count = 0;
    struct dt_problem problem;
    struct dt_delta delta;
    snprintf(name, sizeof name, "%s", buckets);
    for (char *c = name; *c; c++)
        *c = *c == ':' ? '-' : *c;
    snprintf(path, sizeof path, "%s/slots/%s.txt", TESTS_DIR, name);
    snprintf(text, sizeof text, "n1200 %s %s", buckets, dialect == DT_MS ? "ms" : "hf");
    FILE *file = fopen(path, "r");
    if (!file || dt_problem_parse(text, &problem, NULL) || dt_delta_init(&delta, &problem, NULL)) {
        snprintf(wrong, size, "cannot start with %s", path);
        if (file)
            fclose(file);
        return 0;
    }
    while (fgets(line, sizeof line, file)) {
        int r, slots[2];
        if (line[0] == '#' || sscanf(line, "%d %d %d", &r, &slots[0], &slots[1]) != 3)
            continue;
        const int expected = slots[dialect == DT_MS];
        if (table_slot(&delta, r) != expected || dt_reference_slot(&problem, r) != expected)
            snprintf(wrong, size, "%s: slot of %d is %d in the table, %d in the reference, not %d",
                     text, r, table_slot(&delta, r), dt_reference_slot(&problem, r), expected);
        count++;
    }
    fclose(file);
    dt_delta_clear(&delta);
    return count;
}

Test(delta, slots_are_those_of_high_precision)
{
    char wrong[700] = "";
    size_t least = SIZE_MAX;
    for (size_t n = 0; n < sizeof slot_files / sizeof *slot_files; n++)
        for (int dialect = DT_HF; dialect <= DT_MS; dialect++) {
            const size_t count =
                compare_file(slot_files[n], (enum dt_dialect)dialect, wrong, sizeof wrong);
            least = count < least ? count : least;
        }
    cr_assert_str_empty(wrong, "%s", wrong);
    cr_assert_geq(least, 51);
}

Test(delta, published_values)
{
    static const struct {
        int32_t r, slot;
    } values[] = {
        {127, 383}, {128, 384}, {129, 385}, {200, 425}, {256, 448}, {400, 489},
        {510, 511}, {511, 511}, {-200, 87}, {-256, 64}, {-511, 1},
    };
    struct dt_problem problem;
    struct dt_delta delta;
    size_t wrong = 0;
    dt_problem_parse("n600 log:256:512", &problem, NULL);
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    for (size_t n = 0; n < sizeof values / sizeof *values; n++)
        wrong += table_slot(&delta, values[n].r) != values[n].slot;
    const int32_t hf = table_slot(&delta, -512);
    dt_delta_clear(&delta);
    problem.dialect = DT_MS;
    cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
    const int32_t ms = table_slot(&delta, -512);
    dt_delta_clear(&delta);
    cr_assert_eq(wrong, 0);
    cr_assert(hf == 0 && ms == 1, "r = -512 is slot %d in hf and %d in ms", hf, ms);
}

Test(delta, active_slots_of_published_lengths)
{
    static const struct {
        int n, active;
    } cases[] = {{128, 255}, {256, 385}, {384, 459}, {512, 511}, {2048, 512}};
    size_t wrong = 0;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        char text[40];
        struct dt_problem problem;
        struct dt_delta delta;
        snprintf(text, sizeof text, "n%d log:256:512 hf", cases[c].n);
        dt_problem_parse(text, &problem, NULL);
        cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
        wrong += delta.last_slot - delta.first_slot + 1 != cases[c].active;
        dt_delta_clear(&delta);
    }
    cr_assert_eq(wrong, 0);
}

/* Where the stretch from t on that steps by `step` ends. */
static int32_t stretch_end(const struct dt_delta *d, int32_t t, int32_t step)
{
    while (t + 1 < d->length && d->slot[t] - d->slot[t + 1] == step)
        t++;
    return t + 1;
}

/* Whether slots t ... t + lanes - 1, as far as the table goes, lie in [first, first + lanes). */
static bool window_holds(const struct dt_delta *d, int32_t t, int32_t lanes, int32_t first)
{
    for (int32_t l = 0; l < lanes && t + l < d->length; l++)
        if (d->slot[t + l] < first || d->slot[t + l] >= first + lanes)
            return false;
    return true;
}

static bool windows_right(const struct dt_delta *d, int k)
{
    const int32_t lanes = 4 << k;
    bool right = true, all_fit = d->slots >= lanes;
    for (int32_t t = 0; d->slots >= lanes && t < d->length; t++) {
        bool exists = false;
        for (int32_t first = 0; !exists && first <= d->slots - lanes; first++)
            exists = window_holds(d, t, lanes, first);
        const int32_t first = d->window[k][t];
        right &= !exists ||
                 (first >= 0 && first <= d->slots - lanes && window_holds(d, t, lanes, first));
        all_fit &= exists;
    }
    return right && (!dt_delta_fits(d, lanes) || all_fit);
}

/* The first fact that brute force finds otherwise, NULL if none. */
static const char *wrong_fact(const struct dt_problem *p, const struct dt_delta *d)
{
    int32_t max_step = 0, first = INT32_MAX, last = -1;
    bool constant = true, linear = true, padding = true, slots = true, windows = true;
    for (int32_t t = 0; t < d->length; t++) {
        slots &= d->slot[t] == dt_reference_slot(p, (int64_t)p->nq - 1 - t);
        first = d->slot[t] < first ? d->slot[t] : first;
        last = d->slot[t] > last ? d->slot[t] : last;
        if (t + 1 < d->length && d->slot[t] - d->slot[t + 1] > max_step)
            max_step = d->slot[t] - d->slot[t + 1];
        constant &= d->constant_until[t] == stretch_end(d, t, 0);
        linear &= d->linear_until[t] == stretch_end(d, t, 1);
    }
    for (int32_t t = d->length; t < d->length + DT_DELTA_PAD; t++)
        padding &= d->slot[t] == d->slot[d->length - 1];
    for (int k = 0; k < DT_WINDOW_WIDTHS; k++)
        windows &= windows_right(d, k);
    if (d->length != p->nq + p->nk - 1 || d->slots != 2 * p->span || !slots)
        return "slot";
    if (d->max_step != max_step)
        return "max_step";
    if (d->first_slot != first || d->last_slot != last)
        return "first_slot or last_slot";
    if (!constant)
        return "constant_until";
    if (!linear)
        return "linear_until";
    if (!windows)
        return "window";
    return padding ? NULL : "padding";
}

static void check_facts(const struct dt_problem *problem, char *wrong, size_t size)
{
    struct dt_delta delta;
    struct dt_error error;
    char text[DT_PROBLEM_TEXT_MAX];
    if (dt_delta_init(&delta, problem, &error)) {
        snprintf(wrong, size, "%s", error.text);
        return;
    }
    const char *fact = wrong_fact(problem, &delta);
    if (fact)
        snprintf(wrong, size, "%s of \"%s\"", fact, dt_problem_print(problem, text));
    dt_delta_clear(&delta);
}

Test(delta, facts_of_edge_problems_agree_with_brute_force)
{
    const struct dt_problem *problems;
    const size_t count = dt_validate_edge_problems(DT_OP_BIAS, &problems);
    char wrong[700] = "";
    for (size_t n = 0; n < count; n++)
        check_facts(&problems[n], wrong, sizeof wrong);
    cr_assert_gt(count, 40);
    cr_assert_str_empty(wrong, "%s", wrong);
}

Test(delta, facts_of_random_problems_agree_with_brute_force)
{
    const uint64_t seed = 20240611;
    uint64_t state = seed;
    char wrong[700] = "";
    for (int n = 0; n < 300; n++) {
        struct dt_problem p = {.batch = 1, .heads = 1, .dim = 8, .terms = DT_C2P};
        p.nq = 1 + (int32_t)dt_random_below(&state, 90);
        p.nk = 1 + (int32_t)dt_random_below(&state, 90);
        p.bucket = (enum dt_bucket)dt_random_below(&state, 2);
        p.dialect = (enum dt_dialect)dt_random_below(&state, 2);
        p.span = 2 + (int32_t)dt_random_below(&state, 40);
        if (p.bucket == DT_LOG)
            p.max_position = p.span / 2 + 2 + (int32_t)dt_random_below(&state, 120);
        check_facts(&p, wrong, sizeof wrong);
    }
    cr_assert_str_empty(wrong, "seed %llu: %s", (unsigned long long)seed, wrong);
}

Test(delta, steps_of_two_are_noticed)
{
    static const struct {
        const char *text;
        int32_t max_step;
    } cases[] = {{"n600 log:256:512", 1},
                 {"n600 log:256:300", 2},
                 {"n300 log:128:160", 2},
                 {"n40 linear:8", 1},
                 {"n1 linear:8", 0}};
    size_t wrong = 0;
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct dt_problem problem;
        struct dt_delta delta;
        dt_problem_parse(cases[c].text, &problem, NULL);
        cr_assert_eq(dt_delta_init(&delta, &problem, NULL), DT_OK);
        wrong += delta.max_step != cases[c].max_step;
        wrong += dt_delta_fits(&delta, 16) != (cases[c].max_step <= 1);
        wrong += dt_delta_fits(&delta, 8) != (cases[c].max_step <= 1);
        dt_delta_clear(&delta);
    }
    cr_assert_eq(wrong, 0);
}

Test(delta, refuses_impossible_problems)
{
    struct dt_problem problem;
    struct dt_delta delta;
    struct dt_error error = {0};
    dt_problem_parse("n8 linear:4", &problem, NULL);
    problem.nq = 0;
    cr_assert_eq(dt_delta_init(&delta, &problem, &error), DT_INVALID);
    cr_assert_not_null(strstr(error.text, "query length"));
}
