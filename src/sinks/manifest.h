/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manifest: reads a manifest of any format that the sinks know, entry by
 * entry, from a file or a pipe, in memory that does not grow with its length.
 */
#ifndef TREEMILL_SINKS_MANIFEST_H
#define TREEMILL_SINKS_MANIFEST_H

#include "sinks/sink.h"

#include <stdint.h>

struct manifest;

/*
 * Opens a manifest on fd, which stays the caller's.  only, when neither NULL
 * nor empty, narrows down lines whose digest width leaves a choice, and a bare
 * line whose width fits none of them is malformed.  Reads nothing yet.
 */
int manifest_open(struct manifest **m, int fd, const struct algo_list *only);

/*
 * The next entry.  Neighbouring lines about one path are one entry with
 * several digests.  Returns 1 with *e filled in; 0 at the end; 2 for a line
 * that is malformed and 3 for one whose algorithm we do not have (e->unknown,
 * e->path), *line being its number, from 1 (an entry's first); or a negative
 * errno of reading.  After 0 or an error it returns the same again.  *e is
 * zero-initialised before the first call and may be used for all.  Blocks as
 * reading does: the line behind an entry is read before it is returned.
 */
int manifest_next(struct manifest *m, struct expect *e, uint64_t *line);

/* Frees it.  NULL is fine. */
void manifest_close(struct manifest *m);

#endif
