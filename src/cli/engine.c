/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli/engine.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "cli/msg.h"
#include "cli/progress.h"
#include "common/sig.h"

enum { TICK_MS = 100 };

struct engine {
    const struct engine_job *job;
    tmill_pool *pool;
    tmill_iter *iter;
    struct progress progress;
    struct buf task;
    int err; /* negative errno: the run cannot go on; has been said */
};

/* What the workers run; set before they are forked. */
static const struct op *running;

/* A worker ignores SIGTERM and SIGHUP: those that reach the whole process group
 * are the parent's to obey, and a file over its time limit has nothing to tidy
 * up before SIGKILL. */
static int worker_init(tmill_ctx *ctx, void *config)
{
    signal(SIGTERM, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    return running->init(ctx, config);
}

enum { GRACE_MS = 1 };

static int create_pool(struct engine *e)
{
    const struct options *o = e->job->options;
    tmill_attr attr = {.size = sizeof attr,
                       .processes = o->jobs,
                       .init = worker_init,
                       .initarg = e->job->config,
                       .fini = e->job->op->fini,
                       .maxtasksperchild = o->max_tasks,
                       .timeout_ms = (int)o->timeout_ms,
                       .grace_ms = GRACE_MS,
                       .retries = o->retries,
                       .flags = o->serial ? TMILL_SERIAL : 0};
    running = e->job->op;
    if (o->serial)
        attr.init = running->init;
    int err = tmill_pool_create(&e->pool, &attr);
    if (err)
        msg_say("cannot start the workers: %s", strerror(-err));
    else if (o->verbose)
        msg_say("%s with %u workers, results %s", e->job->op->name,
                tmill_pool_processes(e->pool),
                o->unordered ? "as they are ready" : "in order");
    return err;
}

/* The pool's source. */
static int next_item(void *u, tmill_buf *item)
{
    struct engine *e = u;
    struct task task;
    if (sig_stop)
        return -EINTR;
    int got = e->job->next(e->job->u, &e->task);
    if (got > 0)
        got = buf_error(&e->task) ? buf_error(&e->task) : 1;
    if (got <= 0) {
        e->progress.all_known = true;
        return got;
    }
    *item = (tmill_buf){e->task.p, e->task.n};
    task_unpack(&task, item);
    progress_expect(&e->progress, task.path);
    return 1;
}

static int open_iter(struct engine *e)
{
    const struct options *o = e->job->options;
    tmill_opt opt = {.size = sizeof opt, .chunksize = o->chunksize};
    int err = (o->unordered ? tmill_imap_unordered : tmill_imap)(
        e->pool, e->job->op->run, next_item, e, &opt, &e->iter);
    if (err)
        msg_say("cannot use the workers: %s", strerror(-err));
    return err;
}

const char *engine_reason(const tmill_item *item)
{
    static char text[256];
    int w = item->wstatus;
    if (item->why == TMILL_EDIED && WIFSIGNALED(w))
        snprintf(text, sizeof text, "its worker was killed (signal %d, %s)",
                 WTERMSIG(w), strsignal(WTERMSIG(w)));
    else if (item->why == TMILL_EDIED)
        snprintf(text, sizeof text, "its worker died (status %d)",
                 WEXITSTATUS(w));
    else if (item->why == TMILL_ETIME)
        snprintf(text, sizeof text, "took longer than --timeout allows");
    else if (item->msg.n)
        snprintf(text, sizeof text, "%.*s", (int)item->msg.n,
                 (const char *)item->msg.p);
    else
        snprintf(text, sizeof text, "%s", strerror(-item->err));
    return text;
}

static int take(struct engine *e, const tmill_item *item)
{
    struct task task;
    switch (item->why) {
    case TMILL_ECANCEL:
        return 0;
    case TMILL_ESOURCE:
        if (item->err == -ENOMEM)
            msg_say("%s", strerror(ENOMEM));
        return item->err;
    case TMILL_EINIT:
        msg_say("the workers could not %s: %s",
                item->err == -EPIPE ? "go on" : "be set up",
                item->err == -EPIPE ? "their parent process was killed"
                                    : strerror(-item->err));
        return item->err;
    default:
        task_unpack(&task, &item->in);
        if (e->job->options->verbose && item->attempts > 1)
            msg_path(task.path, task.len, "attempts: %u", item->attempts);
        e->progress.failed += e->job->result(e->job->u, &task, item);
        e->progress.done++;
        return output_flush_some(e->job->output);
    }
}

/* One wait for a result.  Returns 1 when there may be more, 0 at the end, or
 * a negative errno. */
static int turn(struct engine *e)
{
    tmill_item item;
    int got = tmill_next(e->iter, &item, TICK_MS);
    progress_draw(&e->progress, e->pool);
    if (sig_stop)
        return -EINTR;
    if (got == 1) {
        int err = take(e, &item);
        return err ? err : 1;
    }
    if (got == -ETIMEDOUT || got == -EINTR) {
        int err = output_flush(e->job->output);
        return err ? err : 1;
    }
    if (got < 0)
        msg_say("the workers are gone: %s", strerror(-got));
    return got;
}

static void loop(struct engine *e)
{
    int got;
    while ((got = turn(e)) > 0)
        ;
    if (!got && e->job->after)
        got = e->job->after(e->job->u);
    if (!got)
        got = output_flush(e->job->output);
    e->err = got;
}

/* Leaves no worker behind, in any case. */
static void end(struct engine *e)
{
    bool whole = !e->err;
    tmill_iter_free(e->iter);
    if (whole && e->pool) {
        tmill_pool_close(e->pool);
        tmill_pool_join(e->pool, TMILL_FOREVER);
    }
    progress_end(&e->progress);
    if (whole && e->job->options->stats)
        progress_stats(&e->progress, e->pool, e->job->options);
    tmill_pool_destroy(e->pool);
    buf_free(&e->task);
}

int engine_run(const struct engine_job *job)
{
    struct engine e = {.job = job};
    e.err = create_pool(&e);
    if (!e.err)
        e.err = open_iter(&e);
    progress_start(&e.progress, job->options);
    if (!e.err)
        loop(&e);
    end(&e);
    if (!e.err)
        return e.progress.failed ? STATUS_SOME : STATUS_OK;
    output_honour_pipe(job->output);
    if (sig_stop) {
        output_close(job->output);
        sig_die(sig_stop);
    }
    return STATUS_FATAL;
}

int engine_commit(struct output *output, int status)
{
    if (status == STATUS_FATAL || output_commit(output) == 0)
        return status;
    output_honour_pipe(output);
    return STATUS_FATAL;
}
