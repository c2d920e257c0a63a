/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * scan: reads one directory, and decides by type, skip list and selection
 * rules which of its entries the walk is to see.  An entry costs no system
 * call when the file system tells its type, unless links are followed.
 */
#ifndef TREEMILL_SCAN_H
#define TREEMILL_SCAN_H

#include "common/buf.h"
#include "libtreemill/filter.h"
#include "libtreemill/dirlist.h"
#include "libtreemill/treemill.h"

#include <stdbool.h>
#include <sys/stat.h>

enum { SCAN_BYTES = 64 * 1024 };

/* What scans of one walk share; the pointers are borrowed. */
struct scan {
    const tmill_walk_attr *attr;
    const struct filter *filter;     /* NULL: no rules */
    struct dirlist_scratch *scratch; /* for the names */
    struct buf *path;                /* of the directory; written behind n */
    size_t below; /* where in path what is below the walked path begins */
    _Alignas(8) char block[SCAN_BYTES];
};

/* Whether the file is in the skip list. */
bool scan_skips(const tmill_walk_attr *attr, const struct stat *st);

/*
 * Reads the directory fd from where it stands and fills the empty list l,
 * sorted; without directories unless `dirs`.
 *
 * 0; *err is then 0, or the negative errno that ended the reading early (l has
 * what was read before).  Negative errno, as from dirlist_put(): the walk
 * cannot go on.  Blocks as directory reads do.
 */
int scan_dir(struct scan *s, int fd, bool dirs, struct dirlist *l, int *err);

#endif
