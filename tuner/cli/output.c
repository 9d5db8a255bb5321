/* SPDX-License-Identifier: MIT */
#include "tuner/cli/output.h"

#include "kernels/error.h"
#include "tuner/cli/cli.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static enum dt_status fail(const char *path, int reason, struct dt_error *error)
{
    return dt_error_set(error, DT_IO, "cannot write \"%.120s\": %s", path, strerror(reason));
}

enum dt_status cli_output_open(struct cli_output *o, const char *path, struct dt_error *error)
{
    struct stat is;
    *o = (struct cli_output){.path = path};
    if (strcmp(path, "-") == 0) {
        o->stream = stdout;
        return DT_OK;
    }
    if (stat(path, &is) == 0 && !S_ISREG(is.st_mode)) {
        o->stream = fopen(path, "we");
        return o->stream ? DT_OK : fail(path, errno, error);
    }
    enum dt_status status = dt_file_begin(&o->draft, path, error);
    o->stream = o->draft.stream;
    return status;
}

enum dt_status cli_output_close(struct cli_output *o, bool keep, struct dt_error *error)
{
    if (o->draft.stream)
        return dt_file_end(&o->draft, keep, error);
    const int reason = dt_file_flush(o->stream);
    enum dt_status status = reason ? fail(o->path, reason, error) : DT_OK;
    if (o->stream != stdout)
        fclose(o->stream);
    return status;
}

int cli_output_finish(struct cli_output *o, bool complete)
{
    struct dt_error error;
    if (cli_output_close(o, complete, &error))
        return cli_fail(&error);
    return complete ? CLI_OK
                    : cli_fail_text("cannot write \"%.120s\": no memory, or a text is not UTF-8",
                                    o->path);
}
