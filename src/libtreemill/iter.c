/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The window of an iterator: items are pulled from the source only while
 * fewer than buffersize of them, and fewer than reply_budget bytes, wait to be
 * delivered.  In ordered mode the window is a list by index and its head is
 * what is delivered next; unordered, resolved tasks queue up as they come.
 */
#include "libtreemill/pool.h"

#include <errno.h>
#include <stdlib.h>

enum { KEEP_TASK_BYTES = 16 * 1024 };

void queue_push(struct queue *q, struct task *t)
{
    t->next = NULL;
    if (q->head)
        *q->tail = t;
    else
        q->head = t;
    q->tail = &t->next;
    q->n++;
}

void queue_push_front(struct queue *q, struct task *t)
{
    t->next = q->head;
    if (!q->head)
        q->tail = &t->next;
    q->head = t;
    q->n++;
}

struct task *queue_pop(struct queue *q)
{
    struct task *t = q->head;
    if (t) {
        q->head = t->next;
        q->n--;
    }
    return t;
}

/* ------------------------------------------------------------------------ */

static struct task *task_new(struct tmill_pool *pool)
{
    struct task *t = pool->free;
    if (!t)
        return calloc(1, sizeof *t);
    pool->free = t->next;
    struct buf in = t->in, out = t->out;
    *t = (struct task){.in = in, .out = out};
    return t;
}

static void keep_small(struct buf *b)
{
    if (b->cap > KEEP_TASK_BYTES || b->failed)
        buf_free(b);
    buf_clear(b);
}

void task_release(struct tmill_pool *pool, struct task *t)
{
    if (t->iter) /* an orphan has not been counted since it is one */
        pool->held -= t->in.n + t->out.n;
    keep_small(&t->in);
    keep_small(&t->out);
    t->next = pool->free;
    pool->free = t;
}

static struct tmill_pool *pool_of(struct task *t)
{
    return t->iter->pool;
}

void task_resolve(struct task *t, enum tmill_why why, int err, int wstatus)
{
    t->why = why;
    t->err = err;
    t->wstatus = wstatus;
    t->done = true;
    t->ref = NULL;
    pool_of(t)->nitems++;
    if (!t->iter->ordered)
        queue_push(&t->iter->done, t);
}

/* ------------------------------------------------------------------------ */

bool iter_can_pull(const struct tmill_iter *iter)
{
    const struct tmill_pool *pool = iter->pool;
    return iter->source == SOURCE_OPEN && !pool->terminated && !pool->broken &&
           iter->window < iter->buffersize &&
           (pool->held < pool->attr.reply_budget || !iter->window);
}

static void source_ends(struct tmill_iter *iter, int got)
{
    iter->source = got < 0 ? SOURCE_FAILED : SOURCE_ENDED;
    iter->source_err = got;
    iter->pool->source_ended = true;
}

static void window_add(struct tmill_iter *iter, struct task *t)
{
    iter->window++;
    if (!iter->ordered)
        return;
    if (iter->last)
        iter->last->later = t;
    else
        iter->first = t;
    iter->last = t;
}

struct task *iter_pull(struct tmill_iter *iter)
{
    tmill_buf item = {NULL, 0};
    int got = iter->src(iter->u, &item);
    if (got <= 0) {
        source_ends(iter, got);
        return NULL;
    }
    struct task *t = task_new(iter->pool);
    if (t)
        buf_put(&t->in, item.p, item.n);
    if (!t || buf_error(&t->in)) {
        if (t)
            task_release(iter->pool, t);
        source_ends(iter, -ENOMEM);
        return NULL;
    }
    t->iter = iter;
    t->index = iter->index++;
    iter->pool->held += item.n;
    window_add(iter, t);
    return t;
}

struct task *iter_next_task(struct tmill_iter *iter)
{
    struct task *t = queue_pop(&iter->pending);
    if (t || !iter_can_pull(iter))
        return t;
    return iter_pull(iter);
}

bool iter_has_outcome(const struct tmill_iter *iter)
{
    if (iter->ordered ? iter->first && iter->first->done : !!iter->done.head)
        return true;
    return !iter->window && iter->source == SOURCE_FAILED;
}

bool iter_finished(const struct tmill_iter *iter)
{
    if (iter->window || iter->source == SOURCE_FAILED)
        return false;
    return iter->source == SOURCE_ENDED || iter->pool->terminated;
}

static struct task *window_take(struct tmill_iter *iter)
{
    struct task *t = iter->first;
    if (!iter->ordered) {
        t = queue_pop(&iter->done);
    } else {
        iter->first = t->later;
        if (!iter->first)
            iter->last = NULL;
    }
    iter->window--;
    return t;
}

static void give_back(struct tmill_iter *iter)
{
    if (iter->lent)
        task_release(iter->pool, iter->lent);
    iter->lent = NULL;
}

/* There is an outcome: hands it to the caller. */
static void deliver(struct tmill_iter *iter, tmill_item *item)
{
    iter->pool->taken++;
    if (!iter->window) {
        iter->source = SOURCE_ENDED;
        *item = (tmill_item){.index = iter->index,
                             .why = TMILL_ESOURCE,
                             .err = iter->source_err};
        return;
    }
    struct task *t = iter->lent = window_take(iter);
    *item = (tmill_item){.index = t->index,
                         .why = t->why,
                         .err = t->err,
                         .wstatus = t->wstatus,
                         .attempts = t->attempts,
                         .in = {t->in.p, t->in.n}};
    *(t->why == TMILL_OK ? &item->out : &item->msg) =
        (tmill_buf){t->out.p, t->out.n};
}

