/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker: the life of a worker process, between fork and _exit.
 */
#ifndef TREEMILL_WORKER_H
#define TREEMILL_WORKER_H

#include "libtreemill/shared.h"
#include "libtreemill/treemill.h"

/* What a worker needs to know; lives in the parent before the fork. */
struct worker_attr {
    const struct shared *shared;
    int (*init)(tmill_ctx *ctx, void *initarg);
    void *initarg;
    void (*fini)(tmill_ctx *ctx);
};

/* Runs items until told to leave.  worker_attr is the `u` of the zygote. */
_Noreturn void worker_main(void *worker_attr, unsigned slot);

#endif
