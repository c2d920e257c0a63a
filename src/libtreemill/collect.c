/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * collect: what comes back from the workers, and what becomes of those that
 * do not come back.
 *
 * Races, and why they are harmless:
 * - A worker dies between its reply and its next item: the reply was released,
 *   is read first, and nobody is blamed.
 * - A worker dies in mid-reply: the part is thrown away and the item is blamed,
 *   once.
 * - A time limit strikes just as the item ends: before the signal is sent, all
 *   items not begun are taken back at the gate, so that the signal can only
 *   meet this item or an idle worker; and a worker that was signalled is
 *   always replaced.
 */
#include "libtreemill/dispatch.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

enum { RETRY_FORK_NS = 100 * 1000 * 1000, MS = 1000 * 1000 };

/* --- replies ---------------------------------------------------------------
 */

static void finish(struct tmill_pool *pool, struct ref *ref)
{
    struct task *t = queue_pop(&ref->sent);
    ref->resolved++;
    ref->head_got = 0;
    if (!t->iter) {
        task_release(pool, t);
        return;
    }
    t->attempts++;
    task_resolve(t, (enum tmill_why)ref->head.why, ref->head.err, 0);
}

/* Reads on in the current reply.  True when it is complete. */
static bool read_reply(struct tmill_pool *pool, struct ref *ref)
{
    if (ref->head_got < sizeof ref->head) {
        ref->head_got +=
            channel_read(&ref->replies, (char *)&ref->head + ref->head_got,
                         sizeof ref->head - ref->head_got);
        if (ref->head_got < sizeof ref->head)
            return false;
    }
    struct task *t = ref->sent.head;
    size_t left = ref->head.n - t->out.n;
    if (!left)
        return true;
    uint32_t used = channel_used(&ref->replies);
    if (!used)
        return false;
    if (used < left)
        left = used;
    char *to = buf_reserve(&t->out, left);
    if (!to) {
        pool_break(pool, -ENOMEM);
        return false;
    }
    channel_read(&ref->replies, to, left);
    t->out.n += left;
    pool->held += left;
    return t->out.n == ref->head.n;
}

/* Is reading from ref what brings the next delivery closer?  Asked when more
 * is held than the budget allows. */
static bool head_of_line(const struct tmill_pool *pool, const struct ref *ref)
{
    for (const tmill_iter *it = pool->iters; it; it = it->next)
        if (iter_has_outcome(it))
            return false; /* the caller has something to take first */
    for (const tmill_iter *it = pool->iters; it; it = it->next)
        if (!it->first || !it->first->ref || it->first->ref == ref)
            return true;
    return false;
}

static bool over_budget(const struct tmill_pool *pool, const struct ref *ref)
{
    return pool->held > pool->attr.reply_budget && !head_of_line(pool, ref);
}

/* Reads what there is, or what the budget allows. */
static bool drain(struct tmill_pool *pool, struct ref *ref)
{
    bool any = false;
    ref->unread = false;
    while (ref->sent.n) {
        if (over_budget(pool, ref)) {
            ref->unread = true;
            break;
        }
        if (!read_reply(pool, ref))
            break;
        finish(pool, ref);
        any = true;
    }
    channel_wake(&ref->replies);
    return any;
}

/* The mean time of an item, smoothed, from what the worker says it was busy. */
static void measure(struct ref *ref, tmill_iter *iter)
{
    uint64_t busy =
        atomic_load_explicit(&ref->slot->busy_ns, memory_order_relaxed);
    if (busy == ref->busy_ns || !ref->resolved)
        return;
    double mean = (double)(busy - ref->busy_ns) / ref->resolved;
    if (iter)
        iter->mean_ns =
            iter->mean_ns > 0 ? 0.75 * iter->mean_ns + 0.25 * mean : mean;
    ref->busy_ns = busy;
    ref->resolved = 0;
}

