/* SPDX-License-Identifier: MIT */
#include "kernels/disentune.h"
#include "reports/stats.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

Test(problem, canonical_text_is_a_fixed_point)
{
    const char *text = "b1 h12 q512 k512 d64 log:256:512 c2p+p2c f32 hf mask:none";
    struct dt_problem problem;
    char printed[DT_PROBLEM_TEXT_MAX];
    cr_assert_eq(dt_problem_parse(text, &problem, NULL), DT_OK);
    cr_assert_str_eq(dt_problem_print(&problem, printed), text);
}

Test(problem, defaults_and_order)
{
    static const struct {
        const char *text, *canonical;
    } cases[] = {
        {"n128 linear:512", "b1 h1 q128 k128 d64 linear:512 c2p+p2c f32 hf mask:none"},
        {"  linear:512\tn128 ", "b1 h1 q128 k128 d64 linear:512 c2p+p2c f32 hf mask:none"},
        {"ms mask:pairs p2c k7 q5 log:16:64 h3 d8 b2 f32",
         "b2 h3 q5 k7 d8 log:16:64 p2c f32 ms mask:pairs"},
        {"n4 linear:2 none p2c:key", "b1 h1 q4 k4 d64 linear:2 none f32 hf mask:none p2c:key"},
        {"n4 linear:2 c2p p2c:slot", "b1 h1 q4 k4 d64 linear:2 c2p f32 hf mask:none"},
        {"n1048576 linear:65536 d1",
         "b1 h1 q1048576 k1048576 d1 linear:65536 c2p+p2c f32 hf mask:none"},
    };
    char wrong[600] = "";
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_problem problem;
        struct dt_error error = {0};
        char printed[DT_PROBLEM_TEXT_MAX];
        if (dt_problem_parse(cases[n].text, &problem, &error))
            snprintf(wrong, sizeof wrong, "%s: %s", cases[n].text, error.text);
        else if (strcmp(dt_problem_print(&problem, printed), cases[n].canonical) != 0)
            snprintf(wrong, sizeof wrong, "%s gave %s", cases[n].text, printed);
    }
    cr_assert_str_empty(wrong, "%s", wrong);
}

Test(problem, bad_texts_are_refused_with_a_reason)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "no length"},
        {"linear:512", "no length"},
        {"q5 linear:512", "no length"},
        {"n512", "no buckets"},
        {"n512 linear", "unknown token \"linear\""},
        {"n512 linear:", "unknown token \"linear:\""},
        {"n512 linear:x", "unknown token \"linear:x\""},
        {"n512 linear:512:512", "unknown token"},
        {"n512 log:256", "unknown token \"log:256\""},
        {"n512 log:256:", "unknown token"},
        {"n512 log:256:512:1", "unknown token"},
        {"n512 log:256:-512", "unknown token"},
        {"n512 log::512", "unknown token"},
        {"n-5 linear:4", "unknown token \"n-5\""},
        {"n+5 linear:4", "unknown token \"n+5\""},
        {"n0x10 linear:4", "unknown token \"n0x10\""},
        {"n1.5 linear:4", "unknown token \"n1.5\""},
        {"n linear:4", "unknown token \"n\""},
        {"n8 linear:4 f16", "unknown token \"f16\""},
        {"n8 linear:4 c2p+c2p", "unknown token"},
        {"n8 linear:4 mask:", "unknown token \"mask:\""},
        {"n8 linear:4 mask:all", "unknown token \"mask:all\""},
        {"n8 linear:4 onnx", "unknown token \"onnx\""},
        {"n8,linear:4", "unknown token"},
        {"n8 linear:4 p2c:row", "unknown token"},
        {"n8 linear:4\nh2", "unknown token"},
        {"n8 linear:4 d123456789012345678901234567890123", "too long"},
        {"n99999999999 linear:4", "unknown token \"n99999999999\""},
        {"n8 q8 linear:4", "\"q8\" sets a field twice"},
        {"n8 n8 linear:4", "twice"},
        {"n8 linear:4 log:8:16", "twice"},
        {"n8 linear:4 hf ms", "\"ms\" sets a field twice"},
        {"n8 linear:4 c2p p2c", "\"p2c\" sets a field twice"},
        {"n0 linear:4", "query length is 0; must be 1 to 1048576"},
        {"q1 k0 linear:4", "key length is 0"},
        {"n1048577 linear:4", "query length is 1048577"},
        {"n8 b0 linear:4", "batch is 0"},
        {"n8 b65537 linear:4", "batch is 65537"},
        {"n8 h0 linear:4", "heads is 0"},
        {"n8 h4097 linear:4", "heads is 4097"},
        {"n8 d0 linear:4", "head dimension is 0"},
        {"n8 d4097 linear:4", "head dimension is 4097"},
        {"n8 linear:0", "span is 0"},
        {"n8 linear:65537", "span is 65537"},
        {"n8 log:1:8", "span is 1; must be 2"},
        {"n8 log:16:9", "maximum position M of log:S:M is 9; must be 10"},
        {"n8 log:16:2147483647", "maximum position"},
        {"b65536 h4096 n1048576 linear:4", "exceed the address space"},
    };
    const struct dt_problem before = {.batch = 77, .span = 5};
    char wrong[600] = "";
    for (size_t n = 0; n < sizeof cases / sizeof *cases; n++) {
        struct dt_problem problem = before;
        struct dt_error error = {0};
        const enum dt_status status = dt_problem_parse(cases[n].text, &problem, &error);
        if (status != DT_INVALID || error.status != DT_INVALID ||
            !strstr(error.text, cases[n].says) || memcmp(&problem, &before, sizeof before) != 0)
            snprintf(wrong, sizeof wrong, "\"%s\" should say %s: %s", cases[n].text, cases[n].says,
                     error.text);
    }
    cr_assert_str_empty(wrong, "%s", wrong);
}

