/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * runfile: an unnamed temporary file of sorted runs (see merge.h), for
 * directories whose names exceed the memory that they may have.
 */
#ifndef TREEMILL_RUNFILE_H
#define TREEMILL_RUNFILE_H

#include "libtreemill/merge.h"

#include <stddef.h>
#include <sys/types.h>

/* How many runs of files are merged at once. */
enum { RUNFILE_RUNS = 64 };

struct runfile {
    int fd;
    size_t n;                /* run i lies at [end[i - 1], end[i]) */
    off_t end[RUNFILE_RUNS]; /* run 0 at [0, end[0]) */
};

/* Makes the file in $TMPDIR or, failing that, in /tmp; it has no name and no
 * runs, and is gone when it is freed.  0 or a negative errno. */
int runfile_new(struct runfile **f);

/* Writes everything that m gives, as one more run; m must have been started
 * and f have fewer than RUNFILE_RUNS runs.  0 or a negative errno; then f has
 * the runs that it had, and is not to be written again.  -EINTR: *stop turned
 * nonzero. */
int runfile_write(struct runfile *f, struct merge *m, const volatile int *stop);

/* Adds its runs to m, which must not outlive f.  0 or -ENOMEM. */
int runfile_merge(const struct runfile *f, struct merge *m);

/* Closes and frees it.  NULL is fine. */
void runfile_free(struct runfile *f);

#endif
