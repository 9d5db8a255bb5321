/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"

int verb_list(int argc, char **argv)
{
    (void)argc;
    (void)argv;
    const struct dt_variant *variant;
    for (size_t n = 0; (variant = dt_variant_at(n)); n++)
        printf("%-32s %s\n", variant->name, variant->idea);
    return CLI_OK;
}