bool collect_replies(struct tmill_pool *pool)
{
    bool any = false;
    for (unsigned i = 0; i < pool->attr.processes && !pool->broken; i++) {
        struct ref *ref = &pool->refs[i];
        uint32_t rings =
            atomic_load_explicit(&ref->slot->rings, memory_order_acquire);
        if (rings == ref->rings && !ref->unread && !pool->look_everywhere)
            continue;
        tmill_iter *iter = ref->sent.head ? ref->sent.head->iter : NULL;
        ref->rings = rings;
        any |= drain(pool, ref);
        measure(ref, iter);
    }
    pool->look_everywhere = false;
    return any;
}

bool collect_pending(const struct tmill_pool *pool)
{
    if (atomic_load(&pool->shared.board->news) != pool->news)
        return true;
    for (unsigned i = 0; i < pool->attr.processes; i++)
        if (atomic_load(&pool->refs[i].slot->rings) != pool->refs[i].rings)
            return true;
    return false;
}

/* --- taking back -----------------------------------------------------------
 */

/* Moves the tasks from number `from` on back to where they came from. */
static unsigned take_back(struct tmill_pool *pool, struct ref *ref,
                          uint32_t from)
{
    struct queue keep = {0}, back = {0};
    for (struct task *t; (t = queue_pop(&ref->sent));) {
        if ((int32_t)(t->seq - from) < 0)
            queue_push(&keep, t);
        else
            queue_push_front(&back, t); /* reversed, so that the loop below */
    }
    unsigned n = (unsigned)back.n;
    ref->sent = keep;
    for (struct task *t; (t = queue_pop(&back));) {
        t->ref = NULL;
        if (t->iter)
            queue_push_front(&t->iter->pending, t); /* ... restores order */
        else
            task_release(pool, t);
    }
    return n;
}

unsigned ref_recall(struct tmill_pool *pool, struct ref *ref)
{
    unsigned n = take_back(pool, ref, gate_burn(ref->slot, ref->nsent));
    ref->life_items -= n;
    return n;
}

/* --- ends ------------------------------------------------------------------
 */

static bool may_retry(const struct tmill_pool *pool, const struct task *t)
{
    return t->attempts <= pool->attr.retries && !pool->terminated &&
           !pool->broken;
}

/* The task that ran when its worker died. */
static void blame(struct tmill_pool *pool, struct ref *ref, struct task *t)
{
    int wstatus = atomic_load(&ref->slot->wstatus);
    pool->held -= t->out.n;
    buf_clear(&t->out); /* part of a reply */
    t->ref = NULL;
    t->attempts++;
    if (!t->iter)
        task_release(pool, t);
    else if (may_retry(pool, t))
        queue_push_front(&t->iter->pending, t);
    else if (ref->doomed)
        task_resolve(t, TMILL_ETIME, -ETIMEDOUT, wstatus);
    else
        task_resolve(t, TMILL_EDIED, -ECHILD, wstatus);
}

void ref_spawn(struct tmill_pool *pool, struct ref *ref)
{
    slot_reset(&pool->shared, ref->i);
    ref->alive = ref->leaving = ref->killed = false;
    ref->nsent = ref->life_items = ref->started = 0;
    ref->doomed = ref->retry_at = 0;
    ref->head_got = 0;
    buf_clear(&ref->out);
    ref->out_at = 0;
    atomic_store(&ref->slot->life, LIFE_WANTED);
    shared_command(&pool->shared);
}

static void bury(struct tmill_pool *pool, struct ref *ref)
{
    while (ref->sent.n && read_reply(pool, ref))
        finish(pool, ref);
    take_back(pool, ref, gate_started(ref->slot));
    assert(ref->sent.n <= 1);
    struct task *t = queue_pop(&ref->sent);
    if (t)
        blame(pool, ref, t);
    bool left = ref->leaving && atomic_load(&ref->slot->wstatus) == 0;
    if (!left && !pool->terminated)
        pool->ndeaths++;
    ref->alive = false;
    int err = atomic_load(&ref->slot->init_error);
    atomic_store(&ref->slot->life, LIFE_NONE);
    if (err)
        pool_break(pool, err);
    else if (!pool->closing && !pool->terminated && !pool->broken)
        ref_spawn(pool, ref);
}

