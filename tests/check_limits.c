/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool at its limits: items and replies larger than a channel, budgets that
 * are exceeded, callers that are slow, numbers that wrap, processes that cannot
 * be had.
 */
#include "pooling.h"

#include <signal.h>
#include <time.h>

#include "libtreemill/pool.h"

static const struct kind one = {0, 1, 1, 0}, two = {0, 2, 4, 0};

static tmill_pool *make_limited(unsigned processes, size_t reply_budget,
                                int timeout_ms)
{
    tmill_pool *pool;
    tmill_attr attr = {.size = sizeof attr,
                       .processes = processes,
                       .reply_budget = reply_budget,
                       .timeout_ms = timeout_ms};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    return pool;
}

/* --- large items ---------------------------------------------------------- */

struct giants {
    size_t n, bytes;
    char *p;
};

static int giant_next(void *u, tmill_buf *item)
{
    struct giants *g = u;
    if (!g->n)
        return 0;
    memset(g->p, (int)g->n--, g->bytes);
    *item = (tmill_buf){g->p, g->bytes};
    return 1;
}

static int sum(tmill_ctx *ctx, const tmill_buf *arg, size_t nargs)
{
    (void)nargs;
    uint64_t total = 0;
    for (size_t i = 0; i < arg->n; i++)
        total += ((const unsigned char *)arg->p)[i];
    return tmill_reply(ctx, &total, sizeof total);
}

START_TEST(test_items_larger_than_the_channel)
{
    static const size_t sizes[] = {65535, 65536, 131072, 200000, 3000000};
    tmill_pool *pool = make_limited(2, 0, 0);
    struct giants g = {.n = 5, .bytes = sizes[_i], .p = malloc(sizes[_i])};
    tmill_iter *it;
    tmill_item item;
    tmill_opt opt = {.size = sizeof opt};
    ck_assert_int_eq(tmill_imap(pool, sum, giant_next, &g, &opt, &it), 0);
    for (uint64_t i = 0; i < 5; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_uint_eq(number(&item.out), sizes[_i] * (5 - i));
    }
    ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 0);
    finish(pool, it);
    free(g.p);
}
END_TEST

/* --- budgets -------------------------------------------------------------- */

START_TEST(test_budget_with_two_iterators)
{
    static const size_t budgets[] = {1, 100, 10000, 1000000};
    tmill_pool *pool = make_limited(2, budgets[_i], 0);
    struct range ra = {.n = 30}, rb = {.n = 30};
    tmill_iter *a = start(pool, &two, true, blob, &ra);
    tmill_iter *b = start(pool, &two, false, blob, &rb);
    tmill_item item;
    ck_assert_int_eq(tmill_next(b, &item, TMILL_FOREVER), 1);
    for (uint64_t i = 0; i < ra.n; i++) {
        ck_assert_int_eq(tmill_next(a, &item, 20000), 1);
        ck_assert_uint_eq(item.index, i);
    }
    for (uint64_t i = 1; i < rb.n; i++)
        ck_assert_int_eq(tmill_next(b, &item, 20000), 1);
    ck_assert_int_eq(tmill_next(a, &item, TMILL_FOREVER), 0);
    ck_assert_int_eq(tmill_next(b, &item, TMILL_FOREVER), 0);
    ck_assert_uint_eq(pool->held, 0);
    tmill_iter_free(b);
    finish(pool, a);
}
END_TEST

START_TEST(test_budget_beside_an_exhausted_iterator)
{
    const size_t budget = 1 << 20;
    tmill_pool *pool = make_limited(2, budget, 0);
    struct range none = {0}, range = {.n = 40};
    tmill_iter *idle = start(pool, &two, true, blob, &none);
    tmill_iter *it = start(pool, &two, true, blob, &range);
    tmill_item item;
    ck_assert_int_eq(tmill_next(idle, &item, TMILL_FOREVER), 0);
    for (uint64_t i = 0; i < range.n; i++) {
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        /* one outcome for each worker, and the one that we hold */
        ck_assert_uint_le(pool->held, budget + 3 * 40 * 32749);
    }
    tmill_iter_free(idle);
    finish(pool, it);
}
END_TEST

/* --- orphans -------------------------------------------------------------- */

START_TEST(test_large_reply_of_a_freed_iterator)
{
    tmill_pool *pool = make_limited(1, 1000, 0);
    struct range range = {.at = 20, .n = 21};
    tmill_iter *it = start(pool, &one, true, blob, &range);
    tmill_item item;
    ck_assert_int_eq(tmill_next(it, &item, 0), -ETIMEDOUT);
    tmill_iter_free(it);
    ck_assert_int_eq(tmill_pool_close(pool), 0);
    ck_assert_int_eq(tmill_pool_join(pool, 20000), 0);
    ck_assert_uint_eq(pool->held, 0);
    tmill_pool_destroy(pool);
    assert_no_child();
}
END_TEST

/* --- time ----------------------------------------------------------------- */

START_TEST(test_time_limit_is_for_the_item_not_its_caller)
{
    const int limit_ms = 100;
    tmill_pool *pool = make_limited(2, 1 << 20, limit_ms);
    struct range range = {.n = 40};
    struct kind wide = {0, 2, 4, 40};
    tmill_iter *it = start(pool, &wide, true, blob, &range);
    tmill_item item;
    struct timespec longer = {0, 2 * limit_ms * 1000000};
    for (uint64_t i = 0; i < range.n; i++) {
        if (i % 10 == 5)
            nanosleep(&longer, NULL); /* replies back up meanwhile */
        ck_assert_int_eq(tmill_next(it, &item, TMILL_FOREVER), 1);
        ck_assert_int_eq(item.why, TMILL_OK);
    }
    tmill_stats stats;
    tmill_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.deaths, 0);
    finish(pool, it);
}
END_TEST

