/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * task: one file to be worked on, as it travels to a worker.
 */
#ifndef TREEMILL_OPS_TASK_H
#define TREEMILL_OPS_TASK_H

#include "common/buf.h"
#include "libtreemill/treemill.h"

#include <stdint.h>

enum task_flags {
    TASK_STDIN = 1,   /* standard input, whatever the path says */
    TASK_FOLLOW = 2,  /* the path may be a symbolic link, to be followed */
    TASK_REGULAR = 4, /* the walk has seen that it is a regular file */
    TASK_BENEATH = 8  /* refuse a path that leaves the working directory */
};

struct task {
    unsigned flags;
    int err;          /* not 0: it is to fail with this negative errno */
    const char *path; /* NUL-terminated */
    size_t len;
    size_t base;       /* where the base name begins */
    const void *extra; /* what else the operation needs, unaligned */
    size_t nextra;
};

/* Makes *to, emptied first, the bytes of t. */
void task_pack(struct buf *to, const struct task *t);

/* Reads what task_pack() made; t points into item. */
void task_unpack(struct task *t, const tmill_buf *item);

/* The task of an entry of a walk. */
void task_of_entry(struct task *t, const tmill_entry *e);

#endif
