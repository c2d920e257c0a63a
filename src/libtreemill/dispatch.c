/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The dispatcher's loop and the pool's beginning and end.
 *
 * It runs inside the caller's calls, in one thread.  It sleeps in poll(2) on
 * the bell and on the zygote.  Workers ring once per chunk, so while chunks of
 * several items run it wakes up on its own as well (TICK_MS): a finished item
 * does not wait for its slow neighbour, and time limits are kept.
 */
#include "libtreemill/dispatch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>

#include "libtreemill/zygote.h"

enum { TICK_MS = 10 };

static const uint64_t OBEY_NS = 1000000000;

/* --- sleeping ------------------------------------------------------------ */

/* Is there something that no bell will tell of? */
static bool needs_tick(const struct tmill_pool *pool)
{
    for (unsigned i = 0; i < pool->attr.processes; i++) {
        const struct ref *ref = &pool->refs[i];
        if (ref->sent.n > 1 || ref->retry_at)
            return true;
        if (pool->attr.timeout_ms && ref->sent.n)
            return true;
    }
    return false;
}

static int nap_ms(const struct tmill_pool *pool, int ms)
{
    if (!needs_tick(pool))
        return ms;
    return ms < 0 || ms > TICK_MS ? TICK_MS : ms;
}

/* It says so when it fails; else somebody has killed it, and so all workers. */
static int why_zygote_ended(const struct tmill_pool *pool)
{
    int err = atomic_load(&pool->shared.board->error);
    return err ? err : -EPIPE;
}

/* Waits for the bell, the zygote's end, or ms milliseconds. */
static int nap(struct tmill_pool *pool, int ms)
{
    struct pollfd fds[] = {{.fd = pool->shared.bell_fd, .events = POLLIN},
                           {.fd = pool->zygote_fd, .events = POLLIN}};
    int n = 0, err = 0;
    atomic_store(&pool->shared.board->asleep, 1);
    if (!collect_pending(pool)) {
        n = poll(fds, 2, ms);
        err = n < 0 ? -errno : 0;
    }
    atomic_store(&pool->shared.board->asleep, 0);
    if (n > 0 && fds[0].revents)
        shared_clear(pool->shared.bell_fd);
    if (n > 0 && fds[1].revents && !atomic_load(&pool->shared.board->quit))
        pool_break(pool, why_zygote_ended(pool));
    if (n == 0)
        pool->look_everywhere = true;
    return err;
}

/* --- one step ------------------------------------------------------------ */

static bool collect(struct tmill_pool *pool, uint64_t now)
{
    bool any = false;
    bool news = atomic_load(&pool->shared.board->news) != pool->news;
    if (news || pool->look_everywhere)
        any |= collect_lives(pool, now);
    any |= collect_replies(pool);
    collect_times(pool, now);
    return any;
}

static int step(struct tmill_pool *pool, int ms)
{
    uint64_t now = clock_ns();
    if (!ms)
        pool->look_everywhere = true;
    bool any = collect(pool, now);
    feed(pool, now);
    bool more = !any && feed_ahead(pool);
    if (pool->source_ended) { /* that may be all that the caller waits for */
        pool->source_ended = false;
        any = true;
    }
    if (any || more || pool->terminated || pool->broken)
        return 0;
    return nap(pool, nap_ms(pool, ms));
}

/* --- the end ------------------------------------------------------------- */

static void quit(struct tmill_pool *pool)
{
    atomic_store(&pool->shared.board->quit, 1);
    shared_command(&pool->shared);
}

static void terminate(struct tmill_pool *pool)
{
    quit(pool);
    resolve_all(pool, TMILL_ECANCEL, -ECANCELED);
}

/* Any process left, or to come? */
static bool populated(const struct tmill_pool *pool)
{
    for (unsigned i = 0; i < pool->attr.processes; i++)
        if (atomic_load(&pool->refs[i].slot->life) != LIFE_NONE)
            return true;
    return false;
}

/* Lets the workers finish and leave. */
static int see_out(struct tmill_pool *pool, uint64_t deadline)
{
    pool->closing = true;
    while (populated(pool) && !pool->broken) {
        uint64_t now = clock_ns();
        collect(pool, now);
        for (unsigned i = 0; i < pool->attr.processes; i++)
            ref_leave(pool, &pool->refs[i]);
        feed(pool, now);
        if (!populated(pool))
            break;
        if (now >= deadline)
            return -ETIMEDOUT;
        nap(pool, TICK_MS);
    }
    return 0;
}