/* --- numbers -------------------------------------------------------------- */

START_TEST(test_gate)
{
    static const uint32_t firsts[] = {0, 0x7ffffffe, 0xfffffffe};
    static struct slot slot;
    uint32_t first = firsts[_i];
    atomic_store(&slot.gate, (uint64_t)first << 32 | first);
    for (uint32_t n = 0; n < 4; n++)
        ck_assert(gate_begin(&slot, first + n));
    ck_assert_uint_eq(gate_started(&slot), first + 4);
    /* Ten were sent: six are taken back, and cannot begin; the next can. */
    ck_assert_uint_eq(gate_burn(&slot, first + 10), first + 4);
    for (uint32_t n = 4; n < 10; n++)
        ck_assert(!gate_begin(&slot, first + n));
    ck_assert(gate_begin(&slot, first + 10));
    ck_assert_uint_eq(gate_started(&slot), first + 11);
}
END_TEST

START_TEST(test_gate_after_two_thousand_million_items)
{
    static struct slot slot;
    for (uint64_t seq = 0; seq < UINT64_C(1) << 33; seq += 0x10000000)
        ck_assert(gate_begin(&slot, (uint32_t)seq));
}
END_TEST

START_TEST(test_channel_wraps)
{
    struct channel_ends ends;
    unsigned char bytes[16], out[16];
    struct channel c = {&ends, bytes, sizeof bytes};
    channel_reset(&c);
    atomic_store(&ends.head, UINT32_MAX - 5);
    atomic_store(&ends.tail, UINT32_MAX - 5);
    for (int round = 0; round < 40; round++) {
        ck_assert_uint_eq(channel_room(&c), 16);
        ck_assert_uint_eq(channel_write(&c, "0123456789", 10), 10);
        ck_assert(!channel_write2(&c, "abc", 3, "defg", 4));
        ck_assert_uint_eq(channel_used(&c), 10);
        ck_assert(channel_write2(&c, "abc", 3, "def", 3));
        ck_assert_uint_eq(channel_write(&c, "x", 1), 0);
        ck_assert_uint_eq(channel_read(&c, out, 7), 7);
        ck_assert_uint_eq(channel_read(&c, out + 7, 20), 9);
        ck_assert(memcmp(out, "0123456789abcdef", 16) == 0);
        ck_assert_uint_eq(channel_read(&c, out, 1), 0);
    }
}
END_TEST

/* --- processes ------------------------------------------------------------ */

START_TEST(test_polling_sees_a_killed_zygote)
{
    map_board();
    tmill_pool *pool = make_limited(2, 0, 0);
    struct range range = {.n = 2};
    tmill_iter *it = start(pool, &one, false, convoy, &range);
    tmill_item item;
    ck_assert_int_eq(tmill_next(it, &item, 20000), 1); /* the other waits */
    ck_assert_int_eq(kill(pool->zygote, SIGKILL), 0);
    int got, polls = 0;
    while ((got = tmill_next(it, &item, 0)) == -ETIMEDOUT && polls++ < 20000)
        usleep(500);
    ck_assert_int_eq(got, 1);
    ck_assert_int_eq(item.why, TMILL_EINIT);
    ck_assert_int_eq(item.err, -EPIPE);
    ck_assert_int_eq(tmill_next(it, &item, 0), 0);
    tmill_iter_free(it);
    tmill_pool_destroy(pool);
    assert_no_child();
}
END_TEST

static int init_crashes(tmill_ctx *ctx, void *u)
{
    (void)ctx, (void)u;
    _exit(9);
}

START_TEST(test_init_that_crashes_breaks_the_pool)
{
    tmill_pool *pool;
    tmill_attr attr = {
        .size = sizeof attr, .processes = 2, .init = init_crashes};
    ck_assert_int_eq(tmill_pool_create(&pool, &attr), 0);
    struct range endless = {.n = UINT64_MAX};
    tmill_iter *it = start(pool, &one, true, square, &endless);
    tmill_item item;
    int got;
    while ((got = tmill_next(it, &item, 30000)) == 1)
        ck_assert_int_eq(item.why, TMILL_EINIT);
    ck_assert_int_eq(got, -ECHILD);
    tmill_stats stats;
    tmill_pool_stats(pool, &stats);
    ck_assert_uint_le(stats.deaths, 60);
    tmill_iter_free(it);
    tmill_pool_destroy(pool);
    assert_no_child();
}
END_TEST

START_TEST(test_a_stopped_zygote_does_not_hold_destroy_up)
{
    tmill_pool *pool = make_limited(2, 0, 0);
    ck_assert_int_eq(kill(pool->zygote, SIGSTOP), 0);
    tmill_pool_destroy(pool);
    assert_no_child();
}
END_TEST

/* -------------------------------------------------------------------------- */

static Suite *limits_suite(void)
{
    Suite *s = suite_create("limits");
    TCase *c = tcase_create("limits");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, test_items_larger_than_the_channel, 0, 5);
    tcase_add_loop_test(c, test_budget_with_two_iterators, 0, 4);
    tcase_add_test(c, test_budget_beside_an_exhausted_iterator);
    tcase_add_test(c, test_large_reply_of_a_freed_iterator);
    tcase_add_test(c, test_time_limit_is_for_the_item_not_its_caller);
    tcase_add_loop_test(c, test_gate, 0, 3);
    tcase_add_test(c, test_gate_after_two_thousand_million_items);
    tcase_add_test(c, test_channel_wraps);
    tcase_add_test(c, test_polling_sees_a_killed_zygote);
    tcase_add_test(c, test_init_that_crashes_breaks_the_pool);
    tcase_add_test(c, test_a_stopped_zygote_does_not_hold_destroy_up);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    return run_suite(limits_suite());
}
