/* SPDX-License-Identifier: MIT */
#include "kernels/file.h"

#include "kernels/error.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum dt_status fail(const char *verb, const char *path, int reason, struct dt_error *error)
{
    return dt_error_set(error, DT_IO, "cannot %s \"%.120s\": %s", verb, path, strerror(reason));
}

static enum dt_status check_readable(const char *path, const struct stat *is, size_t most,
                                     struct dt_error *error)
{
    if (!S_ISREG(is->st_mode))
        return dt_error_set(error, DT_INVALID, "\"%.120s\" is not a regular file", path);
    if (is->st_mode & S_IWOTH)
        return dt_error_set(error, DT_INVALID,
                            "\"%.120s\" is writable by every user; \"chmod o-w\" it", path);
    if ((uintmax_t)is->st_size > most)
        return dt_error_set(error, DT_INVALID, "\"%.120s\" has %jd bytes; at most %zu are read",
                            path, (intmax_t)is->st_size, most);
    return DT_OK;
}

/* Up to `size` bytes; fewer only at the end of the file. -1 with errno on failure. */
static ssize_t read_all(int file, char *text, size_t size)
{
    size_t done = 0;
    while (done < size) {
        ssize_t got = read(file, text + done, size - done);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

enum dt_status dt_file_read(const char *path, size_t most, char **text, size_t *size,
                            struct dt_error *error)
{
    /* Not to hang on a pipe that nobody writes to. */
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return fail("open", path, errno, error);
    struct stat is;
    enum dt_status status = DT_OK;
    if (fstat(file, &is) != 0)
        status = fail("read", path, errno, error);
    else
        status = check_readable(path, &is, most, error);
    char *buffer = NULL;
    if (!status) {
        buffer = malloc((size_t)is.st_size + 1);
        ssize_t got = buffer ? read_all(file, buffer, (size_t)is.st_size) : 0;
        if (!buffer)
            status = dt_error_set(error, DT_NO_MEMORY, "no memory to read \"%.120s\"", path);
        else if (got < 0)
            status = fail("read", path, errno, error);
        else
            buffer[ *size = (size_t)got] = '\0';
    }
    close(file);
    if (status)
        free(buffer);
    else
        *text = buffer;
    return status;
}

static int open_temporary(const char *path, char **name)
{
    for (int n = 0; n < 100; n++) {
        if (asprintf(name, "%s.%ld-%d.tmp", path, (long)getpid(), n) < 0) {
            *name = NULL;
            errno = ENOMEM;
            return -1;
        }
        int file = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (file >= 0)
            return file;
        free(*name);
        *name = NULL;
        if (errno != EEXIST)
            return -1;
    }
    return -1;
}

/* Makes the rename last; file systems that cannot are no reason to fail. */
static void sync_folder(char *path)
{
    int folder = open(dirname(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return;
    fsync(folder);
    close(folder);
}

/* Where the path leads to; a new string, of the path itself if nothing is there yet. */
static enum dt_status find_target(const char *path, char **target, struct dt_error *error)
{
    struct stat is;
    *target = realpath(path, NULL);
    if (!*target && errno != ENOENT)
        return fail("write", path, errno, error);
    if (!*target)
        *target = strdup(path);
    else if (stat(*target, &is) == 0 && !S_ISREG(is.st_mode)) {
        free(*target);
        return dt_error_set(error, DT_INVALID, "\"%.120s\" is not a regular file", path);
    }
    return *target ? DT_OK
                   : dt_error_set(error, DT_NO_MEMORY, "no memory to write \"%.120s\"", path);
}

enum dt_status dt_file_begin(struct dt_file_draft *draft, const char *path, struct dt_error *error)
{
    *draft = (struct dt_file_draft){.path = path};
    enum dt_status status = find_target(path, &draft->target, error);
    if (status)
        return status;
    int file = open_temporary(draft->target, &draft->temporary);
    if (file >= 0 && (draft->stream = fdopen(file, "w")))
        return DT_OK;
    status = fail("write", path, errno, error);
    if (file >= 0) {
        close(file);
        unlink(draft->temporary);
    }
    free(draft->target);
    free(draft->temporary);
    *draft = (struct dt_file_draft){0};
    return status;
}

int dt_file_flush(FILE *stream)
{
    errno = 0;
    if (fflush(stream) == 0 && !ferror(stream))
        return 0;
    if (!errno && fputc('\n', stream) != EOF)
        fflush(stream);
    return errno ? errno : EIO;
}

enum dt_status dt_file_end(struct dt_file_draft *draft, bool keep, struct dt_error *error)
{
    int reason = dt_file_flush(draft->stream);
    if (!reason && keep && fsync(fileno(draft->stream)) != 0)
        reason = errno;
    if (fclose(draft->stream) != 0 && !reason)
        reason = errno;
    if (keep && !reason && rename(draft->temporary, draft->target) != 0)
        reason = errno;
    if (keep && !reason)
        sync_folder(draft->target);
    else
        unlink(draft->temporary);
    enum dt_status status = reason ? fail("write", draft->path, reason, error) : DT_OK;
    free(draft->target);
    free(draft->temporary);
    *draft = (struct dt_file_draft){0};
    return status;
}

enum dt_status dt_file_write(const char *path, const char *text, size_t size,
                             struct dt_error *error)
{
    struct dt_file_draft draft;
    enum dt_status status = dt_file_begin(&draft, path, error);
    if (status)
        return status;
    if (fwrite(text, 1, size, draft.stream) == size)
        return dt_file_end(&draft, true, error);
    status = fail("write", path, errno, error);
    dt_file_end(&draft, false, NULL);
    return status;
}
