/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/selection.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/msg.h"
#include "common/sig.h"
#include "ops/task.h"

static int list_failed(struct selection *s, int err)
{
    if (err == -EINTR && sig_stop)
        return err;
    msg_path(s->list_name, strlen(s->list_name), "%s", strerror(-err));
    return err;
}

/* A tmill_src over --files-from.  A line that is empty is nothing; an empty
 * path between two NULs is an error of the list's maker, which the walk
 * reports. */
static int next_path(void *u, tmill_buf *item)
{
    struct selection *s = u;
    for (;;) {
        errno = 0;
        ssize_t n = getdelim(&s->line, &s->cap, s->delimiter, s->list);
        if (n < 0)
            return ferror(s->list) || errno == ENOMEM
                       ? list_failed(s, errno ? -errno : -EIO)
                       : 0;
        if (s->line[n - 1] == s->delimiter)
            n--;
        if (n == 0 && s->delimiter == '\n')
            continue;
        *item = (tmill_buf){s->line, (size_t)n};
        return 1;
    }
}

static int open_list(struct selection *s, const struct options *o)
{
    s->delimiter = o->null ? '\0' : '\n';
    s->list_name = o->files_from;
    if (strcmp(o->files_from, "-") == 0) {
        s->list = stdin;
        s->list_name = "standard input";
        return 0;
    }
    s->list = fopen(o->files_from, "re");
    return s->list ? 0 : list_failed(s, -errno);
}

const char *const *selection_paths(const struct options *o, size_t *n)
{
    static const char *const here = ".";
    *n = o->noperands;
    if (*n || o->files_from)
        return (const char *const *)o->operands;
    *n = 1;
    return &here;
}

int selection_open(struct selection *s, const struct options *o,
                   const struct selection_attr *attr)
{
    unsigned flags = (o->follow ? TMILL_WALK_FOLLOW : 0) |
                     (o->one_file_system ? TMILL_WALK_ONE_FS : 0) |
                     (attr->stdin_is_path ? TMILL_WALK_STDIN : 0);
    tmill_walk_attr walk = {.size = sizeof walk,
                            .paths = attr->paths,
                            .npaths = attr->npaths,
                            .rules = o->rules,
                            .nrules = o->nrules,
                            .levels = o->levels,
                            .skip = attr->skip,
                            .nskip = attr->nskip,
                            .stop = &sig_stop,
                            .flags = flags};
    *s = (struct selection){0};
    int err = attr->list ? open_list(s, o) : 0;
    if (err)
        return err;
    if (attr->list) {
        walk.more = next_path;
        walk.more_u = s;
    }
    err = tmill_walk_open(&s->walk, &walk);
    if (err) {
        msg_say("%s", strerror(-err));
        selection_close(s);
    }
    return err;
}

int selection_next(struct selection *s, struct buf *to)
{
    tmill_entry entry;
    struct task task;
    int got = tmill_walk_next(s->walk, &entry);
    if (got <= 0)
        return got;
    uint32_t below = (uint32_t)entry.below;
    task_of_entry(&task, &entry);
    task.extra = &below;
    task.nextra = sizeof below;
    task_pack(to, &task);
    return 1;
}

void selection_close(struct selection *s)
{
    tmill_walk_close(s->walk);
    if (s->list && s->list != stdin)
        fclose(s->list);
    free(s->line);
    *s = (struct selection){0};
}
