/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctx: what a task function sees and leaves behind; used by a worker process
 * and by the serial pool alike.
 */
#ifndef TREEMILL_CTX_H
#define TREEMILL_CTX_H

#include "common/buf.h"
#include "libtreemill/frame.h"

#include <stdatomic.h>

struct tmill_ctx {
    struct buf reply; /* or the message, once failed */
    bool failed;
    bool too_big;
    int err;
    int slot;
    void *local;
    const _Atomic uint32_t *stop; /* see tmill_stopping() */
    _Atomic uint64_t *work;       /* see tmill_progress() */
};

/* Runs fn on one item and fills *head, but for seq.  What it replied, or its
 * message, is in ctx->reply until the next run. */
void ctx_run(struct tmill_ctx *ctx, tmill_fn *fn, const tmill_buf *arg,
             struct reply_head *head);

void ctx_free(struct tmill_ctx *ctx);

#endif
