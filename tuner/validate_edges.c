/* SPDX-License-Identifier: MIT */
/*
 * The edge problems as texts, one list an operation. W is 4, 8 or 16 lanes.
 *
 * bias: lengths W - 1, W, W + 1 and multiples, primes, one-row and one-column rectangles; every
 * bucket form below, at and beyond where it clamps. Rectangles with one short side reach far
 * distances at little cost: slots step by two in log:256:300 and log:128:160 only beyond 128
 * and 64.
 *
 * gemm: m = q, n = k, k = d. All of them around vector widths and around the rows and columns of
 * the blocks that variants keep in registers.
 */
#include "kernels/error.h"
#include "tuner/validate.h"

#include <pthread.h>

static const char *const bias_texts[] = {
    "n1 linear:4",
    "n1 log:256:512 p2c:key",
    "n2 linear:1",
    "n3 log:16:64 p2c:key",
    "n4 linear:512",
    "n5 log:256:512 p2c:key",
    "n7 linear:16",
    "n8 log:32:128",
    "n8 linear:8 p2c:key",
    "n9 log:16:64",
    "n13 linear:512 p2c:key",
    "n15 linear:16",
    "n16 log:16:64",
    "n16 linear:16 p2c:key",
    "n17 log:256:512",
    "n17 log:16:64 p2c:key ms",
    "n31 log:32:128 p2c:key",
    "n32 linear:16",
    "n33 linear:512",
    "n33 log:16:64",
    "n37 linear:2",
    "n37 log:2:4 p2c:key",
    "n37 log:2:4 ms",
    "n61 log:33:100",
    "n61 log:33:100 p2c:key",
    "n64 log:32:128",
    "n67 log:16:64 hf",
    "n67 log:16:64 ms",
    "n67 log:16:64 p2c:key hf",
    "n67 log:16:20 p2c:key ms",
    "n131 linear:16",
    "n131 log:16:64 p2c:key",
    "q1 k33 log:16:64",
    "q33 k1 log:16:64",
    "q1 k17 linear:16 p2c:key",
    "q17 k1 linear:16 p2c:key",
    "q5 k37 linear:64",
    "q37 k5 log:32:128",
    "q5 k37 log:16:64 p2c:key",
    "q37 k5 linear:16 p2c:key",
    "q19 k100 log:32:128",
    "q100 k19 log:32:128 p2c:key",
    "q9 k331 log:256:300",
    "q331 k9 log:256:300 p2c:key",
    "q9 k173 log:128:160",
    "q173 k9 log:128:160 p2c:key",
    "q3 k540 log:256:512 hf",
    "q3 k540 log:256:512 ms",
    "q540 k3 log:256:512 p2c:key",
    "n33 log:16:64 c2p",
    "n17 linear:16 c2p",
    "q9 k173 log:128:160 c2p",
    "n7 linear:512 c2p",
    "n33 log:16:64 p2c",
    "n17 linear:16 p2c",
    "n33 log:32:128 p2c p2c:key",
    "n17 linear:8 p2c p2c:key",
    "q9 k173 log:128:160 p2c p2c:key",
};

static const char *const softmax_texts[] = {
    "n1 linear:4",
    "n1 linear:4 mask:pairs hf",
    "n1 linear:4 mask:keys ms",
    "n3 linear:4 mask:keys hf",
    "q4 k5 linear:4 mask:pairs ms",
    "q5 k7 linear:4",
    "n8 linear:4 mask:lengths hf",
    "q6 k9 linear:4 mask:pairs hf",
    "n15 linear:4",
    "n16 linear:4 mask:keys ms",
    "n17 linear:4 mask:pairs ms",
    "q13 k31 linear:4 mask:lengths ms",
    "q13 k32 linear:4",
    "q13 k33 linear:4 mask:pairs hf",
    "q12 k61 linear:4 mask:keys hf",
    "q7 k257 linear:4 mask:pairs ms",
    "q5 k1031 linear:4",
};

