/* SPDX-License-Identifier: MIT */
#include "tuner/peer.h"

#include "kernels/error.h"
#include "tuner/sample.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define PADDING "DISENTUNE_PADDING="

/* ---- What the program is started with ------------------------------------------- */

static bool same_name(const char *a, const char *b)
{
    const size_t length = strcspn(a, "=") + 1;
    return strncmp(a, b, length) == 0;
}

/* "OMP_PLACES={0},{2}": a place for each thread, so that a team is bound as this tool binds. */
static char *places(const struct dt_machine *machine, int32_t threads)
{
    const size_t room = 16 + 16 * (size_t)threads;
    char *text = malloc(room);
    size_t used = text ? (size_t)snprintf(text, room, "OMP_PLACES=") : 0;
    for (int32_t w = 0; text && w < threads; w++)
        used += (size_t)snprintf(text + used, room - used, "%s{%d}", w ? "," : "",
                                 machine->workers[w].processor);
    return text;
}

static char *padding(size_t bytes)
{
    char *text = calloc(1, sizeof PADDING + bytes);
    if (text) {
        memcpy(text, PADDING, sizeof PADDING);
        memset(text + sizeof PADDING - 1, 'x', bytes);
    }
    return text;
}

/* What is done before fork(), since after it nothing may be allocated. */
struct launch {
    const struct dt_peer_options *options;
    char **variables; /* end with NULL; those of `own` are owned */
    char *own[2];     /* padding, places */
    cpu_set_t *processors;
    size_t set_size;
};

static void clear_launch(struct launch *l)
{
    free(l->variables);
    free(l->own[0]);
    free(l->own[1]);
    free(l->processors);
}

static bool choose_processors(struct launch *l, int32_t threads)
{
    const struct dt_machine *machine = l->options->machine;
    int most = 0;
    for (int32_t w = 0; w < threads; w++)
        most = machine->workers[w].processor > most ? machine->workers[w].processor : most;
    l->set_size = CPU_ALLOC_SIZE((size_t)most + 1);
    l->processors = calloc(1, l->set_size);
    for (int32_t w = 0; l->processors && w < threads; w++)
        CPU_SET_S((size_t)machine->workers[w].processor, l->set_size, l->processors);
    return l->processors;
}

/* Room for all variables and the end. */
static char **room_for_variables(const struct dt_peer_options *o)
{
    size_t count = 5;
    for (char **v = environ; v && *v; v++)
        count++;
    for (const char *const *v = o->variables; v && *v; v++)
        count++;
    return calloc(count, sizeof(char *));
}

/* Unless there is one of that name. */
static void add_variable(struct launch *l, char *variable)
{
    size_t n = 0;
    while (l->variables[n] && !same_name(l->variables[n], variable))
        n++;
    l->variables[n] = l->variables[n] ? l->variables[n] : variable;
}

/* Calls are not captured: that would be written to a file of somebody else. */
static void fill_variables(struct launch *l)
{
    static char binding[] = "OMP_PROC_BIND=true", capture[] = "DISENTUNE_CAPTURE=";
    add_variable(l, l->own[0]);
    add_variable(l, capture);
    for (const char *const *v = l->options->variables; v && *v; v++)
        add_variable(l, (char *)*v);
    if (l->own[1]) {
        add_variable(l, l->own[1]);
        add_variable(l, binding);
    }
    for (char **v = environ; v && *v; v++)
        add_variable(l, *v);
}

static enum dt_status make_launch(struct launch *l, const struct dt_peer_options *o,
                                  struct dt_error *error)
{
    const int32_t threads = o->threads > 1 ? o->threads : 1;
    const bool bound = o->machine && o->machine->here;
    *l = (struct launch){.options = o};
    if (bound && threads > o->machine->worker_count)
        return dt_error_set(error, DT_INVALID,
                            "%d threads are more than this process may use processors, which is %d",
                            threads, o->machine->worker_count);
    l->variables = room_for_variables(o);
    l->own[0] = padding(o->padding);
    l->own[1] = bound && threads > 1 ? places(o->machine, threads) : NULL;
    if (l->variables && l->own[0] && (l->own[1] || !bound || threads == 1) &&
        (!bound || choose_processors(l, threads))) {
        fill_variables(l);
        return DT_OK;
    }
    clear_launch(l);
    return dt_error_set(error, DT_NO_MEMORY, "no memory to start %s", o->name);
}

/* ---- The process ------------------------------------------------------------------- */

_Noreturn static void be_program(const struct launch *l, pid_t parent, int line, int messages,
                                 int failure)
{
    static const int usual[] = {SIGPIPE, SIGXFSZ, SIGINT, SIGTERM};
    char *const words[] = {(char *)l->options->program, (char *)"serve", NULL};
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    for (size_t n = 0; n < sizeof usual / sizeof *usual; n++)
        signal(usual[n], SIG_DFL);
    int reason = ESRCH;
    if (getppid() == parent && dup2(line, STDIN_FILENO) >= 0 && dup2(line, STDOUT_FILENO) >= 0 &&
        dup2(messages, STDERR_FILENO) >= 0) {
        if (l->processors)
            sched_setaffinity(0, l->set_size, l->processors);
        execve(l->options->program, words, l->variables);
        reason = errno;
    }
    (void)!write(failure, &reason, sizeof reason);
    _exit(127);
}

