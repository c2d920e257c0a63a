/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * getdents64(2) in blocks of 64 KiB.  Most entries say in d_type what they
 * are; what they do not say is asked of fstatat(2), never by opening.
 */
#include "libtreemill/scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

/* The inode number that FUSE gives when it does not know it. */
static const ino_t unknown_ino = 0xffffffff;

static bool is_dot(const char *name)
{
    return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Whether a regular file, of which only the directory entry is known, is in
 * the skip list.  Asks the system only when its inode number is. */
static bool is_skipped(const tmill_walk_attr *attr, int fd,
                       const struct dirent64 *d)
{
    for (size_t i = 0; i < attr->nskip; i++) {
        struct stat st;
        if (attr->skip[i].ino != d->d_ino && d->d_ino != unknown_ino)
            continue;
        return fstatat(fd, d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
               scan_skips(attr, &st);
    }
    return false;
}

/* stat(2) of an entry, through a link if links are followed; *link says
 * whether it was one. */
static int look(int fd, const struct dirent64 *d, bool follow, bool *link,
                struct stat *st)
{
    *link = d->d_type == DT_LNK;
    if (!*link) {
        if (fstatat(fd, d->d_name, st, AT_SYMLINK_NOFOLLOW) < 0)
            return -errno;
        *link = S_ISLNK(st->st_mode);
    }
    if (*link && follow && fstatat(fd, d->d_name, st, 0) < 0)
        return -errno;
    return 0;
}

/* classify() where the type is not known or is behind a link. */
static bool classify_by_stat(const struct scan *s, int fd,
                             const struct dirent64 *d, struct name *name)
{
    struct stat st;
    bool link;
    name->err = look(fd, d, s->attr->flags & TMILL_WALK_FOLLOW, &link, &st);
    if (name->err) {
        name->kind = NAME_ERROR;
        return true;
    }
    if (S_ISDIR(st.st_mode)) {
        name->kind = NAME_DIR;
        return true;
    }
    name->kind = link ? NAME_LINK : NAME_FILE;
    return S_ISREG(st.st_mode) && !scan_skips(s->attr, &st);
}

/* Finds the kind of an entry.  False: it is nothing to the walk. */
static bool classify(const struct scan *s, int fd, const struct dirent64 *d,
                     struct name *name)
{
    switch (d->d_type) {
    case DT_REG:
        name->kind = NAME_FILE;
        return !is_skipped(s->attr, fd, d);
    case DT_DIR:
        name->kind = NAME_DIR;
        return true;
    case DT_LNK:
        return s->attr->flags & TMILL_WALK_FOLLOW &&
               classify_by_stat(s, fd, d, name);
    case DT_UNKNOWN:
        return classify_by_stat(s, fd, d, name);
    default:
        return false;
    }
}

/* Asks the rules; they see the path, which is put together for them behind
 * that of the directory.  1, 0 or -ENOMEM. */
static int selected(struct scan *s, const struct name *name)
{
    if (!s->filter)
        return 1;
    size_t dir_len = s->path->n;
    buf_putc(s->path, '/');
    buf_put(s->path, name->text, name->len + 1);
    s->path->n = dir_len;
    if (buf_error(s->path))
        return -ENOMEM;
    return filter_takes(s->filter, s->path->p + s->below, name->text,
                        name->kind == NAME_DIR);
}

static int put_entry(struct scan *s, int fd, bool dirs, struct dirlist *l,
                     const struct dirent64 *d)
{
    struct name name = {.text = d->d_name};
    if (is_dot(d->d_name) || !classify(s, fd, d, &name))
        return 0;
    if (name.kind == NAME_DIR && !dirs)
        return 0;
    name.len = strlen(d->d_name);
    int rc = selected(s, &name);
    return rc > 0 ? dirlist_put(s->scratch, l, name) : rc;
}

static ssize_t read_block(struct scan *s, int fd)
{
    ssize_t got;
    do {
        if (s->attr->stop && *s->attr->stop)
            return -EINTR;
        got = getdents64(fd, s->block, sizeof s->block);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? -errno : got;
}

bool scan_skips(const tmill_walk_attr *attr, const struct stat *st)
{
    for (size_t i = 0; i < attr->nskip; i++)
        if (attr->skip[i].ino == st->st_ino && attr->skip[i].dev == st->st_dev)
            return true;
    return false;
}

int scan_dir(struct scan *s, int fd, bool dirs, struct dirlist *l, int *err)
{
    ssize_t got;
    while ((got = read_block(s, fd)) > 0) {
        const struct dirent64 *d;
        for (char *p = s->block; p < s->block + got; p += d->d_reclen) {
            d = (const struct dirent64 *)(const void *)p;
            int rc = put_entry(s, fd, dirs, l, d);
            if (rc)
                return rc;
        }
    }
    if (got == -EINTR)
        return -EINTR;
    *err = (int)got;
    return dirlist_sort(s->scratch, l);
}
