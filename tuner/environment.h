/* SPDX-License-Identifier: MIT */
/* What may make the same code on the same machine run at another speed. */
#ifndef DISENTUNE_ENVIRONMENT_H
#define DISENTUNE_ENVIRONMENT_H

#include "tuner/machine.h"

#define DT_ENVIRONMENT_MAX 256

/*
 * Facts with blanks between them, those that the system tells, in this order:
 *
 *     governor:performance   of the clock frequency, of the first processor
 *     turbo:on               or off
 *     aslr:2                 randomisation of addresses, 0 to 2; 0 also if this process has none
 *     thp:madvise            transparent huge pages
 *     processors:2/8         that may be used, of those there are
 *     quota:1.5              processors' worth of time that the control groups grant, or none
 *     hypervisor:vm          "bare", "vm" or "unknown"
 *     kernel:6.1.0
 *
 * `root` is "" or a folder that stands for the root of the file system. Returns `text`.
 */
const char *dt_environment_read(const char *root, const struct dt_machine *machine,
                                char text[DT_ENVIRONMENT_MAX]);

#endif
