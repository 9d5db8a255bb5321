/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdlib.h>

bool cli_selects(const struct cli_options *options, const struct dt_variant *variant)
{
    if (options->op == DT_OP_COUNT ? variant->op == DT_OP_PROBE : variant->op != options->op)
        return false;
    return !options->variant || fnmatch(options->variant, variant->name, 0) == 0;
}

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
