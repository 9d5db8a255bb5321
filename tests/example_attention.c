/* SPDX-License-Identifier: MIT */
/* One attention layer of DeBERTa-v3-base: plan and pack once, call as often as needed. */
#include <disentune.h>
#include <stdio.h>
#include <stdlib.h>

enum { HEADS = 12, N = 512, DIM = 64, SLOTS = 512, MODEL = HEADS * DIM };

/* As a model's projections leave them: [n][heads][dim]. */
static float q[N * MODEL], k[N * MODEL], v[N * MODEL], out[N * MODEL];
static float kr[SLOTS * MODEL], qr[SLOTS * MODEL];

static void fill(float *x, size_t count, float value)
{
    for (size_t n = 0; n < count; n++)
        x[n] = value * (float)((n * 2654435761u >> 8 & 255) - 127.5);
}

int main(void)
{
    struct dt_problem problem;
    struct dt_plan *plan = NULL;
    struct dt_positions *positions = NULL;
    struct dt_error error;
    fill(q, N * MODEL, 0.01f);
    fill(k, N * MODEL, 0.01f);
    fill(kr, SLOTS * MODEL, 0.01f);
    fill(qr, SLOTS * MODEL, 0.01f);
    for (int n = 0; n < N * MODEL; n++)
        v[n] = (float)(n / DIM % HEADS); /* every weighted mean of V is the head's number */
    if (dt_problem_parse("b1 h12 n512 d64 log:256:512 mask:lengths", &problem, &error) ||
        dt_attention_plan(&problem, NULL, 0, &plan, &error) || dt_plan_reserve(plan, 1, &error) ||
        dt_positions_pack(&problem, kr, DIM, MODEL, qr, DIM, MODEL, &positions, &error)) {
        fprintf(stderr, "example: %s\n", error.text);
        return EXIT_FAILURE;
    }
    const struct dt_attention operands = {
        .q = q,
        .q_head = DIM,
        .q_row = MODEL,
        .k = k,
        .k_head = DIM,
        .k_row = MODEL,
        .v = v,
        .v_head = DIM,
        .v_row = MODEL,
        .out = out,
        .out_head = DIM,
        .out_row = MODEL,
        .positions = positions,
        .lengths = (const int32_t[]){473},
    };
    const enum dt_status status = dt_attention(plan, &operands);
    printf("%s\nout of head 11: %.4f\n", dt_plan_text(plan), (double)out[11 * DIM]);
    dt_positions_free(positions);
    dt_plan_free(plan);
    return !status && out[11 * DIM] > 10.999f && out[N * MODEL - 1] < 11.001f ? EXIT_SUCCESS
                                                                              : EXIT_FAILURE;
}
