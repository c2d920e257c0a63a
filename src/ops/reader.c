/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * read(2) into a buffer, never mmap(2): a file that is truncated meanwhile is
 * then a short read, not a SIGBUS.
 */
#include "ops/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/io.h"

enum {
    BUFFER_BYTES = 1024 * 1024,
    SEQUENTIAL_BYTES = 4 * 1024 * 1024 /* smaller: not worth the call */
};

int reader_init(struct reader *r)
{
    opener_init(&r->opener);
    r->digester = digester_new();
    /* On a page: the kernel copies to it up to half as fast again. */
    r->buffer = aligned_alloc(4096, BUFFER_BYTES);
    if (r->digester && r->buffer)
        return 0;
    reader_free(r);
    return -ENOMEM;
}

void reader_free(struct reader *r)
{
    opener_free(&r->opener);
    digester_free(r->digester);
    free(r->buffer);
}

static int open_stdin(void)
{
    int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    return fd < 0 ? -errno : fd;
}

int reader_open(struct reader *r, const struct task *t, struct stat *st)
{
    bool in = t->flags & TASK_STDIN;
    int fd = in ? open_stdin() : opener_open(&r->opener, t);
    if (fd < 0)
        return fd;
    int err = fstat(fd, st) < 0 ? -errno : 0;
    if (!err && !in && !S_ISREG(st->st_mode))
        err = S_ISDIR(st->st_mode) ? -EISDIR : -ENOTSUP;
    if (err) {
        close(fd);
        return err;
    }
    if (S_ISREG(st->st_mode) && st->st_size >= SEQUENTIAL_BYTES)
        posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    return fd;
}

static bool same_time(struct timespec a, struct timespec b)
{
    return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_state(const struct stat *a, const struct stat *b)
{
    return a->st_size == b->st_size && same_time(a->st_mtim, b->st_mtim) &&
           same_time(a->st_ctim, b->st_ctim);
}

/* Not all file systems tell true sizes: only a change of it is proof. */
static bool has_grown(int fd, const struct stat *before)
{
    struct stat now;
    return fstat(fd, &now) == 0 && now.st_size != before->st_size;
}

/*
 * Reads to the end.  Where a regular file has given as many bytes as it has,
 * the read that would return 0 is saved: should there be more by now, its size
 * differs in the fstat(2) that follows.  A size of 0 proves nothing (proc(5)).
 * A file that grows is not chased to an end that it may never have.
 */
static int pass(struct reader *r, tmill_ctx *ctx, int fd, unsigned mask,
                const struct stat *st, uint64_t *bytes)
{
    uint64_t size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
    int err = digester_begin(r->digester, mask);
    *bytes = 0;
    while (!err) {
        ssize_t n = io_read(fd, r->buffer, BUFFER_BYTES);
        if (n <= 0)
            return (int)n;
        *bytes += (uint64_t)n;
        tmill_progress(ctx, (uint64_t)n);
        err = digester_update(r->digester, r->buffer, (size_t)n);
        if (*bytes == size || (size && *bytes > size && has_grown(fd, st)))
            break;
    }
    return err;
}

int reader_digest(struct reader *r, tmill_ctx *ctx, int fd, unsigned mask,
                  struct stat *st)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        uint64_t bytes;
        struct stat before = *st;
        int err = pass(r, ctx, fd, mask, &before, &bytes);
        if (err)
            return err;
        if (!S_ISREG(before.st_mode)) {
            st->st_size = (off_t)bytes;
            return 0;
        }
        if (fstat(fd, st) < 0)
            return -errno;
        if (same_state(&before, st))
            return 0;
        tmill_progress(ctx, -bytes); /* it is read again, or not counted */
        if (lseek(fd, 0, SEEK_SET) < 0)
            return -errno;
    }
    return READER_CHANGED;
}

int reader_fail(tmill_ctx *ctx, int result)
{
    if (result == READER_CHANGED)
        return tmill_fail(ctx, -ESTALE, "changed while being read");
    if (result == -ENOTSUP)
        return tmill_fail(ctx, result, "not a regular file");
    if (result == -ELOOP)
        return tmill_fail(ctx, result, "a loop of symbolic links");
    return tmill_fail(ctx, result, "%s", strerror(-result));
}
