/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A directory keeps its descriptor only as long as there are directories in
 * it to be opened.  One that has lost its descriptor before that is opened
 * again by its path below the nearest directory that still has one.  That
 * lookup may be led astray by renames, so device and inode are compared.
 */
#include "libtreemill/dirstack.h"

#include "common/io.h"
#include "common/longpath.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>

/* O_NONBLOCK: what was a directory may have become a FIFO. */
static const int open_flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC;

static void close_dir(struct dirstack *s, struct dir *d)
{
    if (d->fd < 0)
        return;
    io_close(&d->fd);
    s->open--;
}

/* Closes the shallowest open directory but the top.  False: there is none. */
static bool close_shallowest(struct dirstack *s)
{
    for (size_t i = 0; i + 1 < s->depth; i++) {
        if (s->dir[i].fd >= 0) {
            close_dir(s, &s->dir[i]);
            return true;
        }
    }
    return false;
}

/* Whether an open failed for want of a descriptor, and one of ours could be
 * closed to make it work. */
static bool try_again(struct dirstack *s, int fd)
{
    return (fd == -EMFILE || fd == -ENFILE) && close_shallowest(s);
}

static int open_root(const char *path, size_t len)
{
    return len ? longpath_open(AT_FDCWD, path, len, open_flags)
               : longpath_open(AT_FDCWD, "/", 1, open_flags);
}

/* Opens the top by its path, from the nearest directory above it that is
 * open. */
static int open_top(const struct dirstack *s, const char *path)
{
    size_t len = dirstack_top(s)->path_len;
    for (size_t i = s->depth - 1; i-- > 0;) {
        size_t skip = s->dir[i].path_len + 1;
        if (s->dir[i].fd >= 0)
            return longpath_open(s->dir[i].fd, path + skip, len - skip,
                                 open_flags);
    }
    return open_root(path, len);
}

static int verify(const struct dir *d, int fd)
{
    struct stat st;
    if (fstat(fd, &st) < 0)
        return -errno;
    return st.st_dev == d->dev && st.st_ino == d->ino ? 0 : -ESTALE;
}

static int reopen_top(struct dirstack *s, const char *path)
{
    struct dir *top = dirstack_top(s);
    int fd;
    do
        fd = open_top(s, path);
    while (try_again(s, fd));
    if (fd < 0)
        return fd;

    int err = verify(top, fd);
    if (err) {
        io_close(&fd);
        return err;
    }
    top->fd = fd;
    s->open++;
    return 0;
}

static int open_child(struct dirstack *s, const char *path, size_t len,
                      size_t base)
{
    if (!s->depth)
        return open_root(path, len);
    struct dir *top = dirstack_top(s);
    int err = top->fd < 0 ? reopen_top(s, path) : 0;
    if (err)
        return err;
    if (s->open >= DIRSTACK_OPEN)
        close_shallowest(s);

    int flags = open_flags | (s->follow ? 0 : O_NOFOLLOW);
    int fd;
    do
        fd = longpath_open(top->fd, path + base, len - base, flags);
    while (try_again(s, fd));
    return fd;
}

static int make_room(struct dirstack *s)
{
    if (s->depth < s->cap)
        return 0;
    size_t cap = s->cap ? 2 * s->cap : 16;
    struct dir *dir = realloc(s->dir, cap * sizeof *dir);
    if (!dir)
        return -ENOMEM;
    s->dir = dir;
    s->cap = cap;
    return 0;
}

int dirstack_push(struct dirstack *s, const char *path, size_t len, size_t base)
{
    int err = make_room(s);
    if (err)
        return err;
    int fd = open_child(s, path, len, base);
    if (s->depth)
        dirstack_settle(s);
    if (fd < 0)
        return fd;
    struct stat st;
    if (fstat(fd, &st) < 0) {
        err = -errno;
        io_close(&fd);
        return err;
    }
    s->dir[s->depth++] = (struct dir){
        .path_len = len, .fd = fd, .dev = st.st_dev, .ino = st.st_ino};
    s->open++;
    return 0;
}

struct dir *dirstack_top(const struct dirstack *s)
{
    assert(s->depth);
    return &s->dir[s->depth - 1];
}

bool dirstack_loops(const struct dirstack *s)
{
    const struct dir *top = dirstack_top(s);
    for (const struct dir *d = s->dir; d < top; d++)
        if (d->ino == top->ino && d->dev == top->dev)
            return true;
    return false;
}

void dirstack_settle(struct dirstack *s)
{
    struct dir *top = dirstack_top(s);
    if (!top->names.dirs)
        close_dir(s, top);
}

void dirstack_pop(struct dirstack *s)
{
    struct dir *top = dirstack_top(s);
    close_dir(s, top);
    dirlist_free(&top->names);
    s->depth--;
}

void dirstack_free(struct dirstack *s)
{
    while (s->depth)
        dirstack_pop(s);
    free(s->dir);
    *s = (struct dirstack){0};
}
