/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool: making, closing, ending and describing a pool.  What runs its items
 * is an engine: dispatch (worker processes) or serial (the caller).
 */
#include "libtreemill/pool.h"

#include <errno.h>
#include <stdlib.h>

enum { PROCESSES_MAX = 1024, GRACE_MS = 1000 };

static const size_t reply_budget_default = 64 * 1024 * 1024;

static int check_attr(const tmill_attr *attr)
{
    if (attr->size < sizeof *attr || attr->processes > PROCESSES_MAX)
        return -EINVAL;
    if (attr->timeout_ms < 0 || attr->grace_ms < 0)
        return -EINVAL;
    if (attr->flags & ~(unsigned)(TMILL_NO_THREAD | TMILL_SERIAL))
        return -EINVAL;
    return 0;
}

static void set_attr(struct tmill_pool *pool, const tmill_attr *attr)
{
    pool->attr = *attr;
    if (!pool->attr.processes)
        pool->attr.processes = tmill_cpus();
    if (pool->attr.processes > PROCESSES_MAX)
        pool->attr.processes = PROCESSES_MAX;
    if (!pool->attr.grace_ms)
        pool->attr.grace_ms = GRACE_MS;
    if (!pool->attr.reply_budget)
        pool->attr.reply_budget = reply_budget_default;
}

int tmill_pool_create(tmill_pool **out, const tmill_attr *attr)
{
    static const tmill_attr defaults = {.size = sizeof defaults};
    *out = NULL;
    if (!attr)
        attr = &defaults;
    int err = check_attr(attr);
    if (err)
        return err;

    struct tmill_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return -ENOMEM;
    set_attr(pool, attr);
    owner_init(&pool->owner);
    bool serial = pool->attr.flags & TMILL_SERIAL;
    pool->engine = serial ? &serial_engine : &dispatch_engine;
    err = serial ? serial_init(pool) : dispatch_init(pool);
    if (!err) {
        *out = pool;
        return 0;
    }
    owner_destroy(&pool->owner);
    free(pool);
    return err;
}

unsigned tmill_pool_processes(const tmill_pool *pool)
{
    return pool->attr.processes;
}

int tmill_pool_close(tmill_pool *pool)
{
    if (owner_is_parent(&pool->owner))
        return -ECHILD;
    pool->closed = true;
    return 0;
}

int tmill_pool_terminate(tmill_pool *pool)
{
    if (owner_is_parent(&pool->owner))
        return -ECHILD;
    if (pool->terminated)
        return 0;
    pool->closed = pool->terminated = true;
    if (!pool->joined)
        pool->engine->terminate(pool);
    return 0;
}

int tmill_pool_join(tmill_pool *pool, int ms)
{
    if (owner_is_parent(&pool->owner))
        return -ECHILD;
    if (pool->joined)
        return 0;
    if (!pool->closed)
        return -EBUSY;
    for (const tmill_iter *it = pool->iters; it && !pool->terminated;
         it = it->next)
        if (!iter_finished(it) && !pool->broken)
            return -EDEADLK;
    int err = pool->engine->join(pool, ms);
    pool->joined = !err;
    return err;
}

void tmill_pool_destroy(tmill_pool *pool)
{
    if (!pool || owner_is_parent(&pool->owner))
        return;
    tmill_pool_terminate(pool);
    tmill_pool_join(pool, TMILL_FOREVER);
    pool->engine->destroy(pool);
    for (struct task *t, *next = pool->free; (t = next);) {
        next = t->next;
        buf_free(&t->in);
        buf_free(&t->out);
        free(t);
    }
    owner_destroy(&pool->owner);
    free(pool);
}

void tmill_pool_stats(const tmill_pool *pool, tmill_stats *stats)
{
    *stats = (tmill_stats){.items = pool->nitems,
                           .chunks = pool->nchunks,
                           .work = atomic_load(&pool->work),
                           .deaths = pool->ndeaths,
                           .chunksize = pool->chunksize,
                           .processes = pool->attr.processes};
    for (unsigned i = 0; i < pool->attr.processes; i++)
        stats->work += atomic_load_explicit(&pool->shared.slots[i].work,
                                            memory_order_relaxed);
}

uint64_t tmill_pool_busy(const tmill_pool *pool, unsigned slot)
{
    if (!pool->attr.processes && !slot)
        return pool->busy_ns;
    if (slot >= pool->attr.processes)
        return 0;
    return atomic_load_explicit(&pool->shared.slots[slot].busy_ns,
                                memory_order_relaxed);
}