static const char *const gemm_texts[] = {
    "n1 d1 linear:1",       "n1 d64 linear:1",      "q1 k16 d3 linear:1",   "q2 k3 d7 linear:1",
    "q3 k4 d2 linear:1",    "q4 k5 d8 linear:1",    "q5 k7 d64 linear:1",   "q6 k8 d5 linear:1",
    "q7 k9 d16 linear:1",   "q8 k12 d33 linear:1",  "q9 k15 d1 linear:1",   "q10 k16 d65 linear:1",
    "q11 k17 d4 linear:1",  "q12 k23 d47 linear:1", "q13 k24 d64 linear:1", "q14 k25 d9 linear:1",
    "q15 k31 d17 linear:1", "q16 k32 d64 linear:1", "q17 k33 d31 linear:1", "q19 k47 d2 linear:1",
    "q23 k48 d24 linear:1", "q25 k49 d3 linear:1",  "q27 k63 d48 linear:1", "q29 k64 d63 linear:1",
    "q31 k65 d64 linear:1", "q37 k79 d5 linear:1",  "q53 k80 d64 linear:1", "q64 k64 d64 linear:1",
    "q67 k97 d11 linear:1", "q1 k130 d19 linear:1", "q131 k1 d64 linear:1",
};

static const char *const attention_texts[] = {
    "n1 d1 linear:4",
    "n1 d64 log:256:512 mask:keys hf",
    "n2 d7 linear:1 mask:pairs ms",
    "b2 h2 n3 d8 log:16:64 mask:lengths hf",
    "h2 n7 d40 linear:16 ms",
    "n8 d64 log:32:128 c2p",
    "b3 n9 d8 linear:16 mask:keys ms",
    "n15 d7 log:16:64 p2c",
    "n16 d64 linear:16",
    "b2 h3 n17 d40 log:16:64 mask:pairs hf",
    "n17 d1 log:33:100 mask:pairs ms",
    "n31 d8 linear:2 none",
    "h2 n33 d64 log:16:64 hf",
    "n33 d64 log:16:20 ms",
    "n37 d8 log:16:20 hf",
    "b2 q5 k37 d64 linear:64 mask:lengths ms",
    "b2 q37 k5 d40 log:32:128 mask:keys hf",
    "q1 k33 d64 log:16:64 mask:pairs ms",
    "q33 k1 d7 log:16:64 mask:lengths hf",
    "q5 k140 d8 log:128:160",
    "n61 d40 log:32:128 mask:lengths hf",
    "n67 d64 log:256:512",
    "n131 d20 log:64:128 mask:pairs hf",
    "b2 q70 k150 d16 linear:32 mask:keys ms",
    "h2 q150 k70 d72 log:32:128 hf",
    "q20 k300 d8 log:256:300 mask:lengths ms",
    "n140 d12 linear:4 none",
    "q4 k8 d80 log:4:20 mask:pairs hf",
    "n5 d100 log:256:512 mask:keys ms",
    "q1 k31 d12 linear:16 p2c",
    "q2 k16 d33 log:33:100 c2p",
    "b2 h3 q3 k10 d5 linear:3 none",
};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct dt_problem bias_problems[COUNT(bias_texts)];
static struct dt_problem softmax_problems[COUNT(softmax_texts)];
static struct dt_problem gemm_problems[COUNT(gemm_texts)];
static struct dt_problem attention_problems[COUNT(attention_texts)];

static const struct {
    enum dt_op op;
    const char *const *texts;
    struct dt_problem *problems;
    size_t count;
} lists[] = {
    {DT_OP_BIAS, bias_texts, bias_problems, COUNT(bias_texts)},
    {DT_OP_SOFTMAX, softmax_texts, softmax_problems, COUNT(softmax_texts)},
    {DT_OP_GEMM, gemm_texts, gemm_problems, COUNT(gemm_texts)},
    {DT_OP_ATTENTION, attention_texts, attention_problems, COUNT(attention_texts)},
};

static void parse_lists(void)
{
    for (size_t l = 0; l < COUNT(lists); l++)
        for (size_t n = 0; n < lists[l].count; n++)
            dt_problem_parse(lists[l].texts[n], &lists[l].problems[n], NULL);
}

size_t dt_validate_edge_problems(enum dt_op op, const struct dt_problem **problems)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, parse_lists);
    for (size_t l = 0; l < COUNT(lists); l++)
        if (lists[l].op == op) {
            *problems = lists[l].problems;
            return lists[l].count;
        }
    *problems = NULL;
    return 0;
}
