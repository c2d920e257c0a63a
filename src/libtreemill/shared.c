/* SPDX-License-Identifier: BSD-2-Clause */
#include "libtreemill/shared.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/io.h"

static uint64_t gate_pack(uint32_t started, uint32_t burnt)
{
    return (uint64_t)burnt << 32 | started;
}

/* `burnt` moves along: left behind, it would be ahead one day (wrap-around). */
bool gate_begin(struct slot *slot, uint32_t seq)
{
    uint64_t g = atomic_load(&slot->gate);
    do {
        if (seq_before(seq, (uint32_t)(g >> 32)))
            return false;
    } while (!atomic_compare_exchange_weak(&slot->gate, &g,
                                           gate_pack(seq + 1, seq)));
    return true;
}

uint32_t gate_burn(struct slot *slot, uint32_t sent)
{
    uint64_t g = atomic_load(&slot->gate);
    while (!atomic_compare_exchange_weak(&slot->gate, &g,
                                         gate_pack((uint32_t)g, sent)))
        ;
    return (uint32_t)g;
}

uint32_t gate_started(const struct slot *slot)
{
    return (uint32_t)atomic_load_explicit(&slot->gate, memory_order_acquire);
}

static size_t page_up(size_t n)
{
    return (n + 4095) & ~(size_t)4095;
}

static int new_eventfd(void)
{
    return io_above_stdio(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
}

int shared_init(struct shared *s, unsigned nslots)
{
    *s = (struct shared){.nslots = nslots, .bell_fd = -1, .command_fd = -1};
    size_t head = page_up(sizeof *s->slots + nslots * sizeof *s->slots);
    s->length = head + (size_t)nslots * (TASK_BYTES + REPLY_BYTES);

    void *p = mmap(NULL, s->length, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED)
        return -errno;
    s->board = p;
    /* The board takes a slot's place, for its alignment. */
    s->slots = (struct slot *)p + 1;
    s->bytes = (unsigned char *)p + head;

    s->bell_fd = new_eventfd();
    s->command_fd = s->bell_fd < 0 ? -1 : new_eventfd();
    if (s->command_fd < 0) {
        int err = -errno;
        shared_destroy(s);
        return err;
    }
    return 0;
}

void shared_destroy(struct shared *s)
{
    io_close(&s->command_fd);
    io_close(&s->bell_fd);
    if (s->board)
        munmap(s->board, s->length);
    s->board = NULL;
}

struct channel shared_tasks(const struct shared *s, unsigned slot)
{
    size_t at = (size_t)slot * (TASK_BYTES + REPLY_BYTES);
    return (struct channel){&s->slots[slot].tasks, s->bytes + at, TASK_BYTES};
}

struct channel shared_replies(const struct shared *s, unsigned slot)
{
    size_t at = (size_t)slot * (TASK_BYTES + REPLY_BYTES) + TASK_BYTES;
    return (struct channel){&s->slots[slot].replies, s->bytes + at,
                            REPLY_BYTES};
}

static void post(int fd)
{
    /* Cannot block: it fails (EAGAIN) only at 2^64 - 2, when it is readable
     * anyway. */
    ssize_t put = write(fd, &(uint64_t){1}, sizeof(uint64_t));
    (void)put;
}

void shared_ring(const struct shared *s)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (atomic_load_explicit(&s->board->asleep, memory_order_relaxed) &&
        atomic_exchange(&s->board->asleep, 0))
        post(s->bell_fd);
}

void shared_command(const struct shared *s)
{
    post(s->command_fd);
}

void shared_clear(int fd)
{
    uint64_t count;
    ssize_t got = read(fd, &count, sizeof count);
    (void)got; /* EAGAIN: it was empty */
}

void slot_reset(const struct shared *s, unsigned slot)
{
    struct channel tasks = shared_tasks(s, slot);
    struct channel replies = shared_replies(s, slot);
    channel_reset(&tasks);
    channel_reset(&replies);
    atomic_store(&s->slots[slot].gate, 0);
    atomic_store(&s->slots[slot].ended, 0);
    atomic_store(&s->slots[slot].stop, 0);
    atomic_store(&s->slots[slot].signal, 0);
    atomic_store(&s->slots[slot].init_error, 0);
}
