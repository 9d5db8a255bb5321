/* SPDX-License-Identifier: MIT */
/* `info --noise`, and the gates that fired in a run. */
#ifndef DISENTUNE_NOISE_TABLE_H
#define DISENTUNE_NOISE_TABLE_H

#include "tuner/cli/cli.h"
#include "tuner/noise.h"

#define CLI_NOISE_TEXT_MAX 256

/* How often each gate fired, "preemption 12, slow-canary 3"; "none" if none did. */
const char *cli_gates_text(const struct dt_sampler *sampler, char text[CLI_NOISE_TEXT_MAX]);

/* The verdict in one line, e.g. "quiet: differences of 1 % can be told". */
const char *cli_noise_verdict(const struct dt_noise *noise, char text[CLI_NOISE_TEXT_MAX]);

void cli_noise_print(FILE *stream, const struct dt_noise *noise);

/* Measures this machine's noise for about so many seconds and prints it, or writes it to --json.
 * Returns the exit code. */
int cli_noise_run(const struct cli_options *options, double seconds);

#endif
