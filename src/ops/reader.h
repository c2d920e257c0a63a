/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reader: reads one file whole through a digester, and knows whether it held
 * still meanwhile.
 */
#ifndef TREEMILL_OPS_READER_H
#define TREEMILL_OPS_READER_H

#include "ops/digest.h"
#include "ops/opener.h"

#include <sys/stat.h>

/* A worker's tools. */
struct reader {
    struct opener opener;
    struct digester *digester;
    unsigned char *buffer;
};

int reader_init(struct reader *r);
void reader_free(struct reader *r);

/* What reader_open() and reader_digest() return beside 0 and negative errnos:
 * size, mtime or ctime differed before and after reading, twice. */
enum { READER_CHANGED = 1 };

/* The descriptor of the task's file and its state, or a negative errno; see
 * opener_open().  Standard input is descriptor 0, duplicated. */
int reader_open(struct reader *r, const struct task *t, struct stat *st);

/*
 * Reads fd from its beginning to its end, the algorithms of mask going along;
 * digester_final() gives their digests when this returned 0.  *st, the file's
 * state as opened, is brought up to date; a file that changed is read once
 * more.  A pipe is read once.  tmill_progress() counts the bytes.
 */
int reader_digest(struct reader *r, tmill_ctx *ctx, int fd, unsigned mask,
                  struct stat *st);

/* Fails the item as a reader's result says: READER_CHANGED or an errno. */
int reader_fail(tmill_ctx *ctx, int result);

#endif
