/* SPDX-License-Identifier: MIT */
#include "tests/problem_fixture.h"
#include "tuner/code.h"
#include "tuner/protocol.h"
#include "tuner/sample.h"
#include "tuner/serve.h"

#include <stdlib.h>
#include <string.h>

#define ANSWERS_MAX 8

/* The answers to requests, the greeting first. */
static size_t serve(const struct dt_message *requests, size_t count,
                    struct dt_message answers[ANSWERS_MAX])
{
    char *said = NULL, line[DT_PROTOCOL_LINE];
    size_t size = 0, answered = 0;
    struct dt_error error;
    FILE *in = tmpfile(), *out = open_memstream(&said, &size);
    cr_assert(in && out);
    for (size_t r = 0; r < count; r++)
        fwrite(line, 1, dt_message_print(&requests[r], line), in);
    rewind(in);
    cr_assert_eq(dt_serve(in, out, &error), DT_OK, "%s", error.text);
    fclose(in);
    fclose(out);
    for (char *at = said; *at && answered < ANSWERS_MAX; answered++) {
        const size_t length = strcspn(at, "\n");
        cr_assert_eq(dt_message_parse(at, length, &answers[answered], &error), DT_OK, "%s",
                     error.text);
        at += length + 1;
    }
    free(said);
    return answered;
}

static struct dt_message prepare(enum dt_op op, const char *problem, const char *variant)
{
    struct dt_message request = {
        .say = DT_SAY_PREPARE,
        .prepare = {.subject = {.op = op, .problem = problem_of(problem), .threads = 1},
                    .seed = 3,
                    .check = true}};
    snprintf(request.prepare.subject.variant, sizeof request.prepare.subject.variant, "%s",
             variant);
    return request;
}

static const struct dt_message run = {.say = DT_SAY_RUN, .run = {.warm = 1, .calls = 3}};

Test(serve, greets_with_its_build)
{
    struct dt_message answers[ANSWERS_MAX];
    cr_assert_eq(serve(NULL, 0, answers), 1);
    cr_expect(answers[0].say == DT_SAY_HELLO && answers[0].hello.protocol == DT_PROTOCOL);
    cr_expect_str_eq(answers[0].hello.build.version, dt_version());
}

Test(serve, every_operation_is_prepared_checked_and_run)
{
    static const enum dt_op ops[] = {DT_OP_BIAS, DT_OP_SOFTMAX, DT_OP_GEMM, DT_OP_ATTENTION};
    for (size_t o = 0; o < sizeof ops / sizeof *ops; o++) {
        struct dt_message answers[ANSWERS_MAX];
        const struct dt_message requests[] = {
            prepare(ops[o], "b2 h2 n33 d20 log:8:32 mask:pairs p2c:key", ""), run, run};
        cr_assert_eq(serve(requests, 3, answers), 4);
        const struct dt_prepared *prepared = &answers[1].prepared;
        cr_assert_eq(answers[1].say, DT_SAY_PREPARED, "%s: %s", dt_op_name(ops[o]),
                     answers[1].error.text);
        const struct dt_variant *variant = dt_variant_find(prepared->subject.variant);
        cr_expect(prepared->right && !*prepared->reason && *prepared->operands, "%s",
                  prepared->reason);
        cr_expect(variant && variant->op == ops[o], "%s", prepared->choice);
        for (int n = 2; n < 4; n++)
            cr_expect(answers[n].say == DT_SAY_RAN && answers[n].ran.ns > 0 &&
                          answers[n].ran.gates < 1u << DT_GATE_COUNT,
                      "%s: %s", dt_op_name(ops[o]), answers[n].error.text);
    }
}

