/* SPDX-License-Identifier: MIT */
#include "tests/problem_fixture.h"
#include "tuner/protocol.h"

#include <stdlib.h>
#include <string.h>

static enum dt_status parse(const char *text, struct dt_message *message, struct dt_error *error)
{
    return dt_message_parse(text, strlen(text), message, error);
}

/* Whether it reads back as what prints as the same line. */
static bool survives(const struct dt_message *message)
{
    char first[DT_PROTOCOL_LINE], second[DT_PROTOCOL_LINE];
    struct dt_message read;
    const size_t length = dt_message_print(message, first);
    if (length == 0 || first[length - 1] != '\n' || memchr(first, '\n', length - 1) ||
        dt_message_parse(first, length - 1, &read, NULL))
        return false;
    return read.say == message->say && dt_message_print(&read, second) == length &&
           memcmp(first, second, length) == 0;
}

Test(protocol, every_message_is_read_back)
{
    const struct dt_subject subject = {.op = DT_OP_ATTENTION,
                                       .problem = problem_of("b2 h3 n40 log:16:64 c2p"),
                                       .threads = 4,
                                       .variant = "attention.avx2.active-rows",
                                       .tile = {64, 32},
                                       .chunk = 128,
                                       .gemm = "gemm.avx2.6x2",
                                       .bias = "bias.avx2.gather",
                                       .softmax = "softmax.avx2.table"};
    struct dt_message prepared = {.say = DT_SAY_PREPARED,
                                  .prepared = {.subject = subject,
                                               .choice = "attention.avx2.active-rows tile 64x32",
                                               .code = "0123456789abcdef",
                                               .operands = "fedcba9876543210"}};
    memset(prepared.prepared.reason, '"', sizeof prepared.prepared.reason - 1);
    const struct dt_message messages[] = {
        {.say = DT_SAY_HELLO,
         .hello = {.protocol = 7, .build = {.version = "1.2", .commit = "abc", .dirty = true}}},
        {.say = DT_SAY_PREPARE, .prepare = {.subject = subject, .seed = UINT64_MAX, .check = true}},
        prepared,
        {.say = DT_SAY_RUN, .run = {.warm = 0, .calls = DT_PROTOCOL_CALLS_MAX}},
        {.say = DT_SAY_RAN, .ran = {.ns = 0.1 + 0.2, .gates = 21}},
        {.say = DT_SAY_ERROR, .error = {.status = DT_NO_MEMORY, .text = "no \"memory\" left"}},
    };
    for (size_t m = 0; m < sizeof messages / sizeof *messages; m++)
        cr_expect(survives(&messages[m]), "message %zu", m);
}

Test(protocol, the_values_are_those_sent)
{
    struct dt_message message;
    cr_assert_eq(
        parse("{\"ran\":{\"ns\":12.5,\"gates\":9,\"more\":[]},\"also\":1}", &message, NULL), DT_OK,
        "other keys are ignored");
    cr_expect(message.say == DT_SAY_RAN && message.ran.ns == 12.5 && message.ran.gates == 9);
    cr_assert_eq(parse("{\"run\":{\"warm\":3,\"calls\":4}}", &message, NULL), DT_OK);
    cr_expect(message.say == DT_SAY_RUN && message.run.warm == 3 && message.run.calls == 4);
}

Test(protocol, malformed_lines_are_refused)
{
    static const struct {
        const char *line, *reason;
    } cases[] = {
        {"", "\"\""},
        {"Segmentation fault", "\"Segmentation fault\""},
        {"\x1b[2J", "\"?[2J\""},
        {"[1]", "\"[1]\""},
        {"{}", "unknown kind"},
        {"{\"ran\":1}", "\"ran.ns\" is missing"},
        {"{\"ran\":{\"ns\":-1,\"gates\":0}}", "\"ran.ns\" must be a number"},
        {"{\"ran\":{\"ns\":0,\"gates\":0}}", "above 0"},
        {"{\"ran\":{\"ns\":null,\"gates\":0}}", "above 0"},
        {"{\"ran\":{\"ns\":1e999,\"gates\":0}}", "\"{"},
        {"{\"ran\":{\"ns\":1,\"gates\":64}}", "\"ran.gates\" must be"},
        {"{\"ran\":{\"ns\":1,\"gates\":-1}}", "\"ran.gates\" must be"},
        {"{\"ran\":{\"ns\":1,\"ns\":2,\"gates\":0}}", "\"{"},
        {"{\"run\":{\"warm\":0,\"calls\":1099511627777}}", "\"run.calls\" must be"},
        {"{\"run\":{\"warm\":0.5,\"calls\":1}}", "\"run.warm\" must be"},
        {"{\"error\":{\"status\":0,\"text\":\"fine\"}}", "\"error.status\" must be"},
        {"{\"error\":{\"status\":2,\"text\":\"a\\u001bb\"}}", "\"error.text\" must be"},
        {"{\"prepare\":{\"subject\":{\"op\":\"pool\"},\"seed\":\"1\",\"check\":true}}",
         "\"prepare.subject\" must be"},
        {"{\"hello\":{\"protocol\":0,\"build\":{}}}", "\"hello.protocol\" must be"},
    };
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        struct dt_message message;
        struct dt_error error = {.text = ""};
        cr_expect(parse(cases[c].line, &message, &error) == DT_INVALID &&
                      strstr(error.text, cases[c].reason),
                  "\"%s\" gives: %s", cases[c].line, error.text);
    }
    struct dt_message message;
    char *deep = malloc(DT_PROTOCOL_LINE);
    cr_assert(deep);
    memset(deep, '[', DT_PROTOCOL_LINE);
    cr_expect_eq(dt_message_parse(deep, DT_PROTOCOL_LINE, &message, NULL), DT_INVALID);
    free(deep);
}
