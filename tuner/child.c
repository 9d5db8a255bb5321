/* SPDX-License-Identifier: MIT */
/*
 * A child is forked for some candidates, and works in a new thread.
 *
 * Forked, since validator and workload are then there without being sent or made again: it costs
 * page tables, less than a millisecond. Neither a helper forked before there was any thread nor the
 * program started anew would have them.
 *
 * In a new thread, since the thread that called fork() may be the master of an OpenMP team, whose
 * other threads do not exist in the child: libgomp would wait for them for ever. The team belongs
 * to its master, so that a new thread starts with none and makes its own. LLVM's runtime
 * reinitialises itself after fork() and is content with either. The team's threads are idle while
 * the tuner forks, so that none of them holds a lock.
 *
 *     parent   fork ----- poll(pipe, limit) ------ end of file, or kill ------ waitpid, answer
 *     child       thread: work ... answer in shared memory ... _exit: pipe is closed
 */
#include "tuner/child.h"

#include "kernels/error.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* `done` is set at the end of the work, which an exit code of the candidate's own does not tell. */
struct shared {
    bool done;
    _Alignas(max_align_t) unsigned char answer[];
};

struct job {
    void (*work)(void *context, void *answer);
    void *context;
    struct shared *shared;
};

static void *run_job(void *argument)
{
    struct job *job = argument;
    job->work(job->context, job->shared->answer);
    job->shared->done = true;
    return NULL;
}

/* A signal for the tuner reaches the child, too, when it comes from a terminal; it would look as if
 * the candidate had died of it. */
static void set_signals(void)
{
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
    for (size_t n = 0; n < sizeof fatal / sizeof *fatal; n++)
        signal(fatal[n], SIG_DFL);
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
}

enum { EXIT_DONE = 0, EXIT_LEFT = 1, EXIT_NO_THREAD = 2 };

_Noreturn static void be_child(struct job *job, pid_t parent)
{
    pthread_t thread;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_LEFT);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    set_signals();
    if (pthread_create(&thread, NULL, run_job, job))
        _exit(EXIT_NO_THREAD);
    pthread_join(thread, NULL);
    _exit(EXIT_DONE);
}

/* Waits until the other end is closed; false when the time is over. */
static bool wait_closed(int pipe, double seconds)
{
    const double end = dt_clock_ns() + seconds * 1e9;
    for (;;) {
        const double left = fmin(fmax(0, (end - dt_clock_ns()) * 1e-6), 1e6);
        struct pollfd wanted = {.fd = pipe, .events = POLLIN};
        const int ready = poll(&wanted, 1, (int)ceil(left));
        if (ready > 0)
            return true;
        if (ready == 0 ? left <= 0 : errno != EINTR)
            return false;
    }
}

static enum dt_status await(pid_t child, int pipe, double seconds, struct dt_child_result *result,
                            struct dt_error *error)
{
    int how = 0;
    const bool closed = wait_closed(pipe, seconds);
    if (!closed)
        kill(child, SIGKILL);
    while (waitpid(child, &how, 0) < 0 && errno == EINTR)
        continue;
    if (!closed)
        *result = (struct dt_child_result){.end = DT_CHILD_HUNG};
    else if (WIFSIGNALED(how))
        *result = (struct dt_child_result){.end = DT_CHILD_KILLED, .signal = WTERMSIG(how)};
    else if (WEXITSTATUS(how) == EXIT_NO_THREAD)
        return dt_error_set(error, DT_NO_MEMORY, "cannot start a thread in a child process");
    else
        *result = (struct dt_child_result){.end = DT_CHILD_LEFT};
    return DT_OK;
}

