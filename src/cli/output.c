/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/msg.h"
#include "common/io.h"
#include "common/sig.h"

enum { FLUSH_BYTES = 64 * 1024, FLUSH_NS = 100 * 1000 * 1000 };

static int complain(struct output *o, int err)
{
    /* A pipe that nobody reads any more is how `| head` says thanks. */
    if (err == -EPIPE && o->fd == STDOUT_FILENO && sig_pipe_is_deadly())
        o->reader_gone = true;
    else if (err != -EINTR)
        msg_say("%s: %s", o->name, strerror(-err));
    return err;
}

void output_honour_pipe(const struct output *o)
{
    if (o->reader_gone)
        sig_die(SIGPIPE);
}

static void remember(struct output *o, const struct stat *st)
{
    o->files[o->nfiles++] = (tmill_fileid){st->st_dev, st->st_ino};
}

static int open_stdout(struct output *o)
{
    struct stat st;
    o->name = "standard output";
    o->fd = STDOUT_FILENO;
    if (fstat(o->fd, &st) < 0)
        return complain(o, -errno);
    if (S_ISREG(st.st_mode))
        remember(o, &st);
    return 0;
}

/* The directory of target, with its slash, then a name of our own. */
static char *temp_name(const char *target)
{
    static const char name[] = ".treemill-XXXXXX";
    const char *slash = strrchr(target, '/');
    size_t ndir = slash ? (size_t)(slash - target) + 1 : 0;
    char *temp = malloc(ndir + sizeof name);
    if (!temp)
        return NULL;
    memcpy(temp, target, ndir);
    memcpy(temp + ndir, name, sizeof name);
    return temp;
}

static mode_t default_mode(void)
{
    mode_t mask = umask(0);
    umask(mask);
    return 0666 & ~mask;
}

/* What replaces a file has its owner and mode, as far as we may. */
static int dress(int fd, const struct stat *old)
{
    if (!old)
        return fchmod(fd, default_mode()) < 0 ? -errno : 0;
    /* EINVAL: an owner that this user namespace does not know. */
    if (fchown(fd, old->st_uid, old->st_gid) < 0 && errno != EPERM &&
        errno != EINVAL)
        return -errno;
    return fchmod(fd, old->st_mode & 07777) < 0 ? -errno : 0;
}

static int open_temp(struct output *o, const struct stat *old)
{
    struct stat st;
    o->temp = temp_name(o->target);
    if (!o->temp)
        return -ENOMEM;
    o->fd = mkostemp(o->temp, O_CLOEXEC);
    if (o->fd < 0) {
        int err = -errno;
        free(o->temp);
        o->temp = NULL;
        return err;
    }
    int err = dress(o->fd, old);
    if (!err && fstat(o->fd, &st) < 0)
        err = -errno;
    if (!err)
        remember(o, &st);
    return err;
}

/* dir[0..n), a slash, name: a new string. */
static char *join(const char *dir, size_t n, const char *name)
{
    char *path = malloc(n + strlen(name) + 2);
    if (!path)
        return NULL;
    memcpy(path, dir, n);
    path[n] = '/';
    strcpy(path + n + 1, name);
    return path;
}

/* The path, made absolute: the working directory may change until it is
 * used. */
static char *absolute(const char *path)
{
    if (*path == '/')
        return strdup(path);
    char *cwd = getcwd(NULL, 0);
    char *whole = cwd ? join(cwd, strlen(cwd), path) : NULL;
    free(cwd);
    return whole;
}

/* What the symbolic link at the absolute path names, absolute too; NULL with
 * EINVAL when it is not a link. */
static char *link_target(const char *path)
{
    char to[PATH_MAX];
    ssize_t n = readlink(path, to, sizeof to - 1);
    if (n < 0)
        return NULL;
    to[n] = '\0';
    return *to == '/' ? strdup(to)
                      : join(path, (size_t)(strrchr(path, '/') - path), to);
}

/* The file that is to appear, behind any symbolic links, which stay. */
static char *resolve(const char *path)
{
    char *at = absolute(path), *next;
    while (at && (next = link_target(at))) {
        free(at);
        at = next;
    }
    return at;
}

static int open_file(struct output *o, const char *path)
{
    struct stat st;
    bool exists = stat(path, &st) == 0; /* ELOOP ends here */
    if (!exists && errno != ENOENT)
        return -errno;
    if (exists && !S_ISREG(st.st_mode)) {
        o->fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
        return o->fd < 0 ? -errno : 0;
    }
    o->target = resolve(path);
    if (!o->target)
        return -errno;
    if (exists)
        remember(o, &st);
    return open_temp(o, exists ? &st : NULL);
}

int output_open(struct output *o, const char *path)
{
    *o = (struct output){.fd = -1, .name = path};
    if (!path)
        return open_stdout(o);
    int err = open_file(o, path);
    if (!err)
        return 0;
    complain(o, err);
    output_close(o);
    return err;
}

static uint64_t coarse_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int output_flush(struct output *o)
{
    int err = buf_error(&o->buf);
    if (!err && o->buf.n)
        err = io_write_full(o->fd, o->buf.p, o->buf.n);
    buf_clear(&o->buf);
    o->flushed_ns = coarse_ns();
    return err ? complain(o, err) : 0;
}

int output_flush_some(struct output *o)
{
    bool due = o->buf.n >= FLUSH_BYTES || o->buf.failed ||
               (o->buf.n && coarse_ns() - o->flushed_ns >= FLUSH_NS);
    return due ? output_flush(o) : 0;
}

/* The file's name survives a crash from here on. */
static int sync_dir(const char *target)
{
    const char *slash = strrchr(target, '/');
    char *dir = strndup(target, (size_t)(slash - target) + 1);
    if (!dir)
        return -ENOMEM;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(dir);
    if (fd < 0)
        return errno == EACCES ? 0 : -errno; /* may write, may not list */
    int err = fsync(fd) < 0 && errno != EINVAL ? -errno : 0;
    io_close(&fd);
    return err;
}

static int publish(struct output *o)
{
    if (fsync(o->fd) < 0)
        return -errno;
    int err = io_close(&o->fd);
    if (err)
        return err;
    if (rename(o->temp, o->target) < 0)
        return -errno;
    free(o->temp);
    o->temp = NULL;
    return sync_dir(o->target);
}

int output_commit(struct output *o)
{
    int err = output_flush(o);
    if (err)
        return err;
    if (o->temp)
        err = publish(o);
    else
        err = io_close(&o->fd); /* where NFS and quotas report late */
    return err ? complain(o, err) : 0;
}

void output_close(struct output *o)
{
    if (o->temp)
        unlink(o->temp);
    if (o->fd > STDERR_FILENO)
        io_close(&o->fd);
    free(o->temp);
    free(o->target);
    buf_free(&o->buf);
    *o = (struct output){.fd = -1};
}
