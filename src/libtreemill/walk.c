/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk: the public walker.  Takes the given paths one after another, keeps
 * the stack of directories below the one at hand, and makes entries of what
 * the directories hold.
 *
 *     walk -> dirstack -> dirlist -> merge, runfile    what is still to come
 *          -> scan -> filter                         what a directory has
 *
 * The walk has one path buffer.  Below a given path it holds the path of the
 * top directory, with the name of the entry at hand behind it.
 */
#include "libtreemill/treemill.h"

#include "common/buf.h"
#include "common/longpath.h"
#include "libtreemill/dirstack.h"
#include "libtreemill/filter.h"
#include "libtreemill/owner.h"
#include "libtreemill/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEFAULT_MEMORY = 32 * 1024 * 1024 };
enum { ALL_FLAGS = TMILL_WALK_FOLLOW | TMILL_WALK_ONE_FS | TMILL_WALK_STDIN };

/* What a step comes to, beside a negative errno. */
enum step { STEP_END = 0, STEP_ENTRY = 1, STEP_ON = 2 };

struct tmill_walk {
    tmill_walk_attr attr;
    struct owner owner;
    int failed;       /* the negative errno that ended the walk */
    size_t next_path; /* in attr.paths */
    bool no_more;     /* attr.more has ended */
    uint64_t root;    /* how many paths have been begun */
    dev_t root_dev;   /* of the given path at hand */
    size_t below;     /* see tmill_entry.below */
    struct buf path;
    struct dirstack dirs;
    struct filter *filter;
    struct dirlist_scratch *scratch;
    struct scan scan;
};

/* --- entries -------------------------------------------------------------- */

static size_t base_of(const char *path, size_t len)
{
    while (len && path[len - 1] == '/')
        len--;
    const char *slash = memrchr(path, '/', len);
    return slash ? (size_t)(slash + 1 - path) : 0;
}

/* An entry for what the first len bytes of the path buffer name. */
static tmill_entry make_entry(const tmill_walk *w, size_t len, size_t base,
                              unsigned level)
{
    return (tmill_entry){.path = w->path.p,
                         .len = len,
                         .base = base,
                         .below = level > 1 ? w->below : len,
                         .root = w->root - 1,
                         .level = level};
}

/* The directory path[0..len) is to be reported. */
static int fail_dir(tmill_walk *w, tmill_entry *entry, size_t len,
                    unsigned level, int err)
{
    if (!len)
        len = 1; /* the root directory, path[0] is its slash */
    w->path.p[len] = '\0';
    *entry = make_entry(w, len, base_of(w->path.p, len), level);
    entry->err = err;
    return STEP_ENTRY;
}

/* --- directories ---------------------------------------------------------- */

static void leave_dir(tmill_walk *w)
{
    dirstack_pop(&w->dirs);
    if (w->dirs.depth)
        w->path.n = dirstack_top(&w->dirs)->path_len;
}

static int read_dir(tmill_walk *w, tmill_entry *entry)
{
    struct dir *top = dirstack_top(&w->dirs);
    unsigned level = (unsigned)w->dirs.depth;
    unsigned limit = w->attr.levels;
    bool dirs = !limit || level + 1 < limit;
    int err = 0;

    w->path.n = top->path_len;
    int rc = scan_dir(&w->scan, top->fd, dirs, &top->names, &err);
    if (rc == -ENOMEM || rc == -EINTR)
        return rc;
    dirstack_settle(&w->dirs);
    if (rc || err)
        return fail_dir(w, entry, top->path_len, level, rc ? rc : err);
    return STEP_ON;
}

/* Goes into the directory path[0..len). */
static int enter_dir(tmill_walk *w, tmill_entry *entry, size_t len, size_t base)
{
    unsigned level = (unsigned)w->dirs.depth + 1;
    int err = dirstack_push(&w->dirs, w->path.p, len, base);
    if (err == -ENOMEM)
        return err;
    if (err)
        return fail_dir(w, entry, len, level, err);

    dev_t dev = dirstack_top(&w->dirs)->dev;
    if (level == 1)
        w->root_dev = dev;
    if (w->attr.flags & TMILL_WALK_ONE_FS && dev != w->root_dev) {
        leave_dir(w);
        return STEP_ON;
    }
    if (w->attr.flags & TMILL_WALK_FOLLOW && dirstack_loops(&w->dirs)) {
        leave_dir(w);
        return fail_dir(w, entry, len, level, -ELOOP);
    }
    return read_dir(w, entry);
}

/* Takes the next name of the top directory. */
static int step_dir(tmill_walk *w, tmill_entry *entry)
{
    struct dir *top = dirstack_top(&w->dirs);
    unsigned level = (unsigned)w->dirs.depth;
    struct name name;
    int rc = dirlist_take(&top->names, &name);
    if (rc == 0) {
        leave_dir(w);
        return STEP_ON;
    }
    if (rc < 0)
        return fail_dir(w, entry, top->path_len, level, rc);

    char *to = buf_reserve(&w->path, name.len + 2);
    if (!to)
        return -ENOMEM;
    *to++ = '/';
    to = mempcpy(to, name.text, name.len);
    *to = '\0';
    size_t base = top->path_len + 1;
    size_t len = base + name.len;
    if (name.kind == NAME_DIR)
        return enter_dir(w, entry, len, base);
    *entry = make_entry(w, len, base, level + 1);
    entry->follow = name.kind == NAME_LINK;
    entry->err = name.err;
    return STEP_ENTRY;
}

