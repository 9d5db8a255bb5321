/* SPDX-License-Identifier: MIT */
#include "tuner/cli/output.h"

#include "kernels/error.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum dt_status fail(const char *path, struct dt_error *error)
{
    return dt_error_set(error, DT_IO, "cannot write \"%.160s\": %s", path, strerror(errno));
}

static enum dt_status open_temporary(struct cli_output *o, struct dt_error *error)
{
    if (asprintf(&o->temporary, "%s.XXXXXX", o->path) < 0) {
        o->temporary = NULL;
        return dt_error_set(error, DT_NO_MEMORY, "out of memory for a file name");
    }
    int file = mkstemp(o->temporary);
    if (file < 0) {
        fail(o->path, error);
        free(o->temporary);
        return DT_IO;
    }
    const mode_t mask = umask(0);
    umask(mask);
    if (fchmod(file, 0666 & ~mask) == 0 && (o->stream = fdopen(file, "w")))
        return DT_OK;
    fail(o->path, error);
    close(file);
    unlink(o->temporary);
    free(o->temporary);
    return DT_IO;
}

enum dt_status cli_output_open(struct cli_output *o, const char *path, struct dt_error *error)
{
    struct stat status;
    *o = (struct cli_output){.path = path};
    if (strcmp(path, "-") == 0) {
        o->stream = stdout;
        return DT_OK;
    }
    if (stat(path, &status) != 0 || S_ISREG(status.st_mode))
        return open_temporary(o, error);
    o->stream = fopen(path, "we");
    return o->stream ? DT_OK : fail(path, error);
}

enum dt_status cli_output_close(struct cli_output *o, bool keep, struct dt_error *error)
{
    errno = 0;
    bool written = fflush(o->stream) == 0 && !ferror(o->stream);
    if (o->temporary)
        written = written && fsync(fileno(o->stream)) == 0;
    if (!written && errno == 0)
        errno = EIO;
    enum dt_status status = written ? DT_OK : fail(o->path, error);
    if (o->stream != stdout && fclose(o->stream) != 0 && !status)
        status = fail(o->path, error);
    if (o->temporary && keep && !status && rename(o->temporary, o->path) != 0)
        status = fail(o->path, error);
    if (o->temporary && (!keep || status))
        unlink(o->temporary);
    free(o->temporary);
    *o = (struct cli_output){0};
    return status;
}