Test(problem, a_long_text_is_cut_in_the_message)
{
    char text[5000];
    struct dt_problem problem;
    struct dt_error error = {0};
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    cr_assert_eq(dt_problem_parse(text, &problem, &error), DT_INVALID);
    cr_assert(strlen(error.text) < sizeof error.text - 1 && !strchr(error.text, '\n'));
}

Test(problem, a_message_is_one_line_without_control_characters)
{
    struct dt_problem problem;
    struct dt_error error;
    cr_assert_eq(dt_problem_parse("n4\nlinear:4 \033[2J \177 \303\251", &problem, &error),
                 DT_INVALID);
    cr_expect(strstr(error.text, "\"n4?linear:4 ?[2J ? \303\251\""), "%s", error.text);
}

Test(problem, fields_out_of_range_are_refused)
{
    struct dt_problem good;
    dt_problem_parse("n8 linear:4", &good, NULL);
    struct dt_problem bad[] = {good, good, good, good, good, good, good};
    bad[0].terms = 4;
    bad[1].mask = (enum dt_mask)4;
    bad[2].dialect = (enum dt_dialect) - 1;
    bad[3].layout = (enum dt_layout)2;
    bad[4].bucket = (enum dt_bucket)2;
    bad[5].dtype = (enum dt_dtype)1;
    bad[6].max_position = 8;
    size_t accepted = 0;
    for (size_t n = 0; n < sizeof bad / sizeof *bad; n++)
        accepted += dt_problem_check(&bad[n], NULL) != DT_INVALID;
    cr_assert_eq(accepted, 0);
    cr_assert_eq(dt_problem_check(&good, NULL), DT_OK);
}

static int32_t up_to(uint64_t *state, int32_t most)
{
    return 1 + (int32_t)dt_random_below(state, (uint64_t)most);
}

Test(problem, random_problems_survive_print_and_parse)
{
    const uint64_t seed = 20240612;
    uint64_t state = seed;
    char wrong[600] = "";
    for (int n = 0; n < 20000; n++) {
        struct dt_problem p = {
            .batch = up_to(&state, 16),
            .heads = up_to(&state, 64),
            .nq = up_to(&state, 1 << dt_random_below(&state, 21)),
            .nk = up_to(&state, 1 << dt_random_below(&state, 21)),
            .dim = up_to(&state, DT_MAX_DIM),
            .bucket = (enum dt_bucket)dt_random_below(&state, 2),
            .span = 1 + up_to(&state, DT_MAX_SPAN - 1),
            .terms = (unsigned)dt_random_below(&state, 4),
            .dialect = (enum dt_dialect)dt_random_below(&state, 2),
            .mask = (enum dt_mask)dt_random_below(&state, 4),
            .layout = (enum dt_layout)dt_random_below(&state, 2),
        };
        if (p.bucket == DT_LOG)
            p.max_position = p.span / 2 + 1 + up_to(&state, 1 << 20);
        struct dt_problem again = {0};
        struct dt_error error = {0};
        char text[DT_PROBLEM_TEXT_MAX];
        dt_problem_print(&p, text);
        if (dt_problem_parse(text, &again, &error) || memcmp(&p, &again, sizeof p) != 0)
            snprintf(wrong, sizeof wrong, "%s: %s", text, error.text);
    }
    cr_assert_str_empty(wrong, "seed %llu: %s", (unsigned long long)seed, wrong);
}

Test(problem, largest_text_fits)
{
    const struct dt_problem p = {
        .batch = INT32_MIN,
        .heads = INT32_MIN,
        .nq = INT32_MIN,
        .nk = INT32_MIN,
        .dim = INT32_MIN,
        .bucket = DT_LOG,
        .span = INT32_MIN,
        .max_position = INT32_MIN,
        .terms = DT_C2P | DT_P2C,
        .mask = DT_MASK_LENGTHS,
        .layout = DT_KEY_MAJOR,
    };
    char text[DT_PROBLEM_TEXT_MAX];
    dt_problem_print(&p, text);
    cr_assert_not_null(strstr(text, "mask:lengths p2c:key"));
}

Test(problem, scale)
{
    static const double terms[] = {1, 2, 2, 3};
    struct dt_problem p;
    size_t wrong = 0;
    dt_problem_parse("n8 linear:4", &p, NULL);
    for (p.terms = 0; p.terms < 4; p.terms++)
        wrong += fabs(dt_problem_scale(&p) - 1 / sqrt(64 * terms[p.terms])) > 1e-16;
    cr_assert_eq(wrong, 0);
}
