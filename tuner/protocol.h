/* SPDX-License-Identifier: MIT */
/*
 * What a comparison says to the two builds that it compares, and what they answer: lines of JSON
 * on the standard streams of `disentune serve`. Neither end trusts the other: a line that is not
 * as it should be is an error that says so, never a crash.
 *
 *     serve     {"hello":...}       once, unasked: the protocol's version and the build
 *     compare   {"prepare":...}     one operation on one problem, in place of the one before
 *     serve     {"prepared":...}    what it chose to run, and whether that computes the right thing
 *     compare   {"run":...}         so many calls
 *     serve     {"ran":...}         how long they took and what disturbed them
 *     serve     {"error":...}       in place of any answer; what was prepared is so no longer
 *
 * Other keys are ignored. serve ends when its input does.
 */
#ifndef DISENTUNE_PROTOCOL_H
#define DISENTUNE_PROTOCOL_H

#include "reports/evidence.h"

/* The version counts up when a line changes its meaning, or the operands that a seed gives. */
#define DT_PROTOCOL 1

/* A line with its end; a longer one is malformed. */
#define DT_PROTOCOL_LINE 4096

struct dt_hello {
    int protocol;
    struct dt_build build;
};

struct dt_prepare {
    struct dt_subject subject; /* a variant without parts, or "" where the build takes its own
                                  choice; a tile of 0 is left to the build, too */
    uint64_t seed;             /* of the operands */
    bool check;                /* validate the choice against the reference first */
};

struct dt_prepared {
    struct dt_subject subject; /* as it was chosen */
    char choice[256];          /* the same in words, with all parts */
    char code[20];             /* see tuner/code.h */
    char operands[20];         /* a digest of them; "" unless checked */
    bool right;                /* validated and right; false unless checked */
    char reason[640];          /* what is wrong; "" if it is right */
};

#define DT_PROTOCOL_CALLS_MAX ((uint64_t)1 << 40)

struct dt_run {
    uint64_t warm, calls; /* calls that are not timed, then those that are */
};

struct dt_ran {
    double ns;      /* of all calls */
    unsigned gates; /* 1 << enum dt_gate of each that failed */
};

/* What a line says. */
enum dt_say { DT_SAY_HELLO, DT_SAY_PREPARE, DT_SAY_PREPARED, DT_SAY_RUN, DT_SAY_RAN, DT_SAY_ERROR };

struct dt_message {
    enum dt_say say;
    union {
        struct dt_hello hello;
        struct dt_prepare prepare;
        struct dt_prepared prepared;
        struct dt_run run;
        struct dt_ran ran;
        struct dt_error error;
    };
};

/* The message as one line with its end. Returns its length, 0 without memory. Texts that are too
 * long for the line, which no build has, do not occur. */
size_t dt_message_print(const struct dt_message *message, char line[DT_PROTOCOL_LINE]);

/* The line without its end, of this length. DT_INVALID, which quotes what is no message. */
enum dt_status dt_message_parse(const char *line, size_t length, struct dt_message *message,
                                struct dt_error *error);

#endif
