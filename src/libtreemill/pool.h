/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pool: what the parent knows of one pool; shared by the parts of the library
 * that run in the parent (pool, iter, dispatch, serial).
 *
 * A task goes through these states, and is in exactly one queue at a time:
 *
 *     pulled -> iter.pending -> worker.sent -> resolved -> delivered
 *                    ^              |
 *                    +--------------+  taken back, or to be run again
 */
#ifndef TREEMILL_POOL_H
#define TREEMILL_POOL_H

#include "common/buf.h"
#include "libtreemill/clock.h"
#include "libtreemill/ctx.h"
#include "libtreemill/owner.h"
#include "libtreemill/shared.h"
#include "libtreemill/worker.h"

struct ref;

/* One item on its way. */
struct task {
    struct task *next;       /* in the queue where it is */
    struct task *later;      /* ordered: the next task of the window */
    struct tmill_iter *iter; /* NULL: nobody wants the outcome any more */
    struct ref *ref;         /* the worker it was sent to, NULL: none */
    uint64_t index;
    uint32_t seq; /* its number there */
    uint32_t attempts;
    enum tmill_why why;
    int err;
    int wstatus;
    bool done; /* resolved */
    struct buf in;
    struct buf out; /* the reply, or the message */
};

struct queue {
    struct task *head;
    struct task **tail; /* where the next one is linked, unless empty */
    size_t n;
};

void queue_push(struct queue *q, struct task *t);
void queue_push_front(struct queue *q, struct task *t);
struct task *queue_pop(struct queue *q);

enum source { SOURCE_OPEN, SOURCE_ENDED, SOURCE_FAILED };

struct tmill_iter {
    struct tmill_pool *pool;
    struct tmill_iter *next; /* of the pool's iterators */
    tmill_fn *fn;
    tmill_src *src;
    void *u;
    bool ordered;
    size_t chunksize; /* TMILL_CHUNK_AUTO: found from mean_ns */
    size_t buffersize;
    size_t window;  /* tasks pulled and not delivered */
    uint64_t index; /* of the next item */
    enum source source;
    int source_err;
    struct queue pending; /* to be sent */
    struct task *first;   /* ordered: the window, by index */
    struct task *last;
    struct queue done; /* unordered: resolved */
    struct task *lent; /* the one whose item the caller holds */
    double mean_ns;    /* of an item, smoothed; 0: not known yet */
};

/* The parent's view of one worker place. */
struct ref {
    unsigned i;
    struct slot *slot;
    struct channel tasks;
    struct channel replies;
    bool alive;          /* may be sent to */
    bool leaving;        /* was told to leave */
    struct queue sent;   /* in flight: not yet replied to, in the order sent */
    uint32_t nsent;      /* the next item's number */
    uint32_t life_items; /* that this life has been given */
    struct buf out;      /* frames that the channel has no room for yet, */
    size_t out_at;       /* from here on */
    struct reply_head head; /* of the reply that is being read, */
    size_t head_got;        /* so much of it */
    uint32_t rings;         /* as last seen */
    bool unread;            /* there may be replies to read */
    uint64_t busy_ns;       /* as last seen */
    unsigned resolved;      /* items since then */
    uint32_t started;       /* as last seen, */
    uint64_t since;         /* ns, since when */
    uint64_t doomed;        /* ns, when its item was told to stop; 0: not */
    bool killed;
    uint64_t retry_at; /* ns, when to fork again, after trouble; 0: none */
};

/* How a pool runs its items: by workers, or in the caller. */
struct engine {
    /* Makes progress; may sleep up to ms milliseconds when there is none to
     * make.  0, -EINTR, or what broke the pool. */
    int (*step)(struct tmill_pool *pool, int ms);
    void (*terminate)(struct tmill_pool *pool);
    /* After close, with nothing left to do, or terminate: 0 or -ETIMEDOUT. */
    int (*join)(struct tmill_pool *pool, int ms);
    /* Takes the pool's tasks back from workers where they have not begun. */
    void (*recall)(struct tmill_pool *pool);
    void (*destroy)(struct tmill_pool *pool);
};

extern const struct engine dispatch_engine, serial_engine;
int dispatch_init(struct tmill_pool *pool);
int serial_init(struct tmill_pool *pool);

struct tmill_pool {
    tmill_attr attr;
    const struct engine *engine;
    struct owner owner;
    bool closed, terminated, joined;
    bool closing; /* joining: workers that end are not replaced */
    int broken;   /* negative errno: no further work is possible */
    struct tmill_iter *iters;
    struct tmill_iter *turn;   /* whose work is sent next */
    struct tmill_iter *wanted; /* whose outcome the caller waits for */
    struct task *free;
    size_t held; /* bytes of items and outcomes not yet delivered */
    uint64_t nitems, nchunks, ndeaths;
    size_t chunksize;  /* as last used */
    bool source_ended; /* a source has, since the last step */
    unsigned taken;    /* outcomes delivered since the last step */

    /* forked */
    struct worker_attr worker_attr;
    struct shared shared;
    struct ref *refs;
    pid_t zygote;
    int zygote_fd;      /* pidfd, -1: ended */
    uint32_t news;      /* as last seen */
    unsigned stillborn; /* lives in a row that ended before their first item */
    uint64_t forkless;  /* ns, since when no process could be had; 0: not */
    bool look_everywhere; /* read all replies, rung for or not */

    /* serial */
    struct tmill_ctx ctx;
    _Atomic uint64_t work;
    uint64_t busy_ns;
};

/* --- iter.c: tasks, windows, deliveries ----------------------------------- */

/* May the source be asked for another item? */
bool iter_can_pull(const struct tmill_iter *iter);
/* Asks it; the task, not in any queue yet, or NULL at its end or error (or out
 * of memory, which counts as the source's error). */
struct task *iter_pull(struct tmill_iter *iter);
/* The next task to be sent, from pending or the source; NULL: none now. */
struct task *iter_next_task(struct tmill_iter *iter);
/* Is there an outcome to deliver? */
bool iter_has_outcome(const struct tmill_iter *iter);
/* Is every item delivered, and the source at its end? */
bool iter_finished(const struct tmill_iter *iter);

/* Resolves t, which is in no queue. */
void task_resolve(struct task *t, enum tmill_why why, int err, int wstatus);
/* Frees t, which is in no queue and not in a window. */
void task_release(struct tmill_pool *pool, struct task *t);

#endif
