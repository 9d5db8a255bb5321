/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_fail_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("disentune: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return CLI_USAGE;
}

int cli_fail(const struct dt_error *error) { return cli_fail_text("%s", error->text); }

bool cli_colour(FILE *stream)
{
    const char *refuse = getenv("NO_COLOR"), *terminal = getenv("TERM");
    return !(refuse && *refuse) && terminal && strcmp(terminal, "dumb") != 0 &&
           isatty(fileno(stream));
}

int cli_finish(int code)
{
    errno = 0;
    if (code == CLI_USAGE || (fflush(stdout) == 0 && !ferror(stdout)))
        return code;
    return cli_fail_text("cannot write standard output: %s", strerror(errno ? errno : EIO));
}
