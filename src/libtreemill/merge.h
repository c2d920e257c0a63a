/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge: sorted runs of directory entries, in memory or in a temporary file,
 * taken as one sorted sequence.
 *
 * A run is a string of records.  A record is a byte that is not NUL, which
 * says what the entry is, its name, and a NUL.  Order is the byte order of
 * the names.
 */
#ifndef TREEMILL_MERGE_H
#define TREEMILL_MERGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    RECORD_MAX = 4096 + 3 /* a component is shorter than PATH_MAX; then kind,
                             the slash behind a directory, and NUL */
};

struct run;

/* A zero-initialised merge has no runs. */
struct merge {
    struct run **run; /* [0..live) is a heap, the rest is exhausted */
    size_t n;
    size_t cap;
    size_t live;
    size_t common; /* bytes that all names begin with; given to start */
    size_t taken;  /* length of the record that was given out last */
};

/* The first 8 bytes of s as a number that compares as they do; what is behind
 * a NUL counts as NUL. */
uint64_t merge_key(const char *s);

/* Adds a run of n bytes, which the caller writes to the address returned
 * before merge_start().  NULL when out of memory. */
char *merge_add_memory(struct merge *m, size_t n);

/* Adds a run that lies in fd at [from, to).  fd is borrowed and read with
 * pread(2).  0 or -ENOMEM. */
int merge_add_file(struct merge *m, int fd, off_t from, off_t to);

/* Begins, or begins again, at the least name.  All names must agree in their
 * first `common` bytes.  0, or what reading a file gave; the sequence is empty
 * then. */
int merge_start(struct merge *m, size_t common);

/* The next record: 1 with *record and its length, both NUL and kind counted,
 * borrowed until the next call; 0 at the end; negative errno when a file
 * could not be read, which ends the sequence. */
int merge_next(struct merge *m, const char **record, size_t *len);

/* Frees the runs; m has none then. */
void merge_clear(struct merge *m);

#endif
