/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"

#include <string.h>

static const struct cli_verb verbs[] = {
    {"list", "list the variants of this build", verb_list},
};

int main(int argc, char **argv)
{
    for (size_t v = 0; argc > 1 && v < sizeof verbs / sizeof *verbs; v++)
        if (strcmp(verbs[v].name, argv[1]) == 0)
            return verbs[v].run(argc - 1, argv + 1);
    return cli_fail_text("usage: disentune VERB [OPTION...]");
}