/* A zygote that does not obey, having been stopped, is killed: its workers end
 * with it. */
static int await_zygote(struct tmill_pool *pool, uint64_t deadline)
{
    struct pollfd fd = {.fd = pool->zygote_fd, .events = POLLIN};
    uint64_t patience = clock_ns() + OBEY_NS;
    for (;;) {
        uint64_t now = clock_ns();
        if (poll(&fd, 1, now >= deadline ? 0 : TICK_MS) > 0)
            return 0;
        if (now >= patience)
            kill(pool->zygote, SIGKILL);
        if (now >= deadline)
            return -ETIMEDOUT;
    }
}

static int join(struct tmill_pool *pool, int ms)
{
    uint64_t deadline =
        ms < 0 ? UINT64_MAX : clock_ns() + (uint64_t)ms * 1000000;
    int err = pool->terminated ? 0 : see_out(pool, deadline);
    if (err)
        return err;
    quit(pool);
    err = await_zygote(pool, deadline);
    if (!err)
        zygote_reap(pool->zygote, &pool->zygote_fd);
    return err;
}

static void recall(struct tmill_pool *pool)
{
    for (unsigned i = 0; i < pool->attr.processes; i++)
        ref_recall(pool, &pool->refs[i]);
}

static void destroy(struct tmill_pool *pool)
{
    struct task *t;
    for (unsigned i = 0; pool->refs && i < pool->attr.processes; i++) {
        while ((t = queue_pop(&pool->refs[i].sent)))
            task_release(pool, t);
        buf_free(&pool->refs[i].out);
    }
    free(pool->refs);
    pool->refs = NULL;
    shared_destroy(&pool->shared);
}

/* --- the beginning ------------------------------------------------------- */

static int make_refs(struct tmill_pool *pool)
{
    pool->refs = calloc(pool->attr.processes, sizeof *pool->refs);
    if (!pool->refs)
        return -ENOMEM;
    for (unsigned i = 0; i < pool->attr.processes; i++)
        pool->refs[i] =
            (struct ref){.i = i,
                         .slot = &pool->shared.slots[i],
                         .tasks = shared_tasks(&pool->shared, i),
                         .replies = shared_replies(&pool->shared, i)};
    return 0;
}

/* 1 when all have been forked, 0 when some are to come, or why one failed. */
static int all_born(const struct tmill_pool *pool)
{
    int all = 1;
    for (unsigned i = 0; i < pool->attr.processes; i++) {
        const struct slot *slot = pool->refs[i].slot;
        uint32_t life = atomic_load(&slot->life);
        if (life == LIFE_FAILED)
            return atomic_load(&slot->error);
        if (life == LIFE_WANTED)
            all = 0;
    }
    return all;
}

static int await_birth(struct tmill_pool *pool)
{
    int born;
    while (!(born = all_born(pool)) && !pool->broken) {
        pool->news = atomic_load(&pool->shared.board->news);
        if (!all_born(pool))
            nap(pool, TICK_MS);
    }
    pool->news--; /* so that the first step looks at them */
    return born < 0 ? born : pool->broken;
}

static int populate(struct tmill_pool *pool)
{
    for (unsigned i = 0; i < pool->attr.processes; i++)
        ref_spawn(pool, &pool->refs[i]);
    int err = await_birth(pool);
    if (!err)
        return 0;
    pool->terminated = true; /* kill those that were forked */
    join(pool, TMILL_FOREVER);
    return err;
}

int dispatch_init(struct tmill_pool *pool)
{
    pool->zygote_fd = -1;
    int err = shared_init(&pool->shared, pool->attr.processes);
    if (err)
        return err;
    pool->worker_attr = (struct worker_attr){.shared = &pool->shared,
                                             .init = pool->attr.init,
                                             .initarg = pool->attr.initarg,
                                             .fini = pool->attr.fini};
    struct zygote_attr zygote = {.shared = &pool->shared,
                                 .worker = worker_main,
                                 .u = &pool->worker_attr};
    err = make_refs(pool);
    if (!err)
        err = zygote_start(&zygote, &pool->zygote, &pool->zygote_fd);
    if (!err)
        err = populate(pool);
    if (err)
        destroy(pool);
    return err;
}

const struct engine dispatch_engine = {.step = step,
                                       .terminate = terminate,
                                       .join = join,
                                       .recall = recall,
                                       .destroy = destroy};
