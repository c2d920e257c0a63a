/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * selection: the files that the command line selects, as a walk.
 */
#ifndef TREEMILL_CLI_SELECTION_H
#define TREEMILL_CLI_SELECTION_H

#include "cli/options.h"
#include "common/buf.h"

#include <stdio.h>

struct selection {
    tmill_walk *walk;
    FILE *list; /* --files-from */
    const char *list_name;
    int delimiter; /* between its paths */
    char *line;
    size_t cap;
};

/* What to walk, beyond what options say. */
struct selection_attr {
    const char *const *paths;
    size_t npaths;
    bool list;          /* take --files-from */
    bool stdin_is_path; /* "-" is standard input */
    const tmill_fileid *skip;
    size_t nskip;
};

/* The PATHs of the command line; without any, and without --files-from, the
 * working directory.  *n is how many. */
const char *const *selection_paths(const struct options *o, size_t *n);

/* Opens the walk.  Everything is borrowed until selection_close().  Says what
 * went wrong; 0 or a negative errno. */
int selection_open(struct selection *s, const struct options *o,
                   const struct selection_attr *attr);

/* Packs the task of the walk's next entry into *to; its extra bytes are where
 * what is below the given path begins, a uint32_t.  1, 0 at the end, or a
 * negative errno. */
int selection_next(struct selection *s, struct buf *to);

void selection_close(struct selection *s);

#endif
