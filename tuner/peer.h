/* SPDX-License-Identifier: MIT */
/*
 * A process of a build that is compared: started, spoken to by tuner/protocol.h, and ended. It may
 * crash, hang, print what it likes or be another program altogether: whoever compares gets an error
 * of one line, and no process remains.
 */
#ifndef DISENTUNE_PEER_H
#define DISENTUNE_PEER_H

#include "tuner/machine.h"
#include "tuner/protocol.h"

#include <signal.h>
#include <sys/types.h>

struct dt_peer_options {
    const char *name;                  /* in messages: "BASE", "HEAD" */
    const char *program;               /* its path */
    const char *const *variables;      /* "NAME=VALUE" for its environment, ends with NULL; NULL:
                                          none; they come before those of this process */
    size_t padding;                    /* bytes by which its environment is longer, which moves its
                                          stack */
    const struct dt_machine *machine;  /* binds it to workers 0 ... threads - 1; NULL: it is not
                                          bound */
    int32_t threads;                   /* 0: 1 */
    const volatile sig_atomic_t *stop; /* not 0: whatever waits for it fails; may be NULL */
};

/* No process: all zero. */
struct dt_peer {
    const struct dt_peer_options *options;
    pid_t pid; /* 0: no process; it leads a process group */
    int line, messages;
    struct dt_build build;
    size_t held;
    char buffer[DT_PROTOCOL_LINE]; /* what it said and was not looked at */
    char last[128];                /* line that it printed on stderr */
};

/*
 * Starts the program as `PROGRAM serve` in a process group of its own, with no more than its
 * standard streams, and waits at most `seconds` to be greeted. It ends when this thread does. The
 * caller ends it with dt_peer_end(); after an error there is no process. DT_INVALID: it is no
 * disentune, or one that speaks another protocol. DT_IO: it cannot be run. DT_NO_MEMORY.
 */
enum dt_status dt_peer_start(struct dt_peer *peer, const struct dt_peer_options *options,
                             double seconds, struct dt_error *error);

/*
 * Sends a request and waits at most `seconds` for the answer that belongs to it. DT_FAILED: it
 * crashed, hung, or answered something else; then it is ended. Other errors are its own, which it
 * told, and name the peer. `doing` completes the line: "while it ran bias on ...".
 */
enum dt_status dt_peer_ask(struct dt_peer *peer, const struct dt_message *request, double seconds,
                           const char *doing, struct dt_message *reply, struct dt_error *error);

/* Ends it and what it may have started, at once. */
void dt_peer_end(struct dt_peer *peer);

#endif
