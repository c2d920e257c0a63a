/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * engine: runs an operation over a source of tasks, as the shared options say:
 * source -> pool -> results, with signals, progress and output looked after.
 */
#ifndef TREEMILL_CLI_ENGINE_H
#define TREEMILL_CLI_ENGINE_H

#include "cli/options.h"
#include "cli/output.h"
#include "ops/op.h"
#include "ops/task.h"

struct engine_job {
    const struct options *options;
    const struct op *op;
    void *config; /* the operation's */
    /* Packs the next task into *to: 1, 0 at the end, or a negative errno after
     * saying why. */
    int (*next)(void *u, struct buf *to);
    /* Takes one outcome, task being what was packed, and appends what is to be
     * written to output->buf.  True when the file failed.  Cancelled items do
     * not come here. */
    bool (*result)(void *u, const struct task *task, const tmill_item *item);
    /* When all is done: appends more; 0 or a negative errno after saying why.
     * NULL: nothing. */
    int (*after)(void *u);
    void *u;
    struct output *output;
};

/*
 * Runs it to its end and flushes the output.  Returns 0 when no file failed,
 * STATUS_SOME, or STATUS_FATAL after saying why.  When a signal asks to end,
 * or standard output is closed by its reader, output is closed and the process
 * ends by that signal.
 */
int engine_run(const struct engine_job *job);

/* Puts the output in its place, unless status is STATUS_FATAL.  Returns
 * status, or STATUS_FATAL after saying what went wrong; ends the process when
 * the reader of standard output is gone. */
int engine_commit(struct output *output, int status);

/* Why an item failed, for people; valid until the next call. */
const char *engine_reason(const tmill_item *item);

#endif
