/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * op: the operations that workers run on files, each one file and one row of
 * the table.
 *
 * An operation knows nothing of pools, sinks or the command line.  It is told
 * what to do by a config made before the workers are forked, takes tasks made
 * with task_pack(), and replies with bytes that its own header describes.
 */
#ifndef TREEMILL_OPS_OP_H
#define TREEMILL_OPS_OP_H

#include "libtreemill/treemill.h"

struct op {
    const char *name;
    /* In every worker, first: config is the operation's own structure. */
    int (*init)(tmill_ctx *ctx, void *config);
    tmill_fn *run;
    void (*fini)(tmill_ctx *ctx);
};

extern const struct op op_hash, op_verify;

/* The table, ended by NULL: for what must hold of every operation. */
extern const struct op *const ops[];

#endif
