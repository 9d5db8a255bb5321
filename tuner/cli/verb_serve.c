/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"

#include "tuner/serve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Whatever else prints on standard output goes to standard error, and never between the lines. */
static FILE *take_stdout(void)
{
    const int line = dup(STDOUT_FILENO);
    if (line < 0 || dup2(STDERR_FILENO, STDOUT_FILENO) < 0)
        return NULL;
    return fdopen(line, "w");
}

int verb_serve(int argc, char **argv)
{
    struct dt_error error;
    if (argc > 1 && strcmp(argv[1], "--help") == 0) {
        puts("Usage: disentune serve\n"
             "Prepares and times calls as lines on standard input ask for. `disentune regress` "
             "starts it.");
        return cli_finish(CLI_OK);
    }
    if (argc > 1)
        return cli_fail_text("unexpected argument \"%.80s\"; see `disentune serve --help`",
                             argv[1]);
    if (dt_cpu_check(&error))
        return cli_fail(&error);
    FILE *out = take_stdout();
    if (!out)
        return cli_fail_text("cannot open a stream: %s", strerror(errno));
    int code = dt_serve(stdin, out, &error) ? cli_fail(&error) : CLI_OK;
    fclose(out);
    return code;
}
