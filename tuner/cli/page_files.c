/* SPDX-License-Identifier: MIT */
#include "tuner/cli/page_files.h"

#include "reports/formats.h"
#include "tuner/cli/cli.h"
#include "tuner/cli/output.h"

#include <stdlib.h>

void cli_page_files_add(struct cli_page_files *files, const char *path)
{
    const struct dt_format *format;
    struct dt_error error;
    if (!*path)
        exit(cli_fail_text("--report is empty; give a file name"));
    if (files->count == CLI_PAGE_FILES_MAX)
        exit(cli_fail_text("--report is given more than %d times", CLI_PAGE_FILES_MAX));
    if (dt_format_of_path(path, &format, &error))
        exit(cli_fail(&error));
    files->path[files->count++] = path;
}

static enum dt_status write_one(const char *path, const struct dt_evidence *evidence,
                                struct dt_error *error)
{
    const struct dt_format *format;
    const struct dt_terminal none = {0};
    struct cli_output output;
    enum dt_status status = dt_format_of_path(path, &format, error);
    if (!status && format == dt_format_at(0))
        format = dt_format_find("markdown");
    if (!status)
        status = cli_output_open(&output, path, error);
    if (status)
        return status;
    status = dt_format_print(format, output.stream, evidence, &none, error);
    if (status) {
        cli_output_close(&output, false, NULL);
        return status;
    }
    return cli_output_close(&output, true, error);
}

enum dt_status cli_page_files_write(const struct cli_page_files *files,
                                    const struct dt_finding *finding, struct dt_error *error)
{
    struct dt_finding session = *finding;
    const struct dt_evidence evidence = {&session, 1};
    enum dt_status status = DT_OK;
    for (size_t f = 0; f < files->count && !status; f++)
        status = write_one(files->path[f], &evidence, error);
    return status;
}
