/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pieces are cut at a slash, as long as the kernel takes them, and opened with
 * O_PATH, which asks for search permission only, as a path lookup does.
 */
#include "libtreemill/longpath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

/* What is left of a path, and the directory that it starts from. */
struct rest {
    int at;
    bool owned; /* at is ours to close */
    char path[PATH_MAX];
};

static void leave(struct rest *r)
{
    if (r->owned)
        close(r->at);
}

static int step(struct rest *r)
{
    int fd = openat(r->at, r->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    int err = fd < 0 ? -errno : 0;
    leave(r);
    r->at = fd;
    r->owned = fd >= 0;
    return err;
}

static void piece(struct rest *r, const char *path, size_t len)
{
    memcpy(r->path, path, len);
    r->path[len] = '\0';
}

/* Goes down path until what is left fits r->path.  On failure nothing is to
 * be left. */
static int descend(struct rest *r, int at, const char *path, size_t len)
{
    r->at = at;
    r->owned = false;
    while (len >= PATH_MAX) {
        const char *slash = memrchr(path, '/', PATH_MAX - 1);
        if (!slash) {
            leave(r);
            return -ENAMETOOLONG;
        }
        size_t n = (size_t)(slash + 1 - path);
        piece(r, path, n);
        int err = step(r);
        if (err)
            return err;
        for (path += n, len -= n; len && *path == '/'; len--)
            path++;
    }
    if (r->owned && !len)
        piece(r, ".", 1);
    else
        piece(r, path, len);
    return 0;
}

int longpath_open(int at, const char *path, size_t len, int flags)
{
    struct rest r;
    int err = descend(&r, at, path, len);
    if (err)
        return err;
    int fd = openat(r.at, r.path, flags | O_CLOEXEC);
    err = fd < 0 ? -errno : 0;
    leave(&r);
    return err ? err : fd;
}

int longpath_stat(int at, const char *path, size_t len, struct stat *st)
{
    struct rest r;
    int err = descend(&r, at, path, len);
    if (err)
        return err;
    if (fstatat(r.at, r.path, st, 0) < 0)
        err = -errno;
    leave(&r);
    return err;
}
