/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dirlist: the entries of one directory, put in as they are read and taken out
 * in order, a directory compared as its name and a slash.
 *
 * Lists that exceed the memory they may have go through a temporary file.
 * When that cannot be made or written they stay in memory: nothing is lost
 * or comes out of order for want of a disk.
 */
#ifndef TREEMILL_DIRLIST_H
#define TREEMILL_DIRLIST_H

#include "libtreemill/merge.h"
#include "libtreemill/runfile.h"

#include <stdbool.h>
#include <stddef.h>

enum name_kind {
    NAME_FILE = 1, /* a regular file */
    NAME_LINK,     /* a symbolic link to one, to be followed */
    NAME_DIR,      /* a directory */
    NAME_ERROR     /* what kind it is could not be found out */
};

/* One entry. */
struct name {
    enum name_kind kind;
    int err;          /* negative errno of NAME_ERROR, else 0 */
    const char *text; /* len bytes; not always NUL behind them */
    size_t len;       /* 1 .. PATH_MAX - 1 */
};

/* What filling lists takes.  One list is filled at a time, any number may be
 * taken from; so one of these serves all lists of a walk. */
struct dirlist_scratch;

/* memory: how many bytes of names a list may hold before it goes to a file,
 * not 0.  stop: see dirlist_put(), may be NULL.  0 or -ENOMEM. */
int dirlist_scratch_new(struct dirlist_scratch **s, size_t memory,
                        const volatile int *stop);
void dirlist_scratch_free(struct dirlist_scratch *s);

/* A list.  Zero-initialised it is empty, ready to be filled. */
struct dirlist {
    size_t dirs; /* how many NAME_DIR are still to be taken */
    /* private */
    struct merge merge;   /* runs in memory while filling, then all runs */
    struct runfile *file; /* NULL until it is needed */
    size_t bytes;         /* in the runs in memory */
    bool no_file;         /* making or writing the file failed */
};

/* Adds an entry, whose text is copied.  0, -ENOMEM, or -EINTR when stop has
 * turned nonzero (it is looked at now and then); then the list and the scratch
 * are only fit to be freed. */
int dirlist_put(struct dirlist_scratch *s, struct dirlist *l, struct name name);

/* All has been put: sorts.  0, or a negative errno as from dirlist_put(), or
 * from reading the temporary file. */
int dirlist_sort(struct dirlist_scratch *s, struct dirlist *l);

/* Takes the next entry: 1 with *name, its text borrowed until the next call on
 * l; 0 at the end; a negative errno when the temporary file could not be
 * read. */
int dirlist_take(struct dirlist *l, struct name *name);

/* Frees what the list holds, at any time; it is empty then. */
void dirlist_free(struct dirlist *l);

#endif
