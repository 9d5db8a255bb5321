/* SPDX-License-Identifier: MIT */
#include "kernels/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

_Thread_local unsigned dt_capture_thread __attribute__((tls_model("initial-exec")));

static atomic_uint numbered;

/* Held for everything that follows. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct dt_capture *living;
static char *path; /* absolute, as the program may change its directory; NULL: not to be had */
static bool prepared, reported;

unsigned dt_capture_number(void)
{
    const unsigned n = atomic_fetch_add_explicit(&numbered, 1, memory_order_relaxed);
    return dt_capture_thread = n < DT_CAPTURE_OWN ? n + 1 : DT_CAPTURE_OWN + 1;
}

static uint64_t sum(const struct dt_capture *capture)
{
    uint64_t calls = 0;
    for (int n = 0; n <= DT_CAPTURE_OWN; n++)
        calls += atomic_load_explicit(&capture->slot[n].calls, memory_order_relaxed);
    return calls;
}

static void report(const char *name, const char *reason)
{
    if (!reported)
        fprintf(stderr, "disentune: DISENTUNE_CAPTURE: cannot write \"%.200s\": %s\n", name,
                reason);
    reported = true;
}

/* -1 after a report. A pipe that nobody reads must not hold up the program. */
static int open_file(const char *name)
{
    struct stat is;
    const int file = open(name, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0644);
    if (file < 0) {
        report(name, strerror(errno));
    } else if (fstat(file, &is) != 0 || !S_ISREG(is.st_mode)) {
        report(name, "not a regular file");
        close(file);
        return -1;
    }
    return file;
}

/* write() where a limit on the size of files is an error (EFBIG), not the end of the program. */
static ssize_t write_within_limit(int file, const char *line, size_t size)
{
    sigset_t limit, before, pending;
    sigemptyset(&limit);
    sigaddset(&limit, SIGXFSZ);
    sigemptyset(&pending);
    sigpending(&pending);
    pthread_sigmask(SIG_BLOCK, &limit, &before);
    errno = 0;
    const ssize_t written = write(file, line, size);
    const int reason = errno;
    if (written < 0 && reason == EFBIG && !sigismember(&pending, SIGXFSZ))
        sigtimedwait(&limit, NULL, &(const struct timespec){0});
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = reason;
    return written;
}

/* Appends the line, or nothing of it: what a full disk cut short is taken back, under a lock that
 * keeps other processes from adding to it meanwhile. */
static void append(const char *line, size_t size)
{
    struct stat is;
    const int file = open_file(path);
    if (file < 0)
        return;
    flock(file, LOCK_EX);
    const ssize_t written = write_within_limit(file, line, size);
    if (written != (ssize_t)size) {
        report(path, strerror(errno ? errno : ENOSPC));
        if (written > 0 && fstat(file, &is) == 0 && ftruncate(file, is.st_size - written) != 0)
            report(path, strerror(errno));
    }
    close(file);
}

/* What was counted since it was last written. */
static void write_count(struct dt_capture *capture)
{
    char text[DT_PROBLEM_TEXT_MAX], line[DT_PROBLEM_TEXT_MAX + 96], threads[24] = "";
    const uint64_t calls = sum(capture) - capture->written;
    if (calls == 0)
        return;
    if (capture->op == DT_OP_ATTENTION)
        snprintf(threads, sizeof threads, " threads:%" PRId32, capture->threads);
    const int size = snprintf(line, sizeof line, "%s op:%s%s count:%" PRIu64 "\n",
                              dt_problem_print(&capture->problem, text), dt_op_name(capture->op),
                              threads, calls);
    capture->written += calls;
    append(line, (size_t)size);
}

static void at_exit(void)
{
    pthread_mutex_lock(&lock);
    for (struct dt_capture *c = living; c; c = c->next)
        write_count(c);
    pthread_mutex_unlock(&lock);
}

static void before_fork(void) { pthread_mutex_lock(&lock); }

static void after_fork(void) { pthread_mutex_unlock(&lock); }

static void in_child(void)
{
    for (struct dt_capture *c = living; c; c = c->next)
        c->written = sum(c);
    pthread_mutex_unlock(&lock);
}

/* Whether there is a file to write to; settled by the first plan. */
static bool prepare(const char *name)
{
    if (prepared)
        return path != NULL;
    prepared = true;
    const int file = open_file(name);
    if (file < 0)
        return false;
    close(file);
    path = realpath(name, NULL);
    if (!path)
        report(name, strerror(errno));
    else if (atexit(at_exit) != 0 || pthread_atfork(before_fork, after_fork, in_child) != 0)
        report(name, "no memory");
    return path != NULL;
}

struct dt_capture *dt_capture_begin(enum dt_op op, const struct dt_problem *problem,
                                    int32_t threads)
{
    const char *name = secure_getenv("DISENTUNE_CAPTURE");
    if (!name || !*name)
        return NULL;
    pthread_mutex_lock(&lock);
    struct dt_capture *made = NULL;
    if (prepare(name) && !(made = aligned_alloc(DT_CAPTURE_LINE, sizeof *made)))
        report(path, "no memory");
    if (made) {
        memset(made, 0, sizeof *made);
        made->op = op;
        made->problem = *problem;
        made->threads = threads;
        made->next = living;
        if (living)
            living->previous = made;
        living = made;
    }
    pthread_mutex_unlock(&lock);
    return made;
}

void dt_capture_end(struct dt_capture *capture)
{
    if (!capture)
        return;
    pthread_mutex_lock(&lock);
    if (capture->next)
        capture->next->previous = capture->previous;
    if (capture->previous)
        capture->previous->next = capture->next;
    else
        living = capture->next;
    write_count(capture);
    pthread_mutex_unlock(&lock);
    free(capture);
}