/* How many outcomes may be taken before the workers are looked after. */
enum { TAKE_AT_ONCE = 64 };

/* What is left of ms milliseconds.  *deadline is 0 at first: the clock is not
 * asked where there is no need to wait. */
static int remaining_ms(uint64_t *deadline, int ms)
{
    uint64_t now = clock_ns();
    if (!*deadline)
        *deadline = now + (uint64_t)ms * 1000000;
    if (now >= *deadline)
        return 0;
    return (int)((*deadline - now + 999999) / 1000000);
}

int tmill_next(tmill_iter *iter, tmill_item *item, int ms)
{
    struct tmill_pool *pool = iter->pool;
    if (owner_is_parent(&pool->owner))
        return -ECHILD;
    give_back(iter);
    uint64_t deadline = 0;
    bool last_look = false;

    for (;;) {
        bool ready = iter_has_outcome(iter);
        if (ready && pool->taken < TAKE_AT_ONCE) {
            deliver(iter, item);
            return 1;
        }
        if (iter_finished(iter))
            return 0;
        if (!ready && pool->broken && !iter->window)
            return pool->broken;
        if (!ready && last_look)
            return -ETIMEDOUT;
        int left = ready || !ms ? 0 : ms < 0 ? -1 : remaining_ms(&deadline, ms);
        last_look = left == 0;
        pool->taken = 0;
        pool->wanted = iter;
        int err = pool->engine->step(pool, left);
        pool->wanted = NULL;
        if (err && !ready)
            return err;
    }
}

/* ------------------------------------------------------------------------ */

/* Many workers share a window of some 20 MB; their chunks become smaller
 * (chunk_size() in feed.c). */
enum { AUTO_WINDOW_MAX = 32 * 1024 };

static size_t window_default(const struct tmill_iter *iter)
{
    size_t workers = iter->pool->attr.processes;
    if (!workers)
        workers = 1;
    if (iter->chunksize == TMILL_CHUNK_AUTO)
        return 1024 * workers < AUTO_WINDOW_MAX ? 1024 * workers
                                                : AUTO_WINDOW_MAX;
    return iter->chunksize > SIZE_MAX / 4 / workers
               ? SIZE_MAX
               : 4 * workers * iter->chunksize;
}

static int iter_new(tmill_pool *pool, tmill_fn *fn, tmill_src *src, void *u,
                    const tmill_opt *opt, bool ordered, tmill_iter **iter)
{
    static const tmill_opt defaults = {.size = sizeof defaults};
    *iter = NULL;
    if (owner_is_parent(&pool->owner))
        return -ECHILD;
    if (pool->closed || pool->terminated || pool->broken)
        return -EPIPE;
    if (!opt)
        opt = &defaults;
    if (opt->size < sizeof *opt || !fn || !src)
        return -EINVAL;

    tmill_iter *it = calloc(1, sizeof *it);
    if (!it)
        return -ENOMEM;
    it->pool = pool;
    it->fn = fn;
    it->src = src;
    it->u = u;
    it->ordered = ordered;
    it->chunksize = opt->chunksize ? opt->chunksize : 1;
    it->buffersize = opt->buffersize ? opt->buffersize : window_default(it);
    it->next = pool->iters;
    pool->iters = it;
    *iter = it;
    return 0;
}

int tmill_imap(tmill_pool *pool, tmill_fn *fn, tmill_src *src, void *u,
               const tmill_opt *opt, tmill_iter **iter)
{
    return iter_new(pool, fn, src, u, opt, true, iter);
}

int tmill_imap_unordered(tmill_pool *pool, tmill_fn *fn, tmill_src *src,
                         void *u, const tmill_opt *opt, tmill_iter **iter)
{
    return iter_new(pool, fn, src, u, opt, false, iter);
}

static void unlink_iter(struct tmill_pool *pool, struct tmill_iter *iter)
{
    struct tmill_iter **at = &pool->iters;
    while (*at != iter)
        at = &(*at)->next;
    *at = iter->next;
    if (pool->turn == iter)
        pool->turn = NULL;
}

static void drop_queue(struct tmill_pool *pool, struct queue *q)
{
    for (struct task *t; (t = queue_pop(q));)
        task_release(pool, t);
}

/* Those that run are orphaned; the rest of the window is freed. */
static void drop_window(struct tmill_iter *iter)
{
    struct task *t, *later;
    for (t = iter->first; t; t = later) {
        later = t->later;
        if (t->done)
            task_release(iter->pool, t);
    }
    drop_queue(iter->pool, &iter->done);
}

static void orphan_sent(struct tmill_iter *iter)
{
    struct tmill_pool *pool = iter->pool;
    for (unsigned i = 0; pool->refs && i < pool->attr.processes; i++)
        for (struct task *t = pool->refs[i].sent.head; t; t = t->next)
            if (t->iter == iter) {
                pool->held -= t->in.n + t->out.n;
                t->iter = NULL;
            }
}

void tmill_iter_free(tmill_iter *iter)
{
    if (!iter || owner_is_parent(&iter->pool->owner))
        return;
    struct tmill_pool *pool = iter->pool;
    give_back(iter);
    pool->engine->recall(pool);
    drop_window(iter);
    drop_queue(pool, &iter->pending);
    orphan_sent(iter);
    unlink_iter(pool, iter);
    free(iter);
}
