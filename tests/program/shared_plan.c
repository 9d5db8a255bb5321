/* SPDX-License-Identifier: MIT */
/*
 * Several threads call one plan at once, some in workspaces of their own, some in those of the
 * plan; others make and free plans meanwhile. Every result has the bits of the first, single call.
 * Of use above all under the thread sanitizer, for which libgomp is opaque: plans are of one thread
 * here.
 */
#include <disentune.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS = 2, N = 70, DIM = 40, SLOTS = 64, THREADS = 4, OWNED = 2, CALLS = 40 };
enum { TOKENS = HEADS * N * DIM, POSITIONS = HEADS * SLOTS * DIM };

static const char text[] = "b1 h2 n70 d40 log:32:64 mask:keys";
static float q[TOKENS], k[TOKENS], v[TOKENS], kr[POSITIONS], qr[POSITIONS], expected[TOKENS];
static uint8_t mask[N];
static struct dt_problem problem;
static struct dt_plan *plan;
static struct dt_positions *positions;
static atomic_int wrong, refused;

static void fill(float *x, int count, unsigned seed)
{
    for (int n = 0; n < count; n++)
        x[n] = (float)((n + 1) * 2654435761u * seed >> 16 & 1023) / 512 - 1;
}

static struct dt_attention operands_of(float *out, void *workspace)
{
    return (struct dt_attention){
        .q = q,
        .q_head = N * DIM,
        .q_row = DIM,
        .k = k,
        .k_head = N * DIM,
        .k_row = DIM,
        .v = v,
        .v_head = N * DIM,
        .v_row = DIM,
        .out = out,
        .out_head = N * DIM,
        .out_row = DIM,
        .positions = positions,
        .mask = mask,
        .workspace = workspace,
    };
}

static void *call(void *workspace)
{
    static _Thread_local float out[TOKENS];
    const struct dt_attention operands = operands_of(out, workspace);
    for (int n = 0; n < CALLS; n++) {
        memset(out, 0, sizeof out);
        const enum dt_status status = dt_attention(plan, &operands);
        if (status == DT_NO_MEMORY && !workspace)
            refused++;
        else if (status || memcmp(out, expected, sizeof out) != 0)
            wrong++;
    }
    return NULL;
}

static void *make_plans(void *unused)
{
    for (int n = 0; n < CALLS / 4; n++) {
        struct dt_plan *other = NULL;
        if (dt_attention_plan(&problem, NULL, 1, &other, NULL))
            wrong++;
        dt_plan_free(other);
    }
    return unused;
}

static int fail(const char *what)
{
    fprintf(stderr, "shared_plan: %s\n", what);
    return EXIT_FAILURE;
}

int main(void)
{
    struct dt_error error;
    pthread_t threads[2 * THREADS];
    void *workspaces[THREADS];
    fill(q, TOKENS, 3);
    fill(k, TOKENS, 5);
    fill(v, TOKENS, 7);
    fill(kr, POSITIONS, 11);
    fill(qr, POSITIONS, 13);
    for (int j = 0; j < N; j++)
        mask[j] = j % 7 != 3;
    if (dt_problem_parse(text, &problem, &error) ||
        dt_positions_pack(&problem, kr, SLOTS * DIM, DIM, qr, SLOTS * DIM, DIM, &positions,
                          &error) ||
        dt_attention_plan(&problem, NULL, 1, &plan, &error))
        return fail(error.text);
    struct dt_attention first = operands_of(expected, NULL);
    if (dt_attention(plan, &first) != DT_NO_MEMORY)
        return fail("a plan without workspaces computes without one");
    if (dt_plan_reserve(plan, OWNED, &error))
        return fail(error.text);
    if (dt_attention(plan, &first))
        return fail("the first call fails");

    for (int n = 0; n < THREADS; n++) {
        workspaces[n] = malloc(dt_plan_workspace(plan));
        if (!workspaces[n] || pthread_create(&threads[n], NULL, call, workspaces[n]) ||
            pthread_create(&threads[THREADS + n], NULL, n == 0 ? make_plans : call, NULL))
            return fail("no memory for threads");
    }
    for (int n = 0; n < 2 * THREADS; n++)
        pthread_join(threads[n], NULL);
    for (int n = 0; n < THREADS; n++)
        free(workspaces[n]);
    dt_plan_free(plan);
    dt_positions_free(positions);
    printf("%d of %d calls wrong, %d found no workspace\n", wrong, (2 * THREADS - 1) * CALLS,
           refused);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