static unsigned count_alive(const struct tmill_pool *pool)
{
    unsigned n = 0;
    for (unsigned i = 0; i < pool->attr.processes; i++)
        n += pool->refs[i].alive;
    return n;
}

/* One place less for a while; none left at all is the end. */
static void fork_failed(struct tmill_pool *pool, struct ref *ref, uint64_t now)
{
    atomic_store(&ref->slot->life, LIFE_NONE);
    ref->retry_at = now + RETRY_FORK_NS;
    if (!count_alive(pool))
        pool_break(pool, atomic_load(&ref->slot->error));
}

static bool look_at(struct tmill_pool *pool, struct ref *ref, uint64_t now)
{
    switch (atomic_load(&ref->slot->life)) {
    case LIFE_ALIVE:
        if (ref->alive)
            return false;
        ref->alive = true;
        return true;
    case LIFE_ENDED:
        bury(pool, ref);
        return true;
    case LIFE_FAILED:
        fork_failed(pool, ref, now);
        return true;
    default:
        if (ref->retry_at && now >= ref->retry_at && !pool->broken)
            ref_spawn(pool, ref);
        return false;
    }
}

bool collect_lives(struct tmill_pool *pool, uint64_t now)
{
    bool any = false;
    pool->news = atomic_load(&pool->shared.board->news);
    for (unsigned i = 0; i < pool->attr.processes; i++)
        any |= look_at(pool, &pool->refs[i], now);
    return any;
}

/* --- time limits -----------------------------------------------------------
 */

static void send_signal(struct tmill_pool *pool, struct ref *ref, int sig)
{
    atomic_store(&ref->slot->signal, sig);
    shared_command(&pool->shared);
}

static void doom(struct tmill_pool *pool, struct ref *ref, uint64_t now)
{
    ref_recall(pool, ref);
    if (gate_started(ref->slot) != ref->started)
        return; /* it had gone on to another item after all */
    ref->doomed = now;
    atomic_store(&ref->slot->stop, 1);
    send_signal(pool, ref, SIGTERM);
}

static void enforce(struct tmill_pool *pool, struct ref *ref, uint64_t now)
{
    uint64_t limit = (uint64_t)pool->attr.timeout_ms * MS;
    if (!ref->doomed) {
        if (ref->sent.n && ref->started && now - ref->since > limit)
            doom(pool, ref, now);
        return;
    }
    /* Nothing left to run: the item ended within its grace. */
    bool over = now - ref->doomed > (uint64_t)pool->attr.grace_ms * MS;
    if (!ref->killed && (over || !ref->sent.n)) {
        ref->killed = true;
        send_signal(pool, ref, SIGKILL);
    }
}

void collect_times(struct tmill_pool *pool, uint64_t now)
{
    for (unsigned i = 0; i < pool->attr.processes; i++) {
        struct ref *ref = &pool->refs[i];
        uint32_t started = gate_started(ref->slot);
        if (started != ref->started || !ref->sent.n) {
            ref->started = started;
            ref->since = now;
        }
        if (pool->attr.timeout_ms && ref->alive)
            enforce(pool, ref, now);
    }
}

/* --- the end of all --------------------------------------------------------
 */

static void resolve_queue(struct tmill_pool *pool, struct queue *q,
                          enum tmill_why why, int err)
{
    for (struct task *t; (t = queue_pop(q));) {
        pool->held -= t->out.n;
        buf_clear(&t->out);
        if (t->iter)
            task_resolve(t, why, err, 0);
        else
            task_release(pool, t);
    }
}

void resolve_all(struct tmill_pool *pool, enum tmill_why why, int err)
{
    for (unsigned i = 0; i < pool->attr.processes; i++)
        resolve_queue(pool, &pool->refs[i].sent, why, err);
    for (tmill_iter *it = pool->iters; it; it = it->next)
        resolve_queue(pool, &it->pending, why, err);
}

void pool_break(struct tmill_pool *pool, int err)
{
    if (pool->broken)
        return;
    pool->broken = err;
    resolve_all(pool, TMILL_EINIT, err);
}
