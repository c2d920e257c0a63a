/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serial: the pool without processes.  Each step runs one item in the caller.
 * It is the oracle of the tests and the debugger's friend, so it stays as
 * plain as can be.
 */
#include "libtreemill/pool.h"

#include <errno.h>

static struct task *next_task(struct tmill_pool *pool)
{
    for (tmill_iter *it = pool->iters; it; it = it->next) {
        struct task *t = iter_next_task(it);
        if (t)
            return t;
    }
    return NULL;
}

static int step(struct tmill_pool *pool, int ms)
{
    (void)ms; /* an item in the caller cannot be waited for */
    struct reply_head head;
    struct task *t = next_task(pool);
    if (!t)
        return 0;
    uint64_t from = clock_ns();
    ctx_run(&pool->ctx, t->iter->fn, &(tmill_buf){t->in.p, t->in.n}, &head);
    pool->busy_ns += clock_ns() - from;

    t->attempts = 1;
    pool->nchunks++;
    pool->chunksize = 1;
    buf_put(&t->out, pool->ctx.reply.p, head.n);
    pool->held += t->out.n;
    if (buf_error(&t->out))
        task_resolve(t, TMILL_EFN, -ENOMEM, 0);
    else
        task_resolve(t, (enum tmill_why)head.why, head.err, 0);
    return 0;
}

static void terminate(struct tmill_pool *pool)
{
    for (tmill_iter *it = pool->iters; it; it = it->next)
        for (struct task *t; (t = queue_pop(&it->pending));)
            task_resolve(t, TMILL_ECANCEL, -ECANCELED, 0);
}

static int join(struct tmill_pool *pool, int ms)
{
    (void)ms;
    if (pool->attr.fini && !pool->terminated && !pool->broken)
        pool->attr.fini(&pool->ctx);
    return 0;
}

static void recall(struct tmill_pool *pool)
{
    (void)pool; /* nothing is ever away */
}

static void destroy(struct tmill_pool *pool)
{
    ctx_free(&pool->ctx);
}

int serial_init(struct tmill_pool *pool)
{
    pool->attr.processes = 0;
    pool->ctx.work = &pool->work;
    int err =
        pool->attr.init ? pool->attr.init(&pool->ctx, pool->attr.initarg) : 0;
    /* As with workers: the pool is made, and broken. */
    pool->broken = err > 0 ? -EINVAL : err;
    return 0;
}

const struct engine serial_engine = {.step = step,
                                     .terminate = terminate,
                                     .join = join,
                                     .recall = recall,
                                     .destroy = destroy};
