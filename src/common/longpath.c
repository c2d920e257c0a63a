/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pieces are cut at a slash, as long as the kernel takes them, and opened with
 * O_PATH, which asks for search permission only, as a path lookup does.
 */
#include "common/longpath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* What is left of a path, and the directory that it starts from. */
struct rest {
    int at;
    bool owned; /* at is ours to close */
    bool beneath;
    char path[PATH_MAX];
};

static void leave(struct rest *r)
{
    if (r->owned)
        close(r->at);
}

/* The descriptor of what r holds, or a negative errno. */
static int open_rest(const struct rest *r, int flags)
{
    if (!r->beneath) {
        int fd = openat(r->at, r->path, flags | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
    }
    struct open_how how = {.flags = (unsigned)flags | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH};
    long fd;
    int tries = 0;
    do /* EAGAIN: something was renamed meanwhile, and it could not be sure */
        fd = syscall(SYS_openat2, r->at, r->path, &how, sizeof how);
    while (fd < 0 && errno == EAGAIN && ++tries < 100);
    return fd < 0 ? -errno : (int)fd;
}

static int step(struct rest *r)
{
    int fd = open_rest(r, O_PATH | O_DIRECTORY);
    leave(r);
    r->at = fd;
    r->owned = fd >= 0;
    return fd < 0 ? fd : 0;
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

static int open_whole(int at, const char *path, size_t len, int flags,
                      bool beneath)
{
    struct rest r;
    r.owned = false;
    r.beneath = beneath;
    int err = descend(&r, at, path, len);
    if (err)
        return err;
    int fd = open_rest(&r, flags);
    leave(&r);
    return fd;
}

int longpath_open(int at, const char *path, size_t len, int flags)
{
    return open_whole(at, path, len, flags, false);
}

int longpath_open_beneath(int at, const char *path, size_t len, int flags)
{
    return open_whole(at, path, len, flags, true);
}

int longpath_stat(int at, const char *path, size_t len, struct stat *st)
{
    struct rest r;
    r.owned = r.beneath = false;
    int err = descend(&r, at, path, len);
    if (err)
        return err;
    if (fstatat(r.at, r.path, st, 0) < 0)
        err = -errno;
    leave(&r);
    return err;
}
