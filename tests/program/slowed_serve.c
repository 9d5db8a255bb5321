/* SPDX-License-Identifier: MIT */
/* A build that DISENTUNE_SLOWDOWN slows down, as -Dslowdown=true makes one: its plans are. */
#include "tuner/serve.h"

int main(void) { return dt_serve(stdin, stdout, NULL) ? 1 : 0; }
