/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order that makes a death harmless: an item is begun at the gate before
 * its function is called, and its reply is released into the channel before
 * the next item is begun.  So at any moment at most one item is begun and not
 * replied to: the one to blame.
 */
#include "libtreemill/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "libtreemill/clock.h"
#include "libtreemill/ctx.h"
#include "libtreemill/frame.h"

enum { KEEP_ITEM_BYTES = 1024 * 1024 };

struct worker {
    const struct worker_attr *attr;
    struct slot *slot;
    struct channel tasks;
    struct channel replies;
    struct tmill_ctx ctx;
    char *item; /* the running item's bytes, of capacity cap */
    size_t cap;
    bool rung; /* the parent knows all there is to know */
};

/* Tells the parent that there is something to look at. */
static void ring(struct worker *w)
{
    uint32_t n = atomic_load_explicit(&w->slot->rings, memory_order_relaxed);
    atomic_store_explicit(&w->slot->rings, n + 1, memory_order_release);
    shared_ring(w->attr->shared);
    w->rung = true;
}

static void receive(struct worker *w, void *to, size_t n)
{
    while (n) {
        uint32_t got = channel_read(&w->tasks, to, n);
        if (!got) {
            if (!w->rung)
                ring(w);
            channel_wait_used(&w->tasks);
            continue;
        }
        w->rung = false; /* there is room for more of it now */
        to = (char *)to + got;
        n -= got;
    }
}

static void send_slowly(struct worker *w, const void *from, size_t n)
{
    while (n) {
        uint32_t put = channel_write(&w->replies, from, n);
        if (!put) {
            ring(w);
            channel_wait_room(&w->replies);
            continue;
        }
        from = (const char *)from + put;
        n -= put;
    }
}

static void send_reply(struct worker *w, const struct reply_head *head)
{
    const char *bytes = w->ctx.reply.p;
    if (!channel_write2(&w->replies, head, sizeof *head, bytes, head->n)) {
        send_slowly(w, head, sizeof *head);
        send_slowly(w, bytes, head->n);
    }
    w->rung = false;
    if (channel_used(&w->replies) > REPLY_BYTES / 2)
        ring(w);
}

/* Room for an item of n bytes: what was kept, unless it is too small, or was
 * made for a giant.  NULL: out of memory. */
static void *item_room(struct worker *w, size_t n)
{
    if (n <= w->cap && w->cap <= KEEP_ITEM_BYTES)
        return w->item;
    free(w->item);
    w->cap = n < 4096 ? 4096 : n;
    w->item = malloc(w->cap);
    if (!w->item)
        w->cap = 0;
    return w->item;
}

static void discard(struct worker *w, size_t n)
{
    char scrap[4096];
    while (n) {
        size_t part = n < sizeof scrap ? n : sizeof scrap;
        receive(w, scrap, part);
        n -= part;
    }
}

static void run_item(struct worker *w, tmill_fn *fn, uint32_t seq)
{
    struct item_head item;
    struct reply_head reply = {.seq = seq, .why = TMILL_EFN, .err = -ENOMEM};
    receive(w, &item, sizeof item);
    void *bytes = item_room(w, item.n);
    if (bytes)
        receive(w, bytes, item.n);
    else
        discard(w, item.n);
    if (!gate_begin(w->slot, seq))
        return;
    if (bytes)
        ctx_run(&w->ctx, fn, &(tmill_buf){bytes, item.n}, &reply);
    atomic_store_explicit(&w->slot->ended, seq + 1, memory_order_release);
    send_reply(w, &reply);
}

/* Returns false when told to leave. */
static bool run_chunk(struct worker *w)
{
    struct chunk_head chunk;
    receive(w, &chunk, sizeof chunk);
    w->rung = false;
    if (!chunk.count)
        return false;
    uint64_t from = clock_ns();
    for (uint32_t i = 0; i < chunk.count; i++)
        run_item(w, chunk.fn, chunk.first + i);
    uint64_t busy =
        atomic_load_explicit(&w->slot->busy_ns, memory_order_relaxed);
    atomic_store_explicit(&w->slot->busy_ns, busy + clock_ns() - from,
                          memory_order_relaxed);
    ring(w);
    return true;
}

static void start(struct worker *w)
{
    int err = w->attr->init ? w->attr->init(&w->ctx, w->attr->initarg) : 0;
    if (!err)
        return;
    atomic_store(&w->slot->init_error, err < 0 ? err : -EINVAL);
    ring(w);
    _exit(1);
}

void worker_main(void *worker_attr, unsigned slot)
{
    const struct worker_attr *attr = worker_attr;
    struct worker w = {.attr = attr,
                       .slot = &attr->shared->slots[slot],
                       .tasks = shared_tasks(attr->shared, slot),
                       .replies = shared_replies(attr->shared, slot)};
    w.ctx.slot = (int)slot;
    w.ctx.stop = &w.slot->stop;
    w.ctx.work = &w.slot->work;

    start(&w);
    while (run_chunk(&w))
        ;
    if (attr->fini)
        attr->fini(&w.ctx);
    _exit(0);
}
