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

enum { STILLBORN_AT_ONCE = 3, STILLBORN_MAX = 30, MS = 1000 * 1000 };

static const uint64_t RETRY_FORK_NS = 100 * 1000 * 1000,
                      GIVE_UP_FORK_NS = 5000000000;

/* --- replies ------------------------------------------------------------- */

static void finish(struct tmill_pool *pool, struct ref *ref)
{
    struct task *t = queue_pop(&ref->sent);
    ref->resolved++;
    ref->head_got = 0;
    pool->stillborn = 0;
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
    if (t->iter)
        pool->held += left;
    return t->out.n == ref->head.n;
}

static size_t in_flight(const tmill_iter *it)
{
    return it->window - it->pending.n - it->done.n;
}

static bool holds_any(const struct ref *ref, const tmill_iter *it)
{
    for (const struct task *t = ref->sent.head; t; t = t->next)
        if (t->iter == it)
            return true;
    return false;
}

/* Is reading from ref what brings the outcome closer that the caller waits
 * for?  Asked when more is held than the budget allows.  Where that item has
 * not been sent yet, it takes a worker that has got rid of its reply. */
static bool needed(const struct tmill_pool *pool, const struct ref *ref)
{
    const tmill_iter *it = pool->wanted;
    if (!ref->sent.head->iter || !it)
        return true; /* an orphan, to be thrown away; nobody takes any */
    if (iter_has_outcome(it))
        return false;
    if (it->ordered)
        return !it->first || !it->first->ref || it->first->ref == ref;
    return !in_flight(it) || holds_any(ref, it);
}

static bool over_budget(const struct tmill_pool *pool, const struct ref *ref)
{
    return pool->held > pool->attr.reply_budget && !needed(pool, ref);
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

/* --- taking back --------------------------------------------------------- */

/* Moves the tasks from number `from` on back to where they came from. */
static unsigned take_back(struct tmill_pool *pool, struct ref *ref,
                          uint32_t from)
{
    struct queue keep = {0}, back = {0};
    for (struct task *t; (t = queue_pop(&ref->sent));) {
        if (seq_before(t->seq, from))
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

/* --- ends ---------------------------------------------------------------- */

/* Forgets what has been read of a reply that will not be whole. */
static void drop_reply(struct tmill_pool *pool, struct task *t)
{
    if (t->iter)
        pool->held -= t->out.n;
    buf_clear(&t->out);
}

static bool may_retry(const struct tmill_pool *pool, const struct task *t)
{
    return t->attempts <= pool->attr.retries && !pool->terminated &&
           !pool->broken;
}

/* The task that ran when its worker died. */
static void blame(struct tmill_pool *pool, struct ref *ref, struct task *t)
{
    int wstatus = atomic_load(&ref->slot->wstatus);
    t->ref = NULL;
    t->attempts++;
    drop_reply(pool, t);
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

/*
 * Another process for this place.  Where lives end again and again before
 * their first item, a crash in init say, not at once, and not for ever.
 */
static void replace(struct tmill_pool *pool, struct ref *ref, bool stillborn)
{
    if (pool->closing || pool->terminated || pool->broken)
        return;
    pool->stillborn += stillborn;
    if (pool->stillborn > STILLBORN_MAX + pool->attr.processes)
        pool_break(pool, -ECHILD);
    else if (pool->stillborn > STILLBORN_AT_ONCE + pool->attr.processes)
        ref->retry_at = clock_ns() + RETRY_FORK_NS;
    else
        ref_spawn(pool, ref);
}

static void bury(struct tmill_pool *pool, struct ref *ref)
{
    while (ref->sent.n && read_reply(pool, ref))
        finish(pool, ref);
    uint32_t started = gate_started(ref->slot);
    take_back(pool, ref, started);
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
    else
        replace(pool, ref, !left && !started);
}

static bool any_alive(const struct tmill_pool *pool)
{
    for (unsigned i = 0; i < pool->attr.processes; i++)
        if (pool->refs[i].alive)
            return true;
    return false;
}

/* One place less for a while; none at all for long is the end. */
static void fork_failed(struct tmill_pool *pool, struct ref *ref, uint64_t now)
{
    atomic_store(&ref->slot->life, LIFE_NONE);
    ref->retry_at = now + RETRY_FORK_NS;
    if (!pool->forkless)
        pool->forkless = now;
    if (!any_alive(pool) && now - pool->forkless > GIVE_UP_FORK_NS)
        pool_break(pool, atomic_load(&ref->slot->error));
}

static bool look_at(struct tmill_pool *pool, struct ref *ref, uint64_t now)
{
    switch (atomic_load(&ref->slot->life)) {
    case LIFE_ALIVE:
        if (ref->alive)
            return false;
        ref->alive = true;
        pool->forkless = 0;
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

/* --- time limits --------------------------------------------------------- */

static void send_signal(struct tmill_pool *pool, struct ref *ref, int sig)
{
    atomic_store(&ref->slot->signal, sig);
    shared_command(&pool->shared);
}

static void doom(struct tmill_pool *pool, struct ref *ref, uint64_t now)
{
    ref_recall(pool, ref);
    if (gate_started(ref->slot) != ref->started ||
        atomic_load(&ref->slot->ended) == ref->started)
        return; /* it had ended after all */
    ref->doomed = now;
    atomic_store(&ref->slot->stop, 1);
    send_signal(pool, ref, SIGTERM);
}

static void enforce(struct tmill_pool *pool, struct ref *ref, uint64_t now)
{
    uint64_t limit = (uint64_t)pool->attr.timeout_ms * MS;
    if (!ref->doomed) {
        if (now - ref->since > limit)
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
        uint32_t ended =
            atomic_load_explicit(&ref->slot->ended, memory_order_acquire);
        if (started != ref->started || started == ended) {
            ref->started = started;
            ref->since = now;
        }
        if (pool->attr.timeout_ms && ref->alive)
            enforce(pool, ref, now);
    }
}

/* --- the end of all ------------------------------------------------------ */

static void resolve_queue(struct tmill_pool *pool, struct queue *q,
                          enum tmill_why why, int err)
{
    for (struct task *t; (t = queue_pop(q));) {
        drop_reply(pool, t);
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
