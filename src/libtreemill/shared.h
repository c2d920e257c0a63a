/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shared: what the parent, the zygote and the workers of one pool share, one
 * anonymous mapping made before the zygote is forked.
 *
 *     struct board | struct slot [nslots] | task bytes, reply bytes [nslots]
 *
 * Every field names its writer.  Nothing here is a lock: whoever dies, the
 * others can go on.
 *
 * The gate decides who owns an item that was sent to a worker.  Items of one
 * worker's life are numbered from 0 in the order sent.  The gate holds
 * `started`, the number after the last item that the worker began, and
 * `burnt`, below which items not yet begun may no longer be.  The worker
 * begins an item by moving `started` past it, unless it is burnt; the parent
 * takes back whatever has not begun by moving `burnt` past all that it sent.
 * Both move by compare-and-swap of the one word, so that an item is either
 * begun or taken back, never both; and when a worker dies, what lies at or
 * beyond `started` never ran.
 *
 * The doorbell: the parent sleeps in poll(2) on an eventfd, which is written
 * only when `asleep` is set (one system call per sleep, not per result).
 * Workers ring when a chunk is done or they must wait, not at every item;
 * `rings` lets the parent see, before it sleeps, a ring that came too early
 * for `asleep`.
 */
#ifndef TREEMILL_SHARED_H
#define TREEMILL_SHARED_H

#include "libtreemill/channel.h"

enum {
    TASK_BYTES = 64 * 1024,   /* a worker's task channel */
    REPLY_BYTES = 128 * 1024, /* a worker's reply channel */
    REPLY_MAX = 64 * 1024 * 1024
};

/* What a slot's process is doing: a cycle, each step with one writer. */
enum life {
    LIFE_NONE,   /* no process (parent, once it has dealt with the end) */
    LIFE_WANTED, /* to be forked (parent) */
    LIFE_ALIVE,  /* forked: pid (zygote) */
    LIFE_ENDED,  /* reaped: wstatus (zygote) */
    LIFE_FAILED  /* fork failed: error (zygote) */
};

struct board {
    _Atomic uint32_t asleep; /* the parent waits for the bell; writer: parent
                                sets, whoever rings clears */
    _Atomic uint32_t news;   /* counts changes of slots' lives; zygote */
    _Atomic uint32_t quit;   /* the zygote is to kill all and end; parent */
    _Atomic int32_t error;   /* why the zygote ended, negative errno; zygote */
};

struct slot {
    _Alignas(64) _Atomic uint64_t gate;  /* worker and parent, see above */
    _Alignas(64) _Atomic uint32_t rings; /* worker */
    _Atomic uint32_t ended;     /* the number after the last item whose function
                                   has returned; worker */
    _Atomic int32_t init_error; /* worker */
    _Atomic uint64_t busy_ns;   /* worker */
    _Atomic uint64_t work;      /* worker */
    _Alignas(
        64) _Atomic uint32_t stop; /* the running item is to stop; parent */
    _Atomic uint32_t life;         /* see enum life */
    _Atomic int32_t signal;        /* to be sent; parent sets, zygote
                                      clears */
    _Atomic int32_t pid;           /* zygote */
    _Atomic int32_t wstatus;       /* zygote */
    _Atomic int32_t error;         /* negative errno; zygote */
    struct channel_ends tasks;     /* parent produces, worker consumes */
    struct channel_ends replies;   /* worker produces, parent consumes */
};

/* A process's handles on the shared things; the same in all after fork. */
struct shared {
    struct board *board;
    struct slot *slots;
    unsigned char *bytes;
    size_t length; /* of the mapping */
    unsigned nslots;
    int bell_fd;    /* eventfd that wakes the parent */
    int command_fd; /* eventfd that wakes the zygote */
};

/* Makes the mapping and the eventfds.  0 or a negative errno. */
int shared_init(struct shared *s, unsigned nslots);
void shared_destroy(struct shared *s);

struct channel shared_tasks(const struct shared *s, unsigned slot);
struct channel shared_replies(const struct shared *s, unsigned slot);

/* Wakes the parent when it sleeps; any process. */
void shared_ring(const struct shared *s);
/* Wakes the zygote; parent. */
void shared_command(const struct shared *s);
/* Empties an eventfd. */
void shared_clear(int fd);

/* A slot's state for a new life: channels empty, gate closed. */
void slot_reset(const struct shared *s, unsigned slot);

/* Worker: begins item seq; false when it has been taken back. */
bool gate_begin(struct slot *slot, uint32_t seq);
/* Parent: takes back every item below `sent` that has not begun.  Returns
 * `started`: items numbered from there on never ran. */
uint32_t gate_burn(struct slot *slot, uint32_t sent);
/* The number after the last item begun. */
uint32_t gate_started(const struct slot *slot);

/* Is item number a before item number b?  Numbers wrap at 2^32; a worker never
 * has half of that in flight. */
static inline bool seq_before(uint32_t a, uint32_t b)
{
    return (int32_t)(a - b) < 0;
}

#endif
