/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * feed: from sources to workers, in chunks.
 *
 * A worker is sent its next chunk while it runs the last, so that it need not
 * wait for the parent; what that costs in balance is made good by taking back:
 * when a worker has nothing to do and there is nothing new to send, items that
 * wait behind another worker's long item are recalled and dealt out again.
 */
#include "libtreemill/dispatch.h"

#include <string.h>

enum {
    CHUNK_NS = 4 * 1000 * 1000, /* TMILL_CHUNK_AUTO: work in a chunk */
    CHUNK_MAX = 256,            /* and items at the most */
    AHEAD_NS = 200 * 1000,      /* work that is worth having in flight */
    AHEAD_MAX = 64,
    STUCK_NS = 2 * 1000 * 1000, /* on one item so long: send nothing more */
    PULL_AT_ONCE = 64,
    KEEP_OUT_BYTES = 1024 * 1024
};

static size_t clamp(double x, size_t max)
{
    return x < 1 ? 1 : x > (double)max ? max : (size_t)x;
}

/* Items in a chunk now: smaller when the window, or what is left, would not go
 * round. */
static size_t chunk_size(const tmill_iter *iter)
{
    if (iter->chunksize != TMILL_CHUNK_AUTO)
        return iter->chunksize;
    if (iter->mean_ns <= 0)
        return 1;
    size_t workers = iter->pool->attr.processes;
    size_t n = clamp(CHUNK_NS / iter->mean_ns, CHUNK_MAX);
    size_t share = iter->source == SOURCE_OPEN
                       ? iter->buffersize / (4 * workers) + 1
                       : iter->pending.n / (2 * workers) + 1;
    return n < share ? n : share;
}

/* Items that may be in flight before a further chunk is sent. */
static size_t depth(const tmill_iter *iter)
{
    if (iter->mean_ns <= 0)
        return 0;
    size_t n = clamp(AHEAD_NS / iter->mean_ns, AHEAD_MAX);
    size_t chunk = chunk_size(iter);
    return n > chunk ? n : chunk;
}

static bool stuck(const struct ref *ref, uint64_t now)
{
    return ref->sent.n && now - ref->since > STUCK_NS;
}

static bool has_work(const tmill_iter *iter)
{
    return iter->pending.head || iter_can_pull(iter);
}

/* The next iterator in turn that has something to send. */
static tmill_iter *next_iter(struct tmill_pool *pool)
{
    tmill_iter *from = pool->turn ? pool->turn->next : NULL;
    for (tmill_iter *it = from; it; it = it->next)
        if (has_work(it))
            return pool->turn = it;
    for (tmill_iter *it = pool->iters; it != from; it = it->next)
        if (has_work(it))
            return pool->turn = it;
    return NULL;
}

/* Moves what the channel has room for. */
static void pump(struct ref *ref)
{
    size_t left = ref->out.n - ref->out_at;
    if (!left)
        return;
    ref->out_at += channel_write(&ref->tasks, ref->out.p + ref->out_at, left);
    channel_wake(&ref->tasks);
    if (ref->out_at == ref->out.n) {
        if (ref->out.cap > KEEP_OUT_BYTES)
            buf_free(&ref->out);
        buf_clear(&ref->out);
        ref->out_at = 0;
    }
}

static void add_item(struct ref *ref, struct task *t)
{
    struct item_head head = {t->in.n};
    t->seq = ref->nsent++;
    t->ref = ref;
    buf_put(&ref->out, &head, sizeof head);
    buf_put(&ref->out, t->in.p, t->in.n);
    queue_push(&ref->sent, t);
    ref->life_items++;
}

/* Serialises up to n items of iter.  False when there was none. */
static bool build_chunk(struct ref *ref, tmill_iter *iter, size_t n)
{
    struct chunk_head head = {.fn = iter->fn, .first = ref->nsent};
    size_t at = ref->out.n;
    struct task *t;
    buf_put(&ref->out, &head, sizeof head);
    while (head.count < n && (t = iter_next_task(iter))) {
        add_item(ref, t);
        head.count++;
    }
    if (buf_error(&ref->out)) {
        pool_break(iter->pool, buf_error(&ref->out));
        return false;
    }
    if (!head.count) {
        ref->out.n = at;
        return false;
    }
    memcpy(ref->out.p + at, &head, sizeof head);
    iter->pool->nchunks++;
    return true;
}

static bool wants(const struct ref *ref, const tmill_iter *iter)
{
    return !ref->sent.n || ref->sent.n <= depth(iter);
}

void ref_leave(struct tmill_pool *pool, struct ref *ref)
{
    if (!ref->alive || ref->leaving)
        return;
    ref->leaving = true;
    buf_put(&ref->out, &(struct chunk_head){0}, sizeof(struct chunk_head));
    if (buf_error(&ref->out))
        pool_break(pool, buf_error(&ref->out));
    pump(ref);
}

static size_t life_left(const struct tmill_pool *pool, const struct ref *ref)
{
    unsigned max = pool->attr.maxtasksperchild;
    return !max ? SIZE_MAX : ref->life_items < max ? max - ref->life_items : 0;
}

static bool can_take(const struct ref *ref, uint64_t now)
{
    return ref->alive && !ref->leaving && !ref->doomed && !ref->out.n &&
           !stuck(ref, now);
}

static void feed_one(struct tmill_pool *pool, struct ref *ref, uint64_t now)
{
    pump(ref);
    tmill_iter *iter;
    while (can_take(ref, now) && (iter = next_iter(pool)) && wants(ref, iter)) {
        size_t n = pool->chunksize = chunk_size(iter);
        size_t left = life_left(pool, ref);
        if (!build_chunk(ref, iter, n < left ? n : left))
            continue; /* its source has just ended */
        pump(ref);
        if (!life_left(pool, ref))
            ref_leave(pool, ref);
    }
}

/* --- taking back --------------------------------------------------------- */

static bool idle(const struct tmill_pool *pool, uint64_t now)
{
    for (unsigned i = 0; i < pool->attr.processes; i++)
        if (!pool->refs[i].sent.n && can_take(&pool->refs[i], now))
            return true;
    return false;
}

/* The worker with the most items waiting behind one that takes long. */
static struct ref *victim(struct tmill_pool *pool, uint64_t now)
{
    struct ref *worst = NULL;
    for (unsigned i = 0; i < pool->attr.processes; i++) {
        struct ref *ref = &pool->refs[i];
        if (ref->sent.n > 1 && stuck(ref, now) &&
            (!worst || ref->sent.n > worst->sent.n))
            worst = ref;
    }
    return worst;
}

static bool any_work(const struct tmill_pool *pool)
{
    for (const tmill_iter *it = pool->iters; it; it = it->next)
        if (has_work(it))
            return true;
    return false;
}

void feed(struct tmill_pool *pool, uint64_t now)
{
    struct ref *ref;
    if (pool->terminated || pool->broken)
        return;
    if (!any_work(pool) && idle(pool, now) && (ref = victim(pool, now)))
        ref_recall(pool, ref);
    for (unsigned i = 0; i < pool->attr.processes && !pool->broken; i++)
        feed_one(pool, &pool->refs[i], now);
}

bool feed_ahead(struct tmill_pool *pool)
{
    for (tmill_iter *it = pool->iters; it; it = it->next) {
        for (int n = 0; n < PULL_AT_ONCE; n++) {
            struct task *t = iter_can_pull(it) ? iter_pull(it) : NULL;
            if (!t)
                break;
            queue_push(&it->pending, t);
        }
        if (iter_can_pull(it))
            return true;
    }
    return false;
}
