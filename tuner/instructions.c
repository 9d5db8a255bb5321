/* SPDX-License-Identifier: MIT */
#include "tuner/instructions.h"

#include "kernels/error.h"
#include "tuner/sample.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* Under valgrind a call takes hundreds of times as long: it computes a multiply-add lane by lane.
 */
#define LIMIT_SECONDS 600.0

/* The first call of a process resolves symbols, some ten thousand instructions. Beside so many that
 * is nothing; otherwise calls are counted after a first one, as many as make ENOUGH. */
#define PLENTY 2e7
#define ENOUGH 2e6

/* Bytes that a process may say. */
enum { SAID_MAX = 1 << 16 };

double dt_instructions_total(const char *report)
{
    const char *at = strstr(report, "refs:");
    double total = 0;
    if (!at)
        return NAN;
    at += strlen("refs:");
    at += strspn(at, " ");
    if (!isdigit((unsigned char)*at))
        return NAN;
    for (; isdigit((unsigned char)*at) || *at == ','; at++)
        if (*at != ',')
            total = 10 * total + (*at - '0');
    return total;
}

/* ---- A process that reads one file and writes two -------------------------------- */

enum { IN, OUT, ERR, FILES };

struct process {
    const struct dt_instructions_options *options;
    int files[FILES]; /* in memory */
    int how;          /* as waitpid() tells */
    char said[FILES][SAID_MAX];
};

static void close_files(struct process *p)
{
    for (int n = 0; n < FILES; n++)
        if (p->files[n] >= 0)
            close(p->files[n]);
}

static bool open_files(struct process *p, const char *input, size_t length)
{
    bool opened = true;
    for (int n = 0; n < FILES; n++) {
        p->files[n] = memfd_create("disentune", MFD_CLOEXEC);
        opened = opened && p->files[n] >= 0;
    }
    return opened && pwrite(p->files[IN], input, length, 0) == (ssize_t)length;
}

enum { EXIT_NO_VALGRIND = 127, VARIABLES_MAX = 8, WORDS_MAX = 20 };

/* Returns only on failure. Threads that wait in loops would be counted, hence the first two. */
static void execute(const struct dt_instructions_options *o)
{
    static const char *const first[] = {"env", "OMP_WAIT_POLICY=passive", "GOMP_SPINCOUNT=0"};
    static const char *const then[] = {"valgrind", "--tool=cachegrind", "--cache-sim=no",
                                       "--cachegrind-out-file=/dev/null"};
    const char *words[WORDS_MAX];
    size_t count = 0;
    for (size_t n = 0; n < sizeof first / sizeof *first; n++)
        words[count++] = first[n];
    for (size_t n = 0; o->variables && o->variables[n] && n < VARIABLES_MAX; n++)
        words[count++] = o->variables[n];
    for (size_t n = 0; n < sizeof then / sizeof *then; n++)
        words[count++] = then[n];
    words[count++] = o->program;
    words[count++] = "serve";
    words[count] = NULL;
    execvp(words[0], (char *const *)words);
}

_Noreturn static void be_valgrind(const struct process *p, pid_t parent)
{
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){SAID_MAX, SAID_MAX});
    bool joined = getppid() == parent;
    for (int n = 0; n < FILES; n++)
        joined = joined && dup2(p->files[n], n) >= 0;
    if (joined)
        execute(p->options);
    _exit(EXIT_NO_VALGRIND);
}

static void read_files(struct process *p)
{
    for (int n = 0; n < FILES; n++) {
        const ssize_t got = pread(p->files[n], p->said[n], SAID_MAX - 1, 0);
        p->said[n][got > 0 ? got : 0] = '\0';
    }
}

static bool is_stopped(const struct process *p) { return p->options->stop && *p->options->stop; }