/* The two ends of each connection: ours first. */
struct ends {
    int line[2], messages[2], failure[2];
};

static void close_pair(int pair[2])
{
    for (int n = 0; n < 2; n++)
        if (pair[n] >= 0)
            close(pair[n]);
}

static bool open_ends(struct ends *e)
{
    *e = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}};
    return socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->line) == 0 &&
           pipe2(e->messages, O_CLOEXEC | O_NONBLOCK) == 0 && pipe2(e->failure, O_CLOEXEC) == 0;
}

static enum dt_status spawn(struct dt_peer *peer, const struct launch *launch,
                            struct dt_error *error)
{
    const struct dt_peer_options *o = peer->options;
    struct ends ends;
    int reason = 0;
    const pid_t parent = getpid();
    peer->pid = open_ends(&ends) ? fork() : -1;
    if (peer->pid == 0)
        be_program(launch, parent, ends.line[1], ends.messages[1], ends.failure[1]);
    reason = errno;
    if (peer->pid < 0) {
        peer->pid = 0;
        close_pair(ends.line);
        close_pair(ends.messages);
        close_pair(ends.failure);
        return dt_error_set(error, DT_NO_MEMORY, "cannot start %s: %s", o->name, strerror(reason));
    }
    setpgid(peer->pid, peer->pid);
    close(ends.line[1]);
    close(ends.messages[1]);
    close(ends.failure[1]);
    peer->line = ends.line[0];
    peer->messages = ends.messages[0];
    ssize_t got;
    do
        got = read(ends.failure[0], &reason, sizeof reason);
    while (got < 0 && errno == EINTR);
    close(ends.failure[0]);
    if (got <= 0)
        return DT_OK;
    dt_peer_end(peer);
    return dt_error_set(error, DT_IO, "cannot run %s, \"%.100s\": %s", o->name, o->program,
                        strerror(reason));
}

