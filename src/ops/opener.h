/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * opener: opens files by path for reading, many of one directory in a row,
 * paths longer than PATH_MAX included.
 *
 * The second file of a directory in a row opens the directory, further ones go
 * through it: looking up a path costs more the deeper it is.
 */
#ifndef TREEMILL_OPS_OPENER_H
#define TREEMILL_OPS_OPENER_H

#include "common/buf.h"
#include "ops/task.h"

#include <stdbool.h>

struct opener {
    struct buf dir; /* the last file's directory, NUL-terminated */
    int fd;         /* the same, opened, or -1, */
    uint64_t since; /* at that time: not for long, it may be replaced */
    bool may_atime; /* O_NOATIME was refused: reading marks files as read */
};

void opener_init(struct opener *o);
void opener_free(struct opener *o);

/*
 * Opens the task's file for reading.  Returns a descriptor (the caller's) or a
 * negative errno: -ENOTSUP when it is not a regular file, which is then not
 * opened; -EXDEV when TASK_BENEATH forbids it; -ENOSYS when the kernel cannot
 * tell (before Linux 5.6).
 */
int opener_open(struct opener *o, const struct task *t);

#endif