/* False if it was still running when the time was over, or when it is no longer wanted. */
static bool await(struct process *p, pid_t pid)
{
    const double end = dt_clock_ns() + LIMIT_SECONDS * 1e9;
    bool ended = false;
    while (!ended && dt_clock_ns() < end && !is_stopped(p)) {
        ended = waitpid(pid, &p->how, WNOHANG) == pid;
        if (!ended)
            usleep(2000);
    }
    kill(-pid, SIGKILL);
    while (!ended && waitpid(pid, &p->how, 0) < 0 && errno == EINTR)
        continue;
    return ended;
}

static enum dt_status run_valgrind(struct process *p, const char *input, size_t length,
                                   struct dt_error *error)
{
    const pid_t parent = getpid();
    const pid_t pid = open_files(p, input, length) ? fork() : -1;
    const int reason = errno;
    enum dt_status status = DT_OK;
    if (pid == 0)
        be_valgrind(p, parent);
    if (pid < 0)
        status = dt_error_set(error, DT_IO, "cannot start valgrind: %s", strerror(reason));
    else if (!await(p, pid))
        status = is_stopped(p)
                     ? dt_error_set(error, DT_FAILED, "counting was stopped")
                     : dt_error_set(error, DT_FAILED, "%.100s took more than %.0f s under valgrind",
                                    p->options->program, LIMIT_SECONDS);
    else
        read_files(p);
    close_files(p);
    return status;
}

/* ---- Calls ---------------------------------------------------------------------- */

/* Why there is no answer. Valgrind's own messages begin with its name. */
static enum dt_status explain(const struct process *p, struct dt_error *error)
{
    const char *own = strstr(p->said[ERR], "valgrind: ");
    if (own)
        return dt_error_set(error, DT_UNSUPPORTED, "%.*s", (int)strcspn(own, "\n"), own);
    if (WIFEXITED(p->how) && WEXITSTATUS(p->how) == EXIT_NO_VALGRIND)
        return dt_error_set(error, DT_UNSUPPORTED,
                            "valgrind, which counts instructions, is not installed");
    if (WIFSIGNALED(p->how) && WTERMSIG(p->how) == SIGILL)
        return dt_error_set(error, DT_UNSUPPORTED,
                            "valgrind does not know all instructions that %.100s uses",
                            p->options->program);
    if (WIFSIGNALED(p->how))
        return dt_error_set(error, DT_FAILED, "%.100s crashed under valgrind (%s)",
                            p->options->program, strsignal(WTERMSIG(p->how)));
    return dt_error_set(error, DT_FAILED, "%.100s does not count under valgrind: it said \"%.*s\"",
                        p->options->program, (int)strcspn(p->said[OUT], "\n"), p->said[OUT]);
}

/* The lines that it said: a greeting, what it prepared, that it ran. */
static enum dt_status read_answers(struct process *p, struct dt_prepared *prepared,
                                   struct dt_error *error)
{
    static const enum dt_say expected[] = {DT_SAY_HELLO, DT_SAY_PREPARED, DT_SAY_RAN};
    char *rest = NULL, *line = strtok_r(p->said[OUT], "\n", &rest);
    for (size_t n = 0; n < sizeof expected / sizeof *expected; n++) {
        struct dt_message message;
        if (!line || dt_message_parse(line, strlen(line), &message, NULL))
            return explain(p, error);
        if (message.say == DT_SAY_ERROR)
            return dt_error_set(error, message.error.status, "%.200s", message.error.text);
        if (message.say != expected[n])
            return explain(p, error);
        if (message.say == DT_SAY_PREPARED)
            *prepared = message.prepared;
        line = strtok_r(NULL, "\n", &rest);
    }
    return DT_OK;
}

/* Instructions of a process that makes so many calls. */
static enum dt_status count_process(struct process *p, const struct dt_prepare *cell,
                                    const struct dt_run *run, struct dt_prepared *prepared,
                                    double *total, struct dt_error *error)
{
    char input[2 * DT_PROTOCOL_LINE];
    const struct dt_message prepare = {.say = DT_SAY_PREPARE, .prepare = *cell};
    const struct dt_message calls = {.say = DT_SAY_RUN, .run = *run};
    const size_t first = dt_message_print(&prepare, input);
    const size_t second = dt_message_print(&calls, input + first);
    if (first == 0 || second == 0)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to ask %.100s", p->options->program);
    enum dt_status status = run_valgrind(p, input, first + second, error);
    if (!status)
        status = read_answers(p, prepared, error);
    if (status)
        return status;
    *total = dt_instructions_total(p->said[ERR]);
    return isnan(*total) ? explain(p, error) : DT_OK;
}