void dt_peer_end(struct dt_peer *peer)
{
    if (peer->pid <= 0)
        return;
    kill(-peer->pid, SIGKILL);
    while (waitpid(peer->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(peer->line);
    close(peer->messages);
    peer->pid = 0;
}

/* ---- Lines ----------------------------------------------------------------------------- */

static bool is_stopped(const struct dt_peer *peer)
{
    return peer->options->stop && *peer->options->stop;
}

/* The last line of what it prints on stderr, which is the one that tells why it ends. */
static void take_messages(struct dt_peer *peer)
{
    char text[512];
    ssize_t got;
    while ((got = read(peer->messages, text, sizeof text - 1)) > 0) {
        text[got] = '\0';
        while (got > 0 && text[got - 1] == '\n')
            text[--got] = '\0';
        const char *start = strrchr(text, '\n');
        if (got > 0)
            snprintf(peer->last, sizeof peer->last, "%.100s", start ? start + 1 : text);
        if (got == 0 || got < (ssize_t)sizeof text - 1)
            break;
    }
}

enum wait { WAIT_LINE, WAIT_ENDED, WAIT_HUNG, WAIT_STOPPED, WAIT_LONG };

/* Reads until the buffer holds a line; *length is that of the line without its end. */
static enum wait await_line(struct dt_peer *peer, double seconds, size_t *length)
{
    const double end = dt_clock_ns() + seconds * 1e9;
    bool talks = true;
    for (;;) {
        const char *newline = memchr(peer->buffer, '\n', peer->held);
        if (newline) {
            *length = (size_t)(newline - peer->buffer);
            return WAIT_LINE;
        }
        if (peer->held == sizeof peer->buffer)
            return WAIT_LONG;
        if (is_stopped(peer))
            return WAIT_STOPPED;
        struct pollfd wanted[] = {{.fd = peer->line, .events = POLLIN},
                                  {.fd = talks ? peer->messages : -1, .events = POLLIN}};
        const double left = (end - dt_clock_ns()) * 1e-6;
        const int ready = poll(wanted, 2, (int)ceil(fmin(fmax(0, left), 1e6)));
        if (ready == 0 && left <= 0)
            return WAIT_HUNG;
        if (ready > 0 && wanted[1].revents) {
            talks = wanted[1].revents & POLLIN;
            take_messages(peer);
        }
        if (ready <= 0 || !wanted[0].revents)
            continue;
        const ssize_t got =
            read(peer->line, peer->buffer + peer->held, sizeof peer->buffer - peer->held);
        if (got > 0)
            peer->held += (size_t)got;
        else if (got == 0 || errno != EINTR)
            return WAIT_ENDED;
    }
}

/* Takes a line and what is after it stays. */
static void drop_line(struct dt_peer *peer, size_t length)
{
    peer->held -= length + 1;
    memmove(peer->buffer, peer->buffer + length + 1, peer->held);
}

/* Its streams are closed, so that it is about to end if it has not yet. */
static void say_end(struct dt_peer *peer, char what[64])
{
    const double end = dt_clock_ns() + 1e9;
    siginfo_t how = {0};
    while (waitid(P_PID, (id_t)peer->pid, &how, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           how.si_pid == 0 && dt_clock_ns() < end)
        usleep(1000);
    take_messages(peer);
    if (how.si_pid == 0)
        snprintf(what, 64, "closed its standard streams");
    else if (how.si_code == CLD_EXITED)
        snprintf(what, 64, "ended with exit code %d", how.si_status);
    else
        snprintf(what, 64, "crashed (%s)", strsignal(how.si_status));
}

/* Ends the peer and says why. */
static enum dt_status fail(struct dt_peer *peer, enum dt_status status, enum wait wait,
                           double seconds, const char *doing, struct dt_error *error)
{
    const struct dt_peer_options *o = peer->options;
    char what[64];
    const char *newline = memchr(peer->buffer, '\n', peer->held);
    const size_t length = newline ? (size_t)(newline - peer->buffer) : peer->held;
    if (wait == WAIT_ENDED)
        say_end(peer, what);
    else if (wait == WAIT_HUNG)
        snprintf(what, sizeof what, "did not answer within %.3g s", seconds);
    else if (wait == WAIT_STOPPED)
        snprintf(what, sizeof what, "was stopped");
    else
        snprintf(what, sizeof what, "said \"%.*s\"", (int)(length < 40 ? length : 40),
                 peer->buffer);
    dt_peer_end(peer);
    return dt_error_set(error, status, "%s, \"%.60s\", %s %s%s%.80s", o->name, o->program, what,
                        doing, *peer->last ? ": " : "", peer->last);
}

static enum dt_status take(struct dt_peer *peer, enum dt_status failure, double seconds,
                           const char *doing, struct dt_message *reply, struct dt_error *error)
{
    size_t length;
    const enum wait wait = await_line(peer, seconds, &length);
    if (wait != WAIT_LINE)
        return fail(peer, failure, wait, seconds, doing, error);
    if (dt_message_parse(peer->buffer, length, reply, NULL))
        return fail(peer, failure, wait, seconds, doing, error);
    drop_line(peer, length);
    return DT_OK;
}

static enum dt_status greet(struct dt_peer *peer, double seconds, struct dt_error *error)
{
    static const char doing[] = "when started as `serve`; give programs of disentune that have it";
    struct dt_message hello;
    enum dt_status status = take(peer, DT_INVALID, seconds, doing, &hello, error);
    if (status)
        return status;
    if (hello.say != DT_SAY_HELLO)
        return fail(peer, DT_INVALID, WAIT_LINE, seconds, doing, error);
    peer->build = hello.hello.build;
    if (hello.hello.protocol == DT_PROTOCOL)
        return DT_OK;
    dt_peer_end(peer);
    return dt_error_set(error, DT_INVALID,
                        "%s, \"%.60s\", speaks protocol %d and this program %d; compare builds "
                        "that speak the same, with a program of one of them",
                        peer->options->name, peer->options->program, hello.hello.protocol,
                        DT_PROTOCOL);
}

enum dt_status dt_peer_start(struct dt_peer *peer, const struct dt_peer_options *options,
                             double seconds, struct dt_error *error)
{
    struct launch launch;
    enum dt_status status = make_launch(&launch, options, error);
    if (status)
        return status;
    *peer = (struct dt_peer){.options = options};
    status = spawn(peer, &launch, error);
    clear_launch(&launch);
    return status ? status : greet(peer, seconds, error);
}

static bool send_all(int line, const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t sent = send(line, text, length, MSG_NOSIGNAL);
        if (sent < 0 && errno != EINTR)
            return false;
        text += sent > 0 ? sent : 0;
        length -= sent > 0 ? (size_t)sent : 0;
    }
    return true;
}

enum dt_status dt_peer_ask(struct dt_peer *peer, const struct dt_message *request, double seconds,
                           const char *doing, struct dt_message *reply, struct dt_error *error)
{
    const struct dt_peer_options *o = peer->options;
    const enum dt_say wanted = request->say == DT_SAY_PREPARE ? DT_SAY_PREPARED : DT_SAY_RAN;
    char line[DT_PROTOCOL_LINE];
    const size_t length = dt_message_print(request, line);
    if (length == 0)
        return dt_error_set(error, DT_NO_MEMORY, "no memory to ask %s", o->name);
    if (!send_all(peer->line, line, length))
        return fail(peer, DT_FAILED, WAIT_ENDED, seconds, doing, error);
    enum dt_status status = take(peer, DT_FAILED, seconds, doing, reply, error);
    if (status)
        return status;
    if (reply->say == DT_SAY_ERROR)
        return dt_error_set(error, reply->error.status, "%s: %.200s", o->name, reply->error.text);
    if (reply->say != wanted || peer->held > 0)
        return fail(peer, DT_FAILED, WAIT_LINE, seconds, doing, error);
    return DT_OK;
}