/* --- given paths ---------------------------------------------------------- */

/* A given path is a directory. */
static int enter_root(tmill_walk *w, tmill_entry *entry, size_t len)
{
    if (w->attr.levels == 1)
        return STEP_ON;
    while (len && w->path.p[len - 1] == '/')
        len--;
    w->below = len + 1;
    w->scan.below = w->below;
    return enter_dir(w, entry, len, 0);
}

/* Sees what the given path is.  entry is filled for it. */
static int look_at_path(tmill_walk *w, tmill_entry *entry)
{
    struct stat st;
    entry->err = longpath_stat(AT_FDCWD, entry->path, entry->len, &st);
    if (entry->err)
        return STEP_ENTRY;
    if (S_ISDIR(st.st_mode))
        return enter_root(w, entry, entry->len);
    if (!S_ISREG(st.st_mode))
        entry->err = -ENOTSUP;
    else if (scan_skips(&w->attr, &st))
        return STEP_ON;
    entry->follow = S_ISREG(st.st_mode);
    return STEP_ENTRY;
}

/* The next given path, not NUL-terminated.  1, 0 at the end, or what
 * attr.more returned. */
static int next_path(tmill_walk *w, tmill_buf *path)
{
    if (w->next_path < w->attr.npaths) {
        path->p = w->attr.paths[w->next_path++];
        path->n = strlen(path->p);
        return 1;
    }
    if (!w->attr.more || w->no_more)
        return 0;
    int rc = w->attr.more(w->attr.more_u, path);
    if (rc > 0 && path->n && ((const char *)path->p)[path->n - 1] == '\0')
        path->n--;
    w->no_more = rc == 0;
    return rc;
}

static int step_path(tmill_walk *w, tmill_entry *entry)
{
    tmill_buf path;
    int rc = next_path(w, &path);
    if (rc <= 0)
        return rc;

    w->root++;
    buf_clear(&w->path);
    buf_put(&w->path, path.p, path.n);
    buf_putc(&w->path, '\0');
    if (buf_error(&w->path))
        return -ENOMEM;
    size_t len = strlen(w->path.p);
    *entry = make_entry(w, len, base_of(w->path.p, len), 1);
    if (len < path.n) {
        entry->err = -EINVAL;
        return STEP_ENTRY;
    }
    if (w->attr.flags & TMILL_WALK_STDIN && strcmp(entry->path, "-") == 0) {
        entry->is_stdin = 1;
        return STEP_ENTRY;
    }
    return look_at_path(w, entry);
}

/* --- the interface -------------------------------------------------------- */

static int check_attr(const tmill_walk_attr *attr)
{
    if (!attr || attr->size < sizeof *attr || attr->flags & ~ALL_FLAGS ||
        (attr->npaths && !attr->paths) || (attr->nskip && !attr->skip) ||
        (attr->nrules && !attr->rules))
        return -EINVAL;
    return 0;
}

/* What next does until there is something to tell. */
static int step(tmill_walk *w, tmill_entry *entry)
{
    if (w->attr.stop && *w->attr.stop)
        return -EINTR;
    return w->dirs.depth ? step_dir(w, entry) : step_path(w, entry);
}

int tmill_walk_open(tmill_walk **walk, const tmill_walk_attr *attr)
{
    *walk = NULL;
    int err = check_attr(attr);
    if (err)
        return err;
    tmill_walk *w = calloc(1, sizeof *w);
    if (!w)
        return -ENOMEM;

    w->attr = *attr;
    w->dirs.follow = attr->flags & TMILL_WALK_FOLLOW;
    size_t memory = attr->memory ? attr->memory : DEFAULT_MEMORY;
    err = filter_new(&w->filter, attr->rules, attr->nrules);
    if (!err)
        err = dirlist_scratch_new(&w->scratch, memory, attr->stop);
    if (err) {
        tmill_walk_close(w);
        return err;
    }
    w->scan.attr = &w->attr;
    w->scan.filter = w->filter;
    w->scan.scratch = w->scratch;
    w->scan.path = &w->path;
    owner_init(&w->owner);
    *walk = w;
    return 0;
}

int tmill_walk_next(tmill_walk *walk, tmill_entry *entry)
{
    if (owner_is_parent(&walk->owner))
        return -ECHILD;
    int rc = walk->failed;
    if (rc)
        return rc;
    do
        rc = step(walk, entry);
    while (rc == STEP_ON);
    if (rc < 0)
        walk->failed = rc;
    return rc;
}

void tmill_walk_close(tmill_walk *walk)
{
    if (!walk)
        return;
    dirstack_free(&walk->dirs);
    dirlist_scratch_free(walk->scratch);
    filter_free(walk->filter);
    buf_free(&walk->path);
    owner_destroy(&walk->owner);
    free(walk);
}
