/* SPDX-License-Identifier: MIT */
/* made_up_evidence [SAMPLES]: made-up evidence as JSON Lines on standard output. */
#include "tests/made_up.h"

#include <stdlib.h>

int main(int argc, char **argv)
{
    struct dt_evidence evidence;
    struct dt_error error = {0};
    const size_t samples = argc > 1 ? strtoul(argv[1], NULL, 10) : 24;
    if (!made_up_evidence(&evidence, samples) || dt_evidence_write(stdout, &evidence, &error))
        return 1;
    dt_evidence_clear(&evidence);
    return 0;
}
