/* SPDX-License-Identifier: MIT */
/*
 * DISENTUNE_SLOWDOWN: calls owe the work that they should, plans give the same bits with it, and a
 * value that makes no sense is refused. No times are compared.
 */
#include "kernels/slowdown.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS = 2, N = 70, DIM = 40, SLOTS = 64, CALLS = 12 };

static const char text[] = "h2 n70 d40 log:32:64";
static float q[HEADS * N * DIM], k[HEADS * N * DIM], v[HEADS * N * DIM];
static float kr[HEADS * SLOTS * DIM], qr[HEADS * SLOTS * DIM];
static float c2p[HEADS * N * SLOTS], p2c[HEADS * SLOTS * N];

struct results {
    float out[HEADS * N * DIM], scores[HEADS * N * N];
};

static void fill(float *x, size_t count, unsigned seed)
{
    for (size_t n = 0; n < count; n++)
        x[n] = (float)((n + 1) * 2654435761u * seed >> 16 & 1023) / 512 - 1;
}

static int failed(const char *what)
{
    fprintf(stderr, "slowed: %s\n", what);
    return EXIT_FAILURE;
}

/* Whether calls that are timed work, too. */
static int check_first(void)
{
    struct dt_slowdown s;
    setenv("DISENTUNE_SLOWDOWN", "100", 1);
    if (dt_slowdown_init(&s, NULL))
        return failed("no slow-down");
    const double begun = dt_slowdown_begin(&s);
    while (dt_slowdown_begin(&s) - begun < 1e6)
        ;
    dt_slowdown_end(&s, begun);
    return s.timed == 1 && s.pieces > 100 ? EXIT_SUCCESS : failed("the first call does no work");
}

/* Pieces that so many calls of a millisecond work off after those that are timed. */
static uint64_t pieces_of(const char *percent, int calls)
{
    struct dt_slowdown s;
    setenv("DISENTUNE_SLOWDOWN", percent, 1);
    if (dt_slowdown_init(&s, NULL))
        return 0;
    for (int n = 0; n < 5; n++)
        dt_slowdown_end(&s, dt_slowdown_begin(&s));
    if (s.timed != 5)
        return 0;
    s.call_ns = 1e6;
    s.owed_ns = 0;
    s.pieces = 0;
    for (int n = 0; n < calls; n++)
        dt_slowdown_end(&s, dt_slowdown_begin(&s));
    return s.pieces;
}

static int check_amounts(void)
{
    const double ten = (double)pieces_of("1", 100), fifty = (double)pieces_of("5", 100);
    const double hundred = (double)pieces_of("5", 200), tiny = (double)pieces_of("0.001", 1000);
    if (ten < 100 || fabs(fifty / ten - 5) > 0.1 || fabs(hundred / fifty - 2) > 0.01)
        return failed("the work is not proportional to percent and calls");
    if (fabs(tiny / ten - 0.01) > 0.002)
        return failed("what is less than a piece is not kept for later calls");
    return pieces_of("0", 100) ? failed("0 percent is some work") : EXIT_SUCCESS;
}

static int check_refusals(void)
{
    static const char *const bad[] = {"five", "5%", "-1", "nan", "1001"};
    struct dt_problem problem;
    struct dt_error error;
    int code = dt_problem_parse(text, &problem, NULL) ? failed(text) : EXIT_SUCCESS;
    for (size_t n = 0; n < sizeof bad / sizeof *bad && !code; n++) {
        struct dt_plan *plan = NULL;
        setenv("DISENTUNE_SLOWDOWN", bad[n], 1);
        if (dt_bias_plan(&problem, NULL, &plan, &error) != DT_INVALID ||
            !strstr(error.text, "DISENTUNE_SLOWDOWN"))
            code = failed(bad[n]);
    }
    return code;
}

static int attend(const struct dt_problem *problem, struct results *results)
{
    struct dt_plan *plan = NULL;
    struct dt_positions *positions = NULL;
    if (dt_attention_plan(problem, NULL, 1, &plan, NULL) || dt_plan_reserve(plan, 1, NULL) ||
        dt_positions_pack(problem, kr, SLOTS * DIM, DIM, qr, SLOTS * DIM, DIM, &positions, NULL))
        return failed("no plan of attention");
    const struct dt_attention operands = {
        .q = q,
        .q_head = N * DIM,
        .q_row = DIM,
        .k = k,
        .k_head = N * DIM,
        .k_row = DIM,
        .v = v,
        .v_head = N * DIM,
        .v_row = DIM,
        .out = results->out,
        .out_head = N * DIM,
        .out_row = DIM,
        .positions = positions,
    };
    int code = EXIT_SUCCESS;
    for (int n = 0; n < CALLS && !code; n++) {
        memset(results->out, 0, sizeof results->out);
        code = dt_attention(plan, &operands) ? failed("attention") : EXIT_SUCCESS;
    }
    dt_positions_free(positions);
    dt_plan_free(plan);
    return code;
}

static int add(const struct dt_problem *problem, struct results *results)
{
    struct dt_plan *plan = NULL;
    if (dt_bias_plan(problem, NULL, &plan, NULL))
        return failed("no plan of bias");
    memset(results->scores, 0, sizeof results->scores);
    for (int n = 0; n < CALLS; n++)
        dt_bias_add(plan, &(const struct dt_bias){
                              .scores = results->scores,
                              .scores_head = N * N,
                              .scores_row = N,
                              .c2p = c2p,
                              .c2p_head = N * SLOTS,
                              .c2p_row = SLOTS,
                              .p2c = p2c,
                              .p2c_head = SLOTS * N,
                              .p2c_row = N,
                          });
    dt_plan_free(plan);
    return EXIT_SUCCESS;
}

static int check_bits(void)
{
    static struct results plain, slowed;
    struct dt_problem problem;
    if (dt_problem_parse(text, &problem, NULL))
        return failed(text);
    unsetenv("DISENTUNE_SLOWDOWN");
    int code = attend(&problem, &plain) || add(&problem, &plain);
    setenv("DISENTUNE_SLOWDOWN", "300", 1);
    if (!code)
        code = attend(&problem, &slowed) || add(&problem, &slowed);
    if (!code && memcmp(&plain, &slowed, sizeof plain) != 0)
        code = failed("a slowed plan gives other bits");
    return code;
}

int main(void)
{
    fill(q, sizeof q / sizeof *q, 1);
    fill(k, sizeof k / sizeof *k, 2);
    fill(v, sizeof v / sizeof *v, 3);
    fill(kr, sizeof kr / sizeof *kr, 4);
    fill(qr, sizeof qr / sizeof *qr, 5);
    fill(c2p, sizeof c2p / sizeof *c2p, 6);
    fill(p2c, sizeof p2c / sizeof *p2c, 7);
    const int code = check_first() || check_amounts() || check_refusals() || check_bits();
    if (!code)
        puts("plans are slowed down as asked and give the same bits");
    return code;
}
