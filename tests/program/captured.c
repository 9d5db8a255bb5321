/* SPDX-License-Identifier: MIT */
/*
 * A program under DISENTUNE_CAPTURE: plans that many threads call at once, that are freed or live
 * until the end, that a child of fork() goes on using or that nobody calls; and a file that cannot
 * be written. What is in the file afterwards is compared line by line. Under the thread sanitizer,
 * too.
 */
#include <disentune.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* More threads than have a counter of their own. */
enum { N = 8, SLOTS = 8, DIM = 16, THREADS = 40, CALLS = 500, OURS = 3, OF_CHILD = 2 };

static const char bias_text[] = "h1 n8 linear:4";
static const char attention_text[] = "h1 n8 d16 linear:4 none mask:none";
static float c2p[N * SLOTS], p2c[SLOTS * N], tokens[N * DIM];
static struct dt_plan *bias, *attention;

static _Noreturn void fail(const char *what)
{
    fprintf(stderr, "captured: %s\n", what);
    exit(EXIT_FAILURE);
}

static void *call_bias(void *unused)
{
    float scores[N * N] = {0};
    const struct dt_bias operands = {
        .scores = scores, .scores_row = N, .c2p = c2p, .c2p_row = SLOTS, .p2c = p2c, .p2c_row = N};
    for (int n = 0; n < CALLS; n++)
        dt_bias_add(bias, &operands);
    return unused;
}

static void call_attention(int calls)
{
    float out[N * DIM];
    void *workspace = malloc(dt_plan_workspace(attention));
    struct dt_attention operands = {.q = tokens,
                                    .q_row = DIM,
                                    .k = tokens,
                                    .k_row = DIM,
                                    .v = tokens,
                                    .v_row = DIM,
                                    .out = out,
                                    .out_row = DIM};
    for (int n = 0; n < calls; n++) {
        operands.workspace = n % 2 ? workspace : NULL;
        if (dt_attention(attention, &operands))
            fail("a call fails");
    }
    free(workspace);
}

static struct dt_plan *plan(const char *text, bool whole)
{
    struct dt_problem problem;
    struct dt_error error;
    struct dt_plan *made;
    if (dt_problem_parse(text, &problem, &error) ||
        (whole ? dt_attention_plan(&problem, NULL, 1, &made, &error)
               : dt_bias_plan(&problem, NULL, &made, &error)) ||
        (whole && dt_plan_reserve(made, 1, &error)))
        fail(error.text);
    return made;
}

static int wait_for(pid_t child)
{
    int result;
    if (child < 0 || waitpid(child, &result, 0) != child)
        fail("no child");
    return result;
}

/* Never returns: ends by exit(), with the attention's plan alive. */
static _Noreturn void run_program(void)
{
    pthread_t threads[THREADS];
    bias = plan(bias_text, false);
    attention = plan(attention_text, true);
    struct dt_plan *idle = plan("n9 linear:4", false);
    call_attention(OURS);
    pid_t child = fork();
    if (child == 0) {
        call_attention(OF_CHILD);
        exit(EXIT_SUCCESS);
    }
    wait_for(child);
    child = fork();
    if (child == 0) {
        call_attention(1);
        raise(SIGKILL);
    }
    wait_for(child);
    for (int n = 0; n < THREADS; n++)
        if (pthread_create(&threads[n], NULL, call_bias, NULL))
            fail("no threads");
    for (int n = 0; n < THREADS; n++)
        pthread_join(threads[n], NULL);
    if (chdir("/") != 0)
        fail("no root folder");
    dt_plan_free(bias);
    dt_plan_free(idle);
    exit(EXIT_SUCCESS);
}

static int run(const char *file, const char *messages)
{
    const pid_t child = fork();
    if (child == 0) {
        const int out = open(messages, O_WRONLY | O_CREAT | O_TRUNC, 0600);
        if (out < 0 || dup2(out, STDERR_FILENO) < 0 || setenv("DISENTUNE_CAPTURE", file, 1) != 0)
            fail("no child");
        run_program();
    }
    return wait_for(child);
}

static void read_file(const char *name, char *text, size_t size)
{
    FILE *file = fopen(name, "r");
    if (!file)
        fail("a file is missing");
    text[fread(text, 1, size - 1, file)] = '\0';
    fclose(file);
}

int main(void)
{
    char folder[] = "/tmp/disentune-captured-XXXXXX", text[4096], expected[1024];
    if (!mkdtemp(folder) || chdir(folder) != 0)
        fail("no temporary folder");
    snprintf(expected, sizeof expected,
             "b1 h1 q8 k8 d16 linear:4 none f32 hf mask:none op:attention threads:1 count:%d\n"
             "b1 h1 q8 k8 d64 linear:4 c2p+p2c f32 hf mask:none op:bias count:%d\n"
             "b1 h1 q8 k8 d16 linear:4 none f32 hf mask:none op:attention threads:1 count:%d\n",
             OF_CHILD, THREADS * CALLS, OURS);
    int wrong = run("calls", "messages");
    read_file("calls", text, sizeof text);
    if (strcmp(text, expected) != 0)
        wrong = fprintf(stderr, "expected:\n%scaptured:\n%s", expected, text);
    read_file("messages", text, sizeof text);
    if (*text)
        wrong = fprintf(stderr, "messages of a program that is captured:\n%s", text);

    wrong |= run("nowhere/calls", "messages");
    read_file("messages", text, sizeof text);
    const char *end = strchr(text, '\n');
    if (!strstr(text, "DISENTUNE_CAPTURE: cannot write \"nowhere/calls\"") || !end || end[1])
        wrong = fprintf(stderr, "messages of a program with a bad path:\n%s", text);

    unlink("calls");
    unlink("messages");
    rmdir(folder);
    return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