Test(serve, a_variant_can_be_forced_for_one_cell)
{
    struct dt_message answers[ANSWERS_MAX];
    const struct dt_message requests[] = {
        prepare(DT_OP_BIAS, "n20 linear:4", "bias.scalar.plain"),
        prepare(DT_OP_BIAS, "n20 linear:4", ""),
        prepare(DT_OP_BIAS, "n20 linear:4", "bias.scalar.splendid"),
        run,
    };
    cr_assert_eq(serve(requests, 4, answers), 5);
    cr_expect_str_eq(answers[1].prepared.subject.variant, "bias.scalar.plain");
    cr_assert_eq(answers[2].say, DT_SAY_PREPARED);
    cr_assert_eq(answers[3].say, DT_SAY_ERROR);
    cr_expect(strstr(answers[3].error.text, "splendid"), "%s", answers[3].error.text);
    cr_expect_eq(answers[4].say, DT_SAY_ERROR, "what was prepared before is run");
}

Test(serve, the_seed_gives_the_operands)
{
    struct dt_message answers[ANSWERS_MAX];
    struct dt_message requests[] = {prepare(DT_OP_BIAS, "n20 linear:4", ""),
                                    prepare(DT_OP_BIAS, "n20 linear:4", ""),
                                    prepare(DT_OP_BIAS, "n20 linear:4", "")};
    requests[2].prepare.seed = 4;
    cr_assert_eq(serve(requests, 3, answers), 4);
    cr_expect_str_eq(answers[1].prepared.operands, answers[2].prepared.operands);
    cr_expect_str_neq(answers[1].prepared.operands, answers[3].prepared.operands);
}

Test(serve, what_makes_no_sense_is_answered)
{
    struct dt_message answers[ANSWERS_MAX];
    const struct dt_message requests[] = {
        run,
        {.say = DT_SAY_RAN, .ran = {.ns = 1}},
        prepare(DT_OP_PROBE, "n20 linear:4", ""),
        prepare(DT_OP_BIAS, "n20 linear:4 none", ""),
        prepare(DT_OP_BIAS, "n1048576 linear:65536", ""),
    };
    cr_assert_eq(serve(requests, 5, answers), 6);
    for (int n = 1; n < 6; n++)
        cr_expect_eq(answers[n].say, DT_SAY_ERROR, "request %d", n);
}

Test(serve, an_error_drops_what_was_prepared)
{
    struct dt_message answers[ANSWERS_MAX];
    const struct dt_message requests[] = {
        prepare(DT_OP_BIAS, "n20 linear:4", ""), {.say = DT_SAY_RAN, .ran = {.ns = 1}}, run};
    cr_assert_eq(serve(requests, 3, answers), 4);
    cr_expect_eq(answers[1].say, DT_SAY_PREPARED);
    cr_expect_eq(answers[2].say, DT_SAY_ERROR);
    cr_expect_eq(answers[3].say, DT_SAY_ERROR);
}

/* ---- Digests of code ---- */

static const char *code_of(const char *variant, const char *part, char text[DT_CODE_MAX])
{
    const struct dt_choice choice = {.variant = dt_variant_find(variant),
                                     .softmax = part ? dt_variant_find(part) : NULL};
    cr_assert(choice.variant && (!part || choice.softmax));
    return dt_code_of_choice(&choice, text);
}

Test(code, tells_choices_apart_by_their_objects)
{
    char plain[DT_CODE_MAX], other[DT_CODE_MAX];
    if (!*code_of("bias.scalar.plain", NULL, plain))
        cr_skip_test("this build knows no digests");
    cr_expect_eq(strlen(plain), 16, "%s", plain);
    cr_expect_str_eq(code_of("bias.scalar.plain", NULL, other), plain);
    cr_expect_str_neq(code_of("softmax.scalar.plain", NULL, other), plain);
    cr_expect_str_neq(code_of("bias.scalar.plain", "softmax.scalar.plain", other), plain);
}

Test(code, every_variant_stands_in_a_table_of_its_operation)
{
    const struct dt_variant *variant;
    size_t count = 0;
    for (; (variant = dt_variant_at(count)); count++) {
        const char *table = dt_variant_table(variant), *op = dt_op_name(variant->op);
        cr_expect(table && strncmp(table, op, strlen(op)) == 0 && table[strlen(op)] == '_',
                  "%s stands in %s", variant->name, table);
    }
    cr_assert_gt(count, 0);
    cr_expect_null(dt_variant_table(&(struct dt_variant){.name = "bias.made.up"}));
}
