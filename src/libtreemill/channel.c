/* SPDX-License-Identifier: BSD-2-Clause */
#include "libtreemill/channel.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The futex is shared between processes, hence without FUTEX_PRIVATE_FLAG. */
static void futex_wait(_Atomic uint32_t *word, uint32_t expected)
{
    syscall(SYS_futex, word, FUTEX_WAIT, expected, NULL, NULL, 0);
}

static void futex_wake(_Atomic uint32_t *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void channel_reset(struct channel *c)
{
    atomic_store(&c->ends->head, 0);
    atomic_store(&c->ends->tail, 0);
    atomic_store(&c->ends->waiting, 0);
}

uint32_t channel_used(const struct channel *c)
{
    return atomic_load_explicit(&c->ends->head, memory_order_acquire) -
           atomic_load_explicit(&c->ends->tail, memory_order_acquire);
}

uint32_t channel_room(const struct channel *c)
{
    return c->size - channel_used(c);
}

static void copy_out(const struct channel *c, uint32_t at, void *to, uint32_t n)
{
    uint32_t i = at & (c->size - 1);
    uint32_t first = c->size - i < n ? c->size - i : n;
    memcpy(to, c->bytes + i, first);
    memcpy((unsigned char *)to + first, c->bytes, n - first);
}

static void copy_in(struct channel *c, uint32_t at, const void *from,
                    uint32_t n)
{
    uint32_t i = at & (c->size - 1);
    uint32_t first = c->size - i < n ? c->size - i : n;
    memcpy(c->bytes + i, from, first);
    memcpy(c->bytes, (const unsigned char *)from + first, n - first);
}

uint32_t channel_read(struct channel *c, void *to, size_t n)
{
    uint32_t used = channel_used(c);
    uint32_t take = n < used ? (uint32_t)n : used;
    if (!take)
        return 0;
    uint32_t tail = atomic_load_explicit(&c->ends->tail, memory_order_relaxed);
    copy_out(c, tail, to, take);
    atomic_store_explicit(&c->ends->tail, tail + take, memory_order_release);
    return take;
}

uint32_t channel_write(struct channel *c, const void *from, size_t n)
{
    uint32_t room = channel_room(c);
    uint32_t put = n < room ? (uint32_t)n : room;
    if (!put)
        return 0;
    uint32_t head = atomic_load_explicit(&c->ends->head, memory_order_relaxed);
    copy_in(c, head, from, put);
    atomic_store_explicit(&c->ends->head, head + put, memory_order_release);
    return put;
}

bool channel_write2(struct channel *c, const void *a, size_t na, const void *b,
                    size_t nb)
{
    uint32_t room = channel_room(c);
    if (na > room || nb > room - na)
        return false;
    uint32_t head = atomic_load_explicit(&c->ends->head, memory_order_relaxed);
    copy_in(c, head, a, (uint32_t)na);
    if (nb)
        copy_in(c, head + (uint32_t)na, b, (uint32_t)nb);
    atomic_store_explicit(&c->ends->head, head + (uint32_t)(na + nb),
                          memory_order_release);
    return true;
}

void channel_wake(struct channel *c)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load_explicit(&c->ends->waiting, memory_order_relaxed))
        return;
    /* It sleeps on one of the two; waking the other finds nobody. */
    futex_wake(&c->ends->head);
    futex_wake(&c->ends->tail);
}

void channel_wait_used(struct channel *c)
{
    atomic_store(&c->ends->waiting, 1);
    uint32_t head = atomic_load(&c->ends->head);
    if (head == atomic_load(&c->ends->tail))
        futex_wait(&c->ends->head, head);
    atomic_store(&c->ends->waiting, 0);
}

void channel_wait_room(struct channel *c)
{
    atomic_store(&c->ends->waiting, 1);
    uint32_t tail = atomic_load(&c->ends->tail);
    if (atomic_load(&c->ends->head) - tail == c->size)
        futex_wait(&c->ends->tail, tail);
    atomic_store(&c->ends->waiting, 0);
}
