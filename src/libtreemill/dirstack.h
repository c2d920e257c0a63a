/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirstack: the directories from a walked path down to where the walk is,
 * each with the names that it still has to give and, most of the time, a
 * descriptor.
 *
 * Directories are opened relative to their parent, so that depth and length of
 * the path do not matter.  Only DIRSTACK_OPEN of them are open at once: the
 * shallowest are closed first and opened again by path when they are needed,
 * and it is made sure that they are still the same directories.
 */
#ifndef TREEMILL_DIRSTACK_H
#define TREEMILL_DIRSTACK_H

#include "libtreemill/dirlist.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { DIRSTACK_OPEN = 32 };

/* One directory. */
struct dir {
    struct dirlist names;
    size_t path_len; /* its path is that much of the walk's path */
    int fd;          /* -1: closed */
    dev_t dev;
    ino_t ino;
};

/* Zero-initialised it is empty. */
struct dirstack {
    bool follow;     /* go through symbolic links below the walked path */
    struct dir *dir; /* [0..depth), 0 the walked path */
    size_t depth;
    size_t cap;
    unsigned open; /* how many have a descriptor */
};

/* Opens path[0..len) and pushes it, with no names yet: with an empty stack any
 * path ("/" when len is 0), else one that continues the top directory's path
 * by a slash and a component, which begins at `base`.
 *
 * 0, or a negative errno with nothing pushed: what the system said,
 * -ESTALE when the top had to be opened again and is another directory now,
 * -ENOMEM.  Either way the directory that was the top before is settled. */
int dirstack_push(struct dirstack *s, const char *path, size_t len,
                  size_t base);

/* The deepest directory; the stack must not be empty. */
struct dir *dirstack_top(const struct dirstack *s);

/* Whether the top is the same directory as one above it. */
bool dirstack_loops(const struct dirstack *s);

/* Closes the top if no directory in it is left to be opened. */
void dirstack_settle(struct dirstack *s);

/* Frees the top with its names. */
void dirstack_pop(struct dirstack *s);

/* Frees everything; the stack is empty then. */
void dirstack_free(struct dirstack *s);

#endif