static enum dt_status start_child(struct job *job, double seconds, struct dt_child_result *result,
                                  struct dt_error *error)
{
    int ends[2];
    if (pipe(ends) != 0)
        return dt_error_set(error, DT_NO_MEMORY, "cannot make a pipe: %s", strerror(errno));
    const pid_t parent = getpid();
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        be_child(job, parent);
    }
    const int reason = errno;
    close(ends[1]);
    enum dt_status status = child < 0 ? dt_error_set(error, DT_NO_MEMORY,
                                                     "cannot start a process: %s", strerror(reason))
                                      : await(child, ends[0], seconds, result, error);
    close(ends[0]);
    return status;
}

enum dt_status dt_child_run(void (*work)(void *context, void *answer), void *context, void *answer,
                            size_t size, double seconds, struct dt_child_result *result,
                            struct dt_error *error)
{
    struct shared *shared = mmap(NULL, sizeof *shared + size, PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to share with a child process");
    memcpy(shared->answer, answer, size);
    struct job job = {work, context, shared};
    enum dt_status status = start_child(&job, seconds, result, error);
    if (!status) {
        memcpy(answer, shared->answer, size);
        if (shared->done && result->end == DT_CHILD_LEFT)
            result->end = DT_CHILD_DONE;
    }
    munmap(shared, sizeof *shared + size);
    return status;
}

enum { PAGE = 4096, PAGES_KEPT = 64, PAGES_MOST = 1 << 18 };

/* The kernel puts a mapping at the end of the highest gap that takes it, another gap for each size.
 * There some pages are kept, which a later mapping of about this size finds taken. */
static void narrow_gap(size_t pages, uint64_t *random)
{
    const size_t kept = 1 + dt_random_below(random, pages < PAGES_KEPT ? pages : PAGES_KEPT);
    char *gap =
        mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (gap != MAP_FAILED && kept < pages)
        munmap(gap, (pages - kept) * PAGE);
}

void dt_child_move_memory(uint64_t seed)
{
    for (size_t pages = 1; pages <= PAGES_MOST; pages += pages / 4 + 1)
        narrow_gap(pages, &seed);
    volatile char *little = malloc(16 * dt_random_below(&seed, 4096) + 16);
    if (little)
        *little = 0;
}

/* ---- Trials of candidates -------------------------------------------------- */

/* Some at a time: a child takes as long as a trial or two, for page tables and for the pages that
 * it writes to, and as long as it lives it may hang. */
#define BATCH_SECONDS 1.0

struct batch {
    const struct dt_machine *machine;
    double until;
};

/* What a child tells. */
struct account {
    size_t tried, count;
    bool validated; /* the one after those that were tried */
    struct dt_attempt trials[];
};

static void try_one(const struct dt_machine *machine, struct dt_attempt *t, bool *validated)
{
    const struct dt_runner *runner = t->runner;
    struct dt_ready ready;
    t->verdict = (struct dt_verdict){.passed = true};
    t->status = DT_OK;
    if (t->validator)
        t->status = dt_validate_run(t->validator, &runner->choice, &t->verdict, &t->error);
    if (t->status || !t->verdict.passed)
        return;
    *validated = true;
    if (runner->threads > 1 && machine && machine->here)
        dt_machine_pin_team(machine, runner->threads, NULL);
    t->status = dt_ready_init(&ready, runner->workload, &runner->choice, runner->layout,
                              runner->threads, &t->error);
    if (t->status)
        return;
    dt_ready_run(&ready, NULL);
    dt_ready_clear(&ready);
}

/* As long as they pass: what one that did not has done to memory shall not harm the next. */
static void try_some(void *context, void *answer)
{
    const struct batch *batch = context;
    struct account *a = answer;
    bool passed = true;
    while (passed && a->tried < a->count && (a->tried == 0 || dt_clock_ns() < batch->until)) {
        struct dt_attempt *t = &a->trials[a->tried];
        a->validated = false;
        try_one(batch->machine, t, &a->validated);
        passed = !t->status && t->verdict.passed;
        a->tried++;
    }
}

static void condemn(const struct dt_child_result *result, bool validated, double seconds,
                    struct dt_attempt *t)
{
    char choice[DT_CHOICE_TEXT_MAX], problem[DT_PROBLEM_TEXT_MAX], what[96];
    if (result->end == DT_CHILD_KILLED)
        snprintf(what, sizeof what, "crashed (%s)", strsignal(result->signal));
    else if (result->end == DT_CHILD_HUNG)
        snprintf(what, sizeof what, "did not end within %.3g s", seconds);
    else
        snprintf(what, sizeof what, "ended its process");
    t->status = DT_OK;
    t->verdict = (struct dt_verdict){.passed = false};
    snprintf(t->verdict.reason, sizeof t->verdict.reason, "%s on \"%s\": %s %s",
             dt_choice_print(&t->runner->choice, choice),
             dt_problem_print(&t->runner->workload->problem, problem), what,
             validated ? "in its first call" : "while it was validated");
}

/* One child. *tried is at least one. */
static enum dt_status try_batch(const struct batch *batch, struct dt_attempt *trials, size_t count,
                                struct account *a, double seconds, size_t *tried,
                                struct dt_error *error)
{
    struct dt_child_result result;
    const size_t size = sizeof *a + count * sizeof *a->trials;
    const double limit = fmax(0, batch->until - dt_clock_ns()) * 1e-9 + seconds;
    a->count = count;
    memcpy(a->trials, trials, count * sizeof *trials);
    enum dt_status status =
        dt_child_run(try_some, (void *)(uintptr_t)batch, a, size, limit, &result, error);
    if (status)
        return status;
    if (a->count != count || a->tried > count || (a->tried == 0 && result.end == DT_CHILD_DONE)) {
        a->tried = 0; /* it has overwritten what it tells */
        result = (struct dt_child_result){.end = DT_CHILD_LEFT};
    }
    for (size_t n = 0; n < a->tried; n++) {
        trials[n].status = a->trials[n].status;
        trials[n].error = a->trials[n].error;
        trials[n].verdict = a->trials[n].verdict;
        trials[n].error.text[sizeof trials[n].error.text - 1] = '\0';
        trials[n].verdict.reason[sizeof trials[n].verdict.reason - 1] = '\0';
    }
    *tried = a->tried;
    if (result.end != DT_CHILD_DONE && *tried < count)
        condemn(&result, a->validated, seconds, &trials[(*tried)++]);
    return DT_OK;
}

enum dt_status dt_child_try(struct dt_attempt *trials, size_t count,
                            const struct dt_machine *machine, double seconds, double until,
                            size_t *tried, struct dt_error *error)
{
    enum dt_status status = DT_OK;
    if (seconds <= 0 && count > 0)
        seconds = dt_child_limit(trials[0].runner->workload);
    for (*tried = 0; *tried < count && !status && (*tried == 0 || dt_clock_ns() < until);) {
        const size_t left = count - *tried;
        const struct batch batch = {machine, fmin(until, dt_clock_ns() + BATCH_SECONDS * 1e9)};
        struct account *a = calloc(1, sizeof *a + left * sizeof *a->trials);
        size_t more = 0;
        if (!a)
            return dt_error_set(error, DT_NO_MEMORY, "no memory for %zu trials", left);
        status = try_batch(&batch, trials + *tried, left, a, seconds, &more, error);
        *tried += more;
        free(a);
    }
    return status;
}

#define LEAST_LIMIT 10.0
#define SLOWEST_FLOPS 1e8

double dt_child_limit(const struct dt_workload *workload)
{
    const struct dt_problem *p = &workload->problem;
    const double scores = (double)p->nq * p->nk, slots = 2.0 * p->span * ((double)p->nq + p->nk);
    const double heads = (double)p->batch * p->heads;
    return LEAST_LIMIT + heads * (2.0 * p->dim + 10) * (2 * scores + slots) / SLOWEST_FLOPS;
}
