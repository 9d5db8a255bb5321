/* SPDX-License-Identifier: MIT */
#include "tests/child_fixture.h"
#include "tuner/peer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What programs say and do is in tests/program/regress; here is what would take long there. */
TestSuite(peer, .init = need_children);

/* A shell script that greets and then runs `rest`. */
struct script {
    char folder[32], path[48];
};

static void write_script(struct script *script, const char *rest)
{
    struct dt_message hello = {.say = DT_SAY_HELLO, .hello.protocol = DT_PROTOCOL};
    char line[DT_PROTOCOL_LINE];
    const size_t length = dt_message_print(&hello, line);
    cr_assert_gt(length, 0);
    snprintf(script->folder, sizeof script->folder, "/tmp/test_peer.XXXXXX");
    cr_assert(mkdtemp(script->folder));
    snprintf(script->path, sizeof script->path, "%s/peer", script->folder);
    FILE *file = fopen(script->path, "we");
    cr_assert(file);
    fprintf(file, "#!/bin/sh\necho '%.*s'\n%s\n", (int)length - 1, line, rest);
    cr_assert_eq(fclose(file), 0);
    cr_assert_eq(chmod(script->path, 0700), 0);
}

static void remove_script(const struct script *script)
{
    unlink(script->path);
    rmdir(script->folder);
}

static const struct dt_message any_run = {.say = DT_SAY_RUN, .run = {.warm = 1, .calls = 2}};

static bool is_gone(pid_t pid) { return kill(pid, 0) != 0 && errno == ESRCH; }

Test(peer, one_that_hangs_is_ended_with_all_that_it_started)
{
    struct script script;
    struct dt_peer peer;
    struct dt_message reply;
    struct dt_error error;
    write_script(&script, "sleep 1000 & echo $! >&2; wait");
    const struct dt_peer_options options = {.name = "HEAD", .program = script.path};
    cr_assert_eq(dt_peer_start(&peer, &options, 60, &error), DT_OK, "%s", error.text);
    const pid_t pid = peer.pid;
    cr_assert_eq(dt_peer_ask(&peer, &any_run, 2, "while it ran", &reply, &error), DT_FAILED);
    cr_expect(strstr(error.text, "did not answer within 2 s while it ran"), "%s", error.text);
    cr_expect_eq(peer.pid, 0);
    cr_expect(is_gone(pid));
    const pid_t grandchild = atoi(peer.last);
    cr_assert_gt(grandchild, 1);
    for (int n = 0; n < 500 && !is_gone(grandchild); n++)
        usleep(10000); /* whoever inherits it has to reap it */
    cr_expect(is_gone(grandchild));
    remove_script(&script);
}

Test(peer, answers_what_it_is_asked)
{
    struct script script;
    struct dt_peer peer;
    struct dt_message reply;
    struct dt_error error;
    write_script(&script, "while read -r line; do case $line in\n"
                          "'{\"run\":{\"warm\":1,\"calls\":2}}')\n"
                          "printf '{\"ran\":{\"ns\":'; sleep 0.1; echo '25.5,\"gates\":3}}' ;;\n"
                          "*) echo '{\"error\":{\"status\":2,\"text\":\"never heard\"}}' ;;\n"
                          "esac done");
    const struct dt_peer_options options = {.name = "BASE", .program = script.path};
    cr_assert_eq(dt_peer_start(&peer, &options, 60, &error), DT_OK, "%s", error.text);
    cr_assert_eq(dt_peer_ask(&peer, &any_run, 60, "", &reply, &error), DT_OK, "%s", error.text);
    cr_expect(reply.say == DT_SAY_RAN && reply.ran.ns == 25.5 && reply.ran.gates == 3);
    const struct dt_message other = {.say = DT_SAY_RUN, .run = {.calls = 1}};
    cr_expect_eq(dt_peer_ask(&peer, &other, 60, "", &reply, &error), DT_UNSUPPORTED);
    cr_expect_str_eq(error.text, "BASE: never heard");
    cr_expect_gt(peer.pid, 0, "an error of its own does not end it");
    cr_expect_eq(dt_peer_ask(&peer, &any_run, 60, "", &reply, &error), DT_OK, "%s", error.text);
    dt_peer_end(&peer);
    dt_peer_end(&peer);
    remove_script(&script);
}

Test(peer, a_signal_for_the_caller_ends_the_waiting)
{
    static volatile sig_atomic_t stop = 0;
    struct script script;
    struct dt_peer peer;
    struct dt_message reply;
    struct dt_error error;
    write_script(&script, "sleep 1000");
    const struct dt_peer_options options = {.name = "HEAD", .program = script.path, .stop = &stop};
    cr_assert_eq(dt_peer_start(&peer, &options, 60, &error), DT_OK, "%s", error.text);
    stop = 1;
    cr_expect_eq(dt_peer_ask(&peer, &any_run, 600, "", &reply, &error), DT_FAILED);
    cr_expect_eq(peer.pid, 0);
    remove_script(&script);
}

Test(peer, has_the_environment_it_is_given)
{
    struct script script;
    struct dt_peer peer;
    struct dt_message reply;
    struct dt_error error;
    write_script(&script, "echo \"$A $B ${#DISENTUNE_PADDING} $DISENTUNE_CAPTURE.\" >&2; read x");
    cr_assert(setenv("A", "outer", 1) == 0 && setenv("B", "kept", 1) == 0 &&
              setenv("DISENTUNE_CAPTURE", "file", 1) == 0);
    const struct dt_peer_options options = {.name = "HEAD",
                                            .program = script.path,
                                            .variables = (const char *const[]){"A=own", NULL},
                                            .padding = 321};
    cr_assert_eq(dt_peer_start(&peer, &options, 60, &error), DT_OK, "%s", error.text);
    dt_peer_ask(&peer, &any_run, 60, "", &reply, &error);
    cr_expect_str_eq(peer.last, "own kept 321 .");
    dt_peer_end(&peer);
    remove_script(&script);
}
