/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs are appended with write(2) and read back with pread(2) (merge.c), so
 * that reading does not depend on the file offset, which a forked child would
 * share.
 */
#include "libtreemill/runfile.h"

#include "common/io.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WRITE_BYTES = 64 * 1024 };

/* For file systems without O_TMPFILE. */
static int open_named(const char *dir)
{
    char *name;
    if (asprintf(&name, "%s/treemill-XXXXXX", dir) < 0)
        return -ENOMEM;
    int fd = mkostemp(name, O_CLOEXEC);
    int err = fd < 0 || unlink(name) < 0 ? -errno : 0;
    free(name);
    if (err)
        io_close(&fd);
    return err ? err : fd;
}

static int open_in(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0)
        return fd;
    return errno == EMFILE || errno == ENFILE ? -errno : open_named(dir);
}

static int flush(struct runfile *f, const char *data, size_t *used,
                 const volatile int *stop)
{
    if (stop && *stop)
        return -EINTR;
    int err = io_write_full(f->fd, data, *used);
    *used = 0;
    return err;
}

static int write_records(struct runfile *f, struct merge *m, char *data,
                         off_t *end, const volatile int *stop)
{
    size_t used = 0;
    const char *record;
    size_t len;
    int rc;
    while ((rc = merge_next(m, &record, &len)) > 0) {
        if (len > WRITE_BYTES - used) {
            rc = flush(f, data, &used, stop);
            if (rc)
                return rc;
        }
        memcpy(data + used, record, len);
        used += len;
        *end += (off_t)len;
    }
    return rc ? rc : flush(f, data, &used, stop);
}

int runfile_new(struct runfile **f)
{
    const char *dir = secure_getenv("TMPDIR");
    int fd = dir && *dir ? open_in(dir) : -ENOENT;
    if (fd < 0)
        fd = open_in("/tmp");
    if (fd < 0)
        return fd;
    *f = malloc(sizeof **f);
    if (!*f) {
        close(fd);
        return -ENOMEM;
    }
    (*f)->fd = fd;
    (*f)->n = 0;
    return 0;
}

int runfile_write(struct runfile *f, struct merge *m, const volatile int *stop)
{
    assert(f->n < RUNFILE_RUNS);
    char *data = malloc(WRITE_BYTES);
    if (!data)
        return -ENOMEM;
    off_t end = f->n ? f->end[f->n - 1] : 0;
    int err = write_records(f, m, data, &end, stop);
    if (!err)
        f->end[f->n++] = end;
    free(data);
    return err;
}

int runfile_merge(const struct runfile *f, struct merge *m)
{
    off_t from = 0;
    for (size_t i = 0; i < f->n; i++) {
        int err = merge_add_file(m, f->fd, from, f->end[i]);
        if (err)
            return err;
        from = f->end[i];
    }
    return 0;
}

void runfile_free(struct runfile *f)
{
    if (!f)
        return;
    io_close(&f->fd);
    free(f);
}
