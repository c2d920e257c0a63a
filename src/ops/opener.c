/* SPDX-License-Identifier: BSD-2-Clause */
#include "ops/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/io.h"

void opener_init(struct opener *o)
{
    *o = (struct opener){.fd = -1};
}

void opener_free(struct opener *o)
{
    io_close(&o->fd);
    buf_free(&o->dir);
}

/* One open, of a path that the kernel takes in one piece. */
static int open_piece(int dir, const char *path, int flags, bool beneath)
{
    if (!beneath) {
        int fd = openat(dir, path, flags);
        return fd < 0 ? -errno : fd;
    }
    struct open_how how = {.flags = (unsigned)flags,
                           .resolve = RESOLVE_BENEATH};
    int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
    return fd < 0 ? -errno : fd;
}

/* How much of path[0..len) fits one call: up to a slash, that included. */
static size_t piece_len(const char *path, size_t len)
{
    if (len < PATH_MAX)
        return len;
    const char *slash = memrchr(path, '/', PATH_MAX - 1);
    return slash ? (size_t)(slash - path) + 1 : 0;
}

/*
 * Opens a path of any length, directory by directory where it must.  With
 * `beneath`, each piece may not leave the last: stricter than the whole path
 * would be, never laxer.
 */
static int open_path(int dir, const char *path, size_t len, int flags,
                     bool beneath)
{
    char piece[PATH_MAX];
    int at = dir, fd;
    for (;;) {
        size_t n = piece_len(path, len);
        if (!n) {
            fd = -ENAMETOOLONG;
            break;
        }
        memcpy(piece, path, n);
        piece[n] = '\0';
        path += n;
        len -= n;
        fd = open_piece(
            at, piece, len ? O_PATH | O_DIRECTORY | O_CLOEXEC : flags, beneath);
        if (fd < 0 || !len)
            break;
        if (at != dir)
            close(at);
        at = fd;
    }
    if (at != dir)
        close(at);
    return fd;
}

/* Notes the task's directory.  True when it is the one noted last. */
static bool same_dir(struct opener *o, const struct task *t)
{
    size_t had = o->dir.n ? o->dir.n - 1 : 0;
    if (o->dir.n && had == t->base && memcmp(o->dir.p, t->path, had) == 0)
        return true;
    io_close(&o->fd);
    buf_clear(&o->dir);
    buf_put(&o->dir, t->path, t->base);
    buf_putc(&o->dir, '\0');
    return false;
}

/* Opens the file relative to whatever is shortest. */
static int open_task(struct opener *o, const struct task *t, int flags)
{
    if (t->flags & TASK_BENEATH)
        return open_path(AT_FDCWD, t->path, t->len, flags, true);
    if (!t->base)
        return open_path(AT_FDCWD, t->path, t->len, flags, false);
    if (!same_dir(o, t) || buf_error(&o->dir))
        return open_path(AT_FDCWD, t->path, t->len, flags, false);
    if (o->fd < 0)
        o->fd = open_path(AT_FDCWD, t->path, t->base,
                          O_PATH | O_DIRECTORY | O_CLOEXEC, false);
    if (o->fd < 0)
        return o->fd;
    return open_path(o->fd, t->path + t->base, t->len - t->base, flags, false);
}

/* Opening a FIFO or a device can block or do things, so what the walk has not
 * seen to be regular is looked at first, through a descriptor that opens
 * nothing. */
static int refuse_special(struct opener *o, const struct task *t, int nofollow)
{
    struct stat st;
    int fd = open_task(o, t, O_PATH | O_CLOEXEC | nofollow);
    if (fd < 0)
        return fd;
    int err = fstat(fd, &st) < 0 ? -errno : 0;
    close(fd);
    if (err)
        return err;
    return S_ISREG(st.st_mode) ? 0 : S_ISDIR(st.st_mode) ? -EISDIR : -ENOTSUP;
}

int opener_open(struct opener *o, const struct task *t)
{
    int nofollow = t->flags & TASK_FOLLOW ? 0 : O_NOFOLLOW;
    int err = t->flags & TASK_REGULAR ? 0 : refuse_special(o, t, nofollow);
    if (err)
        return err;
    /* O_NONBLOCK: should a FIFO have taken its place, do not wait. */
    int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC | nofollow;
    int fd = open_task(o, t, flags | (o->may_atime ? 0 : O_NOATIME));
    if (fd != -EPERM || o->may_atime)
        return fd;
    o->may_atime = true; /* it takes the file's owner, or root */
    return open_task(o, t, flags);
}
