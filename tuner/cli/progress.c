/* SPDX-License-Identifier: MIT */
#include "tuner/cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

static struct {
    char what[80]; /* the work that `start` belongs to */
    double start, start_done;
    double shown; /* when a line was last drawn; 0 if none is on the screen */
} progress;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool wanted(const struct cli_options *options)
{
    const char *terminal = getenv("TERM");
    return !options->quiet && isatty(STDERR_FILENO) && terminal && strcmp(terminal, "dumb") != 0;
}

/* One less than the width: a character in the last column would wrap on some terminals. */
static int columns(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col < 2)
        return 79;
    return size.ws_col - 1;
}

static void print_remaining(char *text, size_t size, double seconds)
{
    if (seconds < 100)
        snprintf(text, size, ", %.0f s left", ceil(seconds));
    else
        snprintf(text, size, ", %.0f min left", ceil(seconds / 60));
}

void cli_progress(const struct cli_options *options, const char *what, double done, double total)
{
    if (!wanted(options))
        return;
    const double t = now();
    if (strncmp(progress.what, what, sizeof progress.what - 1) != 0 || done < progress.start_done) {
        snprintf(progress.what, sizeof progress.what, "%s", what);
        progress.start = t;
        progress.start_done = done;
    } else if (progress.shown > 0 && t - progress.shown < 0.1) {
        return;
    }
    char line[160], remaining[32] = "";
    const double advanced = done - progress.start_done;
    if (advanced > 0 && total > done && t - progress.start > 0.5)
        print_remaining(remaining, sizeof remaining,
                        (t - progress.start) * (total - done) / advanced);
    const double percent = total > 0 ? 100 * fmin(done / total, 1) : 0;
    snprintf(line, sizeof line, "%3.0f %%%s  %s", percent, remaining, progress.what);
    fprintf(stderr, "\r\033[K%.*s", columns(), line);
    fflush(stderr);
    progress.shown = t;
}

void cli_progress_end(const struct cli_options *options)
{
    if (progress.shown > 0 && wanted(options)) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    memset(&progress, 0, sizeof progress);
}
