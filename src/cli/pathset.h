/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pathset: a set of file names, for "which of these were in the manifest?".
 *
 * It keeps a 128-bit XXH3 of each name, 16 to 43 bytes a name however long
 * that is: two names that are taken for one are less likely than a fault of
 * the memory that holds them (about n^2 / 2^129).
 */
#ifndef TREEMILL_CLI_PATHSET_H
#define TREEMILL_CLI_PATHSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pathset_key {
    uint64_t lo, hi; /* both 0: a free place */
};

/* Zero-initialised is empty. */
struct pathset {
    struct pathset_key *keys;
    size_t n;
    size_t size; /* a power of two, or 0 */
};

/*
 * Names are compared after making them absolute with the directory cwd, and
 * dropping ".", "..", and repeated slashes by their text alone: symbolic links
 * are not looked at.
 */

/* Adds the name.  0 or -ENOMEM. */
int pathset_add(struct pathset *s, const char *cwd, const char *path, size_t n);

/* Is it there?  1, 0 or -ENOMEM. */
int pathset_has(const struct pathset *s, const char *cwd, const char *path,
                size_t n);

void pathset_free(struct pathset *s);

#endif
