/* SPDX-License-Identifier: BSD-2-Clause */
/* mtree: what the writer and the reader of mtree(5) share. */
#ifndef TREEMILL_SINKS_MTREE_H
#define TREEMILL_SINKS_MTREE_H

#include "sinks/sink.h"

/* What a manifest begins with that is surely an mtree. */
#define MTREE_MAGIC "#mtree"

/* How an absolute name begins: mtree(5) has none, a slash at the start of a
 * line is a command.  Other readers see a name below their root. */
#define MTREE_ROOT "./\\057"

/* The reader, as in struct sink. */
enum parsed mtree_parse(struct parse_state *r, const char *line, size_t n,
                        struct expect *e);

#endif