/* What so many calls add, after `warm` others. */
static enum dt_status count_calls(struct process *p, const struct dt_prepare *cell, uint64_t warm,
                                  uint64_t calls, struct dt_prepared *prepared, double *added,
                                  struct dt_error *error)
{
    double few = 0, many = 0;
    const struct dt_run without = {.warm = warm}, with = {.warm = warm, .calls = calls};
    enum dt_status status = count_process(p, cell, &without, prepared, &few, error);
    if (!status)
        status = count_process(p, cell, &with, prepared, &many, error);
    *added = many - few;
    return status;
}

static enum dt_status count(struct process *p, const struct dt_prepare *cell,
                            struct dt_prepared *prepared, double *per_call, struct dt_error *error)
{
    uint64_t calls = 1;
    double added;
    enum dt_status status = count_calls(p, cell, 0, calls, prepared, &added, error);
    if (!status && added < PLENTY) {
        calls = (uint64_t)ceil(ENOUGH / fmax(added, 1));
        status = count_calls(p, cell, 1, calls, prepared, &added, error);
    }
    *per_call = added / (double)calls;
    return status;
}

enum dt_status dt_instructions_count(const struct dt_instructions_options *options,
                                     const struct dt_prepare *cell,
                                     struct dt_instructions *instructions, struct dt_error *error)
{
    struct process *process = calloc(1, sizeof *process);
    struct dt_prepare unchecked = *cell;
    struct dt_prepared prepared;
    unchecked.check = false;
    if (!process)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to count instructions");
    process->options = options;
    *instructions = (struct dt_instructions){0};
    const enum dt_status status =
        count(process, &unchecked, &prepared, &instructions->per_call, error);
    free(process);
    if (status)
        return status;
    /* OPERATION.ISA.IDEA */
    const char *isa = strchr(prepared.subject.variant, '.');
    if (isa)
        snprintf(instructions->isa, sizeof instructions->isa, "%.*s", (int)strcspn(isa + 1, "."),
                 isa + 1);
    snprintf(instructions->choice, sizeof instructions->choice, "%s", prepared.choice);
    return DT_OK;
}

static enum dt_status compare_cell(const struct dt_instructions_options *const options[2],
                                   const struct dt_prepare *wanted, struct dt_cell *cell,
                                   struct dt_error *error)
{
    struct dt_instructions counted[2];
    for (int side = 0; side < 2; side++) {
        enum dt_status status = dt_instructions_count(options[side], wanted, &counted[side], error);
        if (status)
            return status;
    }
    const bool same = strcmp(counted[0].isa, counted[1].isa) == 0;
    cell->base_instructions = counted[0].per_call;
    cell->head_instructions = counted[1].per_call;
    snprintf(cell->instructions_isa, sizeof cell->instructions_isa, "%.7s%s%.7s", counted[0].isa,
             same ? "" : "/", same ? "" : counted[1].isa);
    return DT_OK;
}

enum dt_status dt_instructions_compare(const struct dt_instructions_options *base,
                                       const struct dt_instructions_options *head,
                                       const struct dt_subject *subjects, struct dt_cell *cells,
                                       size_t count, uint64_t seed,
                                       void (*progress)(void *context, size_t done), void *context,
                                       struct dt_error *error)
{
    const struct dt_instructions_options *const options[2] = {base, head};
    enum dt_status status = DT_OK;
    for (size_t c = 0; c < count && !status; c++) {
        const struct dt_prepare wanted = {.subject = subjects[c], .seed = seed};
        if (cells[c].pairs > 0)
            status = compare_cell(options, &wanted, &cells[c], error);
        if (progress)
            progress(context, c + 1);
    }
    return status;
}
