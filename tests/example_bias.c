/* SPDX-License-Identifier: MIT */
/* The least a program needs to add the position terms to its attention scores. */
#include <disentune.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADS = 2, N = 128, SLOTS = 512 };

static float scores[HEADS][N][N], c2p[HEADS][N][SLOTS], p2c[HEADS][SLOTS][N];

int main(void)
{
    struct dt_problem problem;
    struct dt_plan *plan;
    struct dt_error error;
    if (dt_problem_parse("b1 h2 n128 d64 log:256:512", &problem, &error) ||
        dt_bias_plan(&problem, NULL, &plan, &error)) {
        fprintf(stderr, "example: %s\n", error.text);
        return EXIT_FAILURE;
    }
    for (int h = 0; h < HEADS; h++) /* in earnest: the products Q.Kr^T and Qr.K^T */
        for (int n = 0; n < N; n++)
            for (int s = 0; s < SLOTS; s++) {
                c2p[h][n][s] = (float)(h + s);
                p2c[h][s][n] = (float)(n - s);
            }
    const struct dt_bias operands = {
        .scores = scores[0][0],
        .scores_head = N * N,
        .scores_row = N,
        .c2p = c2p[0][0],
        .c2p_head = N * SLOTS,
        .c2p_row = SLOTS,
        .p2c = p2c[0][0],
        .p2c_head = SLOTS * N,
        .p2c_row = N,
    };
    dt_bias_add(plan, &operands);
    double sum = 0;
    for (size_t n = 0; n < sizeof scores / sizeof ***scores; n++)
        sum += (&scores[0][0][0])[n];
    printf("%s\nchecksum %.0f\n", dt_plan_text(plan), sum);
    dt_plan_free(plan);
    return sum == 2097152 ? EXIT_SUCCESS : EXIT_FAILURE; /* the slots cancel: h + j, summed */
}
