/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel: a byte stream from one process to one other, through a ring in
 * shared memory.
 *
 * Invariants:
 * - `head` counts the bytes ever written and has one writer, the producer;
 *   `tail` counts the bytes ever read and has one writer, the consumer.  Both
 *   wrap at 2^32; head - tail is what the ring holds and never exceeds its
 *   size, a power of two.
 * - Bytes are stored before head is released, and read after it is acquired,
 *   so a consumer never sees a byte that was not there; a producer that dies
 *   leaves whole what it had released.
 * - There is no lock: neither side can be held up by the death of the other.
 *
 * Waiting is asymmetric.  The worker sleeps on a futex (the counter that the
 * parent moves); the parent never sleeps here, it has its own doorbell
 * (shared.h).  The lost wake-up is excluded in the usual way: the sleeper sets
 * `waiting` and then looks at the counter again, the other side moves the
 * counter and then looks at `waiting`, with a full barrier between on both
 * sides.  Only the sleeper clears `waiting`: a waker that did might be late,
 * with news that the sleeper has seen already, and the next one would then
 * pass by.
 */
#ifndef TREEMILL_CHANNEL_H
#define TREEMILL_CHANNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lives in shared memory; the bytes are elsewhere in the same mapping. */
struct channel_ends {
    _Alignas(64) _Atomic uint32_t head;    /* writer: producer */
    _Alignas(64) _Atomic uint32_t tail;    /* writer: consumer */
    _Alignas(64) _Atomic uint32_t waiting; /* the worker sleeps; writer: it */
};

/* One process's view of a channel. */
struct channel {
    struct channel_ends *ends;
    unsigned char *bytes;
    uint32_t size; /* power of two */
};

/* Empties it.  Only while nobody uses the other end. */
void channel_reset(struct channel *c);

/* Bytes that can be read now (consumer) or written now (producer). */
uint32_t channel_used(const struct channel *c);
uint32_t channel_room(const struct channel *c);

/* Copies min(n, what there is) bytes out or in, and returns that count.  Does
 * not block and wakes nobody. */
uint32_t channel_read(struct channel *c, void *to, size_t n);
uint32_t channel_write(struct channel *c, const void *from, size_t n);

/* As channel_write of both parts, all or nothing: false when there is no room
 * for both.  The consumer sees them appear at once. */
bool channel_write2(struct channel *c, const void *a, size_t na, const void *b,
                    size_t nb);

/* The parent, after it has read or written: wakes the worker if it sleeps. */
void channel_wake(struct channel *c);

/* The worker: sleeps until there is a byte to read, or room for one.  Returns
 * after a signal as well, so callers look again. */
void channel_wait_used(struct channel *c);
void channel_wait_room(struct channel *c);

#endif
