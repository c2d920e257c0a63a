/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter: the selection rules of a walk, compiled.  What they mean is said at
 * tmill_walk_attr.rules in treemill.h.  Knows names only, no file system.
 */
#ifndef TREEMILL_FILTER_H
#define TREEMILL_FILTER_H

#include "libtreemill/treemill.h"

#include <stdbool.h>
#include <stddef.h>

struct filter;

/* Compiles n rules, which need not live on.  No rules: *filter is NULL.
 * -ENOMEM; -EINVAL when a glob is NULL. */
int filter_new(struct filter **filter, const tmill_rule *rules, size_t n);

/* Whether a file is taken, or with dir, whether a directory is descended
 * into.  below is its path below the walked path, without a slash at either
 * end; base is the last component of it. */
bool filter_takes(const struct filter *filter, const char *below,
                  const char *base, bool dir);

/* Frees it.  NULL is fine. */
void filter_free(struct filter *filter);

#endif
