/* SPDX-License-Identifier: BSD-2-Clause */
#include "ops/opener.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "common/io.h"
#include "common/longpath.h"

enum { KEEP_MS = 100 };

void opener_init(struct opener *o)
{
    *o = (struct opener){.fd = -1};
}

void opener_free(struct opener *o)
{
    io_close(&o->fd);
    buf_free(&o->dir);
}

static uint64_t coarse_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Notes the task's directory.  True when it is the one noted last, and that is
 * not long ago. */
static bool same_dir(struct opener *o, const struct task *t)
{
    size_t had = o->dir.n ? o->dir.n - 1 : 0;
    uint64_t now = coarse_ms();
    if (o->dir.n && had == t->base && now < o->since + KEEP_MS &&
        memcmp(o->dir.p, t->path, had) == 0)
        return true;
    io_close(&o->fd);
    o->since = now;
    buf_clear(&o->dir);
    buf_put(&o->dir, t->path, t->base);
    buf_putc(&o->dir, '\0');
    return false;
}

/* Opens the file relative to whatever is shortest. */
static int open_task(struct opener *o, const struct task *t, int flags)
{
    if (t->flags & TASK_BENEATH)
        return longpath_open_beneath(AT_FDCWD, t->path, t->len, flags);
    if (!t->base || !same_dir(o, t) || buf_error(&o->dir))
        return longpath_open(AT_FDCWD, t->path, t->len, flags);
    if (o->fd < 0)
        o->fd = longpath_open(AT_FDCWD, t->path, t->base, O_PATH | O_DIRECTORY);
    if (o->fd < 0)
        return longpath_open(AT_FDCWD, t->path, t->len, flags);
    return longpath_open(o->fd, t->path + t->base, t->len - t->base, flags);
}

/* Opening a FIFO or a device can block or do things, so what the walk has not
 * seen to be regular is looked at first, through a descriptor that opens
 * nothing. */
static int refuse_special(struct opener *o, const struct task *t, int nofollow)
{
    struct stat st;
    int fd = open_task(o, t, O_PATH | nofollow);
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
    int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | nofollow;
    int fd = open_task(o, t, flags | (o->may_atime ? 0 : O_NOATIME));
    if (fd == -EPERM && !o->may_atime) {
        o->may_atime = true; /* it takes the file's owner, or root */
        fd = open_task(o, t, flags);
    }
    if (fd == -EMFILE && io_close(&o->fd) == 0)
        fd = longpath_open(AT_FDCWD, t->path, t->len, flags);
    return fd;
}
