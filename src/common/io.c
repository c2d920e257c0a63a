/* SPDX-License-Identifier: BSD-2-Clause */
#include "common/io.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/sig.h"

ssize_t io_read(int fd, void *to, size_t n)
{
    for (;;) {
        if (sig_stop)
            return -EINTR;
        ssize_t got = read(fd, to, n);
        if (got >= 0)
            return got;
        if (errno != EINTR)
            return -errno;
    }
}

ssize_t io_read_full(int fd, void *to, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t got = io_read(fd, (char *)to + done, n - done);
        if (got < 0)
            return got;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (ssize_t)done;
}

int io_write_full(int fd, const void *from, size_t n)
{
    size_t done = 0;
    while (done < n) {
        ssize_t put = write(fd, (const char *)from + done, n - done);
        if (put < 0 && errno != EINTR)
            return -errno;
        done += put > 0 ? (size_t)put : 0;
        if (done < n && sig_stop)
            return -EINTR;
    }
    return 0;
}

int io_close(int *fd)
{
    if (*fd < 0)
        return 0;
    int err = close(*fd) < 0 ? -errno : 0;
    *fd = -1;
    return err;
}

int io_above_stdio(int fd)
{
    if (fd < 0 || fd > STDERR_FILENO)
        return fd;
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    int err = errno;
    close(fd);
    errno = err;
    return moved;
}
